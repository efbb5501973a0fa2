//! Work on the threads of one process, handed out in order.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// How work is carried out; nothing in it can change a result.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    /// Number of threads; 0 takes one per processor.
    pub threads: usize,
    /// Once it is set, nothing new is begun; what has been begun is finished.
    pub stop: &'a AtomicBool,
    /// Called after each finished piece, from the thread that did it.
    pub progress: &'a (dyn Fn() + Sync),
}

/// Why work ended without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// A piece of work panicked: its number, and what it said.
    Panicked {
        /// Number of the piece; the lowest one if several panicked.
        job: u32,
        /// The panic's message.
        message: String,
    },
    /// The threads could not be started.
    NoThreads(String),
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stopped::Panicked { job, message } => write!(f, "piece {job} of the work failed: {message}"),
            Stopped::NoThreads(message) => write!(f, "cannot start the threads: {message}"),
        }
    }
}

impl std::error::Error for Stopped {}

/// A number of threads, where 0 stands for one per processor.
pub fn threads_of(asked: usize) -> usize {
    match asked {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}

/// Does `work(0)`, `work(1)` … `work(jobs − 1)` on a pool of its own and returns the results in that order.
///
/// Pieces are begun in ascending order. So if [`Control::stop`] is set on the way, the results are those
/// of the first so many pieces, without a gap; and of several panics the same one is always reported.
///
/// # Errors
/// [`Stopped`] if a piece panicked or the threads could not be started.
pub fn in_order<T, F>(jobs: u32, control: Control<'_>, work: F) -> Result<Vec<T>, Stopped>
where
    T: Send + Sync,
    F: Fn(u32) -> T + Sync,
{
    // More threads than pieces would only wait.
    let threads = threads_of(control.threads).min(jobs.max(1) as usize);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("replication-{index}"))
        .build()
        .map_err(|error| Stopped::NoThreads(error.to_string()))?;
    let slots: Vec<OnceLock<Result<T, String>>> = (0..jobs).map(|_| OnceLock::new()).collect();
    let next = AtomicU32::new(0);
    let failed = AtomicBool::new(false);
    pool.broadcast(|_| {
        while !control.stop.load(Ordering::Relaxed) && !failed.load(Ordering::Relaxed) {
            let job = next.fetch_add(1, Ordering::Relaxed);
            let Some(slot) = slots.get(job as usize) else {
                break;
            };
            let result = catch_unwind(AssertUnwindSafe(|| work(job))).map_err(|panic| {
                failed.store(true, Ordering::Relaxed);
                message_of(panic.as_ref())
            });
            assert!(slot.set(result).is_ok(), "each piece is handed out once");
            (control.progress)();
        }
    });
    let mut results = Vec::with_capacity(slots.len());
    for (job, slot) in (0..).zip(slots) {
        match slot.into_inner() {
            Some(Ok(result)) => results.push(result),
            Some(Err(message)) => return Err(Stopped::Panicked { job, message }),
            None => break,
        }
    }
    Ok(results)
}

/// What a panic said.
pub(super) fn message_of(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn control(threads: usize, stop: &AtomicBool) -> Control<'_> {
        Control {
            threads,
            stop,
            progress: &|| (),
        }
    }

    #[test]
    fn results_keep_their_order() {
        let stop = AtomicBool::new(false);
        let slow_first = |job: u32| {
            std::thread::sleep(std::time::Duration::from_millis(u64::from(20 - job)));
            job * job
        };
        let expected: Vec<u32> = (0..20).map(|job| job * job).collect();
        for threads in [0, 1, 2, 7, 64] {
            assert_eq!(
                in_order(20, control(threads, &stop), slow_first),
                Ok(expected.clone())
            );
        }
        assert_eq!(in_order(0, control(2, &stop), slow_first), Ok(vec![]));
    }

    #[test]
    fn every_piece_is_reported_as_progress() {
        let (stop, done) = (AtomicBool::new(false), AtomicU32::new(0));
        let progress = || {
            done.fetch_add(1, Ordering::Relaxed);
        };
        let control = Control {
            threads: 3,
            stop: &stop,
            progress: &progress,
        };
        in_order(11, control, |job| job).expect("no panic");
        assert_eq!(done.into_inner(), 11);
    }

    #[test]
    fn a_stop_leaves_a_beginning_without_gaps() {
        let stop = AtomicBool::new(false);
        let results = in_order(1000, control(4, &stop), |job| {
            if job == 30 {
                stop.store(true, Ordering::Relaxed);
            }
            job
        })
        .expect("no panic");
        assert!(results.len() > 30 && results.len() < 40, "{}", results.len());
        assert!(results.iter().zip(0..).all(|(job, expected)| *job == expected));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn the_lowest_panic_is_the_one_reported(threads in 1_usize..5, first in 0_u32..20, gap in 0_u32..4) {
            let stop = AtomicBool::new(false);
            let stopped = in_order(30, control(threads, &stop), |job| {
                assert!(job != first && job != first + gap, "piece {job} is wrong on purpose");
                job
            });
            let message = format!("piece {first} is wrong on purpose");
            prop_assert_eq!(stopped, Err(Stopped::Panicked { job: first, message }));
        }
    }
}
