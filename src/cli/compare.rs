//! `qkdni compare`: several scenarios, pair by pair.

use std::path::Path;

use serde_json::{Value, json};

use super::args::{Compare, FailOn};
use super::precision::Wanted;
use super::warnings::other_demands;
use super::work::{Context, claim, kept, manifest, summarize, theory};
use super::{Exit, Failure, Prepared, Watch};
use crate::analysis::bounds::{Expected, expected};
use crate::archive::{
    ArchiveError, Command, Comparison, Folder, Host, Manifest, OfVariants, Pair, Price, Rule, RunRecord,
    Sink, Summary, VariantEntry, Verdict, scenario_hash, sha256_hex, variant_folders, write_comparison,
    write_run,
};
use crate::experiment::compare::{Side, against_the_first, compare as compare_sides, difference_half_width};
use crate::observe::outcome::Outcome;
use crate::report::tables;

pub(super) fn compare(context: &mut Context<'_>, arguments: &Compare) -> Result<Exit, Failure> {
    let simulation = &arguments.simulation;
    let (subjects, pairs) = subjects(context, arguments)?;
    for subject in &subjects {
        context.warn(subject);
    }
    let wanted = Wanted::of(&arguments.precision)?;
    let asked = common(&subjects)?;
    let entries = entries(&subjects);
    let lines: Vec<String> = entries
        .iter()
        .map(|entry| format!("{}  {}\n", entry.scenario_sha256, entry.name))
        .collect();
    let hash = sha256_hex(lines.concat().as_bytes());
    let host = Host::here(simulation.threads.threads, &context.command_line);
    let name = format!("{}-compare", subjects[0].name);
    let mut folder = claim(simulation, &host, &name, &hash)?;
    let all: Vec<&Prepared> = subjects.iter().collect();
    let prices: Vec<Option<Price>> = subjects.iter().map(|subject| subject.price.clone()).collect();
    let (asked, outcomes) = match wanted {
        Some(wanted) => {
            let what = format!("the difference in {} of {}", wanted.name, wanted.scope);
            wanted.replicate(context, simulation, &all, &what, |outcomes| {
                let comparison = compare_sides(&sides(&entries, outcomes, &prices), &pairs);
                match comparison.of(wanted.name, wanted.scope).next() {
                    Some(_) => Ok(difference_half_width(&comparison, wanted.name, wanted.scope)),
                    None => Err(wanted.no_such_scope(&comparison.scopes_of(wanted.name))),
                }
            })?
        }
        None => {
            let outcomes = context.replicate(&all, 0..asked, host.threads, simulation.watch())?;
            (asked, outcomes)
        }
    };
    let compared = Compared {
        subjects: &subjects,
        entries: &entries,
        pairs: &pairs,
        prices: &prices,
    };
    let (comparison, summaries) = compared.write(&mut folder, &outcomes, simulation.trace)?;
    for warning in &comparison.warnings {
        let _ = context.console.note(&format!("warning: {}", warning.line()));
    }
    compared.write_manifests(&mut folder, &host, &summaries, asked, simulation.watch())?;
    let mut manifest = manifest(Command::Compare, &host, &summaries, asked, simulation.watch());
    let status = manifest.status;
    manifest.scenario_sha256 = hash;
    manifest.variants.clone_from(&entries);
    let place = folder.seal(manifest)?;
    if context.console.json() {
        let mut document = json!(comparison);
        let bounds: Vec<Option<Expected>> = (subjects.iter())
            .map(|subject| subject.plan.as_deref().map(expected))
            .collect();
        document["bounds"] = json!(bounds);
        document["status"] = json!(status);
        document["folder"] = Value::from(place.to_string_lossy());
        context.console.document(&document)?;
    } else {
        let look = context.console.look();
        context.console.data(&tables::comparison(&comparison, look))?;
        for (subject, summary) in subjects.iter().zip(&summaries) {
            let line = theory(subject, summary);
            if !line.is_empty() {
                context.console.data(&format!("{}: {line}", subject.label))?;
            }
        }
    }
    let done = comparison.replications;
    // How many a precision would have taken was never asked for.
    let of = wanted.map_or(Some(asked), |_| None);
    let interrupted = (done < asked).then(|| kept(done, of));
    let exit = context.conclude(&place, interrupted.as_deref(), &summaries);
    let worse = comparison.metrics.iter().any(|row| row.verdict == Verdict::Worse);
    Ok(match exit {
        // Whether a scenario's own expectations hold is the business of `run`.
        Exit::Done | Exit::Difference if worse && arguments.fail_on == Some(FailOn::Worse) => {
            Exit::Difference
        }
        Exit::Difference => Exit::Done,
        other => other,
    })
}

/// Who could read the keys is part of every comparison.
pub(super) const EXPOSED: &str = "security.exposure=true";

/// The scenarios to run and the pairs to form.
fn subjects(context: &Context<'_>, arguments: &Compare) -> Result<(Vec<Prepared>, Vec<Pair>), Failure> {
    let mut sets = arguments.simulation.all_sets();
    sets.push(EXPOSED.to_owned());
    match (arguments.gwn_vs_iwn, arguments.files.as_slice()) {
        (true, [file]) => {
            let subjects = context.engine.derive(file, &sets)?;
            let pairs = neutral_pairs(&subjects);
            Ok((subjects, pairs))
        }
        (true, _) => Err(Failure::Usage("--gwn-vs-iwn derives its variants from exactly one FILE".to_owned())),
        (false, [_]) => Err(Failure::Usage(
            "one scenario cannot be compared\n  hint: name a second one, or a variant as FILE:VARIANT, or give \
             --gwn-vs-iwn"
                .to_owned(),
        )),
        (false, files) => {
            let labels = labels(files);
            let mut subjects = Vec::new();
            for (file, label) in files.iter().zip(&labels) {
                let mut subject = context.engine.prepare(file, &sets)?;
                subject.label.clone_from(label);
                subjects.push(subject);
            }
            let names: Vec<&str> = labels.iter().map(String::as_str).collect();
            Ok((subjects, against_the_first(&names)))
        }
    }
}

/// The pairs of the neutral rule: G1 against I is about the architecture alone, G0 and G0= against I also
/// about where equipment stands, so that the better side must not be dearer.
pub(super) fn neutral_pairs(subjects: &[Prepared]) -> Vec<Pair> {
    [
        ("G1", Rule::Plain),
        ("G0", Rule::NotDearer),
        ("G0=", Rule::NotDearer),
    ]
    .into_iter()
    .filter(|(name, _)| subjects.iter().any(|subject| subject.label == *name))
    .map(|(name, rule)| Pair {
        a: name.to_owned(),
        b: "I".to_owned(),
        rule,
    })
    .collect()
}

/// Short names for the arguments: the variant, else the file's stem; the argument itself where those are not
/// unique, with a number if it was given twice.
fn labels(files: &[String]) -> Vec<String> {
    let short = |file: &String| match file.rsplit_once(':') {
        Some((_, variant)) if !variant.contains(['/', '\\']) => variant.to_owned(),
        _ => Path::new(file)
            .file_stem()
            .map_or(file.clone(), |stem| stem.to_string_lossy().into_owned()),
    };
    let all: Vec<String> = files.iter().map(short).collect();
    let unique = |label: &String| all.iter().filter(|other| *other == label).count() == 1;
    let mut labels: Vec<String> = Vec::new();
    for (label, file) in all.iter().zip(files) {
        let plain = if unique(label) { label } else { file };
        let numbered = (2_u32..).map(|number| format!("{plain}#{number}"));
        let free = std::iter::once(plain.clone())
            .chain(numbered)
            .find(|label| !labels.contains(label));
        labels.extend(free);
    }
    labels
}

/// The number of replications that all scenarios ask for, if they agree on it and on the seed.
fn common(subjects: &[Prepared]) -> Result<u32, Failure> {
    let Some(first) = subjects.first() else {
        return Err(Failure::Usage("there is nothing to compare".to_owned()));
    };
    for other in subjects {
        if other.seed != first.seed {
            return Err(Failure::Usage(format!(
                "{} has seed {} and {} has seed {}: pairs need the same random numbers\n  hint: give one seed for \
                 all with --seed",
                first.label, first.seed, other.label, other.seed
            )));
        }
        if other.replications != first.replications {
            return Err(Failure::Usage(format!(
                "{} has {} replications and {} has {}\n  hint: give one number for all with --replications",
                first.label, first.replications, other.label, other.replications
            )));
        }
    }
    Ok(first.replications)
}

fn entries(subjects: &[Prepared]) -> Vec<VariantEntry> {
    let names: Vec<&str> = subjects.iter().map(|subject| subject.label.as_str()).collect();
    let folders = variant_folders(&names);
    let entry = |(subject, folder): (&Prepared, String)| VariantEntry {
        name: subject.label.clone(),
        folder,
        variant: subject.variant.clone(),
        scenario_sha256: scenario_hash(&subject.resolved),
    };
    subjects.iter().zip(folders).map(entry).collect()
}

fn sides<'a>(
    entries: &'a [VariantEntry],
    outcomes: &'a [Vec<Outcome>],
    prices: &'a [Option<Price>],
) -> Vec<Side<'a>> {
    let side = |((entry, outcomes), price): ((&'a VariantEntry, &'a Vec<Outcome>), &'a Option<Price>)| Side {
        name: &entry.name,
        outcomes,
        price: price.as_ref(),
    };
    entries.iter().zip(outcomes).zip(prices).map(side).collect()
}

/// Scenarios that are compared, with what `reproduce` reads back from a folder.
pub(super) struct Compared<'a> {
    pub subjects: &'a [Prepared],
    pub entries: &'a [VariantEntry],
    pub pairs: &'a [Pair],
    pub prices: &'a [Option<Price>],
}

impl Compared<'_> {
    /// Writes everything but the manifests.
    pub fn write(
        &self,
        sink: &mut dyn Sink,
        outcomes: &[Vec<Outcome>],
        trace: bool,
    ) -> Result<(Comparison, Vec<Summary>), ArchiveError> {
        let mut summaries = Vec::new();
        for ((subject, entry), outcomes) in self.subjects.iter().zip(self.entries).zip(outcomes) {
            let summary = summarize(subject, outcomes);
            let record = RunRecord {
                resolved: &subject.resolved,
                variant: entry.variant.as_deref(),
                summary: &summary,
                outcomes,
                trace,
            };
            write_run(sink, &format!("{}/", entry.folder), &record)?;
            summaries.push(summary);
        }
        let mut comparison = compare_sides(&sides(self.entries, outcomes, self.prices), self.pairs);
        comparison.warnings.extend(self.of_demands());
        let known = self.entries.iter().zip(&summaries);
        comparison.warnings.extend(OfVariants::join(
            known.map(|(entry, summary)| (entry.name.as_str(), summary.warnings.as_slice())),
        ));
        write_comparison(sink, &comparison)?;
        Ok((comparison, summaries))
    }

    /// What to know of those that do not ask for the same as the first.
    fn of_demands(&self) -> Vec<OfVariants> {
        let mut plans = (self.subjects.iter().zip(self.entries))
            .filter_map(|(subject, entry)| Some((entry.name.as_str(), subject.plan.as_deref()?)));
        let Some((first, measure)) = plans.next() else {
            return Vec::new();
        };
        let differ = plans.filter_map(|(name, plan)| {
            Some(OfVariants {
                variants: vec![first.to_owned(), name.to_owned()],
                remark: other_demands(measure, plan)?,
            })
        });
        differ.collect()
    }

    /// Makes the folder of every variant a results folder of its own.
    fn write_manifests(
        &self,
        folder: &mut Folder,
        host: &Host,
        summaries: &[Summary],
        asked: u32,
        watch: Watch,
    ) -> Result<(), ArchiveError> {
        for (entry, summary) in self.entries.iter().zip(summaries) {
            let prefix = format!("{}/", entry.folder);
            let mut manifest: Manifest =
                manifest(Command::Run, host, std::slice::from_ref(summary), asked, watch);
            manifest.scenario_sha256.clone_from(&entry.scenario_sha256);
            manifest.variant.clone_from(&entry.variant);
            manifest.files = (folder.files().iter())
                .filter_map(|(path, hash)| Some((path.strip_prefix(&prefix)?.to_owned(), hash.clone())))
                .collect();
            folder.manifest(&prefix, &manifest)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::labels;

    #[test]
    fn labels_are_short_and_unique() {
        let check = |files: &[&str], expected: &[&str]| {
            let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
            assert_eq!(labels(&files), expected);
        };
        check(&["a/madqci.json", "a/madqci.json:iwn"], &["madqci", "iwn"]);
        check(
            &["a/x.json:iwn", "b/y.json:iwn", "z.json"],
            &["a/x.json:iwn", "b/y.json:iwn", "z"],
        );
        check(&["x.json", "x.json"], &["x.json", "x.json#2"]);
        check(&["c:/x", "y"], &["x", "y"]);
    }
}
