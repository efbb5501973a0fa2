//! The statistics against scipy, and against a system whose answer is known.
//!
//! The soak of `results/statistics/coverage.md`: `cargo run --release --example coverage_soak`.

mod common;
mod common_coverage;

use common_coverage::covered;
use qkdni::experiment::statistics::{
    Sample, batch_means, holm, mser5, nearest_rank, paired, section_interval, student_quantile,
};
use serde_json::Value;

fn reference() -> Value {
    let text = std::fs::read_to_string("tests/data/statistics.json").expect("committed");
    serde_json::from_str(&text).expect("JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    let items = value.as_array().expect("a list");
    items
        .iter()
        .map(|item| item.as_f64().expect("a number"))
        .collect()
}

/// Equal up to rounding: within 10⁻¹² of the value, or of `scale` where digits cancel.
fn close(value: f64, expected: f64, scale: f64) {
    let allowed = 1e-12 * expected.abs().max(scale);
    assert!((value - expected).abs() <= allowed, "{value} is not {expected}");
}

fn entries(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

#[test]
fn intervals_quantiles_of_student_and_paired_tests_are_those_of_scipy() {
    let reference = reference();
    let mut compared = 0;
    for case in entries(&reference["intervals"]) {
        let values = numbers(&case["values"]);
        let sample = Sample::of(&values);
        for (level, ends) in case["ends"].as_object().expect("levels") {
            let [low, high] = sample
                .interval(level.parse().expect("a level"))
                .expect("two values");
            let ends = numbers(ends);
            let scale = ends[0].abs().max(ends[1].abs());
            close(low, ends[0], scale);
            close(high, ends[1], scale);
            compared += 1;
        }
    }
    for case in entries(&reference["student"]) {
        let degrees = case["degrees"].as_u64().expect("a number") as usize;
        let expected = case["t"].as_f64().expect("a number");
        let t = student_quantile(degrees, case["level"].as_f64().expect("a level"));
        assert!(
            (t - expected).abs() <= 1e-10 * expected,
            "{degrees}: {t} is not {expected}"
        );
        compared += 1;
    }
    for case in entries(&reference["paired"]) {
        let pairs: Vec<_> = numbers(&case["a"]).into_iter().zip(numbers(&case["b"])).collect();
        let test = paired(&pairs).expect("pairs");
        let ends = numbers(&case["ci95"]);
        close(
            test.difference,
            case["difference"].as_f64().expect("a number"),
            10.0,
        );
        let interval = test.interval.expect("two pairs");
        close(interval[0], ends[0], 10.0);
        close(interval[1], ends[1], 10.0);
        let (p, expected) = (test.p.expect("two pairs"), case["p"].as_f64().expect("a number"));
        assert!((p - expected).abs() <= 1e-10 * expected, "{p} is not {expected}");
        compared += 1;
    }
    assert!(compared > 80, "{compared}");
}

#[test]
fn holm_and_quantiles_are_those_of_the_reference() {
    let reference = reference();
    for case in entries(&reference["holm"]) {
        for (value, expected) in holm(&numbers(&case["raw"]))
            .into_iter()
            .zip(numbers(&case["corrected"]))
        {
            close(value, expected, 0.0);
        }
    }
    for case in entries(&reference["quantiles"]) {
        let values: Vec<u64> = entries(&case["values"])
            .iter()
            .map(|value| value.as_u64().expect("whole"))
            .collect();
        for (percent, expected) in case["quantiles"].as_object().expect("quantiles") {
            let [value] = nearest_rank(values.iter().copied(), [percent.parse().expect("whole")]);
            assert_eq!(value, expected.as_u64());
        }
    }
    for case in entries(&reference["sections"]) {
        let pooled = case["pooled"].as_f64().expect("a number");
        let interval = section_interval(pooled, &numbers(&case["sections"]), 0.95).expect("sections");
        let ends = numbers(&case["ci95"]);
        close(interval[0], ends[0], pooled);
        close(interval[1], ends[1], pooled);
    }
}

#[test]
fn warm_up_and_batch_means_are_those_of_the_reference() {
    let reference = reference();
    let cases = entries(&reference["mser5"]);
    for case in cases {
        let dropped = mser5(&numbers(&case["series"])).map(|dropped| dropped as u64);
        assert_eq!(dropped, case["dropped"].as_u64());
    }
    assert!(
        cases.iter().any(|case| case["dropped"].is_null()) && cases.iter().any(|case| case["dropped"] != 0)
    );
    let series = numbers(&reference["batch_means"]["series"]);
    for (count, expected) in reference["batch_means"]["batches"].as_object().expect("batches") {
        let means = batch_means(&series, count.parse().expect("whole")).expect("enough");
        for (mean, expected) in means.iter().zip(numbers(&expected["means"])) {
            close(*mean, expected, 1.0);
        }
        let [low, high] = Sample::of(&means).interval(0.95).expect("two batches");
        let ends = numbers(&expected["ci95"]);
        close(low, ends[0], 1.0);
        close(high, ends[1], 1.0);
    }
}

#[test]
fn intervals_cover_the_known_answer() {
    // 0.95 of 200 is 190 with a standard deviation of 3.1; the seeds are fixed.
    let covered = covered(200);
    assert!((180..=198).contains(&covered), "{covered} of 200");
}
