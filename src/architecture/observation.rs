//! What elements let observers see beside their messages. Observing changes nothing.

use super::message::{FailureCause, OtpKeys, RequestId, Subject, Tag};
use super::procedure::Label;
use crate::ids::{ControllerId, FaultId, HopId, LinkId, NodeId, PoolId, SessionId, StoreId};

/// Which end of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestEnd {
    /// The application that asked.
    Source,
    /// Its peer.
    Destination,
}

/// How far a session is (functional element FE-3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SessionState {
    /// Its route is being found.
    Open,
    /// Its route carries requests.
    Active,
    /// A report about its route is being looked at, or its route is being changed.
    Rerouting,
    /// A hop of its route makes no key and has none left, and there is no other: requests wait or fail.
    Suspended,
    /// Its last request has ended.
    Closed,
    /// There was no route for it, or it has lost the one that it had.
    Failed,
}

impl SessionState {
    /// The name in results.
    pub const fn name(self) -> &'static str {
        match self {
            SessionState::Open => "open",
            SessionState::Active => "active",
            SessionState::Rerouting => "rerouting",
            SessionState::Suspended => "suspended",
            SessionState::Closed => "closed",
            SessionState::Failed => "failed",
        }
    }
}

/// Instants of a reroute (t1 … t7 of the documentation of rerouting latency).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ReroutingInstant {
    /// t2: the deciding controller has the report.
    Reported,
    /// t3: decision to reroute.
    Decided,
    /// t4: path computed.
    Computed,
    /// t5: both sides' agreed switch instant.
    Coordinated,
    /// t6: a KM has received its command.
    Commanded,
    /// t7: a KM's route is active.
    Active,
}

/// What an element decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// Which border serves a destination's QKDN.
    Border,
    /// A session's route inside one QKDN, its border hop included.
    Route,
    /// Whether the keys that are known suffice (P12 step 4).
    Sufficiency,
    /// What a request finds at its source.
    Queue,
    /// A request waits.
    Wait,
    /// What a request waited for is there.
    Resume,
    /// A request may start: all have promised key.
    Admit,
    /// A request may not start.
    Refuse,
    /// A report touches a session's route.
    Analyse,
    /// A session's route is changed, kept, or given up.
    Reroute,
}

impl Choice {
    /// The name in `decisions.jsonl`.
    pub const fn name(self) -> &'static str {
        match self {
            Choice::Border => "border",
            Choice::Route => "route",
            Choice::Sufficiency => "sufficiency",
            Choice::Queue => "queue",
            Choice::Wait => "wait",
            Choice::Resume => "resume",
            Choice::Admit => "admit",
            Choice::Refuse => "refuse",
            Choice::Analyse => "analyse",
            Choice::Reroute => "reroute",
        }
    }
}

/// One way that could have been taken.
#[derive(Clone, PartialEq, Debug)]
pub struct Candidate {
    /// Its hops.
    pub hops: Box<[HopId]>,
    /// What it costs the one who decides.
    pub cost: f64,
    /// Unit of the cost, or of the width where more is better.
    pub unit: &'static str,
    /// Whether it was taken.
    pub chosen: bool,
    /// The hop that keeps it from being used, and the state of that hop.
    pub obstacle: Option<(HopId, &'static str)>,
}

/// The element that a decision is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecisionPlace {
    /// The KM of a node.
    Km(NodeId),
    /// A controller.
    Controller(ControllerId),
}

/// A decision, for those who ask why.
#[derive(Clone, PartialEq, Debug)]
pub struct Decision {
    /// What was decided.
    pub choice: Choice,
    /// About which session or request.
    pub subject: Subject,
    /// Why.
    pub reason: &'static str,
    /// The hop that it is about, if it is about one.
    pub hop: Option<HopId>,
    /// The element that it is about, if it is about one.
    pub place: Option<DecisionPlace>,
    /// Key that is needed, and key that is usable there \[bits\].
    pub bits: Option<[u64; 2]>,
    /// What there was to choose from.
    pub candidates: Vec<Candidate>,
}

impl Decision {
    /// A decision without particulars.
    pub fn new(choice: Choice, subject: Subject, reason: &'static str) -> Decision {
        Decision {
            choice,
            subject,
            reason,
            hop: None,
            place: None,
            bits: None,
            candidates: Vec::new(),
        }
    }

    /// About this hop.
    #[must_use]
    pub fn at_hop(mut self, hop: HopId) -> Decision {
        self.hop = Some(hop);
        self
    }

    /// About this KM.
    #[must_use]
    pub fn at(mut self, km: NodeId) -> Decision {
        self.place = Some(DecisionPlace::Km(km));
        self
    }

    /// About what this controller said.
    #[must_use]
    pub fn by(mut self, controller: ControllerId) -> Decision {
        self.place = Some(DecisionPlace::Controller(controller));
        self
    }

    /// With the key that is needed and the key that is usable \[bits\].
    #[must_use]
    pub fn bits(mut self, needed: u64, usable: u64) -> Decision {
        self.bits = Some([needed, usable]);
        self
    }

    /// With what there was to choose from.
    #[must_use]
    pub fn among(mut self, candidates: Vec<Candidate>) -> Decision {
        self.candidates = candidates;
        self
    }
}

/// What observers are told.
#[derive(Clone, Debug)]
pub enum Observation {
    /// An application sent a request.
    Requested {
        /// Which.
        request: RequestId,
        /// Amount \[bits\].
        bits: u64,
    },
    /// An application holds its keys.
    Supplied {
        /// Which request.
        request: RequestId,
        /// Which end.
        end: RequestEnd,
        /// Digest of the keys, where real bits flow.
        digest: Option<u64>,
    },
    /// The source KSA has ended a request without success.
    Failed {
        /// Which request.
        request: RequestId,
        /// Why.
        cause: FailureCause,
    },
    /// A request was refused for want of key and waits.
    Waits {
        /// Which request.
        request: RequestId,
        /// The KM that lacks key.
        km: NodeId,
    },
    /// A source KM finds by itself that its session's route does not answer any more, and begins anew with step 0a.
    BeginsAnew {
        /// Which session.
        session: SessionId,
    },
    /// A session that has begun anew has a route again.
    Renewed {
        /// Which session.
        session: SessionId,
    },
    /// A session has come to a state (functional element FE-3), as one of its deciding controllers sees it.
    Session {
        /// Which session.
        session: SessionId,
        /// Which state.
        state: SessionState,
        /// At which step of its procedure.
        label: Label,
        /// The fault behind it, where it is rerouted for one.
        fault: Option<FaultId>,
    },
    /// The source KM sends the first relay message of a request.
    RelayStarted {
        /// Which request.
        request: RequestId,
    },
    /// The destination KM holds the key.
    KeyHeld {
        /// Which request.
        request: RequestId,
    },
    /// One-time-pad key was spent for a request.
    Spent {
        /// Which request.
        request: RequestId,
        /// Over which hop.
        hop: HopId,
        /// Amount \[bits\]; 0 where the hop spends none.
        bits: u64,
    },
    /// A request was served from a pool.
    Drawn {
        /// Which request.
        request: RequestId,
        /// Which pool.
        pool: PoolId,
        /// The ids.
        keys: Box<OtpKeys>,
    },
    /// A message's authentication tag has spent key.
    Authenticated {
        /// From which store.
        store: StoreId,
        /// Amount \[bits\].
        bits: u64,
    },
    /// A message is not sent for want of key for its tag.
    Unsent {
        /// The store that lacks it.
        store: StoreId,
        /// The one-time-pad key that had been spent on it.
        pad: Option<Box<Tag>>,
    },
    /// A look at a module moved QKD-keys to the KMA (Kq-1).
    KeysDelivered {
        /// Into which store.
        store: StoreId,
        /// Over which link, if over one.
        link: Option<LinkId>,
        /// Amount \[bits\].
        bits: u64,
    },
    /// The usable level of a store has changed.
    Level {
        /// Which store.
        store: StoreId,
        /// Usable \[bits\].
        usable: u64,
    },
    /// A step inside an element (its text is for people).
    Internal {
        /// Which procedure and step.
        label: Label,
        /// About which session or request.
        subject: Subject,
        /// What happens.
        note: &'static str,
    },
    /// Something was decided. Only where it is asked for: see [`Outbox::explain`](super::Outbox::explain).
    Decided(Box<Decision>),
    /// An element declares a fault (t1).
    Declared {
        /// Which fault.
        fault: FaultId,
    },
    /// One instant of a reroute.
    Rerouting {
        /// Which fault.
        fault: FaultId,
        /// Of which session.
        session: SessionId,
        /// Which instant.
        instant: ReroutingInstant,
        /// Whose command a KM speaks of, where it knows; a controller speaks of its own decision.
        decider: Option<ControllerId>,
    },
    /// A controller commands a session's new route, right after its switch instant (t5).
    Commands {
        /// Which fault.
        fault: FaultId,
        /// Which session.
        session: SessionId,
        /// How many KMs are told.
        kms: u32,
        /// Whether the session is given back to its source instead: that KM alone is told.
        gives_back: bool,
    },
    /// The records of two providers about one supply differ (S4).
    Disputed {
        /// Which request.
        request: RequestId,
    },
    /// Something that must not be: the run is not to be trusted.
    Finding {
        /// What.
        what: &'static str,
        /// Where.
        store: Option<StoreId>,
    },
}
