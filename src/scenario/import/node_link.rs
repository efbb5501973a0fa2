//! Node-link JSON, as networkx and topohub (Jurkiewicz, SoftwareX 2023) write it: `nodes`, `links` or `edges`, and
//! `demands` in the file or in its `graph`.

use std::collections::BTreeMap;

use super::{Format, Raw, RawDemand, RawEdge, RawNode, Text};
use crate::catalogue::{Entry, Node, Origin, Tree};
use crate::scenario::Diagnostics;
use crate::scenario::text::parse;

/// Node-link JSON.
pub(super) const FORMAT: Format = Format {
    entry: Entry {
        name: "node_link",
        doc: "node-link JSON of networkx or topohub; coordinates in lon and lat or pos, lengths in length_km or dist, losses in loss_db",
    },
    recognises: |text| text.trim_start().starts_with('{') && text.contains("\"nodes\""),
    read,
};

fn read(text: &Text) -> Result<Raw, Diagnostics> {
    let root = parse(&text.sources, 0)?;
    let graph = root.get("graph");
    let word = |node: &Node, key: &str| node.get(key).and_then(plain);
    let mut raw = Raw {
        name: word(&root, "name").or_else(|| graph.and_then(|graph| word(graph, "name"))),
        source: word(&root, "source"),
        ..Raw::default()
    };
    for node in list(text, &root, &["nodes"])? {
        let mut attributes = attributes(node);
        if let Some(Tree::Array(axes)) = node.get("pos").map(|pos| &pos.tree) {
            for (name, axis) in ["lon", "lat"].into_iter().zip(axes) {
                attributes.extend(plain(axis).map(|value| (name.to_owned(), value)));
            }
        }
        raw.nodes.push(RawNode {
            id: need(text, node, &["id"])?,
            attributes,
            origin: opening(node),
        });
    }
    for edge in list(text, &root, &["links", "edges"])? {
        raw.edges.push(RawEdge {
            ends: [
                need(text, edge, &["source", "a"])?,
                need(text, edge, &["target", "b"])?,
            ],
            attributes: attributes(edge),
            origin: opening(edge),
        });
    }
    let demands = root
        .get("demands")
        .or_else(|| graph.and_then(|graph| graph.get("demands")));
    if let Some(demands) = demands {
        read_demands(text, demands, &mut raw.demands)?;
    }
    Ok(raw)
}

/// Demands as a list of objects with source, target and value, or as a table by source and target.
fn read_demands(text: &Text, node: &Node, demands: &mut Vec<RawDemand>) -> Result<(), Diagnostics> {
    let number = |node: &Node| {
        plain(node)
            .and_then(|value| value.parse::<f64>().ok())
            .ok_or_else(|| {
                let message = format!("expected a number, found {}", node.what());
                text.wrong("wrong_type", node.origin, message, "write how much is asked")
            })
    };
    match &node.tree {
        Tree::Array(items) => {
            for item in items {
                let value = item.get("value").or_else(|| item.get("demand"));
                demands.push(RawDemand {
                    ends: [need(text, item, &["source"])?, need(text, item, &["target"])?],
                    value: number(value.unwrap_or(item))?,
                    origin: opening(item),
                });
            }
        }
        Tree::Object(sources) => {
            for source in sources {
                let Tree::Object(targets) = &source.value.tree else {
                    return Err(table(text, &source.value));
                };
                for target in targets {
                    demands.push(RawDemand {
                        ends: [source.key.clone(), target.key.clone()],
                        value: number(&target.value)?,
                        origin: target.key_origin,
                    });
                }
            }
        }
        _ => return Err(table(text, node)),
    }
    Ok(())
}

fn table(text: &Text, node: &Node) -> Diagnostics {
    text.wrong(
        "wrong_type",
        node.origin,
        format!("expected demands, found {}", node.what()),
        "write {\"SOURCE\": {\"TARGET\": 195.0}} or [{\"source\": …, \"target\": …, \"value\": …}]",
    )
}

fn list<'a>(text: &Text, root: &'a Node, names: &[&str]) -> Result<&'a [Node], Diagnostics> {
    let found = names.iter().find_map(|name| root.get(name));
    match found.map(|node| &node.tree) {
        Some(Tree::Array(items)) => Ok(items),
        _ => Err(text.wrong(
            "no_graph",
            opening(root),
            format!("there is no list \"{}\"", names.join("\" or \"")),
            "is this node-link JSON?",
        )),
    }
}

fn need(text: &Text, node: &Node, names: &[&str]) -> Result<String, Diagnostics> {
    names
        .iter()
        .find_map(|name| plain(node.get(name)?))
        .ok_or_else(|| {
            text.wrong(
                "missing_attribute",
                opening(node),
                format!("there is no \"{}\" here", names[0]),
                "node-link JSON asks for it",
            )
        })
}

/// The plain members of an object and its lists of plain values, names in lower case.
fn attributes(node: &Node) -> BTreeMap<String, String> {
    let Tree::Object(members) = &node.tree else {
        return BTreeMap::new();
    };
    let listed = |node: &Node| match &node.tree {
        Tree::Array(items) => Some(items.iter().filter_map(plain).collect::<Vec<_>>().join(",")),
        _ => plain(node),
    };
    let plain = members
        .iter()
        .filter_map(|member| Some((member.key.to_lowercase(), listed(&member.value)?)));
    plain.collect()
}

fn plain(node: &Node) -> Option<String> {
    match &node.tree {
        Tree::Text(value) | Tree::Number(value) => Some(value.clone()),
        _ => None,
    }
}

/// The bracket that opens a value, so that a finding does not mark all of it.
fn opening(node: &Node) -> Origin {
    Origin {
        end: node.origin.start + 1,
        ..node.origin
    }
}
