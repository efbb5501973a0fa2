//! SNDlib's XML (Orlowski et al., Networks 55(3), 2010): nodes, links, and demands.

use std::collections::BTreeMap;

use super::xml::{Element, parse};
use super::{Format, Raw, RawDemand, RawEdge, RawNode, Text};
use crate::catalogue::Entry;
use crate::scenario::Diagnostics;

/// SNDlib XML.
pub(super) const FORMAT: Format = Format {
    entry: Entry {
        name: "sndlib",
        doc: "SNDlib XML with its demands; coordinates count where they are geographical",
    },
    recognises: |text| text.contains("<networkStructure"),
    read,
};

fn read(text: &Text) -> Result<Raw, Diagnostics> {
    let root = parse(text)?;
    let Some(structure) = root.child("networkStructure") else {
        return Err(text.wrong(
            "no_graph",
            root.origin,
            format!("there is no <networkStructure> in <{}>", root.name),
            "is this an SNDlib file?",
        ));
    };
    let mut raw = Raw {
        source: Some("SNDlib (Orlowski, Pioro, Tomaszewski, Wessaly, Networks 55(3), 2010)".to_owned()),
        ..Raw::default()
    };
    if let Some(nodes) = structure.child("nodes") {
        // Without the attribute coordinates are geographical: that is the schema's default.
        let geographical = nodes.attribute("coordinatesType") != Some("pixel");
        for node in nodes.all("node") {
            let mut attributes = BTreeMap::new();
            if let (true, Some(place)) = (geographical, node.child("coordinates")) {
                for (name, axis) in [("longitude", "x"), ("latitude", "y")] {
                    if let Some(value) = place.child(axis) {
                        attributes.insert(name.to_owned(), value.text.clone());
                    }
                }
            }
            raw.nodes.push(RawNode {
                id: id(text, node)?,
                attributes,
                origin: node.origin,
            });
        }
        if !geographical {
            raw.notes
                .push("the coordinates are those of a picture, not of the Earth".to_owned());
        }
    }
    for link in structure
        .child("links")
        .iter()
        .flat_map(|links| links.all("link"))
    {
        raw.edges.push(RawEdge {
            ends: ends(text, link)?,
            attributes: BTreeMap::new(),
            origin: link.origin,
        });
    }
    for demand in root
        .child("demands")
        .iter()
        .flat_map(|demands| demands.all("demand"))
    {
        let value = demand.child("demandValue").map(|value| value.text.parse::<f64>());
        let Some(Ok(value)) = value else {
            return Err(text.wrong(
                "missing_attribute",
                demand.origin,
                "the demand has no <demandValue> that is a number".to_owned(),
                "write <demandValue>195.0</demandValue>",
            ));
        };
        raw.demands.push(RawDemand {
            ends: ends(text, demand)?,
            value,
            origin: demand.origin,
        });
    }
    Ok(raw)
}

fn id(text: &Text, element: &Element) -> Result<String, Diagnostics> {
    element.attribute("id").map(str::to_owned).ok_or_else(|| {
        text.wrong(
            "missing_attribute",
            element.origin,
            format!("<{}> has no attribute \"id\"", element.name),
            "SNDlib's schema asks for it",
        )
    })
}

fn ends(text: &Text, element: &Element) -> Result<[String; 2], Diagnostics> {
    let [source, target] = ["source", "target"].map(|name| element.child(name).map(|end| end.text.clone()));
    match (source, target) {
        (Some(source), Some(target)) => Ok([source, target]),
        _ => Err(text.wrong(
            "missing_attribute",
            element.origin,
            format!("<{}> needs a <source> and a <target>", element.name),
            "SNDlib's schema asks for both",
        )),
    }
}
