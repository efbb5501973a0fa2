//! The document: what the user wrote, typed, with units read and defaults filled in.
//!
//! Every object refuses fields that it does not know. Catalogue entries are objects with one key
//! (`{"poisson": {"rate": "4 /s"}}`). Defaults that Y.3818 does not give are marked "Assumption:".

mod generation;
mod link_model;
mod network;
mod protection;
mod provider;
mod recovery;
mod traffic;

pub use generation::*;
pub use link_model::*;
pub use network::*;
pub use protection::*;
pub use provider::*;
pub use recovery::*;
pub use traffic::*;

use serde_json::{Value, json};

use crate::catalogue::{Book, Decoder, Described, Entry, Form, Node, Tree, choice, names, record};
use crate::fault::Fault;
use crate::kernel::time::Span;
use crate::units::{Bits, Decibels, DecibelsPerKm, Fraction, Metres};

record! {
    /// A scenario: two or more QKD networks, how they are joined, what is asked of them and what goes wrong.
    pub struct Document {
        /// Where the schema lies, for editors.
        schema as "$schema": Option<String>,
        /// A file that this one is a patch of, relative to this file.
        extends: Option<String>,
        /// The name of the study; also the name of its results folder.
        name: String,
        /// What it shows, in words.
        description: String = String::new(),
        /// Where its facts come from.
        sources: Vec<String>,
        /// How long it runs and how often.
        run: Run,
        /// The QKD networks (QKDNs).
        qkdns: Vec<Qkdn>,
        /// Where two QKDNs meet: gateway nodes (GWN) or an interworking node (IWN).
        boundaries: Vec<Boundary>,
        /// Ducts that several links share. A link or boundary that names none has a duct of its own.
        ducts: Vec<Duct>,
        /// Classes of service. Where none is declared, every class that a demand names is one, all alike.
        classes: Vec<Class>,
        /// Who asks for keys.
        demands: Vec<Demand>,
        /// How many times as often as it says every demand asks.
        demand_scale: f64 = 1.0,
        /// Instead of that: so often that the busiest direction between two QKDNs asks for this share of what it can get
        /// with interworking nodes half-way along all boundaries (variant I, max-flow in the long run).
        load: Option<f64>,
        /// Key that is relayed ahead of the requests that are served from it.
        pools: Vec<Pool>,
        /// What breaks, and when.
        faults: Vec<FaultEvent>,
        /// What the results should be; a run in which one fails ends with exit code 1.
        expect: Vec<Expectation>,
        /// Patches of this file, run as `FILE:NAME`.
        variants: Variants,
        /// Choices that Y.3818 leaves open.
        protocol: Protocol = Protocol::default(),
        /// What protects and watches keys.
        security: Security = Security::default(),
        /// How long things take.
        timing: Timing = Timing::default(),
        /// How well the data network carries messages.
        channels: Channels = Channels::default(),
        /// Routes of the classical data network where they differ from the ducts.
        data_network: DataNetwork = DataNetwork::default(),
        /// What equipment costs.
        prices: Prices = Prices::default(),
    }
}

record! {
    /// How long a scenario runs and how often.
    pub struct Run {
        /// Time at the start that is simulated but not counted.
        warm_up: Span = Span::ZERO,
        /// Time after the warm-up. Requests are counted until the longest time-out before its end.
        duration: Span,
        /// Seed of all random streams.
        seed: u64 = 1,
        /// Number of independent replications.
        replications: u32 = 10,
        /// A request that is not supplied within this time counts as an interruption (D of the metric
        /// `service_interruption_s`); default: the largest KKRD before the fault,
        /// which a longer way round exceeds where delays hardly vary.
        interruption_threshold: Option<Span>,
        /// Whether real bits flow, so that the keys of both applications can be compared (metric `kkder`). For small
        /// runs: it costs time and memory.
        material_check: bool = false,
    }
}

choice! {
    /// What authenticates the messages between two key managers.
    pub enum Authentication ("kind of authentication") {
        /// Computational: it takes no key.
        computational => Computational(Nothing),
        /// Information-theoretic, after Wegman and Carter: each message takes key from the link that it goes along.
        wegman_carter => WegmanCarter(WegmanCarter),
    }
}

choice! {
    /// What keys the encryption between providers.
    pub enum Sharing ("kind of sharing") {
        /// Computational: it takes no key.
        computational => Computational(Nothing),
        /// KSA-keys, supplied to an encryptor at either end of every way.
        ksa_keys => KsaKeys(KsaKeys),
    }
}

record! {
    /// KSA-keys for Cxi and Mxi.
    pub struct KsaKeys {
        /// Length of a key. Assumption: 256 bit.
        key: Bits = Bits(256),
        /// Time between two keys. Assumption: a minute.
        period: Span = Span::from_seconds(60),
        /// Whether Ck between different nodes is encrypted too.
        ck: bool = false,
    }
}

record! {
    /// Authentication by one-time tags.
    pub struct WegmanCarter {
        /// Key that a tag takes. Assumption: 128 bit.
        tag: Bits = Bits(128),
    }
}

record! {
    /// What protects and watches keys.
    pub struct Security {
        /// What authenticates Kx-1 and Kxi-1 messages between neighbours. Assumption: computational; all other
        /// channels are.
        authentication: Authentication = Authentication::Computational(Nothing {}),
        /// What keys the encryption of Cxi and Mxi. Assumption: computational.
        sharing: Sharing = Sharing::Computational(Nothing {}),
        /// Whether to work out which supplied keys each trusted node could have read.
        exposure: bool = false,
    }
}

impl Default for Security {
    fn default() -> Self {
        defaults()
    }
}

names! {
    /// When link keys are reserved for a relay.
    pub enum Reservation ("kind of reservation") {
        /// All hops of a segment confirm before anything is spent.
        segment => Segment,
        /// Each key manager reserves when the relay reaches it.
        per_hop => PerHop,
    }
}

names! {
    /// What the second key manager inside an interworking node does with a key that it has acknowledged.
    pub enum TransferredKeys ("life of transferred keys") {
        /// It stores it until the key's supply is agreed on.
        store => Store,
        /// It deletes it at once, as the first one does.
        delete => Delete,
    }
}

record! {
    /// Levels of a store at which a controller orders its link to stop and to start.
    pub struct GenerationControl {
        /// Share of the capacity from which the link stops, where its stores of both directions have as much. Assumption:
        /// all of it.
        stop_at: Fraction = Fraction::ONE,
        /// Share of the capacity down to which it starts again, where either has fallen so far. Assumption: one half.
        start_at: Fraction = Fraction::HALF,
    }
}

record! {
    /// Choices that Y.3818 leaves open.
    pub struct Protocol {
        /// When link keys are reserved. Assumption: by segment.
        reservation: Reservation = Reservation::Segment,
        /// Whether key managers send a usage record for each supply.
        usage_records: bool = true,
        /// What becomes of keys that were transferred inside an interworking node (P12 step 9). Assumption: stored.
        transferred_keys: TransferredKeys = TransferredKeys::Store,
        /// Whether changes of state and of store levels are reported.
        status_reports: bool = true,
        /// How often controllers poll their modules and key managers, and share with the QKDNs beyond their borders how
        /// those do; default: never.
        polling: Option<Span>,
        /// Links stop making key when their stores of both directions are full, by order of the controller that polls their
        /// first end; default: never.
        generation_control: Option<GenerationControl>,
        /// Number of store level classes that are reported. Assumption: quarters.
        level_classes: u32 = 4,
        /// What managers exchange beside usage records and alarms.
        management: Management = Management::default(),
        /// What makes up for messages that are lost.
        retransmission: Retransmission = Retransmission::default(),
        /// How failures are noticed, and when something is done about them.
        recovery: Recovery = Recovery::default(),
        /// How controllers of a distributed QKDN keep each other's knowledge fresh.
        link_state: LinkState = LinkState::default(),
    }
}

impl Default for Protocol {
    fn default() -> Self {
        defaults()
    }
}

record! {
    /// How controllers of a distributed QKDN keep each other's knowledge fresh, beside telling changes. What a controller
    /// hears from its own modules and key managers does not age.
    pub struct LinkState {
        /// How often each controller floods how its hops do, changed or not; default: never.
        refresh: Option<Span>,
        /// Age from which knowledge counts as none: the hop is used only where no path of known hops leads, and none of its
        /// key counts as usable. Longer than "refresh". Default: knowledge does not age.
        max_age: Option<Span>,
    }
}

impl Default for LinkState {
    fn default() -> Self {
        defaults()
    }
}

record! {
    /// When a message that was not acknowledged is sent again. Used where a channel can lose, double or reorder, and
    /// where a fault cuts the data network.
    pub struct Retransmission {
        /// Time without an acknowledgement after which a message is sent again. Assumption: 100 ms.
        timeout: Span = Span::from_millis(100),
        /// How often a question is sent again before it is given up; answers, notices and records are repeated until
        /// they arrive. Assumption: 5 times.
        retries: u32 = 5,
    }
}

impl Default for Retransmission {
    fn default() -> Self {
        defaults()
    }
}

record! {
    /// How well one kind of channel carries messages. Assumption: perfectly, beside the propagation.
    pub struct ChannelQuality {
        /// Probability that a transmission is lost, below 1.
        loss: Fraction = Fraction::ZERO,
        /// Probability that the network delivers a transmission twice, below 1.
        duplication: Fraction = Fraction::ZERO,
        /// Delay beyond the propagation.
        delay: Span = Span::ZERO,
        /// Up to this much further delay, uniformly distributed and drawn for each transmission, so that messages
        /// overtake one another.
        jitter: Span = Span::ZERO,
    }
}

impl Default for ChannelQuality {
    fn default() -> Self {
        defaults()
    }
}

record! {
    /// How well the data network carries messages, by layer. Ak, Kq-1 and what passes inside one element are never
    /// disturbed.
    pub struct Channels {
        /// Ck, Cq, Cx, Cxi and Cxi'.
        control: ChannelQuality = ChannelQuality::default(),
        /// Kx-1, Kx-2, Kxi-1, Kxi-2 and their primes.
        key_management: ChannelQuality = ChannelQuality::default(),
        /// Mq, Mk, Mc, Mxi and Mxi'.
        management: ChannelQuality = ChannelQuality::default(),
    }
}

impl Default for Channels {
    fn default() -> Self {
        defaults()
    }
}

names! {
    /// How the service times of one kind of element are distributed.
    pub enum ServiceLaw ("distribution of service times") {
        /// Always the same.
        fixed => Fixed,
        /// Exponential, with the given time as its mean.
        exponential => Exponential,
    }
}

record! {
    /// Service time per message of the elements that serve one message after the other.
    pub struct Processing {
        /// Of a key manager. Assumption: 100 us.
        key_manager: Span = Span::from_micros(100),
        /// Of a controller. Assumption: 100 us.
        controller: Span = Span::from_micros(100),
        /// Of a manager. Assumption: 100 us.
        manager: Span = Span::from_micros(100),
        /// How service times are distributed. Assumption: all are alike.
        law: ServiceLaw = ServiceLaw::Fixed,
        /// How many messages a key manager holds at once, the one in service included; default: as many as come. A
        /// message that finds it full is not acknowledged, and sent again ("protocol.retransmission"); an application's
        /// request fails at once.
        key_manager_queue: Option<u32>,
    }
}

impl Default for Processing {
    fn default() -> Self {
        defaults()
    }
}

record! {
    /// How long things take.
    pub struct Timing {
        /// Service times per message.
        processing: Processing = Processing::default(),
        /// Between an application and its KSA, each way. Assumption: none.
        ak_delay: Span = Span::ZERO,
        /// Between two elements in one node, each way. Assumption: none.
        local_delay: Span = Span::ZERO,
        /// From a fault to its declaration by the first element. Assumption: 10 ms.
        detection: Span = Span::from_millis(10),
        /// From the last report that a controller uses to its decision. Assumption: 1 ms.
        analysis: Span = Span::from_millis(1),
        /// Of computing a path. Assumption: 1 ms.
        computation: Span = Span::from_millis(1),
        /// From the command at a key manager to the active route. Assumption: 1 ms.
        installation: Span = Span::from_millis(1),
        /// Between the arrival of COMMIT and the instant at which both QKDNs switch. Assumption: 5 ms.
        coordination_guard: Span = Span::from_millis(5),
        /// How long a controller waits for the other QKDN's answer before it repeats itself. Assumption: 500 ms.
        coordination_timeout: Span = Span::from_millis(500),
        /// How often it repeats itself before it gives the other side up. Assumption: 3.
        coordination_retries: u32 = 3,
    }
}

impl Default for Timing {
    fn default() -> Self {
        defaults()
    }
}

record! {
    /// The classical data network where it does not follow the ducts.
    pub struct DataNetwork {
        /// Lengths of routes between pairs of nodes.
        routes: Vec<DataRoute>,
    }
}

impl Default for DataNetwork {
    fn default() -> Self {
        defaults()
    }
}

record! {
    /// One route of the data network, for both directions.
    pub struct DataRoute {
        /// Its ends, as "QKDN/NODE"; the side of an IWN is "BOUNDARY/QKDN".
        between: [Place; 2],
        /// Its length.
        length: Metres,
        /// A remark.
        note: Option<String>,
    }
}

record! {
    /// What equipment costs, in whole units of one currency. The defaults are round numbers for comparing like
    /// with like, not market prices. Assumption: all of them.
    pub struct Prices {
        /// The currency.
        currency: String = "unit".to_owned(),
        /// A pair of QKD modules.
        module_pair: u64 = 100_000,
        /// A key manager.
        key_manager: u64 = 20_000,
        /// A controller.
        controller: u64 = 10_000,
        /// A trusted site: rooms, power, guards.
        site: u64 = 50_000,
        /// An untrusted station in the middle of a link (MDI, twin-field, BBM92), per module pair: what measures or
        /// sends there, and its room. Assumption: as dear as a pair of modules, whose ends carry less in return.
        middle_station: u64 = 100_000,
        /// A QKD link: its fibres, however many module pairs share them. Assumption: nothing, they are there.
        link: u64 = 0,
    }
}

impl Default for Prices {
    fn default() -> Self {
        defaults()
    }
}

/// A record with every field at its default.
fn defaults<T: Described>() -> T {
    let empty = Node {
        tree: Tree::Object(Vec::new()),
        origin: crate::catalogue::Origin::default(),
    };
    T::decode(&empty, &mut Decoder::default())
}

/// Attenuation of fibre whose loss is not given \[10⁻⁹ dB/km\]. Assumption: 0.2 dB/km.
pub const DEFAULT_ATTENUATION: DecibelsPerKm = DecibelsPerKm(200_000_000);

/// The loss of a fibre: as measured, else by its attenuation.
fn loss_of(loss: Option<Decibels>, attenuation: Option<DecibelsPerKm>, length: Metres) -> Decibels {
    loss.unwrap_or_else(|| attenuation.unwrap_or(DEFAULT_ATTENUATION).over(length))
}

impl QkdNode {
    /// Longitude and latitude \[degrees\], if both are known.
    pub fn place(&self) -> Option<[f64; 2]> {
        Some([self.lon?, self.lat?])
    }
}

/// The place on the straight way from one to another after such a share of it; longitudes the shorter way round.
pub fn place_between([lon_a, lat_a]: [f64; 2], [lon_b, lat_b]: [f64; 2], share: f64) -> [f64; 2] {
    let lon = lon_a + share * libm::remainder(lon_b - lon_a, 360.0);
    [libm::remainder(lon, 360.0), lat_a + share * (lat_b - lat_a)]
}

impl Link {
    /// Loss of its fibre: as measured, else by its attenuation.
    pub fn total_loss(&self) -> Decibels {
        loss_of(self.loss, self.attenuation, self.length)
    }
}

impl BoundaryDuct {
    /// Loss of the fibre: as measured, else by its attenuation.
    pub fn total_loss(&self) -> Decibels {
        loss_of(self.loss, self.attenuation, self.length)
    }
}

impl Boundary {
    /// Where the site lies, from the first end: metres are rounded down, and a site at an end stands 1 m from it.
    pub fn site(&self) -> Metres {
        let last = self.duct.length.0.saturating_sub(1).max(1);
        Metres(self.duct.length.part(self.site_at).0.clamp(1, last))
    }
}

impl Document {
    /// Fills in the defaults that follow from other fields.
    pub fn complete(&mut self) {
        for qkdn in &mut self.qkdns {
            for link in &mut qkdn.links {
                link.loss = Some(link.total_loss());
                link.attenuation = None;
            }
            if qkdn.manager_at.is_none() {
                qkdn.manager_at = qkdn
                    .controller_at
                    .clone()
                    .or_else(|| qkdn.nodes.first().map(|node| node.id.0.clone()));
            }
        }
        for boundary in &mut self.boundaries {
            boundary.duct.loss = Some(boundary.duct.total_loss());
            boundary.duct.attenuation = None;
            if boundary.site_owner.is_none() {
                boundary.site_owner = Some(boundary.between[0].qkdn.clone());
            }
        }
        self.extends = None;
        self.variants = Variants::default();
    }

    /// The QKDN of that id.
    pub fn qkdn(&self, id: &str) -> Option<&Qkdn> {
        self.qkdns.iter().find(|qkdn| qkdn.id == *id)
    }

    /// The boundary of that id.
    pub fn boundary(&self, id: &str) -> Option<&Boundary> {
        self.boundaries.iter().find(|boundary| boundary.id == *id)
    }

    /// The instant at which arrivals stop: warm-up and duration.
    pub fn end(&self) -> Span {
        self.run.warm_up + self.run.duration
    }

    /// The longest time-out of all demands.
    pub fn longest_timeout(&self) -> Span {
        self.demands
            .iter()
            .map(|demand| demand.timeout)
            .max()
            .unwrap_or(Span::ZERO)
    }

    /// The counting time: the duration less the longest time-out; `None` if nothing is left.
    pub fn counting_time(&self) -> Option<Span> {
        let rest = self.run.duration.0.checked_sub(self.longest_timeout().0)?;
        (rest > 0).then_some(Span(rest))
    }

    /// The length of the duct that a fault names: a shared duct, "QKDN/LINK", or a boundary's own.
    pub fn duct_length(&self, name: &str) -> Option<Metres> {
        if let Some(duct) = self.ducts.iter().find(|duct| duct.id == *name) {
            return Some(duct.length);
        }
        if let Some((qkdn, link)) = name.split_once('/') {
            let link = self.qkdn(qkdn)?.links.iter().find(|other| other.id == *link)?;
            return link.ducts.is_empty().then_some(link.length);
        }
        let boundary = self.boundary(name)?;
        boundary.ducts.is_empty().then_some(boundary.duct.length)
    }
}

/// The names of a file's variants; their content is merged before the document is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variants(pub Vec<String>);

impl Described for Variants {
    fn decode(node: &Node, decoder: &mut Decoder) -> Self {
        let Tree::Object(members) = &node.tree else {
            decoder.expected("an object of patches by name", "{\"iwn\": {…}}", node);
            return Self::default();
        };
        for member in members {
            if !matches!(member.value.tree, Tree::Object(_) | Tree::Null) {
                decoder.within(member.key.as_str(), |decoder| {
                    decoder.expected("a patch (an object)", "", &member.value);
                });
            }
        }
        Variants(members.iter().map(|member| member.key.clone()).collect())
    }

    fn stand_in() -> Self {
        Self::default()
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn encode(&self) -> Value {
        Value::Null
    }

    fn schema(book: &mut Book) -> Value {
        let patch = book.in_form::<Document>(Form::Partial);
        json!({ "type": "object", "additionalProperties": patch })
    }
}

/// All catalogues and lists of words that a scenario chooses from, by name, for listings.
pub fn catalogues() -> Vec<(&'static str, &'static [Entry])> {
    vec![
        ("routing", Routing::ENTRIES),
        ("relay", Relay::ENTRIES),
        ("authentication", Authentication::ENTRIES),
        ("sharing", Sharing::ENTRIES),
        ("model", LinkModel::ENTRIES),
        ("boundary", BoundaryKind::ENTRIES),
        ("kxi1_prime_protection", TransferProtection::ENTRIES),
        ("arrivals", Arrivals::ENTRIES),
        ("holding", Holding::ENTRIES),
        ("lacking", Lacking::ENTRIES),
        ("protection", Protection::ENTRIES),
        ("when_empty", WhenEmpty::ENTRIES),
        ("fault", Fault::ENTRIES),
        ("control", Control::ENTRIES),
        ("reservation", Reservation::ENTRIES),
        ("service", ServiceLaw::ENTRIES),
        ("transit", Transit::ENTRIES),
    ]
}

/// Presets of link models: model, preset.
pub fn presets() -> Vec<(&'static str, &'static crate::quantum::models::Preset)> {
    let of_model = |entry: &'static Entry| {
        let origin = crate::catalogue::Origin::default();
        let empty = |members| Node {
            tree: Tree::Object(members),
            origin,
        };
        let member = crate::catalogue::Member {
            key: entry.name.to_owned(),
            key_origin: origin,
            value: empty(Vec::new()),
        };
        let model = LinkModel::decode(&empty(vec![member]), &mut Decoder::default());
        let presets = crate::quantum::models::Parameters::presets(model.kind());
        presets.iter().map(move |preset| (entry.name, preset))
    };
    LinkModel::ENTRIES.iter().flat_map(of_model).collect()
}

/// The JSON Schema of scenario files, in both forms: a file that extends another is a patch.
pub fn schema() -> Value {
    let mut book = Book::new(Form::Full);
    let full = Document::schema(&mut book);
    let partial = book.in_form::<Document>(Form::Partial);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "qkdni scenario",
        "description": "Written by `qkdni schema`. Quantities are strings with units.",
        "if": { "type": "object", "required": ["extends"] },
        "then": partial,
        "else": full,
        "$defs": book.definitions,
    })
}
