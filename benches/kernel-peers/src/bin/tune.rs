use std::time::Instant;
use kernel_peers::*;
fn main() {
    for load in Load::ALL.into_iter() {
        print!("{:12}", load.name());
        for q in std::env::args().skip(1).map(|a| a.parse::<usize>().unwrap()) {
            let d = Delays::new(load, q);
            let mut h = LadderHold::new(d.clone(), q);
            h.run((3 * q as u64).max(300_000));
            let mut r = vec![];
            for _ in 0..15 {
                let t = Instant::now();
                let n = h.run(500_000);
                r.push(t.elapsed().as_nanos() as f64 / n as f64);
            }
            r.sort_by(f64::total_cmp);
            use qkdni::kernel::EventQueue;
            let _ = h.simulation().queue().len();
            print!(" {:5.1} ({:4.1} B)", r[4], h.simulation().queue().allocated_bytes() as f64 / q as f64);
        }
        println!();
    }
}
