//! Random numbers: one independent ChaCha8 stream per label and purpose.
//!
//! A stream belongs to a label ("link/a3-a4") and a purpose ("blocks"). Its key is the SHA-256 hash of
//!
//! | bytes | what |
//! |---|---|
//! | 16 | the ASCII characters `qkdni/streams/v1` |
//! | 8 | seed, little-endian |
//! | 4 | replication, little-endian |
//! | 8 | length of the label \[bytes\], little-endian |
//! | … | the label, UTF-8 |
//! | 8 | length of the purpose \[bytes\], little-endian |
//! | … | the purpose, UTF-8 |
//!
//! so that different streams hash different bytes, and a stream's numbers depend on nothing else in the run: an
//! added link moves no one else's numbers, and two variants of a network face the same demands and faults.
//!
//! Every variate takes **one** 64-bit draw, turned by the inverse of its distribution function. Nothing is rejected,
//! so that the n-th variate of a stream is the n-th draw in every variant (common random numbers). Transcendental
//! functions come from `libm`, whose results do not depend on the platform.

use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_chacha::{ChaCha8Rng, ChaCha20Rng};
use sha2::{Digest, Sha256};

use super::normal::normal_quantile;

/// What the hash starts with; a change of the construction changes the version.
const VERSION: &[u8; 16] = b"qkdni/streams/v1";

/// The source of all streams of one replication.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Streams {
    seed: u64,
    replication: u32,
}

impl Streams {
    /// The streams of a replication of an experiment with a seed.
    pub fn new(seed: u64, replication: u32) -> Self {
        Streams { seed, replication }
    }

    /// The stream of a label and a purpose, from its beginning.
    pub fn stream(&self, label: &str, purpose: &str) -> Stream {
        Stream {
            generator: ChaCha8Rng::from_seed(self.key(label, purpose)),
        }
    }

    /// The keystream of a label and a purpose, to be read at any place.
    pub fn keystream(&self, label: &str, purpose: &str) -> Keystream {
        Keystream {
            key: self.key(label, purpose),
        }
    }

    fn key(&self, label: &str, purpose: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(VERSION);
        hash.update(self.seed.to_le_bytes());
        hash.update(self.replication.to_le_bytes());
        for text in [label, purpose] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        hash.finalize().into()
    }
}

/// Bytes that can be read at any place, again and again, so that nothing has to be stored: ChaCha20, keyed as a
/// [`Stream`] is.
#[derive(Clone, Debug)]
pub struct Keystream {
    key: [u8; 32],
}

impl Keystream {
    /// Reads from a byte on.
    pub fn read(&self, byte: u64, into: &mut [u8]) {
        const WORD: u64 = 4;
        let mut generator = ChaCha20Rng::from_seed(self.key);
        generator.set_word_pos(u128::from(byte / WORD));
        // Bytes leave word by word: what stands before the place in its word is read and dropped.
        let before = (byte % WORD) as usize;
        let mut bytes = vec![0; before + into.len()];
        generator.fill_bytes(&mut bytes);
        into.copy_from_slice(&bytes[before..]);
    }
}

/// A stream of random numbers. A clone repeats what the original is going to give.
#[derive(Clone, Debug)]
pub struct Stream {
    generator: ChaCha8Rng,
}

impl Stream {
    /// The next 64 random bits, as they come.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// Uniform in \[0, 1): a multiple of 2⁻⁵³.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * EPSILON_53
    }

    /// Uniform in (0, 1\]: a multiple of 2⁻⁵³, fit for a logarithm.
    #[inline]
    pub fn uniform_open(&mut self) -> f64 {
        ((self.bits() >> 11) + 1) as f64 * EPSILON_53
    }

    /// Exponential with the given mean, in the unit of the mean; at most 36.8 means.
    #[inline]
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(self.uniform_open())
    }

    /// Uniform among 0, 1 … `n` − 1, by multiplication and shift (Lemire, 2019, without the rejection).
    ///
    /// The probability of each number differs from 1/`n` by less than 2⁻⁶⁴: for `n` below 10⁹ no test of fewer than
    /// 10²⁰ draws could tell.
    ///
    /// # Panics
    /// If `n` is zero.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "there is no number below zero");
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// True with probability `p`; never for `p` ≤ 0, always for `p` ≥ 1, and with one draw in any case.
    #[inline]
    pub fn bernoulli(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// Standard normal: the [inverse distribution function](normal_quantile) of a uniform number in the middle of
    /// one of 2⁵² intervals; at most 8.2 in absolute value.
    #[inline]
    pub fn normal(&mut self) -> f64 {
        normal_quantile(((self.bits() >> 12) as f64 + 0.5) * EPSILON_52)
    }
}

/// 2⁻⁵³.
const EPSILON_53: f64 = 1.0 / (1_u64 << 53) as f64;
/// 2⁻⁵².
const EPSILON_52: f64 = 1.0 / (1_u64 << 52) as f64;

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Stream {
        Streams::new(42, 3).stream("link/a3-a4", "blocks")
    }

    /// An independent implementation of the construction gave these numbers. They are part of every result ever
    /// published, and must never change.
    #[test]
    fn known_answers() {
        let mut s = stream();
        assert_eq!(
            [(); 4].map(|()| s.bits()),
            [
                10_081_400_008_557_720_268,
                12_987_894_828_779_455_071,
                14_271_578_901_232_114_241,
                9_083_630_780_448_887_234
            ]
        );
        let mut s = stream();
        assert_eq!(
            [
                s.uniform().to_bits(),
                s.uniform_open().to_bits(),
                s.exponential(2.5).to_bits(),
                s.below(1000),
                u64::from(s.bernoulli(0.5)),
                s.normal().to_bits(),
            ],
            [
                4_603_097_778_143_204_990,
                4_604_516_965_067_141_385,
                4_603_953_738_952_823_715,
                492,
                0,
                13_826_258_250_769_397_049
            ]
        );
    }

    #[test]
    fn a_keystream_reads_the_same_at_every_place() {
        let keys = Streams::new(42, 3).keystream("link/a3-a4/0", "key material");
        let mut all = [0; 300];
        keys.read(0, &mut all);
        for (from, length) in [(0, 5), (1, 1), (3, 200), (64, 64), (255, 45)] {
            let mut some = vec![0; length];
            keys.read(from as u64, &mut some);
            assert_eq!(some, all[from..from + length]);
        }
        assert!(all.windows(8).all(|bytes| bytes != [0; 8]));
    }

    #[test]
    fn every_part_of_the_name_makes_another_stream() {
        let first =
            |seed, replication, label, purpose| Streams::new(seed, replication).stream(label, purpose).bits();
        let numbers = [
            first(1, 0, "ab", "c"),
            first(2, 0, "ab", "c"),
            first(1, 1, "ab", "c"),
            first(1, 0, "a", "bc"),
            first(1, 0, "abc", ""),
            first(1, 0, "c", "ab"),
        ];
        for (i, number) in numbers.iter().enumerate() {
            assert!(!numbers[..i].contains(number));
        }
        assert_eq!(first(1, 0, "ab", "c"), numbers[0]);
    }

    #[test]
    fn every_variate_takes_one_draw() {
        let mut s = stream();
        let mut draws = stream();
        let _ = (
            s.uniform(),
            s.uniform_open(),
            s.exponential(1.0),
            s.below(3),
            s.bernoulli(1.0),
            s.normal(),
        );
        for _ in 0..6 {
            draws.bits();
        }
        assert_eq!(s.bits(), draws.bits());
    }

    #[test]
    fn means_and_variances_are_those_of_the_distributions() {
        let mut s = stream();
        let n = 200_000;
        let mut moments = |draw: &mut dyn FnMut(&mut Stream) -> f64| {
            let (mut sum, mut squares) = (0.0, 0.0);
            for _ in 0..n {
                let x = draw(&mut s);
                sum += x;
                squares += x * x;
            }
            let mean = sum / f64::from(n);
            (mean, squares / f64::from(n) - mean * mean)
        };
        let near = |(mean, variance): (f64, f64), (m, v): (f64, f64)| {
            // Five standard errors of the mean; the variance within three of a hundred.
            assert!(
                (mean - m).abs() < 5.0 * (v / f64::from(n)).sqrt(),
                "mean {mean}, not {m}"
            );
            assert!((variance / v - 1.0).abs() < 0.03, "variance {variance}, not {v}");
        };
        near(moments(&mut |s| s.uniform()), (0.5, 1.0 / 12.0));
        near(moments(&mut |s| s.uniform_open()), (0.5, 1.0 / 12.0));
        near(moments(&mut |s| s.exponential(3.0)), (3.0, 9.0));
        near(moments(&mut |s| s.below(11) as f64), (5.0, 10.0));
        near(
            moments(&mut |s| f64::from(u8::from(s.bernoulli(0.3)))),
            (0.3, 0.21),
        );
        near(moments(&mut |s| s.normal()), (0.0, 1.0));
    }

    #[test]
    fn bernoulli_knows_the_certain_cases() {
        let mut s = stream();
        assert!((0..1000).all(|_| s.bernoulli(1.0) && !s.bernoulli(0.0)));
    }
}
