//! `qkdni man`: manual pages, one for the program and one for each command.

use std::fs;
use std::path::PathBuf;

use clap::{Args, Command, CommandFactory as _};
use clap_mangen::Man;
use serde_json::json;

use super::work::Context;
use super::{Arguments, Exit, Failure};
use crate::archive::SCHEMA_VERSION;

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  qkdni man | man -l -
  qkdni man --out ~/.local/share/man/man1")]
pub(super) struct ManPages {
    /// Write all pages into this folder, which is made if it is not there [default: the program's own page on standard output]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

fn page(command: &Command) -> String {
    let mut page = Vec::new();
    Man::new(command.clone())
        .date("")
        .render(&mut page)
        .expect("memory takes everything");
    let page = String::from_utf8(page).expect("names and help are UTF-8");
    // Indented lines are examples and tables: they stay as they are.
    let mut text = String::with_capacity(page.len());
    let mut fixed = false;
    for line in page.lines() {
        if line.starts_with(' ') != fixed {
            fixed = !fixed;
            text.push_str(if fixed { ".nf\n" } else { ".fi\n" });
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

pub(super) fn man(context: &mut Context<'_>, arguments: &ManPages) -> Result<Exit, Failure> {
    let mut command = Arguments::command();
    command.build();
    let Some(folder) = &arguments.out else {
        let text = page(&command);
        if context.console.json() {
            context
                .console
                .document(&json!({ "schema_version": SCHEMA_VERSION, "page": text }))?;
        } else {
            context.console.data(&text)?;
        }
        return Ok(Exit::Done);
    };
    let fail = |error| Failure::InputOutput(format!("cannot write {}: {error}", folder.display()));
    fs::create_dir_all(folder).map_err(fail)?;
    let of_verbs = command
        .get_subcommands()
        .map(|verb| (format!("qkdni-{}.1", verb.get_name()), page(verb)));
    let pages: Vec<(String, String)> = std::iter::once(("qkdni.1".to_owned(), page(&command)))
        .chain(of_verbs)
        .collect();
    for (name, content) in &pages {
        fs::write(folder.join(name), content).map_err(fail)?;
    }
    if context.console.json() {
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        context.console.document(&json!({
            "schema_version": SCHEMA_VERSION,
            "folder": folder.to_string_lossy(),
            "pages": names,
        }))?;
    } else {
        context
            .console
            .say(&format!("{} pages in {}", pages.len(), folder.display()));
    }
    Ok(Exit::Done)
}
