use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn plan(axes: &[&str], design: &str) -> Result<Sweep, Vec<Mistake>> {
    let axes: Vec<String> = axes.iter().map(|axis| (*axis).to_owned()).collect();
    Sweep::plan(&[], &axes, design.parse().expect("a design"), 1)
}

fn all(axis: &str) -> Vec<String> {
    let sweep = plan(&[axis], "grid").expect("an axis");
    (0..sweep.points())
        .map(|point| {
            sweep.sets(point)[0]
                .split_once('=')
                .expect("a change")
                .1
                .to_owned()
        })
        .collect()
}

#[test]
fn lists_and_ranges() {
    for (axis, values) in [
        ("a.b=1,2,5", vec!["1", "2", "5"]),
        ("a=1 /s,2 /s", vec!["1 /s", "2 /s"]),
        ("a=1,2,5 km", vec!["1 km", "2 km", "5 km"]),
        ("a=1 m,5 km", vec!["1 m", "5 km"]),
        ("a=segment,per_hop", vec!["segment", "per_hop"]),
        ("a=1..3:1 /s", vec!["1 /s", "2 /s", "3 /s"]),
        ("a=10..50:15 km", vec!["10 km", "25 km", "40 km"]),
        ("a=1 min..3 min:1 min", vec!["1 min", "2 min", "3 min"]),
        ("a=0.1..0.4:0.1", vec!["0.1", "0.2", "0.3", "0.4"]),
        ("a=-1..1:1", vec!["-1", "0", "1"]),
        ("a=1e3..2e3:500 bit", vec!["1000 bit", "1500 bit", "2000 bit"]),
        ("a=10..20:5%", vec!["10 %", "15 %", "20 %"]),
        ("a=7..7:1", vec!["7"]),
        (
            "a={\"x\": [1,2]},[3,4],\"5,\\\"6\"",
            vec!["{\"x\": [1,2]}", "[3,4]", "\"5,\\\"6\""],
        ),
        ("a=../x.json", vec!["../x.json"]),
    ] {
        assert_eq!(all(axis), values, "{axis}");
    }
}

#[test]
fn what_is_wrong_with_an_axis_is_said() {
    for (axis, words) in [
        ("a", "expected path=values"),
        ("=1", "expected path=values"),
        ("a..b=1", "expected path=values"),
        ("a=", "an empty value"),
        ("a=1,,2", "an empty value"),
        ("a=1,2,1", "1 is named twice"),
        ("a=5..1:1 /s", "the range is empty: 5 is above 1"),
        ("a=1..5:0", "endless"),
        ("a=1..5:-1", "endless"),
        ("a=1..5", "needs the step"),
        ("a=1..x:1", "\"x\" is not a number"),
        ("a=1 km..5 m:1 m", "mixes units"),
        ("a=0..1:0.0000001", "more than 1000000 values"),
        (
            "a=0..79228162514264337593543950335:0.0001",
            "more than 1000000 values",
        ),
        ("a=0..79228162514264337593543950335:1", "more than 1000000 values"),
    ] {
        let mistakes = plan(&[axis], "grid").expect_err(axis);
        assert!(mistakes[0].message.contains(words), "{axis}: {}", mistakes[0]);
    }
    let several = plan(&["a=5..1:1", "b=", "c=1", "c=2"], "grid").expect_err("three mistakes");
    assert_eq!(several.len(), 3);
    let large = plan(&["a=1..2000:1", "b=1..2000:1"], "grid").expect_err("too many");
    assert!(large[0].message.contains("more than 1000000 points"));
    for axes in [&["x.a&y.b=1,2", "x.a=3,4"][..], &["c=1", "y.b & x.a & y.b=1"]] {
        let twice = plan(axes, "grid").expect_err("a path on two axes");
        assert_eq!(twice.len(), 1, "{axes:?}");
        assert!(twice[0].message.contains("is swept twice"), "{}", twice[0]);
    }
    let many: Vec<String> = (0..257).map(|number| format!("a{number}=1,2")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(plan(&many[..256], "sobol:2").is_ok());
    let mistakes = plan(&many, "sobol:2").expect_err("more than the sequence has");
    assert!(
        mistakes[0].message.contains("256 axes at most"),
        "{}",
        mistakes[0]
    );
}

#[test]
fn a_grid_has_every_combination_once_the_last_path_fastest() {
    let sweep = plan(&["a=1,2", "b=x,y,z"], "grid").expect("a grid");
    let points: Vec<String> = (0..sweep.points())
        .map(|point| sweep.sets(point).join(" "))
        .collect();
    assert_eq!(
        points,
        ["a=1 b=x", "a=1 b=y", "a=1 b=z", "a=2 b=x", "a=2 b=y", "a=2 b=z"]
    );
}

#[test]
fn one_at_a_time_is_the_scenario_and_each_value_alone_in_every_variant() {
    let axes = ["a=1,2".to_owned(), "b=x,y,z".to_owned()];
    let variants = ["control=dd,-".to_owned()];
    let sweep = Sweep::plan(&variants, &axes, Design::OneAtATime, 1).expect("a design");
    let said = |point| (sweep.variants(point).join("+"), sweep.sets(point).join(" "));
    let alone = ["", "a=1", "a=2", "b=x", "b=y", "b=z"];
    let expected: Vec<(String, String)> = ["dd", ""]
        .into_iter()
        .flat_map(|variant| alone.map(|set| (variant.to_owned(), set.to_owned())))
        .collect();
    assert_eq!((0..sweep.points()).map(said).collect::<Vec<_>>(), expected);
}

#[test]
fn paths_that_are_swept_together_have_the_same_value() {
    let sweep = plan(&["x.a&y.b=1,2 km"], "grid").expect("an axis");
    assert_eq!(
        (sweep.points(), sweep.sets(1)),
        (2, vec!["x.a=2 km".to_owned(), "y.b=2 km".to_owned()])
    );
    assert!(plan(&["x.a&=1,2 km"], "grid").is_err());
}

#[test]
fn variants_are_axes_of_a_grid() {
    let variants = ["control=dd,cc".to_owned(), "fault=in,out".to_owned()];
    let sweep = Sweep::plan(&variants, &["a=1,2".to_owned()], Design::Grid, 1).expect("a grid");
    assert_eq!(sweep.paths().collect::<Vec<_>>(), ["control", "fault", "a"]);
    let last = sweep.points() - 1;
    assert_eq!(
        (sweep.points(), sweep.variants(last)),
        (8, vec!["cc".to_owned(), "out".to_owned()])
    );
    assert_eq!(
        (sweep.variants(1)[0].as_str(), sweep.sets(1)),
        ("dd", vec!["a=2".to_owned()])
    );
    for (variants, words) in [
        ("dd,cc", "expected name=variants"),
        ("c=a,,b", "empty value"),
        ("c=a,a", "named twice"),
    ] {
        let mistakes = Sweep::plan(&[variants.to_owned()], &[], Design::Grid, 1).expect_err("a mistake");
        assert!(mistakes[0].message.contains(words), "{}", mistakes[0]);
    }
}

#[test]
fn designs_and_shards_are_read() {
    for text in ["grid", "one-at-a-time", "lhs:7", "sobol:64"] {
        assert_eq!(text.parse::<Design>().expect("a design").to_string(), text);
    }
    for text in [
        "",
        "lhs",
        "lhs:0",
        "sobol:-1",
        "sobol:65537",
        "random:5",
        "grid:5",
    ] {
        assert!(text.parse::<Design>().is_err(), "{text}");
    }
    for text in ["", "1", "0/3", "4/3", "0/0", "a/b", "1/2/3", "-1/3"] {
        assert!(text.parse::<Shard>().is_err(), "{text}");
    }
    assert_eq!("1/1".parse(), Ok(Shard::WHOLE));
}

/// How many points fall into each of `parts` equal parts of an axis from 0 to 1,000,000.
fn filled(sweep: &Sweep, axis: usize, parts: u32) -> Vec<u32> {
    let mut counts = vec![0; parts as usize];
    for point in 0..sweep.points() {
        let value = sweep.values(point)[axis].clone().expect("a value");
        let value: f64 = value.parse().expect("a number");
        counts[(value / 1e6 * f64::from(parts)) as usize] += 1;
    }
    counts
}

#[test]
fn sobol_points_fill_every_part_of_every_axis_and_of_the_plane() {
    let sweep = plan(
        &["a=0..1000000:0.001", "b=0..1000000:0.001", "c=0..1000000:0.001"],
        "sobol:64",
    )
    .expect("a design");
    for axis in 0..3 {
        assert_eq!(filled(&sweep, axis, 64), [1; 64]);
    }
    // The first two dimensions make a (0, 2)-sequence: one point in each of 8 by 8 squares.
    let squares: BTreeSet<(u32, u32)> = (0..64)
        .map(|point| {
            let values = sweep.values(point);
            let eighth = |text: &Option<String>| {
                let text = text.as_deref().expect("a value");
                (text.parse::<f64>().expect("a number") / 125_000.0) as u32
            };
            (eighth(&values[0]), eighth(&values[1]))
        })
        .collect();
    assert_eq!(squares.len(), 64);
}

#[test]
fn seeds_move_drawn_points_and_the_same_seed_gives_the_same() {
    for design in [Design::LatinHypercube(16), Design::Sobol(16)] {
        let points = |seed| {
            let sweep = Sweep::plan(&[], &["a=0..1 s".to_owned(), "b=x,y".to_owned()], design, seed)
                .expect("a design");
            (0..16).map(|point| sweep.values(point)).collect::<Vec<_>>()
        };
        assert_eq!(points(1), points(1));
        assert_ne!(points(1), points(2));
        assert_eq!(
            points(1)
                .iter()
                .filter(|values| values[1].as_deref() == Some("x"))
                .count(),
            8,
            "{design}"
        );
    }
}

proptest! {
    #[test]
    fn a_latin_hypercube_has_one_point_in_each_part(points in 1_u32..200, seed in any::<u64>()) {
        let axes = ["a=0..1000000:0.001".to_owned(), "b=0..1000000:0.001".to_owned()];
        let sweep = Sweep::plan(&[], &axes, Design::LatinHypercube(points), seed).expect("a design");
        for axis in 0..2 {
            // A step is far smaller than a part, but may carry a point over its edge.
            let counts = filled(&sweep, axis, points);
            let moved = counts.iter().filter(|count| **count != 1).count();
            prop_assert!(moved <= 2, "{:?}", counts);
        }
    }

    #[test]
    fn shards_share_the_points(points in 0_u32..500, of in 1_u32..9) {
        let shards: Vec<Shard> = (1..=of).map(|index| format!("{index}/{of}").parse().unwrap()).collect();
        for point in 0..points {
            prop_assert_eq!(shards.iter().filter(|shard| shard.has(point)).count(), 1);
        }
    }
}
