//! Who had a key: the audit trail of every supplied key (requirement S4), and which keys a compromised trusted node could
//! have read (S5).
//!
//! A node holds a key in clear while it relays it, transfers it or waits to supply it. It could read more: every message
//! of a relay is the sum of two keys – the key and a link key, or two link keys – so whoever knows one of them and reads
//! the traffic knows the other, and so on. What a node can compute is what is connected with what it holds.
//!
//! Assumption: a compromised node reads all classical traffic and remembers all keys of its own links.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::plan::{Plan, Role};
use crate::architecture::message::{KeyManagementMessage, Message, OtpKeys, ServiceMessage, Subject};
use crate::architecture::observation::RequestEnd;
use crate::architecture::protection::Combiner;
use crate::architecture::{Address, Envelope, Label, Observation, RequestId, Step};
use crate::ids::{Arena, FaultId, HopId, IwnId, NodeId, QkdnId};
use crate::kernel::Time;
use crate::observe::Observer;
use crate::observe::outcome::Measured;

/// One key on its way.
#[derive(Clone, Debug, Default)]
struct Life {
    sent: Time,
    bits: u64,
    /// Link keys spent on it, hop by hop.
    spent: Vec<(HopId, Option<OtpKeys>)>,
    /// Sums that were sent, as pairs of what was added; `None` is the key itself.
    sums: Vec<(Option<HopId>, Option<HopId>)>,
    /// From when until when nodes were seen to have it in clear.
    clear: BTreeMap<NodeId, (Time, Time)>,
    supplied: [Option<Time>; 2],
    /// It came to nothing.
    failed: bool,
    /// The KM to which it went in parts, until that sends the sum on.
    combiner: Option<NodeId>,
}

impl Life {
    fn holds(&mut self, node: NodeId, now: Time) {
        self.clear.entry(node).or_insert((now, now)).1 = now;
    }

    /// The life of a key whose legs had these. Where all of them are needed, who held one of them did not hold the key.
    fn with(mut self, legs: Vec<Life>, all: bool) -> Life {
        let number = legs.len();
        let mut held: BTreeMap<NodeId, (Time, Time, usize)> = BTreeMap::new();
        for leg in legs {
            self.spent.extend(leg.spent);
            for (node, (from, until)) in leg.clear {
                let (since, last, count) = held.entry(node).or_insert((from, until, 0));
                *since = if all { from.max(*since) } else { from.min(*since) };
                (*last, *count) = (until.max(*last), *count + 1);
            }
        }
        for (node, (from, until, count)) in held {
            if !all || count == number {
                let own = self.clear.entry(node).or_insert((from, until.max(from)));
                *own = (from.min(own.0), until.max(own.1));
            }
        }
        self
    }

    /// Whether a hop's key leads to the key itself, by sums that were sent.
    fn leads_to_key(&self, hop: HopId) -> bool {
        let mut known = vec![Some(hop)];
        let mut at = 0;
        while let Some(&one) = known.get(at) {
            at += 1;
            for &(a, b) in &self.sums {
                let other = match one {
                    one if one == a => b,
                    one if one == b => a,
                    _ => continue,
                };
                if !known.contains(&other) {
                    known.push(other);
                }
            }
        }
        known.contains(&None)
    }
}

/// What one trusted node could have had of supplied keys.
#[derive(Clone, Debug, Default)]
struct Exposure {
    computable_bits: u64,
    clear_bits: u64,
    /// How long it held each key in clear \[ns\].
    retention_ns: Vec<u64>,
}

/// A trusted node: an ordinary one, or an interworking site with all its sides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Site {
    Node(NodeId),
    Shared(IwnId),
}

/// One line of `audit.jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    replication: u32,
    /// One UUID for each of the request's keys.
    key_ids: Vec<String>,
    session: &'a str,
    request: u32,
    bits: u64,
    requested_ns: u64,
    supplied_ns: [u64; 2],
    ksas: [&'a str; 2],
    link_keys: Vec<LinkKeys<'a>>,
    in_clear: Vec<InClear<'a>>,
    computable_by: Vec<&'a str>,
    /// Of a key that is the sum of its legs': who could have computed each; whoever has one of each has the key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    legs_computable_by: Vec<Vec<&'a str>>,
}

/// Link keys that one hop has spent.
#[derive(Serialize)]
struct LinkKeys<'a> {
    from: &'a str,
    to: &'a str,
    link: Option<&'a str>,
    /// First bit and length of each run \[bits\].
    ranges: Vec<[u64; 2]>,
}

/// A node that had the key in clear.
#[derive(Serialize)]
struct InClear<'a> {
    node: &'a str,
    from_ns: u64,
    until_ns: u64,
}

/// The observer.
#[derive(Debug)]
pub struct Custody {
    plan: Arc<Plan>,
    replication: u32,
    keys: BTreeMap<RequestId, Life>,
    /// Refills of pools that are at both ends, and who could have computed their keys.
    refills: BTreeMap<RequestId, (Life, Vec<NodeId>)>,
    /// The refills that the key of a request comes from.
    drawn: BTreeMap<RequestId, Vec<RequestId>>,
    sites: BTreeMap<Site, Exposure>,
    operators: Arena<QkdnId, u64>,
    /// Counted keys, and at how many sites they were in clear, each site counted for each key.
    counted: u64,
    clear_sites: u64,
    /// Whether `lines` are wanted.
    trail: bool,
    /// `audit.jsonl`.
    pub lines: Vec<u8>,
}

impl Custody {
    /// An observer that has seen nothing; `trail`: it also writes `audit.jsonl`.
    pub fn new(plan: Arc<Plan>, replication: u32, trail: bool) -> Custody {
        let sites = plan
            .nodes
            .ids()
            .map(|node| (site(&plan, node), Exposure::default()));
        Custody {
            replication,
            keys: BTreeMap::new(),
            refills: BTreeMap::new(),
            drawn: BTreeMap::new(),
            sites: sites.collect(),
            operators: plan.qkdns.ids().map(|_| 0).collect(),
            counted: 0,
            clear_sites: 0,
            trail,
            lines: Vec::new(),
            plan,
        }
    }

    fn sees(&mut self, now: Time, envelope: &Envelope) {
        match &envelope.message {
            Message::KeyManagement(KeyManagementMessage::KeyRelay {
                request, hop, otp, ..
            }) => {
                let (from, to) = (self.plan.hops[*hop].from, self.plan.hops[*hop].to);
                let Some(life) = self.keys.get_mut(request) else {
                    return;
                };
                if life.combiner.take().is_some() {
                    // The sum of a relay in parts, over the last hop: nothing that the parts do not say.
                    return;
                }
                life.holds(from, now);
                life.spent.push((*hop, otp.clone()));
                match otp {
                    Some(_) => life.sums.push((None, Some(*hop))),
                    None => life.holds(to, now),
                }
            }
            Message::KeyManagement(KeyManagementMessage::RelayPart(part)) => {
                let at = usize::from(part.position);
                let Some(life) = self.keys.get_mut(&part.order.ask.request) else {
                    return;
                };
                let before = if at == 0 {
                    let formation = &part.formation;
                    life.holds(formation.kms[0], now);
                    life.combiner = (formation.combiner != formation.end).then_some(formation.combiner);
                    None
                } else {
                    let km = part.formation.kms[at - 1];
                    let hops = self.plan.km_surroundings[km].outgoing.iter();
                    let mut towards = hops.filter(|hop| hop.to == part.formation.kms[at]);
                    Some(towards.next().expect("neighbours in a segment share a hop").id)
                };
                life.spent.push((part.hop, Some(part.otp.clone())));
                life.sums.push((before, Some(part.hop)));
            }
            Message::Service(ServiceMessage::KeySupply { request, .. }) => {
                if let Some(life) = self.keys.get_mut(request) {
                    life.holds(envelope.from.node(), now);
                }
            }
            _ => {}
        }
    }

    /// A request, or a leg of one, has ended: where both applications hold the key and no leg is under way any more, it is
    /// told who could have had it.
    fn ended(&mut self, request: RequestId) {
        let plan = Arc::clone(&self.plan);
        let session = plan.whole_of(request.session).unwrap_or(request.session);
        let whole = RequestId { session, ..request };
        let Some(legs) = plan.legs_of(session) else {
            let drawn = self.drawn.remove(&whole).unwrap_or_default();
            let Some(mut life) = self.keys.remove(&whole).filter(|life| !life.failed) else {
                return;
            };
            let mut computable = self.computable(&life);
            if matches!(plan.sessions[session].role, Role::Refill(_)) {
                self.refills.insert(whole, (life, computable));
                return;
            }
            let refills = drawn.iter().filter_map(|refill| self.refills.get(refill));
            for (refill, by) in refills {
                life = life.with(vec![refill.clone()], false);
                computable.extend(by);
            }
            return self.conclude(whole, &life, &computable, &[]);
        };
        let is_over = |life: &Life| life.failed || life.supplied[0].is_some();
        let of = |leg: RequestId| self.keys.get(&leg);
        let over = legs
            .requests(whole.number)
            .chain([whole])
            .all(|one| of(one).is_none_or(is_over));
        if !over {
            return;
        }
        let lives: Vec<Life> = legs
            .requests(whole.number)
            .filter_map(|leg| self.keys.remove(&leg))
            .collect();
        if let Some(life) = self.keys.remove(&whole).filter(|life| !life.failed) {
            let computable: Vec<Vec<NodeId>> = lives.iter().map(|life| self.computable(life)).collect();
            let (life, by_one) = match legs.combiner {
                Combiner::First => (life.with(lives, false), computable.concat()),
                Combiner::Xor => (life.with(lives, true), self.in_all(&computable)),
            };
            let parts = if legs.combiner == Combiner::Xor {
                &computable[..]
            } else {
                &[]
            };
            self.conclude(whole, &life, &by_one, parts);
        }
    }

    /// Nodes that could have computed the key of a life.
    fn computable(&self, life: &Life) -> Vec<NodeId> {
        let mut computable: Vec<NodeId> = life.clear.keys().copied().collect();
        for &(hop, ref keys) in &life.spent {
            if keys.is_some() && life.leads_to_key(hop) {
                computable.extend([self.plan.hops[hop].from, self.plan.hops[hop].to]);
            }
        }
        computable.sort();
        computable.dedup();
        computable
    }

    /// Nodes at sites that are among those of every leg.
    fn in_all(&self, legs: &[Vec<NodeId>]) -> Vec<NodeId> {
        let at = |leg: &Vec<NodeId>, wanted| leg.iter().any(|&node| site(&self.plan, node) == wanted);
        let all = legs.iter().flatten().copied();
        all.filter(|&node| legs.iter().all(|leg| at(leg, site(&self.plan, node))))
            .collect()
    }

    /// Both applications hold the key. `parts`: who could have computed the key of each leg, where all are needed.
    fn conclude(&mut self, request: RequestId, life: &Life, computable: &[NodeId], parts: &[Vec<NodeId>]) {
        let (from, to) = self.plan.counting();
        let mut computable = computable.to_vec();
        computable.sort();
        computable.dedup();
        if from <= life.sent && life.sent < to {
            self.count(&computable, life, parts);
        }
        if self.trail {
            self.write(request, life, &computable, parts);
        }
    }

    fn count(&mut self, computable: &[NodeId], life: &Life, parts: &[Vec<NodeId>]) {
        let plan = Arc::clone(&self.plan);
        let unique = |nodes: &mut dyn Iterator<Item = NodeId>| {
            let mut sites: Vec<Site> = nodes.map(|node| site(&plan, node)).collect();
            sites.sort();
            sites.dedup();
            sites
        };
        for site in unique(&mut computable.iter().copied()) {
            self.exposure(site).computable_bits += life.bits;
        }
        self.counted += 1;
        for site in unique(&mut life.clear.keys().copied()) {
            self.clear_sites += 1;
            self.exposure(site).clear_bits += life.bits;
        }
        let mut retained: BTreeMap<Site, (Time, Time)> = BTreeMap::new();
        for (&node, &(first, last)) in &life.clear {
            let whole = retained.entry(site(&plan, node)).or_insert((first, last));
            *whole = (first.min(whole.0), last.max(whole.1));
        }
        for (site, (first, last)) in retained {
            self.exposure(site).retention_ns.push(last.since(first).0);
        }
        let has_one = |nodes: &[NodeId], qkdn| nodes.iter().any(|&node| plan.nodes[node].qkdn == qkdn);
        for operator in plan.qkdns.ids() {
            // Whoever has one of each leg's has the key.
            let all = !parts.is_empty() && parts.iter().all(|part| has_one(part, operator));
            if all || has_one(computable, operator) {
                self.operators[operator] += life.bits;
            }
        }
    }

    fn exposure(&mut self, site: Site) -> &mut Exposure {
        self.sites.get_mut(&site).expect("every node stands at a site")
    }

    fn write(&mut self, request: RequestId, life: &Life, computable: &[NodeId], parts: &[Vec<NodeId>]) {
        let plan = &self.plan;
        let session = &plan.sessions[request.session];
        let name = |node: NodeId| plan.nodes[node].name.as_str();
        let ends = [session.source, session.destination].map(|end| plan.applications[end].node);
        let line = Line {
            replication: self.replication,
            key_ids: (0..session.keys)
                .map(|key| {
                    key_id(
                        plan.run.seed,
                        self.replication,
                        &session.name,
                        request.number,
                        key,
                    )
                })
                .collect(),
            session: &session.name,
            request: request.number,
            bits: life.bits,
            requested_ns: life.sent.0,
            supplied_ns: life.supplied.map(|at| at.unwrap_or(Time::NEVER).0),
            ksas: ends.map(name),
            link_keys: life
                .spent
                .iter()
                .filter_map(|(hop, keys)| {
                    let hop = &plan.hops[*hop];
                    let ranges = keys.as_ref()?.ranges().map(|range| [range.start, range.bits]);
                    Some(LinkKeys {
                        from: name(hop.from),
                        to: name(hop.to),
                        link: hop.link.map(|link| plan.links[link].name.as_str()),
                        ranges: ranges.collect(),
                    })
                })
                .collect(),
            in_clear: life
                .clear
                .iter()
                .map(|(&node, &(from, until))| InClear {
                    node: name(node),
                    from_ns: from.0,
                    until_ns: until.0,
                })
                .collect(),
            computable_by: computable.iter().map(|&node| name(node)).collect(),
            legs_computable_by: parts
                .iter()
                .map(|part| part.iter().map(|&node| name(node)).collect())
                .collect(),
        };
        serde_json::to_writer(&mut self.lines, &line).expect("plain data can be written to memory");
        self.lines.push(b'\n');
    }

    /// What each trusted node and each operator could have read of the counted keys.
    pub fn metrics(&self) -> Vec<Measured> {
        let plan = &self.plan;
        let mut metrics = Vec::new();
        let mut push = |name, scope: &str, value, samples_ns| {
            metrics.push(Measured::new(name, scope, value, samples_ns));
        };
        // Of the network the node that tells most: a mean would fall with every node that never sees a key.
        let most = |bits: fn(&Exposure) -> u64| self.sites.values().map(bits).max().map(|bits| bits as f64);
        let all: Vec<u64> = self
            .sites
            .values()
            .flat_map(|it| it.retention_ns.iter().copied())
            .collect();
        push(
            "exposed_bits_per_node",
            "network",
            most(|it| it.computable_bits),
            vec![],
        );
        push("clear_bits_per_node", "network", most(|it| it.clear_bits), vec![]);
        let sites = (self.counted > 0).then(|| self.clear_sites as f64 / self.counted as f64);
        push("nodes_in_clear", "network", sites, vec![]);
        push("retention_s", "network", mean_seconds(&all), all);
        for (qkdn, bits) in self.operators.iter() {
            let scope = format!("qkdn:{}", plan.qkdns[qkdn].name);
            push("exposed_bits_per_node", &scope, Some(*bits as f64), vec![]);
        }
        for (site, exposure) in &self.sites {
            let name = match *site {
                Site::Node(node) => &plan.nodes[node].name,
                Site::Shared(iwn) => &plan.iwns[iwn],
            };
            let scope = format!("node:{name}");
            let retained = exposure.retention_ns.clone();
            push(
                "exposed_bits_per_node",
                &scope,
                Some(exposure.computable_bits as f64),
                vec![],
            );
            push(
                "clear_bits_per_node",
                &scope,
                Some(exposure.clear_bits as f64),
                vec![],
            );
            push("retention_s", &scope, mean_seconds(&retained), retained);
        }
        metrics
    }
}

fn site(plan: &Plan, node: NodeId) -> Site {
    plan.nodes[node].iwn.map_or(Site::Node(node), Site::Shared)
}

fn mean_seconds(samples_ns: &[u64]) -> Option<f64> {
    let total: u128 = samples_ns.iter().map(|&sample| u128::from(sample)).sum();
    (!samples_ns.is_empty()).then(|| total as f64 / samples_ns.len() as f64 / 1e9)
}

/// The id of a key of a request: a UUID (version 8 of RFC 9562) from the hash of whose it is.
fn key_id(seed: u64, replication: u32, session: &str, number: u32, key: u64) -> String {
    let mut hash = Sha256::new();
    hash.update(b"qkdni/key-id/v2");
    hash.update(seed.to_le_bytes());
    hash.update(replication.to_le_bytes());
    hash.update(number.to_le_bytes());
    hash.update(key.to_le_bytes());
    hash.update(session.as_bytes());
    let hash: [u8; 32] = hash.finalize().into();
    let mut text = String::with_capacity(36);
    for (at, byte) in hash[..16].iter().enumerate() {
        let byte = match at {
            6 => byte & 0x0f | 0x80,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        write!(text, "{byte:02x}").expect("strings take text");
    }
    text
}

impl Observer for Custody {
    fn sent(&mut self, now: Time, envelope: &Envelope, _internal: bool) {
        self.sees(now, envelope);
    }

    // The same bits again show nobody more.
    fn repeated(&mut self, _now: Time, _envelope: &Envelope, _attempt: u32) {}

    fn observed(&mut self, now: Time, from: Address, observation: &Observation) {
        match *observation {
            // A transferred key was kept until now.
            Observation::Internal {
                label:
                    Label {
                        step: Step::KeyData | Step::KeyDataEnd,
                        ..
                    },
                subject:
                    Subject {
                        session: Some(session),
                        request: Some(number),
                        ..
                    },
                ..
            } => {
                if let Some(life) = self.keys.get_mut(&RequestId { session, number }) {
                    life.holds(from.node(), now);
                }
            }
            Observation::Requested { request, bits } => {
                let life = Life {
                    sent: now,
                    bits,
                    ..Life::default()
                };
                self.keys.insert(request, life);
            }
            Observation::KeyHeld { request } => {
                let session = &self.plan.sessions[request.session];
                let node = self.plan.applications[session.destination].node;
                if let Some(life) = self.keys.get_mut(&request) {
                    life.holds(node, now);
                }
            }
            // A relay that waits for key is held in clear; one that has not started is nowhere yet.
            Observation::Waits { request, km } => {
                if let Some(life) = self.keys.get_mut(&request).filter(|life| !life.spent.is_empty()) {
                    life.holds(km, now);
                }
            }
            Observation::Drawn {
                request,
                pool,
                ref keys,
            } => {
                let settings = &self.plan.pools[pool].settings;
                let session = settings.session;
                let numbers = keys
                    .ranges()
                    .flat_map(|range| range.start / settings.refill..=(range.end() - 1) / settings.refill);
                let refills = numbers.map(|number| RequestId {
                    session,
                    number: number as u32,
                });
                self.drawn.insert(request, refills.collect());
            }
            Observation::Supplied { request, end, .. } => {
                let Some(life) = self.keys.get_mut(&request) else {
                    return;
                };
                life.supplied[usize::from(end == RequestEnd::Destination)] = Some(now);
                if life.supplied.iter().all(Option::is_some) {
                    self.ended(request);
                }
            }
            Observation::Failed { request, .. } => {
                if let Some(life) = self.keys.get_mut(&request) {
                    life.failed = true;
                    self.ended(request);
                }
            }
            _ => {}
        }
    }

    fn disturbed(&mut self, _: Time, _: FaultId, _: bool) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_ids_are_uuids_and_differ() {
        let id = key_id(1, 0, "d1", 7, 0);
        assert_eq!(id.len(), 36);
        let parts: Vec<&str> = id.split('-').collect();
        assert_eq!(
            parts.iter().map(|part| part.len()).collect::<Vec<_>>(),
            [8, 4, 4, 4, 12]
        );
        assert!(parts[2].starts_with('8') && parts[3].starts_with(['8', '9', 'a', 'b']));
        for other in [
            key_id(2, 0, "d1", 7, 0),
            key_id(1, 1, "d1", 7, 0),
            key_id(1, 0, "d1", 8, 0),
            key_id(1, 0, "d1", 7, 1),
        ] {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn sums_connect_what_is_computable() {
        let hop = |number| Some(HopId(number));
        let mut life = Life {
            sums: vec![(None, hop(1)), (hop(1), hop(2)), (hop(4), hop(5))],
            ..Life::default()
        };
        assert!(life.leads_to_key(HopId(1)) && life.leads_to_key(HopId(2)));
        assert!(!life.leads_to_key(HopId(4)));
        life.sums.push((hop(2), hop(4)));
        assert!(life.leads_to_key(HopId(5)));
    }
}
