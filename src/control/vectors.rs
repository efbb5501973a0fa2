//! Distance vectors: the baseline of distributed routing, exchanged over Cx instead of floods.
//!
//! A controller hears the state of its own hops (Cq, Ck) and, from each neighbour, how many hops that one is from every node.
//! Its own distance is the least of theirs over a hop that makes key, plus one. What changes is told to the neighbours at once
//! (triggered updates), but what changes within a pause after that together at its end (RFC 2453, 3.10.1): updates that chase
//! each other round circles would else double at every node. All of it is told with a period. To the neighbour over which a
//! node is reached it is said to be unreachable (split horizon with poisoned reverse). Distances count no farther than
//! *infinity*, which is where counting to infinity
//! ends: after a failure that parts the network, three or more nodes in a circle raise each other's distances step by step.
//!
//! KMs are told all hops of a route at once, so a next hop is not enough: each entry also names the last hop to the node, as
//! path-finding algorithms do (Cheng, Riley, Kumar, Garcia-Luna-Aceves 1989, as remembered). A path is read backwards from
//! its end, hop by hop; while tables disagree there may be none, and requests fail with "no route".
//!
//! Assumption: a QKDN starts with tables that agree; the neighbours' controllers are those of nodes joined by a link, heard or
//! lost as hops' states say; links are used both ways, so a path to a node is one from it too. A hop that makes no key is not
//! used, even if it has some left. Of the states of hops only those of the borders are flooded, as routes to the outside;
//! levels are not. A session whose route became longer than it was has lost a hop; one whose border fails is given back to its
//! source, since only controllers at the ends of a path can read it.

use std::collections::{BTreeMap, BTreeSet};

use super::controller::Controller;
use super::knowledge::HopState;
use super::routing::VectorExchange;
use crate::architecture::message::{ControlMessage, StatusChange, VectorEntry, VectorUpdate};
use crate::architecture::surroundings::{ControllerSurroundings, Domain};
use crate::architecture::{Address, Hop, Label, Outbox, Step, Timer};
use crate::ids::{ControllerId, FaultId, HopId, NodeId};
use crate::kernel::Time;

/// A neighbour, over one hop.
#[derive(Clone, Copy, Debug)]
struct Neighbour {
    node: NodeId,
    controller: ControllerId,
    /// The hop there, and the one back.
    hops: [HopId; 2],
}

/// The way to a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Reached {
    metric: u16,
    /// The neighbour that it leads over.
    over: NodeId,
    /// The hop into the node.
    last: HopId,
}

/// What a controller knows by distance vectors.
#[derive(Clone, Debug)]
pub struct Vectors {
    exchange: VectorExchange,
    me: NodeId,
    neighbours: Vec<Neighbour>,
    /// What each neighbour said last of each node.
    heard: BTreeMap<(NodeId, NodeId), (u16, HopId)>,
    /// Nodes that are reached.
    table: BTreeMap<NodeId, Reached>,
    /// The fault behind the last bad news.
    fault: Option<FaultId>,
    /// Until when changes wait.
    quiet_until: Time,
    /// Nodes whose distances have changed since, and the fault behind that.
    waiting: (BTreeSet<NodeId>, Option<FaultId>),
}

impl Vectors {
    /// What a controller of one node knows at the start; `None` where one serves several: it has nobody to tell.
    pub(super) fn new(surroundings: &ControllerSurroundings, exchange: VectorExchange) -> Option<Vectors> {
        let [me] = surroundings.kms[..] else {
            return None;
        };
        let domain = &surroundings.domain;
        let mut neighbours: Vec<Neighbour> = hops_from(domain, me)
            .filter_map(|hop| {
                let back = hops_from(domain, hop.to).filter(|back| back.to == me && back.link == hop.link);
                Some(Neighbour {
                    node: hop.to,
                    controller: domain.controller_of[&hop.to],
                    hops: [hop.id, back.map(|back| back.id).min()?],
                })
            })
            .collect();
        neighbours.sort_by_key(|neighbour| neighbour.hops[0]);
        let mut vectors = Vectors {
            exchange,
            me,
            neighbours,
            heard: BTreeMap::new(),
            table: BTreeMap::new(),
            fault: None,
            quiet_until: Time::ZERO,
            waiting: Default::default(),
        };
        vectors.provision(domain);
        Some(vectors)
    }

    /// What neighbours would have said once all agree.
    fn provision(&mut self, domain: &Domain) {
        let nodes: Vec<NodeId> = domain.graph.node_weights().copied().collect();
        for &goal in &nodes {
            let distance = domain.distances.to(
                &domain.graph,
                domain.index[&goal],
                crate::architecture::distances::Weight::Hops,
            );
            // Of the neighbours that are nearest to the goal, the one over the first hop.
            let next = |at: NodeId| -> Option<&Hop> {
                let left = distance[domain.index[&at].index()];
                let nearer =
                    hops_from(domain, at).filter(|hop| distance[domain.index[&hop.to].index()] < left);
                nearer.min_by_key(|hop| (distance[domain.index[&hop.to].index()], hop.id))
            };
            for neighbour in self.neighbours.clone() {
                let (mut at, mut metric, mut last) = (neighbour.node, 0_u16, neighbour.hops[0]);
                let first = next(at);
                while at != goal {
                    let Some(hop) = next(at).filter(|_| metric < self.exchange.infinity) else {
                        metric = self.exchange.infinity;
                        break;
                    };
                    (at, metric, last) = (hop.to, metric + 1, hop.id);
                }
                let poisoned = goal != neighbour.node && first.is_some_and(|hop| hop.to == self.me);
                if !poisoned && metric < self.exchange.infinity {
                    self.heard.insert((neighbour.node, goal), (metric, last));
                }
            }
        }
        self.compute(&nodes, |_| true);
    }

    /// Finds distances to these nodes anew; those that are other than before.
    fn compute(&mut self, nodes: &[NodeId], makes_key: impl Fn(HopId) -> bool) -> Vec<NodeId> {
        let usable: Vec<Neighbour> = (self.neighbours.iter().copied())
            .filter(|neighbour| neighbour.hops.iter().all(|&hop| makes_key(hop)))
            .collect();
        let mut changed = Vec::new();
        for &node in nodes.iter().filter(|&&node| node != self.me) {
            let through = usable.iter().filter_map(|neighbour| {
                let (metric, last) = if neighbour.node == node {
                    (0, neighbour.hops[0])
                } else {
                    *self.heard.get(&(neighbour.node, node))?
                };
                let metric = metric.saturating_add(1);
                let over = neighbour.node;
                (metric < self.exchange.infinity).then_some((
                    metric,
                    neighbour.hops[0],
                    Reached { metric, over, last },
                ))
            });
            let best = through.min_by_key(|&(metric, hop, _)| (metric, hop));
            let best = best.map(|(_, _, reached)| reached);
            if self.table.get(&node).copied() != best {
                changed.push(node);
                match best {
                    Some(reached) => self.table.insert(node, reached),
                    None => self.table.remove(&node),
                };
            }
        }
        changed
    }

    /// What a neighbour is told of these nodes.
    fn entries(&self, nodes: impl Iterator<Item = NodeId>, to: NodeId) -> Box<[VectorEntry]> {
        let entry = |node: NodeId| {
            let reached = self.table.get(&node).filter(|reached| reached.over != to);
            VectorEntry {
                node,
                metric: reached.map_or(self.exchange.infinity, |reached| reached.metric),
                last: reached.map(|reached| reached.last),
            }
        };
        nodes.filter(|node| *node != to).map(entry).collect()
    }

    /// How far a node is.
    fn metric(&self, node: NodeId) -> Option<usize> {
        if node == self.me {
            return Some(0);
        }
        self.table.get(&node).map(|reached| usize::from(reached.metric))
    }

    /// The path between two nodes of which this one is one, as the table has it.
    pub fn path(&self, domain: &Domain, from: NodeId, to: NodeId) -> Option<Vec<HopId>> {
        let (other, backwards) = match () {
            () if from == self.me => (to, false),
            () if to == self.me => (from, true),
            () => return None, // others' distances from one another are not known
        };
        let (mut at, mut left, mut path) = (other, self.metric(other)?, Vec::new());
        while at != self.me {
            let reached = self.table.get(&at)?;
            if usize::from(reached.metric) != left {
                return None; // the tables do not agree yet
            }
            let hop = &domain.hops[&reached.last];
            path.push(if backwards { back(domain, hop)? } else { hop.id });
            (at, left) = (hop.from, left.checked_sub(1)?);
        }
        if !backwards {
            path.reverse();
        }
        Some(path)
    }

    /// The first hop of a path, seen from here, beyond which nodes are farther than they were.
    fn lost_hop(&self, domain: &Domain, path: &[HopId]) -> Option<HopId> {
        let hops = || path.iter().map(|hop| &domain.hops[hop]);
        let farther = |node, distance| self.metric(node).is_none_or(|metric| metric > distance);
        let found = if path
            .first()
            .is_some_and(|first| domain.hops[first].from == self.me)
        {
            hops().zip(1..).find(|(hop, distance)| farther(hop.to, *distance))
        } else {
            hops()
                .rev()
                .zip(1..)
                .find(|(hop, distance)| farther(hop.from, *distance))
        };
        found.map(|(hop, _)| hop.id)
    }
}

fn hops_from(domain: &Domain, node: NodeId) -> impl Iterator<Item = &Hop> {
    domain.graph.edges(domain.index[&node]).map(|edge| edge.weight())
}

/// The hop the other way over the same link.
fn back(domain: &Domain, hop: &Hop) -> Option<HopId> {
    let all = hops_from(domain, hop.to).filter(|back| back.to == hop.from && back.link == hop.link);
    all.map(|back| back.id).min()
}

impl Controller {
    /// The start of the run: the first of the periodic updates.
    pub(super) fn arm_vectors(&self, now: Time, out: &mut Outbox) {
        if let Some(vectors) = &self.vectors {
            let period = vectors.exchange.period;
            out.wake(
                now + super::link_state::place_in(period, self.me()),
                Timer::Vectors,
            );
        }
    }

    /// All distances are told.
    pub(super) fn on_vectors_due(&mut self, now: Time, out: &mut Outbox) {
        let Some(vectors) = &mut self.vectors else { return };
        // With all distances go those that have changed, and the fault behind them.
        let (_, fault) = std::mem::take(&mut vectors.waiting);
        out.wake(now + vectors.exchange.period, Timer::Vectors);
        let nodes: Vec<NodeId> = self.surroundings.domain.graph.node_weights().copied().collect();
        self.tell_distances(&nodes, fault, out);
    }

    /// These distances have changed.
    fn tell_change(&mut self, nodes: &[NodeId], fault: Option<FaultId>, now: Time, out: &mut Outbox) {
        let Some(vectors) = &mut self.vectors else { return };
        let (waiting, behind) = &mut vectors.waiting;
        if now < vectors.quiet_until && waiting.is_empty() {
            out.wake(vectors.quiet_until, Timer::VectorChanges);
        }
        waiting.extend(nodes);
        *behind = fault.or(*behind);
        self.on_changes_due(now, out);
    }

    /// What has waited is told, unless there was another update meanwhile.
    pub(super) fn on_changes_due(&mut self, now: Time, out: &mut Outbox) {
        let Some(vectors) = &mut self.vectors else { return };
        if now < vectors.quiet_until || vectors.waiting.0.is_empty() {
            return;
        }
        vectors.quiet_until = now + vectors.exchange.pause;
        let (nodes, fault) = std::mem::take(&mut vectors.waiting);
        let nodes: Vec<NodeId> = nodes.into_iter().collect();
        self.tell_distances(&nodes, fault, out);
    }

    fn tell_distances(&self, nodes: &[NodeId], fault: Option<FaultId>, out: &mut Outbox) {
        let Some(vectors) = &self.vectors else { return };
        let label = Label::new(self.surroundings.parameters.rerouting, Step::StatusReport);
        let mut told = Vec::new();
        for neighbour in &vectors.neighbours {
            if told.contains(&neighbour.node) {
                continue; // several links to it
            }
            told.push(neighbour.node);
            let update = VectorUpdate {
                from: vectors.me,
                entries: vectors.entries(nodes.iter().copied(), neighbour.node),
                fault,
            };
            let to = Address::controller(neighbour.controller);
            out.send(to, label, ControlMessage::Vector(Box::new(update)));
        }
    }

    /// The state of a hop has changed: what that means for distances.
    pub(super) fn vectors_after(
        &mut self,
        change: StatusChange,
        fault: Option<FaultId>,
        now: Time,
        out: &mut Outbox,
    ) {
        let domain = std::sync::Arc::clone(&self.surroundings.domain);
        let Some(vectors) = &self.vectors else { return };
        let touches = |hop: &HopId| change.touches(&domain.hops[hop]);
        if !vectors
            .neighbours
            .iter()
            .any(|neighbour| neighbour.hops.iter().any(touches))
        {
            return;
        }
        let nodes: Vec<NodeId> = domain.graph.node_weights().copied().collect();
        self.find_distances(&nodes, fault, now, out);
    }

    /// A neighbour says how far it is from some nodes.
    pub(super) fn on_vector(&mut self, update: &VectorUpdate, now: Time, out: &mut Outbox) {
        let Some(vectors) = &mut self.vectors else { return };
        for entry in &update.entries {
            let about = (update.from, entry.node);
            match entry.last {
                Some(last) if entry.metric < vectors.exchange.infinity => {
                    vectors.heard.insert(about, (entry.metric, last));
                }
                _ => {
                    vectors.heard.remove(&about);
                }
            }
        }
        let nodes: Vec<NodeId> = update.entries.iter().map(|entry| entry.node).collect();
        self.find_distances(&nodes, update.fault, now, out);
    }

    fn find_distances(&mut self, nodes: &[NodeId], fault: Option<FaultId>, now: Time, out: &mut Outbox) {
        let Some(mut vectors) = self.vectors.take() else {
            return;
        };
        let domain = std::sync::Arc::clone(&self.surroundings.domain);
        let makes_key = |hop: HopId| self.knowledge.state(&domain.hops[&hop], &domain) == HopState::Active;
        let changed = vectors.compute(nodes, makes_key);
        vectors.fault = fault.or(vectors.fault);
        self.vectors = Some(vectors);
        if changed.is_empty() {
            return;
        }
        self.tell_change(&changed, fault, now, out);
        let sessions: Vec<_> = self.segments.keys().copied().collect();
        for session in sessions {
            if self.lost_by_vectors(session).is_some() {
                self.reconsider(session, now, out);
            }
        }
    }

    /// The hop that a session's route has lost, as distances tell.
    pub(super) fn lost_by_vectors(&self, session: crate::ids::SessionId) -> Option<HopId> {
        let vectors = self.vectors.as_ref()?;
        let path = &self.segments[&session].path;
        let inside: Vec<HopId> = (path.iter().copied())
            .filter(|&hop| !self.hop(hop).crosses_border)
            .collect();
        vectors.lost_hop(&self.surroundings.domain, &inside)
    }

    /// Whether a session's border fails while another that leads on makes key. Distances of others from there are not known
    /// here, so it cannot be proposed; the source's controller knows its own.
    pub(super) fn source_may_know_a_border(&self, session: crate::ids::SessionId) -> bool {
        let segment = &self.segments[&session];
        let Some(after) = segment.place.after.as_ref().filter(|_| self.vectors.is_some()) else {
            return false;
        };
        let domain = &self.surroundings.domain;
        let makes_key = |hop: &Hop| self.knowledge.state(hop, domain) == HopState::Active;
        let fails = self.own_hop(after).is_some_and(|hop| !makes_key(hop));
        fails
            && self.view(|view| {
                let mut others = view
                    .borders
                    .iter()
                    .filter(|it| it.boundary != after.border.boundary);
                others
                    .any(|it| makes_key(&it.hop) && view.leads(it, segment.place.destination, &[]).is_some())
            })
    }

    /// The fault behind what distances told.
    pub(super) fn fault_by_vectors(&self) -> Option<FaultId> {
        self.vectors.as_ref()?.fault
    }

    /// Whether a change is flooded to all: with distance vectors, only what concerns the borders.
    pub(super) fn floods(&self, change: StatusChange) -> bool {
        let mut borders = self.surroundings.borders.iter();
        self.vectors.is_none() || borders.any(|border| change.touches(&border.hop))
    }
}
