//! The variants G0, G0=, G1 and I of one boundary: GWN against IWN by a neutral rule.
//!
//! | variant | what it is |
//! |---|---|
//! | G0 | GWNs at both ends of the duct; one QKD link over all of it while its model reaches, else relays on it |
//! | G0= | G0 with the most parallel module pairs whose price is not above I's |
//! | G1 | the site is an ordinary node of the first QKDN and its GWN (mirror: of the second): two links, as I has |
//! | I | the site is the IWN: a link from either end, two key managers |
//!
//! A span that the model does not reach is cut into ceil(span / 80 km) parts of equal length by relays, which are
//! ordinary nodes: those up to the site belong to the first QKDN, those beyond it to the second. Loss splits by
//! length, positions round down at the first end, the totals of the stores are split evenly over the links (what
//! does not divide goes to the links nearest the first end, bit by bit). All links of a variant lie in the same
//! duct at their kilometre, so that one cut hits whatever lies there.

use super::document::{
    Boundary, BoundaryDuct, BoundaryKind, Control, Document, Duct, Gwn, Iwn, Link, LinkTemplate, Name,
    Nothing, Place, QkdNode, Qkdn, Store, Stretch, TransferProtection, place_between,
};
use crate::interworking::layout::{self, Point, Stands, Which};
use crate::kernel::time::Span;
use crate::units::{Bits, Decibels, Fraction, Metres};

/// What a variant of one boundary is made of, for price and comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Equipment {
    /// Pairs of QKD modules.
    pub module_pairs: u64,
    /// Key managers beside those of the two border nodes.
    pub key_managers: u64,
    /// Controllers beside those of the two border nodes.
    pub controllers: u64,
    /// Trusted sites beside those of the two border nodes.
    pub sites: u64,
    /// Untrusted stations in the middle of links.
    pub middle_stations: u64,
    /// QKD links.
    pub links: u64,
}

impl Equipment {
    /// Its price by the document's table.
    pub fn price(&self, document: &Document) -> u64 {
        let prices = &document.prices;
        [
            (self.module_pairs, prices.module_pair),
            (self.key_managers, prices.key_manager),
            (self.controllers, prices.controller),
            (self.sites, prices.site),
            (self.middle_stations, prices.middle_station),
            (self.links, prices.link),
        ]
        .iter()
        .fold(0, |sum, (number, price)| {
            sum.saturating_add(number.saturating_mul(*price))
        })
    }
}

/// Derives a variant of every boundary of a document. A span is one link as far as the link's model makes key over it.
pub fn derive(document: &Document, which: Which) -> Document {
    let mut derived = document.clone();
    derived.complete();
    for index in 0..derived.boundaries.len() {
        let boundary = derived.boundaries[index].clone();
        Site::new(&boundary).build(&mut derived, index, which);
    }
    derived
}

/// What the variant of one boundary is made of.
pub fn equipment(document: &Document, boundary: &Boundary, which: Which) -> Equipment {
    Site::new(boundary).equipment(document, which)
}

/// A boundary on its way to a variant.
struct Site<'a> {
    boundary: &'a Boundary,
    /// Templates of the links from the first and from the second end, the latter seen from the first.
    links: [LinkTemplate; 2],
    /// Totals of all stores of the boundary.
    total: Store,
}

impl<'a> Site<'a> {
    fn new(boundary: &'a Boundary) -> Site<'a> {
        let (links, total) = match &boundary.kind {
            BoundaryKind::Gwn(gwn) => ([gwn.link.clone(), gwn.link.clone()], gwn.link.store.clone()),
            BoundaryKind::Iwn(iwn) => {
                let first = iwn.link.clone();
                let mut second = iwn.link_b.clone().unwrap_or_else(|| iwn.link.clone());
                second.store.lane_share = second.store.lane_share.rest();
                let sum = |a: Bits, b: Bits| Bits(a.0.saturating_add(b.0));
                let total = Store {
                    initial: sum(first.store.initial, second.store.initial),
                    capacity: sum(first.store.capacity, second.store.capacity),
                    floor: sum(first.store.floor, second.store.floor),
                    ..first.store.clone()
                };
                ([first, second], total)
            }
        };
        Site {
            boundary,
            links,
            total,
        }
    }

    /// The loss between two places of the duct.
    fn loss(&self, from: Metres, to: Metres) -> Decibels {
        let all = self.boundary.duct.total_loss();
        let length = self.boundary.duct.length;
        Decibels(all.up_to(to, length).0 - all.up_to(from, length).0)
    }

    /// What stands along the duct in a variant, in order.
    fn points(&self, which: Which) -> Vec<Point> {
        let reaches = |template: usize, from: Metres, to: Metres| {
            let length = Metres(to.0 - from.0);
            self.links[template].reaches_over(length, self.loss(from, to))
        };
        let (site, end) = (self.boundary.site(), self.boundary.duct.length);
        layout::points(which, self.owner(), site, end, &reaches)
    }

    /// Which end's QKDN the site belongs to.
    fn owner(&self) -> usize {
        let second = self.boundary.between[1].qkdn.as_str();
        usize::from(self.boundary.site_owner.as_deref() == Some(second))
    }

    fn equipment(&self, document: &Document, which: Which) -> Equipment {
        let points = self.points(which);
        let systems = self.systems(document, which);
        let distributed = |side: usize| {
            let qkdn = document.qkdn(&self.boundary.between[side].qkdn);
            u64::from(qkdn.is_some_and(|qkdn| qkdn.control == Control::Distributed))
        };
        let mut all = Equipment::default();
        for pair in points.windows(2) {
            let template = self.template_of(pair[1].at);
            let pairs = u64::from(systems[template]);
            all.links += 1;
            all.module_pairs += pairs;
            if self.links[template].model.has_middle_station() {
                all.middle_stations += pairs;
            }
        }
        for point in &points {
            let (key_managers, controllers) = match point.stands {
                Stands::End => continue,
                Stands::Iwn => (2, distributed(0) + distributed(1)),
                Stands::Relay | Stands::SiteNode => (1, distributed(point.side)),
            };
            all.key_managers += key_managers;
            all.controllers += controllers;
            all.sites += 1;
        }
        all
    }

    /// Which template the span that ends there follows.
    fn template_of(&self, end: Metres) -> usize {
        usize::from(end > self.boundary.site())
    }

    /// Module pairs per link, by template.
    fn systems(&self, document: &Document, which: Which) -> [u32; 2] {
        let own = [self.links[0].systems, self.links[1].systems];
        match which {
            // One link over both spans is as the first template.
            Which::G0 => [own[0]; 2],
            Which::G0Equal => {
                let allowed = self.equipment(document, Which::I).price(document);
                let mut equipment = self.equipment(document, Which::G0);
                let links = (self.points(Which::G0).len() - 1) as u64;
                (equipment.module_pairs, equipment.middle_stations) = (0, 0);
                let left = allowed.saturating_sub(equipment.price(document));
                let station = u64::from(self.links[0].model.has_middle_station());
                let per_pair = station
                    .saturating_mul(document.prices.middle_station)
                    .saturating_add(document.prices.module_pair);
                let per_system = links.saturating_mul(per_pair);
                let most = left
                    .checked_div(per_system)
                    .map_or(own[0], |most| most.min(1_000_000) as u32);
                [most.max(own[0]); 2]
            }
            Which::G1 | Which::I => own,
        }
    }

    /// The store of the link with that number out of so many.
    fn share(&self, number: usize, links: usize, lane_share: Fraction) -> Store {
        let (number, links) = (number as u64, links as u64);
        let part = |total: Bits| Bits(total.0 / links + u64::from(number < total.0 % links));
        Store {
            initial: part(self.total.initial),
            capacity: part(self.total.capacity),
            floor: part(self.total.floor),
            max_age: self.total.max_age,
            lane_share,
        }
    }

    fn build(&self, document: &mut Document, index: usize, which: Which) {
        let points = self.points(which);
        let links = points.len() - 1;
        let systems = self.systems(document, which);
        let single = matches!(which, Which::G0 | Which::G0Equal);
        let template = |number: usize| {
            let side = self.template_of(points[number + 1].at);
            let own = &self.links[if single { 0 } else { side }];
            LinkTemplate {
                channel: own.channel.clone(),
                model: own.model.clone(),
                generation: own.generation.clone(),
                store: self.share(number, links, own.store.lane_share),
                max_sessions: own.max_sessions,
                systems: systems[side],
            }
        };
        let stretches = self.shared_duct(document, links > if which == Which::I { 2 } else { 1 });
        let names = self.name_nodes(document, &points);
        let id = &self.boundary.id;

        // The boundary is between the last of the first side and the first of the second.
        let last = points
            .iter()
            .rposition(|p| p.side == 0 && p.stands != Stands::Iwn)
            .unwrap_or(0);
        let first = points.iter().position(|p| p.side == 1).unwrap_or(links);
        for number in (0..links).filter(|number| *number < last || *number >= first) {
            let (from, to) = (points[number], points[number + 1]);
            let template = template(number);
            let link = Link {
                id: Name(format!("{id}-span-{}", number + 1)),
                between: [names[number].clone(), names[number + 1].clone()],
                length: Metres(to.at.0 - from.at.0),
                loss: Some(self.loss(from.at, to.at)),
                attenuation: None,
                systems: template.systems,
                channel: template.channel,
                model: template.model,
                generation: template.generation,
                store: template.store,
                max_sessions: template.max_sessions,
                ducts: cut(&stretches, from.at, to.at),
                note: Some(format!("derived from boundary {id}")),
                source: None,
                estimated: Vec::new(),
            };
            if let Some(qkdn) = self.qkdn(document, from.side) {
                qkdn.links.push(link);
            }
        }
        let (from, to) = (points[last].at, points[first].at);
        let length = Metres(to.0 - from.0);
        let place = |point: usize, side: usize| Place {
            qkdn: self.boundary.between[side].qkdn.clone(),
            node: names[point].clone(),
        };
        let kind = if which == Which::I {
            let mut second = template(last + 1);
            // A template's lanes count from the border node.
            second.store.lane_share = second.store.lane_share.rest();
            let first = template(last);
            let link_b = (second != first).then_some(second);
            BoundaryKind::Iwn(match &self.boundary.kind {
                BoundaryKind::Iwn(iwn) => Iwn {
                    link: first,
                    link_b,
                    ..iwn.clone()
                },
                BoundaryKind::Gwn(_) => Iwn {
                    link: first,
                    link_b,
                    kxi1_prime_protection: TransferProtection::None(Nothing {}),
                    kxi1_prime_delay: Span::ZERO,
                    kxi1_prime_rate: None,
                    qx: super::document::NoQx,
                },
            })
        } else {
            BoundaryKind::Gwn(Gwn { link: template(last) })
        };
        document.boundaries[index] = Boundary {
            between: [place(last, 0), place(first, 1)],
            duct: BoundaryDuct {
                length,
                loss: Some(self.loss(from, to)),
                attenuation: None,
            },
            ducts: cut(&stretches, from, to),
            site_at: if which == Which::I {
                fraction_of(Metres(self.boundary.site().0 - from.0), length)
            } else {
                Fraction::HALF
            },
            kind,
            ..self.boundary.clone()
        };
        if which != Which::I {
            self.move_out_of_iwn(document, [&names[last], &names[first]]);
        }
    }

    fn qkdn<'d>(&self, document: &'d mut Document, side: usize) -> Option<&'d mut Qkdn> {
        let id = &self.boundary.between[side].qkdn;
        document.qkdns.iter_mut().find(|qkdn| qkdn.id == *id)
    }

    /// The stretches that the whole boundary lies in; where several links share its own duct, it is declared.
    fn shared_duct(&self, document: &mut Document, shared: bool) -> Vec<Stretch> {
        if !shared || !self.boundary.ducts.is_empty() {
            return self
                .boundary
                .ducts
                .iter()
                .map(|stretch| Stretch {
                    to: stretch.to.or_else(|| document.duct_length(&stretch.duct)),
                    ..stretch.clone()
                })
                .collect();
        }
        document.ducts.push(Duct {
            id: self.boundary.id.clone(),
            length: self.boundary.duct.length,
            note: Some(format!("the duct of boundary {}", self.boundary.id)),
        });
        vec![Stretch {
            duct: self.boundary.id.0.clone(),
            from: Metres::ZERO,
            to: Some(self.boundary.duct.length),
        }]
    }

    /// Adds the nodes of a variant to their QKDNs; the names of all points.
    fn name_nodes(&self, document: &mut Document, points: &[Point]) -> Vec<String> {
        let mut relays = 0;
        points
            .iter()
            .enumerate()
            .map(|(number, point)| {
                let name = match point.stands {
                    Stands::End => return self.boundary.between[usize::from(number > 0)].node.clone(),
                    Stands::Iwn => return self.boundary.id.0.clone(),
                    Stands::SiteNode => format!("{}-site", self.boundary.id),
                    Stands::Relay => {
                        relays += 1;
                        format!("{}-relay-{relays}", self.boundary.id)
                    }
                };
                let place = self.place_at(document, point.at);
                if let Some(qkdn) = self.qkdn(document, point.side) {
                    qkdn.nodes.push(QkdNode {
                        id: Name(name.clone()),
                        lon: place.map(|[lon, _]| lon),
                        lat: place.map(|[_, lat]| lat),
                        note: Some(format!("at {} of boundary {}", point.at, self.boundary.id)),
                        source: None,
                        estimated: place.map_or(Vec::new(), |_| vec!["lon".to_owned(), "lat".to_owned()]),
                    });
                }
                name
            })
            .collect()
    }

    /// The place along the duct, taken as straight; that of the end whose place is known, if only one is.
    fn place_at(&self, document: &Document, at: Metres) -> Option<[f64; 2]> {
        let [a, b] = self.boundary.between.each_ref().map(|end| {
            let nodes = &document.qkdn(&end.qkdn)?.nodes;
            nodes.iter().find(|node| node.id == end.node)?.place()
        });
        let share = at.0 as f64 / self.boundary.duct.length.0 as f64;
        match (a, b) {
            (Some(a), Some(b)) => Some(place_between(a, b, share)),
            _ => a.or(b),
        }
    }

    /// Where there is no IWN any more, what stood in it stands in the gateway nodes.
    fn move_out_of_iwn(&self, document: &mut Document, gateways: [&String; 2]) {
        let id = &self.boundary.id;
        for (side, gateway) in gateways.into_iter().enumerate() {
            let Some(qkdn) = self.qkdn(document, side) else {
                continue;
            };
            let is_node = qkdn.nodes.iter().any(|node| node.id == *id);
            for place in [&mut qkdn.controller_at, &mut qkdn.manager_at] {
                if !is_node && place.as_ref().is_some_and(|place| *id == *place) {
                    *place = Some(gateway.clone());
                }
            }
        }
        for route in &mut document.data_network.routes {
            for place in &mut route.between {
                if *id == place.qkdn {
                    let side = usize::from(self.boundary.between[1].qkdn == place.node);
                    *place = Place {
                        qkdn: place.node.clone(),
                        node: gateways[side].clone(),
                    };
                }
            }
        }
        document
            .data_network
            .routes
            .retain(|route| route.between[0] != route.between[1]);
    }
}

/// The part from one place to another of what lies in these stretches.
fn cut(stretches: &[Stretch], from: Metres, to: Metres) -> Vec<Stretch> {
    let mut start = 0;
    let mut parts = Vec::new();
    for stretch in stretches {
        let (enter, leave) = (stretch.from.0, stretch.to.unwrap_or(stretch.from).0);
        let length = enter.abs_diff(leave);
        let (low, high) = (from.0.max(start), to.0.min(start + length));
        if low < high {
            let along = |at: u64| {
                Metres(if enter <= leave {
                    enter + (at - start)
                } else {
                    enter - (at - start)
                })
            };
            parts.push(Stretch {
                duct: stretch.duct.clone(),
                from: along(low),
                to: Some(along(high)),
            });
        }
        start += length;
    }
    parts
}

/// The fraction of `length` that rounds down to `part`.
fn fraction_of(part: Metres, length: Metres) -> Fraction {
    let one = u128::from(Fraction::ONE.0);
    let exact = (u128::from(part.0) * one).div_ceil(u128::from(length.0.max(1)));
    Fraction(
        u64::try_from(exact)
            .unwrap_or(Fraction::ONE.0)
            .min(Fraction::ONE.0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Described as _;
    use crate::scenario::{load, load_text};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// Totals of (initial, capacity, length, loss) of all links that belong to boundary `border`.
    fn totals(document: &Document) -> (u64, u64, u64, u64) {
        let boundary = document.boundary("border").expect("there");
        let mut stores: Vec<&Store> = Vec::new();
        match &boundary.kind {
            BoundaryKind::Gwn(gwn) => stores.push(&gwn.link.store),
            BoundaryKind::Iwn(iwn) => {
                stores.push(&iwn.link.store);
                stores.push(&iwn.link_b.as_ref().unwrap_or(&iwn.link).store);
            }
        }
        let mut length = boundary.duct.length.0;
        let mut loss = boundary.duct.total_loss().0;
        for link in document.qkdns.iter().flat_map(|qkdn| &qkdn.links) {
            if link.id.0.starts_with("border-span-") {
                stores.push(&link.store);
                length += link.length.0;
                loss += link.total_loss().0;
            }
        }
        (
            stores.iter().map(|store| store.initial.0).sum(),
            stores.iter().map(|store| store.capacity.0).sum(),
            length,
            loss,
        )
    }

    fn valid(document: &Document) {
        let text = document.encode().to_string();
        let again = load_text("derived", &text, &[]).unwrap_or_else(|wrong| panic!("{wrong}"));
        assert_eq!(again.document, *document);
    }

    fn added_nodes(document: &Document, qkdn: &str) -> Vec<String> {
        let qkdn = document.qkdn(qkdn).expect("there");
        let added = qkdn.nodes.iter().filter(|node| node.id.0.starts_with("border-"));
        added.map(|node| node.id.0.clone()).collect()
    }

    #[test]
    fn all_variants_of_all_scenarios_share_what_must_be_equal() {
        for file in [
            "scenarios/madqci.json",
            "scenarios/madqci.json:iwn",
            "scenarios/polska-nobel-germany.json",
            "scenarios/trieste-ljubljana-rijeka.json",
            "scenarios/clause8/gwn-cc.json",
            "scenarios/clause8/iwn-dd.json",
        ] {
            let document = load(file, &[]).expect("valid").document;
            let expected = totals(&document);
            for which in Which::ALL {
                let derived = derive(&document, which);
                valid(&derived);
                assert_eq!(totals(&derived), expected, "{file} {which:?}");
                assert_eq!(derived.demands, document.demands);
                assert_eq!(
                    derived.duct_length("border"),
                    Some(document.boundary("border").expect("there").duct.length),
                    "{file} {which:?}: a cut finds the same duct"
                );
            }
        }
    }

    #[test]
    fn madqci_needs_no_relays() {
        let document = load("scenarios/madqci.json", &[]).expect("valid").document;
        let derive = |which| super::derive(&document, which);
        assert_eq!(derive(Which::G0), document);
        let first = load(
            "scenarios/madqci.json",
            &["boundaries.border.site_owner=REDIMadrid".to_owned()],
        );
        let first = first.expect("valid").document;
        let g1 = super::derive(&first, Which::G1);
        assert_eq!(added_nodes(&g1, "REDIMadrid"), ["border-site"]);
        assert!(added_nodes(&g1, "Telefonica").is_empty());
        let boundary = g1.boundary("border").expect("there");
        assert_eq!(boundary.between[0].to_string(), "REDIMadrid/border-site");
        assert_eq!(
            (boundary.duct.length, boundary.duct.total_loss()),
            (Metres(1_950), Decibels(1_500_000_000))
        );
        let mirrored = derive(Which::G1);
        assert_eq!(added_nodes(&mirrored, "Telefonica"), ["border-site"]);
        assert_eq!(
            mirrored.boundary("border").expect("there").between[1].node,
            "border-site"
        );
        let i = derive(Which::I);
        let BoundaryKind::Iwn(iwn) = &i.boundary("border").expect("there").kind else {
            panic!("an IWN");
        };
        assert_eq!((iwn.link.store.initial, &iwn.link_b), (Bits(32_000), &None));
    }

    #[test]
    fn long_borders_get_relays_of_the_side_that_they_stand_on() {
        let document = load(
            "scenarios/polska-nobel-germany.json",
            &["boundaries.border.site_at=0.2".to_owned()],
        )
        .expect("valid")
        .document;
        let g0 = derive(&document, Which::G0);
        assert!(added_nodes(&g0, "Polska").is_empty());
        assert_eq!(
            added_nodes(&g0, "Germany"),
            ["border-relay-1"],
            "71.5 km lie beyond the site at 28.6 km"
        );
        let i = derive(&document, Which::I);
        assert_eq!(
            added_nodes(&i, "Germany"),
            ["border-relay-1"],
            "114.4 km are two spans"
        );
        let boundary = i.boundary("border").expect("there");
        assert_eq!(boundary.duct.length, Metres(85_800));
        assert_eq!(boundary.site(), Metres(28_600));
    }

    #[test]
    fn equal_price_buys_as_many_modules_as_it_can() {
        let document = load("scenarios/madqci.json", &[]).expect("valid").document;
        let boundary = document.boundary("border").expect("there");
        let made = |which| equipment(&document, boundary, which);
        let i = made(Which::I);
        assert_eq!(
            (i.module_pairs, i.key_managers, i.controllers, i.sites),
            (2, 2, 2, 1)
        );
        let equal = made(Which::G0Equal);
        assert_eq!(
            equal.module_pairs, 3,
            "2 pairs, 2 KMs, 2 controllers and a site cost 310,000"
        );
        assert!(equal.price(&document) <= i.price(&document));
        assert!(equal.price(&document) + document.prices.module_pair > i.price(&document));
        assert_eq!(made(Which::G1).key_managers, 1);
        let derived = derive(&document, Which::G0Equal);
        let BoundaryKind::Gwn(gwn) = &derived.boundaries[0].kind else {
            panic!("gateways");
        };
        assert_eq!(gwn.link.systems, 3);
    }

    /// clause8/iwn-cc.json with 100 km of border and another link on it.
    fn with_link(model: &str, channel: &Value) -> Document {
        let text = std::fs::read_to_string("scenarios/clause8/iwn-cc.json").expect("there");
        let mut document: Value = serde_json::from_str(&text).expect("JSON");
        let border = &mut document["boundaries"][0];
        border["duct"] = json!({ "length": "100 km", "loss": "20 dB" });
        let link = &mut border["kind"]["iwn"]["link"];
        link["model"] = json!({ model: {} });
        link["channel"] = channel.clone();
        let loaded = load_text("changed", &document.to_string(), &[]);
        loaded.unwrap_or_else(|wrong| panic!("{wrong}")).document
    }

    #[test]
    fn a_span_is_cut_where_noise_or_loss_of_its_own_channel_leaves_no_key() {
        let relays = |channel: Value| {
            let derived = derive(&with_link("decoy_bb84_vacuum_weak", &channel), Which::G0);
            added_nodes(&derived, "A").len() + added_nodes(&derived, "B").len()
        };
        let raman = |power_mw: f64| json!({ "raman": { "power_mw": power_mw } });
        assert_eq!(relays(raman(1e-6)), 0);
        assert_eq!(relays(raman(1.0)), 1);
        assert_eq!(relays(json!({ "insertion_loss": "1 dB" })), 0);
        assert_eq!(relays(json!({ "insertion_loss": "30 dB" })), 1);
    }

    #[test]
    fn stations_in_the_middle_have_their_price() {
        let price = |model: &str, which| {
            let document = with_link(model, &json!({}));
            let boundary = document.boundary("border").expect("there");
            let made = equipment(&document, boundary, which);
            (made, made.price(&document), document)
        };
        let (trusted, without, _) = price("decoy_bb84_vacuum_weak", Which::I);
        let (made, with, document) = price("mdi_wcs_asymptotic_opt", Which::I);
        assert_eq!((trusted.middle_stations, made.middle_stations), (0, 2));
        assert_eq!(with, without + 2 * document.prices.middle_station);
        // What the comparison says of the compiled network is the same.
        let plan = crate::scenario::compile(&derive(&document, Which::I));
        assert_eq!(plan.inventory().middle_stations, 2);
        // Equal price buys module pairs with their stations.
        let (equal, spent, _) = price("mdi_wcs_asymptotic_opt", Which::G0Equal);
        assert_eq!(equal.middle_stations, equal.module_pairs);
        let another = document.prices.module_pair + document.prices.middle_station;
        assert!(spent <= with && spent + another > with);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_border_splits_without_losing_anything(
            length in 2_u64..400_000, loss in 0_u64..90_000_000_000, site in 0_u64..=1_000_000_000,
            initial in 0_u64..1_000_000, share in 0_u64..=1_000_000_000,
        ) {
            let mut document = load("scenarios/polska-nobel-germany.json", &[]).expect("valid").document;
            let boundary = &mut document.boundaries[0];
            boundary.duct.length = Metres(length);
            boundary.duct.loss = Some(Decibels(loss));
            boundary.site_at = Fraction(site);
            let BoundaryKind::Iwn(iwn) = &mut boundary.kind else { panic!("an IWN") };
            iwn.link.store.initial = Bits(initial);
            iwn.link.store.lane_share = Fraction(share);
            let expected = totals(&document);
            for which in Which::ALL {
                let derived = derive(&document, which);
                valid(&derived);
                prop_assert_eq!(totals(&derived), expected);
                let again = derive(&derived, which);
                if which == Which::I {
                    prop_assert_eq!(again.boundary("border").map(Boundary::site),
                        derived.boundary("border").map(Boundary::site));
                }
            }
        }
    }
}
