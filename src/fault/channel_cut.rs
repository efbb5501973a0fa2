//! Messages do not get through, while everything that speaks is up: between two elements, or at a reference point.

use super::{Complaint, FaultKind, Ground, Named, Site, unknown};
use crate::architecture::reference_point::Relation;
use crate::architecture::{Channel, Disturbance, ReferencePoint};
use crate::catalogue::{record, suggest};

record! {
    /// A channel of the data network is cut. Either two elements or a reference point.
    pub struct ChannelCut {
        /// Two elements by their names in traces, as "controller A" and "controller B/b1".
        between: Option<[String; 2]>,
        /// All channels at a reference point, as "Cxi".
        reference_point: Option<String>,
    }
}

/// The complaint about two elements that never speak to each other.
fn apart(ground: &dyn Ground, ends: &[String; 2]) -> Option<Complaint> {
    let [(a, here), (b, there)] = [ground.element(&ends[0])?, ground.element(&ends[1])?];
    // Whether both stand in one interworking node changes a point's prime, not whether there is one.
    let relation = if here == there {
        Relation::SameQkdn
    } else {
        Relation::BetweenQkdns
    };
    let point = ReferencePoint::between(a, b, relation);
    point.is_none_or(|point| !point.is_carried()).then(|| Complaint {
        code: "no_reference_point",
        field: "between",
        message: format!(
            "the data network carries no reference point between \"{}\" and \"{}\"",
            ends[0], ends[1]
        ),
        hint: "name a controller and a key manager, module, manager or controller of its QKDN, or two controllers, \
               managers or agents of the same kind"
            .to_owned(),
    })
}

fn carried() -> impl Iterator<Item = ReferencePoint> {
    ReferencePoint::ALL.into_iter().filter(|point| point.is_carried())
}

impl ChannelCut {
    /// The reference point that is cut, if it is one that the data network carries.
    pub fn point(&self) -> Option<ReferencePoint> {
        carried().find(|known| Some(known.name()) == self.reference_point.as_deref())
    }
}

impl FaultKind for ChannelCut {
    fn complaints(&self, ground: &dyn Ground) -> Vec<Complaint> {
        let complaint = match (&self.between, &self.reference_point) {
            (Some(ends), None) => {
                let unknown = |name: &String| unknown(ground, Named::Element, "between", name);
                if ends[0] == ends[1] {
                    Some(Complaint {
                        code: "self_link",
                        field: "between",
                        message: format!("\"{}\" needs no channel to itself", ends[0]),
                        hint: "name two elements".to_owned(),
                    })
                } else {
                    ends.iter().find_map(unknown).or_else(|| apart(ground, ends))
                }
            }
            (None, Some(name)) => {
                let known: Vec<&str> = carried().map(ReferencePoint::name).collect();
                (!known.contains(&name.as_str())).then(|| Complaint {
                    code: "unknown_reference_point",
                    field: "reference_point",
                    message: format!("\"{name}\" is no reference point that the data network carries"),
                    hint: suggest(name, &known),
                })
            }
            _ => Some(Complaint {
                code: "no_channel",
                field: "between",
                message: "it is either two elements or a reference point".to_owned(),
                hint: "write \"between\": [\"controller A\", \"controller B\"]".to_owned(),
            }),
        };
        complaint.into_iter().collect()
    }

    fn disturbances(&self, site: &dyn Site) -> Vec<Disturbance> {
        let channel = match (&self.between, &self.reference_point) {
            (Some(ends), _) => {
                let [a, b] = [0, 1].map(|end| site.element(&ends[end]).expect("a checked name"));
                Channel::Between(a, b)
            }
            (None, _) => Channel::At(self.point().expect("a checked name")),
        };
        vec![Disturbance::ChannelCut(channel)]
    }
}
