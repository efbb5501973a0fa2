//! How the world carries messages: propagation, cuts of the data network, and the [carrier](crate::network::carrier)
//! where a channel can lose, double or reorder.

use super::{Event, World};
use crate::architecture::message::KeyManagementMessage;
use crate::architecture::{Address, ElementKind, Envelope, Message};
use crate::ids::ControllerId;
use crate::kernel::{EventQueue, Span, Time};
use crate::key_management::kma::Context;
use crate::network::carrier::sender::Overdue;
use crate::network::carrier::{Counts, Packet, Service};
use crate::observe::Observer;

impl<O: Observer, Q: EventQueue<Event>> World<O, Q> {
    pub(super) fn send(&mut self, envelope: Envelope, now: Time) {
        let internal = envelope.from.is_same_element(envelope.to);
        self.observer.sent(now, &envelope, internal);
        if internal {
            self.internal.push_back(envelope);
            return;
        }
        let (from, to) = (envelope.from, envelope.to);
        let Some(delay) = self.delay(from, to) else {
            self.lost += 1;
            return;
        };
        let service = match &self.carrier {
            None => Service::Plain(Span::ZERO),
            Some(carrier) => carrier.service(from.kind(), to.kind()),
        };
        match service {
            Service::Plain(more) => {
                let more = more + self.transfer(&envelope, now);
                let slot = self.put(envelope);
                self.simulation
                    .schedule(now + delay + more, Event::Arrive { slot });
            }
            Service::Line => {
                let line = self.line(from, to);
                let sequence = self.lines().take(line, envelope);
                self.transmit(line, sequence, now);
            }
        }
    }

    /// Keeps a message until its receiver takes it.
    pub(super) fn put(&mut self, envelope: Envelope) -> u32 {
        match self.free.pop() {
            Some(slot) => {
                self.envelopes[slot as usize] = Some(envelope);
                slot
            }
            None => {
                self.envelopes.push(Some(envelope));
                (self.envelopes.len() - 1) as u32
            }
        }
    }

    /// Propagation between two elements; `None` if nothing joins them.
    fn delay(&self, from: Address, to: Address) -> Option<Span> {
        let nodes = (self.node_of(from), self.node_of(to));
        let ak = ElementKind::Application;
        if from.kind() == ak || to.kind() == ak {
            Some(self.plan.delays.ak)
        } else if nodes.0 == nodes.1 {
            Some(self.plan.delays.local)
        } else {
            self.plan.data_network.delay(nodes.0, nodes.1)
        }
    }

    /// How long it takes until a key is transferred over a hop that takes its time, behind those before it.
    fn transfer(&mut self, envelope: &Envelope, now: Time) -> Span {
        let Message::KeyManagement(KeyManagementMessage::KeyRelay { hop, key, .. }) = &envelope.message
        else {
            return Span::ZERO;
        };
        let Some(&rate) = self.plan.transfer_rates.get(hop) else {
            return Span::ZERO;
        };
        let takes = (u128::from(key.bits) * 1_000_000_000).div_ceil(u128::from(rate.max(1)));
        let begins = self.transferring.get(hop).copied().unwrap_or(now).max(now);
        let over = begins + Span(u64::try_from(takes).unwrap_or(u64::MAX / 2));
        self.transferring.insert(*hop, over);
        over.since(now)
    }

    /// Whether what one element sends does not get through to the other: its way is cut, or one of them is down.
    fn is_cut(&self, from: Address, to: Address) -> bool {
        let nodes = (self.node_of(from), self.node_of(to));
        self.outages.separates(&self.plan, (from, to), nodes)
    }

    fn lines(&mut self) -> &mut crate::network::carrier::Carrier {
        self.carrier
            .as_mut()
            .expect("there are lines only where there is a carrier")
    }

    fn line(&mut self, from: Address, to: Address) -> u32 {
        let carrier = self.carrier.as_mut().expect("the caller has asked it");
        carrier.line(from, to, |element| self.plan.name_of(element))
    }

    /// The drain loses nothing.
    fn drains(&self, now: Time) -> bool {
        now > self.plan.end()
    }

    fn transmit(&mut self, line: u32, sequence: u32, now: Time) {
        let transmission = self.lines().transmit(line, sequence);
        if let (Some(envelope), true) = (&transmission.envelope, transmission.attempt > 1) {
            self.observer.repeated(now, envelope, transmission.attempt);
        }
        let envelope = transmission.envelope;
        let data = Packet::Data {
            line,
            sequence,
            envelope,
        };
        self.propagate(line, &data, now);
        self.simulation
            .schedule(now + transmission.wait, Event::Overdue { line, sequence });
    }

    /// Sets out what of one transmission arrives.
    fn propagate(&mut self, line: u32, packet: &Packet, now: Time) {
        let (from, to) = self.lines().ends(line);
        let (cut, loses) = (self.is_cut(from, to), !self.drains(now));
        let mut delay = self.delay(from, to).expect("a line joins its ends");
        if let Packet::Data {
            envelope: Some(envelope),
            ..
        } = packet
        {
            delay += self.transfer(envelope, now);
        }
        for more in self.lines().copies(line, cut, loses).into_iter().flatten() {
            let slot = match self.free_packets.pop() {
                Some(slot) => {
                    self.packets[slot as usize] = Some(packet.clone());
                    slot
                }
                None => {
                    self.packets.push(Some(packet.clone()));
                    (self.packets.len() - 1) as u32
                }
            };
            self.simulation
                .schedule(now + delay + more, Event::Packet { slot });
        }
    }

    pub(super) fn on_packet(&mut self, slot: u32, now: Time) {
        let packet = self.packets[slot as usize]
            .take()
            .expect("a packet on its way is there");
        self.free_packets.push(slot);
        match packet {
            Packet::Data {
                line,
                sequence,
                envelope,
            } => {
                // It was on its way when its receiver went out of service.
                let (_, to) = self.lines().ends(line);
                if self.outages.is_down(to) {
                    return;
                }
                // What finds a full queue is not acknowledged, so that it is sent again.
                if envelope.is_some() && self.finds_no_room(to, now) {
                    return;
                }
                let mut due = Vec::new();
                self.lines().on_data(line, sequence, envelope, &mut due);
                let (from, to) = self.lines().ends(line);
                let back = self.line(to, from);
                self.propagate(back, &Packet::Acknowledgement { line, sequence }, now);
                for envelope in due {
                    let slot = self.put(envelope);
                    self.arrive(slot, now);
                }
            }
            Packet::Acknowledgement { line, sequence } => {
                for sequence in self.lines().on_acknowledgement(line, sequence) {
                    self.transmit(line, sequence, now);
                }
            }
        }
    }

    pub(super) fn on_overdue(&mut self, line: u32, sequence: u32, now: Time) {
        // Who is out of service gives nothing up.
        let (from, _) = self.lines().ends(line);
        let holds = self.drains(now) || self.outages.is_down(from);
        match self.lines().on_overdue(line, sequence, holds) {
            Overdue::Nothing => {}
            Overdue::Again => self.transmit(line, sequence, now),
            Overdue::GivenUp(envelope) => {
                self.transmit(line, sequence, now);
                self.give_up(envelope, now);
            }
        }
    }

    /// Tells the sender of a message that it was given up.
    fn give_up(&mut self, envelope: Envelope, now: Time) {
        let from = envelope.from;
        match from.kind() {
            ElementKind::Kma | ElementKind::Ksa => {
                self.out.address_to(Address::kma(from.node()));
                let mut cx = Context {
                    now,
                    sources: &mut self.quantum,
                };
                self.key_managers[from.node()].on_undelivered(envelope, &mut cx, &mut self.out);
            }
            ElementKind::Controller => {
                self.out.address_to(from);
                self.controllers[ControllerId(from.index())].on_undelivered(&envelope, &mut self.out);
            }
            ElementKind::Application
            | ElementKind::QkdModule
            | ElementKind::Manager
            | ElementKind::UserNetworkManager => {
                unreachable!("nothing that they send is given up")
            }
        }
        self.flush(now);
    }

    /// What the carrier did, if there is one.
    pub fn carried(&self) -> Option<Counts> {
        self.carrier.as_ref().map(|carrier| carrier.counts)
    }
}
