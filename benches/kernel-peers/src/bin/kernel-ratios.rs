//! Prints.
use std::time::Instant;
use kernel_peers::*;

fn thread_ns() -> u64 { 0 }

fn main() {
    let _ = thread_ns;
    let mut args = std::env::args().skip(1);
    let peers: bool = args.next().map_or(true, |a| a == "all");
    for load in Load::ALL {
        for q in [100usize, 1000, 10_000, 100_000, 1_000_000] {
            let d = Delays::new(load, q);
            let mut holds: Vec<(&str, u64, Box<dyn Hold>)> = vec![
                ("ladder", 1_000_000.max(q as u64), Box::new(LadderHold::new(d.clone(), q))),
                ("heap", 1_000_000, Box::new(HeapHold::new(d.clone(), q))),
                ("simulacra", 1_000_000, Box::new(SimulacraHold::new(d.clone(), q))),
            ];
            if peers {
                holds.push(("nexosim64", 200_000, Box::new(NexosimHold::new(&d, q, 64))));
                holds.push(("nexosim1", 200_000, Box::new(NexosimHold::new(&d, q, 1))));
            }
            let mut res = vec![vec![]; holds.len()];
            for h in &mut holds { h.2.run((2 * q as u64).max(100_000)); }
            for _ in 0..5 {
                for (i, h) in holds.iter_mut().enumerate() {
                    let t = Instant::now();
                    let n = h.2.run(h.1);
                    res[i].push(t.elapsed().as_nanos() as f64 / n as f64);
                }
            }
            print!("{:12} {q:8}", load.name());
            for (i, h) in holds.iter().enumerate() {
                res[i].sort_by(f64::total_cmp);
                print!("  {} {:6.1}", h.0, res[i][2]);
            }
            println!();
        }
    }
}
