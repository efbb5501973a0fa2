//! What a provider charges (functional element FE-9), in exact integers.

use crate::ids::ClassId;

/// Prices in millionths of the currency.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Price {
    /// Of a key.
    pub per_key: u64,
    /// Of a megabit of key.
    pub per_mbit: u64,
}

/// A provider's tariff.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tariff {
    /// The currency.
    pub currency: String,
    /// By class.
    pub prices: Vec<Price>,
    /// On top of a megabit that crossed the border \[millionths of the currency\].
    pub border_surcharge_per_mbit: u64,
}

/// What key is worth, in 10⁻¹² of a currency: a price in millionths per megabit is that per bit, so that nothing is ever
/// rounded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Amount(pub u128);

impl Tariff {
    /// What keys of a class cost.
    pub fn rate(&self, class: ClassId, keys: u64, bits: u64, crossed: bool) -> Amount {
        let price = self.prices.get(class.0 as usize).copied().unwrap_or_default();
        let surcharge = if crossed {
            self.border_surcharge_per_mbit
        } else {
            0
        };
        let by_key = u128::from(keys) * u128::from(price.per_key) * 1_000_000;
        let by_bit = u128::from(bits) * (u128::from(price.per_mbit) + u128::from(surcharge));
        Amount(by_key + by_bit)
    }
}

impl std::ops::AddAssign for Amount {
    fn add_assign(&mut self, other: Amount) {
        self.0 += other.0;
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, rest) = (self.0 / 1_000_000_000_000, self.0 % 1_000_000_000_000);
        write!(f, "{whole}.{rest:012}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows FE-9: by key, by megabit, and on top of what crossed the border; nothing is rounded.
    #[test]
    fn keys_are_rated_exactly() {
        let tariff = Tariff {
            currency: "EUR".to_owned(),
            prices: vec![
                Price::default(),
                Price {
                    per_key: 250_000,
                    per_mbit: 2_000_000,
                },
            ],
            border_surcharge_per_mbit: 1_000_000,
        };
        assert_eq!(tariff.rate(ClassId(0), 9, 900, false), Amount(0));
        let inside = tariff.rate(ClassId(1), 2, 512, false);
        assert_eq!(inside.to_string(), "0.501024000000");
        let across = tariff.rate(ClassId(1), 2, 512, true);
        assert_eq!(across.to_string(), "0.501536000000");
    }
}
