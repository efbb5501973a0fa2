//! Parameters of link models: presets, ranges, and what is wrong with them.
//!
//! A model's parameters are a record with the names that the reference vectors use. Each may be left out: it is then
//! the preset's, and where no preset is named the model's first.

use std::fmt;

/// A named set of parameters.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// Where it comes from, or that it is an assumption.
    pub source: &'static str,
    /// Its values by parameter; `clock` in Hz.
    pub values: &'static [(&'static str, f64)],
}

/// What a number may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Range {
    /// From 0 to 1.
    Probability,
    /// Above 0, below 1.
    Share,
    /// Above 0, up to 1.
    Efficiency,
    /// From 0 to one half.
    ErrorRate,
    /// One half: errors of background. With less the formulas would have key in the dark, without bound.
    RandomBits,
    /// Not below 0.
    NotNegative,
    /// Above 0.
    Positive,
    /// Modulation variance: below 10⁻³ the entropies that are subtracted have no digits left.
    Modulation,
    /// 1 or more.
    AtLeastOne,
    /// Mean photon number: above 0, up to 100.
    Intensity,
}

impl Range {
    /// Whether a number is in it.
    pub fn holds(self, number: f64) -> bool {
        number.is_finite()
            && match self {
                Range::Probability => (0.0..=1.0).contains(&number),
                Range::Share => number > 0.0 && number < 1.0,
                Range::Efficiency => number > 0.0 && number <= 1.0,
                Range::ErrorRate => (0.0..=0.5).contains(&number),
                Range::RandomBits => (number - 0.5).abs() <= f64::EPSILON,
                Range::NotNegative => number >= 0.0,
                Range::Positive => number > 0.0,
                Range::Modulation => number >= 1e-3,
                Range::AtLeastOne => number >= 1.0,
                Range::Intensity => number > 0.0 && number <= 100.0,
            }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Range::Probability => "a number from 0 to 1",
            Range::Share => "a number above 0 and below 1",
            Range::Efficiency => "a number above 0 and up to 1",
            Range::ErrorRate => "an error rate from 0 to one half",
            Range::RandomBits => "one half: background is random bits",
            Range::NotNegative => "a number of 0 or more",
            Range::Positive => "a number above 0",
            Range::Modulation => "a number of 0.001 or more",
            Range::AtLeastOne => "a number of 1 or more",
            Range::Intensity => "an intensity above 0 and up to 100 photons",
        })
    }
}

/// Pulses per second where neither the parameters nor the preset say. Assumption: 1 GHz.
const ASSUMED_CLOCK_HZ: f64 = 1e9;

/// Something wrong with a parameter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Which parameter.
    pub parameter: &'static str,
    /// Short fixed name of the kind of problem.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Problem {
    /// Intensities or probabilities that do not go together.
    pub fn order(parameter: &'static str, message: String, hint: &str) -> Problem {
        Problem {
            parameter,
            code: "parameter_order",
            message,
            hint: hint.to_owned(),
        }
    }
}

/// Finds each parameter's value: what was written, else the preset's.
#[derive(Debug)]
pub struct Resolver {
    preset: Option<&'static Preset>,
    unknown: Option<Problem>,
    problems: Vec<Problem>,
}

impl Resolver {
    /// Looks up the preset that was named, or takes the first.
    pub fn new(presets: &'static [Preset], named: Option<&str>) -> Resolver {
        let preset = match named {
            Some(name) => presets.iter().find(|preset| preset.name == name),
            None => presets.first(),
        };
        let unknown = (preset.is_none() && named.is_some()).then(|| {
            let names: Vec<&str> = presets.iter().map(|preset| preset.name).collect();
            let named = named.unwrap_or_default();
            Problem {
                parameter: "preset",
                code: "unknown_preset",
                message: format!("there is no preset \"{named}\", and not all parameters are given"),
                hint: crate::catalogue::suggest(named, &names),
            }
        });
        Resolver {
            preset,
            unknown,
            problems: Vec::new(),
        }
    }

    /// A parameter's value, checked against its range. A preset's name that nobody knows is only a label where
    /// nothing is taken from it.
    pub fn number(&mut self, parameter: &'static str, given: Option<f64>, range: Range) -> f64 {
        let of_preset = || {
            let values = self.preset?.values;
            values
                .iter()
                .find(|value| value.0 == parameter)
                .map(|value| value.1)
        };
        let clock = (parameter == "clock").then_some(ASSUMED_CLOCK_HZ);
        match given.or_else(of_preset).or(clock) {
            Some(number) if range.holds(number) => number,
            Some(number) => {
                self.problems.push(Problem {
                    parameter,
                    code: "parameter_range",
                    message: format!("{parameter} is {number}, which is not {range}"),
                    hint: format!("write {range}"),
                });
                f64::NAN
            }
            None => {
                self.problems.extend(self.unknown.take());
                if self.preset.is_some() {
                    self.problems.push(Problem {
                        parameter,
                        code: "missing_parameter",
                        message: format!("{parameter} is missing"),
                        hint: format!("write \"{parameter}\": {range}"),
                    });
                }
                f64::NAN
            }
        }
    }

    /// What was found wrong, if anything.
    ///
    /// # Errors
    /// All problems.
    pub fn finish(self) -> Result<(), Vec<Problem>> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(self.problems)
        }
    }
}

/// Declares a model's parameters: the record that a scenario writes, and the numbers that the formulas use. A second
/// record has, beside all of the first's, what the first model chooses by itself.
macro_rules! parameters {
    (
        $(#[doc = $doc:literal])* pub struct $record:ident, values $values:ident, presets $presets:expr;
        $($(#[doc = $field_doc:literal])* $field:ident $(as $key:literal)? : $range:ident),* $(,)?
    ) => {
        crate::catalogue::record! {
            $(#[doc = $doc])*
            pub struct $record {
                /// A named set of parameters; what else is written goes before it.
                preset: Option<String>,
                /// Pulses per second, for a rate per second.
                clock: Option<crate::units::Frequency>,
                $($(#[doc = $field_doc])* $field $(as $key)? : Option<f64>),*
            }
        }

        /// The numbers that the formulas use; each parameter as in the record.
        #[derive(Clone, PartialEq, Debug)]
        struct $values {
            clock: f64,
            $($field: f64),*
        }

        impl $record {
            /// Every parameter's value, from the preset where it was left out.
            fn values(&self) -> Result<$values, Vec<$crate::quantum::models::Problem>> {
                use $crate::quantum::models::parameters::{Range, Resolver};
                let mut resolver = Resolver::new($presets, self.preset.as_deref());
                let values = $values {
                    clock: resolver.number("clock", self.clock.map(|clock| clock.0 as f64), Range::Positive),
                    $($field: resolver.number(
                        crate::catalogue::key_of!($field $($key)?),
                        self.$field,
                        Range::$range,
                    )),*
                };
                resolver.finish().map(|()| values)
            }
        }
    };
    // A model that chooses some of its parameters, and the same one at a setting of the user's.
    (
        $(#[doc = $doc:literal])* pub struct $record:ident, values $values:ident, presets $presets:expr;
        $($(#[doc = $field_doc:literal])* $field:ident $(as $key:literal)? : $range:ident),*;
        $(#[doc = $fixed_doc:literal])* pub struct $fixed:ident, values $set:ident;
        $($(#[doc = $set_doc:literal])* $choice:ident : $choice_range:ident),* $(,)?
    ) => {
        $crate::quantum::models::parameters::parameters! {
            $(#[doc = $doc])* pub struct $record, values $values, presets $presets;
            $($(#[doc = $field_doc])* $field $(as $key)? : $range),*
        }
        $crate::quantum::models::parameters::parameters! {
            $(#[doc = $fixed_doc])* pub struct $fixed, values $set, presets $presets;
            $($(#[doc = $field_doc])* $field $(as $key)? : $range,)*
            $($(#[doc = $set_doc])* $choice : $choice_range),*
        }

        impl $set {
            /// What the model does not choose.
            fn common(&self) -> $values {
                $values {
                    clock: self.clock,
                    $($field: self.$field),*
                }
            }
        }
    };
}

pub(super) use parameters;

#[cfg(test)]
mod tests {
    use super::*;

    const PRESETS: &[Preset] = &[Preset {
        name: "first",
        source: "assumption",
        values: &[("mu", 0.5)],
    }];

    #[test]
    fn what_is_written_goes_before_the_preset_and_all_problems_are_named() {
        let mut resolver = Resolver::new(PRESETS, None);
        assert_eq!(
            resolver.number("mu", None, Range::Intensity).to_bits(),
            0.5_f64.to_bits()
        );
        assert_eq!(
            resolver.number("mu", Some(0.4), Range::Intensity).to_bits(),
            0.4_f64.to_bits()
        );
        resolver.number("mu", Some(-1.0), Range::Intensity);
        resolver.number("nu", None, Range::Intensity);
        let codes: Vec<&str> = resolver
            .finish()
            .unwrap_err()
            .iter()
            .map(|problem| problem.code)
            .collect();
        assert_eq!(codes, ["parameter_range", "missing_parameter"]);
    }

    #[test]
    fn a_preset_that_nobody_knows_is_a_label_only_where_nothing_is_taken_from_it() {
        let mut resolver = Resolver::new(PRESETS, Some("mine"));
        assert_eq!(
            resolver.number("mu", Some(0.4), Range::Intensity).to_bits(),
            0.4_f64.to_bits()
        );
        assert!(resolver.finish().is_ok());
        let mut resolver = Resolver::new(PRESETS, Some("firts"));
        resolver.number("mu", None, Range::Intensity);
        let problems = resolver.finish().unwrap_err();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].hint, "did you mean \"first\"?");
    }
}
