//! `qkdni sweep`: one scenario at many points, on threads, in parts, or on many machines.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::args::Sweep as Arguments;
use super::compare::neutral_pairs;
use super::warnings::of_load;
use super::work::{Context, rounded, summarize};
use super::{BEGUN, Engine, Exit, Failure, Prepared, Rejected, Watch};
use crate::archive::{
    Archived, Host, Manifest, OfPoints, OfVariants, PointRecord, Remark, SCHEMA_VERSION, Status, SweepFolder,
    SweepPlace, SweepRecord, VariantSummary, place,
};
use crate::experiment::compare::{Side, compare};
use crate::experiment::distribute::{Control, Keep, Stopped, Trouble, Work, in_order, threads_of};
use crate::experiment::run::replicate;
use crate::experiment::sweep::Sweep;
use crate::experiment::sweep::design::Design;
use crate::report::tables;

/// Most findings that are shown about the points of a sweep.
const MOST_FINDINGS: usize = 20;

/// Points that the table on the terminal shows at most.
const MOST_ROWS: usize = 20;

pub(super) fn sweep(context: &mut Context<'_>, arguments: &Arguments) -> Result<Exit, Failure> {
    if arguments.parquet && !cfg!(feature = "parquet") {
        return Err(Failure::Usage(
            "this program was built without Parquet\n  hint: build it with --features parquet".to_owned(),
        ));
    }
    BEGUN.store(true, Ordering::Relaxed);
    // What launchers tell the processes that they start.
    let launched = ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"].map(std::env::var_os);
    if launched.iter().all(Option::is_none) {
        return lead(context, arguments, &threads);
    }
    #[cfg(feature = "mpi")]
    {
        under_mpi(context, arguments)
    }
    #[cfg(not(feature = "mpi"))]
    if launched[0].as_ref().is_none_or(|size| size == "1") {
        lead(context, arguments, &threads)
    } else {
        Err(Failure::Usage(
            "started by mpirun, but this program was built without MPI\n  hint: build it with --features mpi"
                .to_owned(),
        ))
    }
}

/// Work that is to be shared out: which points, how, and where results go; its name tells ranks that they agree.
struct Job<'a> {
    #[cfg(feature = "mpi")]
    name: &'a str,
    points: &'a [u32],
    control: Control<'a>,
    work: Work<'a>,
    keep: Keep<'a>,
}

/// Shares a job out over the threads of this process.
fn threads(job: &Job<'_>) -> Result<(), Trouble> {
    let failed: Mutex<Option<Trouble>> = Mutex::new(None);
    let over = AtomicBool::new(false);
    let stopped = in_order(job.points.len() as u32, job.control, |index| {
        if over.load(Ordering::Relaxed) {
            return;
        }
        let point = job.points[index as usize];
        let kept = (job.work)(point)
            .and_then(|content| content.map_or(Ok(()), |content| (job.keep)(point, &content)));
        if let Err(trouble) = kept {
            over.store(true, Ordering::Relaxed);
            failed
                .lock()
                .expect("no thread panics here")
                .get_or_insert(trouble);
        }
    });
    stopped.map_err(|stopped| of_stopped(stopped, |index| job.points[index as usize]))?;
    failed
        .into_inner()
        .expect("no thread panics here")
        .map_or(Ok(()), Err)
}

#[cfg(feature = "mpi")]
fn under_mpi(context: &mut Context<'_>, arguments: &Arguments) -> Result<Exit, Failure> {
    use crate::experiment::distribute::machines::Crew;

    let Some(crew) = Crew::join() else {
        return Err(Failure::InputOutput(
            "MPI cannot be started a second time".to_owned(),
        ));
    };
    if crew.leads() {
        let result = lead(context, arguments, &|job| {
            let control = Control {
                // mpirun starts as many processes as it is to use processors.
                threads: arguments.threads.threads.max(1),
                ..job.control
            };
            crew.lead(job.name, job.points, control, job.work, job.keep)
        });
        crew.dismiss();
        return result;
    }
    context.console.mute();
    match Study::read(context.engine, arguments) {
        Ok(study) => {
            let name = study.record.hash();
            let work = |point| study.work(context.engine, point, 1, context.stop);
            crew.serve(Ok(name), &work);
        }
        Err(failure) => crew.serve(Err(trouble(&failure)), &|_| Ok(None)),
    }
    Ok(Exit::Done)
}

/// A sweep that makes sense.
pub(super) struct Study {
    file: String,
    base: Prepared,
    sweep: Sweep,
    pub record: SweepRecord,
}

/// What a sweep is asked for.
struct Asked<'a> {
    /// Changes that all points have in common.
    sets: Vec<String>,
    variants: &'a [String],
    axes: &'a [String],
    design: Design,
    gwn_vs_iwn: bool,
    parquet: bool,
}

impl Study {
    fn read(engine: &dyn Engine, arguments: &Arguments) -> Result<Study, Failure> {
        let mut sets = Vec::new();
        sets.extend(arguments.seed.map(|seed| format!("run.seed={seed}")));
        sets.extend(
            arguments
                .replications
                .map(|replications| format!("run.replications={replications}")),
        );
        sets.extend(arguments.gwn_vs_iwn.then(|| super::compare::EXPOSED.to_owned()));
        let asked = Asked {
            sets,
            variants: &arguments.variants,
            axes: &arguments.sets,
            design: arguments.design,
            gwn_vs_iwn: arguments.gwn_vs_iwn,
            parquet: arguments.parquet,
        };
        Study::of(engine, &arguments.file, asked)
    }

    fn of(engine: &dyn Engine, file: &str, asked: Asked<'_>) -> Result<Study, Failure> {
        let base = engine.prepare(file, &asked.sets)?;
        let planned = Sweep::plan(asked.variants, asked.axes, asked.design, base.seed);
        let sweep = planned.map_err(|mistakes| {
            let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            Failure::Usage(mistakes.join("\n"))
        })?;
        let mut record = SweepRecord::new(&base.name, &base.written);
        record.variant.clone_from(&base.variant);
        record.sets = asked.sets;
        record.variants = asked.variants.to_vec();
        record.axes = asked.axes.to_vec();
        record.paths = sweep.paths().map(str::to_owned).collect();
        record.compared = asked.gwn_vs_iwn;
        record.design = asked.design.to_string();
        record.seed = base.seed;
        record.points = sweep.points();
        record.parquet = asked.parquet;
        Ok(Study {
            file: file.to_owned(),
            base,
            sweep,
            record,
        })
    }

    /// Reads back what a folder holds, to compute it again.
    pub fn again(engine: &dyn Engine, archived: &Archived) -> Result<Study, Failure> {
        let record: SweepRecord = archived.json("sweep.json")?;
        let file = archived.folder().join("scenario.json");
        let design = record.design.parse().map_err(|text: String| {
            Failure::InputOutput(format!("sweep.json is damaged: design {}: {text}", record.design))
        })?;
        let asked = Asked {
            sets: record.sets.clone(),
            variants: &record.variants,
            axes: &record.axes,
            design,
            gwn_vs_iwn: record.compared,
            parquet: record.parquet,
        };
        let mut study = Study::of(engine, &file.to_string_lossy(), asked)?;
        // In the folder's scenario it is merged in.
        study.record.variant = record.variant;
        Ok(study)
    }

    /// The scenario that is swept, as it was written.
    pub fn written(&self) -> &Value {
        &self.base.written
    }

    /// What is simulated at a point: one scenario, or the variants that are derived from it.
    fn prepare(&self, engine: &dyn Engine, point: u32) -> Result<Vec<Prepared>, Rejected> {
        let mut sets = self.record.sets.clone();
        sets.extend(self.sweep.sets(point));
        let variants = self.sweep.variants(point);
        let source = match variants.as_slice() {
            [] => self.file.clone(),
            names => format!("{}{}{}", self.file, joint(&self.file), names.join("+")),
        };
        if self.record.compared {
            engine.derive(&source, &sets)
        } else {
            Ok(vec![engine.prepare(&source, &sets)?])
        }
    }

    /// Everything that is wrong with the points, before any is simulated; else what to know about their loads.
    fn check(&self, engine: &dyn Engine, points: &[u32], threads: usize) -> Result<Vec<OfPoints>, Failure> {
        let control = Control {
            threads,
            stop: &AtomicBool::new(false),
            progress: &|| (),
        };
        let checked = in_order(points.len() as u32, control, |index| {
            let subjects = self.prepare(engine, points[index as usize])?;
            let remarks = |subject: &Prepared| {
                let label = if self.record.compared { &subject.label } else { "" };
                OfPoints::named(label, of_load(subject).as_slice())
            };
            Ok(subjects.iter().flat_map(remarks).collect::<Vec<Remark>>())
        })
        .map_err(|stopped| failure(of_stopped(stopped, |index| points[index as usize])))?;
        let (mut loads, mut rejections) = (Vec::new(), Vec::new());
        for (point, checked) in points.iter().zip(checked) {
            match checked {
                Ok(remarks) => OfPoints::count(&mut loads, *point, remarks),
                Err(rejected) => rejections.push(rejected),
            }
        }
        let mut findings: Vec<crate::scenario::Diagnostic> = Vec::new();
        for rejected in rejections {
            let Rejected::Invalid(more) = rejected else {
                return Err(rejected.into());
            };
            for finding in more {
                // Neighbours fail for the same reason.
                let known = |other: &crate::scenario::Diagnostic| {
                    (other.code, &other.path) == (finding.code, &finding.path)
                        && other.message == finding.message
                };
                if findings.len() < MOST_FINDINGS && !findings.iter().any(known) {
                    findings.push(finding);
                }
            }
        }
        if findings
            .iter()
            .any(|finding| finding.severity == crate::catalogue::Severity::Error)
        {
            return Err(Failure::Invalid(findings));
        }
        Ok(loads)
    }

    /// Where a point is, for people.
    fn place(&self, point: u32) -> String {
        let values = self.sweep.values(point);
        let values = self.sweep.paths().zip(&values);
        place(
            point,
            values.filter_map(|(path, value)| Some((path, value.as_deref()?))),
        )
    }

    /// Simulates a point: the content of its file, or nothing if it was interrupted.
    pub fn work(
        &self,
        engine: &dyn Engine,
        point: u32,
        threads: usize,
        stop: &AtomicBool,
    ) -> Result<Option<Vec<u8>>, Trouble> {
        let subjects = self
            .prepare(engine, point)
            .map_err(|rejected| trouble(&rejected.into()))?;
        let control = Control {
            threads,
            stop,
            progress: &|| (),
        };
        let mut outcomes = Vec::new();
        for subject in &subjects {
            let done = replicate(subject.replications, control, |replication| {
                (subject.simulate)(replication, Watch::default())
            })
            .map_err(|stopped| Trouble {
                broken: matches!(stopped, Stopped::Panicked { .. }),
                text: format!("point {point} with seed {}: {stopped}", subject.seed),
            })?;
            if done.len() < subject.replications as usize {
                return Ok(None);
            }
            outcomes.push(done);
        }
        let values = self.sweep.paths().zip(self.sweep.values(point));
        let values: Map<String, Value> = values
            .filter_map(|(path, value)| Some((path.to_owned(), Value::from(value?))))
            .collect();
        let mut record = PointRecord {
            schema_version: SCHEMA_VERSION,
            sweep: self.record.hash(),
            point,
            values,
            summary: None,
            variants: Vec::new(),
            comparison: None,
        };
        if self.record.compared {
            let sides = subjects.iter().zip(&outcomes).map(|(subject, outcomes)| Side {
                name: &subject.label,
                outcomes,
                price: subject.price.as_ref(),
            });
            let sides: Vec<Side<'_>> = sides.collect();
            let mut comparison = compare(&sides, &neutral_pairs(&subjects));
            let said = subjects
                .iter()
                .zip(&outcomes)
                .map(|(subject, outcomes)| VariantSummary {
                    variant: subject.label.clone(),
                    summary: summarize(subject, outcomes),
                });
            record.variants = said.collect();
            let known = record.variants.iter();
            comparison.warnings =
                OfVariants::join(known.map(|of| (of.variant.as_str(), of.summary.warnings.as_slice())));
            record.comparison = Some(comparison);
        } else {
            record.summary = Some(summarize(&subjects[0], &outcomes[0]));
        }
        Ok(Some(record.bytes()))
    }
}

/// What stands between a source and a variant that is merged in on top: `FILE:VARIANT`, `FILE:VARIANT+VARIANT`.
fn joint(source: &str) -> char {
    let has_variant = !Path::new(source).exists() && source.contains(':');
    if has_variant { '+' } else { ':' }
}

/// Does everything but the sharing out of the work.
fn lead(
    context: &mut Context<'_>,
    arguments: &Arguments,
    share: &dyn Fn(&Job<'_>) -> Result<(), Trouble>,
) -> Result<Exit, Failure> {
    let study = Study::read(context.engine, arguments)?;
    context.warn(&study.base);
    let host = Host::here(arguments.threads.threads, &context.command_line);
    let default = || -> PathBuf {
        let folder = host.default_folder(&study.base.name, "");
        folder.with_file_name(format!("sweep-{}", &study.record.hash()[..8]))
    };
    let target = arguments.out.clone().unwrap_or_else(default);
    let part = arguments.shard.to_string();
    let asked: Vec<u32> = (0..study.record.points)
        .filter(|point| arguments.shard.has(*point))
        .collect();
    let warnings = study.check(context.engine, &asked, arguments.threads.threads)?;
    let folder = match SweepFolder::open(&target, &study.record, study.written(), &part)? {
        SweepPlace::Complete(place) => {
            context.console.say("all points were there already");
            return finish(context, &study, &place);
        }
        SweepPlace::Open(folder) => folder,
    };
    let done = folder.done()?;
    let pending: Vec<u32> = asked
        .iter()
        .copied()
        .filter(|point| !done.contains(point))
        .collect();
    if pending.len() < asked.len() {
        let had = asked.len() - pending.len();
        context.console.say(&format!(
            "going on: {had} of {} points are there already",
            asked.len()
        ));
    }
    let bar = context.console.progress(pending.len() as u32, "points");
    let (begin, events) = (Instant::now(), AtomicU64::new(0));
    let progress = || {
        let rate = events.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64();
        bar.set_message(format!("{} events/s", rounded(rate)));
        bar.inc(1);
    };
    let threads = threads_of(arguments.threads.threads);
    // Where there are fewer points than threads, the threads left over help with replications.
    let inside = threads / pending.len().clamp(1, threads);
    let shared = share(&Job {
        #[cfg(feature = "mpi")]
        name: &study.record.hash(),
        points: &pending,
        control: Control {
            threads: arguments.threads.threads,
            stop: context.stop,
            progress: &progress,
        },
        work: &|point| study.work(context.engine, point, inside, context.stop),
        keep: &|point, content| {
            // Points come as bytes, from other machines too; nobody reads them again for a bar that is not there.
            if !bar.is_hidden() {
                events.fetch_add(PointRecord::events_of(content), Ordering::Relaxed);
            }
            folder.keep(point, content).map_err(|error| Trouble {
                broken: false,
                text: error.to_string(),
            })
        },
    });
    bar.finish_and_clear();
    shared.map_err(failure)?;
    match folder.seal(&host)? {
        Some(place) => finish(context, &study, &place),
        None => unfinished(context, &study, &folder, &asked, &warnings),
    }
}

/// Says what is in a folder with all points.
fn finish(context: &mut Context<'_>, study: &Study, place: &Path) -> Result<Exit, Failure> {
    let archived = Archived::open(place)?;
    let manifest: &Manifest = archived.manifest();
    let (mut shown, mut warnings) = (Vec::new(), Vec::new());
    for point in 0..study.record.points {
        let record: PointRecord = archived.json(&PointRecord::path(point))?;
        OfPoints::add(&mut warnings, &record);
        if shown.len() < MOST_ROWS {
            shown.push(record);
        }
    }
    warn(context, study, &warnings);
    if context.console.json() {
        document(
            context,
            study,
            study.record.points,
            place,
            &json!(manifest.status),
            &warnings,
        )?;
    } else {
        let look = context.console.look();
        let text = tables::sweep(&study.record, &shown, look);
        context.console.data(&text)?;
    }
    context
        .console
        .say(&format!("results: {}", place.join("sweep.csv").display()));
    if manifest.status == Status::Broken {
        let _ = context
            .console
            .note("error: broken invariant, a bug: see the audits in points/");
        return Ok(Exit::Broken);
    }
    Ok(Exit::Done)
}

fn warn(context: &mut Context<'_>, study: &Study, warnings: &[OfPoints]) {
    for warning in warnings {
        let line = warning.line(study.record.points, |point| study.place(point));
        let _ = context.console.note(&format!("warning: {line}"));
    }
}

/// Says how far the sweep is.
fn unfinished(
    context: &mut Context<'_>,
    study: &Study,
    folder: &SweepFolder,
    asked: &[u32],
    warnings: &[OfPoints],
) -> Result<Exit, Failure> {
    warn(context, study, warnings);
    let done = folder.done()?;
    let own = asked.iter().filter(|point| done.contains(point)).count();
    let (interrupted, status) = if own < asked.len() {
        (true, "interrupted")
    } else {
        (false, "part")
    };
    let all = study.record.points;
    if context.console.json() {
        document(
            context,
            study,
            done.len() as u32,
            folder.partial(),
            &json!(status),
            warnings,
        )?;
    }
    let place = folder.partial().display();
    if interrupted {
        let text = format!(
            "interrupted: {} of {all} points are kept in {place}; the same command goes on",
            done.len()
        );
        let _ = context.console.note(&text);
        return Ok(Exit::Interrupted);
    }
    context.console.say(&format!(
        "this part is done: {} of {all} points are in {place}; the part that ends last gathers the results",
        done.len()
    ));
    Ok(Exit::Done)
}

fn document(
    context: &mut Context<'_>,
    study: &Study,
    done: u32,
    place: &Path,
    status: &Value,
    warnings: &[OfPoints],
) -> Result<(), Failure> {
    context.console.document(&json!({
        "schema_version": SCHEMA_VERSION,
        "name": study.record.name,
        "design": study.record.design,
        "paths": study.record.paths,
        "points": study.record.points,
        "done": done,
        "status": status,
        "warnings": warnings,
        "folder": place.to_string_lossy(),
    }))
}

/// A failure in a form that can travel between processes.
fn trouble(failure: &Failure) -> Trouble {
    Trouble {
        broken: failure.exit() == Exit::Broken,
        text: failure.text().unwrap_or_default(),
    }
}

/// Why the work on points ended without a result; `point` tells which one a piece of the work was.
pub(super) fn of_stopped(stopped: Stopped, point: impl Fn(u32) -> u32) -> Trouble {
    match stopped {
        Stopped::Panicked { job, message } => Trouble {
            broken: true,
            text: format!("broken invariant at point {}: {message}", point(job)),
        },
        Stopped::NoThreads(_) => Trouble {
            broken: false,
            text: stopped.to_string(),
        },
    }
}

/// How the program ends after trouble with a point.
pub(super) fn failure(trouble: Trouble) -> Failure {
    if trouble.broken {
        let hint = "this is a bug; please report it with the scenario and the sweep";
        Failure::Broken(format!("{}\n  hint: {hint}", trouble.text))
    } else {
        Failure::InputOutput(trouble.text)
    }
}
