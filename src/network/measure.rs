//! From what the observers saw to the metrics of a replication.

use super::felt::Felt;
use super::heartbeats::BEAT_BYTES;
use crate::ids::{Arena, Id as _, LinkId, QkdnId, SessionId, StoreId};
use crate::key_management::store::Book;
use crate::network::carrier::{Counts, TRANSPORT_BYTES};
use crate::network::plan::{ClassPlan, Plan};
use crate::network::world::Snapshot;
use crate::observe::outcome::{Measured, RequestRecord};
use crate::observe::requests::{RequestLife, Requests};
use crate::quantum::generation::Making;

/// What a replication left with its observers and stores.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Requests and traffic.
    pub requests: &'a Requests,
    /// How each session felt each fault.
    pub felt: &'a [Felt],
    /// Heartbeats sent in the counting time, where they are on.
    pub heartbeats: Option<Arena<QkdnId, u64>>,
    /// Availability of each demand.
    pub availability: &'a Arena<SessionId, Option<f64>>,
    /// What there was at the start and at the end of the counting time.
    pub looks: [&'a Snapshot; 2],
    /// What the carrier did, where channels are disturbed.
    pub carried: Option<Counts>,
    /// Events dispatched.
    pub events: u64,
}

impl Evidence<'_> {
    fn counted(&self, session: SessionId) -> impl Iterator<Item = (usize, &RequestLife)> {
        let (from, to) = self.plan.counting();
        let lives = self.requests.of(session).iter().enumerate();
        lives.filter(move |(_, life)| from <= life.sent && life.sent < to)
    }

    /// All metrics, in a fixed order.
    pub fn metrics(&self) -> Vec<Measured> {
        let mut metrics = Vec::new();
        let users = self.plan.demands().filter(|(_, plan)| !plan.for_sharing);
        let all: Vec<SessionId> = users.map(|(id, _)| id).collect();
        self.request_metrics("network", &all, &mut metrics);
        self.network_metrics(&all, &mut metrics);
        for (qkdn, plan) in self.plan.qkdns.iter() {
            let traffic = self.requests.traffic(qkdn);
            let scope = format!("qkdn:{}", plan.name);
            metrics.push(measured(
                "control_messages",
                &scope,
                Some(traffic.messages as f64),
            ));
            metrics.push(measured("control_bytes", &scope, Some(traffic.bytes as f64)));
            if !plan.centralized {
                let told = [traffic.routing_messages, traffic.routing_bytes];
                let named = ["routing_messages", "routing_bytes"].into_iter().zip(told);
                metrics.extend(named.map(|(name, value)| measured(name, &scope, Some(value as f64))));
            }
            if let Some(beats) = &self.heartbeats {
                heartbeat_metrics(&scope, beats[qkdn], &mut metrics);
            }
        }
        for (session, plan) in self.plan.demands() {
            let scope = format!("demand:{}", plan.name);
            self.request_metrics(&scope, &[session], &mut metrics);
            metrics.push(measured("availability", &scope, self.availability[session]));
        }
        for (class, ClassPlan { name, .. }) in self.plan.classes.iter() {
            let members: Vec<SessionId> = self
                .plan
                .demands()
                .filter(|(_, plan)| plan.class == class)
                .map(|(id, _)| id)
                .collect();
            self.request_metrics(&format!("class:{name}"), &members, &mut metrics);
        }
        for (link, plan) in self.plan.links.iter() {
            let stores: Vec<usize> = plan
                .hops
                .iter()
                .filter_map(|&hop| self.plan.hops[hop].store())
                .map(crate::ids::Id::index)
                .collect();
            let scope = format!("link:{}", plan.name);
            self.store_metrics(&scope, &stores, &mut metrics);
            self.qx_metrics(&scope, &[link], &mut metrics);
        }
        self.fault_metrics(&mut metrics);
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
        let mut push = |name, value| metrics.push(measured(name, scope, value));
        push("requests", Some(requests as f64));
        push("delivered", Some(delivered as f64));
        push("delivered_bits", Some(bits as f64));
        push("throughput_bps", Some(bits as f64 / counting));
        push("served_share", ratio(delivered, requests));
        push("kkdlr", ratio(keys - keys_delivered, keys));
        let compared = self
            .plan
            .material
            .as_ref()
            .and_then(|_| ratio(differing, keys_delivered));
        push("kkder", compared);
        push("link_key_bits_per_key_bit", ratio(spent, bits));
        push("wasted_link_key_bits", Some(wasted as f64));
        push("kkrdv_s", deviation(&delays));
        let timed = [("kkrd_s", delays), ("relay_latency_s", relays)];
        metrics.extend(timed.map(|(name, samples)| timed_metric(name, scope, samples)));
    }

    fn network_metrics(&self, all: &[SessionId], metrics: &mut Vec<Measured>) {
        let scope = "network";
        let stores: Vec<usize> = (0..self.plan.stores.len() + self.plan.pools.len()).collect();
        self.store_metrics(scope, &stores, metrics);
        let links: Vec<LinkId> = self.plan.links.ids().collect();
        self.qx_metrics(scope, &links, metrics);
        let lives = || {
            all.iter()
                .flat_map(|&session| self.counted(session))
                .map(|(_, life)| life)
        };
        let spent: u64 = lives()
            .filter(|life| life.ended().is_some())
            .map(|life| life.spent_bits)
            .sum();
        let for_delivered = lives()
            .filter(|life| life.delivered().is_some())
            .map(|life| life.spent_bits)
            .sum();
        let in_window = |amount: fn(&Book) -> u64| -> u64 {
            let sum = |books: &[Book]| books.iter().map(amount).sum::<u64>();
            sum(&self.looks[1].books) - sum(&self.looks[0].books)
        };
        let (expired, generated) = (in_window(|book| book.expired), in_window(|book| book.generated));
        let sharing = self.plan.demands().filter(|(_, plan)| plan.for_sharing);
        let sharing: u64 = sharing
            .flat_map(|(session, _)| self.counted(session))
            .map(|(_, life)| life.spent_bits)
            .sum();
        let mut push = |name, value| metrics.push(measured(name, scope, value));
        if self.plan.sharing.is_some() {
            push("sharing_link_key_bits", Some(sharing as f64));
        }
        push("key_utilisation", ratio(for_delivered, generated));
        let tags =
            (0..self.plan.stores.len()).map(|at| self.requests.authentication(StoreId::from_index(at)).0);
        let tags: u64 = tags.sum();
        push(
            "total_link_key_bits",
            Some((spent + expired + tags + sharing) as f64),
        );
        let traffic = self.plan.qkdns.ids().map(|qkdn| self.requests.traffic(qkdn));
        let (messages, bytes) = traffic.fold((0, 0), |sum, one| (sum.0 + one.messages, sum.1 + one.bytes));
        push("control_messages", Some(messages as f64));
        push("control_bytes", Some(bytes as f64));
        if self.plan.qkdns.values().any(|plan| !plan.centralized) {
            let told = self.plan.qkdns.ids().map(|qkdn| self.requests.traffic(qkdn));
            let told = told.map(|traffic| [traffic.routing_messages, traffic.routing_bytes]);
            let [messages, bytes] = told.fold([0, 0], |sum, one| [sum[0] + one[0], sum[1] + one[1]]);
            push("routing_messages", Some(messages as f64));
            push("routing_bytes", Some(bytes as f64));
        }
        if let Some(beats) = &self.heartbeats {
            heartbeat_metrics(scope, beats.values().sum(), metrics);
        }
        let mut push = |name, value| metrics.push(measured(name, scope, value));
        let one_sided = lives().filter(|life| life.one_sided()).count();
        push("one_sided", Some(one_sided as f64));
        if let Some(counts) = self.carried {
            push("retransmissions", Some(counts.retransmissions as f64));
            push("given_up_messages", Some(counts.given_up as f64));
            push("lost_transmissions", Some(counts.lost as f64));
            push("transport_messages", Some(counts.transport_messages as f64));
            let bytes = counts.transport_messages * TRANSPORT_BYTES;
            push("transport_bytes", Some(bytes as f64));
        }
        push("events", Some(self.events as f64));
        push("cost", self.plan.cost().map(|cost| cost as f64));
        // Of the network: the mean over its demands.
        let shares: Option<Vec<f64>> = self.availability.values().copied().collect();
        let mean = shares.filter(|shares| !shares.is_empty());
        let mean = mean.map(|shares| shares.iter().sum::<f64>() / shares.len() as f64);
        push("availability", mean);
    }

    /// Key for the authentication of Qx, where these links use any.
    fn qx_metrics(&self, scope: &str, links: &[LinkId], metrics: &mut Vec<Measured>) {
        let authenticates = |link: &&LinkId| match &self.plan.links[**link].making {
            Some(Making::Blocks(generation)) => generation.authentication_bits > 0,
            _ => false,
        };
        let spent = |link: &LinkId| {
            let [before, after] = self.looks.map(|look| look.qx_authentication[link.index()]);
            after - before
        };
        let mut links = links.iter().filter(authenticates).peekable();
        if links.peek().is_some() {
            let bits: u64 = links.map(spent).sum();
            metrics.push(measured("qx_authentication_bits", scope, Some(bits as f64)));
        }
    }

    fn store_metrics(&self, scope: &str, stores: &[usize], metrics: &mut Vec<Measured>) {
        let sum = |books: &[Book], amount: fn(&Book) -> u64| -> u64 {
            stores.iter().map(|&at| amount(&books[at])).sum()
        };
        let [before, after] = self.looks.map(|look| look.books.as_slice());
        let level = |book: &Book| book.stored + book.reserved;
        let drawdown = sum(before, level) as f64 - sum(after, level) as f64;
        let expired = |book: &Book| book.expired;
        let expired = sum(after, expired) - sum(before, expired);
        let tags = stores
            .iter()
            .map(|&at| self.requests.authentication(StoreId::from_index(at)));
        let (tags, unsent) = tags.fold((0, 0), |sum, tag| (sum.0 + tag.0, sum.1 + tag.1));
        let mut push = |name, value| metrics.push(measured(name, scope, Some(value)));
        push("expired_link_key_bits", expired as f64);
        push("drawdown_bits", drawdown);
        push("authentication_bits", tags as f64);
        if self.plan.parameters.authentication_tag > 0 {
            push("unauthenticated_messages", unsent as f64);
        }
    }

    /// Counted requests, by (sent, demand, number).
    pub fn request_records(&self) -> Vec<RequestRecord> {
        let mut records = Vec::new();
        for (session, plan) in self.plan.demands() {
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
}

/// A metric of one scope, in the unit that [`metrics`](crate::observe::metrics) gives it.
pub(super) fn measured(name: &'static str, scope: &str, value: Option<f64>) -> Measured {
    Measured::new(name, scope, value, Vec::new())
}

/// The mean of delays \[ns\].
pub(super) fn timed_metric(name: &'static str, scope: &str, samples_ns: Vec<u64>) -> Measured {
    Measured::new(name, scope, mean_seconds(&samples_ns), samples_ns)
}

fn heartbeat_metrics(scope: &str, beats: u64, metrics: &mut Vec<Measured>) {
    metrics.push(measured("heartbeat_messages", scope, Some(beats as f64)));
    metrics.push(measured(
        "heartbeat_bytes",
        scope,
        Some((beats * BEAT_BYTES) as f64),
    ));
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
