//! The vocabulary that all layers share: addresses, reference points, one message enum per layer, and what an
//! element may see and do (Y.3818 clauses 6 and 7).
//!
//! The layers' rooms never import one another; what they say to each other is said in the types of this room.
//! Key material occurs only in [`message::KeyManagementMessage`] and [`message::ServiceMessage`] (Kx, Kxi, Ak)
//! and, as amounts that arrive, in [`key_source`] (Kq-1): requirement S1 holds by type.

pub mod distances;
pub mod disturbance;
pub mod element;
pub mod hop;
pub mod key_source;
pub mod message;
pub mod observation;
pub mod outbox;
pub mod policy;
pub mod procedure;
pub mod protection;
pub mod provenance;
pub mod recovery;
pub mod reference_point;
pub mod surroundings;
pub mod tariff;

pub use disturbance::{Channel, Disturbance};
pub use element::{Address, ElementKind, Layer};
pub use hop::{Handover, Hop, Protection};
pub use key_source::{BlockRun, KeySource};
pub use message::{Envelope, Message, RequestId};
pub use observation::Observation;
pub use outbox::{Effect, Outbox, Timer};
pub use procedure::{Label, Procedure, Step};
pub use provenance::Provenance;
pub use recovery::{Detection, Heartbeat, Recovery, Unnoticed};
pub use reference_point::ReferencePoint;
