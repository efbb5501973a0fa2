//! One path of the scenario and the values that it is to take.
//!
//! | written | values |
//! |---|---|
//! | `run.seed=1,2,5` | the three |
//! | `demands.d1.key=128 bit,256 bit` or `demands.d1.key=128,256 bit` | both with their unit |
//! | `run.duration=1..5:2 min` | 1 min, 3 min, 5 min |
//! | `run.duration=1 min..5 min:2 min` | the same |
//! | `run.duration=1..5 min` | for designs that draw: anything from 1 min up to, but not including, 5 min |
//!
//! Several paths that are to have the same value are one axis: `boundaries.a.site_at&boundaries.b.site_at=0.2,0.5`.
//! An axis may also take patches of the file instead of values: `control=dd,cd,cc` names three of its variants, `-` none.
//!
//! Commas inside of quotes, brackets and braces separate nothing, so a value may be JSON. Ranges are walked in exact
//! decimal arithmetic and hold their end if a step meets it.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::MOST_POINTS;
use super::design::Design;

/// What is wrong with an axis, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n  hint: {}", self.message, self.hint)
    }
}

/// A path and the values that it is to take.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    path: String,
    values: Values,
    /// Whether the values are variants of the file.
    variants: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Values {
    List(Vec<String>),
    /// `count` values from `from` on, `step` apart.
    Range {
        from: Decimal,
        step: Decimal,
        count: u32,
        unit: String,
    },
}

impl Axis {
    /// Reads `path=values`. A range without a step is given one that suits the design: a power of ten of which at
    /// least ten fit between neighbouring points.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, design: Design) -> Result<Axis, Mistake> {
        let mistake = |message: String, hint: &str| Mistake {
            message: format!("--set {text}: {message}"),
            hint: hint.to_owned(),
        };
        let (path, values) = match text.split_once('=') {
            Some((path, values)) if path.split(['.', '&']).all(|part| !part.trim().is_empty()) => {
                (path.trim(), values.trim())
            }
            _ => {
                return Err(mistake(
                    "expected path=values".to_owned(),
                    "write it like --set \"demands.d1.arrivals.poisson.rate=1..5:1 /s\"",
                ));
            }
        };
        let values = match values.split_once("..") {
            Some((from, rest)) if number_and_unit(from).is_some() => {
                range(from, rest, design).map_err(|(message, hint)| mistake(message, hint))?
            }
            _ => list(values).map_err(|(message, hint)| mistake(message, hint))?,
        };
        Ok(Axis {
            path: path.to_owned(),
            values,
            variants: false,
        })
    }

    /// Reads `name=variant,variant`: patches of the file as values of an axis.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_variants(text: &str) -> Result<Axis, Mistake> {
        let mistake = |message: String, hint: &str| Mistake {
            message: format!("--variants {text}: {message}"),
            hint: hint.to_owned(),
        };
        let (name, values) = match text.split_once('=') {
            Some((name, values)) if !name.trim().is_empty() => (name.trim(), values.trim()),
            _ => {
                return Err(mistake(
                    "expected name=variants".to_owned(),
                    "write it like --variants control=dd,cd,cc, with names of variants in the file, or - for none",
                ));
            }
        };
        Ok(Axis {
            path: name.to_owned(),
            values: list(values).map_err(|(message, hint)| mistake(message, hint))?,
            variants: true,
        })
    }

    /// Whether the values are variants of the file.
    pub fn is_of_variants(&self) -> bool {
        self.variants
    }

    /// The path, or all of them as they were written.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Every path that takes the values; of an axis of variants its name.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let whole = self.variants.then_some(self.path.as_str());
        let parts = (!self.variants).then(|| self.path.split('&').map(str::trim));
        whole.into_iter().chain(parts.into_iter().flatten())
    }

    /// Number of values.
    #[expect(clippy::len_without_is_empty, reason = "an axis has a value")]
    pub fn len(&self) -> usize {
        match &self.values {
            Values::List(values) => values.len(),
            Values::Range { count, .. } => *count as usize,
        }
    }

    /// A value by its number, from 0, as `--set` takes it.
    pub fn value(&self, index: usize) -> String {
        match &self.values {
            Values::List(values) => values[index].clone(),
            Values::Range { from, step, unit, .. } => {
                let value = (*from + *step * Decimal::from(index)).normalize();
                format!("{value} {unit}").trim_end().to_owned()
            }
        }
    }

    /// The value at a place in \[0, 1).
    pub fn at(&self, place: f64) -> String {
        let index = (place * self.len() as f64) as usize;
        self.value(index.min(self.len() - 1))
    }
}

/// A mistake without its place: what is wrong, what to do.
type Wrong = (String, &'static str);

fn list(text: &str) -> Result<Values, Wrong> {
    let mut values = split(text);
    if values.iter().any(String::is_empty) {
        return Err((
            "an empty value".to_owned(),
            "write values between the commas, and none behind the last",
        ));
    }
    let bare = |value: &String| number_and_unit(value).is_some_and(|(_, unit)| unit.is_empty());
    // The unit of the last stands for all, as in "1,2,5 km".
    if let Some((last, others)) = values.split_last_mut()
        && let Some((_, unit)) = number_and_unit(last)
        && !unit.is_empty()
        && others.iter().all(bare)
    {
        for other in others {
            *other = format!("{other} {unit}");
        }
    }
    for (index, value) in values.iter().enumerate() {
        if values[..index].contains(value) {
            return Err((format!("{value} is named twice"), "name each value once"));
        }
    }
    Ok(Values::List(values))
}

/// The parts between commas that stand outside of quotes, brackets and braces.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    for letter in text.chars() {
        match letter {
            '"' if !escaped => quoted = !quoted,
            '[' | '{' if !quoted => depth += 1,
            ']' | '}' if !quoted => depth = depth.saturating_sub(1),
            ',' if !quoted && depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        escaped = letter == '\\' && !escaped;
        parts.last_mut().expect("there is a part").push(letter);
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

/// How a range is written.
const LIKE: &str = "write it like 1..5:0.5 km: from, to, step, and one unit for all";

/// Reads an end or the step of a range.
fn read(text: &str) -> Result<(Decimal, &str), Wrong> {
    number_and_unit(text).ok_or_else(|| (format!("\"{}\" is not a number with a unit", text.trim()), LIKE))
}

fn range(from: &str, rest: &str, design: Design) -> Result<Values, Wrong> {
    let (to, step) = match rest.split_once(':') {
        Some((to, step)) => (to, Some(step)),
        None => (rest, None),
    };
    let (from, from_unit) = read(from)?;
    let (to, to_unit) = read(to)?;
    let (step, step_unit) = match step.map(read).transpose()? {
        Some((step, unit)) => (Some(step), unit),
        None => (None, ""),
    };
    let mut units = [from_unit, to_unit, step_unit]
        .into_iter()
        .filter(|unit| !unit.is_empty());
    let unit = units.next().unwrap_or_default();
    if units.any(|other| other != unit) {
        return Err(("the range mixes units".to_owned(), LIKE));
    }
    if from > to {
        return Err((
            format!("the range is empty: {from} is above {to}"),
            "write the smaller end first",
        ));
    }
    let too_many = || {
        (
            format!("the range has more than {MOST_POINTS} values"),
            "take a larger step",
        )
    };
    let span = to.checked_sub(from).ok_or_else(too_many)?;
    let values = |step: Decimal, last: Decimal| {
        let count = span
            .checked_div(step)
            .and_then(|steps| steps.floor().checked_add(last)?.to_u32());
        count.map(|count| Values::Range {
            from,
            step,
            count: count.max(1),
            unit: unit.to_owned(),
        })
    };
    match (step, design) {
        (Some(step), _) if step <= Decimal::ZERO => Err((
            "the range is endless: its step is not above 0".to_owned(),
            "write a step above 0; ranges go upwards",
        )),
        (Some(step), _) => values(step, Decimal::ONE)
            .filter(|values| {
                matches!(design, Design::LatinHypercube(_) | Design::Sobol(_))
                    || matches!(values, Values::Range { count, .. } if *count <= MOST_POINTS)
            })
            .ok_or_else(too_many),
        (None, Design::Grid | Design::OneAtATime) => Err((
            format!("a {design} needs the step of the range"),
            "write it like 1..5:1 /s, or draw points from the range with --design lhs:N or sobol:N",
        )),
        (None, Design::LatinHypercube(points) | Design::Sobol(points)) => {
            let finest = span / Decimal::from(10_u64 * u64::from(points));
            values(power_of_ten_up_to(finest), Decimal::ZERO).ok_or_else(too_many)
        }
    }
}

/// The largest power of ten that is not above `limit`, from 10⁻²⁰; 1 if the limit is 0.
fn power_of_ten_up_to(limit: Decimal) -> Decimal {
    let mut power = Decimal::ONE;
    if limit.is_zero() {
        return power;
    }
    while power > limit && power.scale() < 20 {
        power = Decimal::new(1, power.scale() + 1);
    }
    while let Some(larger) = power
        .checked_mul(Decimal::TEN)
        .filter(|larger| power.scale() == 0 && *larger <= limit)
    {
        power = larger;
    }
    power
}

/// Splits "0.5 km" into its number and its unit, which may be empty.
fn number_and_unit(text: &str) -> Option<(Decimal, &str)> {
    let text = text.trim();
    let bytes = text.as_bytes();
    let is_exponent = |at: usize| {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at > 0
            && bytes[at].eq_ignore_ascii_case(&b'e')
            && bytes.get(at + 1 + sign).is_some_and(u8::is_ascii_digit)
    };
    let mut end = 0;
    while end < bytes.len() {
        let sign =
            matches!(bytes[end], b'+' | b'-') && (end == 0 || bytes[end - 1].eq_ignore_ascii_case(&b'e'));
        if bytes[end].is_ascii_digit() || bytes[end] == b'.' || sign || is_exponent(end) {
            end += 1;
        } else {
            break;
        }
    }
    let (number, unit) = text.split_at(end);
    let number = if number.contains(['e', 'E']) {
        Decimal::from_scientific(number)
    } else {
        Decimal::from_str_exact(number)
    };
    Some((number.ok()?, unit.trim()))
}
