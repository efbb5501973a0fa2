//! Time series and routes of a run, as its outcome has them.

use super::plan::Plan;
use crate::ids::{Id as _, StoreId};
use crate::kernel::Time;
use crate::key_management::store::Book;
use crate::observe::outcome::{RouteRecord, Samples, Series};
use crate::observe::requests::Requests;
use crate::observe::routes::Routes;

/// What a link's series are: a name, and how it follows from the books of the two directions.
type OfLink = (&'static str, fn(&[Book]) -> u64);

const OF_LINK: [OfLink; 4] = [
    ("stored_bits", |lanes| lanes.iter().map(held).sum()),
    ("lowest_bits", |lanes| lanes.iter().map(held).min().unwrap_or(0)),
    ("generated_bits", |lanes| {
        lanes.iter().map(|book| book.generated).sum()
    }),
    ("spent_bits", |lanes| lanes.iter().map(|book| book.spent).sum()),
];

fn held(book: &Book) -> u64 {
    book.stored + book.reserved
}

/// Links: stored (both directions), the lower of the two directions, generated and spent since time 0. Demands: asked
/// for and delivered since time 0. Everything in bits.
pub(super) fn samples(plan: &Plan, taken: &[(Time, Vec<Book>)], requests: &Requests) -> Samples {
    let mut series = Vec::new();
    if taken.is_empty() {
        return Samples::default();
    }
    for link in plan.links.values() {
        let stores: Vec<StoreId> = link
            .hops
            .iter()
            .filter_map(|&hop| plan.hops[hop].store())
            .collect();
        if stores.is_empty() {
            continue;
        }
        for (name, of) in OF_LINK {
            let value = |books: &Vec<Book>| {
                let lanes: Vec<Book> = stores.iter().map(|store| books[store.index()]).collect();
                of(&lanes)
            };
            series.push(Series {
                element: format!("link:{}", link.name),
                name,
                values: taken.iter().map(|(_, books)| value(books)).collect(),
            });
        }
    }
    for (pool, of_plan) in plan.pools.iter() {
        let at = plan.stores.len() + pool.index();
        for (name, of) in OF_LINK.into_iter().filter(|(name, _)| *name != "lowest_bits") {
            series.push(Series {
                element: format!("pool:{}", of_plan.name),
                name,
                values: taken.iter().map(|(_, books)| of(&books[at..=at])).collect(),
            });
        }
    }
    for (session, demand) in plan.demands() {
        let lives = requests.of(session);
        let mut push = |name, mut instants: Vec<(Time, u64)>| {
            instants.sort_unstable();
            let (mut next, mut sum) = (0, 0);
            let values = taken.iter().map(|&(at, _)| {
                while next < instants.len() && instants[next].0 <= at {
                    sum += instants[next].1;
                    next += 1;
                }
                sum
            });
            series.push(Series {
                element: format!("demand:{}", demand.name),
                name,
                values: values.collect(),
            });
        };
        push(
            "requested_bits",
            lives.iter().map(|life| (life.sent, life.bits)).collect(),
        );
        let delivered = lives
            .iter()
            .filter_map(|life| Some((life.delivered()?, life.bits)));
        push("delivered_bits", delivered.collect());
    }
    Samples {
        t_ns: taken.iter().map(|(at, _)| at.0).collect(),
        series,
    }
}

/// The hops that sessions used, by session and first use.
pub(super) fn routes(plan: &Plan, routes: &Routes) -> Vec<RouteRecord> {
    let record = |(session, used): (_, crate::observe::routes::Used)| {
        let hop = &plan.hops[used.hop];
        RouteRecord {
            session: plan.sessions[session].name.clone(),
            from: plan.nodes[hop.from].name.clone(),
            to: plan.nodes[hop.to].name.clone(),
            first_ns: used.first.0,
            last_ns: used.last.0,
            requests: used.requests,
        }
    };
    routes.all().map(record).collect()
}
