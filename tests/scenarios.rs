//! Scenario files: the committed ones are valid, the invalid ones say what is wrong with them.
//!
//! `BLESS=1 cargo test --test scenarios` writes the schema and the golden diagnostics anew.

use std::fs;
use std::path::{Path, PathBuf};

use qkdni::scenario::{self, load, validate};

/// All files below `folder` that end in `.json`, by name.
fn json_files(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Compares with a committed text, or writes it when asked to.
fn golden(path: &Path, text: &str, differences: &mut Vec<String>) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(path, text).expect("writable");
    } else if fs::read_to_string(path).unwrap_or_default() != text {
        differences.push(format!("{} should be:\n{text}", path.display()));
    }
}

fn valid_files() -> Vec<PathBuf> {
    let mut files = json_files("scenarios");
    files.retain(|file| !file.starts_with("scenarios/invalid"));
    files
}

#[test]
fn committed_schema_is_what_the_types_say() {
    let mut differences = Vec::new();
    let text = format!("{:#}\n", scenario::schema());
    golden(Path::new("schema/scenario.json"), &text, &mut differences);
    assert!(
        differences.is_empty(),
        "run with BLESS=1 to write schema/scenario.json"
    );
}

#[test]
fn every_scenario_is_valid_with_all_its_variants() {
    let files = valid_files();
    assert!(files.len() >= 9, "{files:?}");
    for file in files {
        let findings = validate(&file.to_string_lossy(), &[]);
        // Placements that clause 8 does not depict are warned of, and run.
        let others = findings.iter().filter(|finding| finding.code != "not_depicted");
        assert_eq!(others.count(), 0, "{findings}");
    }
}

#[test]
fn every_scenario_obeys_the_schema() {
    let schema = scenario::schema();
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    for file in valid_files() {
        let text = fs::read_to_string(&file).expect("readable");
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", file.display());
        let depth = file.components().count() - 1;
        assert_eq!(
            value["$schema"],
            format!("{}schema/scenario.json", "../".repeat(depth)),
            "{}",
            file.display()
        );
        let name = file.file_stem().expect("a name").to_string_lossy();
        assert!(
            value["name"].as_str().is_some_and(|own| own == name),
            "{} names itself {}",
            file.display(),
            value["name"]
        );
    }
}

#[test]
fn a_resolved_scenario_is_complete_and_resolves_to_itself() {
    let validator = jsonschema::validator_for(&scenario::schema()).expect("the schema is one");
    for file in valid_files() {
        let file = file.to_string_lossy();
        let base = load(&file, &[]).expect("valid");
        let variants = base.variants.clone();
        let all = std::iter::once(base).chain(
            variants
                .iter()
                .map(|variant| load(&format!("{file}:{variant}"), &[]).expect("valid")),
        );
        for loaded in all {
            let text = loaded.resolved_text();
            let errors: Vec<String> = validator
                .iter_errors(&loaded.resolved)
                .map(|error| error.to_string())
                .collect();
            assert!(errors.is_empty(), "{file}: {errors:#?}");
            let again = scenario::load_text("resolved.json", &text, &[]).expect("valid");
            assert_eq!(again.document, loaded.document);
            assert_eq!(again.resolved_text(), text);
        }
    }
}

/// Shows A3 among the mistakes (`boundary-inside-iwn`, `link-inside-iwn`): no Qx inside an IWN.
#[test]
fn every_invalid_scenario_says_what_is_wrong_with_it() {
    let mut differences = Vec::new();
    let mut codes = std::collections::BTreeSet::new();
    let files = json_files("scenarios/invalid");
    for file in files
        .iter()
        .filter(|file| !file.to_string_lossy().contains("part-"))
    {
        // The first line of a file's text may name the variant and the settings that make it invalid.
        let name = file.to_string_lossy().into_owned();
        let command = fs::read_to_string(file.with_extension("args")).unwrap_or_default();
        let mut source = name.clone();
        let mut sets = Vec::new();
        for line in command.lines() {
            match line.strip_prefix("--set ") {
                Some(set) => sets.push(set.to_owned()),
                None => source = format!("{name}:{line}"),
            }
        }
        let findings = validate(&source, &sets);
        assert!(!findings.is_empty(), "{name} is valid");
        for finding in &findings {
            codes.insert(finding.code);
            assert!(!finding.message.is_empty());
        }
        golden(&file.with_extension("txt"), &findings.render(), &mut differences);
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(codes.len() >= 60, "{} kinds: {codes:?}", codes.len());
}

#[test]
fn input_that_cannot_be_read_is_told_apart_from_input_that_makes_no_sense() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let code = |name: &str| {
        let path = folder.path().join(name);
        let findings = load(&path.to_string_lossy(), &[]).expect_err("cannot be read");
        assert_eq!(findings.0.len(), 1, "{findings}");
        (findings.0[0].code, findings.is_input_output())
    };
    assert_eq!(code("missing.json"), ("not_found", true));
    assert_eq!(code("missing.json:variant"), ("not_found", true));
    assert_eq!(code(""), ("is_directory", true));

    let large = fs::File::create(folder.path().join("large.json")).expect("writable");
    large.set_len(100 << 20).expect("a sparse file");
    assert_eq!(code("large.json"), ("too_large", true));

    fs::write(folder.path().join("bytes.json"), b"{\n \"name\": \"\xff\xfe\"}").expect("writable");
    assert_eq!(code("bytes.json"), ("not_utf8", false));
    let path = folder.path().join("bytes.json");
    let findings = load(&path.to_string_lossy(), &[]).expect_err("not text");
    assert_eq!((findings.0[0].line, findings.0[0].column), (2, 11));

    fs::write(folder.path().join("deep.json"), "[".repeat(1 << 20)).expect("writable");
    assert_eq!(code("deep.json"), ("syntax", false));
    fs::write(folder.path().join("mark.json"), "\u{feff}").expect("writable");
    assert_eq!(code("mark.json"), ("empty_file", false));
}

/// Needs an ordinary user: for the superuser every file is readable.
#[cfg(unix)]
#[test]
fn a_file_without_permission_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("secret.json");
    fs::write(&path, "{}").expect("writable");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("settable");
    let findings = load(&path.to_string_lossy(), &[]).expect_err("not readable, or not a scenario");
    if fs::read(&path).is_err() {
        assert_eq!(findings.0[0].code, "no_permission");
        assert!(findings.is_input_output());
    }
}

#[test]
fn sets_address_ids_and_keep_their_place() {
    let file = "scenarios/madqci.json:iwn";
    let set = |sets: &[&str]| load(file, &sets.iter().map(|&set| set.to_owned()).collect::<Vec<_>>());
    let document = set(&[
        "demands.d1.arrivals.poisson.rate=4 /s",
        "run.replications=3",
        "qkdns.REDIMadrid.links.quijote-quevedo.systems=2",
        "boundaries.border.kind.iwn.kxi1_prime_protection={\"none\": null, \"otp\": {\"rate\": \"1 kbit/s\"}}",
        "name=other",
    ])
    .expect("valid")
    .document;
    assert_eq!((document.run.replications, document.name.as_str()), (3, "other"));
    assert_eq!(document.demands[0].arrivals.name(), "poisson");
    let link = document.qkdns[0]
        .links
        .iter()
        .find(|link| link.id.as_str() == "quijote-quevedo");
    assert_eq!(link.map(|link| link.systems), Some(2));

    let wrong = set(&["demands.d1.key=12 apples"]).expect_err("no such unit");
    let finding = &wrong.0[0];
    assert_eq!(
        (finding.file.as_str(), finding.line, finding.column),
        ("--set", 1, 16)
    );
    assert_eq!(finding.path, "demands.d1.key");
    assert_eq!(wrong.to_json()[0]["severity"], "error");
    assert_eq!(wrong.to_json()[0]["code"], "unknown_unit");
}

#[test]
fn a_variant_and_what_it_extends_are_remembered() {
    let loaded = load("scenarios/madqci.json:iwn", &[]).expect("valid");
    assert_eq!(loaded.variant.as_deref(), Some("iwn"));
    assert_eq!(loaded.variants, ["iwn", "cut", "iwn-cut"]);
    assert_eq!(loaded.document.boundaries[0].kind.name(), "iwn");
    assert_eq!(loaded.sha256.len(), 64);

    let folder = tempfile::tempdir().expect("a temporary folder");
    let base = fs::canonicalize("scenarios/madqci.json").expect("there");
    let path = folder.path().join("mine:colon.json");
    let text = serde_json::json!({
        "extends": format!("{}:cut", base.display()),
        "faults": { "f1": { "repair_after": null } },
        "boundaries": null,
        "demands": [],
    });
    fs::write(&path, text.to_string()).expect("writable");
    let findings = load(&path.to_string_lossy(), &[]).expect_err("no boundary");
    assert!(findings.iter().any(|finding| finding.code == "no_boundary"));
    assert!(
        findings
            .iter()
            .all(|finding| finding.file.ends_with("madqci.json") || finding.line == 1)
    );
    let text = serde_json::json!({
        "extends": format!("{}:cut", base.display()),
        "faults": { "f1": { "repair_after": null } },
    });
    fs::write(&path, text.to_string()).expect("writable");
    let loaded = load(&path.to_string_lossy(), &[]).expect("valid");
    assert_eq!(loaded.files.len(), 2);
    assert_eq!(loaded.document.faults[0].repair_after, None);
    assert!(loaded.variants.is_empty(), "variants patch their own file only");
}
