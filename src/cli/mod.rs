//! The command line: arguments, one short file per verb, exit codes.
//!
//! Data goes to standard output, everything else to standard error. What the verbs need of the simulator
//! stands in [`Engine`]; so they can be tested with a toy, and only one place knows how scenario and network
//! fit together.

mod args;
mod bounds;
mod compare;
mod completions;
mod console;
mod criticality;
mod engine;
mod explain;
mod failure;
mod import;
mod link;
mod list;
mod man;
mod new;
mod plot;
mod precision;
mod report;
mod reproduce;
mod run;
mod schema;
mod simulator;
mod sweep;
mod table;
mod trace;
mod validate;
mod warnings;
mod work;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;

pub use args::Arguments;
pub use console::Console;
pub use engine::{CatalogueEntry, Engine, Prepared, Rejected, Simulate, Watch};
pub use failure::{Exit, Failure};
pub use simulator::Simulator;

use crate::archive::canonical_json;
use args::Verb;
use work::Context;

/// Whether replications have begun: before that there is nothing to finish, and Ctrl-C ends the program at once.
static BEGUN: AtomicBool = AtomicBool::new(false);

/// The whole program on this process's arguments, streams and signals.
///
/// The first Ctrl-C lets the replications that have begun finish, and keeps them; the second ends the
/// program at once.
pub fn main(engine: &dyn Engine) -> ExitCode {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    let handler = ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::Relaxed) || !BEGUN.load(Ordering::Relaxed) {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
        // Standard error may be gone as well; there is nobody left to tell.
        let _ = writeln!(
            io::stderr(),
            "interrupted: finishing the replications that have begun; once more to end at once"
        );
    });
    if let Err(error) = handler {
        let _ = writeln!(
            io::stderr(),
            "warning: an interruption will lose all results: {error}"
        );
    }
    let (out, err) = (&mut io::stdout().lock(), &mut io::stderr());
    let exit = dispatch(std::env::args_os(), engine, out, err, &stop);
    ExitCode::from(exit.code())
}

/// The whole program on other arguments and streams; `stop` is what Ctrl-C sets.
pub fn dispatch(
    arguments: impl IntoIterator<Item = OsString>,
    engine: &dyn Engine,
    out: &mut dyn Write,
    err: &mut dyn Write,
    stop: &AtomicBool,
) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let parsed = match Arguments::try_parse_from(&arguments) {
        Ok(parsed) => parsed,
        Err(error) => return explain(&error, &arguments, out, err),
    };
    let console = Console::new(out, err, &parsed, io::stdout().is_terminal());
    let command_line = command_line(&arguments);
    let mut context = Context {
        engine,
        console,
        stop,
        command_line,
    };
    let result = match &parsed.verb {
        Verb::Validate(arguments) => validate::validate(&mut context, arguments),
        Verb::Run(arguments) => run::run(&mut context, arguments),
        Verb::Compare(arguments) => compare::compare(&mut context, arguments),
        Verb::Sweep(arguments) => sweep::sweep(&mut context, arguments),
        Verb::Link(arguments) => link::link(&mut context, arguments),
        Verb::Bounds(arguments) => bounds::bounds(&mut context, arguments),
        Verb::Criticality(arguments) => criticality::criticality(&mut context, arguments),
        Verb::Import(arguments) => import::import(&mut context, arguments),
        Verb::New(arguments) => new::new(&mut context, arguments),
        Verb::Schema => schema::schema(&mut context),
        Verb::List(arguments) => list::list(&mut context, arguments),
        Verb::Reproduce(arguments) => reproduce::reproduce(&mut context, arguments),
        Verb::Report(arguments) => report::report(&mut context, arguments),
        Verb::Table(arguments) => table::table(&mut context, arguments),
        Verb::Plot(arguments) => plot::plot(&mut context, arguments),
        Verb::Trace(arguments) => trace::trace(&mut context, arguments),
        Verb::Explain(arguments) => explain::explain(&mut context, arguments),
        Verb::Completions(arguments) => completions::completions(&mut context, arguments),
        Verb::Man(arguments) => man::man(&mut context, arguments),
    };
    let finished = result.and_then(|exit| context.console.flush().map(|()| exit));
    finished.unwrap_or_else(|failure| {
        context.console.fail(&failure);
        failure.exit()
    })
}

/// Help and version are data, a mistake is not; it is a document too where JSON is wanted.
fn explain(error: &clap::Error, arguments: &[OsString], out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let coloured = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let text = |terminal: bool| {
        let text = error.render();
        if terminal && coloured {
            text.ansi().to_string()
        } else {
            text.to_string()
        }
    };
    // A reader that has gone away, such as `head`, has read enough.
    if error.use_stderr() {
        let _ = err.write_all(text(io::stderr().is_terminal()).as_bytes());
        let options = arguments.iter().take_while(|argument| *argument != "--");
        if options.into_iter().any(|argument| argument == "--json") {
            let said = text(false);
            let said = said.strip_prefix("error: ").unwrap_or(&said).trim_end();
            let _ = canonical_json(out, &console::failed(said, Exit::Usage, &[]));
        }
        Exit::Usage
    } else {
        let _ = out.write_all(text(io::stdout().is_terminal()).as_bytes());
        Exit::Done
    }
}

/// The arguments for the manifest, the program by its name only.
fn command_line(arguments: &[OsString]) -> Vec<String> {
    let program = std::iter::once(env!("CARGO_PKG_NAME").to_owned());
    program
        .chain(
            arguments
                .iter()
                .skip(1)
                .map(|argument| argument.to_string_lossy().into_owned()),
        )
        .collect()
}

#[cfg(test)]
mod tests;
