//! What the faults of a document may name.

use super::document::{Boundary, BoundaryKind, Control, Document, LinkModel, Qkdn, Stretch};
use crate::architecture::ElementKind;
use crate::fault::{Ground, Named};
use crate::units::Metres;

/// A link as faults name it.
struct LinkNamed<'a> {
    name: String,
    ends: [String; 2],
    model: &'a LinkModel,
}

impl Document {
    /// All links: those of QKDNs, and those along borders.
    fn links(&self) -> Vec<LinkNamed<'_>> {
        let of_qkdn = |qkdn: &Qkdn, end: &str| format!("{}/{end}", qkdn.id);
        let inside = self.qkdns.iter().flat_map(|qkdn| {
            qkdn.links.iter().map(move |link| LinkNamed {
                name: of_qkdn(qkdn, link.id.as_str()),
                ends: [0, 1].map(|end| of_qkdn(qkdn, &link.between[end])),
                model: &link.model,
            })
        });
        let along = self.boundaries.iter().flat_map(|boundary| {
            let borders = [0, 1].map(|end| boundary.between[end].to_string());
            match &boundary.kind {
                BoundaryKind::Gwn(gwn) => vec![LinkNamed {
                    name: boundary.id.0.clone(),
                    ends: borders,
                    model: &gwn.link.model,
                }],
                BoundaryKind::Iwn(iwn) => {
                    let templates = [&iwn.link, iwn.link_b.as_ref().unwrap_or(&iwn.link)];
                    let side = |side: usize| LinkNamed {
                        name: side_of(boundary, side),
                        ends: [borders[side].clone(), side_of(boundary, side)],
                        model: &templates[side].model,
                    };
                    vec![side(0), side(1)]
                }
            }
        });
        inside.chain(along).collect()
    }

    /// Nodes with a key manager, by QKDN: their own, then their sides of interworking sites.
    fn key_managers(&self) -> Vec<(&Qkdn, String)> {
        let sites = self.boundaries.iter().filter(|boundary| is_site(boundary));
        let sides = sites.flat_map(|boundary| {
            let sides = [0, 1].into_iter();
            sides.filter_map(move |side| {
                let qkdn = self.qkdn(&boundary.between[side].qkdn)?;
                Some((qkdn, side_of(boundary, side)))
            })
        });
        let own = self.qkdns.iter().flat_map(|qkdn| {
            let nodes = qkdn.nodes.iter();
            nodes.map(move |node| (qkdn, format!("{}/{}", qkdn.id, node.id)))
        });
        own.chain(sides).collect()
    }
}

fn is_site(boundary: &Boundary) -> bool {
    matches!(boundary.kind, BoundaryKind::Iwn(_))
}

/// One side of an interworking site, and the link to it.
fn side_of(boundary: &Boundary, side: usize) -> String {
    format!("{}/{}", boundary.id, boundary.between[side].qkdn)
}

impl Ground for Document {
    fn duct_length(&self, name: &str) -> Option<Metres> {
        Document::duct_length(self, name)
    }

    fn names(&self, kind: Named) -> Vec<String> {
        match kind {
            Named::Duct => {
                let own = |stretches: &[Stretch]| stretches.is_empty();
                let links = self.qkdns.iter().flat_map(|qkdn| {
                    let alone = qkdn.links.iter().filter(|link| own(&link.ducts));
                    alone.map(|link| format!("{}/{}", qkdn.id, link.id))
                });
                let boundaries = self.boundaries.iter().filter(|boundary| own(&boundary.ducts));
                let boundaries = boundaries.map(|boundary| boundary.id.0.clone());
                let shared = self.ducts.iter().map(|duct| duct.id.0.clone());
                boundaries.chain(shared).chain(links).collect()
            }
            Named::Link => self.links().into_iter().map(|link| link.name).collect(),
            Named::KeyManager => self.key_managers().into_iter().map(|(_, node)| node).collect(),
            Named::Node => {
                let own = self.qkdns.iter().flat_map(|qkdn| {
                    let nodes = qkdn.nodes.iter();
                    nodes.map(|node| format!("{}/{}", qkdn.id, node.id))
                });
                let sites = self.boundaries.iter().filter(|boundary| is_site(boundary));
                own.chain(sites.map(|boundary| boundary.id.0.clone())).collect()
            }
            Named::Controller => {
                let central = self
                    .qkdns
                    .iter()
                    .filter(|qkdn| qkdn.control == Control::Centralized);
                let central = central.map(|qkdn| qkdn.id.0.clone());
                let nodes = self.key_managers().into_iter();
                let distributed = nodes.filter(|(qkdn, _)| qkdn.control == Control::Distributed);
                central.chain(distributed.map(|(_, node)| node)).collect()
            }
            Named::Qkdn => self.qkdns.iter().map(|qkdn| qkdn.id.0.clone()).collect(),
            Named::Element => {
                let prefixed = |kind, prefix: &'static str| {
                    let names = self.names(kind).into_iter();
                    names.map(move |name| format!("{prefix} {name}"))
                };
                let mut names: Vec<String> = prefixed(Named::Controller, "controller").collect();
                names.extend(prefixed(Named::Qkdn, "manager"));
                names.extend(prefixed(Named::KeyManager, "KMA"));
                names.extend(prefixed(Named::KeyManager, "KSA"));
                let modules = self.links().into_iter().flat_map(|LinkNamed { name, ends, .. }| {
                    ends.map(|end| format!("QKD module {name} at {end}"))
                });
                names.extend(modules);
                names
            }
        }
    }

    fn element(&self, name: &str) -> Option<(ElementKind, String)> {
        let (kind, rest) = [
            ("controller ", ElementKind::Controller),
            ("manager ", ElementKind::Manager),
            ("KMA ", ElementKind::Kma),
            ("KSA ", ElementKind::Ksa),
            ("QKD module ", ElementKind::QkdModule),
        ]
        .into_iter()
        .find_map(|(prefix, kind)| Some((kind, name.strip_prefix(prefix)?)))?;
        let place = match kind {
            ElementKind::QkdModule => rest.rsplit_once(" at ")?.1,
            _ => rest,
        };
        // "QKDN", "QKDN/NODE", or "BOUNDARY/QKDN" at an interworking site.
        let (first, last) = place.split_once('/').unwrap_or((place, place));
        let of_qkdn = self.qkdns.iter().any(|qkdn| qkdn.id == *first);
        Some((kind, if of_qkdn { first } else { last }.to_owned()))
    }

    fn ends(&self, link: &str) -> Option<[String; 2]> {
        let found = self.links().into_iter().find(|known| known.name == link);
        found.map(|known| known.ends)
    }

    fn has_errors(&self, link: &str) -> bool {
        let found = self.links().into_iter().find(|known| known.name == link);
        found.is_some_and(|known| known.model.shows_errors())
    }
}
