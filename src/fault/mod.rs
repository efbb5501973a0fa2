//! Faults: what may break, one file each. A fault says what is wrong with its own fields, and what it comes down to:
//! [`Disturbance`]s that begin with it and end with its repair.
//!
//! To add one: a file with its record and an `impl FaultKind`, and a line in the catalogue below.

mod duct_cut;

pub use self::duct_cut::DuctCut;

use crate::architecture::Disturbance;
use crate::catalogue::choice;
use crate::ids::{DuctId, LinkId};
use crate::units::Metres;

/// What a fault's record must be able to do.
pub trait FaultKind {
    /// Everything that is wrong with its fields.
    fn complaints(&self, ground: &dyn Ground) -> Vec<Complaint>;

    /// What it does while it lasts. The record has no [`complaints`](Self::complaints).
    fn disturbances(&self, site: &dyn Site) -> Vec<Disturbance>;
}

choice! {
    /// What breaks.
    pub enum Fault ("fault") as dyn FaultKind {
        /// All that lies at one place of a duct is cut.
        duct_cut => DuctCut(DuctCut),
    }
}

/// Something wrong with a field of a fault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Complaint {
    /// Its code in findings.
    pub code: &'static str,
    /// The field.
    pub field: &'static str,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub hint: String,
}

/// What a fault may name, by the names of the scenario.
pub trait Ground {
    /// The length of a duct.
    fn duct_length(&self, name: &str) -> Option<Metres>;

    /// All ducts.
    fn ducts(&self) -> Vec<String>;
}

/// What lies where in a plan that is being made.
pub trait Site {
    /// A duct and its length.
    fn duct(&self, name: &str) -> Option<(DuctId, Metres)>;

    /// The links that lie at a place of a duct, in order.
    fn links_at(&self, duct: DuctId, position_m: u64) -> Vec<LinkId>;
}
