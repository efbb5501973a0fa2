//! `qkdni completions`: what a shell needs to complete the commands.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use serde_json::json;

use super::work::Context;
use super::{Arguments, Exit, Failure};
use crate::archive::SCHEMA_VERSION;

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  qkdni completions bash > ~/.local/share/bash-completion/completions/qkdni
  qkdni completions zsh > ~/.zfunc/_qkdni
  qkdni completions fish > ~/.config/fish/completions/qkdni.fish")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

pub(super) fn completions(context: &mut Context<'_>, arguments: &Completions) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "qkdni", &mut script);
    let script = String::from_utf8(script).expect("names and help are UTF-8");
    if context.console.json() {
        let shell = arguments.shell.to_string();
        context.console.document(&json!({
            "schema_version": SCHEMA_VERSION,
            "shell": shell,
            "script": script,
        }))?;
    } else {
        context.console.data(&script)?;
    }
    Ok(Exit::Done)
}
