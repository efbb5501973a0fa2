//! Functional elements and their addresses (Y.3818 clause 6; layers after Y.3800).

use crate::ids::{ApplicationId, ControllerId, Id, LinkId, ManagerId, NodeId};

/// The layers of a QKDN and of what surrounds it. Every element belongs to exactly one (requirement A4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Layer {
    /// QKD modules and QKD links.
    Quantum,
    /// Key managers: KMA and KSA.
    KeyManagement,
    /// QKDN controllers.
    Control,
    /// QKDN managers.
    Management,
    /// Cryptographic applications, outside the QKDN.
    Service,
    /// User network managers, outside the QKDN.
    UserNetworkManagement,
}

/// The kinds of functional elements.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum ElementKind {
    /// A cryptographic application of the user network.
    Application,
    /// A key supply agent.
    Ksa,
    /// A key management agent.
    Kma,
    /// A QKD module, one end of a QKD link.
    QkdModule,
    /// A QKDN controller.
    Controller,
    /// A QKDN manager: QLM, KMLM, QCLM and XLMO together.
    Manager,
    /// A user network manager: it manages what uses the keys of one QKDN.
    UserNetworkManager,
}

impl ElementKind {
    const ALL: [ElementKind; 7] = [
        ElementKind::Application,
        ElementKind::Ksa,
        ElementKind::Kma,
        ElementKind::QkdModule,
        ElementKind::Controller,
        ElementKind::Manager,
        ElementKind::UserNetworkManager,
    ];

    /// The layer that the kind belongs to.
    pub const fn layer(self) -> Layer {
        match self {
            ElementKind::Application => Layer::Service,
            ElementKind::Ksa | ElementKind::Kma => Layer::KeyManagement,
            ElementKind::QkdModule => Layer::Quantum,
            ElementKind::Controller => Layer::Control,
            ElementKind::Manager => Layer::Management,
            ElementKind::UserNetworkManager => Layer::UserNetworkManagement,
        }
    }
}

/// Which element: its kind and its number among its kind, in 32 bits.
///
/// A KMA and the KSA of the same KM carry the number of their node; the two modules of link `l` carry `2 l` and
/// `2 l + 1`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Address(u32);

const INDEX_BITS: u32 = 28;

impl Address {
    /// The `index`-th element of a kind.
    pub fn new(kind: ElementKind, index: u32) -> Address {
        assert!(index < 1 << INDEX_BITS, "more than 2^28 elements of a kind");
        Address(((kind as u32) << INDEX_BITS) | index)
    }

    /// A cryptographic application.
    pub fn application(id: ApplicationId) -> Address {
        Address::new(ElementKind::Application, id.0)
    }

    /// The KMA of a node's KM.
    pub fn kma(node: NodeId) -> Address {
        Address::new(ElementKind::Kma, node.0)
    }

    /// The KSA of a node's KM.
    pub fn ksa(node: NodeId) -> Address {
        Address::new(ElementKind::Ksa, node.0)
    }

    /// The QKD module at one end (0 or 1) of a link.
    pub fn module(link: LinkId, end: usize) -> Address {
        Address::new(ElementKind::QkdModule, link.0 * 2 + end as u32)
    }

    /// A QKDN controller.
    pub fn controller(id: ControllerId) -> Address {
        Address::new(ElementKind::Controller, id.0)
    }

    /// A QKDN manager.
    pub fn manager(id: ManagerId) -> Address {
        Address::new(ElementKind::Manager, id.0)
    }

    /// The user network manager of a QKDN manager's users.
    pub fn user_network_manager(id: ManagerId) -> Address {
        Address::new(ElementKind::UserNetworkManager, id.0)
    }

    /// The element's kind.
    pub fn kind(self) -> ElementKind {
        ElementKind::ALL[(self.0 >> INDEX_BITS) as usize]
    }

    /// The element's number among its kind.
    pub fn index(self) -> u32 {
        self.0 & ((1 << INDEX_BITS) - 1)
    }

    /// The node of a KMA or KSA.
    pub fn node(self) -> NodeId {
        debug_assert!(matches!(self.kind(), ElementKind::Kma | ElementKind::Ksa));
        NodeId::from_index(self.index() as usize)
    }

    /// Whether both are parts of the same KM, or the same element: what passes between them is internal.
    pub fn is_same_element(self, other: Address) -> bool {
        let key_manager = |a: Address| matches!(a.kind(), ElementKind::Kma | ElementKind::Ksa);
        self == other || (key_manager(self) && key_manager(other) && self.index() == other.index())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows A4: kind and layer survive the packing.
    #[test]
    fn addresses_pack_kind_and_number() {
        for kind in ElementKind::ALL {
            let address = Address::new(kind, 12_345);
            assert_eq!((address.kind(), address.index()), (kind, 12_345));
        }
        assert_eq!(Address::kma(NodeId(3)).kind().layer(), Layer::KeyManagement);
        assert!(Address::kma(NodeId(3)).is_same_element(Address::ksa(NodeId(3))));
        assert!(!Address::kma(NodeId(3)).is_same_element(Address::kma(NodeId(4))));
    }
}
