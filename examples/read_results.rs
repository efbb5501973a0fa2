//! Results read back with the library: a results folder is opened, checked against its own hashes, and asked.
//!
//! ```text
//! cargo run --release -- run scenarios/clause8/gwn-dd.json --out runs/first
//! cargo run --release --example read_results runs/first
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use qkdni::archive::{ArchiveError, Archived, RequestRow, Summary};
use qkdni::experiment::statistics::nearest_rank;

/// Prints each demand's delays, and returns how many requests were delivered.
///
/// # Errors
/// If the folder is not whole, of another version, or no results folder.
pub fn read(folder: &Path) -> Result<usize, ArchiveError> {
    let archived = Archived::open(folder)?;
    archived.whole()?;
    let summary: Summary = archived.json("summary.json")?;
    println!(
        "{}: {} replications, seed {}",
        summary.name, summary.replications, summary.seed
    );
    let mut delays: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for row in archived.rows::<RequestRow>("requests.csv")? {
        if row.outcome == "delivered" {
            let delay = row.ended_ns - row.sent_ns;
            delays.entry(row.demand).or_default().push(delay);
        }
    }
    for (demand, delays) in &delays {
        let [median, most] = nearest_rank(delays.iter().copied(), [50, 99]).map(Option::unwrap_or_default);
        println!(
            "{demand}: {} delivered, median {:.3} ms, 99 % within {:.3} ms",
            delays.len(),
            median as f64 / 1e6,
            most as f64 / 1e6
        );
        // The summary has pooled the same requests.
        if let Some(row) = summary.metric("kkrd_s", &format!("demand:{demand}")) {
            assert_eq!(row.p50, Some(median as f64 / 1e9));
        }
    }
    Ok(delays.values().map(Vec::len).sum())
}

/// Reads the folder that is named on the command line.
pub fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: read_results DIR");
        return ExitCode::from(2);
    };
    match read(Path::new(&folder)) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(4)
        }
    }
}
