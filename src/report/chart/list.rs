//! The plainest form: a line per message, as the golden charts of the tests hold it.

use std::fmt::Write as _;

use crate::observe::record::TraceLine;

/// Time since the first line, procedure, step, provenance, reference point, sender, receiver and message.
pub fn draw(lines: &[TraceLine<'_>]) -> String {
    let mut chart = String::new();
    let first = lines.first().map_or(0, |line| line.t_ns);
    for line in lines {
        writeln!(
            chart,
            "{:>9} us  {:3} {:<4} {:<9} {:<7} {} -> {}: {}",
            (line.t_ns - first) as f64 / 1e3,
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
