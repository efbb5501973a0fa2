//! From what the observers saw to the metrics of a replication.

use crate::ids::{Arena, FaultId, Id as _, SessionId, StoreId};
use crate::kernel::{Span, Time};
use crate::key_management::store::Book;
use crate::network::carrier::{Counts, TRANSPORT_BYTES};
use crate::network::plan::{ClassPlan, Plan};
use crate::observe::outcome::{Measured, RequestRecord, RerouteRecord};
use crate::observe::requests::{RequestLife, Requests};
use crate::observe::reroutes::{Reroute, Reroutes};

/// What a replication left with its observers and stores.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Requests and traffic.
    pub requests: &'a Requests,
    /// Reroutes.
    pub reroutes: &'a Reroutes,
    /// Availability of each demand.
    pub availability: &'a Arena<SessionId, Option<f64>>,
    /// Books at the start of the counting time, at its end, and at the end of the run.
    pub books: [&'a [Book]; 3],
    /// What the carrier did, where channels are disturbed.
    pub carried: Option<Counts>,
    /// Events dispatched.
    pub events: u64,
}

/// Fewest requests before a fault for the default of D in the service interruption.
const FEWEST_FOR_DEFAULT: usize = 100;

impl Evidence<'_> {
    fn counted(&self, session: SessionId) -> impl Iterator<Item = (usize, &RequestLife)> {
        let (from, to) = self.plan.counting();
        let lives = self.requests.of(session).iter().enumerate();
        lives.filter(move |(_, life)| from <= life.sent && life.sent < to)
    }

    /// All metrics, in a fixed order.
    pub fn metrics(&self) -> Vec<Measured> {
        let mut metrics = Vec::new();
        let users = self.plan.sessions.iter().filter(|(_, plan)| !plan.for_sharing);
        let all: Vec<SessionId> = users.map(|(id, _)| id).collect();
        self.request_metrics("network", &all, &mut metrics);
        self.network_metrics(&all, &mut metrics);
        for (qkdn, plan) in self.plan.qkdns.iter() {
            let traffic = self.requests.traffic(qkdn);
            let scope = format!("qkdn:{}", plan.name);
            metrics.push(measured(
                "control_messages",
                "1",
                &scope,
                Some(traffic.messages as f64),
            ));
            metrics.push(measured("control_bytes", "B", &scope, Some(traffic.bytes as f64)));
        }
        for (session, plan) in self.plan.sessions.iter() {
            let scope = format!("demand:{}", plan.name);
            self.request_metrics(&scope, &[session], &mut metrics);
            metrics.push(measured("availability", "1", &scope, self.availability[session]));
            self.fault_metrics(session, &scope, &mut metrics);
        }
        for (class, ClassPlan { name, .. }) in self.plan.classes.iter() {
            let members: Vec<SessionId> = self
                .plan
                .sessions
                .iter()
                .filter(|(_, plan)| plan.class == class)
                .map(|(id, _)| id)
                .collect();
            self.request_metrics(&format!("class:{name}"), &members, &mut metrics);
        }
        for (_, plan) in self.plan.links.iter() {
            let stores: Vec<usize> = plan
                .hops
                .iter()
                .filter_map(|&hop| self.plan.hops[hop].store())
                .map(crate::ids::Id::index)
                .collect();
            self.store_metrics(&format!("link:{}", plan.name), &stores, &mut metrics);
        }
        metrics
    }

    fn request_metrics(&self, scope: &str, sessions: &[SessionId], metrics: &mut Vec<Measured>) {
        let (mut requests, mut delivered) = (0u64, 0u64);
        let (mut keys, mut keys_delivered) = (0u64, 0u64);
        let (mut bits, mut spent, mut wasted) = (0u64, 0u64, 0u64);
        let (mut delays, mut relays) = (Vec::new(), Vec::new());
        let mut differing = 0u64;
        for &session in sessions {
            let per_request = self.plan.sessions[session].keys;
            for (_, life) in self.counted(session) {
                requests += 1;
                keys += per_request;
                match life.delivered() {
                    Some(at) => {
                        delivered += 1;
                        keys_delivered += per_request;
                        differing += if life.digests == 0 { 0 } else { per_request };
                        bits += life.bits;
                        spent += life.spent_bits;
                        delays.push(at.since(life.sent).0);
                        if let (Some(started), Some(held)) = (life.relay_started, life.held) {
                            relays.push(held.since(started).0);
                        }
                    }
                    None => wasted += life.spent_bits,
                }
            }
        }
        let (from, to) = self.plan.counting();
        let counting = to.since(from).as_seconds();
        let mut push = |name, unit, value| metrics.push(measured(name, unit, scope, value));
        push("requests", "1", Some(requests as f64));
        push("delivered", "1", Some(delivered as f64));
        push("delivered_bits", "bit", Some(bits as f64));
        push("throughput_bps", "bit/s", Some(bits as f64 / counting));
        push("served_share", "1", ratio(delivered, requests));
        push("kkdlr", "1", ratio(keys - keys_delivered, keys));
        if self.plan.material.is_some() {
            push("kkder", "1", ratio(differing, keys_delivered));
        }
        push("link_key_bits_per_key_bit", "1", ratio(spent, bits));
        push("wasted_link_key_bits", "bit", Some(wasted as f64));
        push("kkrdv_s", "s", deviation(&delays));
        let timed = [("kkrd_s", delays), ("relay_latency_s", relays)];
        metrics.extend(timed.map(|(name, samples)| Measured {
            name,
            unit: "s",
            scope: scope.to_owned(),
            value: mean_seconds(&samples),
            samples_ns: samples,
        }));
    }

    fn network_metrics(&self, all: &[SessionId], metrics: &mut Vec<Measured>) {
        let scope = "network";
        let stores: Vec<usize> = (0..self.plan.stores.len()).collect();
        self.store_metrics(scope, &stores, metrics);
        let lives = || {
            all.iter()
                .flat_map(|&session| self.counted(session))
                .map(|(_, life)| life)
        };
        let spent: u64 = lives()
            .filter(|life| life.ended().is_some())
            .map(|life| life.spent_bits)
            .sum();
        let expired: u64 = self.books[2].iter().map(|book| book.expired).sum();
        let for_delivered = lives()
            .filter(|life| life.delivered().is_some())
            .map(|life| life.spent_bits)
            .sum();
        let generated = |books: &[Book]| -> u64 { books.iter().map(|book| book.generated).sum() };
        let generated = generated(self.books[1]) - generated(self.books[0]);
        let sharing = self.plan.sessions.iter().filter(|(_, plan)| plan.for_sharing);
        let sharing: u64 = sharing
            .flat_map(|(session, _)| self.counted(session))
            .map(|(_, life)| life.spent_bits)
            .sum();
        let mut push = |name, unit, value| metrics.push(measured(name, unit, scope, value));
        if self.plan.sharing.is_some() {
            push("sharing_link_key_bits", "bit", Some(sharing as f64));
        }
        push("key_utilisation", "1", ratio(for_delivered, generated));
        let tags =
            (0..self.plan.stores.len()).map(|at| self.requests.authentication(StoreId::from_index(at)).0);
        let tags: u64 = tags.sum();
        push(
            "total_link_key_bits",
            "bit",
            Some((spent + expired + tags + sharing) as f64),
        );
        let traffic = self.plan.qkdns.ids().map(|qkdn| self.requests.traffic(qkdn));
        let (messages, bytes) = traffic.fold((0, 0), |sum, one| (sum.0 + one.messages, sum.1 + one.bytes));
        push("control_messages", "1", Some(messages as f64));
        push("control_bytes", "B", Some(bytes as f64));
        if let Some(counts) = self.carried {
            let one_sided = lives().filter(|life| life.one_sided()).count();
            push("one_sided", "1", Some(one_sided as f64));
            push("retransmissions", "1", Some(counts.retransmissions as f64));
            push("given_up_messages", "1", Some(counts.given_up as f64));
            push("lost_transmissions", "1", Some(counts.lost as f64));
            push("transport_messages", "1", Some(counts.transport_messages as f64));
            let bytes = counts.transport_messages * TRANSPORT_BYTES;
            push("transport_bytes", "B", Some(bytes as f64));
        }
        push("events", "1", Some(self.events as f64));
        // Of the network: the mean over its demands.
        let shares: Option<Vec<f64>> = self.availability.values().copied().collect();
        let mean = shares.filter(|shares| !shares.is_empty());
        let mean = mean.map(|shares| shares.iter().sum::<f64>() / shares.len() as f64);
        push("availability", "1", mean);
    }

    fn store_metrics(&self, scope: &str, stores: &[usize], metrics: &mut Vec<Measured>) {
        let sum = |books: &[Book], amount: fn(&Book) -> u64| -> u64 {
            stores.iter().map(|&at| amount(&books[at])).sum()
        };
        let [before, after, end] = self.books;
        let level = |book: &Book| book.stored + book.reserved;
        let drawdown = sum(before, level) as f64 - sum(after, level) as f64;
        metrics.push(measured(
            "expired_link_key_bits",
            "bit",
            scope,
            Some(sum(end, |book| book.expired) as f64),
        ));
        metrics.push(measured("drawdown_bits", "bit", scope, Some(drawdown)));
        if self.plan.parameters.authentication_tag > 0 {
            let tags = stores
                .iter()
                .map(|&at| self.requests.authentication(StoreId::from_index(at)));
            let (bits, unsent) = tags.fold((0, 0), |sum, tag| (sum.0 + tag.0, sum.1 + tag.1));
            metrics.push(measured("authentication_bits", "bit", scope, Some(bits as f64)));
            metrics.push(measured(
                "unauthenticated_messages",
                "1",
                scope,
                Some(unsent as f64),
            ));
        }
    }

    fn fault_metrics(&self, session: SessionId, scope: &str, metrics: &mut Vec<Measured>) {
        if self.plan.faults.is_empty() {
            return;
        }
        let felt: Vec<Option<(Span, Span)>> = self
            .plan
            .faults
            .ids()
            .map(|fault| self.interruption(fault, session))
            .collect();
        let reroutes = self.reroutes.all().filter(|reroute| reroute.session == session);
        let latencies = reroutes
            .filter_map(|reroute| Some(reroute.instants[7]?.since(reroute.instants[0]?).0))
            .collect::<Vec<u64>>();
        let of = |part: fn(&(Span, Span)) -> Span| {
            felt.iter().flatten().map(|it| part(it).0).collect::<Vec<u64>>()
        };
        for (name, samples) in [
            ("service_interruption_s", of(|it| it.0)),
            ("service_restoration_s", of(|it| it.1)),
            ("rerouting_latency_s", latencies),
        ] {
            metrics.push(Measured {
                name,
                unit: "s",
                scope: scope.to_owned(),
                value: mean_seconds(&samples),
                samples_ns: samples,
            });
        }
    }

    /// Service interruption and restoration of a demand by a fault; `None` where they are not defined.
    fn interruption(&self, fault: FaultId, session: SessionId) -> Option<(Span, Span)> {
        let plan = &self.plan.faults[fault];
        let lives = self.requests.of(session);
        let before = lives
            .iter()
            .filter(|life| life.ended().is_some_and(|at| at < plan.at));
        let known: Vec<Span> = before
            .filter_map(|life| Some(life.delivered()?.since(life.sent)))
            .collect();
        let usual = match self.plan.interruption_threshold {
            Some(threshold) => threshold,
            None if known.len() < FEWEST_FOR_DEFAULT => return None,
            None => known.into_iter().max().expect("there are enough"),
        };
        let until = plan.repaired.unwrap_or(Time::NEVER);
        let hit = lives.iter().position(|life| {
            plan.at <= life.sent
                && life.sent < until
                && life.delivered().is_none_or(|at| at.since(life.sent) > usual)
        });
        let Some(hit) = hit else {
            return Some((Span::ZERO, Span::ZERO));
        };
        let again = lives[hit..].iter().filter_map(RequestLife::delivered).min()?;
        Some((again.since(lives[hit].sent), again.since(plan.at)))
    }

    /// Counted requests, by (sent, demand, number).
    pub fn request_records(&self) -> Vec<RequestRecord> {
        let mut records = Vec::new();
        for (session, plan) in self.plan.sessions.iter() {
            for (number, life) in self.counted(session) {
                let ended = life.ended().unwrap_or(life.sent);
                records.push((
                    life.sent,
                    session,
                    number,
                    RequestRecord {
                        demand: plan.name.clone(),
                        number: number as u32,
                        sent_ns: life.sent.0,
                        ended_ns: ended.0,
                        bits: life.bits,
                        failure: life.failed.map(|(_, cause)| cause.name()),
                        hops: life.hops,
                        waited_for: life.waited_for.map(|node| self.plan.nodes[node].name.clone()),
                        one_sided: life.one_sided(),
                    },
                ));
            }
        }
        records.sort_by_key(|&(sent, session, number, _)| (sent, session, number));
        records.into_iter().map(|(.., record)| record).collect()
    }

    /// One record per (fault, session) that was rerouted or looked at for it.
    pub fn reroute_records(&self) -> Vec<RerouteRecord> {
        self.reroutes
            .all()
            .map(|reroute| self.reroute_record(&reroute))
            .collect()
    }

    fn reroute_record(&self, reroute: &Reroute) -> RerouteRecord {
        let first_key = reroute.instants[7].and_then(|active| {
            let waiting = self
                .requests
                .of(reroute.session)
                .iter()
                .filter(|life| life.sent <= active);
            waiting
                .filter_map(RequestLife::delivered)
                .filter(|&at| at > active)
                .min()
        });
        let mut stages_ns = [None; 8];
        let instants = reroute
            .instants
            .iter()
            .copied()
            .chain([first_key])
            .collect::<Vec<Option<Time>>>();
        for (stage, pair) in instants.windows(2).enumerate() {
            let [Some(from), Some(to)] = pair else { break };
            stages_ns[stage] = Some(to.since(*from).0);
        }
        RerouteRecord {
            fault: self.plan.faults[reroute.fault].name.clone(),
            session: self.plan.sessions[reroute.session].name.clone(),
            stages_ns,
            service_interruption_ns: self.interruption(reroute.fault, reroute.session).map(|it| it.0.0),
            messages: reroute.messages,
            bytes: reroute.bytes,
        }
    }
}

fn measured(name: &'static str, unit: &'static str, scope: &str, value: Option<f64>) -> Measured {
    Measured {
        name,
        unit,
        scope: scope.to_owned(),
        value,
        samples_ns: Vec::new(),
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn mean_seconds(samples_ns: &[u64]) -> Option<f64> {
    let total: u128 = samples_ns.iter().map(|&sample| u128::from(sample)).sum();
    (!samples_ns.is_empty()).then(|| total as f64 / samples_ns.len() as f64 / 1e9)
}

fn deviation(samples_ns: &[u64]) -> Option<f64> {
    let mean = mean_seconds(samples_ns)?;
    if samples_ns.len() < 2 {
        return None;
    }
    let squares: f64 = samples_ns
        .iter()
        .map(|&sample| sample as f64 / 1e9 - mean)
        .map(|away| away * away)
        .sum();
    Some(libm::sqrt(squares / (samples_ns.len() - 1) as f64))
}
