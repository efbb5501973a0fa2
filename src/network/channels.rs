//! How well the data network carries messages: loss, duplication, delay and jitter per kind of channel.
//!
//! Ak, Kq-1 and what passes inside one element are never disturbed.

use crate::architecture::ElementKind;
use crate::kernel::{Span, Stream};
use crate::units::Fraction;

/// How well one kind of channel carries messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quality {
    /// Probability that a transmission is lost.
    pub loss: Fraction,
    /// Probability that the network delivers a transmission twice.
    pub duplication: Fraction,
    /// Delay beyond the propagation.
    pub delay: Span,
    /// Up to this much further delay, uniformly distributed: messages overtake one another.
    pub jitter: Span,
}

impl Quality {
    /// A channel that neither loses nor delays.
    pub const PERFECT: Quality = Quality {
        loss: Fraction::ZERO,
        duplication: Fraction::ZERO,
        delay: Span::ZERO,
        jitter: Span::ZERO,
    };

    /// Whether messages can be lost, doubled or put out of order.
    pub fn is_unreliable(&self) -> bool {
        self.loss > Fraction::ZERO || self.duplication > Fraction::ZERO || self.jitter > Span::ZERO
    }

    /// Delays beyond the propagation of the copies of one transmission that arrive. Four draws, whatever comes out;
    /// where `loses` is false, nothing is lost.
    pub fn copies(&self, random: &mut Stream, loses: bool) -> [Option<Span>; 2] {
        let lost = random.bernoulli(self.loss.as_number()) && loses;
        let doubled = random.bernoulli(self.duplication.as_number());
        let [first, second] = [(); 2].map(|()| self.delay + Span(random.below(self.jitter.0.max(1))));
        [(!lost).then_some(first), (!lost && doubled).then_some(second)]
    }
}

/// When a message that was not acknowledged is sent again, and how often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retransmission {
    /// Time without an acknowledgement after which a message is sent again.
    pub timeout: Span,
    /// How often it is sent again before it is given up, if it may be given up.
    pub retries: u32,
}

impl Default for Retransmission {
    /// Assumption: 100 ms, 5 times.
    fn default() -> Retransmission {
        Retransmission {
            timeout: Span::from_millis(100),
            retries: 5,
        }
    }
}

/// The channels of a scenario.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Channels {
    /// Ck, Cq, Cx, Cxi and its prime.
    pub control: Quality,
    /// Kx, Kxi and their primes.
    pub key_management: Quality,
    /// Mq, Mk, Mc, Mu, Mxi and its prime.
    pub management: Quality,
    /// What makes up for loss.
    pub retransmission: Retransmission,
}

impl Default for Channels {
    fn default() -> Channels {
        Channels {
            control: Quality::PERFECT,
            key_management: Quality::PERFECT,
            management: Quality::PERFECT,
            retransmission: Retransmission::default(),
        }
    }
}

impl Channels {
    /// How well messages between two kinds of elements are carried; `None`: Ak, which is not disturbed.
    pub fn between(&self, a: ElementKind, b: ElementKind) -> Option<&Quality> {
        use ElementKind::{Application, Controller, Manager};
        let either = |kind| a == kind || b == kind;
        if either(Application) {
            None
        } else if either(Manager) {
            Some(&self.management)
        } else if either(Controller) {
            Some(&self.control)
        } else {
            Some(&self.key_management)
        }
    }

    /// Whether every channel is perfect.
    pub fn are_perfect(&self) -> bool {
        [self.control, self.key_management, self.management] == [Quality::PERFECT; 3]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Streams;

    #[test]
    fn shares_are_as_given_and_every_transmission_takes_four_draws() {
        let quality = Quality {
            loss: Fraction(200_000_000),
            duplication: Fraction(300_000_000),
            delay: Span(10),
            jitter: Span(5),
        };
        let mut random = Streams::new(1, 0).stream("channel/a>b", "noise");
        let mut fourth = random.clone();
        let (mut lost, mut doubled) = (0, 0);
        for _ in 0..10_000 {
            let copies = quality.copies(&mut random, true);
            lost += u32::from(copies[0].is_none());
            doubled += u32::from(copies[1].is_some());
            for copy in copies.into_iter().flatten() {
                assert!((10..15).contains(&copy.0));
            }
        }
        // Five standard deviations about 2,000 and 8,000 · 0.3.
        assert!(
            (1_800..2_200).contains(&lost) && (2_190..2_610).contains(&doubled),
            "{lost} {doubled}"
        );
        for _ in 0..40_000 {
            fourth.bits();
        }
        assert_eq!(random.bits(), fourth.bits());
        assert!((0..100).all(|_| quality.copies(&mut random, false)[0].is_some()));
    }
}
