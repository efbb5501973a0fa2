//! `qkdni new`: a scenario of a template.

use super::args::New;
use super::import::{common, deliver, failure};
use super::work::Context;
use super::{Exit, Failure};
use crate::scenario::assemble::{Partition, Settings};
use crate::scenario::templates::{Size, draw};
use crate::scenario::topology::QKDN;

pub(super) fn new(context: &mut Context<'_>, arguments: &New) -> Result<Exit, Failure> {
    let size = Size {
        qkdns: arguments.qkdns,
        nodes: arguments.nodes,
        length_km: arguments.length.0 as f64 / 1e3,
        seed: arguments.seed,
    };
    let topology = draw(&arguments.template, size).map_err(failure)?;
    let settings = Settings {
        partition: Partition::Attribute(QKDN.to_owned()),
        ..common(&arguments.assembly)
    };
    deliver(
        context,
        &topology,
        &settings,
        "--template",
        arguments.assembly.out.as_deref(),
    )
}
