//! The best setting of a model's intensities: deterministic searches without derivatives.

/// Where `function` is greatest between `low` and `high` (both above 0): a grid of so many `steps` in the logarithm, then
/// golden section between the neighbours of its best point, to a relative width of 10⁻¹⁰.
pub fn maximum(low: f64, high: f64, steps: usize, function: impl Fn(f64) -> f64) -> f64 {
    let (from, to) = (libm::log(low), libm::log(high));
    let at = |index: usize| from + (to - from) * index as f64 / steps as f64;
    let value = |x: f64| function(libm::exp(x));
    let mut best = (0, f64::NEG_INFINITY);
    for index in 0..=steps {
        let found = value(at(index));
        if found > best.1 {
            best = (index, found);
        }
    }
    if best.0 == 0 && function(low) >= value(at(0) + 1e-9) {
        return low;
    }
    let (mut a, mut b) = (at(best.0.saturating_sub(1)), at((best.0 + 1).min(steps)));
    let ratio = (libm::sqrt(5.0) - 1.0) / 2.0;
    let (mut c, mut d) = (b - ratio * (b - a), a + ratio * (b - a));
    let (mut at_c, mut at_d) = (value(c), value(d));
    while b - a > 1e-10 {
        if at_c > at_d {
            (b, d, at_d) = (d, c, at_c);
            c = b - ratio * (b - a);
            at_c = value(c);
        } else {
            (a, c, at_c) = (c, d, at_d);
            d = a + ratio * (b - a);
            at_d = value(d);
        }
    }
    libm::exp(f64::midpoint(a, b))
}

/// Climbs from `start` to a maximum of `function` by the simplex method of Nelder and Mead (Computer Journal 7 (1965)
/// 308), begun anew around what it found until that no longer helps.
pub fn climb<const N: usize>(
    start: [f64; N],
    width: f64,
    function: impl Fn(&[f64; N]) -> f64,
) -> ([f64; N], f64) {
    let mut best = (start, function(&start));
    for round in 0..12 {
        let around = width / f64::from(1 + round);
        let found = simplex(best.0, around, &function);
        let gained = found.1 - best.1;
        if gained > 0.0 {
            best = found;
        }
        if gained <= best.1.abs() * 1e-9 && round > 1 {
            break;
        }
    }
    best
}

fn simplex<const N: usize>(
    start: [f64; N],
    width: f64,
    function: &impl Fn(&[f64; N]) -> f64,
) -> ([f64; N], f64) {
    let mut corners: Vec<([f64; N], f64)> = (0..=N)
        .map(|number| {
            let mut corner = start;
            if number > 0 {
                corner[number - 1] += width;
            }
            (corner, function(&corner))
        })
        .collect();
    for _ in 0..200 * N {
        corners.sort_by(|a, b| b.1.total_cmp(&a.1));
        let (best, worst) = (corners[0].1, corners[N].1);
        if best - worst <= best.abs() * 1e-12 {
            break;
        }
        let mut middle = [0.0; N];
        for corner in &corners[..N] {
            for (sum, x) in middle.iter_mut().zip(corner.0) {
                *sum += x / N as f64;
            }
        }
        let last = corners[N].0;
        let along = |step: f64| {
            let mut point = middle;
            for (x, from) in point.iter_mut().zip(last) {
                *x += step * (*x - from);
            }
            (point, function(&point))
        };
        let reflected = along(1.0);
        let chosen = if reflected.1 > best {
            let expanded = along(2.0);
            if expanded.1 > reflected.1 {
                expanded
            } else {
                reflected
            }
        } else if reflected.1 > corners[N - 1].1 {
            reflected
        } else {
            let inside = along(if reflected.1 > worst { 0.5 } else { -0.5 });
            if inside.1 > worst.max(reflected.1) {
                inside
            } else {
                let top = corners[0].0;
                for corner in &mut corners[1..] {
                    for (x, to) in corner.0.iter_mut().zip(top) {
                        *x = f64::midpoint(*x, to);
                    }
                    corner.1 = function(&corner.0);
                }
                continue;
            }
        };
        corners[N] = chosen;
    }
    corners.sort_by(|a, b| b.1.total_cmp(&a.1));
    corners[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_find_the_top() {
        let at = maximum(1e-3, 10.0, 160, |x| x * libm::exp(-x));
        assert!((at - 1.0).abs() < 1e-6, "{at}");
        assert!((maximum(0.5, 10.0, 160, |x| -x) - 0.5).abs() < 1e-12);
        let hill = |p: &[f64; 3]| {
            let [a, b, c] = [p[0] - 1.0, p[1] + 2.0, p[2] - p[0]];
            -a * a - 10.0 * b * b - c * c
        };
        let (at, _) = climb([5.0, 5.0, 5.0], 1.0, hill);
        for (x, wanted) in at.into_iter().zip([1.0, -2.0, 1.0]) {
            assert!((x - wanted).abs() < 1e-4, "{at:?}");
        }
    }
}
