//! Numbers as people read them: four digits, and a prefix that suits the size.

/// A scale on which the values of one row are shown together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    factor: f64,
    unit: &'static str,
}

const TIMES: [Scale; 4] = [
    scale(1.0, "s"),
    scale(1e-3, "ms"),
    scale(1e-6, "us"),
    scale(1e-9, "ns"),
];
const RATES: [Scale; 4] = [
    scale(1e9, "Gbit/s"),
    scale(1e6, "Mbit/s"),
    scale(1e3, "kbit/s"),
    scale(1.0, "bit/s"),
];
const BITS: [Scale; 4] = [
    scale(1e9, "Gbit"),
    scale(1e6, "Mbit"),
    scale(1e3, "kbit"),
    scale(1.0, "bit"),
];
const BYTES: [Scale; 4] = [
    scale(1e9, "GB"),
    scale(1e6, "MB"),
    scale(1e3, "kB"),
    scale(1.0, "byte"),
];
const PLAIN: Scale = scale(1.0, "");

const fn scale(factor: f64, unit: &'static str) -> Scale {
    Scale { factor, unit }
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

impl Scale {
    /// The scale for values of `unit` of which `largest` is the largest: the one that leaves at least one
    /// digit before the point. A unit without prefixes is plain.
    pub fn of(unit: &str, largest: f64) -> Scale {
        let scales: &[Scale] = match unit {
            "s" => &TIMES,
            "bit/s" => &RATES,
            "bit" => &BITS,
            "byte" => &BYTES,
            _ => return PLAIN,
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
    pub fn name(self) -> &'static str {
        if self.unit.is_empty() { "1" } else { self.unit }
    }

    /// The number alone: `12.35`. Whole numbers without a prefix, such as counts, stand in full.
    pub fn number(self, value: f64) -> String {
        if self.unit.is_empty() && value.fract() == 0.0 && value.abs() < 1e9 {
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
        ] {
            assert_eq!(Scale::of(unit, value).quantity(value), expected);
        }
    }
}
