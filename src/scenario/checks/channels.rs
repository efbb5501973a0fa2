//! Channels that disturb messages, and what makes up for it.

use super::{Checker, at};
use crate::kernel::time::Span;
use crate::units::Fraction;

impl Checker<'_> {
    pub(super) fn channels(&mut self) {
        let document = self.document;
        let channels = &document.channels;
        let rules = &document.protocol.retransmission;
        let kinds = [
            ("control", &channels.control),
            ("key_management", &channels.key_management),
            ("management", &channels.management),
        ];
        for (kind, quality) in kinds {
            for (name, share) in [("loss", quality.loss), ("duplication", quality.duplication)] {
                if share >= Fraction::ONE {
                    self.error(
                        "certain_disturbance",
                        at!("channels", kind, name),
                        format!("every message on {kind} channels suffers {name}"),
                        "a probability below 1, such as 0.01 or \"1 %\"",
                    );
                }
            }
        }
        let loses = kinds.iter().any(|(_, quality)| quality.loss > Fraction::ZERO);
        if loses && rules.retries == 0 {
            self.error(
                "no_retries",
                at!("protocol", "retransmission", "retries"),
                "messages are lost and never sent again",
                "write 1 or more, or take the loss away",
            );
        }
        if rules.timeout == Span::ZERO {
            self.error(
                "zero_retransmission_timeout",
                at!("protocol", "retransmission", "timeout"),
                "every message is sent again at once",
                "write a time longer than message and acknowledgement take, such as \"100 ms\"",
            );
            return;
        }
        for (kind, quality) in kinds {
            let both_ways = quality.delay.0.saturating_add(quality.jitter.0).saturating_mul(2);
            let patience = rules.timeout.0.saturating_mul(u64::from(rules.retries) + 1);
            let path = at!("protocol", "retransmission", "timeout");
            let disturbed = quality.loss > Fraction::ZERO
                || quality.duplication > Fraction::ZERO
                || quality.jitter > Span::ZERO;
            if disturbed && both_ways >= patience {
                self.error(
                    "acknowledged_too_late",
                    path,
                    format!(
                        "on {kind} channels a message is given up after {}, and its acknowledgement may take {} and more",
                        Span(patience),
                        Span(both_ways)
                    ),
                    "make the time-out longer, or delay and jitter shorter",
                );
            } else if disturbed && both_ways >= rules.timeout.0 {
                self.warning(
                    "needless_retransmissions",
                    path,
                    format!(
                        "on {kind} channels a message is sent again after {}, and its acknowledgement may take {} and more",
                        rules.timeout,
                        Span(both_ways)
                    ),
                    "make the time-out longer",
                );
            }
        }
    }
}
