//! Reference points (Y.3818 clauses 6.1, 6.2; Y.3802).
//!
//! Cxi, Kxi-1, Kxi-2, Mxi and their primes stand in Y.3818; Ak, Kq-1 and Ck are confirmed by other standards'
//! titles; the ends of Kx-1 and Kx-2, and Cx, Mq, Mk, Mc, Mu, are Y.3802's as remembered, not re-read.

use super::element::ElementKind;

/// A reference point. A prime means that both ends are members of the same IWN.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ReferencePoint {
    /// QKD module – QKD module.
    Qx,
    /// QKD module – KMA: QKD-keys.
    Kq1,
    /// KMA – KMA of the same QKDN.
    Kx1,
    /// KSA – KSA of the same QKDN.
    Kx2,
    /// KSA – cryptographic application.
    Ak,
    /// QKDN controller – KM.
    Ck,
    /// QKDN controller – QKD module or link.
    Cq,
    /// Controller – controller of the same QKDN.
    Cx,
    /// Manager – QKD module or link.
    Mq,
    /// Manager – KM.
    Mk,
    /// Manager – controller.
    Mc,
    /// Manager – user network manager.
    Mu,
    /// Controller – controller between QKDNs.
    Cxi,
    /// Controller – controller inside one IWN.
    CxiPrime,
    /// KMA – KMA between QKDNs.
    Kxi1,
    /// KMA – KMA inside one IWN.
    Kxi1Prime,
    /// KSA – KSA between QKDNs.
    Kxi2,
    /// KSA – KSA inside one IWN.
    Kxi2Prime,
    /// Manager – manager between QKDNs.
    Mxi,
    /// Manager – manager inside one IWN.
    MxiPrime,
}

/// How two elements lie to each other: what decides among a reference point, its inter-QKDN form and its prime.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relation {
    /// Both belong to the same QKDN (an IWN's side-A elements count as QKDN-A's).
    SameQkdn,
    /// They belong to different QKDNs.
    BetweenQkdns,
    /// They belong to different QKDNs and are members of the same IWN.
    WithinIwn,
}

impl ReferencePoint {
    /// All of them.
    pub const ALL: [ReferencePoint; 20] = [
        ReferencePoint::Qx,
        ReferencePoint::Kq1,
        ReferencePoint::Kx1,
        ReferencePoint::Kx2,
        ReferencePoint::Ak,
        ReferencePoint::Ck,
        ReferencePoint::Cq,
        ReferencePoint::Cx,
        ReferencePoint::Mq,
        ReferencePoint::Mk,
        ReferencePoint::Mc,
        ReferencePoint::Mu,
        ReferencePoint::Cxi,
        ReferencePoint::CxiPrime,
        ReferencePoint::Kxi1,
        ReferencePoint::Kxi1Prime,
        ReferencePoint::Kxi2,
        ReferencePoint::Kxi2Prime,
        ReferencePoint::Mxi,
        ReferencePoint::MxiPrime,
    ];

    /// The reference point between two kinds of elements, `None` if there is none: such a message is illegal.
    ///
    /// Follows from placement alone (requirement RP-rule), never from a setting.
    pub fn between(a: ElementKind, b: ElementKind, relation: Relation) -> Option<ReferencePoint> {
        use ElementKind::{Application, Controller, Kma, Ksa, Manager, QkdModule, UserNetworkManager};
        use ReferencePoint as R;
        use Relation::{BetweenQkdns, SameQkdn, WithinIwn};
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        Some(match (low, high, relation) {
            (Application, Ksa, SameQkdn) => R::Ak,
            (Ksa, Ksa, SameQkdn) => R::Kx2,
            (Ksa, Ksa, BetweenQkdns) => R::Kxi2,
            (Ksa, Ksa, WithinIwn) => R::Kxi2Prime,
            (Kma, Kma, SameQkdn) => R::Kx1,
            (Kma, Kma, BetweenQkdns) => R::Kxi1,
            (Kma, Kma, WithinIwn) => R::Kxi1Prime,
            (Kma, QkdModule, SameQkdn) => R::Kq1,
            (QkdModule, QkdModule, SameQkdn | BetweenQkdns) => R::Qx,
            (Ksa | Kma, Controller, SameQkdn) => R::Ck,
            (QkdModule, Controller, SameQkdn) => R::Cq,
            (Controller, Controller, SameQkdn) => R::Cx,
            (Controller, Controller, BetweenQkdns) => R::Cxi,
            (Controller, Controller, WithinIwn) => R::CxiPrime,
            (QkdModule, Manager, SameQkdn) => R::Mq,
            (Ksa | Kma, Manager, SameQkdn) => R::Mk,
            (Controller, Manager, SameQkdn) => R::Mc,
            (Manager, UserNetworkManager, SameQkdn) => R::Mu,
            (Manager, Manager, BetweenQkdns) => R::Mxi,
            (Manager, Manager, WithinIwn) => R::MxiPrime,
            _ => return None,
        })
    }

    /// The name as the standards print it.
    pub const fn name(self) -> &'static str {
        match self {
            ReferencePoint::Qx => "Qx",
            ReferencePoint::Kq1 => "Kq-1",
            ReferencePoint::Kx1 => "Kx-1",
            ReferencePoint::Kx2 => "Kx-2",
            ReferencePoint::Ak => "Ak",
            ReferencePoint::Ck => "Ck",
            ReferencePoint::Cq => "Cq",
            ReferencePoint::Cx => "Cx",
            ReferencePoint::Mq => "Mq",
            ReferencePoint::Mk => "Mk",
            ReferencePoint::Mc => "Mc",
            ReferencePoint::Mu => "Mu",
            ReferencePoint::Cxi => "Cxi",
            ReferencePoint::CxiPrime => "Cxi'",
            ReferencePoint::Kxi1 => "Kxi-1",
            ReferencePoint::Kxi1Prime => "Kxi-1'",
            ReferencePoint::Kxi2 => "Kxi-2",
            ReferencePoint::Kxi2Prime => "Kxi-2'",
            ReferencePoint::Mxi => "Mxi",
            ReferencePoint::MxiPrime => "Mxi'",
        }
    }

    /// Whether a fault may cut it: the data network carries it. (Qx lies in the link's ducts; Kq-1 and Ak stay inside a
    /// node.)
    pub const fn is_carried(self) -> bool {
        !matches!(
            self,
            ReferencePoint::Qx | ReferencePoint::Kq1 | ReferencePoint::Ak
        )
    }

    /// Whether what passes is encrypted because it goes from one provider to the other (7.1: policy-based control,
    /// performance and security management).
    pub const fn is_encrypted(self) -> bool {
        use ReferencePoint as R;
        matches!(self, R::Cxi | R::CxiPrime | R::Mxi | R::MxiPrime)
    }

    /// Whether its ends belong to different QKDNs.
    pub const fn is_between_qkdns(self) -> bool {
        use ReferencePoint as R;
        matches!(
            self,
            R::Cxi | R::CxiPrime | R::Kxi1 | R::Kxi1Prime | R::Kxi2 | R::Kxi2Prime | R::Mxi | R::MxiPrime
        )
    }

    /// Whether key material may pass here (requirement S1).
    pub const fn may_carry_key(self) -> bool {
        use ReferencePoint as R;
        matches!(self, R::Kq1 | R::Kx1 | R::Kxi1 | R::Kxi1Prime | R::Ak)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows RP-rule and A3: placement alone decides, and modules inside one IWN have no Qx.
    #[test]
    fn primes_follow_from_placement() {
        use ElementKind::{Controller, Kma, QkdModule};
        let between = ReferencePoint::between;
        assert_eq!(
            between(Kma, Kma, Relation::WithinIwn),
            Some(ReferencePoint::Kxi1Prime)
        );
        assert_eq!(
            between(Kma, Kma, Relation::BetweenQkdns),
            Some(ReferencePoint::Kxi1)
        );
        assert_eq!(
            between(Controller, Controller, Relation::BetweenQkdns),
            Some(ReferencePoint::Cxi)
        );
        assert_eq!(between(QkdModule, QkdModule, Relation::WithinIwn), None);
        assert_eq!(between(Kma, Controller, Relation::BetweenQkdns), None);
    }
}
