//! Accounting (functional element FE-9): usage records, and their settlement with the other providers (P9 step 10, P12
//! step 11; S4).
//!
//! The provider of the application that asked owes the next one for what came of it there, and a provider in transit the
//! one after it. At the session's end (or with a period) a provider states what its border handed across, in transit as
//! soon as the one before has stated it; the other compares every line with its own record of the
//! supply and signs what agrees; the first acknowledges. Only then both count a line as settled. Records that come late
//! are settled late; a line about which the two disagree is disputed, and never settled.

use std::collections::{BTreeMap, BTreeSet};

use crate::architecture::message::{Settlement, SettlementLine, UsageRecord, UsageSegment};
use crate::architecture::tariff::{Amount, Tariff};
use crate::architecture::{Procedure, RequestId};
use crate::ids::{ClassId, QkdnId, SessionId};
use crate::kernel::{Span, Time};

/// How far a line is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LineState {
    /// Handed across for this provider's own user, and not known to be supplied at that end: it owes nothing for it.
    OneSided,
    /// Recorded here, and not by the other or not yet compared.
    Open,
    /// The other states it, and there is no record of it here.
    Claimed,
    /// Stated or signed, and not answered yet.
    Sent,
    /// Stated, countersigned and acknowledged.
    Settled,
    /// The two records differ.
    Disputed,
}

impl LineState {
    /// All states, in the order of results.
    pub const ALL: [LineState; 6] = [
        LineState::Settled,
        LineState::Sent,
        LineState::Open,
        LineState::Claimed,
        LineState::Disputed,
        LineState::OneSided,
    ];

    /// The name in results.
    pub const fn name(self) -> &'static str {
        match self {
            LineState::OneSided => "one_sided",
            LineState::Open => "open",
            LineState::Claimed => "claimed",
            LineState::Sent => "sent",
            LineState::Settled => "settled",
            LineState::Disputed => "disputed",
        }
    }
}

/// What is owed, or to be had, for one session that crosses the border.
#[derive(Clone, Debug)]
pub struct Account {
    /// The other provider.
    pub partner: QkdnId,
    /// QoS class of the session.
    pub class: ClassId,
    /// Keys per request.
    pub keys: u32,
    /// Whether this provider owes.
    pub owes: bool,
    /// The procedure that the session runs.
    pub procedure: Procedure,
    lines: BTreeMap<u32, (u64, LineState)>,
    /// Numbers of lines that were recorded and not stated; those that the other has stated meanwhile may be among them.
    unstated: BTreeSet<u32>,
    settled_at: Time,
}

/// Requests, keys and bits of an account in one state.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Total {
    /// Requests.
    pub requests: u64,
    /// Keys.
    pub keys: u64,
    /// Amount \[bits\].
    pub bits: u64,
}

impl Account {
    /// What is in a state.
    pub fn total(&self, state: LineState) -> Total {
        let mut total = Total::default();
        for &(bits, _) in self.lines.values().filter(|line| line.1 == state) {
            total.requests += 1;
            total.keys += u64::from(self.keys);
            total.bits += bits;
        }
        total
    }

    /// What a total is worth by the tariff of the provider that is owed.
    pub fn worth(&self, total: Total, tariff: &Tariff) -> Amount {
        tariff.rate(self.class, total.keys, total.bits, true)
    }

    /// The settled lines, by number.
    pub fn settled(&self) -> impl Iterator<Item = SettlementLine> + '_ {
        let settled = self.lines.iter().filter(|(_, line)| line.1 == LineState::Settled);
        settled.map(|(&number, &(bits, _))| SettlementLine { number, bits })
    }

    /// Open lines are stated: they are what is said to the other provider.
    fn state(&mut self, session: SessionId) -> Option<Settlement> {
        let mut lines = Vec::new();
        for number in std::mem::take(&mut self.unstated) {
            if let Some(line) = self.lines.get_mut(&number)
                && line.1 == LineState::Open
            {
                line.1 = LineState::Sent;
                lines.push(SettlementLine { number, bits: line.0 });
            }
        }
        (!lines.is_empty()).then_some(Settlement {
            session,
            lines,
            disputed: Vec::new(),
        })
    }
}

/// A provider's books.
#[derive(Clone, Debug)]
pub struct Ledger {
    period: Option<Span>,
    usage: Vec<UsageRecord>,
    /// By session and by the other provider.
    accounts: BTreeMap<(SessionId, QkdnId), Account>,
    /// Sessions that are over: what still comes is stated at once.
    closed: BTreeSet<SessionId>,
    /// What was supplied to this provider's own users that asked.
    supplied: BTreeSet<RequestId>,
    /// Lines that came before this side had any record of their session.
    early: BTreeMap<(SessionId, QkdnId), Vec<SettlementLine>>,
}

impl Ledger {
    /// Empty books; `period`: how often an open session is settled, if not only at its end.
    pub fn new(period: Option<Span>) -> Ledger {
        Ledger {
            period,
            usage: Vec::new(),
            accounts: BTreeMap::new(),
            closed: BTreeSet::new(),
            supplied: BTreeSet::new(),
            early: BTreeMap::new(),
        }
    }

    /// A usage record of this provider's own KMs. What is returned is to be sent to the other provider: a statement
    /// where this one owes, else a countersignature of what the other had stated before.
    ///
    /// What crossed for this provider's own user is owed once the user is supplied: the source decides the outcome.
    pub fn on_usage(
        &mut self,
        record: UsageRecord,
        own: QkdnId,
        procedure: Procedure,
    ) -> Option<(QkdnId, Settlement)> {
        self.usage.push(record);
        if record.partner == own {
            return None;
        }
        let RequestId { session, number } = record.request;
        if record.segment == UsageSegment::Source {
            self.supplied.insert(record.request);
            return self.supplied_at_source(session, number, record.at);
        }
        let passed_on = self.has_been_stated(session, number);
        let key = (session, record.partner);
        let account = self.accounts.entry(key).or_insert_with(|| Account {
            partner: record.partner,
            class: record.class,
            keys: record.keys,
            owes: record.segment == UsageSegment::Border,
            procedure,
            lines: BTreeMap::new(),
            unstated: BTreeSet::new(),
            settled_at: record.at,
        });
        for line in self.early.remove(&key).unwrap_or_default() {
            account.lines.insert(line.number, (line.bits, LineState::Claimed));
        }
        match account.lines.get_mut(&number) {
            None => {
                let awaits = record.for_own_user && !self.supplied.contains(&record.request);
                if awaits {
                    account.lines.insert(number, (record.bits, LineState::OneSided));
                    return None;
                }
                account.lines.insert(number, (record.bits, LineState::Open));
                if record.for_own_user || passed_on || !account.owes {
                    account.unstated.insert(number);
                }
            }
            Some(line) if line.1 == LineState::Claimed => {
                let agrees = line.0 == record.bits;
                *line = (
                    record.bits,
                    if agrees {
                        LineState::Sent
                    } else {
                        LineState::Disputed
                    },
                );
                let lines = vec![SettlementLine {
                    number,
                    bits: record.bits,
                }];
                let (lines, disputed) = if agrees {
                    (lines, Vec::new())
                } else {
                    (Vec::new(), vec![number])
                };
                let settlement = Settlement {
                    session,
                    lines,
                    disputed,
                };
                return Some((record.partner, settlement));
            }
            Some(_) => return None, // recorded before
        }
        self.state_if_due(key, passed_on, record.at)
    }

    /// Whether a request of one of this provider's own users has been supplied.
    pub fn is_supplied(&self, request: RequestId) -> bool {
        self.supplied.contains(&request)
    }

    /// The provider that a request's key was handed to, as far as records say.
    pub fn crossed_to(&self, request: RequestId) -> Option<QkdnId> {
        let RequestId { session, number } = request;
        let all = (session, QkdnId(0))..=(session, QkdnId(u32::MAX));
        let mut owed = self.accounts.range(all).filter(|(_, account)| account.owes);
        let crossed = owed.find(|(_, account)| account.lines.contains_key(&number));
        crossed.map(|(&(_, partner), _)| partner)
    }

    /// A user that asked has been supplied: what crossed for it is owed.
    fn supplied_at_source(
        &mut self,
        session: SessionId,
        number: u32,
        at: Time,
    ) -> Option<(QkdnId, Settlement)> {
        let partner = self.accounts_of_mut(session).find_map(|account| {
            let line = account
                .lines
                .get_mut(&number)
                .filter(|line| line.1 == LineState::OneSided)?;
            line.1 = LineState::Open;
            account.unstated.insert(number);
            Some(account.partner)
        })?;
        self.state_if_due((session, partner), false, at)
    }

    /// States what is open and owed if it is time to: the session is over, its period is, or the one before has stated.
    fn state_if_due(
        &mut self,
        key: (SessionId, QkdnId),
        passed_on: bool,
        at: Time,
    ) -> Option<(QkdnId, Settlement)> {
        let over = self.closed.contains(&key.0);
        let account = self.accounts.get_mut(&key)?;
        let periodic = self
            .period
            .is_some_and(|period| account.settled_at + period <= at);
        if !account.owes || !(passed_on || over || periodic) {
            return None;
        }
        account.settled_at = at;
        let statement = account.state(key.0)?;
        Some((key.1, statement))
    }

    /// The session's last request has ended: everything that is owed for it is stated.
    pub fn on_session_closed(&mut self, session: SessionId) -> Vec<(QkdnId, Settlement)> {
        self.closed.insert(session);
        self.state_open(session)
    }

    /// States everything that is open and owed for a session, to each provider that keys went to.
    fn state_open(&mut self, session: SessionId) -> Vec<(QkdnId, Settlement)> {
        let owing = self.accounts_of_mut(session).filter(|account| account.owes);
        let state = |account: &mut Account| {
            let statement = account.state(session)?;
            Some((account.partner, statement))
        };
        owing.filter_map(state).collect()
    }

    fn accounts_of_mut(&mut self, session: SessionId) -> impl Iterator<Item = &mut Account> {
        let all = (session, QkdnId(0))..=(session, QkdnId(u32::MAX));
        self.accounts.range_mut(all).map(|(_, account)| account)
    }

    /// Whether another provider has stated that it owes for this supply.
    fn has_been_stated(&self, session: SessionId, number: u32) -> bool {
        let all = (session, QkdnId(0))..=(session, QkdnId(u32::MAX));
        let early = self.early.range(all.clone()).flat_map(|(_, lines)| lines);
        let mut owed = self.accounts.range(all).filter(|(_, account)| !account.owes);
        let line = |account: &Account| {
            account
                .lines
                .get(&number)
                .is_some_and(|line| line.1 != LineState::Open)
        };
        owed.any(|(_, account)| line(account)) || early.into_iter().any(|line| line.number == number)
    }

    /// Another provider states what it owes: what agrees with the records here is signed. Second: what is to be stated
    /// in turn to the next provider, where the keys were only passed on.
    pub fn on_statement(
        &mut self,
        from: QkdnId,
        statement: &Settlement,
    ) -> (Option<Settlement>, Vec<(QkdnId, Settlement)>) {
        let signed = self.sign(from, statement);
        for account in self.accounts_of_mut(statement.session) {
            for line in statement.lines.iter().filter(|_| account.owes) {
                let open = account
                    .lines
                    .get(&line.number)
                    .is_some_and(|it| it.1 == LineState::Open);
                if open {
                    account.unstated.insert(line.number);
                }
            }
        }
        (signed, self.state_open(statement.session))
    }

    fn sign(&mut self, from: QkdnId, statement: &Settlement) -> Option<Settlement> {
        let key = (statement.session, from);
        let Some(account) = self.accounts.get_mut(&key) else {
            self.early.entry(key).or_default().extend(&statement.lines);
            return None;
        };
        let (mut lines, mut disputed) = (Vec::new(), Vec::new());
        for stated in &statement.lines {
            match account.lines.get_mut(&stated.number) {
                None => {
                    account
                        .lines
                        .insert(stated.number, (stated.bits, LineState::Claimed));
                }
                Some(line) if line.0 == stated.bits => {
                    if line.1 == LineState::Open {
                        line.1 = LineState::Sent;
                    }
                    lines.push(*stated);
                }
                Some(line) => {
                    line.1 = LineState::Disputed;
                    disputed.push(stated.number);
                }
            }
        }
        (!lines.is_empty() || !disputed.is_empty()).then_some(Settlement {
            session: statement.session,
            lines,
            disputed,
        })
    }

    /// The other provider has signed: what it signed is settled, and acknowledged.
    pub fn on_countersignature(&mut self, from: QkdnId, signed: &Settlement) -> Option<Settlement> {
        let account = self.accounts.get_mut(&(signed.session, from))?;
        for number in &signed.disputed {
            if let Some(line) = account.lines.get_mut(number) {
                line.1 = LineState::Disputed;
            }
        }
        account.settle(signed)
    }

    /// The other provider has what was signed: it is settled.
    pub fn on_acknowledgement(&mut self, from: QkdnId, acknowledged: &Settlement) {
        if let Some(account) = self.accounts.get_mut(&(acknowledged.session, from)) {
            account.settle(acknowledged);
        }
    }

    /// All usage records of this provider, as they came.
    pub fn usage(&self) -> &[UsageRecord] {
        &self.usage
    }

    /// The accounts of sessions that cross borders, by session and by the other provider.
    pub fn accounts(&self) -> &BTreeMap<(SessionId, QkdnId), Account> {
        &self.accounts
    }
}

impl Account {
    /// Settles the lines that were sent and agree; what is settled is returned.
    fn settle(&mut self, said: &Settlement) -> Option<Settlement> {
        let mut lines = Vec::new();
        for other in &said.lines {
            match self.lines.get_mut(&other.number) {
                Some(line)
                    if line.0 == other.bits && matches!(line.1, LineState::Sent | LineState::Settled) =>
                {
                    line.1 = LineState::Settled;
                    lines.push(*other);
                }
                Some(line) => line.1 = LineState::Disputed,
                None => {}
            }
        }
        (!lines.is_empty()).then_some(Settlement {
            session: said.session,
            lines,
            disputed: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;
    use proptest::prelude::*;

    const SESSION: SessionId = SessionId(3);
    const OWN: [QkdnId; 2] = [QkdnId(0), QkdnId(1)];

    fn record(side: usize, number: u32, bits: u64, at: u64) -> UsageRecord {
        UsageRecord {
            request: RequestId {
                session: SESSION,
                number,
            },
            km: NodeId(0),
            application: None,
            segment: [UsageSegment::Border, UsageSegment::Destination][side],
            partner: OWN[1 - side],
            class: ClassId(0),
            keys: 2,
            bits,
            for_own_user: side == 0,
            at: Time(at),
        }
    }

    /// Two providers that hear everything, at once.
    struct Pair {
        ledgers: [Ledger; 2],
    }

    impl Pair {
        fn new(period: Option<Span>) -> Pair {
            Pair {
                ledgers: [Ledger::new(period), Ledger::new(period)],
            }
        }

        fn usage(&mut self, side: usize, number: u32, bits: u64, at: u64) {
            let record = record(side, number, bits, at);
            let said = self.ledgers[side].on_usage(record, OWN[side], Procedure::P9);
            let said = said.map(|(_, said)| said);
            match side {
                0 => self.state(said),
                _ => self.sign(said),
            }
        }

        /// The user at the first side that asked has its key.
        fn supplied(&mut self, number: u32, bits: u64, at: u64) {
            let record = UsageRecord {
                segment: UsageSegment::Source,
                ..record(0, number, bits, at)
            };
            let said = self.ledgers[0].on_usage(record, OWN[0], Procedure::P9);
            self.state(said.map(|(_, said)| said));
        }

        fn close(&mut self) {
            let said = self.ledgers[0].on_session_closed(SESSION);
            self.state(said.into_iter().next().map(|(_, statement)| statement));
        }

        fn state(&mut self, statement: Option<Settlement>) {
            let signed = statement.and_then(|statement| self.ledgers[1].on_statement(OWN[0], &statement).0);
            self.sign(signed);
        }

        fn sign(&mut self, signed: Option<Settlement>) {
            let known = signed.and_then(|signed| self.ledgers[0].on_countersignature(OWN[1], &signed));
            if let Some(known) = known {
                self.ledgers[1].on_acknowledgement(OWN[0], &known);
            }
        }

        fn settled(&self, side: usize) -> Vec<SettlementLine> {
            let account = self.ledgers[side].accounts().get(&(SESSION, OWN[1 - side]));
            account.map_or(Vec::new(), |account| account.settled().collect())
        }
    }

    /// Shows FE-9 and S4: what both recorded is settled by both, once the session is over.
    #[test]
    fn a_session_is_settled_at_its_end() {
        let mut pair = Pair::new(None);
        for number in 0..3 {
            pair.usage(1, number, 256, 1);
            pair.usage(0, number, 256, 2);
            pair.supplied(number, 256, 3);
        }
        assert!(pair.settled(0).is_empty());
        pair.close();
        assert_eq!(pair.settled(0).len(), 3);
        assert_eq!(pair.settled(0), pair.settled(1));
        let total = pair.ledgers[0].accounts()[&(SESSION, OWN[1])].total(LineState::Settled);
        assert_eq!((total.requests, total.keys, total.bits), (3, 6, 768));
    }

    /// Shows FE-9: with a period, a record that finds it over has everything stated that is open.
    #[test]
    fn a_period_settles_an_open_session() {
        let mut pair = Pair::new(Some(Span(10)));
        for at in [0, 5, 11, 12] {
            pair.usage(1, at as u32, 100, at);
            pair.usage(0, at as u32, 100, at);
            pair.supplied(at as u32, 100, at);
        }
        assert_eq!(pair.settled(0).len(), 3);
        assert_eq!(pair.settled(0), pair.settled(1));
    }

    /// Shows FE-9: what crossed and was supplied at the far end only is owed by nobody.
    #[test]
    fn a_one_sided_supply_is_not_settled() {
        let mut pair = Pair::new(None);
        for number in 0..2 {
            pair.usage(1, number, 100, 1);
            pair.usage(0, number, 100, 2);
        }
        pair.supplied(1, 100, 3);
        pair.close();
        for side in [0, 1] {
            let account = &pair.ledgers[side].accounts()[&(SESSION, OWN[1 - side])];
            let one_sided = [LineState::OneSided, LineState::Open][side];
            assert_eq!(account.total(one_sided).requests, 1, "side {side}");
            assert_eq!(account.total(LineState::Settled).requests, 1, "side {side}");
        }
    }

    /// Shows S4: a disagreement is found by both, and never settled.
    #[test]
    fn a_disagreement_is_disputed() {
        for late in [false, true] {
            let mut pair = Pair::new(None);
            pair.usage(1, 0, 100, 1);
            if !late {
                pair.usage(1, 1, 99, 1);
            }
            for number in [0, 1] {
                pair.usage(0, number, 100, 2);
                pair.supplied(number, 100, 2);
            }
            pair.close();
            if late {
                pair.usage(1, 1, 99, 3);
            }
            for side in [0, 1] {
                let account = &pair.ledgers[side].accounts()[&(SESSION, OWN[1 - side])];
                assert_eq!(
                    account.total(LineState::Disputed).requests,
                    1,
                    "side {side}, late {late}"
                );
                assert_eq!(account.total(LineState::Settled).requests, 1);
            }
        }
    }

    proptest! {
        /// Shows FE-9: in whatever order records, the close and (duplicated) records come, both sides settle exactly
        /// what both have recorded and the user that asked has got.
        #[test]
        fn both_settle_what_both_have_recorded(
            steps in proptest::collection::vec((0usize..4, 0u32..12), 1..80),
        ) {
            let mut pair = Pair::new(None);
            let mut recorded = [[false; 12]; 3];
            for (at, &(step, number)) in (0u64..).zip(&steps) {
                match step {
                    2 => pair.close(),
                    3 => {
                        recorded[2][number as usize] = true;
                        pair.supplied(number, 64 + u64::from(number), at);
                    }
                    side => {
                        recorded[side][number as usize] = true;
                        pair.usage(side, number, 64 + u64::from(number), at);
                    }
                }
            }
            pair.close();
            let both: Vec<SettlementLine> = (0..12u32)
                .filter(|&number| recorded.iter().all(|side| side[number as usize]))
                .map(|number| SettlementLine { number, bits: 64 + u64::from(number) })
                .collect();
            prop_assert_eq!(pair.settled(0), both.clone());
            prop_assert_eq!(pair.settled(1), both);
        }
    }
}
