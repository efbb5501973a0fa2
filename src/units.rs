//! Quantities with units that parse from text and print again: `"5 km"`, `"128 kbit"`, `"20 /s"`.
//!
//! Text is read by exact decimal arithmetic; no float is involved. Each quantity is a whole number of its base
//! unit, and a text that is not whole in it (`"0.5 bit"`) is refused, never rounded.
//!
//! | type | base unit | units that may be written |
//! |---|---|---|
//! | [`Bits`] | bit | bit, kbit, Mbit, Gbit (powers of 1000); B, kB, MB, GB (8 bit, powers of 1000); KiB, MiB, GiB (8 bit, powers of 1024) |
//! | [`BitRate`] | bit/s | bit/s, kbit/s, Mbit/s, Gbit/s |
//! | [`Metres`] | m | m, km |
//! | [`Decibels`] | 10⁻⁹ dB | dB |
//! | [`DecibelsPerKm`] | 10⁻⁹ dB/km | dB/km |
//! | [`Span`](crate::kernel::time::Span) | ns | ns, us (or µs), ms, s, min, h, d |
//! | [`Frequency`] | Hz | Hz, kHz, MHz, GHz |
//! | [`Rate`] | 10⁻⁶ per day | /s, /min, /h, /d |
//! | [`Fraction`] | 10⁻⁹ | %, or a bare number from 0 to 1 |

use std::fmt;
use std::str::FromStr;

/// A number of things: "1 site", "2 sites".
pub fn counted(count: impl Into<u64>, thing: &str) -> String {
    let count = count.into();
    let end = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{end}")
}

/// Why a text is not a quantity. Its `Display` is the message, [`UnitError::hint`] what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitError {
    /// A number without a unit.
    MissingUnit {
        /// The number as written.
        number: String,
        /// The unit that is most likely meant.
        usual: &'static str,
    },
    /// A unit that this quantity does not have.
    UnknownUnit {
        /// The unit as written.
        unit: String,
        /// All units of the quantity.
        known: Vec<&'static str>,
    },
    /// The text does not begin with a number.
    NotANumber {
        /// The text as written.
        text: String,
        /// A text that would do.
        example: &'static str,
    },
    /// A number below zero.
    Negative {
        /// The text as written.
        text: String,
    },
    /// Not a whole number of base units.
    NotWhole {
        /// The text as written.
        text: String,
        /// The base unit.
        base: &'static str,
    },
    /// More than the type can hold.
    TooLarge {
        /// The text as written.
        text: String,
    },
    /// Outside the range of the quantity.
    OutOfRange {
        /// The text as written.
        text: String,
        /// The range in words.
        range: &'static str,
    },
}

impl UnitError {
    /// A short fixed name of the kind of mistake.
    pub fn code(&self) -> &'static str {
        match self {
            UnitError::MissingUnit { .. } => "missing_unit",
            UnitError::UnknownUnit { .. } => "unknown_unit",
            UnitError::NotANumber { .. } => "not_a_quantity",
            UnitError::Negative { .. } => "negative",
            UnitError::NotWhole { .. } => "not_whole",
            UnitError::TooLarge { .. } => "too_large_number",
            UnitError::OutOfRange { .. } => "out_of_range",
        }
    }

    /// What to write instead.
    pub fn hint(&self) -> String {
        match self {
            UnitError::MissingUnit { number, usual } => format!("write \"{number} {usual}\""),
            UnitError::UnknownUnit { known, .. } => format!("units are {}", known.join(", ")),
            UnitError::NotANumber { example, .. } => format!("write it like \"{example}\""),
            UnitError::Negative { .. } => "write a number that is not below 0".to_owned(),
            UnitError::NotWhole { base, .. } => format!("write a whole number of {base}"),
            UnitError::TooLarge { .. } => "write a smaller number".to_owned(),
            UnitError::OutOfRange { range, .. } => format!("write a number {range}"),
        }
    }
}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnitError::MissingUnit { number, .. } => write!(f, "{number} has no unit"),
            UnitError::UnknownUnit { unit, .. } => write!(f, "unknown unit \"{unit}\""),
            UnitError::NotANumber { text, .. } => write!(f, "\"{text}\" is not a quantity"),
            UnitError::Negative { text } => write!(f, "\"{text}\" is below zero"),
            UnitError::NotWhole { text, base } => write!(f, "\"{text}\" is not a whole number of {base}"),
            UnitError::TooLarge { text } => write!(f, "\"{text}\" is too large"),
            UnitError::OutOfRange { text, range } => write!(f, "{text} is not {range}"),
        }
    }
}

impl std::error::Error for UnitError {}

/// A quantity that is a whole number of its base unit and can be written with several units.
pub trait Quantity: Copy + fmt::Display {
    /// What the quantity is, in words.
    const WHAT: &'static str;
    /// The base unit, in words.
    const BASE: &'static str;
    /// Unit names with their size in base units.
    const UNITS: &'static [(&'static str, u64)];
    /// The unit that a bare number most likely lacks.
    const USUAL: &'static str;
    /// A text that is right.
    const EXAMPLE: &'static str;
    /// From base units.
    fn from_base(base: u64) -> Self;

    /// Reads a text such as `"0.25 ms"`; the space before the unit may be left out.
    ///
    /// # Errors
    /// What is wrong with the text.
    fn parse(text: &str) -> Result<Self, UnitError> {
        let trimmed = text.trim();
        let (number, rest) = split_number(trimmed);
        let Some(decimal) = Decimal::parse(number) else {
            return Err(UnitError::NotANumber {
                text: text.to_owned(),
                example: Self::EXAMPLE,
            });
        };
        let unit = rest.trim();
        if unit.is_empty() {
            return Err(UnitError::MissingUnit {
                number: number.to_owned(),
                usual: Self::USUAL,
            });
        }
        let unit_name = if unit == "µs" || unit == "μs" {
            "us"
        } else {
            unit
        };
        let Some(&(_, size)) = Self::UNITS.iter().find(|(name, _)| *name == unit_name) else {
            return Err(UnitError::UnknownUnit {
                unit: unit.to_owned(),
                known: Self::UNITS.iter().map(|(name, _)| *name).collect(),
            });
        };
        if decimal.negative && decimal.digits != 0 {
            return Err(UnitError::Negative {
                text: text.to_owned(),
            });
        }
        match decimal.times(size) {
            Scaled::Whole(base) => Ok(Self::from_base(base)),
            Scaled::NotWhole => Err(UnitError::NotWhole {
                text: text.to_owned(),
                base: Self::BASE,
            }),
            Scaled::TooLarge => Err(UnitError::TooLarge {
                text: text.to_owned(),
            }),
        }
    }
}

/// Splits a text behind its leading number (which may be empty).
fn split_number(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let mut end = 0;
    while end < bytes.len() {
        let byte = bytes[end];
        let exponent = (byte == b'e' || byte == b'E')
            && end > 0
            && bytes[end - 1].is_ascii_digit()
            && bytes
                .get(end + 1)
                .is_some_and(|next| next.is_ascii_digit() || *next == b'-' || *next == b'+');
        let sign = (byte == b'-' || byte == b'+') && (end == 0 || matches!(bytes[end - 1], b'e' | b'E'));
        if byte.is_ascii_digit() || byte == b'.' || exponent || sign {
            end += 1;
        } else {
            break;
        }
    }
    text.split_at(end)
}

/// An exact decimal number: digits × 10^exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: u128,
    exponent: i32,
}

/// What a decimal number times a unit is.
enum Scaled {
    Whole(u64),
    NotWhole,
    TooLarge,
}

impl Decimal {
    fn parse(text: &str) -> Option<Decimal> {
        let (negative, text) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, mut exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text, 0),
        };
        if exponent.abs() > 1000 {
            return None;
        }
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() || (mantissa.contains('.') && part.is_empty()) {
            return None;
        }
        let part = part.trim_end_matches('0');
        let mut digits = 0_u128;
        for digit in whole.bytes().chain(part.bytes()) {
            if !digit.is_ascii_digit() {
                return None;
            }
            digits = digits.checked_mul(10)?.checked_add(u128::from(digit - b'0'))?;
        }
        exponent -= i32::try_from(part.len()).ok()?;
        Some(Decimal {
            negative,
            digits,
            exponent,
        })
    }

    fn times(self, size: u64) -> Scaled {
        let Some(mut value) = self.digits.checked_mul(u128::from(size)) else {
            return Scaled::TooLarge;
        };
        for _ in 0..self.exponent.unsigned_abs() {
            if value == 0 {
                break;
            }
            if self.exponent > 0 {
                match value.checked_mul(10) {
                    Some(more) => value = more,
                    None => return Scaled::TooLarge,
                }
            } else if value % 10 == 0 {
                value /= 10;
            } else {
                return Scaled::NotWhole;
            }
        }
        u64::try_from(value).map_or(Scaled::TooLarge, Scaled::Whole)
    }
}

/// Prints `base` with the unit of `units` that needs the fewest characters, exactly; the first of equals.
fn print(f: &mut fmt::Formatter<'_>, base: u64, units: &[(&str, u64)]) -> fmt::Result {
    let text = units
        .iter()
        .filter(|(_, size)| base.is_multiple_of(*size) && (base != 0 || *size == 1))
        .map(|(name, size)| format!("{} {name}", base / size))
        .min_by_key(String::len)
        .unwrap_or_else(|| format!("0 {}", units.last().map_or("", |(name, _)| name)));
    f.pad(&text)
}

/// Prints a fixed-point number of `scale` digits behind the point without needless zeros.
fn print_fixed(f: &mut fmt::Formatter<'_>, base: u64, scale: u32, unit: &str) -> fmt::Result {
    let one = 10_u64.pow(scale);
    let whole = base / one;
    let part = format!("{:0width$}", base % one, width = scale as usize);
    let part = part.trim_end_matches('0');
    let text = if part.is_empty() {
        format!("{whole}{unit}")
    } else {
        format!("{whole}.{part}{unit}")
    };
    f.pad(&text)
}

macro_rules! quantities {
    ($($(#[$doc:meta])* $name:ident: $what:literal, $base:literal, $usual:literal, $example:literal,
       [$(($unit:literal, $size:expr)),* $(,)?];)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
        pub struct $name(pub u64);

        impl $name {
            /// None of it.
            pub const ZERO: $name = $name(0);
        }

        impl Quantity for $name {
            const WHAT: &'static str = $what;
            const BASE: &'static str = $base;
            const UNITS: &'static [(&'static str, u64)] = &[$(($unit, $size)),*];
            const USUAL: &'static str = $usual;
            const EXAMPLE: &'static str = $example;
            fn from_base(base: u64) -> Self {
                $name(base)
            }
        }

        impl FromStr for $name {
            type Err = UnitError;
            fn from_str(text: &str) -> Result<Self, UnitError> {
                Self::parse(text)
            }
        }
    )*};
}

quantities! {
    /// An amount of key or of data \[bit\].
    Bits: "an amount of bits", "bits", "bit", "128 kbit",
        [("bit", 1), ("kbit", 1_000), ("Mbit", 1_000_000), ("Gbit", 1_000_000_000),
         ("B", 8), ("kB", 8_000), ("MB", 8_000_000), ("GB", 8_000_000_000),
         ("KiB", 8 << 10), ("MiB", 8 << 20), ("GiB", 8 << 30)];
    /// A rate of bits \[bit/s\].
    BitRate: "a bit rate", "bit/s", "kbit/s", "20 kbit/s",
        [("bit/s", 1), ("kbit/s", 1_000), ("Mbit/s", 1_000_000), ("Gbit/s", 1_000_000_000)];
    /// A length \[m\].
    Metres: "a length", "metres", "km", "7.8 km", [("m", 1), ("km", 1_000)];
    /// A loss \[10⁻⁹ dB\].
    Decibels: "a loss", "10⁻⁹ dB", "dB", "3.0 dB", [("dB", 1_000_000_000)];
    /// An attenuation \[10⁻⁹ dB/km\].
    DecibelsPerKm: "an attenuation", "10⁻⁹ dB/km", "dB/km", "0.2 dB/km", [("dB/km", 1_000_000_000)];
    /// A frequency \[Hz\].
    Frequency: "a frequency", "hertz", "GHz", "1 GHz",
        [("Hz", 1), ("kHz", 1_000), ("MHz", 1_000_000), ("GHz", 1_000_000_000)];
    /// A rate of events \[10⁻⁶ per day\]: a unit in which a rate per second, minute or hour is whole.
    Rate: "a rate of events", "10⁻⁶ per day", "/s", "20 /s",
        [("/s", 86_400_000_000), ("/min", 1_440_000_000), ("/h", 24_000_000), ("/d", 1_000_000)];
}

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Bytes are read but not printed: 128 kbit should not come back as 16 kB.
        const PRINTED: &[(&str, u64)] = &[
            ("bit", 1),
            ("kbit", 1_000),
            ("Mbit", 1_000_000),
            ("Gbit", 1_000_000_000),
            ("KiB", 8 << 10),
            ("MiB", 8 << 20),
            ("GiB", 8 << 30),
        ];
        print(f, self.0, PRINTED)
    }
}

impl fmt::Display for BitRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, self.0, Self::UNITS)
    }
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, self.0, Self::UNITS)
    }
}

impl fmt::Display for Metres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= 1_000 {
            print_fixed(f, self.0, 3, " km")
        } else {
            print_fixed(f, self.0, 0, " m")
        }
    }
}

impl fmt::Display for Decibels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_fixed(f, self.0, 9, " dB")
    }
}

impl fmt::Display for DecibelsPerKm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_fixed(f, self.0, 9, " dB/km")
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Per second if that is whole in 10⁻⁶ per second, else with the shortest unit in which it is whole.
        if self.0.is_multiple_of(86_400) {
            return print_fixed(f, self.0 / 86_400, 6, " /s");
        }
        match Self::UNITS.iter().find(|(_, size)| self.0.is_multiple_of(*size)) {
            Some((name, size)) => f.pad(&format!("{} {name}", self.0 / size)),
            None => print_fixed(f, self.0, 6, " /d"),
        }
    }
}

impl Bits {
    /// This part of the amount \[bit\], rounded down.
    #[must_use]
    pub fn part(self, fraction: Fraction) -> Bits {
        Bits(scale(self.0, fraction.0, Fraction::ONE.0))
    }
}

impl Metres {
    /// This part of the length \[m\], rounded down.
    #[must_use]
    pub fn part(self, fraction: Fraction) -> Metres {
        Metres(scale(self.0, fraction.0, Fraction::ONE.0))
    }
}

impl Decibels {
    /// The loss as a number \[dB\].
    pub fn as_db(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The loss up to `at` metres of a duct of `length` that loses `self` in all, split by length and rounded
    /// down: the pieces of a duct lose exactly what the duct loses.
    #[must_use]
    pub fn up_to(self, at: Metres, length: Metres) -> Decibels {
        if length.0 == 0 {
            return if at.0 == 0 { Decibels::ZERO } else { self };
        }
        Decibels(scale(self.0, at.0, length.0))
    }
}

impl DecibelsPerKm {
    /// The loss of that much fibre, rounded down to 10⁻⁹ dB.
    pub fn over(self, length: Metres) -> Decibels {
        Decibels(scale(self.0, length.0, 1_000))
    }
}

impl Rate {
    /// Events per second \[1/s\].
    pub fn per_second(self) -> f64 {
        self.0 as f64 / 86_400_000_000.0
    }

    /// Events in that time \[ns\], rounded up.
    pub fn events_in_ns(self, span_ns: u64) -> u64 {
        let events = (u128::from(self.0) * u128::from(span_ns)).div_ceil(86_400_000_000 * 1_000_000_000);
        u64::try_from(events).unwrap_or(u64::MAX)
    }
}

/// value × numerator / denominator without overflow in between, rounded down; saturates.
fn scale(value: u64, numerator: u64, denominator: u64) -> u64 {
    u64::try_from(u128::from(value) * u128::from(numerator) / u128::from(denominator)).unwrap_or(u64::MAX)
}

/// A part of a whole, from 0 to 1 \[10⁻⁹\].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Fraction(pub u64);

impl Fraction {
    /// Nothing.
    pub const ZERO: Fraction = Fraction(0);
    /// One half.
    pub const HALF: Fraction = Fraction(500_000_000);
    /// The whole.
    pub const ONE: Fraction = Fraction(1_000_000_000);

    /// What is left of the whole.
    #[must_use]
    pub fn rest(self) -> Fraction {
        Fraction(Self::ONE.0 - self.0)
    }

    /// As a number.
    pub fn as_number(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl FromStr for Fraction {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let trimmed = text.trim();
        let (number, unit) = split_number(trimmed);
        let (Some(decimal), size) = (Decimal::parse(number), if unit.trim() == "%" { 7 } else { 9 }) else {
            return Err(UnitError::NotANumber {
                text: text.to_owned(),
                example: "0.5",
            });
        };
        if !matches!(unit.trim(), "" | "%") {
            return Err(UnitError::UnknownUnit {
                unit: unit.trim().to_owned(),
                known: vec!["%", "or none"],
            });
        }
        let out = UnitError::OutOfRange {
            text: text.to_owned(),
            range: "from 0 to 1",
        };
        if decimal.negative && decimal.digits != 0 {
            return Err(out);
        }
        match decimal.times(10_u64.pow(size)) {
            Scaled::Whole(base) if base <= Self::ONE.0 => Ok(Fraction(base)),
            Scaled::NotWhole => Err(UnitError::NotWhole {
                text: text.to_owned(),
                base: "10⁻⁹",
            }),
            Scaled::Whole(_) | Scaled::TooLarge => Err(out),
        }
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_fixed(f, self.0, 9, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::time::Span;
    use proptest::prelude::*;

    #[test]
    fn exact_decimals() {
        assert_eq!("0.25 ms".parse(), Ok(Span(250_000)));
        assert_eq!("0.1 us".parse(), Ok(Span(100)));
        assert_eq!("1.5 h".parse(), Ok(Span::from_seconds(5400)));
        assert_eq!("7.8 km".parse(), Ok(Metres(7_800)));
        assert_eq!("7.8km".parse(), Ok(Metres(7_800)));
        assert_eq!("1e3 m".parse(), Ok(Metres(1_000)));
        assert_eq!("2 MiB".parse(), Ok(Bits(16 * 1024 * 1024)));
        assert_eq!("128 kbit".parse(), Ok(Bits(128_000)));
        assert_eq!("16 kB".parse(), Ok(Bits(128_000)));
        assert_eq!("0.16 kbit/s".parse(), Ok(BitRate(160)));
        assert_eq!("8.72 dB".parse(), Ok(Decibels(8_720_000_000)));
        assert_eq!("20 /s".parse(), Ok(Rate(20 * 86_400_000_000)));
        assert_eq!("0.5 /min".parse(), Ok(Rate(720_000_000)));
        assert_eq!("50 %".parse(), Ok(Fraction::HALF));
        assert_eq!("0.5".parse(), Ok(Fraction::HALF));
        assert_eq!("4 µs".parse(), Ok(Span(4_000)));
    }

    #[test]
    fn mistakes_have_codes_and_hints() {
        fn code<T: FromStr<Err = UnitError> + fmt::Debug>(text: &str) -> (&'static str, String) {
            let error = text.parse::<T>().unwrap_err();
            (error.code(), error.hint())
        }
        assert_eq!(code::<Metres>("5"), ("missing_unit", "write \"5 km\"".to_owned()));
        assert_eq!(
            code::<Metres>("5 miles"),
            ("unknown_unit", "units are m, km".to_owned())
        );
        assert_eq!(code::<Metres>("km").0, "not_a_quantity");
        assert_eq!(code::<Metres>("").0, "not_a_quantity");
        assert_eq!(code::<Metres>("-1 km").0, "negative");
        assert_eq!(code::<Metres>("0.5 m").0, "not_whole");
        assert_eq!(code::<Bits>("0.3 bit").0, "not_whole");
        assert_eq!(code::<Span>("1e40 h").0, "too_large_number");
        assert_eq!(
            code::<Span>("99999999999999999999999999999999999999999999 s").0,
            "not_a_quantity"
        );
        assert_eq!(code::<Span>("1..2 s").0, "not_a_quantity");
        assert_eq!(code::<Fraction>("1.5").0, "out_of_range");
        assert_eq!(code::<Fraction>("-0.5").0, "out_of_range");
        assert_eq!(code::<Fraction>("0.5 km").0, "unknown_unit");
    }

    #[test]
    fn prints_short_and_exact() {
        assert_eq!(Bits(128_000).to_string(), "128 kbit");
        assert_eq!(Bits(256).to_string(), "256 bit");
        assert_eq!(Bits(16 << 20).to_string(), "2 MiB");
        assert_eq!(Bits(0).to_string(), "0 bit");
        assert_eq!(Metres(7_800).to_string(), "7.8 km");
        assert_eq!(Metres(800).to_string(), "800 m");
        assert_eq!(Decibels(1_400_000_000).to_string(), "1.4 dB");
        assert_eq!(Rate(20 * 86_400_000_000).to_string(), "20 /s");
        assert_eq!(Rate(24_000_000).to_string(), "1 /h");
        assert_eq!(Rate(43_200_000_000).to_string(), "0.5 /s");
        assert_eq!(Rate(1_440_000_000).to_string(), "1 /min");
        assert_eq!(
            Rate("0.001 /s".parse::<Rate>().unwrap().0).to_string(),
            "0.001 /s"
        );
        assert_eq!(BitRate(3_100).to_string(), "3100 bit/s");
        assert_eq!(Fraction::HALF.to_string(), "0.5");
    }

    #[test]
    fn pieces_of_a_duct_lose_what_the_duct_loses() {
        let (loss, length) = (Decibels(3_000_000_001), Metres(3_901));
        let cut = loss.up_to(Metres(1_950), length);
        assert_eq!(loss.up_to(length, length), loss);
        assert!(cut < loss && loss.up_to(Metres(0), length) == Decibels::ZERO);
        assert_eq!(
            DecibelsPerKm(200_000_000).over(Metres(143_000)),
            Decibels(28_600_000_000)
        );
        assert_eq!(Metres(143_001).part(Fraction::HALF), Metres(71_500));
        assert_eq!("0.1 /s".parse::<Rate>().unwrap().events_in_ns(25_000_000_000), 3);
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(base in any::<u64>()) {
            prop_assert_eq!(Bits(base).to_string().parse(), Ok(Bits(base)));
            prop_assert_eq!(BitRate(base).to_string().parse(), Ok(BitRate(base)));
            prop_assert_eq!(Metres(base).to_string().parse(), Ok(Metres(base)));
            prop_assert_eq!(Decibels(base).to_string().parse(), Ok(Decibels(base)));
            prop_assert_eq!(DecibelsPerKm(base).to_string().parse(), Ok(DecibelsPerKm(base)));
            prop_assert_eq!(Rate(base).to_string().parse(), Ok(Rate(base)));
            prop_assert_eq!(Span(base).to_string().parse(), Ok(Span(base)));
            let part = base % 1_000_000_001;
            prop_assert_eq!(Fraction(part).to_string().parse(), Ok(Fraction(part)));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,20}") {
            let _ = text.parse::<Span>();
            let _ = text.parse::<Fraction>();
        }
    }
}
