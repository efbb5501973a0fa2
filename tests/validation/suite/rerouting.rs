//! Form 8: rerouting with heartbeats of period H and k misses; over random phase detection takes d + (k − ½)H on average. Given
//! the phase, every stage is exact.

use std::sync::Arc;

use qkdni::network::plan::Plan;
use qkdni::network::{Options, simulate};

use super::{Effort, Estimates, Exact, Experiment, Quantity, audited, plan};

const SCENARIO: &str = "rerouting.json";
/// Way of a beat: 20 km of fibre.
const D_NS: f64 = 20_000.0 * 5.0;
const H_NS: f64 = 500e6;
const K: f64 = 3.0;

fn estimate(plan: &Arc<Plan>, replication: u32) -> Estimates {
    let options = Options {
        audit: false,
        trace: false,
    };
    let outcome = simulate(plan, replication, options);
    let detection = outcome.reroutes[0].stages_ns[0].expect("the cut is declared");
    Estimates {
        values: vec![detection as f64 / 1e9],
        controls: Vec::new(),
    }
}

/// Over random phase.
pub fn experiments() -> Vec<Experiment> {
    vec![Experiment {
        form: "8",
        scenario: SCENARIO.to_owned(),
        quantities: vec![Quantity {
            name: "detection over random phase [s], H 500 ms, k 3".to_owned(),
            exact: (D_NS + (K - 0.5) * H_NS) / 1e9,
            reduced_half_width: 0.05,
        }],
        full: Effort {
            replications: 4_000,
            duration: "9 s",
        },
        reduced: Effort {
            replications: 250,
            duration: "9 s",
        },
        estimate,
    }]
}

/// At a phase of 100 ms the cut at 5 s comes 400 ms after a beat.
pub fn rows() -> Vec<Exact> {
    let sets = ["protocol.recovery.detection.heartbeat.phase=100 ms"];
    let plan = plan(&format!("validation/{SCENARIO}"), &sets);
    let outcome = audited(&plan, 0);
    let record = &outcome.reroutes[0];
    // Module, controller and first KM stand beside one another: a report is one processing. Analysis, computation 1 ms each
    // (computation ends at 2 ms), command to the other KM: way and two processings, installation 1 ms.
    let exact = D_NS + K * H_NS - 400e6;
    let stages: u64 = record.stages_ns[..7]
        .iter()
        .map(|stage| stage.expect("reached"))
        .sum();
    assert_eq!(record.control_plane_ns(), Some(stages), "stages sum to the whole");
    vec![Exact {
        form: "8",
        quantity: "detection 400 ms after a beat".to_owned(),
        unit: "ns",
        simulated: record.stages_ns[0].expect("declared") as f64,
        reference: exact,
        wording: None,
        source: "d + kH − u",
        tolerance: 0.0,
        scenario: SCENARIO,
    }]
}
