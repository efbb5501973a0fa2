//! What may stand on the command line. The help texts are the reference that users read.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

use super::Watch;
use super::completions::Completions;
use super::man::ManPages;
use crate::experiment::sweep::Shard;
use crate::experiment::sweep::design::Design;
use crate::kernel::Span;
use crate::scenario::import::FORMATS;
use crate::scenario::templates::TEMPLATES;
use crate::units::{BitRate, Metres, Quantity as _};

/// Simulates QKD networks that interwork after ITU-T Y.3818, through gateway nodes (GWN) or an interworking
/// node (IWN), message by message, and compares them with error bars.
#[derive(Clone, Debug, Parser)]
#[command(name = "qkdni", version, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Arguments {
    /// One JSON document on standard output instead of tables
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress bar and no notes; warnings and errors remain
    #[arg(long, short, global = true)]
    pub quiet: bool,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

const AFTER_HELP: &str = "\
Examples:
  qkdni validate scenarios/madqci.json        is my scenario all right?
  qkdni run scenarios/madqci.json             simulate it, 10 replications or as it says
  qkdni run madqci.json --set 'demands.d1.arrivals.poisson.rate=4 /s'
  qkdni compare madqci.json --gwn-vs-iwn      gateway nodes or interworking node?
  qkdni compare madqci.json madqci.json:iwn   a scenario against its variant
  qkdni sweep madqci.json --set 'demands.d1.arrivals.poisson.rate=5..25:5 /s'
  qkdni reproduce runs/madqci/20261122T175059Z-01234567
  qkdni report DIR                            everything in one HTML file
  qkdni trace DIR --request d1/0 --format svg > chart.svg
  qkdni explain DIR --request d1/0            after `run --trace --out DIR`

A scenario is FILE, or FILE:VARIANT for one of the file's variants.

Exit codes:
  0  done                       4  a file cannot be read or written
  1  an expectation failed, or  5  a broken invariant: a bug, with seed and
     a difference was found        replication to repeat it
  2  wrong usage              130  interrupted; what was finished is kept
  3  the scenario is invalid

NO_COLOR=1 in the environment turns colours off.";

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Verb {
    /// Check scenarios: syntax, references, connectivity and Y.3818's own rules, all findings at once
    Validate(Validate),
    /// Simulate a scenario, print a table and write a results folder
    Run(Run),
    /// Compare scenarios in pairs with common random numbers: differences, intervals, verdicts
    Compare(Compare),
    /// Simulate a scenario at many points: grids and designs over any of its paths, on threads, job arrays or MPI
    Sweep(Sweep),
    /// Evaluate a link model: rate, QBER and block time at a distance, or over a range as table and picture
    Link(Link),
    /// What theory says without simulating: capacity, latency, availability, exposure, cost
    Bounds(Bounds),
    /// Every single fault of a node or link, ranked by the service that it takes
    Criticality(Criticality),
    /// Make a scenario of a topology file: GraphML, GML (Topology Zoo), SNDlib XML or node-link JSON
    Import(Import),
    /// Make a scenario of a template: ring, grid, metro, backbone_metros, random_geometric
    New(New),
    /// Print the JSON Schema of scenario files
    Schema,
    /// List what a scenario may name: routing algorithms, link models, faults, demands, metrics
    List(List),
    /// Run a results folder again and compare every byte
    Reproduce(Reproduce),
    /// Everything about some results in one HTML file that needs no network
    Report(Report),
    /// Metrics of a sweep, a comparison or a run as a table: for the terminal, as Markdown or CSV
    Table(Table),
    /// Draw single pictures of some results: topology, time series, distributions, reroutes, comparisons, sweeps
    Plot(Plot),
    /// Draw the messages of a request, a session, a fault or a procedure as a sequence chart
    Trace(Trace),
    /// Say why a request took its route, waited or failed
    Explain(Explain),
    /// Print what a shell needs to complete the commands
    Completions(Completions),
    /// Print the manual page, or write one per command
    Man(ManPages),
}

#[derive(Clone, Debug, Args)]
pub(super) struct Validate {
    /// Scenarios: FILE or FILE:VARIANT
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Change the scenarios before they are checked, as in `run`
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
}

/// What `run` and `compare` have in common.
#[derive(Clone, Debug, Args)]
pub(super) struct Simulation {
    /// Seed of all random numbers, instead of the scenario's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Number of replications, instead of the scenario's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub replications: Option<u32>,
    #[command(flatten)]
    pub threads: Threads,
    /// Results folder to write; must be new or empty [default: runs/NAME/TIME-HASH]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Change the scenario, as often as needed: `--set 'run.duration=2 h'`; things with an id are named by
    /// it: `--set 'demands.d1.key=256 bit'`
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// Also write every message (trace.jsonl), every decision (decisions.jsonl) and each key's audit trail (audit.jsonl)
    #[arg(long)]
    pub trace: bool,
    /// Periods of the time series of the first replication (timeseries.csv), 0 for none
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub samples: u32,
}

impl Simulation {
    /// What to keep of the run.
    pub fn watch(&self) -> Watch {
        Watch {
            trace: self.trace,
            samples: self.samples,
        }
    }

    /// All changes to the scenario, the options with a name of their own last.
    pub fn all_sets(&self) -> Vec<String> {
        let mut sets = self.sets.clone();
        sets.extend(self.seed.map(|seed| format!("run.seed={seed}")));
        sets.extend(
            self.replications
                .map(|replications| format!("run.replications={replications}")),
        );
        sets
    }
}

#[derive(Clone, Debug, Args)]
pub(super) struct Threads {
    /// Threads to run replications on, 0 for one per processor; the results are the same
    #[arg(short = 'j', long = "threads", value_name = "N", default_value_t = 0,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(0..=1024))]
    pub threads: usize,
}

/// How well to know what.
#[derive(Clone, Debug, Args)]
pub(super) struct Precision {
    /// Add replications until the 95 % interval of the metric (`compare`: of the difference in it, for every pair) ends at
    /// most this far from its middle, as a share of the mean (`compare`: of the earlier scenario's), such as 1%;
    /// --replications is then the most that are run [default: 1000]
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub precision: Option<f64>,
    /// The metric that --precision is about: NAME, or NAME@SCOPE
    #[arg(long, value_name = "METRIC", default_value = "kkrd_s", requires = "precision")]
    pub metric: String,
}

#[derive(Clone, Debug, Args)]
pub(super) struct Run {
    /// The scenario: FILE or FILE:VARIANT
    #[arg(value_name = "FILE")]
    pub file: String,
    #[command(flatten)]
    pub simulation: Simulation,
    #[command(flatten)]
    pub precision: Precision,
    /// Time at the start that is not counted: a time instead of the scenario's, or mser5 to find it by MSER-5 in five
    /// replications made for that
    #[arg(long, value_name = "TIME", value_parser = warm_up)]
    pub warm_up: Option<String>,
    /// One long replication with intervals over N batches of requests
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1000),
          conflicts_with_all = ["replications", "precision"])]
    pub batches: Option<u32>,
}

/// Reads a time, or the word that stands for finding it.
fn warm_up(text: &str) -> Result<String, String> {
    if text == "mser5" {
        return Ok(text.to_owned());
    }
    let wrong = |error: String| format!("{error}; or mser5, to find it by MSER-5");
    time(text).map(|_| text.to_owned()).map_err(wrong)
}

fn template_names() -> impl Iterator<Item = &'static str> {
    TEMPLATES.iter().map(|template| template.entry.name)
}

fn format_names() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|format| format.entry.name)
}

/// Reads "1%" or "1 %".
fn percent(text: &str) -> Result<f64, String> {
    let number = text
        .strip_suffix('%')
        .and_then(|number| number.trim().parse::<f64>().ok());
    match number {
        Some(number) if number > 0.0 && number <= 100.0 => Ok(number / 100.0),
        _ => match text.trim().parse::<f64>() {
            Ok(number) if number > 0.0 && number <= 100.0 => Err(format!("write \"{}%\"", text.trim())),
            _ => Err("write a percentage above 0, such as 1%".to_owned()),
        },
    }
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Verdicts speak of the later scenario of a pair, as seen from the earlier one:
  better, worse  significant by the metric's direction (5 %, Holm-corrected
                 over the network's rows of all pairs, or over those of its parts)
  no evidence    these replications do not tell the two apart
  no_verdict     different, but the better side is also the dearer one (G0 and
                 G0= against I only), or it is the availability, and the served
                 share does not differ the same way
  none           fewer than two replications, or neither good nor bad

With --gwn-vs-iwn the variants are derived from the file's boundary:
  G0   a gateway node at either end, one link over the duct between them
  G0=  the same, with as many parallel links as I's price allows
  G1   gateway nodes, the site on the duct being an ordinary node of its owner
       (`site_owner`; default: the first QKDN): I's links without the IWN
  I    the site on the duct is an interworking node

G1 against I isolates the architecture; G0 against I also moves equipment, so that the better side must not be dearer.")]
pub(super) struct Compare {
    /// Scenarios, FILE or FILE:VARIANT: all are compared with the first
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Derive the gateway and interworking variants from the one FILE's boundary, and compare those
    #[arg(long)]
    pub gwn_vs_iwn: bool,
    /// End with exit code 1 if a verdict says this
    #[arg(long, value_name = "VERDICT")]
    pub fail_on: Option<FailOn>,
    #[command(flatten)]
    pub precision: Precision,
    #[command(flatten)]
    pub simulation: Simulation,
}

/// Verdicts that may count as a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// The later scenario is significantly worse in some metric
    Worse,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Values of a path:
  --set run.seed=1,2,5                       a list
  --set 'demands.d1.key=128,256 bit'         one unit for all
  --set 'demands.d1.timeout=5..30:5 s'       from, to (if a step meets it), step
  --set 'qkdns.A.links.a1-a2.length=10..50 km'   anything in between, for
                                             --design lhs:N and sobol:N
  --set 'boundaries.a.site_at&boundaries.b.site_at=0.2,0.5'   one value for several paths
  --variants control=dd,cc --variants fault=-,cut   every two of the file together

A sweep that was interrupted or killed goes on where it was when the same command is given again.

sweep.csv has one row per point, metric and scope. With --gwn-vs-iwn there is one for each of G0, G0=, G1 and I, and \
verdicts.csv holds the differences at every point; p-values are corrected over one point's rows of the network, and over those of its parts.")]
pub(super) struct Sweep {
    /// The scenario: FILE or FILE:VARIANT
    #[arg(value_name = "FILE")]
    pub file: String,
    /// A path and the values that it is to take; every value with every value of the other paths
    #[arg(
        long = "set",
        value_name = "PATH=VALUES",
        required_unless_present = "variants"
    )]
    pub sets: Vec<String>,
    /// Variants of the file as an axis; each option is an axis of its own, whose variants are merged in after those of
    /// the one before. `-` is the scenario without
    #[arg(long = "variants", value_name = "NAME=VARIANTS")]
    pub variants: Vec<String>,
    /// Derive the gateway and interworking variants at every point, as `compare --gwn-vs-iwn` does, and compare those
    #[arg(long)]
    pub gwn_vs_iwn: bool,
    /// Which points: grid for all combinations, one-at-a-time for the scenario and each value by itself, lhs:N for a
    /// Latin hypercube, sobol:N for a Sobol sequence
    #[arg(long, value_name = "DESIGN", default_value_t = Design::Grid)]
    pub design: Design,
    /// Only every N-th point from the I-th; the parts share a folder, and the last one gathers the results
    #[arg(long, value_name = "I/N", default_value_t = Shard::WHOLE)]
    pub shard: Shard,
    /// Seed of all random numbers, instead of the scenario's; every point has it
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Number of replications per point, instead of the scenario's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub replications: Option<u32>,
    #[command(flatten)]
    pub threads: Threads,
    /// Results folder: new, empty, or of the same sweep to go on with [default: runs/NAME/sweep-HASH]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Also write the table as sweep.parquet (needs a program built with the feature `parquet`)
    #[arg(long)]
    pub parquet: bool,
}

#[derive(Clone, Debug, Args)]
pub(super) struct Bounds {
    /// The scenario: FILE or FILE:VARIANT
    #[arg(value_name = "FILE")]
    pub file: String,
    /// Change the scenario first, as in `run`
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// Cuts per 1000 km of fibre and year, for the availability
    #[arg(long, value_name = "N", default_value_t = 2.73, allow_negative_numbers = true, value_parser = cuts)]
    pub cuts: f64,
    /// Time to repair a cut
    #[arg(long, value_name = "TIME", default_value = "12 h", value_parser = time)]
    pub repair: Span,
    /// Share of the time in which a node is up
    #[arg(long, value_name = "SHARE", default_value_t = 0.99966, allow_negative_numbers = true, value_parser = share)]
    pub node_availability: f64,
}

#[derive(Clone, Debug, Args)]
pub(super) struct Criticality {
    /// The scenario: FILE or FILE:VARIANT
    #[arg(value_name = "FILE")]
    pub file: String,
    /// Change the scenario first, as in `run`
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// Also every two faults at once
    #[arg(long)]
    pub pairs: bool,
}

/// What `import` and `new` have in common.
#[derive(Clone, Debug, Args)]
pub(super) struct Assembly {
    /// File to write; must be new [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The scenario's name [default: the topology's]
    #[arg(long)]
    pub name: Option<String>,
    /// What stands at the borders
    #[arg(long, value_enum, default_value_t = Kind::Gwn)]
    pub kind: Kind,
    /// Longest fibre without a relay: one of length d gets ceil(d / SPAN) - 1
    #[arg(long, value_name = "SPAN", default_value = "80 km")]
    pub span: Metres,
    /// Share of its key rate that the busiest lane is asked for
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    pub load: f64,
}

/// What stands at a border.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// Gateway nodes at both ends
    Gwn,
    /// An interworking node in the middle
    Iwn,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  qkdni link --model decoy_bb84_asymptotic --params '{\"preset\": \"gys\"}' \\
    --distance '50 km'
  qkdni link --model sns_tfqkd_asymptotic_opt --distance '0..500:10 km' --plot a.svg

Models and what they are: `qkdni list model`; formulas, sources and presets: docs/link-models.md.")]
pub(super) struct Link {
    /// The model, named as in scenarios
    #[arg(long, value_name = "NAME")]
    pub model: String,
    /// Its parameters as a JSON object; what is left out is the preset's
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub params: String,
    /// Distance, "50 km", or a range with its step, "0..150:10 km"; a satellite's slant range
    #[arg(long, value_name = "DISTANCE", allow_hyphen_values = true)]
    pub distance: String,
    /// Where the picture of a range goes (SVG) [default: runs/link/NAME.svg; none with --quiet or --json]
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
QKDNs: --by Country divides by a node attribute; --qkdn West=Gdansk,Poznan --qkdn East by lists, where one without sites \
gets the rest; --split 2 grows connected parts of about the same size.

Examples:
  qkdni import polska.xml --split 2 --out polska.json
  qkdni import Sanren.gml --qkdn North=Johannesburg,Pretoria --qkdn South \\
    --border Johannesburg:Bloemfontein")]
pub(super) struct Import {
    /// The topology file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Its format [default: by its content]
    #[arg(long, value_parser = PossibleValuesParser::new(format_names()))]
    pub format: Option<String>,
    /// Divide into QKDNs by this attribute of the nodes
    #[arg(long, value_name = "ATTRIBUTE", group = "division")]
    pub by: Option<String>,
    /// A QKDN and its sites; repeat for each
    #[arg(long, value_name = "NAME=SITE,SITE", group = "division")]
    pub qkdn: Vec<String>,
    /// Divide into so many connected QKDNs of about the same size [default: 2]
    #[arg(long, value_name = "N", group = "division")]
    pub split: Option<u32>,
    /// Fibres between QKDNs that are borders: all, shortest (one per pair of QKDNs), or SITE:SITE, repeated
    #[arg(long, value_name = "WHICH", default_value = "all")]
    pub border: Vec<String>,
    /// Fibre per kilometre as the crow flies, where the file gives no length
    #[arg(long, value_name = "FACTOR", default_value_t = 1.2)]
    pub detour: f64,
    /// Length of fibres that have neither a length nor coordinates at both ends
    #[arg(long, value_name = "LENGTH")]
    pub default_length: Option<Metres>,
    /// Key rate of a demand of 1 in the file, instead of --load
    #[arg(long, value_name = "RATE", conflicts_with = "load")]
    pub demand_unit: Option<BitRate>,
    #[command(flatten)]
    pub assembly: Assembly,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Templates:
  ring, grid, metro   QKDNs of that shape in a row, each joined to the next
  backbone_metros     the first QKDN a ring, all others metros on it
  random_geometric    sites at random places, joined to those within --length

Example:
  qkdni new --template ring --qkdns 3 --nodes 8 --out rings.json")]
pub(super) struct New {
    /// The template
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(template_names()))]
    pub template: String,
    /// QKDNs
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub qkdns: u32,
    /// Sites in each QKDN, relays not counted
    #[arg(long, value_name = "N", default_value_t = 6)]
    pub nodes: u32,
    /// Length of a typical fibre
    #[arg(long, value_name = "LENGTH", default_value = "40 km")]
    pub length: Metres,
    /// Seed of what is random in the template
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub assembly: Assembly,
}

#[derive(Clone, Debug, Args)]
pub(super) struct List {
    /// Only one kind: routing, metrics …
    #[arg(value_name = "KIND")]
    pub kind: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub(super) struct Reproduce {
    /// A results folder that `run` or `compare` has written
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    #[command(flatten)]
    pub threads: Threads,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
The map's stores and routes are of the first replication. Sequence charts need `run --trace`.

Examples:
  qkdni report runs/first                      writes runs/first/report.html
  qkdni report runs/gwn runs/iwn --out both.html")]
pub(super) struct Report {
    /// Results folders of `run`, `compare` or `sweep`
    #[arg(required = true, value_name = "RESULT")]
    pub folders: Vec<PathBuf>,
    /// File to write [default: report.html in the first folder]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  qkdni plot runs/first                                  all of them, into runs/first/plots
  qkdni plot runs/first --what topology --at '20 min' --out map.svg
  qkdni plot runs/sweep --what sweep --metric kkrd_s --out delay.svg
  qkdni plot runs/sweep --what sweep --metric stages --where fault=border \\
    --out stages.svg")]
pub(super) struct Plot {
    /// A results folder of `run`, `compare` or `sweep`
    #[arg(value_name = "RESULT")]
    pub folder: PathBuf,
    /// Only pictures of this kind
    #[arg(long, value_enum, value_name = "KIND")]
    pub what: Option<What>,
    /// File to write, SVG or (in a build with the feature `png`) PNG [default: all pictures, into a folder]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Folder for all pictures [default: RESULT/plots]
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    pub into: Option<PathBuf>,
    /// Which one, where a kind has several: stores, key-rate, service, difference-1, pareto …
    #[arg(long, value_name = "NAME")]
    pub pick: Option<String>,
    /// Time of the map [default: the end]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub at: Option<Span>,
    /// The metric of a sweep, or `stages` for what rerouting is made of [default: those that differ]
    #[arg(long, value_name = "NAME")]
    pub metric: Option<String>,
    #[command(flatten)]
    pub slice: Slice,
}

/// A part of a sweep.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Part of a sweep or comparison")]
pub(super) struct Slice {
    /// Only points at which a path has this value; repeat for more paths. `PATH=` is the scenario's own value in a sweep
    /// of one value at a time
    #[arg(long = "where", value_name = "PATH=VALUE")]
    pub places: Vec<String>,
    /// Scope of the metrics: network, demand:ID, fault:ID … [default: network]
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<String>,
    /// Only this pair of variants, such as "G1 vs I"
    #[arg(long, value_name = "PAIR")]
    pub pair: Option<String>,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Rows are metrics and points, columns the values of the paths that vary, the means with half of their 95 % interval, and \
the differences of pairs with theirs and the verdict.

Examples:
  qkdni table runs/sweep --metric kkrd_s
  qkdni table runs/sweep --metric rerouting_latency_s --where fault=border \\
    --pair 'G1 vs I' --format markdown --out t.md")]
pub(super) struct Table {
    /// A results folder of `sweep`, `compare` or `run`
    #[arg(value_name = "RESULT")]
    pub folder: PathBuf,
    /// A metric; repeat for more [default: the most asked for of those that are measured]
    #[arg(long = "metric", value_name = "NAME")]
    pub metrics: Vec<String>,
    #[command(flatten)]
    pub slice: Slice,
    /// How to write it; CSV has base units and all digits
    #[arg(long, value_enum, value_name = "FORM", default_value_t = TableForm::Text)]
    pub format: TableForm,
    /// File to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Forms of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TableForm {
    /// For the terminal
    Text,
    /// Markdown
    Markdown,
    /// Comma-separated values
    Csv,
}

/// Reads a time with its unit.
fn time(text: &str) -> Result<Span, String> {
    Span::parse(text).map_err(|error| format!("{error}; {}", error.hint()))
}

fn cuts(text: &str) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok();
    number
        .filter(|number| *number >= 0.0 && number.is_finite())
        .ok_or_else(|| "write how many there are per 1000 km and year, 0 or more, such as 2.73".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok();
    number
        .filter(|number| (0.0..=1.0).contains(number))
        .ok_or_else(|| "write a share from 0 to 1, such as 0.99966".to_owned())
}

/// Kinds of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum What {
    /// The map, with stores and load
    Topology,
    /// Stores, key rate and service over time
    Timeseries,
    /// The distribution of the delay, with a band over replications
    Cdf,
    /// Rerouting, stage by stage
    Reroutes,
    /// Differences with intervals, and the Pareto picture
    Compare,
    /// Curves and heat maps
    Sweep,
    /// Sequence charts of faults
    Sequence,
}

#[derive(Clone, Debug, Args)]
#[command(
    group(ArgGroup::new("wanted").required(true).multiple(true).args([
        "request", "session", "fault", "elements", "reference_points", "procedures", "provenances",
    ])),
    after_help = "\
At least one filter is needed. Filters of different kinds must all let a message through; of one kind, any: repeat them for
more.

Provenance: text, the Recommendation says it; analogue, a sister standard does; inferred, ours.

Examples:
  qkdni trace runs/first --request a-to-b/0
  qkdni trace runs/first --session a-to-b --procedure P9 --reference-point Cxi \\
    --format mermaid
  qkdni trace runs/first --procedure P11 --format list
  qkdni trace runs/first --fault f1 --format svg > fault.svg"
)]
pub(super) struct Trace {
    /// A results folder that `run --trace` has written
    #[arg(value_name = "RESULT")]
    pub folder: PathBuf,
    /// The messages of one request: NUMBER or SESSION/NUMBER, counted from 0
    #[arg(long, value_name = "R")]
    pub request: Option<String>,
    /// The messages of one session: a demand's id
    #[arg(long, value_name = "S")]
    pub session: Option<String>,
    /// The messages about one fault: its id
    #[arg(long, value_name = "F")]
    pub fault: Option<String>,
    /// Which replication, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub replication: u32,
    /// How to draw it
    #[arg(long, value_enum, value_name = "FORM", default_value_t = ChartForm::Text)]
    pub format: ChartForm,
    #[command(flatten)]
    pub filters: Filters,
}

/// Forms of a sequence chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ChartForm {
    /// A ladder of lifelines and arrows
    Text,
    /// A line per message, from sender to receiver
    List,
    /// A Mermaid sequence diagram
    Mermaid,
    /// A picture in the style of Y.3818's Figures 9 to 14
    Svg,
    /// The lines of trace.jsonl as they are
    Jsonl,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Filters")]
pub(super) struct Filters {
    /// Only to or from this element, KM, node, or who controls and manages a QKDN: "controller A", "KM A/a1", A/a1, A
    #[arg(long = "element", value_name = "NAME")]
    pub elements: Vec<String>,
    /// Only over this reference point: Kxi-1, Cxi …; `internal` for steps inside one element
    #[arg(long = "reference-point", value_name = "NAME")]
    pub reference_points: Vec<String>,
    /// Only of this procedure: P9 … P14, local, FCAPS
    #[arg(long = "procedure", value_name = "NAME")]
    pub procedures: Vec<String>,
    /// Only of this provenance: text, analogue, inferred
    #[arg(long = "provenance", value_name = "NAME")]
    pub provenances: Vec<String>,
}

#[derive(Clone, Debug, Args)]
pub(super) struct Explain {
    /// A results folder that `run --trace` has written
    #[arg(value_name = "RESULT")]
    pub folder: PathBuf,
    /// Which request: NUMBER or SESSION/NUMBER, counted from 0
    #[arg(long, value_name = "R")]
    pub request: String,
    /// Its session, where R is a number alone
    #[arg(long, value_name = "S")]
    pub session: Option<String>,
    /// Which replication, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub replication: u32,
}
