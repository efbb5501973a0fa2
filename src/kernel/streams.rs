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

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

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
        let mut hash = Sha256::new();
        hash.update(VERSION);
        hash.update(self.seed.to_le_bytes());
        hash.update(self.replication.to_le_bytes());
        for text in [label, purpose] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        Stream {
            generator: ChaCha8Rng::from_seed(hash.finalize().into()),
        }
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

/// The number below which a standard normal variable lies with probability `p`, for 0 < `p` < 1.
///
/// Algorithm AS 241, routine PPND16: M. J. Wichura, "The percentage points of the normal distribution", Applied
/// Statistics 37 (1988) 477–484; relative accuracy about 10⁻¹⁶.
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * polynomial(r, &CENTRE_ABOVE) / polynomial(r, &CENTRE_BELOW);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = libm::sqrt(-libm::log(tail));
    let size = if r <= 5.0 {
        polynomial(r - 1.6, &MIDDLE_ABOVE) / polynomial(r - 1.6, &MIDDLE_BELOW)
    } else {
        polynomial(r - 5.0, &FAR_ABOVE) / polynomial(r - 5.0, &FAR_BELOW)
    };
    if q < 0.0 { -size } else { size }
}

/// Horner's rule, coefficients from the constant up.
#[inline]
fn polynomial(x: f64, coefficients: &[f64; 8]) -> f64 {
    coefficients
        .iter()
        .rev()
        .fold(0.0, |sum, coefficient| sum * x + coefficient)
}

// The coefficients as published: a to f of PPND16.
#[rustfmt::skip]
const CENTRE_ABOVE: [f64; 8] = [
    3.387_132_872_796_366_608, 1.331_416_678_917_843_774_5e2, 1.971_590_950_306_551_442_7e3,
    1.373_169_376_550_946_112_5e4, 4.592_195_393_154_987_145_7e4, 6.726_577_092_700_870_085_3e4,
    3.343_057_558_358_812_810_5e4, 2.509_080_928_730_122_672_7e3,
];
#[rustfmt::skip]
const CENTRE_BELOW: [f64; 8] = [
    1.0, 4.231_333_070_160_091_125_2e1, 6.871_870_074_920_579_083e2,
    5.394_196_021_424_751_107_7e3, 2.121_379_430_158_659_586_7e4, 3.930_789_580_009_271_061e4,
    2.872_908_573_572_194_267_4e4, 5.226_495_278_852_854_561e3,
];
#[rustfmt::skip]
const MIDDLE_ABOVE: [f64; 8] = [
    1.423_437_110_749_683_577_34, 4.630_337_846_156_545_295_9, 5.769_497_221_460_691_405_5,
    3.647_848_324_763_204_605_04, 1.270_458_252_452_368_382_58, 2.417_807_251_774_506_117_7e-1,
    2.272_384_498_926_918_458_33e-2, 7.745_450_142_783_414_076_4e-4,
];
#[rustfmt::skip]
const MIDDLE_BELOW: [f64; 8] = [
    1.0, 2.053_191_626_637_758_821_87, 1.676_384_830_183_803_849_4,
    6.897_673_349_851_000_045_5e-1, 1.481_039_764_274_800_745_9e-1, 1.519_866_656_361_645_719_66e-2,
    5.475_938_084_995_344_946e-4, 1.050_750_071_644_416_843_24e-9,
];
#[rustfmt::skip]
const FAR_ABOVE: [f64; 8] = [
    6.657_904_643_501_103_777_2, 5.463_784_911_164_114_369_9, 1.784_826_539_917_291_335_8,
    2.965_605_718_285_048_912_3e-1, 2.653_218_952_657_612_309_3e-2, 1.242_660_947_388_078_438_6e-3,
    2.711_555_568_743_487_578_15e-5, 2.010_334_399_292_288_132_65e-7,
];
#[rustfmt::skip]
const FAR_BELOW: [f64; 8] = [
    1.0, 5.998_322_065_558_879_376_9e-1, 1.369_298_809_227_358_053_1e-1,
    1.487_536_129_085_061_485_25e-2, 7.868_691_311_456_132_591e-4, 1.846_318_317_510_054_681_8e-5,
    1.421_511_758_316_445_888_7e-7, 2.044_263_103_389_939_785_64e-15,
];

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

    /// Against the distribution function itself, and against the published check values of AS 241.
    #[test]
    fn normal_quantiles_are_accurate() {
        let mut p = 1e-300;
        while p < 1.0 {
            let x = normal_quantile(p);
            let back = 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
            assert!((back / p - 1.0).abs() < 1e-10, "p {p}: {x} gives {back}");
            p = if p < 0.01 { p * 10.0 } else { p + 0.001 };
        }
        for (p, x) in [
            (0.25, -0.674_489_750_196_081_7),
            (0.001, -3.090_232_306_167_813_5),
            (1e-20, -9.262_340_089_798_408),
        ] {
            assert!((normal_quantile(p) / x - 1.0).abs() < 1e-15);
        }
        assert!((normal_quantile(0.3) + normal_quantile(0.7)).abs() < 1e-15);
    }
}
