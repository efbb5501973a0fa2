//! The HTML report: one file, offline. Pictures and tables stand in the page as they are; a script adds zoom, values
//! under the pointer, the time slider and routes. Whatever comes from a results folder is escaped.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::picture::{Picture, escaped, map, of_comparison, of_run, of_sweep};
use super::quantity::Scale;
use super::slice::{Slice, Wanted};
use super::study::Run;
use super::tables::{BUILT_OF, built_of, corrected};
use crate::archive::{
    Comparison, ComparisonRow, Manifest, OfPoints, OfVariants, PointRecord, SweepRecord, Verdict,
};
use crate::units::counted;

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// Rows about parts of a network in one table, at most: the folder has all of them.
const ROWS: usize = 150;
/// Demands whose routes can be asked for, at most.
const DEMANDS: usize = 600;

/// A sequence chart, or why there is none.
#[derive(Clone, Debug)]
pub struct Sequences {
    /// Title and picture of each.
    pub charts: Vec<(String, String)>,
    /// What to know.
    pub note: String,
}

/// A results folder, as the report shows it.
#[derive(Clone, Debug)]
pub enum Part {
    /// A run.
    Run(Box<Run>, Sequences),
    /// A comparison; its variants are runs of their own.
    Comparison(String, Box<Manifest>, Box<Comparison>, Vec<(Run, Sequences)>),
    /// A sweep.
    Sweep(Box<Manifest>, Box<SweepRecord>, Vec<PointRecord>),
}

/// The page.
pub fn page(parts: &[Part]) -> String {
    let mut page = Page::default();
    for part in parts {
        match part {
            Part::Run(run, sequences) => page.run(run, sequences),
            Part::Comparison(name, manifest, comparison, variants) => {
                page.comparison(name, manifest, comparison, variants);
            }
            Part::Sweep(manifest, record, points) => page.sweep(manifest, record, points),
        }
    }
    // A comparison brings its variants along.
    let title = match parts {
        [_] => page.titles[0].clone(),
        parts => format!("{} results", parts.len()),
    };
    let mut contents = String::new();
    for (at, title) in page.titles.iter().enumerate() {
        let _ = write!(contents, "<li><a href=\"#part-{at}\">{}</a></li>", escaped(title));
    }
    // A script's end cannot stand in its data: "<" is written as JSON's own escape.
    let data = json!({ "parts": page.data, "levels": map::levels() });
    let data = data.to_string().replace('<', "\\u003c");
    // One pass over the template, so that nothing that was put in is looked at again.
    let mut text = String::new();
    for piece in PAGE.split("{{") {
        let Some((name, rest)) = piece.split_once("}}") else {
            text.push_str(piece);
            continue;
        };
        match name {
            "title" => text.push_str(&escaped(&title)),
            "style" => text.push_str(STYLE),
            "contents" => text.push_str(&contents),
            "body" => text.push_str(&page.body),
            "data" => text.push_str(&data),
            _ => text.push_str(SCRIPT),
        }
        text.push_str(rest);
    }
    text
}

#[derive(Default)]
struct Page {
    titles: Vec<String>,
    body: String,
    data: Vec<Value>,
}

impl Page {
    fn say(&mut self, text: &str) {
        self.body.push_str(text);
        self.body.push('\n');
    }

    fn begin(&mut self, title: &str, manifest: &Manifest) {
        let at = self.titles.len();
        self.titles.push(title.to_owned());
        self.data.push(json!({ "marks": {} }));
        let facts = format!(
            "{:?} · {} · seed {} · {} · qkdni {} ({}) · scenario {}",
            manifest.command,
            counted(manifest.replications, "replication"),
            manifest.seed,
            counted(manifest.event_count, "event"),
            manifest.tool_version,
            manifest.git_commit,
            manifest.scenario_sha256.chars().take(12).collect::<String>()
        );
        self.say(&format!(
            "<section class=\"part\" id=\"part-{at}\" data-part=\"{at}\">\n<h2>{}</h2>\n<p class=\"facts\">{}</p>",
            escaped(title),
            escaped(&facts)
        ));
        if manifest.status != crate::archive::Status::Complete {
            self.say(
                "<p class=\"warning\">This run was interrupted, or broke an invariant: see its manifest.</p>",
            );
        }
    }

    /// What to know before the numbers are used.
    fn warnings(&mut self, texts: impl Iterator<Item = String>) {
        let mut list = String::new();
        for text in texts {
            let _ = write!(list, "<li>{}</li>", escaped(&text));
        }
        if !list.is_empty() {
            self.say(&format!(
                "<div class=\"warning\">To know before these numbers are used:<ul>{list}</ul></div>"
            ));
        }
    }

    fn heading(&mut self, text: &str) {
        self.say(&format!("<h3>{}</h3>", escaped(text)));
    }

    fn note(&mut self, text: &str) {
        self.say(&format!("<p class=\"note\">{}</p>", escaped(text)));
    }

    fn picture(&mut self, picture: &Picture) {
        let part = self.data.len() - 1;
        let id = format!("p{part}-{}", slug(&picture.id));
        self.data[part]["marks"][&id] = json!(
            (picture.marks.iter())
                .map(|mark| json!([mark.x, mark.y, mark.text]))
                .collect::<Vec<_>>()
        );
        self.say(&format!(
            "<figure class=\"picture\" id=\"{id}\" tabindex=\"0\" aria-label=\"{}\">\
             <div class=\"scroll\">{}</div>\n<figcaption>{}</figcaption></figure>",
            escaped(&picture.title),
            picture.svg.trim_end(),
            escaped(&picture.note)
        ));
    }

    fn run(&mut self, run: &Run, sequences: &Sequences) {
        self.begin(&run.name, &run.manifest);
        self.warnings(run.summary.warnings.iter().map(|warning| warning.text.clone()));
        self.topology(run);
        self.heading("Over time");
        let series = of_run::timeseries(run);
        if series.is_empty() {
            self.note("No time series in this folder: it was run with --samples 0.");
        }
        for picture in &series {
            self.picture(picture);
        }
        self.heading("Delay");
        self.attempt(of_run::delays(&[run]));
        self.heading("Rerouting");
        self.attempt(of_run::reroutes(run));
        self.heading("Sequence charts");
        self.note(&sequences.note);
        for (title, svg) in &sequences.charts {
            self.say(&format!(
                "<details class=\"sequence\"><summary>{}</summary><div class=\"wide\" tabindex=\"0\">{svg}</div></details>",
                escaped(title)
            ));
        }
        self.metrics(run);
        self.say("</section>");
    }

    fn attempt(&mut self, picture: Result<Picture, String>) {
        match picture {
            Ok(picture) => self.picture(&picture),
            Err(reason) => self.note(&format!("No picture: {reason}.")),
        }
    }

    /// The map with its slider, and the demands whose routes it shows.
    fn topology(&mut self, run: &Run) {
        let part = self.data.len() - 1;
        let changes = map::Changes::of(run);
        let last = changes.times.len().saturating_sub(1);
        self.heading("Topology");
        if !changes.times.is_empty() {
            self.say(&format!(
                "<div class=\"controls\"><button type=\"button\" class=\"play\" aria-pressed=\"false\">Play</button>\
                 <label for=\"time-{part}\">Time</label>\
                 <input type=\"range\" class=\"time\" id=\"time-{part}\" min=\"0\" max=\"{last}\" value=\"{last}\">\
                 <output class=\"now\" for=\"time-{part}\"></output></div><ul class=\"faults\"></ul>"
            ));
        }
        self.picture(&map::draw(run, None, false));
        let nodes = &run.map.nodes;
        let mut list = String::new();
        for (at, demand) in run.map.demands.iter().take(DEMANDS).enumerate() {
            let [from, to] = demand.ends.map(|end| escaped(&nodes[end].name));
            let _ = write!(
                list,
                "<li><button type=\"button\" class=\"demand\" data-demand=\"{at}\" aria-pressed=\"false\">{}</button> \
                 <span>{from} → {to}</span></li>",
                escaped(&demand.name)
            );
        }
        let demands = run.map.demands.len();
        let more = if demands > DEMANDS {
            format!(" (the first {DEMANDS} of {demands})")
        } else {
            String::new()
        };
        self.say(&format!(
            "<details class=\"demands\" open><summary>Demands{more}: choose one to see its route</summary>\
             <ul>{list}</ul></details><p class=\"route\" aria-live=\"polite\"></p>"
        ));
        self.data[part]["map"] = map_data(run, &changes);
    }

    fn metrics(&mut self, run: &Run) {
        self.heading("Metrics");
        let rows = &run.summary.metrics;
        for (title, network) in [("The network", true), ("Its parts", false)] {
            let chosen = || {
                rows.iter()
                    .filter(|row| (row.scope == "network") == network && row.mean.is_some())
            };
            let all = chosen().count();
            if all == 0 {
                continue;
            }
            let mut table = String::new();
            for row in chosen().take(ROWS) {
                let mean = row.mean.unwrap_or_default();
                let show = |value: Option<f64>| {
                    value.map_or(String::new(), |value| Scale::of(&row.unit, value).quantity(value))
                };
                let scale = Scale::of(&row.unit, mean);
                let between =
                    |[low, high]: [f64; 2]| format!("{} to {}", scale.quantity(low), scale.quantity(high));
                let ends = row.ci95.map_or(String::new(), between);
                let shown = row.shown_quantile_intervals();
                let quantile = |value, ends: Option<[f64; 2]>, shown: Option<[f64; 2]>| {
                    let few = || ends.map_or(String::new(), |_| " (–)".to_owned());
                    show(value) + &shown.map_or_else(few, |ends| format!(" ({})", between(ends)))
                };
                let _ = write!(
                    table,
                    "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{ends}</td><td>{}</td><td>{}</td></tr>",
                    escaped(&row.name),
                    escaped(&row.scope),
                    show(row.mean),
                    quantile(row.p50, row.p50_ci95, shown[0]),
                    quantile(row.p99, row.p99_ci95, shown[1])
                );
            }
            let more = if all > ROWS {
                format!(": the first {ROWS} of {all} rows; summary.json has all")
            } else {
                String::new()
            };
            let open = if network { " open" } else { "" };
            self.say(&format!(
                "<details{open}><summary>{title}{more}</summary><div class=\"wide\" tabindex=\"0\"><table><thead><tr>\
                 <th scope=\"col\">metric</th><th scope=\"col\">scope</th><th scope=\"col\">mean</th>\
                 <th scope=\"col\">95 % interval</th><th scope=\"col\">p50 (95 %)</th><th scope=\"col\">p99 (95 %)</th></tr></thead>\
                 <tbody>{table}</tbody></table></div></details>"
            ));
        }
        let mut list = String::new();
        for row in &run.summary.audit {
            let word = if row.passed { "held" } else { "BROKEN" };
            let _ = write!(
                list,
                "<li>{word}: {} ({})</li>",
                escaped(&row.check),
                escaped(&row.detail)
            );
        }
        for row in &run.summary.expectations {
            let word = if row.met { "met" } else { "NOT MET" };
            let _ = write!(
                list,
                "<li>expectation {word}: {} of {}</li>",
                escaped(&row.metric),
                escaped(&row.scope)
            );
        }
        self.say(&format!(
            "<details><summary>Audit and expectations</summary><ul>{list}</ul></details>"
        ));
    }

    fn comparison(
        &mut self,
        name: &str,
        manifest: &Manifest,
        comparison: &Comparison,
        variants: &[(Run, Sequences)],
    ) {
        self.begin(&format!("{name}: {}", comparison.variants.join(", ")), manifest);
        self.warnings(comparison.warnings.iter().map(OfVariants::line));
        self.heading("Bottom line");
        let mut list = String::new();
        for line in &comparison.bottom_lines {
            let _ = write!(
                list,
                "<li><strong>{}</strong>: {}</li>",
                escaped(&line.pair),
                escaped(&line.text)
            );
        }
        self.say(&format!("<ul>{list}</ul>"));
        self.built_of(comparison);
        self.heading("Differences");
        let forests = of_comparison::forests(comparison);
        if forests.is_empty() {
            self.note("No differences with intervals: fewer than two replications.");
        }
        for picture in &forests {
            self.picture(picture);
        }
        if let Some(picture) = of_comparison::pareto(comparison) {
            self.heading("Pareto picture");
            let names = comparison
                .pareto
                .objectives
                .iter()
                .map(|objective| objective.name.as_str());
            let names: Vec<&str> = names.collect();
            self.note(&format!(
                "A variant is beaten by one that is as good in all of {}, and better in one.",
                names.join(", ")
            ));
            self.picture(&picture);
        }
        self.heading("Delay");
        let runs: Vec<&Run> = variants.iter().map(|(run, _)| run).collect();
        self.attempt(of_run::delays(&runs));
        self.heading("All verdicts");
        self.note(corrected(comparison).replace('\n', " ").trim());
        let mut pairs: Vec<&str> = Vec::new();
        for row in &comparison.metrics {
            if !pairs.contains(&row.rests_on.as_str()) {
                pairs.push(&row.rests_on);
            }
        }
        for pair in pairs {
            self.verdicts(comparison, pair);
        }
        self.say("</section>");
        for (run, sequences) in variants {
            self.run(run, sequences);
        }
    }

    /// What the variants are built of, and what that costs.
    fn built_of(&mut self, comparison: &Comparison) {
        if comparison.prices.iter().all(Option::is_none) {
            return;
        }
        self.heading("What the variants are built of");
        let cells = |cells: &[String]| -> String {
            let (name, rest) = cells.split_first().expect("a row begins with its variant");
            let mut row = format!("<tr><th scope=\"row\">{}</th>", escaped(name));
            for cell in rest {
                let _ = write!(row, "<td>{}</td>", escaped(cell));
            }
            row + "</tr>"
        };
        let head = BUILT_OF
            .map(|name| format!("<th scope=\"col\">{name}</th>"))
            .concat();
        let rows: String = built_of(comparison).map(|row| cells(&row)).collect();
        self.say(&format!(
            "<div class=\"wide\" tabindex=\"0\"><table class=\"built\"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>\
             </table></div>"
        ));
    }

    /// A pair's verdicts: all of the network, then of its parts as many as there is room for.
    fn verdicts(&mut self, comparison: &Comparison, pair: &str) {
        let judged =
            (comparison.metrics.iter()).filter(|row| row.rests_on == pair && row.verdict != Verdict::None);
        let (network, parts): (Vec<&ComparisonRow>, Vec<_>) = judged.partition(|row| row.scope == "network");
        if !network.is_empty() {
            self.verdict_rows(pair, " open", &network);
        }
        if !parts.is_empty() {
            let all = parts.len();
            let title = if all > ROWS {
                format!("{pair}, parts of the network: the first {ROWS} of {all} rows; compare.json has all")
            } else {
                format!("{pair}, parts of the network")
            };
            self.verdict_rows(&title, "", &parts[..all.min(ROWS)]);
        }
    }

    fn verdict_rows(&mut self, title: &str, open: &str, rows: &[&ComparisonRow]) {
        let mut table = String::new();
        for row in rows {
            let scale = Scale::of(&row.unit, row.mean_a.unwrap_or_default());
            let show = |value: Option<f64>| value.map_or(String::new(), |value| scale.quantity(value));
            let ends = row.ci95.map_or(String::new(), |[low, high]| {
                format!("{} to {}", scale.quantity(low), scale.quantity(high))
            });
            let _ = write!(
                table,
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{ends}</td>\
                 <td class=\"{}\">{}</td></tr>",
                escaped(&row.name),
                escaped(&row.scope),
                show(row.mean_a),
                show(row.mean_b),
                show(row.difference),
                slug(row.verdict.name()),
                row.verdict.name()
            );
        }
        self.say(&format!(
            "<details{open}><summary>{}</summary><div class=\"wide\" tabindex=\"0\"><table><thead><tr>\
             <th scope=\"col\">metric</th><th scope=\"col\">scope</th><th scope=\"col\">{first}</th>\
             <th scope=\"col\">{second}</th><th scope=\"col\">{second} − {first}</th><th scope=\"col\">95 % interval</th>\
             <th scope=\"col\">{second} is</th></tr></thead><tbody>{table}</tbody></table></div></details>",
            escaped(title),
            first = escaped(&rows[0].a),
            second = escaped(&rows[0].b)
        ));
    }

    fn sweep(&mut self, manifest: &Manifest, record: &SweepRecord, points: &[PointRecord]) {
        self.begin(
            &format!("{}: sweep over {}", manifest.title(), record.paths.join(", ")),
            manifest,
        );
        self.note(&format!(
            "{}, design {}: {}.{}",
            counted(record.points, "point"),
            record.design,
            [record.variants.as_slice(), record.axes.as_slice()]
                .concat()
                .join("; "),
            if record.compared {
                " Each point compares the variants that are derived from the boundaries."
            } else {
                ""
            }
        ));
        self.warnings(
            (OfPoints::of(points).iter())
                .map(|warning| warning.line(record.points, |at| points[at as usize].place(record))),
        );
        let slice = Slice::of(record, points, &Wanted::default());
        let pictures = slice.map_or_else(|_| Vec::new(), |slice| of_sweep::pictures(&slice, None));
        if pictures.is_empty() {
            self.note("No metric differs between the points.");
        }
        if record.paths.len() > 2 && record.design == "grid" {
            self.note(
                "More than two paths vary: each picture is a slice at the first values of the others. Other slices: \
                 qkdni plot RESULT --where PATH=VALUE; tables: qkdni table RESULT.",
            );
        }
        for picture in &pictures {
            self.picture(picture);
        }
        self.say("</section>");
    }
}

/// What the script needs for the map.
fn map_data(run: &Run, changes: &map::Changes) -> Value {
    let node = |name: &str| run.map.nodes.iter().position(|node| node.name == name);
    let hops = |demand: &str| -> Vec<Value> {
        let of = run
            .routes
            .iter()
            .filter(|row| row.session == demand && row.replication == 0);
        of.filter_map(|row| {
            let ends = [node(&row.from)?, node(&row.to)?];
            let joins = |link: &[usize; 2]| *link == ends || *link == [ends[1], ends[0]];
            let link = run.map.links.iter().position(|link| joins(&link.ends));
            Some(json!([
                ends[0],
                ends[1],
                link,
                row.first_ns,
                row.last_ns,
                row.requests
            ]))
        })
        .collect()
    };
    json!({
        "end": run.end_ns,
        "times": changes.times,
        "levels": changes.levels,
        "loads": changes.loads,
        "nodes": run.map.nodes.iter().map(|node| &node.name).collect::<Vec<_>>(),
        "links": run.map.links.iter().map(|link| &link.name).collect::<Vec<_>>(),
        "faults": (run.map.faults.iter())
            .map(|fault| json!([fault.name, fault.at_ns, fault.repaired_ns, fault.links]))
            .collect::<Vec<_>>(),
        "demands": (run.map.demands.iter().take(DEMANDS))
            .map(|demand| json!([demand.name, hops(&demand.name)]))
            .collect::<Vec<_>>(),
    })
}

/// Letters, digits and hyphens alone.
fn slug(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect()
}
