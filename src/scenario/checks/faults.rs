//! Checks of faults: what they name, when they come, and windows of maintenance; and of what is done about them.

use super::{Checker, at};
use crate::catalogue::Path;
use crate::fault::Fault;
use crate::fault::occurrence::Lifetime;
use crate::kernel::time::Span;
use crate::scenario::configuration::reference_points;
use crate::scenario::document::{Detection, FaultEvent, Lacking, Routing};

/// More occurrences of one random fault in a run would show nothing new.
const MOST_OCCURRENCES: u64 = 100_000;

impl Checker<'_> {
    pub(super) fn faults(&mut self) {
        let document = self.document;
        for (index, event) in document.faults.iter().enumerate() {
            let path = at!("faults", index);
            self.times(&path, event);
            let here = path.then("fault").then(event.fault.name());
            for complaint in event.fault.kind().complaints(document) {
                self.error(
                    complaint.code,
                    here.then(complaint.field),
                    complaint.message,
                    complaint.hint,
                );
            }
        }
        self.cuts();
        self.windows();
        self.recovery();
    }

    /// When a fault comes and goes.
    fn times(&mut self, path: &Path, event: &FaultEvent) {
        let ways = [
            event.at.is_some(),
            !event.outages.is_empty() || event.trace.is_some(),
            event.random.is_some(),
        ];
        let ways = ways.into_iter().filter(|given| *given).count();
        if ways != 1 {
            let (code, message) = if ways == 0 {
                (
                    "no_fault_time",
                    format!("nothing says when fault {} comes", event.id),
                )
            } else {
                let message = format!("fault {} comes at times that are given twice", event.id);
                ("fault_times_twice", message)
            };
            let hint = "write one of \"at\", \"outages\", \"trace\" and \"random\"";
            self.error(code, path.clone(), message, hint);
        }
        if let (Some(_), None) = (event.repair_after, event.at) {
            self.error(
                "repair_without_failure",
                path.then("repair_after"),
                "it counts from \"at\", which is not there",
                "say in \"outages\" or \"random\" when it is repaired",
            );
        }
        if event.repair_after == Some(Span::ZERO) {
            self.error(
                "repair_before_failure",
                path.then("repair_after"),
                format!("fault {} is repaired when it comes", event.id),
                "the time counts from the fault; leave it out for no repair",
            );
        }
        if let Some(at) = event.at {
            self.before_the_end(path.then("at"), event, at);
        }
        let mut before: Option<(Span, Option<Span>)> = None;
        for (number, outage) in event.outages.iter().enumerate() {
            let here = path.then("outages").then(number);
            self.before_the_end(here.then("at"), event, outage.at);
            if let Some(repair) = outage.repair.filter(|&repair| repair <= outage.at) {
                self.error(
                    "repair_before_failure",
                    here.then("repair"),
                    format!("it comes at {} and is repaired at {repair}", outage.at),
                    "both count from the start of the run",
                );
            }
            if let Some((earlier, repair)) = before
                && repair.is_none_or(|repair| repair > outage.at)
            {
                self.error(
                    "overlapping_outages",
                    here.then("at"),
                    format!("the outage of {earlier} is not over by {}", outage.at),
                    "list outages in order, each after the repair of the one before",
                );
            }
            before = Some((outage.at, outage.repair));
        }
        if let Some(random) = &event.random {
            let here = path.then("random");
            self.lifetime(&here.then("time_to_failure"), "MTBF", &random.time_to_failure);
            self.lifetime(&here.then("time_to_repair"), "MTTR", &random.time_to_repair);
            let mean = random.time_to_failure.mean().0;
            if mean > 0 && self.document.end().0 / mean > MOST_OCCURRENCES {
                self.error(
                    "too_many_failures",
                    here.then("time_to_failure"),
                    format!(
                        "in this run fault {} comes more than {MOST_OCCURRENCES} times",
                        event.id
                    ),
                    "make the mean longer or the run shorter",
                );
            }
        }
        if event.fault.kind().notice().is_some() && (event.repair_after.is_none() && event.at.is_some()) {
            self.error(
                "endless_maintenance",
                path.clone(),
                format!("maintenance {} never ends", event.id),
                "add \"repair_after\"",
            );
        }
        if let Some(notice) = event.fault.kind().notice() {
            let first = event.outages.first().map(|outage| outage.at);
            let place = match event.at {
                Some(_) => path.then("at"),
                None => path.then("outages").then(0_usize).then("at"),
            };
            if let Some(at) = event.at.or(first).filter(|at| *at < notice) {
                self.warning(
                    "notice_before_start",
                    place,
                    format!(
                        "maintenance {} begins at {at} and is announced {notice} before: the run starts too late for that",
                        event.id
                    ),
                    "it is announced as the run starts: write a shorter \"notice\", or a later time",
                );
            }
        }
        if event.fault.kind().notice().is_some() && event.random.is_some() {
            self.error(
                "random_maintenance",
                path.then("random"),
                "what is announced does not come at random",
                "write \"at\" or \"outages\"",
            );
        }
    }

    fn before_the_end(&mut self, path: Path, event: &FaultEvent, at: Span) {
        let document = self.document;
        if at >= document.end() && document.run.duration != Span::ZERO {
            self.error(
                "fault_after_end",
                path,
                format!(
                    "fault {} comes at {at}, the run ends at {}",
                    event.id,
                    document.end()
                ),
                "fault times count from 0, warm-up included",
            );
        }
    }

    fn lifetime(&mut self, path: &Path, what: &str, lifetime: &Lifetime) {
        let here = path.then(lifetime.name());
        if lifetime.mean() == Span::ZERO {
            self.error(
                "zero_lifetime",
                here.then("mean"),
                format!("an {what} of zero: it would fail without end"),
                "write \"2 h\"",
            );
        }
        if let Lifetime::Weibull(law) = lifetime
            && !(0.1..=100.0).contains(&law.shape)
        {
            self.error(
                "shape_out_of_range",
                here.then("shape"),
                format!("a Weibull distribution of shape {}", law.shape),
                "shapes go from 0.1 to 100",
            );
        }
    }

    /// Windows of maintenance on the same link must not overlap.
    fn windows(&mut self) {
        let mut windows: Vec<(&str, Span, Option<Span>, &FaultEvent, Path)> = Vec::new();
        for (index, event) in self.document.faults.iter().enumerate() {
            let path = at!("faults", index);
            for link in event.fault.kind().window() {
                if let Some(at) = event.at {
                    let until = event.repair_after.map(|after| at + after);
                    windows.push((link, at, until, event, path.then("at")));
                }
                for (number, outage) in event.outages.iter().enumerate() {
                    let here = path.then("outages").then(number);
                    windows.push((link, outage.at, outage.repair, event, here));
                }
            }
        }
        for (number, (link, at, until, event, path)) in windows.iter().enumerate() {
            let overlap = windows[..number].iter().find(|(other, from, to, by, _)| {
                let apart = until.is_some_and(|until| until <= *from) || to.is_some_and(|to| to <= *at);
                other == link && by.id != event.id && !apart
            });
            if let Some((.., by, _)) = overlap {
                self.error(
                    "overlapping_maintenance",
                    path.clone(),
                    format!(
                        "{} and {} maintain link \"{link}\" at the same time",
                        by.id, event.id
                    ),
                    "make one window of the two, or put one after the other",
                );
            }
        }
    }

    /// Reference points between QKDNs that a fault cuts where no border has them.
    fn cuts(&mut self) {
        let document = self.document;
        let mut ends = document.boundaries.iter().flat_map(|boundary| &boundary.between);
        if ends.any(|end| document.qkdn(&end.qkdn).is_none()) {
            return; // said elsewhere
        }
        let present = reference_points(document);
        for (index, event) in document.faults.iter().enumerate() {
            let Fault::ChannelCut(cut) = &event.fault else {
                continue;
            };
            let absent = cut
                .point()
                .filter(|point| point.is_between_qkdns() && !present.contains(point));
            if let Some(point) = absent {
                self.warning(
                    "nothing_to_cut",
                    at!("faults", index, "fault", event.fault.name(), "reference_point"),
                    format!("no border has {}: the fault does nothing", point.name()),
                    "points with a prime lie inside an interworking node, those without do not; variants of one scenario may \
                     name both",
                );
            }
        }
    }

    /// What waits for reports, where nothing is reported.
    fn without_reports(&mut self) {
        let document = self.document;
        let protocol = &document.protocol;
        if protocol.status_reports || protocol.polling.is_some() {
            return;
        }
        let recovery = &protocol.recovery;
        let there = at!("protocol", "recovery");
        let mut idle: Vec<Path> = [
            ("hold_off", recovery.hold_off > Span::ZERO),
            ("wait_to_restore", recovery.wait_to_restore > Span::ZERO),
            ("revertive", recovery.revertive),
        ]
        .into_iter()
        .filter(|(_, given)| *given)
        .map(|(field, _)| there.then(field))
        .collect();
        let qkdns = document.qkdns.iter().enumerate();
        let weighing =
            qkdns.filter(|(_, qkdn)| matches!(qkdn.routing, Routing::KeyAware(_) | Routing::KShortest(_)));
        idle.extend(weighing.map(|(index, _)| at!("qkdns", index, "routing")));
        for place in idle {
            self.warning(
                "unreported",
                place,
                "modules and key managers report nothing and are not polled: what controllers know never changes, and this has \
                 no effect",
                "write \"status_reports\": true, or \"polling\"",
            );
        }
    }

    fn recovery(&mut self) {
        self.without_reports();
        let protocol = &self.document.protocol;
        if !protocol.status_reports {
            let mut lack = Vec::new();
            if protocol.recovery.on_depletion {
                lack.push(at!("protocol", "recovery", "on_depletion"));
            }
            let classes = self.document.classes.iter().enumerate();
            let refilled = classes.filter(|(_, class)| class.lacking == Lacking::Refill);
            lack.extend(refilled.map(|(index, _)| at!("classes", index, "lacking")));
            for place in lack {
                let message =
                    "key managers report no levels, so that no controller knows which hop lacks key";
                self.error(
                    "lack_unreported",
                    place,
                    message,
                    "write \"status_reports\": true",
                );
            }
        }
        let here = at!("protocol", "recovery", "detection", "heartbeat");
        if let Detection::Heartbeat(beats) = &protocol.recovery.detection {
            if beats.period == Span::ZERO {
                let message = "heartbeats would follow without end";
                self.error("zero_heartbeat", here.then("period"), message, "write \"1 s\"");
            }
            if beats.misses == 0 {
                let message = "a failure would be noticed before it comes";
                self.error("zero_misses", here.then("misses"), message, "write 3");
            }
            if !protocol.status_reports {
                let message = "nobody reports what heartbeats tell";
                let hint = "write \"status_reports\": true, or leave the heartbeats out";
                self.error("heartbeats_unreported", here, message, hint);
            }
        }
    }
}
