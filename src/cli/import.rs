//! `qkdni import`: a scenario of a topology file. What `new` does with its topology is here too.

use std::path::Path;

use serde_json::{Value, json};

use super::args::{Assembly, Import, Kind};
use super::work::Context;
use super::{Exit, Failure};
use crate::archive::{SCHEMA_VERSION, whole};
use crate::scenario::Diagnostics;
use crate::scenario::assemble::{Assembled, Borders, Joint, Partition, Settings, assemble};
use crate::scenario::import::import as read;
use crate::scenario::topology::Topology;
use crate::units::counted;

pub(super) fn import(context: &mut Context<'_>, arguments: &Import) -> Result<Exit, Failure> {
    let settings = Settings {
        partition: partition(arguments)?,
        borders: borders(&arguments.border)?,
        detour: arguments.detour,
        default_length: arguments.default_length,
        demand_unit: arguments.demand_unit,
        ..common(&arguments.assembly)
    };
    let topology = read(&arguments.file, arguments.format.as_deref()).map_err(failure)?;
    let file = arguments.file.display().to_string();
    deliver(
        context,
        &topology,
        &settings,
        &file,
        arguments.assembly.out.as_deref(),
    )
}

/// The settings that `import` and `new` share.
pub(super) fn common(assembly: &Assembly) -> Settings {
    Settings {
        name: assembly.name.clone(),
        joint: match assembly.kind {
            Kind::Gwn => Joint::Gwn,
            Kind::Iwn => Joint::Iwn,
        },
        span: assembly.span,
        load: assembly.load,
        ..Settings::default()
    }
}

fn partition(arguments: &Import) -> Result<Partition, Failure> {
    if let Some(attribute) = &arguments.by {
        return Ok(Partition::Attribute(attribute.clone()));
    }
    if arguments.qkdn.is_empty() {
        return Ok(Partition::Even(arguments.split.unwrap_or(2)));
    }
    let list = |text: &String| {
        let (name, sites) = text.split_once('=').unwrap_or((text, ""));
        if name.is_empty() {
            let hint = "write --qkdn West=Gdansk,Poznan, and --qkdn East for all the others";
            return Err(Failure::Usage(format!(
                "--qkdn {text} has no name\n  hint: {hint}"
            )));
        }
        let sites = sites.split(',').map(str::trim).filter(|site| !site.is_empty());
        Ok((name.to_owned(), sites.map(str::to_owned).collect()))
    };
    arguments
        .qkdn
        .iter()
        .map(list)
        .collect::<Result<_, _>>()
        .map(Partition::Lists)
}

fn borders(texts: &[String]) -> Result<Borders, Failure> {
    match texts {
        [all] if all == "all" => return Ok(Borders::All),
        [shortest] if shortest == "shortest" => return Ok(Borders::Shortest),
        _ => {}
    }
    let pair = |text: &String| match text.split_once(':') {
        Some((a, b)) => Ok([a.to_owned(), b.to_owned()]),
        None => Err(Failure::Usage(format!(
            "--border {text} is neither all, shortest nor SITE:SITE\n  hint: write --border Gdansk:Warsaw"
        ))),
    };
    texts
        .iter()
        .map(pair)
        .collect::<Result<_, _>>()
        .map(Borders::Named)
}

/// Findings about files that cannot be read are no findings about what is in them.
pub(super) fn failure(findings: Diagnostics) -> Failure {
    if findings.is_input_output() {
        let texts: Vec<String> = findings
            .iter()
            .map(|it| format!("{}: {}", it.file, it.message))
            .collect();
        return Failure::InputOutput(texts.join("\n"));
    }
    // What is wrong with an option is a mistake in the command line.
    if findings.iter().all(|it| it.file.starts_with("--")) {
        return Failure::Options(findings.0);
    }
    Failure::Unfit(findings.0)
}

/// Makes the scenario and writes it where it is wanted.
pub(super) fn deliver(
    context: &mut Context<'_>,
    topology: &Topology,
    settings: &Settings,
    source: &str,
    out: Option<&Path>,
) -> Result<Exit, Failure> {
    let made = assemble(topology, settings, source).map_err(failure)?;
    for warning in &made.warnings {
        let _ = context.console.note(&warning.to_string());
    }
    if let Some(out) = out {
        write(out, &made.text)?;
    }
    if context.console.json() {
        context.console.document(&document(&made, out))?;
    } else if out.is_none() {
        context.console.data(&made.text)?;
    }
    let place = out.map_or(String::new(), |out| format!("{}: ", out.display()));
    let parts = [
        (made.qkdns, "QKDN"),
        (made.sites, "site"),
        (made.relays, "relay"),
        (made.borders, "border"),
        (made.demands, "demand"),
    ];
    let parts = parts.map(|(count, what)| counted(count as u64, what));
    context.console.say(&format!("{place}{}", parts.join(", ")));
    Ok(Exit::Done)
}

fn document(made: &Assembled, out: Option<&Path>) -> Value {
    let scenario: Value = serde_json::from_str(&made.text).expect("what was made is JSON");
    json!({
        "schema_version": SCHEMA_VERSION,
        "file": out.map(|out| out.display().to_string()),
        "qkdns": made.qkdns,
        "sites": made.sites,
        "relays": made.relays,
        "borders": made.borders,
        "demands": made.demands,
        "warnings": made.warnings.to_json(),
        "scenario": if out.is_none() { scenario } else { Value::Null },
    })
}

/// Writes a new file, whole or not at all.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                "\n  hint: nothing is overwritten: remove it, or choose another name"
            }
            _ => "",
        };
        Failure::InputOutput(format!("cannot write {}: {error}{hint}", path.display()))
    };
    whole::create(path, text.as_bytes()).map_err(failed)
}
