//! GraphML (Brandes et al., 2002), as the Internet Topology Zoo and networkx write it.

use std::collections::BTreeMap;

use super::xml::{Element, parse};
use super::{Format, Raw, RawEdge, RawNode, Text};
use crate::catalogue::Entry;
use crate::scenario::Diagnostics;

/// GraphML.
pub(super) const FORMAT: Format = Format {
    entry: Entry {
        name: "graphml",
        doc: "GraphML; coordinates in the node data Longitude and Latitude, lengths in length_km or dist, losses in loss_db",
    },
    recognises: |text| text.contains("<graphml"),
    read,
};

fn read(text: &Text) -> Result<Raw, Diagnostics> {
    let root = parse(text)?;
    let Some(graph) = root.child("graph") else {
        return Err(text.wrong(
            "no_graph",
            root.origin,
            format!("there is no <graph> in <{}>", root.name),
            "is this a GraphML file?",
        ));
    };
    let keys: BTreeMap<&str, String> = root
        .all("key")
        .filter_map(|key| {
            let id = key.attribute("id")?;
            Some((id, key.attribute("attr.name").unwrap_or(id).to_lowercase()))
        })
        .collect();
    let data = |element: &Element| -> BTreeMap<String, String> {
        let of_element = element.all("data").filter_map(|data| {
            let key = data.attribute("key")?;
            Some((
                keys.get(key).cloned().unwrap_or_else(|| key.to_lowercase()),
                data.text.clone(),
            ))
        });
        of_element.collect()
    };
    let of_graph = data(graph);
    let mut raw = Raw {
        name: of_graph.get("label").or(of_graph.get("network")).cloned(),
        source: of_graph.get("source").cloned(),
        ..Raw::default()
    };
    for node in graph.all("node") {
        raw.nodes.push(RawNode {
            id: required(text, node, "id")?,
            attributes: data(node),
            origin: node.origin,
        });
    }
    for edge in graph.all("edge") {
        raw.edges.push(RawEdge {
            ends: [required(text, edge, "source")?, required(text, edge, "target")?],
            attributes: data(edge),
            origin: edge.origin,
        });
    }
    let hyper = graph.all("hyperedge").count();
    if hyper > 0 {
        raw.notes.push(format!("{hyper} hyperedges were left out"));
    }
    Ok(raw)
}

fn required(text: &Text, element: &Element, name: &str) -> Result<String, Diagnostics> {
    element.attribute(name).map(str::to_owned).ok_or_else(|| {
        text.wrong(
            "missing_attribute",
            element.origin,
            format!("<{}> has no attribute \"{name}\"", element.name),
            "GraphML asks for it",
        )
    })
}
