//! The plainest form: a line per message, as the golden charts of the tests hold it.

use std::fmt::Write as _;

use crate::observe::record::TraceLine;

/// Time since the start (the first line, unless another is known), procedure, step, provenance, reference point, sender, receiver and message.
pub fn draw(lines: &[TraceLine<'_>], start: Option<u64>) -> String {
    let mut chart = String::new();
    let start = super::start(lines, start);
    for line in lines {
        writeln!(
            chart,
            "{:>9} us  {:3} {:<4} {:<9} {:<7} {} -> {}: {}",
            (line.t_ns - start) as f64 / 1e3,
            line.procedure,
            line.step,
            line.provenance,
            line.reference_point.as_deref().unwrap_or("–"),
            line.from,
            line.to,
            line.message,
        )
        .expect("strings take text");
    }
    chart
}
