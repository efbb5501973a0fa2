//! The `host` block of a manifest, and the default folder: the only places that know a wall clock.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Where and when a run took place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// When it began, in UTC: `2026-11-22T17:50:59Z`.
    pub time: String,
    /// Operating system, architecture and processors.
    pub machine: String,
    /// Threads that were asked for; 0 is one per processor.
    pub threads: usize,
    /// The command line, the program by its name only.
    pub command_line: Vec<String>,
}

impl Host {
    /// The host block of a run that begins now.
    pub fn here(threads: usize, command_line: &[String]) -> Host {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Host {
            time: utc(since_epoch()),
            machine: format!(
                "{} {}, {processors} processors",
                std::env::consts::OS,
                std::env::consts::ARCH
            ),
            threads,
            command_line: command_line.to_vec(),
        }
    }

    /// Where results go if nobody says otherwise: `runs/NAME/TIME-HASH`, with a number behind it if that is
    /// taken.
    pub fn default_folder(&self, name: &str, scenario_sha256: &str) -> PathBuf {
        let time: String = self.time.chars().filter(char::is_ascii_alphanumeric).collect();
        let hash: String = scenario_sha256.chars().take(8).collect();
        let parent: PathBuf = ["runs", &file_name(name)].iter().collect();
        let first = format!("{time}-{hash}");
        let names = (2_u32..).map(|number| format!("{first}-{number}"));
        std::iter::once(first.clone())
            .chain(names)
            .find(|name| !parent.join(name).exists() && !parent.join(format!("{name}.partial")).exists())
            .map_or_else(|| parent.join(&first), |name| parent.join(name))
    }
}

/// Folder names for variants, in order and without two alike: the names themselves where they can be.
pub fn variant_folders(names: &[&str]) -> Vec<String> {
    let mut folders: Vec<String> = Vec::new();
    for name in names {
        let plain = format!("variants/{}", file_name(name));
        let numbered = (2_u32..).map(|number| format!("{plain}-{number}"));
        let free = std::iter::once(plain.clone())
            .chain(numbered)
            .find(|name| !folders.contains(name));
        folders.push(free.expect("some number is free"));
    }
    folders
}

/// The name with everything replaced that a file name must not hold.
pub(super) fn file_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "-_=.".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    if plain.is_empty() || plain.starts_with('.') {
        format!("_{plain}")
    } else {
        plain
    }
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// ISO 8601 in UTC, by the calendar algorithm of H. Hinnant, `days_from_civil`, run backwards.
fn utc(since_epoch: Duration) -> String {
    let seconds = since_epoch.as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days since 0000-03-01, in eras of 400 years.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"),
            (1_795_369_859, "2026-11-22T17:50:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn names_become_file_names() {
        for (name, expected) in [
            ("madqci", "madqci"),
            ("G0=", "G0="),
            ("a/b c", "a_b_c"),
            ("..", "_.."),
            ("", "_"),
        ] {
            assert_eq!(file_name(name), expected);
        }
    }

    #[test]
    fn variants_have_folders_of_their_own() {
        let folders = variant_folders(&["G0", "G0=", "a/b", "a:b"]);
        assert_eq!(
            folders,
            ["variants/G0", "variants/G0=", "variants/a_b", "variants/a_b-2"]
        );
    }

    #[test]
    fn default_folder_sorts_by_time() {
        let host = Host {
            time: "2026-11-22T17:50:59Z".to_owned(),
            ..Host::here(1, &[])
        };
        let folder = host.default_folder("two nets", "0123456789abcdef");
        assert_eq!(folder, PathBuf::from("runs/two_nets/20261122T175059Z-01234567"));
    }
}
