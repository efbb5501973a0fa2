//! What is asked of the networks, what breaks, and what is expected.

use super::network::{Name, Nothing, Place};
use super::protection::Protection;
use crate::catalogue::{choice, names, record};
use crate::fault::Fault;
use crate::fault::occurrence::Renewal;
use crate::kernel::time::Span;
use crate::units::{Bits, Rate};

record! {
    /// A class of service.
    pub struct Class {
        /// Its name.
        id: Name,
        /// Those of a higher priority are served first; first in, first out among equals. Assumption: all alike.
        priority: u32 = 0,
        /// What becomes of its requests that find too little key. Assumption: they wait.
        lacking: Lacking = Lacking::Wait,
        /// A remark.
        note: Option<String>,
    }
}

names! {
    /// What becomes of a request that finds too little key (P12 step 4 leaves it to policy).
    pub enum Lacking ("answer to a lack of key") {
        /// It waits until there is enough, or until its time-out.
        wait => Wait,
        /// The key comes by relay inside that QKDN, round the hop that lacks it; where there is no way round, it waits.
        refill => Refill,
        /// It fails at once.
        fail => Fail,
    }
}

record! {
    /// An application that asks for keys which it shares with its peer.
    pub struct Demand {
        /// Its id.
        id: Name,
        /// Where the asking application and its peer are, as "QKDN/NODE".
        between: [Place; 2],
        /// When it asks.
        arrivals: Arrivals,
        /// Length of one key.
        key: Bits,
        /// Keys per request.
        number: u32 = 1,
        /// Time after which a request that is not supplied has failed.
        timeout: Span,
        /// Its class of service.
        class: String = "default".to_owned(),
        /// What protects it against failures and compromised nodes. Assumption: rerouting on demand alone.
        protection: Protection = Protection::None(Nothing {}),
        /// A pool of "pools" between the same nodes that its requests are served from while that has key.
        pool: Option<String>,
        /// No request before this instant.
        from: Span = Span::ZERO,
        /// No request from this instant on; default: the end.
        until: Option<Span>,
        /// A remark.
        note: Option<String>,
    }
}

record! {
    /// Requests at equal distances; the first comes at a random instant of the first period.
    pub struct Periodic {
        /// The distance.
        period: Span,
    }
}

record! {
    /// Requests at random.
    pub struct Poisson {
        /// How many on average.
        rate: Rate,
    }
}

record! {
    /// Requests in bursts: at random while on, none while off; on and off by turns, each for an exponential time.
    pub struct OnOff {
        /// Mean time for which it is on.
        on: Span,
        /// Mean time for which it is off.
        off: Span,
        /// How many requests on average while it is on.
        rate: Rate,
    }
}

record! {
    /// Sessions that come at random and hold their route for a time. Each asks for key as it opens, and may ask again while it
    /// is held. Where a link carries only so many ("max_sessions"), one that finds it full is refused, and its requests
    /// fail.
    pub struct Sessions {
        /// How many sessions on average.
        rate: Rate,
        /// How long each is held.
        holding: Holding,
        /// How many requests of each on average while it is held, at random, beside its first. Default: none.
        requests: Option<Rate>,
    }
}

choice! {
    /// How long a session is held.
    pub enum Holding ("holding time") {
        /// For an exponential time.
        exponential => Exponential(MeanTime),
        /// Always for the same time.
        fixed => Fixed(FixedTime),
    }
}

record! {
    /// An exponential time.
    pub struct MeanTime {
        /// Its mean.
        mean: Span,
    }
}

record! {
    /// A time that is always the same.
    pub struct FixedTime {
        /// How long.
        time: Span,
    }
}

record! {
    /// Requests at the instants of a trace.
    pub struct Replay {
        /// The instants, in order, from the start of the run.
        times: Vec<Span>,
        /// A file with them, relative to this one: JSON (a list of times) or CSV (a line "at", then one time a line).
        file: Option<String>,
    }
}

choice! {
    /// When a demand asks for keys.
    pub enum Arrivals ("arrival process") {
        /// At equal distances.
        periodic => Periodic(Periodic),
        /// At random, independently of each other.
        poisson => Poisson(Poisson),
        /// In bursts.
        on_off => OnOff(OnOff),
        /// In sessions that come, hold their route, and go.
        sessions => Sessions(Sessions),
        /// As a trace says.
        replay => Replay(Replay),
    }
}

impl Arrivals {
    /// Requests in that time on average, rounded up.
    pub fn requests_in(&self, span: Span) -> u64 {
        match self {
            Arrivals::Periodic(periodic) => span.0.div_ceil(periodic.period.0.max(1)),
            Arrivals::Poisson(poisson) => poisson.rate.events_in_ns(span.0),
            Arrivals::OnOff(bursts) => {
                let both = u128::from(bursts.on.0) + u128::from(bursts.off.0);
                let on = u128::from(span.0) * u128::from(bursts.on.0) / both.max(1);
                bursts.rate.events_in_ns(on as u64)
            }
            Arrivals::Sessions(sessions) => {
                let held = match &sessions.holding {
                    Holding::Exponential(MeanTime { mean }) => *mean,
                    Holding::Fixed(FixedTime { time }) => *time,
                };
                let again = sessions.requests.map_or(0, |rate| rate.events_in_ns(held.0));
                let opened = sessions.rate.events_in_ns(span.0);
                opened.saturating_mul(again.saturating_add(1))
            }
            Arrivals::Replay(replay) => replay.times.len() as u64,
        }
    }
}

record! {
    /// Something that breaks, and when: at one instant, at the instants of a list or a file, or at random.
    pub struct FaultEvent {
        /// Its id.
        id: Name,
        /// What breaks.
        fault: Fault,
        /// When, from the start of the run, warm-up included.
        at: Option<Span>,
        /// When it is repaired, from the break; default: never.
        repair_after: Option<Span>,
        /// Several times at which it breaks and is repaired; they become faults of their own, "ID/1", "ID/2" ….
        outages: Vec<Outage>,
        /// A file with such times, relative to this one: JSON (a list like "outages") or CSV (a line "at,repair", then a
        /// line for each, as "20 min,25 min").
        trace: Option<String>,
        /// Times to failure and to repair; they become faults of their own, "ID/1", "ID/2" …, in each replication others.
        random: Option<Renewal>,
        /// A remark.
        note: Option<String>,
    }
}

record! {
    /// A time at which a fault comes and one at which it is repaired.
    pub struct Outage {
        /// When it comes, from the start of the run.
        at: Span,
        /// When it is repaired, from the start of the run; default: never.
        repair: Option<Span>,
    }
}

record! {
    /// What a metric should be, by its mean over the replications.
    pub struct Expectation {
        /// The metric's name.
        metric: String,
        /// `network`, `qkdn:ID`, `demand:ID`, `link:ID`, `class:NAME` or `fault:ID`.
        scope: String = "network".to_owned(),
        /// It should not be above this.
        at_most: Option<f64>,
        /// It should not be below this.
        at_least: Option<f64>,
    }
}
