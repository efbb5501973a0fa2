//! Standard output and standard error, and how things look there.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Arguments, Exit, Failure};
use crate::archive::{SCHEMA_VERSION, canonical_json};
use crate::report::tables::{Look, terminal_width};
use crate::scenario::Diagnostic;

/// The document that stands for the data where there is none.
pub(super) fn failed(text: &str, exit: Exit, findings: &[Diagnostic]) -> Value {
    json!({
        "schema_version": SCHEMA_VERSION,
        "error": text,
        "exit_code": exit.code(),
        "findings": findings,
    })
}

/// Where a verb speaks.
pub struct Console<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    json: bool,
    quiet: bool,
    look: Look,
}

impl<'a> Console<'a> {
    /// A console; `terminal` says whether `out` is one.
    pub fn new(
        out: &'a mut dyn Write,
        err: &'a mut dyn Write,
        arguments: &Arguments,
        terminal: bool,
    ) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let look = Look {
            width: terminal_width().unwrap_or(100).max(60),
            colour: terminal && !set("NO_COLOR") && !dumb,
        };
        Console {
            out,
            err,
            json: arguments.json,
            quiet: arguments.quiet,
            look,
        }
    }

    /// Says nothing any more: one process of several speaks for all.
    #[cfg(feature = "mpi")]
    pub fn mute(&mut self) {
        // A sink has no size, so nothing is leaked.
        self.out = Box::leak(Box::new(io::sink()));
        self.err = Box::leak(Box::new(io::sink()));
        self.quiet = true;
    }

    /// Whether data is wanted as JSON.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Whether only data, warnings and errors are wanted.
    pub fn quiet(&self) -> bool {
        self.quiet
    }

    /// How tables look.
    pub fn look(&self) -> Look {
        self.look
    }

    /// Data for people, with a line end of its own if it lacks one.
    ///
    /// # Errors
    /// If standard output fails.
    pub fn data(&mut self, text: &str) -> Result<(), Failure> {
        self.out.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }

    /// Data for programs.
    ///
    /// # Errors
    /// If standard output fails.
    pub fn document(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        Ok(canonical_json(self.out, value)?)
    }

    /// Something worth knowing, unless it is to be quiet. A lost note is no reason to fail.
    pub fn say(&mut self, text: &str) {
        if !self.quiet {
            let _ = self.note(text);
        }
    }

    /// A warning or an error.
    ///
    /// # Errors
    /// If standard error fails.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.err, "{text}")
    }

    /// Why there is no data: on standard error, and as a document where JSON is wanted.
    pub fn fail(&mut self, failure: &Failure) {
        let Some(text) = failure.text() else { return };
        // Where the streams are gone too, the exit code still tells.
        let _ = self.note(&format!("error: {text}"));
        if self.json {
            let _ = self.document(&failed(&text, failure.exit(), failure.findings()));
        }
    }

    /// Sends out what is held back.
    ///
    /// # Errors
    /// If standard output fails.
    pub fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }

    /// A bar on the terminal that counts up to `total`; hidden without a terminal or where it is to be quiet.
    pub fn progress(&self, total: u32, of_what: &str) -> ProgressBar {
        let target = if self.quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(u64::from(total)), target);
        let style = ProgressStyle::with_template(&format!(
            "{{bar:40}} {{pos}}/{{len}} {of_what}, {{elapsed}} gone, {{eta}} left  {{msg}}"
        ));
        let bar = bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        bar
    }
}
