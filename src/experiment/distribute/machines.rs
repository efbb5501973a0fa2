//! Work on many machines by MPI (Open MPI through rsmpi), handed out one piece at a time to whoever is free.
//!
//! Rank 0 leads: its first thread hands out pieces and keeps results, its other threads work like the rest. A rank
//! that is ready, or has finished a piece, reports and gets the number of the next one. Results travel in the
//! reports, so only rank 0 writes files. MPI is spoken by the first thread of each process alone (funneled).

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mpi::Threading;
use mpi::environment::Universe;
use mpi::point_to_point::{Destination, MatchedReceiveVec, Source};
use mpi::topology::Communicator;
use serde::{Deserialize, Serialize};

use super::threads::message_of;
use super::{Control, Keep, Trouble, Work};

/// Told to a rank instead of a piece's number when there is no more to do.
const NO_MORE: u32 = u32::MAX;

/// How long rank 0 sleeps when nobody reports; MPI's own waiting would take a whole processor.
const NAP: Duration = Duration::from_micros(500);

/// What a rank tells rank 0.
#[derive(Debug, Serialize, Deserialize)]
enum Report {
    /// It is ready for its first piece of the job with this name.
    Ready(String),
    /// It has finished a piece.
    Done(u32, String),
    /// It was interrupted, or could not do what it should, and takes no more.
    Gone(Option<Trouble>),
}

/// The processes that `mpirun` has started.
pub struct Crew {
    universe: Universe,
    /// Ranks that still wait for an answer or work on a piece.
    present: RefCell<BTreeSet<i32>>,
}

impl std::fmt::Debug for Crew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Crew")
            .field("present", &self.present)
            .finish_non_exhaustive()
    }
}

impl Crew {
    /// Joins the others; once per process, from its first thread. `None` if MPI was started before.
    pub fn join() -> Option<Crew> {
        let (universe, _) = mpi::initialize_with_threading(Threading::Funneled)?;
        let size = universe.world().size();
        Some(Crew {
            universe,
            present: RefCell::new((1..size).collect()),
        })
    }

    /// Whether this process is rank 0.
    pub fn leads(&self) -> bool {
        self.universe.world().rank() == 0
    }

    /// Number of processes.
    pub fn size(&self) -> usize {
        self.universe.world().size() as usize
    }

    /// Works for rank 0 on the job `name` until there is no more to do, or says why it cannot.
    pub fn serve(&self, ready: Result<String, Trouble>, work: Work<'_>) {
        let world = self.universe.world();
        let lead = world.process_at_rank(0);
        let mut report = ready.map_or_else(|trouble| Report::Gone(Some(trouble)), Report::Ready);
        loop {
            let bytes = serde_json::to_vec(&report).expect("memory takes all of it");
            lead.send(&bytes[..]);
            if matches!(report, Report::Gone(_)) {
                return;
            }
            let (piece, _) = lead.receive::<u32>();
            if piece == NO_MORE {
                return;
            }
            report = match guarded(work, piece) {
                Ok(Some(content)) => {
                    Report::Done(piece, String::from_utf8(content).expect("results are text"))
                }
                Ok(None) => Report::Gone(None),
                Err(trouble) => Report::Gone(Some(trouble)),
            };
        }
    }

    /// Leads the work on the `pieces` of the job `name` and keeps what comes; returns when all are kept, or nobody
    /// works any more after an interruption.
    ///
    /// # Errors
    /// The first trouble of any process.
    pub fn lead(
        &self,
        name: &str,
        pieces: &[u32],
        control: Control<'_>,
        work: Work<'_>,
        keep: Keep<'_>,
    ) -> Result<(), Trouble> {
        let next = AtomicUsize::new(0);
        let trouble: Mutex<Option<Trouble>> = Mutex::new(None);
        let fail = |new: Trouble| {
            trouble.lock().expect("no thread panics").get_or_insert(new);
        };
        let draw = || {
            let over =
                control.stop.load(Ordering::Relaxed) || trouble.lock().expect("no thread panics").is_some();
            if over {
                return None;
            }
            pieces.get(next.fetch_add(1, Ordering::Relaxed)).copied()
        };
        let store = |piece, content: &[u8]| match keep(piece, content) {
            Ok(()) => (control.progress)(),
            Err(new) => fail(new),
        };
        let help = || {
            while let Some(piece) = draw() {
                match guarded(work, piece) {
                    Ok(Some(content)) => store(piece, &content),
                    Ok(None) => break,
                    Err(new) => fail(new),
                }
            }
        };
        std::thread::scope(|scope| {
            let helpers: Vec<_> = (0..control.threads.max(1)).map(|_| scope.spawn(help)).collect();
            while !self.present.borrow().is_empty() || helpers.iter().any(|helper| !helper.is_finished()) {
                let Some((rank, report)) = self.report() else {
                    std::thread::sleep(NAP);
                    continue;
                };
                match report {
                    Report::Ready(other) if other != name => fail(Trouble {
                        broken: false,
                        text: format!(
                            "rank {rank} reads another scenario, or is of another version\n  hint: all machines must \
                             see the same files and the same program"
                        ),
                    }),
                    Report::Ready(_) => {}
                    Report::Done(piece, content) => store(piece, content.as_bytes()),
                    Report::Gone(new) => {
                        self.present.borrow_mut().remove(&rank);
                        if let Some(new) = new {
                            fail(Trouble {
                                text: format!("rank {rank}: {}", new.text),
                                ..new
                            });
                        }
                        continue;
                    }
                }
                self.answer(rank, draw());
            }
        });
        trouble
            .into_inner()
            .expect("no thread panics")
            .map_or(Ok(()), Err)
    }

    /// Sends everybody home who still waits for rank 0.
    pub fn dismiss(&self) {
        while !self.present.borrow().is_empty() {
            match self.report() {
                Some((rank, Report::Gone(_))) => {
                    self.present.borrow_mut().remove(&rank);
                }
                Some((rank, _)) => self.answer(rank, None),
                None => std::thread::sleep(NAP),
            }
        }
    }

    /// The next report that has come, and from whom.
    fn report(&self) -> Option<(i32, Report)> {
        let message = self.universe.world().any_process().immediate_matched_probe()?;
        let (bytes, status) = message.matched_receive_vec::<u8>();
        let report = serde_json::from_slice(&bytes).expect("ranks of one program speak one language");
        Some((status.source_rank(), report))
    }

    /// Gives a rank its next piece, or sends it home.
    fn answer(&self, rank: i32, piece: Option<u32>) {
        if piece.is_none() {
            self.present.borrow_mut().remove(&rank);
        }
        self.universe
            .world()
            .process_at_rank(rank)
            .send(&piece.unwrap_or(NO_MORE));
    }
}

/// Works on a piece; a panic becomes trouble.
fn guarded(work: Work<'_>, piece: u32) -> Result<Option<Vec<u8>>, Trouble> {
    catch_unwind(AssertUnwindSafe(|| work(piece))).unwrap_or_else(|panic| {
        Err(Trouble {
            broken: true,
            text: format!(
                "broken invariant at point {piece}: {}",
                message_of(panic.as_ref())
            ),
        })
    })
}
