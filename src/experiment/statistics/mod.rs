//! Statistics over replications: intervals, paired tests, the correction for many metrics, quantiles.
//!
//! Replications are independent, so means over them are Student-distributed to good approximation;
//! variants share their random numbers, so they are compared replication by replication (paired).
//! Sums run in the order of the replications, so a result does not depend on threads.

mod holm;
mod quantile;
mod steady;
mod student;

pub use holm::holm;
pub use quantile::{nearest_rank, section_interval};
pub use steady::{batch_means, mser5, neighbour_correlation};
pub use student::{Paired, Sample, paired, student_quantile, two_sided_p};

/// Level of every printed interval.
pub const CONFIDENCE: f64 = 0.95;

/// Below this corrected p-value a difference counts as significant: one minus [`CONFIDENCE`].
pub const SIGNIFICANCE: f64 = 0.05;
