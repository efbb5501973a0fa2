//! What a machine may do: send, ask to be woken, and let itself be observed. Nothing else leaves an element.

use super::element::Address;
use super::message::{Envelope, Message};
use super::observation::{Decision, Observation};
use super::procedure::Label;
use crate::ids::{PoolId, SessionId, StoreId};
use crate::kernel::Time;

/// Why an element asked to be woken. A timer that is no longer wanted finds nothing to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timer {
    /// An application's next request.
    NextRequest(SessionId),
    /// The source KM's earliest open deadline of a session.
    RequestDeadline(SessionId),
    /// Key that something waits for, or a level worth reporting, may have come to a store.
    StoreNotice(StoreId),
    /// A pool's refills may be tried again.
    PoolRetry(PoolId),
    /// No application asks any more: what is not needed of a pool is over.
    PoolEnd(PoolId),
    /// The earliest deadline of the relays to which a KM has sent its part, and whose end it has not heard of.
    PartDeadline,
    /// The earliest deadline of the requests whose transferred keys a KM stores.
    KeyDataDeadline,
    /// A controller's next poll for status.
    Poll,
    /// A controller waits no longer for the answers of this round of polling.
    PollOver(u32),
    /// A controller says anew how its hops do.
    Refresh,
    /// A controller tells its neighbours all of its distances.
    Vectors,
    /// A controller tells its neighbours which distances have changed since the last time.
    VectorChanges,
    /// A controller has analysed a report about a session.
    Analysed(SessionId),
    /// A controller has computed a new route for a session.
    Computed(SessionId),
    /// The other side's answer about a session's border is late.
    Coordination(SessionId),
    /// The instant at which both sides change a session's border.
    Switch(SessionId),
    /// A controller has waited whether a failure on a session's path goes away.
    HeldOff(SessionId),
    /// The other side has had time to come to the same border as this one.
    AskAgain(SessionId),
    /// What works again has worked for long enough to be told.
    Restored,
    /// A KM has installed a session's new route.
    Installed(SessionId),
    /// A manager's periodic report is due.
    ProviderReport,
    /// A module declares what has happened to its link.
    Detection,
    /// A module's periodic report of how its link does.
    LinkReport,
}

/// One thing that a machine wants done.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Send a message.
    Send(Envelope),
    /// Wake this element.
    Wake {
        /// When.
        at: Time,
        /// Why.
        timer: Timer,
    },
    /// Tell the observers.
    Observe(Observation),
}

/// Where a machine puts what it wants done; one is reused for all.
#[derive(Debug)]
pub struct Outbox {
    me: Address,
    effects: Vec<Effect>,
    /// Whether someone asks why.
    explains: bool,
}

impl Outbox {
    /// An empty outbox of an element.
    pub fn new(me: Address) -> Outbox {
        Outbox {
            me,
            effects: Vec::new(),
            explains: false,
        }
    }

    /// An empty outbox that takes decisions too.
    #[must_use]
    pub fn explaining(self, explains: bool) -> Outbox {
        Outbox { explains, ..self }
    }

    /// Hands the outbox to another element.
    pub fn address_to(&mut self, me: Address) {
        debug_assert!(self.effects.is_empty(), "an outbox changes hands empty");
        self.me = me;
    }

    /// Whose outbox it is.
    pub fn me(&self) -> Address {
        self.me
    }

    /// Sends from this element.
    pub fn send(&mut self, to: Address, label: Label, message: impl Into<Message>) {
        let from = self.me;
        self.effects.push(Effect::Send(Envelope {
            from,
            to,
            label,
            message: message.into(),
            tag: None,
        }));
    }

    /// Sends from another part of this element (a KM's KSA beside its KMA).
    pub fn send_as(&mut self, from: Address, to: Address, label: Label, message: impl Into<Message>) {
        debug_assert!(from.is_same_element(self.me));
        self.effects.push(Effect::Send(Envelope {
            from,
            to,
            label,
            message: message.into(),
            tag: None,
        }));
    }

    /// Asks to be woken.
    pub fn wake(&mut self, at: Time, timer: Timer) {
        self.effects.push(Effect::Wake { at, timer });
    }

    /// Tells the observers.
    pub fn observe(&mut self, observation: Observation) {
        self.effects.push(Effect::Observe(observation));
    }

    /// Says why, if someone asks. Where nobody does, the decision is not even put into words; in a build without the
    /// feature `trace`, nothing of this is left.
    #[inline]
    pub fn explain(&mut self, decision: impl FnOnce() -> Decision) {
        if cfg!(feature = "trace") && self.explains {
            self.observe(Observation::Decided(Box::new(decision())));
        }
    }

    /// Lets something be seen that only a trace shows: nothing is even put together where there is none.
    #[inline]
    pub fn trace(&mut self, observation: impl FnOnce() -> Observation) {
        if cfg!(feature = "trace") && self.explains {
            self.observe(observation());
        }
    }

    /// The first message that a predicate finds among what has been put in.
    pub fn find_sent(&mut self, wanted: impl Fn(&Envelope) -> bool) -> Option<&mut Envelope> {
        self.effects.iter_mut().find_map(|effect| match effect {
            Effect::Send(envelope) if wanted(envelope) => Some(envelope),
            _ => None,
        })
    }

    /// Takes back the first message that a predicate finds.
    pub fn take_back(&mut self, wanted: impl Fn(&Envelope) -> bool) -> Option<Envelope> {
        let found = |effect: &Effect| matches!(effect, Effect::Send(envelope) if wanted(envelope));
        let at = self.effects.iter().position(found)?;
        match self.effects.remove(at) {
            Effect::Send(envelope) => Some(envelope),
            Effect::Wake { .. } | Effect::Observe(_) => unreachable!("a message was found"),
        }
    }

    /// What was put in, in order; the outbox is empty afterwards. [`reuse`](Self::reuse) gives the memory back.
    pub fn take(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Gives back memory that was taken with the effects.
    pub fn reuse(&mut self, effects: Vec<Effect>) {
        debug_assert!(effects.is_empty() && self.effects.is_empty());
        self.effects = effects;
    }

    /// What has been put in so far.
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }
}
