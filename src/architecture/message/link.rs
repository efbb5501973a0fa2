//! What a QKD link tells of itself over Cq and Mq: state and performance, after ETSI GS QKD 015.

/// State of a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkState {
    /// It makes key.
    Active,
    /// It makes no key, by order of its controller or because its quantum channel is down; what it made before is there
    /// to be used.
    Passive,
    /// It is on its way to making key: resynchronising, or its blocks are thrown away.
    Pending,
    /// Its quantum channel is down, and no key is left.
    Off,
}

impl LinkState {
    /// The name as ETSI GS QKD 015 prints it.
    pub const fn name(self) -> &'static str {
        match self {
            LinkState::Active => "ACTIVE",
            LinkState::Passive => "PASSIVE",
            LinkState::Pending => "PENDING",
            LinkState::Off => "OFF",
        }
    }
}

/// Why a link makes no key, as its module alarms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AlarmCause {
    /// Its quantum channel is interrupted.
    Interrupted,
    /// Its blocks have too many errors and are thrown away: what an eavesdropper would cause.
    Errors {
        /// Error rate of the block \[10⁻⁶\].
        qber_ppm: u32,
    },
    /// No key is left to authenticate its blocks.
    NotAuthenticated,
    /// So much is lost, or wrong, that nothing secret is left in its blocks.
    NoKey,
}

/// Performance of a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LinkPerformance {
    /// Its state.
    pub state: LinkState,
    /// Secret key rate of the last block \[bit/s\].
    pub skr_bps: u64,
    /// Secret key rate that the link is provisioned for \[bit/s\].
    pub expected_skr_bps: u64,
    /// Consumption that it is provisioned for \[bit/s\], if the scenario says.
    pub expected_consumption_bps: Option<u64>,
    /// Error rate of the last block \[10⁻⁶\], where it has one.
    pub qber_ppm: Option<u32>,
}
