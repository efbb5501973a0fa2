//! The networks and how they are joined.

use serde_json::{Value, json};

use super::provider::{Policy, Tariff};

use crate::catalogue::{Book, Decoder, Described, Node, choice, names, record};
use crate::kernel::time::Span;
use crate::units::{BitRate, Bits, Decibels, DecibelsPerKm, Fraction, Metres};

use super::generation::{Channel, Generation, quantum_channel};
use super::link_model::LinkModel;

/// The id of something: letters, digits, `-`, `_` and `+`, so that it can stand in paths and references.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(pub String);

impl Name {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<String> for Name {
    fn eq(&self, other: &String) -> bool {
        self.0 == *other
    }
}

impl Described for Name {
    fn decode(node: &Node, decoder: &mut Decoder) -> Self {
        let name = String::decode(node, decoder);
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '+');
        if node.text().is_some() && (name.is_empty() || !name.chars().all(fits)) {
            decoder.error(
                "bad_id",
                node.origin,
                format!("\"{name}\" cannot be an id"),
                Some("use letters, digits, \"-\", \"_\" and \"+\" only".to_owned()),
            );
        }
        Name(name)
    }

    fn stand_in() -> Self {
        Name(String::new())
    }

    fn encode(&self) -> Value {
        json!(self.0)
    }

    fn schema(_: &mut Book) -> Value {
        json!({ "type": "string", "minLength": 1, "pattern": "^[^\\s./:=,\"\\[\\]]+$" })
    }
}

/// A node of a QKDN, written "QKDN/NODE"; in the data network also the side of an IWN, "BOUNDARY/QKDN".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The QKDN's id.
    pub qkdn: String,
    /// The node's id in it.
    pub node: String,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.qkdn, self.node)
    }
}

impl Described for Place {
    fn decode(node: &Node, decoder: &mut Decoder) -> Self {
        let text = String::decode(node, decoder);
        if let Some((qkdn, name)) = text.split_once('/') {
            return Place {
                qkdn: qkdn.to_owned(),
                node: name.to_owned(),
            };
        }
        if node.text().is_some() {
            decoder.error(
                "bad_reference",
                node.origin,
                format!("\"{text}\" does not say which QKDN the node is in"),
                Some(format!("write \"QKDN/{text}\"")),
            );
        }
        Self::stand_in()
    }

    fn stand_in() -> Self {
        Place {
            qkdn: String::new(),
            node: String::new(),
        }
    }

    fn encode(&self) -> Value {
        json!(self.to_string())
    }

    fn schema(_: &mut Book) -> Value {
        json!({ "type": "string", "pattern": "^[^/]+/[^/]+$", "examples": ["QKDN/NODE"] })
    }
}

names! {
    /// Who controls a QKDN.
    pub enum Control ("kind of control") {
        /// A controller in every node.
        distributed => Distributed,
        /// One controller for the whole QKDN.
        centralized => Centralized,
    }
}

record! {
    /// Nothing to set.
    pub struct Nothing {}
}

choice! {
    /// How a QKDN computes key relay routes.
    pub enum Routing ("routing algorithm") {
        /// The route with the fewest hops.
        fewest_hops => FewestHops(Nothing),
        /// The route with the least fibre.
        shortest_length => ShortestLength(Nothing),
        /// The route that keys pass soonest in an idle network: data network's ways and processing times.
        least_delay => LeastDelay(Nothing),
        /// The route with the least sum of 1 + reference / (usable key + key rate x horizon), by what is known of stores.
        key_aware => KeyAware(KeyAware),
        /// The route whose slowest link is fastest, by provisioned key rate; among those the one with the fewest hops.
        widest => Widest(Nothing),
        /// Of the routes with the fewest hops the one whose slowest link is fastest.
        widest_shortest => WidestShortest(Nothing),
        /// Of the k shortest routes the first with enough key for the request on every hop, by what is known (Yen).
        k_shortest => KShortest(KShortest),
        /// Greedy by places and link quality, with recovery by the right-hand rule (GPSRQ); needs "lon" and "lat" of nodes.
        gpsrq => Gpsrq(Gpsrq),
        /// The route with the fewest hops by distance vectors that controllers exchange over Cx; needs distributed control.
        distance_vector => DistanceVector(DistanceVector),
    }
}

record! {
    /// How much a hop's want of key counts.
    pub struct KeyAware {
        /// Key on a hop within the horizon with which it counts as two hops. Assumption: 1 Mbit.
        reference: Bits = Bits(1_000_000),
        /// How far ahead a link's key rate counts. Assumption: 10 s.
        horizon: Span = Span::from_seconds(10),
    }
}

record! {
    /// How controllers exchange distances.
    pub struct DistanceVector {
        /// How often each tells its neighbours all of them; changes are told at once. Assumption: 30 s, as RIP does.
        period: Span = Span::from_seconds(30),
        /// How long after telling a change each waits with the next: what changes meanwhile is told together. Assumption: 1 s,
        /// the least that RIP allows.
        pause: Span = Span::from_seconds(1),
        /// The distance that counts as unreachable, 2 to 65535 hops. Assumption: 64.
        infinity: u32 = 64,
    }
}

record! {
    /// Which routes are looked at.
    pub struct KShortest {
        /// How many, 1 to 64. Assumption: 4.
        k: u32 = 4,
        /// What is short.
        by: ShortBy = ShortBy::Hops,
    }
}

names! {
    /// What makes a route short.
    pub enum ShortBy ("measure of a route") {
        /// Few hops.
        hops => Hops,
        /// Little fibre.
        length => Length,
        /// Little delay: data network's ways and processing times.
        delay => Delay,
    }
}

record! {
    /// What a node forwards by.
    pub struct Gpsrq {
        /// Weight of progress towards the goal; the rest is that of the link's key. Assumption: one half.
        distance_weight: Fraction = Fraction::HALF,
    }
}

choice! {
    /// How keys are relayed inside a QKDN.
    pub enum Relay ("relay scheme") {
        /// One hop after the other: each node decrypts and encrypts again.
        hop_by_hop => HopByHop(Nothing),
        /// Each node sends the sum of its two links' keys straight to the last node of the QKDN's segment (Y.3803).
        destination => Destination(Nothing),
        /// Each node sends the sum of its two links' keys to a central node, which combines them (Y.3803).
        centralized => Centralized(CentralizedRelay),
    }
}

record! {
    /// Where the parts of a relay are combined.
    pub struct CentralizedRelay {
        /// The central key manager's place: a node, or an IWN boundary by its id.
        at: String,
    }
}

record! {
    /// A QKD network of one provider.
    pub struct Qkdn {
        /// Its id.
        id: Name,
        /// Who controls it.
        control: Control = Control::Distributed,
        /// Where its controller is, if it has one for all: a node, or an IWN boundary by its id.
        controller_at: Option<String>,
        /// Where its manager is: a node, or an IWN boundary by its id. Default: where the controller is, else in
        /// the first node.
        manager_at: Option<String>,
        /// How it computes routes. Assumption: fewest hops.
        routing: Routing = Routing::FewestHops(Nothing {}),
        /// How it relays keys.
        relay: Relay = Relay::HopByHop(Nothing {}),
        /// Who may use how much of the border's key (Y.3818, 7.1). Assumption: everybody all of it.
        policy: Policy = Policy::default(),
        /// What its provider charges; default: nothing is charged.
        tariff: Option<Tariff>,
        /// Its trusted nodes, two at least (Y.3818, 3.1.5).
        nodes: Vec<QkdNode>,
        /// Its QKD links.
        links: Vec<Link>,
        /// A remark.
        note: Option<String>,
        /// Where the facts come from.
        source: Option<String>,
        /// Which facts are estimates.
        estimated: Vec<String>,
    }
}

record! {
    /// A trusted node: one key manager and the QKD modules of its links.
    pub struct QkdNode {
        /// Its id, unique in its QKDN.
        id: Name,
        /// Longitude \[degrees east\].
        lon: Option<f64>,
        /// Latitude \[degrees north\].
        lat: Option<f64>,
        /// A remark.
        note: Option<String>,
        /// Where the facts come from.
        source: Option<String>,
        /// Which facts are estimates.
        estimated: Vec<String>,
    }
}

record! {
    /// A QKD link between two nodes of one QKDN.
    pub struct Link {
        /// Its id, unique in its QKDN.
        id: Name,
        /// The nodes at its ends; the first is where its ducts are measured from.
        between: [String; 2],
        /// Length of its fibre.
        length: Metres,
        /// Loss of its fibre, if measured.
        loss: Option<Decibels>,
        /// Attenuation, where no loss is given. Assumption: 0.2 dB/km.
        attenuation: Option<DecibelsPerKm>,
        /// Number of module pairs in parallel.
        systems: u32 = 1,
        /// What it loses besides its fibre, and what light it adds.
        channel: Option<Channel>,
        /// What key rate it has.
        model: LinkModel,
        /// How it works from block to block.
        generation: Option<Generation>,
        /// Where its keys are kept.
        store: Store = Store::default(),
        /// How many sessions it carries at once in each direction; default: as many as come.
        max_sessions: Option<u32>,
        /// The stretches of shared ducts that it lies in, from the first end to the second; default: a duct of
        /// its own, "QKDN/LINK".
        ducts: Vec<Stretch>,
        /// A remark.
        note: Option<String>,
        /// Where the facts come from.
        source: Option<String>,
        /// Which facts are estimates.
        estimated: Vec<String>,
    }
}

record! {
    /// Where a link's keys are kept: one lane per direction. Amounts are those of both lanes together.
    pub struct Store {
        /// Key that is there at the start (pre-shared).
        initial: Bits = Bits::ZERO,
        /// Key that fits in. Assumption: 8 MiB.
        capacity: Bits = Bits(64 << 20),
        /// Key below which only what policy allows is served.
        floor: Bits = Bits::ZERO,
        /// Age at which key expires; default: never.
        max_age: Option<Span>,
        /// Share of the lane from the first end to the second, in blocks, fill and capacity.
        lane_share: Fraction = Fraction::HALF,
    }
}

impl Default for Store {
    fn default() -> Self {
        super::defaults()
    }
}

record! {
    /// A duct that several links share; a duct cut takes all that lies at its kilometre.
    pub struct Duct {
        /// Its id.
        id: Name,
        /// Its length.
        length: Metres,
        /// A remark.
        note: Option<String>,
    }
}

record! {
    /// The part of a shared duct that a link lies in. Where `from` is beyond `to`, the link runs against the
    /// duct's direction.
    pub struct Stretch {
        /// The duct's id.
        duct: String,
        /// Where the link enters the duct.
        from: Metres = Metres::ZERO,
        /// Where it leaves it; default: the duct's end.
        to: Option<Metres>,
    }
}

record! {
    /// A boundary: where two QKDNs meet.
    pub struct Boundary {
        /// Its id.
        id: Name,
        /// The nodes that it joins, as "QKDN/NODE"; the first is where its duct is measured from.
        between: [Place; 2],
        /// The fibre between them.
        duct: BoundaryDuct,
        /// The stretches of shared ducts that it lies in; default: a duct of its own with the boundary's id.
        ducts: Vec<Stretch>,
        /// Where on the duct the site lies: of the IWN, or of the node that stands for it in comparisons.
        site_at: Fraction = Fraction::HALF,
        /// The QKDN whose provider owns the site; default: the first.
        site_owner: Option<String>,
        /// Gateway nodes or an interworking node.
        kind: BoundaryKind,
        /// A remark.
        note: Option<String>,
        /// Where the facts come from.
        source: Option<String>,
        /// Which facts are estimates.
        estimated: Vec<String>,
    }
}

record! {
    /// The fibre of a boundary.
    pub struct BoundaryDuct {
        /// Its length.
        length: Metres,
        /// Its loss, if measured.
        loss: Option<Decibels>,
        /// Its attenuation, where no loss is given. Assumption: 0.2 dB/km.
        attenuation: Option<DecibelsPerKm>,
    }
}

choice! {
    /// How two QKDNs are joined.
    pub enum BoundaryKind ("kind of boundary") {
        /// Gateway nodes: the two border nodes share a QKD link (Y.3818, 6.1).
        gwn => Gwn(Gwn),
        /// An interworking node at the site, with a QKD link to each border node (Y.3818, 6.2).
        iwn => Iwn(Iwn),
    }
}

record! {
    /// Gateway nodes.
    pub struct Gwn {
        /// The QKD link between them.
        link: LinkTemplate,
    }
}

record! {
    /// An interworking node.
    pub struct Iwn {
        /// The QKD link from the first border node; its length is what `site_at` leaves.
        link: LinkTemplate,
        /// The QKD link from the second border node; default: as the first.
        link_b: Option<LinkTemplate>,
        /// What protects key transfer between the two key managers. Assumption: nothing is spent.
        kxi1_prime_protection: TransferProtection = TransferProtection::None(Nothing {}),
        /// Between the two key managers, each way. Assumption: none.
        kxi1_prime_delay: Span = Span::ZERO,
        /// How fast keys pass from the one to the other, one after the other, each way. Assumption: at once.
        kxi1_prime_rate: Option<BitRate>,
        /// Not allowed: Y.3818, 6.2 knows no Qx between the two QKD modules inside an IWN.
        qx: NoQx,
    }
}

choice! {
    /// What protects key transfer inside an IWN.
    pub enum TransferProtection ("protection of key transfer") {
        /// The site: no key is spent.
        none => None(Nothing),
        /// A one-time pad from a local store.
        otp => Otp(LocalStore),
    }
}

record! {
    /// A store inside a site that fills at a fixed rate.
    pub struct LocalStore {
        /// Rate at which it fills, both lanes together.
        rate: BitRate,
        /// Key that is there at the start.
        initial: Bits = Bits::ZERO,
        /// Key that fits in. Assumption: 8 MiB.
        capacity: Bits = Bits(64 << 20),
    }
}

record! {
    /// What a boundary's QKD link is made of; where it lies follows from the boundary.
    pub struct LinkTemplate {
        /// What it loses besides its fibre, and what light it adds.
        channel: Option<Channel>,
        /// What key rate it has.
        model: LinkModel,
        /// How it works from block to block.
        generation: Option<Generation>,
        /// Where its keys are kept.
        store: Store = Store::default(),
        /// How many sessions it carries at once in each direction; default: as many as come.
        max_sessions: Option<u32>,
        /// Number of module pairs in parallel.
        systems: u32 = 1,
    }
}

impl LinkTemplate {
    /// Whether a link after it makes key over a fibre of that length and loss, with what its channel adds.
    pub fn reaches_over(&self, length: Metres, fibre: Decibels) -> bool {
        let channel = quantum_channel(self.channel.as_ref(), length, fibre);
        self.model.reaches_over(&channel)
    }
}

/// The Qx inside an IWN that does not exist: writing one is an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoQx;

impl Described for NoQx {
    fn decode(node: &Node, decoder: &mut Decoder) -> Self {
        decoder.error(
            "qx_inside_iwn",
            node.origin,
            "there is no Qx between the two QKD modules inside an IWN (Y.3818, 6.2)".to_owned(),
            Some("leave it out; protection of key transfer is \"kxi1_prime_protection\"".to_owned()),
        );
        NoQx
    }

    fn stand_in() -> Self {
        NoQx
    }

    fn absent() -> Option<Self> {
        Some(NoQx)
    }

    fn encode(&self) -> Value {
        Value::Null
    }

    fn schema(_: &mut Book) -> Value {
        json!({ "not": {} })
    }
}
