//! `qkdni schema`: the JSON Schema of scenario files.

use super::work::Context;
use super::{Exit, Failure};

pub(super) fn schema(context: &mut Context<'_>) -> Result<Exit, Failure> {
    context.console.document(&context.engine.schema())?;
    Ok(Exit::Done)
}
