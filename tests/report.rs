//! `qkdni report` and `qkdni plot` on folders that the built program wrote.
//!
//! With the feature `chromium`, the pages are opened in a headless Chromium, where they try themselves (`#selftest`).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

const DONE: i32 = 0;
const USAGE: i32 = 2;
const INPUT_OUTPUT: i32 = 4;

fn qkdni<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Output {
    Command::new(assert_cmd::cargo::cargo_bin!("qkdni"))
        .env("NO_COLOR", "1")
        .arg("--quiet")
        .args(arguments)
        .output()
        .expect("it runs")
}

fn done(output: &Output) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(DONE), "{error}");
}

/// The end of a scenario's text, where a name can do harm.
const HARMFUL: &str = "</script><script>fail()</script>\"'><img src=x onerror=fail()>{{data}}";

/// Folders of runs, kept while the tests last.
fn folder(name: &str) -> PathBuf {
    static PLACE: OnceLock<TempDir> = OnceLock::new();
    let place = PLACE.get_or_init(|| {
        let place = TempDir::new().expect("a folder");
        let out = |name: &str| place.path().join(name).to_str().expect("text").to_owned();
        let cut = "scenarios/clause8/gwn-dd.json:cut";
        let plain = "scenarios/clause8/gwn-dd.json";
        let demand = "demands.a-to-b.key=128,256 bit";
        let timeout = "demands.a-to-b.timeout=5..10:5 s";
        let text = fs::read_to_string(plain).expect("the committed scenario is there");
        let mut harmful: Value = serde_json::from_str(&text).expect("JSON");
        harmful.as_object_mut().expect("an object").remove("$schema");
        harmful["name"] = Value::from(HARMFUL);
        let scenario = place.path().join("harmful.json");
        fs::write(&scenario, harmful.to_string()).expect("room");
        let scenario = scenario.to_str().expect("text");
        let runs: [(&str, &[&str]); 7] = [
            ("cut", &["run", cut, "--replications", "3"]),
            ("traced", &["run", cut, "--replications", "1", "--trace"]),
            ("bare", &["run", cut, "--replications", "3", "--samples", "0"]),
            ("harmful", &["run", scenario, "--replications", "1"]),
            (
                "compared",
                &["compare", plain, "--gwn-vs-iwn", "--replications", "3"],
            ),
            ("swept", &["sweep", plain, "--replications", "2", "--set", demand]),
            (
                "grid",
                &[
                    "sweep",
                    plain,
                    "--replications",
                    "2",
                    "--set",
                    demand,
                    "--set",
                    timeout,
                ],
            ),
        ];
        for (name, arguments) in runs {
            let folder = out(name);
            done(&qkdni(
                arguments.iter().copied().chain(["--out", folder.as_str()]),
            ));
        }
        place
    });
    place.path().join(name)
}

fn path_of(name: &str) -> String {
    folder(name).to_str().expect("text").to_owned()
}

fn report(name: &str) -> String {
    let place = TempDir::new().expect("a folder");
    let out = place.path().join("report.html");
    done(&qkdni([
        "report",
        &path_of(name),
        "--out",
        out.to_str().expect("text"),
    ]));
    fs::read_to_string(&out).expect("a report")
}

/// The page's own data.
fn data(page: &str) -> Value {
    let start = "<script type=\"application/json\" id=\"data\">";
    let (_, rest) = page.split_once(start).expect("data");
    serde_json::from_str(rest.split_once("</script>").expect("an end").0).expect("JSON")
}

/// Everything in one file, the same each time, without anything from elsewhere.
#[test]
fn a_report_is_one_file_with_everything() {
    let page = report("cut");
    assert_eq!(page, report("cut"), "the same folder gives the same bytes");
    for part in [
        "<h3>Topology</h3>",
        "<h3>Over time</h3>",
        "<h3>Delay</h3>",
        "<h3>Rerouting</h3>",
        "<h3>Sequence charts</h3>",
        "<h3>Metrics</h3>",
        "id=\"p0-topology\"",
        "id=\"p0-stores\"",
        "id=\"p0-key-rate\"",
        "id=\"p0-service\"",
        "id=\"p0-delays\"",
        "id=\"p0-reroutes\"",
        "type=\"range\"",
        "data-demand=\"0\"",
        "prefers-color-scheme: dark",
        "@media print",
        "run again with --trace",
        "served_share",
        "<td>network</td>",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let elsewhere = page.replace("http://www.w3.org/", "");
    for forbidden in ["http:", "https:", "src=", "@import", "url(http"] {
        assert!(!elsewhere.contains(forbidden), "{forbidden}");
    }
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    let map = &data(&page)["parts"][0]["map"];
    assert_eq!(map["times"].as_array().map(Vec::len), Some(61));
    assert_eq!(map["faults"][0][0], "f1");
    assert!(
        map["faults"][0][3]
            .as_array()
            .is_some_and(|links| !links.is_empty())
    );
}

/// What is not in the folder is said to be missing, and the rest is there.
#[test]
fn a_report_says_what_is_missing() {
    let bare = report("bare");
    assert!(bare.contains("No time series in this folder") && bare.contains("id=\"p0-delays\""));
    assert!(!bare.contains("type=\"range\""));
    let traced = report("traced");
    assert!(traced.contains("class=\"chart\"") && traced.contains("fault f1"));
    assert!(!traced.contains("run again with --trace"));
}

/// A route leads from a demand's source to its destination, hop by hop.
#[test]
fn routes_lead_from_end_to_end() {
    let page = report("cut");
    let map = &data(&page)["parts"][0]["map"];
    let demand = &map["demands"][0];
    let hops = demand[1].as_array().expect("hops");
    let node = |name: &Value| map["nodes"][name.as_u64().expect("a node") as usize].clone();
    assert!(hops.len() >= 3, "{hops:?}");
    assert!(
        hops.iter()
            .all(|hop| hop[2].is_u64() && hop[5].as_u64() > Some(0))
    );
    assert!(
        node(&hops[0][0])
            .as_str()
            .is_some_and(|name| name.starts_with("A/"))
    );
    // The first route; what a fault changes comes after it.
    let mut at = hops[0][0].clone();
    let mut crossed = false;
    for hop in hops {
        if hop[0] == at {
            at = hop[1].clone();
            crossed |= node(&at).as_str().is_some_and(|name| name.starts_with("B/"));
        }
    }
    assert!(crossed, "{hops:?}");
}

/// What stands in a results folder can neither become an element of the page nor a script.
#[test]
fn what_a_folder_says_is_escaped() {
    let page = report("harmful");
    assert!(!page.contains("<script>fail") && !page.contains("<img"));
    assert!(page.contains("&lt;script&gt;fail()"));
    assert_eq!(page.matches("<script").count(), 2, "the data and the page's own");
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(data(&page)["parts"][0]["map"].is_object());
}

#[test]
fn comparisons_and_sweeps_have_reports() {
    // Every pair has its verdicts, those of the network first.
    let page = report("compared");
    for pair in ["G1 vs I", "G0 vs I", "G0= vs I"] {
        let at = page.find(&format!("<summary>{pair}")).expect("a table");
        let row = page[at..].find("<td>network</td>").expect("rows");
        let (of_network, parts) = page[at..].split_once("</details>").expect("an end");
        assert!(
            row < of_network.len() && !of_network.contains("<td>demand:"),
            "{pair}"
        );
        assert!(
            parts.starts_with(&format!("\n<details><summary>{pair}, parts")),
            "{pair}"
        );
        assert!(!of_network.contains("the first"), "{pair}");
    }
    let compared = report("compared");
    for part in [
        "Bottom line",
        "id=\"p0-difference-1\"",
        "All verdicts",
        "id=\"p0-delays\"",
        "id=\"p1-topology\"",
    ] {
        assert!(compared.contains(part), "{part}");
    }
    let grid = report("grid");
    assert!(grid.contains("4 points, design grid") && grid.contains("id=\"p0-sweep-"));
    // Several results in one page.
    let place = TempDir::new().expect("a folder");
    let out = place.path().join("both.html");
    let both = [path_of("cut"), path_of("swept")];
    done(&qkdni([
        "report",
        &both[0],
        &both[1],
        "--out",
        out.to_str().expect("text"),
    ]));
    let page = fs::read_to_string(out).expect("a report");
    assert!(page.contains("id=\"part-1\"") && page.contains("2 results"));
}

/// Each kind of picture: names its quantity and unit, and is the same each time.
#[test]
fn each_kind_of_picture_is_drawn() {
    let place = TempDir::new().expect("a folder");
    let cases: [(&str, &str, &[&str]); 8] = [
        (
            "cut",
            "topology",
            &[
                "data-link=\"0\"",
                "over 75 %",
                "Places: by distances in the network",
            ],
        ),
        ("cut", "timeseries", &["stored key", "time [", "f1"]),
        ("cut", "cdf", &["KKRD [", "share of delivered requests"]),
        (
            "cut",
            "reroutes",
            &["time since the fault [ms]", "detection", "installation"],
        ),
        ("traced", "sequence", &["Source: the Recommendation", "fault f1"]),
        (
            "compared",
            "compare",
            &["larger mean [%]", "served_share", ">\nno evidence\n<"],
        ),
        ("swept", "sweep", &["demands.a-to-b.key [bit]"]),
        ("grid", "sweep", &["demands.a-to-b.timeout"]),
    ];
    for (name, what, words) in cases {
        let draw = |file: &str| {
            let out = place.path().join(file);
            done(&qkdni([
                "plot",
                &path_of(name),
                "--what",
                what,
                "--out",
                out.to_str().expect("text"),
            ]));
            fs::read_to_string(out).expect("a picture")
        };
        let svg = draw("one.svg");
        assert!(
            svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"),
            "{what}"
        );
        for word in words {
            assert!(svg.contains(word), "{what}: {word}\n{svg}");
        }
        assert_eq!(svg, draw("two.svg"), "{what}");
    }
    // A session that the fault did not touch has no bar: the demand the other way keeps its route.
    let out = place.path().join("reroutes.svg");
    let out = out.to_str().expect("text");
    done(&qkdni([
        "plot",
        &path_of("cut"),
        "--what",
        "reroutes",
        "--out",
        out,
    ]));
    let svg = fs::read_to_string(out).expect("a picture");
    assert!(svg.contains("f1: a-to-b") && !svg.contains("f1: b-to-a"), "{svg}");
}

/// Where all places are known, the map is one of the earth; sites have names, relays inside a QKDN have none, and no two
/// names lie on one another.
#[test]
fn maps_of_imports_are_geography() {
    let place = TempDir::new().expect("a folder");
    let path = |name: &str| place.path().join(name).to_str().expect("text").to_owned();
    let (scenario, results, out) = (path("map.json"), path("map"), path("map.svg"));
    let file = "tests/data/topologies/polska.xml";
    done(&qkdni([
        "import", file, "--border", "shortest", "--out", &scenario,
    ]));
    let short = ["--set", "run.duration=40 s", "--set", "run.warm_up=0 s"];
    let timeouts = ["--set", "run.replications=1", "--out", &results];
    done(&qkdni([&["run", &scenario][..], &short, &timeouts].concat()));
    done(&qkdni(["plot", &results, "--what", "topology", "--out", &out]));
    let svg = fs::read_to_string(&out).expect("a picture");
    assert!(svg.contains("Places: geography"));
    let names = svg.split_once("<g class=\"names\">").expect("names").1;
    let names = names.split_once("</g>").expect("an end").0;
    let mut boxes: Vec<(String, [f64; 4])> = Vec::new();
    for line in names.lines().filter(|line| line.starts_with("<text")) {
        let number = |name: &str| -> f64 {
            let (_, rest) = line.split_once(&format!(" {name}=\"")).expect("an attribute");
            rest.split('"')
                .next()
                .and_then(|text| text.parse().ok())
                .expect("a number")
        };
        let text = line.split(['>', '<']).nth(2).expect("a name").to_owned();
        let (x, y, half) = (number("x"), number("y"), 3.0 * text.chars().count() as f64);
        boxes.push((text, [x - half, y - 9.0, x + half, y + 2.0]));
    }
    for (at, (name, a)) in boxes.iter().enumerate() {
        for (other, b) in &boxes[..at] {
            let meet = a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
            assert!(!meet && name != other, "{name}, {other}: {svg}");
        }
    }
    let has = |name: &str| boxes.iter().any(|(text, _)| text == name);
    for site in [
        "Gdansk",
        "Bydgoszcz",
        "Kolobrzeg",
        "Katowice",
        "Krakow",
        "Bialystok",
        "Lodz",
        "Poznan",
        "Rzeszow",
    ] {
        assert!(has(site), "{site}: {svg}");
    }
}

/// Time series change nothing else, and add up.
#[test]
fn samples_change_no_other_file() {
    let files = |name: &str| -> BTreeMap<String, String> {
        let text = fs::read_to_string(folder(name).join("manifest.json")).expect("a manifest");
        let manifest: Value = serde_json::from_str(&text).expect("JSON");
        serde_json::from_value(manifest["files"].clone()).expect("hashes")
    };
    let (mut sampled, mut bare) = (files("cut"), files("bare"));
    assert!(sampled.remove("timeseries.csv").is_some() && sampled.remove("routes.csv").is_some());
    // What lists the files lists those too.
    assert_ne!(sampled.remove("README.md"), bare.remove("README.md"));
    assert_eq!(sampled, bare);
    let text = fs::read_to_string(folder("cut").join("timeseries.csv")).expect("there");
    let mut last: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [_, time, element, series, value] = fields[..] else {
            panic!("{line}");
        };
        let (time, value) = (time.parse().expect("ns"), value.parse().expect("bits"));
        let key = (element.to_owned(), series.to_owned());
        let before = last.insert(key, (time, value)).unwrap_or_default();
        assert!(before.0 <= time, "{line}");
        assert!(
            matches!(series, "stored_bits" | "lowest_bits") || before.1 <= value,
            "{line}"
        );
    }
    let of = |element: &str, series: &str| last[&(element.to_owned(), series.to_owned())].1;
    let mut links = 0;
    for (element, series) in last.keys() {
        if series == "spent_bits" {
            links += 1;
            let [stored, made, spent] =
                ["stored_bits", "generated_bits", "spent_bits"].map(|name| of(element, name));
            // What is neither stored nor spent has been discarded by a full store.
            assert!(
                stored + spent <= made && of(element, "lowest_bits") <= stored,
                "{element}"
            );
        }
    }
    assert!(links >= 3 && of("demand:a-to-b", "delivered_bits") > 0);
    done(&qkdni(["reproduce", &path_of("cut")]));
}

/// A folder says what its files are, and what each column of its tables means, in the order of the columns.
#[test]
fn every_folder_explains_itself() {
    let mut tables = 0;
    for name in ["traced", "bare", "compared", "compared/variants/I", "grid"] {
        let folder = folder(".").join(name);
        let read = |file: &str| fs::read_to_string(folder.join(file)).expect("there");
        let readme = read("README.md");
        let manifest: Value = serde_json::from_str(&read("manifest.json")).expect("JSON");
        for file in manifest["files"].as_object().expect("files").keys() {
            let shown = match file.split_once('/') {
                Some((folder, _)) => format!("{folder}/"),
                None => file.clone(),
            };
            assert!(
                shown == "README.md" || readme.contains(&format!("| `{shown}` |")),
                "{name}: {file}\n{readme}"
            );
        }
        for line in readme
            .lines()
            .filter(|line| line.ends_with(".csv`") && line.starts_with('`'))
        {
            let (_, columns) = readme.split_once(&format!("\n{line}\n")).expect("just seen");
            let columns: Vec<&str> = (columns.lines())
                .map_while(|line| line.strip_prefix("- ")?.split_once(": "))
                .flat_map(|(columns, _)| columns.split(", "))
                .map(|column| match column {
                    "(the paths that were swept)" => "demands.a-to-b.key,demands.a-to-b.timeout",
                    column => column,
                })
                .collect();
            let table = read(line.trim_matches('`'));
            assert_eq!(
                table.lines().next(),
                Some(columns.join(",").as_str()),
                "{name}: {line}"
            );
            tables += 1;
        }
    }
    assert!(tables >= 14, "{tables}");
}

/// What to know about results is kept with them, and goes with a report that is sent away.
#[test]
fn warnings_stay_with_the_results() {
    let few = |count| format!("{count} replications are few");
    for (name, place, text) in [
        ("cut", "", few(3)),
        ("compared", "G0, G0=, G1, I: ", few(3)),
        (
            "grid",
            "4 of 4 points, first at point 0 (demands.a-to-b.key=128 bit, demands.a-to-b.timeout=5 s): ",
            few(2),
        ),
    ] {
        let readme = fs::read_to_string(folder(name).join("README.md")).expect("there");
        let line = format!("\n- {place}{text}");
        assert!(readme.contains(&line), "{name}: {line}\n{readme}");
        let page = report(name);
        let line = format!("<li>{place}{text}");
        assert!(page.contains(&line), "{name}: {line}");
        done(&qkdni(["reproduce", &path_of(name)]));
    }
    let read = |path: &str| -> Value {
        let text = fs::read_to_string(folder(".").join(path)).expect("there");
        serde_json::from_str(&text).expect("JSON")
    };
    assert_eq!(
        read("cut/summary.json")["warnings"][0]["kind"],
        "few_replications"
    );
    let known = read("compared/compare.json")["warnings"][0].clone();
    assert_eq!(known["kind"], "few_replications");
    assert_eq!(known["variants"], serde_json::json!(["G0", "G0=", "G1", "I"]));
}

/// What the variants are built of is in the report as on the terminal, with the currency.
#[test]
fn a_comparison_says_what_it_costs() {
    let comparison: Value = {
        let text = fs::read_to_string(folder("compared").join("compare.json")).expect("there");
        serde_json::from_str(&text).expect("JSON")
    };
    let price = &comparison["prices"][0];
    assert!(price["controllers"].as_u64() > Some(0), "{price}");
    let currency = price["currency"].as_str().expect("a currency");
    let page = report("compared");
    let (_, table) = page.split_once("<table class=\"built\">").expect("a table");
    let table = table.split_once("</table>").expect("its end").0;
    for variant in ["G0", "G0=", "G1", "I"] {
        assert!(
            table.contains(&format!("<th scope=\"row\">{variant}</th>")),
            "{table}"
        );
    }
    assert_eq!(
        table.matches(&format!("00 {currency}</td>")).count(),
        4,
        "{table}"
    );
    let cost = (comparison["metrics"].as_array().expect("rows").iter()).find(|row| row["name"] == "cost");
    assert_eq!(cost.expect("a row")["unit"], currency);
}

/// With `--json` every command prints one JSON document and nothing else.
#[test]
fn every_command_speaks_json() {
    let place = TempDir::new().expect("a folder");
    let file = |name: &str| place.path().join(name).to_str().expect("text").to_owned();
    let (traced, swept, plain) = (
        path_of("traced"),
        path_of("swept"),
        "scenarios/clause8/gwn-dd.json",
    );
    let one = ["--replications", "1"];
    let chart = ["trace", traced.as_str(), "--request", "a-to-b/0"];
    let (page, map, pages) = (file("x.html"), file("x.svg"), file("man"));
    let [run, compared, again] = ["run", "compared", "again"].map(file);
    let polska = "tests/data/topologies/polska.xml";
    let commands: Vec<Vec<&str>> = vec![
        vec!["validate", plain],
        [&["run", plain, "--out", &run][..], &one].concat(),
        [&["compare", plain, "--gwn-vs-iwn", "--out", &compared][..], &one].concat(),
        [
            &["sweep", plain, "--set", "run.seed=1,2", "--out", &again][..],
            &one,
        ]
        .concat(),
        vec!["link", "--model", "decoy_bb84_asymptotic", "--distance", "50 km"],
        vec!["bounds", plain],
        vec!["criticality", plain, "--pairs"],
        vec!["import", polska],
        vec!["new", "--template", "ring"],
        vec!["schema"],
        vec!["list"],
        vec!["reproduce", &swept],
        vec!["table", &swept],
        vec!["report", &traced, "--out", &page],
        vec!["plot", &traced, "--what", "topology", "--out", &map],
        chart.to_vec(),
        vec!["explain", &traced, "--request", "a-to-b/0"],
        vec!["completions", "bash"],
        vec!["man"],
        vec!["man", "--out", &pages],
    ];
    let help = qkdni(["help"]);
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let verbs = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    for verb in verbs.map_while(|line| line.strip_prefix("  ")?.split(' ').next()) {
        let known = verb.is_empty() || verb == "help" || commands.iter().any(|words| words[0] == verb);
        assert!(known, "{verb}");
    }
    for words in commands {
        let output = qkdni(words.iter().copied().chain(["--json"]));
        done(&output);
        let text = String::from_utf8_lossy(&output.stdout);
        let document: Result<Value, _> = serde_json::from_str(&text);
        assert!(document.is_ok_and(|it| it.is_object()), "{words:?}: {text}");
    }
}

fn refused(output: &Output, code: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
}

/// A folder of another version, half deleted, changed, or none at all.
#[test]
fn what_is_no_whole_folder_is_refused() {
    let place = TempDir::new().expect("a folder");
    let copy_of = |from: &str, name: &str| {
        let to = place.path().join(name);
        fs::create_dir(&to).expect("a folder");
        for entry in fs::read_dir(folder(from)).expect("there").flatten() {
            if entry.path().is_file() {
                fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
            }
        }
        to
    };
    let copy = |name: &str| copy_of("cut", name);
    let try_it = |folder: &Path, words: &[&str]| {
        let path = folder.to_str().expect("text");
        for verb in ["report", "plot"] {
            refused(&qkdni([verb, path]), INPUT_OUTPUT, words);
        }
        assert!(!folder.join("report.html").exists() && !folder.join("plots").exists());
    };
    let half = copy("half");
    fs::remove_file(half.join("requests.csv")).expect("removed");
    fs::remove_file(half.join("reroutes.json")).expect("removed");
    try_it(
        &half,
        &["requests.csv is missing", "reroutes.json is missing", "hint"],
    );
    let changed = copy("changed");
    fs::write(changed.join("timeseries.csv"), "replication,t_ns\n").expect("written");
    try_it(&changed, &["timeseries.csv was changed"]);
    let age = |folder: &Path| {
        let manifest = fs::read_to_string(folder.join("manifest.json")).expect("there");
        let manifest = manifest.replacen("\"schema_version\": 1", "\"schema_version\": 99", 1);
        fs::write(folder.join("manifest.json"), manifest).expect("written");
    };
    let other = copy("other");
    age(&other);
    try_it(&other, &["schema_version is 99", "hint"]);
    try_it(&place.path().join("nowhere"), &["cannot read"]);

    // A variant that is gone is missing like a file.
    let compared = place.path().join("compared");
    copy_all(&folder("compared"), &compared);
    fs::remove_dir_all(compared.join("variants/G1")).expect("removed");
    try_it(
        &compared,
        &["cannot use", "variants/G1/README.md is missing", "hint"],
    );

    // The same of what reads a trace, and of what repeats a run.
    let traced = copy_of("traced", "half-traced");
    fs::remove_file(traced.join("trace.jsonl")).expect("removed");
    fs::remove_file(traced.join("decisions.jsonl")).expect("removed");
    let path = traced.to_str().expect("text");
    let request = ["--request", "a-to-b/0"];
    let ask = |verb| qkdni([&[verb, path][..], &request].concat());
    refused(&ask("trace"), INPUT_OUTPUT, &["trace.jsonl: the file is gone"]);
    refused(
        &ask("explain"),
        INPUT_OUTPUT,
        &["decisions.jsonl: the file is gone"],
    );
    let again = qkdni(["reproduce", path]);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stdout).contains("trace.jsonl is missing"));
    age(&traced);
    for verb in ["trace", "explain"] {
        refused(&ask(verb), INPUT_OUTPUT, &["schema_version is 99"]);
    }
    refused(
        &qkdni(["reproduce", path]),
        INPUT_OUTPUT,
        &["schema_version is 99"],
    );
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("there").flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_all(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("copied");
        }
    }
}

/// Volumes of scenarios that do not ask for the same are told apart from differences between networks.
#[test]
fn other_demands_are_warned_of() {
    let place = TempDir::new().expect("a folder");
    let plain = "scenarios/clause8/gwn-dd.json";
    let text = fs::read_to_string(plain).expect("the committed scenario is there");
    let mut other: Value = serde_json::from_str(&text).expect("JSON");
    other.as_object_mut().expect("an object").remove("$schema");
    other["demands"][1]["key"] = Value::from("512 bit");
    let path = place.path().join("other.json");
    fs::write(&path, other.to_string()).expect("room");
    let path = path.to_str().expect("text");
    let compare = |files: [&str; 2], out: &str| {
        let out = place.path().join(out);
        let sets = ["--replications", "1", "--set", "run.duration=20 s"];
        let files = [
            &["compare"][..],
            &files,
            &sets,
            &["--out", out.to_str().expect("text")],
        ];
        let output = qkdni(files.concat());
        done(&output);
        done(&qkdni(["reproduce", out.to_str().expect("text")]));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let said = compare([plain, path], "other");
    assert!(
        said.contains("gwn-dd, other: they do not ask for the same (demand b-to-a):"),
        "{said}"
    );
    let said = compare([plain, "scenarios/clause8/gwn-cc.json"], "same");
    assert!(!said.contains("ask for the same"), "{said}");
}

/// What a verb does not read may be gone.
#[test]
fn only_what_is_read_must_be_there() {
    let place = TempDir::new().expect("a folder");
    let to = place.path().join("run");
    fs::create_dir(&to).expect("a folder");
    for entry in fs::read_dir(folder("traced")).expect("there").flatten() {
        fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
    let path = to.to_str().expect("text");
    for name in ["trace.jsonl", "decisions.jsonl", "audit.jsonl", "accounting.csv"] {
        fs::remove_file(to.join(name)).expect("removed");
    }
    for verb in ["report", "plot", "table"] {
        done(&qkdni([verb, path]));
    }
    let page = fs::read_to_string(to.join("report.html")).expect("written");
    assert!(page.contains("trace.jsonl was removed from the folder"));
    assert_eq!(qkdni(["reproduce", path]).status.code(), Some(1));
    fs::remove_file(to.join("requests.csv")).expect("removed");
    done(&qkdni(["table", path]));
    refused(
        &qkdni(["report", path]),
        INPUT_OUTPUT,
        &["requests.csv is missing"],
    );
    fs::remove_file(to.join("summary.json")).expect("removed");
    refused(
        &qkdni(["table", path]),
        INPUT_OUTPUT,
        &["summary.json is missing"],
    );

    let swept = path_of("swept");
    let words = ["this is a sweep", "scenario.json --set PATH=VALUE --trace"];
    refused(
        &qkdni(["trace", &swept, "--request", "a-to-b/0"]),
        INPUT_OUTPUT,
        &words,
    );
}

/// A metric of another scope is said to be there.
#[test]
fn tables_name_the_scopes_of_a_metric() {
    let cut = path_of("cut");
    let words = [
        "control_messages is not measured in scope demand:a-to-b",
        "it is measured in network, qkdn:",
    ];
    let table = [
        "table",
        &cut,
        "--scope",
        "demand:a-to-b",
        "--metric",
        "control_messages",
    ];
    refused(&qkdni(table), USAGE, &words);
}

#[test]
fn a_picture_that_is_not_there_is_refused() {
    let cut = path_of("cut");
    refused(
        &qkdni(["plot", &cut, "--what", "sweep"]),
        USAGE,
        &["nothing for such a picture"],
    );
    refused(
        &qkdni([
            "plot",
            &cut,
            "--what",
            "timeseries",
            "--pick",
            "store",
            "--out",
            "x.svg",
        ]),
        USAGE,
        &["no picture \"store\"", "stores, key-rate, service"],
    );
    refused(
        &qkdni(["plot", &cut, "--what", "topology", "--at", "5"]),
        USAGE,
        &["--at"],
    );
    refused(
        &qkdni(["plot", &cut, "--what", "topology", "--at", "1 h"]),
        USAGE,
        &["--at 3600 s is after the end", "it ends at 70 s"],
    );
    let swept = path_of("swept");
    refused(
        &qkdni(["plot", &swept, "--what", "sweep", "--metric", "kkrd"]),
        USAGE,
        &["kkrd is not measured", "did you mean \"kkrd_s\""],
    );
    #[cfg(not(feature = "png"))]
    refused(
        &qkdni(["plot", &cut, "--what", "cdf", "--out", "x.png"]),
        USAGE,
        &["--features png"],
    );
}

#[cfg(feature = "png")]
#[test]
fn pictures_are_written_as_png() {
    let place = TempDir::new().expect("a folder");
    let out = place.path().join("x.png");
    done(&qkdni([
        "plot",
        &path_of("cut"),
        "--what",
        "cdf",
        "--out",
        out.to_str().expect("text"),
    ]));
    let bytes = fs::read(out).expect("a picture");
    assert!(
        bytes.starts_with(b"\x89PNG") && bytes.len() > 10_000,
        "{} bytes",
        bytes.len()
    );
}

#[cfg(feature = "chromium")]
mod chromium {
    use super::*;

    /// The page as Chromium has it after it has tried itself, and what it said on its console.
    fn opened(page: &Path) -> (String, String) {
        let program = ["chromium", "chromium-browser", "google-chrome"]
            .into_iter()
            .find(|name| Command::new(name).arg("--version").output().is_ok())
            .expect("Chromium is installed: apt-get install chromium");
        let profile = TempDir::new().expect("a folder");
        let output = Command::new(program)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
            ])
            .args(["--enable-logging=stderr", "--log-level=0", "--dump-dom"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("file://{}#selftest", page.display()))
            .output()
            .expect("it runs");
        let error = String::from_utf8_lossy(&output.stderr);
        let console = error
            .lines()
            .filter(|line| line.contains("CONSOLE"))
            .collect::<Vec<_>>();
        (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            console.join("\n"),
        )
    }

    fn attribute(page: &str, name: &str) -> Option<String> {
        let (_, rest) = page.split_once(&format!("{name}=\""))?;
        Some(rest.split('"').next()?.to_owned())
    }

    /// Every page opens without a word on the console, and what moves in it moves: zoom, values, slider, routes, look.
    #[test]
    fn every_report_works_in_chromium() {
        let place = TempDir::new().expect("a folder");
        for name in ["cut", "traced", "bare", "harmful", "compared", "swept", "grid"] {
            let file = place.path().join(format!("{name}.html"));
            fs::write(&file, report(name)).expect("room");
            let (page, console) = opened(&file);
            assert_eq!(
                attribute(&page, "data-selftest").as_deref(),
                Some("passed"),
                "{name}"
            );
            assert_eq!(console, "", "{name}");
            if name == "cut" {
                let number = |of: &str| attribute(&page, of).and_then(|text| text.parse::<u32>().ok());
                assert!(number("data-states") > Some(5), "the slider moves the map");
                assert!(number("data-route") > Some(2), "a demand's route is shown");
            }
        }
    }

    /// Looks at a page in a frame of 400 px with all its parts open, and says what is wrong.
    const NARROW: &str = "<script>addEventListener('load', () => {
        const page = document.querySelector('iframe').contentDocument;
        page.querySelectorAll('details').forEach((it) => { it.open = true; });
        const wrong = [];
        if (page.documentElement.scrollWidth > 400) wrong.push('the page scrolls sideways');
        for (const cell of page.querySelectorAll('th, td')) {
          const words = page.createRange();
          words.selectNodeContents(cell);
          const lines = new Set([...words.getClientRects()].map((line) => Math.round(line.top)));
          if (lines.size > 1) wrong.push('broken: ' + cell.textContent);
        }
        for (const svg of page.querySelectorAll('.picture svg')) {
          const box = svg.parentElement;
          if (svg.getBoundingClientRect().width < 560 || box.clientWidth > 400) wrong.push('a small picture');
        }
        if (!page.querySelector('table') || !page.querySelector('.picture')) wrong.push('nothing to look at');
        document.documentElement.dataset.narrow = wrong.length ? wrong.slice(0, 5).join('; ') : 'good';
      });</script>";

    /// On a telephone tables and pictures scroll in their boxes, and no cell is broken.
    #[test]
    fn a_narrow_page_breaks_no_cell() {
        let place = TempDir::new().expect("a folder");
        let look = |name: &str, page: &str| {
            let file = place.path().join(name);
            let page = page.replace('&', "&amp;").replace('"', "&quot;");
            let frame = format!(
                "<!DOCTYPE html><iframe width=\"400\" height=\"800\" style=\"border:0\" srcdoc=\"{page}\"></iframe>{NARROW}"
            );
            fs::write(&file, frame).expect("room");
            attribute(&opened(&file).0, "data-narrow").expect("it was looked at")
        };
        for name in ["cut", "compared"] {
            assert_eq!(look(&format!("{name}.html"), &report(name)), "good", "{name}");
        }
        // Cells that may break would be noticed.
        let spoilt = report("compared").replace("white-space: nowrap", "overflow-wrap: anywhere");
        assert!(look("spoilt.html", &spoilt).contains("broken"));
    }

    /// A page with a fault in it would be noticed.
    #[test]
    fn the_trial_finds_faults() {
        let place = TempDir::new().expect("a folder");
        let file = place.path().join("spoilt.html");
        let page = report("cut").replace("line.setAttribute(\"stroke\", colour);", "undefined_function();");
        fs::write(&file, page).expect("room");
        let (page, console) = opened(&file);
        assert_ne!(attribute(&page, "data-selftest").as_deref(), Some("passed"));
        assert!(console.contains("undefined_function"), "{console}");
    }

    /// The report of a 500-node run is under 5 MB and opens in under 2 s, by the page's own clock from the start of
    /// navigation to the end of loading and layout.
    #[test]
    fn a_large_report_opens_soon() {
        let place = TempDir::new().expect("a folder");
        let path = |name: &str| place.path().join(name).to_str().expect("text").to_owned();
        let (scenario, results, out) = (path("large.json"), path("large"), path("large.html"));
        done(&qkdni([
            "new",
            "--template",
            "random_geometric",
            "--qkdns",
            "2",
            "--nodes",
            "250",
            "--out",
            &scenario,
        ]));
        let shorter = ["--set", "run.duration=60 s", "--set", "run.warm_up=0 s"];
        done(&qkdni(
            ["run", &scenario, "--replications", "2", "--out", &results]
                .into_iter()
                .chain(shorter),
        ));
        done(&qkdni(["report", &results, "--out", &out]));
        let size = fs::metadata(&out).expect("a report").len();
        assert!(size < 5_000_000, "{size} bytes");
        // The quickest of three openings: what else the machine does is not the page's.
        let times = [(); 3].map(|()| {
            let (page, console) = opened(Path::new(&out));
            assert_eq!(
                (attribute(&page, "data-selftest").as_deref(), console.as_str()),
                (Some("passed"), "")
            );
            attribute(&page, "data-opened-ms").and_then(|text| text.parse::<u32>().ok())
        });
        let opened = times.into_iter().flatten().min();
        assert!(opened.is_some_and(|time| time < 2_000), "{opened:?} ms");
    }
}

/// The content of a folder's manifest, and the title of its README.
fn called(folder: &Path) -> (Value, String) {
    let read = |file: &str| fs::read_to_string(folder.join(file)).expect("there");
    let manifest: Value = serde_json::from_str(&read("manifest.json")).expect("JSON");
    let title = read("README.md").lines().next().expect("a line").to_owned();
    (manifest, title)
}

#[test]
fn a_folder_says_which_variant_was_run() {
    for (name, variant, title) in [
        ("traced", Some("cut"), "# gwn-dd:cut"),
        ("bare", Some("cut"), "# gwn-dd:cut"),
        ("grid", None, "# gwn-dd"),
        ("compared/variants/G0", Some("G0"), "# gwn-dd:G0"),
    ] {
        let (manifest, found) = called(&folder(".").join(name));
        assert_eq!(manifest["variant"].as_str(), variant, "{name}");
        assert_eq!(found, title, "{name}");
    }
    let place = TempDir::new().expect("a folder");
    let swept = place.path().join("swept");
    let path = swept.to_str().expect("text");
    let cut = "scenarios/clause8/gwn-dd.json:cut";
    let key = "demands.a-to-b.key=128,256 bit";
    done(&qkdni([
        "sweep",
        cut,
        "--replications",
        "1",
        "--set",
        key,
        "--out",
        path,
    ]));
    let (manifest, title) = called(&swept);
    assert_eq!(
        (manifest["variant"].as_str(), title.as_str()),
        (Some("cut"), "# gwn-dd:cut")
    );
    // Nothing of it is lost where a folder is computed again.
    for again in [path, &path_of("bare"), &path_of("compared")] {
        done(&qkdni(["reproduce", again]));
    }
}

/// A point may be on the front for what the two axes do not show: so the picture names all of it.
#[test]
fn a_pareto_picture_says_what_its_front_is_by() {
    let place = TempDir::new().expect("a folder");
    let out = place.path().join("pareto.svg");
    let compared = path_of("compared");
    let out = out.to_str().expect("text");
    done(&qkdni(["plot", &compared, "--pick", "pareto", "--out", out]));
    let svg = fs::read_to_string(out).expect("a picture");
    let caption = "front: no other variant is as good or better in all of served_share, kkrd_s,";
    assert!(svg.contains(caption) && svg.contains(", price\n"), "{svg}");
}

/// What was left out is not advised to be left out.
#[test]
fn a_sweep_with_nothing_to_draw_says_so() {
    let place = TempDir::new().expect("a folder");
    let out = place.path().join("one");
    let out = out.to_str().expect("text");
    let plain = "scenarios/clause8/gwn-dd.json";
    let short = "run.duration=10 s";
    done(&qkdni([
        "sweep",
        plain,
        "--gwn-vs-iwn",
        "--replications",
        "1",
        "--set",
        short,
        "--out",
        out,
    ]));
    let output = qkdni(["plot", out]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("this sweep has nothing to draw") && !said.contains("leave --what out"),
        "{said}"
    );
}
