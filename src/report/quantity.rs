//! Numbers as people read them: four digits, and a prefix that suits the size.

/// A scale on which the values of one row are shown together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale<'a> {
    factor: f64,
    unit: &'a str,
    /// The unit is a currency.
    money: bool,
}

const TIMES: [Scale<'_>; 4] = [
    scale(1.0, "s"),
    scale(1e-3, "ms"),
    scale(1e-6, "us"),
    scale(1e-9, "ns"),
];
const RATES: [Scale<'_>; 4] = [
    scale(1e9, "Gbit/s"),
    scale(1e6, "Mbit/s"),
    scale(1e3, "kbit/s"),
    scale(1.0, "bit/s"),
];
const BITS: [Scale<'_>; 4] = [
    scale(1e9, "Gbit"),
    scale(1e6, "Mbit"),
    scale(1e3, "kbit"),
    scale(1.0, "bit"),
];
const BYTES: [Scale<'_>; 4] = [
    scale(1e9, "GB"),
    scale(1e6, "MB"),
    scale(1e3, "kB"),
    scale(1.0, "byte"),
];
const PLAIN: Scale<'_> = scale(1.0, "");

const fn scale(factor: f64, unit: &str) -> Scale<'_> {
    Scale {
        factor,
        unit,
        money: false,
    }
}

/// From where to where a metric's values go: an interval of its mean may lie farther out.
pub fn range_of(metric: &str) -> [f64; 2] {
    match metric {
        "served_share" | "kkdlr" | "kkder" | "availability" => [0.0, 1.0],
        // Stores may also rise.
        "drawdown_bits" => [f64::NEG_INFINITY, f64::INFINITY],
        _ => [0.0, f64::INFINITY],
    }
}

/// A number in full, its thousands apart: `1,240,000`; cents where it has some.
pub fn grouped(value: f64) -> String {
    let decimals = if value.fract() == 0.0 { 0 } else { 2 };
    let text = format!("{:.decimals$}", value.abs());
    let (whole, cents) = text.split_once('.').unwrap_or((&text, ""));
    let mut apart = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let point = if cents.is_empty() { "" } else { "." };
    format!("{sign}{apart}{point}{cents}")
}

/// An amount of money: `1,240,000 EUR`.
pub fn money(amount: f64, currency: &str) -> String {
    format!("{} {currency}", grouped(amount)).trim_end().to_owned()
}

impl<'a> Scale<'a> {
    /// The scale for values of `unit` of which `largest` is the largest: the one that leaves at least one
    /// digit before the point. A number without a unit is plain; what is none of a metric's units is a currency.
    pub fn of(unit: &'a str, largest: f64) -> Scale<'a> {
        let scales: &'static [Scale<'static>] = match unit {
            "s" => &TIMES,
            "bit/s" => &RATES,
            "bit" => &BITS,
            "byte" => &BYTES,
            "" | "1" => return PLAIN,
            currency => {
                return Scale {
                    factor: 1.0,
                    unit: currency,
                    money: true,
                };
            }
        };
        let largest = largest.abs();
        if largest == 0.0 {
            // Nothing has the plain unit.
            return scales
                .iter()
                .copied()
                .find(|scale| scale.unit == unit)
                .unwrap_or(scales[0]);
        }
        let suits = |scale: &&Scale| largest >= scale.factor;
        scales
            .iter()
            .find(suits)
            .copied()
            .unwrap_or(scales[scales.len() - 1])
    }

    /// What a number is divided by.
    pub fn factor(self) -> f64 {
        self.factor
    }

    /// The unit's name; 1 where there is none.
    pub fn name(self) -> &'a str {
        if self.unit.is_empty() { "1" } else { self.unit }
    }

    /// The number alone: `12.35`. Whole numbers without a prefix, such as counts, stand in full, and so does money.
    pub fn number(self, value: f64) -> String {
        if self.money {
            grouped(value)
        } else if self.unit.is_empty() && value.fract() == 0.0 && value.abs() < 1e9 {
            format!("{value:.0}")
        } else {
            digits(value / self.factor)
        }
    }

    /// The number with its unit: `12.35 ms`.
    pub fn quantity(self, value: f64) -> String {
        if self.unit.is_empty() {
            self.number(value)
        } else {
            format!("{} {}", self.number(value), self.unit)
        }
    }
}

/// Four significant digits.
fn digits(value: f64) -> String {
    // Rounded first: 9.9999 is 10.00, not 10.000.
    let rounded = format!("{value:.3e}");
    let exponent: i32 = rounded
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse().ok())
        .unwrap_or(0);
    if value == 0.0 {
        "0".to_owned()
    } else if (-4..7).contains(&exponent) {
        let decimals = (3 - exponent).max(0) as usize;
        format!("{value:.decimals$}")
    } else {
        rounded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_digits() {
        for (value, expected) in [
            (0.0, "0"),
            (3.0, "3.000"),
            (-12.0, "-12.00"),
            (9.999_96, "10.00"),
            (0.123_456, "0.1235"),
            (12.345_6, "12.35"),
            (1_234.56, "1235"),
            (0.000_123_4, "0.0001234"),
            (0.000_012_345, "1.234e-5"),
            (123_456_789.0, "1.235e8"),
        ] {
            assert_eq!(digits(value), expected);
        }
    }

    #[test]
    fn prefixes() {
        for (unit, value, expected) in [
            ("s", 0.012_345, "12.35 ms"),
            ("s", 2.5, "2.500 s"),
            ("s", 4.2e-7, "420.0 ns"),
            ("s", 3e-10, "0.3000 ns"),
            ("s", 0.0, "0 s"),
            ("bit/s", 1.5e6, "1.500 Mbit/s"),
            ("bit", 2048.0, "2.048 kbit"),
            ("byte", 100.0, "100.0 byte"),
            ("byte", 0.0, "0 byte"),
            ("1", 0.5, "0.5000"),
            ("1", -1_234_567.0, "-1234567"),
            ("EUR", 1_240_000.0, "1,240,000 EUR"),
            ("EUR", -999.5, "-999.50 EUR"),
            ("EUR", 0.0, "0 EUR"),
        ] {
            assert_eq!(Scale::of(unit, value).quantity(value), expected);
        }
    }
}
