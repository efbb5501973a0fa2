//! `qkdni criticality`: every single fault, ranked by the service that it takes.

use serde_json::json;

use super::args::Criticality;
use super::work::Context;
use super::{Exit, Failure};
use crate::analysis::criticality::criticality as of_plan;
use crate::archive::SCHEMA_VERSION;
use crate::report::bounds::criticality as show;

pub(super) fn criticality(context: &mut Context<'_>, arguments: &Criticality) -> Result<Exit, Failure> {
    let prepared = context.engine.prepare(&arguments.file, &arguments.sets)?;
    context.warn(&prepared);
    let plan = prepared.plan.as_deref().expect("the simulator gives a plan");
    let found = of_plan(plan, arguments.pairs);
    if context.console.json() {
        let document = json!({
            "schema_version": SCHEMA_VERSION,
            "name": prepared.name,
            "criticality": found,
        });
        context.console.document(&document)?;
    } else {
        let look = context.console.look();
        context.console.data(&show(&found, look))?;
    }
    Ok(Exit::Done)
}
