//! Topologies of other tools and templates become scenarios that are valid and run.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use qkdni::network::{Options, simulate};
use qkdni::scenario::assemble::{Assembled, Borders, Joint, Partition, Settings, assemble};
use qkdni::scenario::import::import;
use qkdni::scenario::templates::{Size, TEMPLATES, draw};
use qkdni::scenario::topology::{QKDN, Topology};
use qkdni::scenario::{Diagnostics, Document, compile, load_text};
use qkdni::units::{BitRate, Metres};

fn topology(file: &str) -> Topology {
    import(&Path::new("tests/data/topologies").join(file), None).expect("a good file")
}

fn made(file: &str, settings: &Settings) -> Assembled {
    assemble(&topology(file), settings, file).unwrap_or_else(|findings| panic!("{findings}"))
}

fn document(made: &Assembled) -> Document {
    let loaded = load_text("made", &made.text, &[]).unwrap_or_else(|findings| panic!("{findings}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    loaded.document
}

fn refused(file: &str, settings: &Settings) -> Diagnostics {
    assemble(&topology(file), settings, file).expect_err("it is refused")
}

/// Runs a part of a scenario, and expects nearly all to be served: it is asked for half of what there is.
fn runs(made: &Assembled) {
    let sets = ["run.warm_up=60 s", "run.duration=100 s"].map(str::to_owned);
    let loaded = load_text("made", &made.text, &sets).expect("valid");
    let outcome = simulate(
        &Arc::new(compile(&loaded.document)),
        0,
        Options {
            trace: false,
            audit: true,
        },
    );
    assert!(outcome.audit.iter().all(|check| check.passed));
    let asked = outcome.requests.len();
    let served = outcome
        .requests
        .iter()
        .filter(|request| request.failure.is_none())
        .count();
    assert!(asked > 100 && served * 100 >= asked * 99, "{served} of {asked}");
}

#[test]
fn real_files_of_all_formats_run() {
    for file in ["polska.xml", "polska.json", "Sanren.gml", "Abilene.graphml"] {
        for joint in [Joint::Gwn, Joint::Iwn] {
            let made = made(
                file,
                &Settings {
                    joint,
                    ..Settings::default()
                },
            );
            assert_eq!(made.qkdns, 2, "{file}");
            document(&made);
            runs(&made);
        }
    }
}

#[test]
fn lengths_and_relays_follow_the_rule() {
    // Gdansk – Warsaw is 273.93 km as the crow flies (topohub), so 328.7 km of fibre and ceil(328.7 / 80) - 1 relays.
    for file in ["polska.xml", "polska.json"] {
        let document = document(&made(
            file,
            &Settings {
                partition: Partition::Even(1),
                ..Settings::default()
            },
        ));
        let qkdn = &document.qkdns[0];
        let of_edge = |id: &str| id.starts_with("Gdansk--Warsaw-") || id == "Gdansk--Warsaw";
        let relays = qkdn.nodes.iter().filter(|node| of_edge(node.id.as_str())).count();
        assert_eq!(relays, 4);
        let way = qkdn
            .links
            .iter()
            .filter(|link| link.between.iter().any(|end| end.starts_with("Gdansk--Warsaw")));
        let metres: u64 = way.map(|link| link.length.0).sum();
        assert!(metres.abs_diff(328_716) < 400, "{metres}");
        // The published total (topohub: 18 links of 188.13 km on average).
        let all: u64 = qkdn.links.iter().map(|link| link.length.0).sum();
        assert!((all as f64 / 1e3 - 18.0 * 188.13 * 1.2).abs() < 5.0, "{all}");
    }
    let settings = Settings {
        span: Metres(40_000),
        detour: 1.0,
        partition: Partition::Even(1),
        ..Settings::default()
    };
    let document = document(&made("polska.json", &settings));
    assert!(
        document.qkdns[0]
            .links
            .iter()
            .all(|link| link.length <= Metres(40_000))
    );
}

#[test]
fn demands_of_sndlib_keep_their_proportions() {
    let settings = Settings {
        demand_unit: Some(BitRate(10)),
        ..Settings::default()
    };
    let document = document(&made("polska.xml", &settings));
    assert_eq!(document.demands.len(), 30);
    let per_second = |index: usize| match &document.demands[index].arrivals {
        qkdni::scenario::document::Arrivals::Poisson(poisson) => poisson.rate.per_second(),
        _ => panic!("Poisson is what import writes"),
    };
    // Gdansk – Bydgoszcz 195, Gdansk – Kolobrzeg 158: times 10 bit/s, in keys of 4096 bits.
    assert!((per_second(0) * 4096.0 - 1950.0).abs() < 0.1);
    assert!((per_second(1) / per_second(0) - 158.0 / 195.0).abs() < 1e-4);
}

#[test]
fn qkdns_and_borders_are_those_asked_for() {
    let lists = vec![
        (
            "North".to_owned(),
            ["Johannesburg", "Pretoria", "Bloemfontein"]
                .map(str::to_owned)
                .to_vec(),
        ),
        ("South".to_owned(), Vec::new()),
    ];
    let named =
        |pairs: &[[&str; 2]]| Borders::Named(pairs.iter().map(|pair| pair.map(str::to_owned)).collect());
    let settings = Settings {
        partition: Partition::Lists(lists),
        borders: named(&[["Durban", "Pretoria"]]),
        ..Settings::default()
    };
    let found = made("Sanren.gml", &settings);
    let document = document(&found);
    assert_eq!((found.qkdns, found.borders, found.sites), (2, 1, 7));
    // What is left out is said, with its ends.
    let left: Vec<&str> = (found.warnings.iter())
        .filter(|warning| warning.code == "fibres_left_out")
        .map(|warning| warning.message.as_str())
        .collect();
    assert_eq!(
        left,
        ["1 fibre between QKDNs is no border and was left out: Bloemfontein–Cape-Town"]
    );
    // The middle of the fibre is the border; both sides keep their relays.
    let boundary = &document.boundaries[0];
    assert_eq!(
        [&boundary.between[0].qkdn, &boundary.between[1].qkdn],
        ["North", "South"]
    );
    for qkdn in &document.qkdns {
        assert!(
            qkdn.nodes
                .iter()
                .any(|node| node.id.as_str().starts_with("Pretoria--Durban-"))
        );
    }
    let wrong = refused(
        "Sanren.gml",
        &Settings {
            borders: named(&[["Durban", "Cape-Town"]]),
            ..settings
        },
    );
    assert_eq!(wrong.0[0].code, "no_border");
    let by_country = Settings {
        partition: Partition::Attribute("Country".to_owned()),
        ..Settings::default()
    };
    let one = made("Sanren.gml", &by_country);
    assert_eq!(one.qkdns, 1);
    let by_nothing = Settings {
        partition: Partition::Attribute("Contry".to_owned()),
        ..Settings::default()
    };
    let wrong = refused("Sanren.gml", &by_nothing);
    assert_eq!(
        (wrong.0[0].code, wrong.0[0].hint.as_deref()),
        ("no_attribute", Some("did you mean \"country\"?"))
    );
}

#[test]
fn what_cannot_be_divided_is_refused_with_all_reasons() {
    let lists = vec![
        (
            "Coast".to_owned(),
            ["Durban", "Cape-Town"].map(str::to_owned).to_vec(),
        ),
        ("Inland".to_owned(), Vec::new()),
        ("Nowhere".to_owned(), vec!["Atlantis".to_owned()]),
    ];
    let findings = refused(
        "Sanren.gml",
        &Settings {
            partition: Partition::Lists(lists),
            ..Settings::default()
        },
    );
    let codes: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(
        codes,
        [
            "unknown_node",
            "unreached_node",
            "unreached_node",
            "one_node_qkdn"
        ]
    );
    assert_eq!(
        refused(
            "Sanren.gml",
            &Settings {
                partition: Partition::Even(4),
                ..Settings::default()
            }
        )
        .0[0]
            .code,
        "too_many"
    );
}

#[test]
fn a_file_without_coordinates_needs_a_length() {
    let one = Settings {
        partition: Partition::Even(1),
        ..Settings::default()
    };
    let findings = refused("Renam.graphml", &one);
    assert_eq!(findings.0[0].code, "no_coordinates");
    assert!(findings.0[0].message.contains("5 of 5 nodes"), "{findings}");
    let settings = Settings {
        default_length: Some(Metres(100_000)),
        ..one
    };
    let made = made("Renam.graphml", &settings);
    assert_eq!((made.sites, made.relays), (5, 4));
    runs(&made);
}

#[test]
fn relays_too_far_apart_are_found_by_the_scenarios_own_checks() {
    let made = made(
        "polska.json",
        &Settings {
            span: Metres(200_000),
            ..Settings::default()
        },
    );
    let warnings = &made.warnings;
    assert!(
        !warnings.is_empty() && warnings.iter().all(|finding| finding.code == "beyond_reach"),
        "{warnings}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    /// Every template, of any size, is a valid scenario with what was asked for.
    #[test]
    fn templates_of_any_size_are_valid(
        which in 0_usize..5, qkdns in 1_u32..6, nodes in 2_u32..40, metres in 500_u64..200_000, seed: u64, iwn: bool,
    ) {
        let template = &TEMPLATES[which];
        let qkdns = qkdns.max(template.fewest_qkdns);
        let size = Size { qkdns, nodes, length_km: metres as f64 / 1e3, seed };
        let topology = draw(template.entry.name, size).expect("a good size");
        let settings = Settings {
            partition: Partition::Attribute(QKDN.to_owned()),
            joint: if iwn { Joint::Iwn } else { Joint::Gwn },
            ..Settings::default()
        };
        let made = assemble(&topology, &settings, "template");
        let made = made.map_err(|findings| TestCaseError::fail(findings.to_string()))?;
        prop_assert!(made.warnings.is_empty(), "{}", made.warnings);
        let document = load_text("made", &made.text, &[]).expect("valid").document;
        prop_assert_eq!(document.qkdns.len(), qkdns as usize);
        prop_assert_eq!(made.borders, qkdns as usize - 1);
        let mut relays = 0;
        for qkdn in &document.qkdns {
            let of_qkdn = qkdn.nodes.iter().filter(|node| node.note.is_some()).count();
            prop_assert_eq!(qkdn.nodes.len() - of_qkdn, nodes as usize);
            relays += of_qkdn;
        }
        prop_assert_eq!(relays, made.relays);
        let spans = document.qkdns.iter().flat_map(|qkdn| &qkdn.links).map(|link| link.length);
        prop_assert!(spans.chain(document.boundaries.iter().map(|it| it.duct.length)).all(|it| it <= Metres(80_000)));
    }
}

#[test]
fn templates_run_and_are_drawn_the_same_way_twice() {
    for template in TEMPLATES {
        let size = Size {
            qkdns: 3,
            nodes: 7,
            length_km: 40.0,
            seed: 5,
        };
        let drawn = draw(template.entry.name, size).expect("a good size");
        assert_eq!(drawn, draw(template.entry.name, size).expect("a good size"));
        let settings = Settings {
            partition: Partition::Attribute(QKDN.to_owned()),
            ..Settings::default()
        };
        runs(&assemble(&drawn, &settings, "template").expect("valid"));
    }
    let wrong = draw(
        "rong",
        Size {
            qkdns: 0,
            nodes: 1,
            length_km: 0.0,
            seed: 1,
        },
    )
    .expect_err("all wrong");
    let codes: Vec<&str> = wrong.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["unknown_template", "too_few", "too_few", "bad_length"]);
}

#[test]
fn losses_that_a_file_gives_are_taken_and_no_estimates() {
    let made = made(
        "losses.json",
        &Settings {
            partition: Partition::Lists(vec![
                ("West".to_owned(), vec!["a".to_owned(), "b".to_owned()]),
                ("East".to_owned(), Vec::new()),
            ]),
            ..Settings::default()
        },
    );
    let scenario: serde_json::Value = serde_json::from_str(&made.text).expect("JSON");
    let [west, east] = [0, 1].map(|at| scenario["qkdns"][at]["links"].clone());
    assert_eq!(west[0]["loss"], "8.72 dB");
    assert_eq!(west[0].get("estimated"), None, "nothing of it is: {}", west[0]);
    assert_eq!(east[0]["loss"], "1.5 dB");
    assert_eq!(
        east[0]["estimated"],
        serde_json::json!(["loss"]),
        "the file says so"
    );
    // With a relay in the middle, which halves what is lost, and whose place is estimated.
    let border = scenario["boundaries"].as_array().expect("borders");
    let long = border.iter().find(|border| border["duct"]["length"] == "50 km");
    let long = long.expect("the stretch of b–c that is a border");
    assert_eq!(long["duct"]["loss"], "12.5 dB");
    assert_eq!(long["estimated"], serde_json::json!(["length", "loss"]));
    // Where the file gives none it is assumed.
    let short = border.iter().find(|border| border["id"] == "d--a").expect("d–a");
    assert_eq!(short["duct"].get("loss"), None);
    assert_eq!(short["estimated"], serde_json::json!(["loss"]));
    assert!(
        made.text
            .contains("0.2 dB/km where it gives none (1 fibre), assumed"),
        "{}",
        made.text
    );
    let plan = compile(&document(&made));
    let losses: Vec<f64> = plan.links.values().map(|link| link.loss_db).collect();
    assert!(losses.contains(&8.72) && losses.contains(&12.5), "{losses:?}");
}
