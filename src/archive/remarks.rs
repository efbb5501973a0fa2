//! What to know about results though nothing is wrong with them; it is kept with them.

use serde::{Deserialize, Serialize};

use super::PointRecord;

/// Something to know: its kind, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// Short fixed name of the kind.
    pub kind: String,
    /// The sentence.
    pub text: String,
}

/// What several variants of a comparison, or one alone, have to be known for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfVariants {
    /// The variants.
    pub variants: Vec<String>,
    /// What to know.
    #[serde(flatten)]
    pub remark: Remark,
}

impl OfVariants {
    /// What is the same of several variants is said once.
    pub fn join<'a>(all: impl IntoIterator<Item = (&'a str, &'a [Remark])>) -> Vec<OfVariants> {
        let mut joined: Vec<OfVariants> = Vec::new();
        for (variant, remarks) in all {
            for remark in remarks {
                match joined.iter_mut().find(|known| known.remark == *remark) {
                    Some(known) => known.variants.push(variant.to_owned()),
                    None => joined.push(OfVariants {
                        variants: vec![variant.to_owned()],
                        remark: remark.clone(),
                    }),
                }
            }
        }
        joined
    }

    /// A line about it.
    pub fn line(&self) -> String {
        format!("{}: {}", self.variants.join(", "), self.remark.text)
    }
}

/// How many points of a sweep have to be known for something, and the first of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfPoints {
    points: u32,
    first: u32,
    #[serde(flatten)]
    remark: Remark,
}

impl OfPoints {
    /// What there is to know about these points, in their order.
    pub fn of(points: &[PointRecord]) -> Vec<OfPoints> {
        let mut all = Vec::new();
        for point in points {
            OfPoints::add(&mut all, point);
        }
        all
    }

    /// Counts what there is to know about one more point.
    pub fn add(all: &mut Vec<OfPoints>, point: &PointRecord) {
        let remarks = (point.summaries())
            .flat_map(|(variant, summary)| OfPoints::named(variant, &summary.warnings))
            .collect();
        OfPoints::count(all, point.point, remarks);
    }

    /// With the variant that they are of in front, unless that has no name.
    pub fn named(variant: &str, remarks: &[Remark]) -> Vec<Remark> {
        let name = |remark: &Remark| Remark {
            kind: remark.kind.clone(),
            text: if variant.is_empty() {
                remark.text.clone()
            } else {
                format!("{variant}: {}", remark.text)
            },
        };
        remarks.iter().map(name).collect()
    }

    /// Counts what there is to know about a point, each kind once; points come in order.
    pub fn count(all: &mut Vec<OfPoints>, point: u32, remarks: Vec<Remark>) {
        let mut seen = Vec::new();
        for remark in remarks {
            if seen.contains(&remark.kind) {
                continue;
            }
            seen.push(remark.kind.clone());
            match all.iter_mut().find(|known| known.remark.kind == remark.kind) {
                Some(known) => known.points += 1,
                None => all.push(OfPoints {
                    points: 1,
                    first: point,
                    remark,
                }),
            }
        }
    }

    /// A line about it, of a sweep of `all` points; `place` says where the first of the points is.
    pub fn line(&self, all: u32, place: impl Fn(u32) -> String) -> String {
        let place = place(self.first);
        let text = &self.remark.text;
        format!("{} of {all} points, first at {place}: {text}", self.points)
    }
}

/// Where a point is, for people: its number, and the values that are set.
pub fn place<'a>(point: u32, values: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let values: Vec<String> = (values.into_iter())
        .map(|(path, value)| format!("{path}={value}"))
        .collect();
    format!("point {point} ({})", values.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remark(kind: &str, text: &str) -> Remark {
        Remark {
            kind: kind.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn the_same_of_several_variants_is_said_once() {
        let (first, second) = (
            [remark("few", "few"), remark("load", "high")],
            [remark("few", "few"), remark("load", "higher")],
        );
        let joined = OfVariants::join([("G0", first.as_slice()), ("I", second.as_slice())]);
        let lines: Vec<String> = joined.iter().map(OfVariants::line).collect();
        assert_eq!(lines, ["G0, I: few", "G0: high", "I: higher"]);
    }

    #[test]
    fn points_are_counted_by_kind() {
        let mut all = Vec::new();
        let both = OfPoints::named("I", &[remark("load", "high"), remark("load", "higher")]);
        OfPoints::count(&mut all, 2, both);
        OfPoints::count(&mut all, 5, vec![remark("load", "highest")]);
        let lines: Vec<String> = all
            .iter()
            .map(|it| it.line(9, |at| place(at, [("a.b", "4 /s")])))
            .collect();
        assert_eq!(lines, ["2 of 9 points, first at point 2 (a.b=4 /s): I: high"]);
    }
}
