//! `README.md` in every results folder: what the files are and what their columns mean.
//!
//! It says nothing that another run of the same scenario and seed would not say: equal runs have equal bytes here too.

use std::fmt::Write as _;

use super::manifest::title;
use super::{Comparison, OfPoints, OfVariants, PointRecord, Summary, SweepRecord, TOOL_VERSION};
use crate::units::counted;

/// The name of the file.
pub(super) const README: &str = "README.md";

/// What is known of a file: its name, what is in it, its columns or fields. Columns of tables stand in their order.
struct Explained {
    name: &'static str,
    what: &'static str,
    columns: &'static [(&'static str, &'static str)],
}

const SCENARIO: Explained = Explained {
    name: "scenario.resolved.json",
    what: "the scenario as it was run: variants, `--set` and defaults filled in; can be run again",
    columns: &[],
};

const MANIFEST: Explained = Explained {
    name: "manifest.json",
    what: "version, seed, status and the SHA-256 of every file; `host` says where and when, and is all that may differ \
           between equal runs",
    columns: &[],
};

/// What a run may leave, the files read first in front.
const OF_A_RUN: &[Explained] = &[
    Explained {
        name: "summary.json",
        what: "`metrics`: each metric and scope over all replications; `audit`: the checks of every run; `expectations`: \
               those of the scenario; `warnings`: what to know about them",
        columns: &[
            (
                "name, scope, unit",
                "which metric (`qkdni list metrics`), of what: network, qkdn:ID, demand:ID, link:ID, \
              node:ID, class:NAME",
            ),
            (
                "mean, ci95",
                "mean over the replications, and its 95 % Student interval",
            ),
            (
                "replications, batches",
                "what the interval is over: replications, or batches of one long run",
            ),
            (
                "p50, p99, p50_ci95, p99_ci95",
                "quantiles of all requests of all replications, with 95 % intervals",
            ),
            ("samples", "how many values the quantiles are of"),
        ],
    },
    Explained {
        name: "requests.csv",
        what: "each counted request",
        columns: &[
            ("replication", "number of the replication, from 0"),
            ("demand", "the demand's id"),
            ("number", "number of the request within its demand, from 0"),
            ("sent_ns", "when the application asked"),
            ("ended_ns", "when it had its key at both ends, or had failed"),
            ("bits", "key asked for"),
            ("outcome", "delivered or failed"),
            ("cause", "why it failed"),
            ("hops", "hops that its key was relayed over"),
            (
                "waited_for",
                "the hop whose store had too little, if it had to wait",
            ),
            ("one_sided", "whether only the destination got the key"),
        ],
    },
    Explained {
        name: "reroutes.json",
        what: "each fault and session of each replication, stage by stage; null where a stage was not reached",
        columns: &[
            (
                "stages_ns",
                "detection, report, analysis, computation, coordination, command, installation, first_key",
            ),
            ("control_plane_ns, total_ns", "the first seven stages; all eight"),
            ("service_interruption_ns", "how long the demand got no key"),
            ("messages, bytes", "control messages that it took"),
        ],
    },
    Explained {
        name: "sessions.csv",
        what: "the states that sessions went through",
        columns: &[
            ("replication", "number of the replication, from 0"),
            ("t_ns", "when"),
            ("session", "the demand's id"),
            ("state", "the state that it entered"),
            ("controller", "the controller that says so"),
        ],
    },
    Explained {
        name: "accounting.csv",
        what: "usage records of the providers and their settlements",
        columns: &[
            ("replication", "number of the replication, from 0"),
            ("kind", "usage or settlement"),
            ("t_ns", "when"),
            ("provider", "whose record it is"),
            ("partner", "the provider on the other side"),
            ("session", "the demand's id"),
            ("request", "number of the request"),
            ("segment", "which part of the way"),
            ("application", "who used the key"),
            ("class", "QoS class"),
            ("keys", "number of keys"),
            ("bits", "their bits"),
            ("amount", "price by the provider's tariff"),
            ("currency", "its currency"),
            ("state", "how far the settlement has come"),
        ],
    },
    Explained {
        name: "configuration.csv",
        what: "capabilities and provisioned routes, as controllers told their manager",
        columns: &[
            ("replication", "number of the replication, from 0"),
            ("t_ns", "when"),
            ("qkdn", "the QKDN"),
            ("kind", "what kind of record"),
            ("subject", "what it is about"),
            ("epoch", "its number, where it has one"),
            ("content", "what it says"),
        ],
    },
    Explained {
        name: "timeseries.csv",
        what: "amounts of links and demands over time, of the first replication; a row where a value is not what it was",
        columns: &[
            ("replication", "number of the replication, from 0"),
            ("t_ns", "when"),
            ("element", "link:ID or demand:ID"),
            (
                "series",
                "of links stored_bits (both directions), lowest_bits (the emptier one), generated_bits and spent_bits; of \
                 demands requested_bits and delivered_bits",
            ),
            (
                "value",
                "stored now, or counted since the start; it holds until the next row",
            ),
        ],
    },
    Explained {
        name: "routes.csv",
        what: "hops that keys were sent over, of the first replication",
        columns: &[
            ("replication", "number of the replication, from 0"),
            ("session", "the demand's id"),
            ("from", "where the hop begins"),
            ("to", "where it ends"),
            ("first_ns", "when it was first used"),
            ("last_ns", "when it was last used"),
            ("requests", "requests whose key went over it"),
        ],
    },
    Explained {
        name: "trace.jsonl",
        what: "each message, one JSON object a line; `qkdni trace` draws them",
        columns: &[
            ("procedure, step", "of Y.3818: P9 … P14, or local"),
            (
                "provenance",
                "text: the Recommendation says it; analogue: a sister standard does; inferred: ours",
            ),
            ("reference_point, from, to", "over what, from whom, to whom"),
            ("session, request, fault", "what it is about"),
        ],
    },
    Explained {
        name: "decisions.jsonl",
        what: "each choice of a route, wait, refusal and reroute, with what there was to choose from; `qkdni explain` reads \
               them",
        columns: &[],
    },
    Explained {
        name: "audit.jsonl",
        what: "each supplied key: the link keys spent on it, the nodes that held it in clear, those that could compute it",
        columns: &[],
    },
];

const OF_A_COMPARISON: &[Explained] = &[
    Explained {
        name: "compare.json",
        what: "`metrics`: each metric and scope of each pair; `bottom_lines`: in words; `pareto`: which variants no other \
               beats; `prices`; `warnings`: what to know about them",
        columns: &[
            ("a, b", "the pair; verdicts speak of b as seen from a"),
            (
                "mean_a, mean_b, difference, ci95",
                "means, mean of the paired differences b − a, its 95 % Student interval",
            ),
            (
                "p_holm, verdict",
                "p-value after Holm's correction, over the rows of the network of all pairs or over all other rows; better, worse, no evidence, no_verdict, none",
            ),
            ("rests_on", "the pair that the verdict rests on"),
        ],
    },
    Explained {
        name: "variants/",
        what: "a results folder of each variant, each with a README.md of its own",
        columns: &[],
    },
];

const OF_A_SWEEP: &[Explained] = &[
    Explained {
        name: "sweep.csv",
        what: "one row per point, metric and scope",
        columns: &[
            ("point", "number of the point, from 0"),
            ("(the paths that were swept)", "their values at the point"),
            ("metric, scope, unit", "which metric, of what"),
            (
                "mean, ci95_low, ci95_high",
                "mean over the replications, and its 95 % Student interval",
            ),
            ("replications", "how many there were"),
            ("p50, p99", "quantiles of all requests of all replications"),
        ],
    },
    Explained {
        name: "sweep.parquet",
        what: "the same as Parquet",
        columns: &[],
    },
    Explained {
        name: "points/",
        what: "each point: its values and its summary, as in a run's `summary.json`",
        columns: &[],
    },
    Explained {
        name: "sweep.json",
        what: "what was swept: paths, values, design, seed",
        columns: &[],
    },
    Explained {
        name: "scenario.json",
        what: "the scenario that was swept, before the points' values are set",
        columns: &[],
    },
];

/// The README of a run that left these files.
pub(super) fn of_run(summary: &Summary, variant: Option<&str>, files: &[String]) -> String {
    let head = format!(
        "{}, seed {}. Begin with `summary.json`.",
        counted(summary.replications, "replication"),
        summary.seed
    );
    let there = |it: &&Explained| files.iter().any(|file| file == it.name);
    let mut shown: Vec<&Explained> = OF_A_RUN.iter().filter(there).collect();
    shown.push(&SCENARIO);
    let warnings: Vec<String> = (summary.warnings.iter())
        .map(|warning| warning.text.clone())
        .collect();
    write(
        "run",
        &title(&summary.name, variant),
        &(head + &known(&warnings)),
        &shown,
    )
}

/// The README of a comparison.
pub(super) fn of_comparison(comparison: &Comparison) -> String {
    let mut head = format!(
        "{} of each of {}.",
        counted(comparison.replications, "replication"),
        comparison.variants.join(", ")
    );
    for line in &comparison.bottom_lines {
        let _ = write!(head, "\n- {}.", line.text.trim_end_matches('.'));
    }
    let warnings: Vec<String> = comparison.warnings.iter().map(OfVariants::line).collect();
    head += &known(&warnings);
    let shown: Vec<&Explained> = OF_A_COMPARISON.iter().collect();
    write("compare", &comparison.variants.join(", "), &head, &shown)
}

/// The README of a sweep.
pub(super) fn of_sweep(record: &SweepRecord, points: &[PointRecord]) -> String {
    let mut head = format!(
        "{}, design {}, seed {}, over: {}.",
        counted(record.points, "point"),
        record.design,
        record.seed,
        record
            .axes
            .iter()
            .map(|axis| format!("`{axis}`"))
            .collect::<Vec<_>>()
            .join(", ")
    );
    let place = |at: u32| points[at as usize].place(record);
    let warnings: Vec<String> = (OfPoints::of(points).iter())
        .map(|warning| warning.line(record.points, place))
        .collect();
    head += &known(&warnings);
    let there = |it: &&Explained| it.name != "sweep.parquet" || record.parquet;
    let shown: Vec<&Explained> = OF_A_SWEEP.iter().filter(there).collect();
    write(
        "sweep",
        &title(&record.name, record.variant.as_deref()),
        &head,
        &shown,
    )
}

/// What to know about the results, as a list.
fn known(warnings: &[String]) -> String {
    if warnings.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = (warnings.iter())
        .map(|warning| format!("\n- {}", plain(warning)))
        .collect();
    format!("\n\nTo know before these numbers are used:{}", lines.concat())
}

/// A text in one line, whatever stands in it.
fn plain(text: &str) -> String {
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.chars().map(plain).collect()
}

fn write(verb: &str, name: &str, head: &str, shown: &[&Explained]) -> String {
    let name = plain(name);
    let mut text = format!(
        "# {name}\nResults of `qkdni {verb}`, version {TOOL_VERSION}. {head}\n\n\
         Times are nanoseconds from the start of a run, amounts bits, unless a unit stands beside them.\n\n\
         | file | what is in it |\n|---|---|\n"
    );
    for it in shown.iter().copied().chain([&MANIFEST]) {
        let _ = writeln!(text, "| `{}` | {} |", it.name, it.what);
    }
    for it in shown.iter().filter(|it| !it.columns.is_empty()) {
        let _ = write!(text, "\n`{}`\n", it.name);
        for (column, meaning) in it.columns {
            let _ = writeln!(text, "- {column}: {meaning}");
        }
    }
    text += "\nWith DIR for this folder: `qkdni report DIR` makes one HTML file of it, `qkdni plot DIR` single pictures, \
             `qkdni reproduce DIR` runs it again and compares every byte.\n";
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_the_page() {
        let text = write("run", "a\nb", "x", &[&SCENARIO]);
        assert!(text.starts_with("# a b\nResults"), "{text}");
    }
}
