//! What no link can exceed, whatever its protocol: secret bits per use of a lossy channel. Checks, not models.
//!
//! With trusted nodes a network is a chain of links, each under its own bound; an untrusted middle station, as in
//! twin-field QKD, stays under that of one repeater.

use std::f64::consts::LN_2;

/// PLOB: −log2(1 − η) (Pirandola, Laurenza, Ottaviani, Banchi, Nat. Commun. 8, 15043 (2017)). Infinite at η = 1.
/// In all its digits, for every check and curve; the model `plob_bound` prints −log2(1 − η) as the reference vectors do.
pub fn plob(eta: f64) -> f64 {
    -libm::log1p(-eta) / LN_2
}

/// TGW: log2((1 + η)/(1 − η)) (Takeoka, Guha, Wilde, Nat. Commun. 5, 5235 (2014)).
pub fn takeoka_guha_wilde(eta: f64) -> f64 {
    (libm::log1p(eta) - libm::log1p(-eta)) / LN_2
}

/// `repeaters` ideal repeaters at equal distance: −log2(1 − η^(1/(n+1))) (Pirandola, Commun. Phys. 2, 51 (2019)).
pub fn repeaters(eta: f64, repeaters: u32) -> f64 {
    plob(libm::pow(eta, 1.0 / f64::from(repeaters + 1)))
}
