//! Who is in a queue, from both sides of Little's law: how many over time, and how long each.

use super::time::Time;

/// The count of a queue over time and the times spent in it, both exact. Over any stretch that begins and ends empty the
/// integral of the one is the sum of the others (J. D. C. Little, Oper. Res. 9 (1961) 383): they are kept apart so that
/// this can be held.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Occupancy {
    /// How many came.
    pub entered: u64,
    /// How many left.
    pub left: u64,
    /// How many there were at most at one time.
    pub greatest: u64,
    /// Integral of the count over time \[ns\].
    pub area: u128,
    /// Sum of the times spent by those that left \[ns\].
    pub spent: u128,
    /// Up to where the integral goes.
    changed: Time,
}

impl Occupancy {
    /// How many there are now.
    pub fn present(&self) -> u64 {
        self.entered - self.left
    }

    fn integrate(&mut self, now: Time) {
        self.area += u128::from(self.present()) * u128::from(now.since(self.changed).0);
        self.changed = now;
    }

    /// One comes.
    pub fn enter(&mut self, now: Time) {
        self.integrate(now);
        self.entered += 1;
        self.greatest = self.greatest.max(self.present());
    }

    /// One leaves that has been there since then.
    pub fn leave(&mut self, now: Time, since: Time) {
        self.integrate(now);
        self.left += 1;
        self.spent += u128::from(now.since(since).0);
    }

    /// One comes and leaves at the same instant.
    pub fn pass(&mut self) {
        self.entered += 1;
        self.left += 1;
    }

    /// Whether L = λ·W over all that came, to the nanosecond: everyone has left, and both sides agree.
    pub fn holds(&self) -> bool {
        self.present() == 0 && self.area == self.spent
    }

    /// Mean count over the time from 0 to `end` \[1\].
    pub fn mean_count(&self, end: Time) -> f64 {
        self.area as f64 / end.0.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_integral_of_the_count_is_the_sum_of_the_times() {
        let mut queue = Occupancy::default();
        queue.enter(Time(10));
        queue.enter(Time(15));
        queue.pass();
        assert_eq!((queue.present(), queue.greatest), (2, 2));
        queue.leave(Time(20), Time(10));
        assert!(!queue.holds(), "one is there");
        queue.leave(Time(40), Time(15));
        assert!(queue.holds());
        assert_eq!((queue.area, queue.spent), (35, 35));
        assert!((queue.mean_count(Time(70)) - 0.5).abs() < 1e-12);
        queue.enter(Time(50));
        queue.leave(Time(60), Time(55));
        assert!(!queue.holds(), "it was there for longer");
    }
}
