//! GML (Himsolt, 1997), as the Internet Topology Zoo writes it: keys followed by a number, a text or a list.

use std::collections::BTreeMap;

use super::{Format, Raw, RawEdge, RawNode, Text};
use crate::catalogue::{Entry, Origin};
use crate::scenario::Diagnostics;

/// GML.
pub(super) const FORMAT: Format = Format {
    entry: Entry {
        name: "gml",
        doc: "GML of the Internet Topology Zoo; coordinates in Longitude and Latitude, lengths in length_km or dist, losses in loss_db",
    },
    recognises: |text| {
        let words = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let mut words = words.flat_map(str::split_whitespace);
        words.any(|word| word == "graph" || word == "graph[") && text.contains('[')
    },
    read,
};

/// A value of GML.
#[derive(Debug)]
enum Value {
    Plain(String),
    List(Vec<Pair>),
}

/// A key with its value.
#[derive(Debug)]
struct Pair {
    key: String,
    value: Value,
    origin: Origin,
}

fn read(text: &Text) -> Result<Raw, Diagnostics> {
    let mut scanner = Scanner { text, at: 0 };
    let pairs = scanner.pairs(None, 0)?;
    let Some(graph) = pairs.iter().find_map(|pair| match (&*pair.key, &pair.value) {
        ("graph", Value::List(members)) => Some(members),
        _ => None,
    }) else {
        return Err(text.wrong(
            "no_graph",
            text.at(0, 0),
            "there is no \"graph [ … ]\" in the file".to_owned(),
            "is this a GML file?",
        ));
    };
    let of_graph = attributes(graph);
    let mut raw = Raw {
        name: of_graph.get("label").or(of_graph.get("network")).cloned(),
        source: of_graph.get("source").cloned(),
        ..Raw::default()
    };
    for pair in graph {
        let Value::List(members) = &pair.value else {
            continue;
        };
        let attributes = attributes(members);
        let need = |name: &str| {
            attributes.get(name).cloned().ok_or_else(|| {
                text.wrong(
                    "missing_attribute",
                    pair.origin,
                    format!("this {} has no \"{name}\"", pair.key),
                    "GML asks for it",
                )
            })
        };
        match &*pair.key {
            "node" => raw.nodes.push(RawNode {
                id: need("id")?,
                origin: pair.origin,
                attributes: attributes.clone(),
            }),
            "edge" => raw.edges.push(RawEdge {
                ends: [need("source")?, need("target")?],
                origin: pair.origin,
                attributes: attributes.clone(),
            }),
            _ => {}
        }
    }
    Ok(raw)
}

/// The plain members of a list, names in lower case.
fn attributes(members: &[Pair]) -> BTreeMap<String, String> {
    let plain = members.iter().filter_map(|pair| match &pair.value {
        Value::Plain(value) => Some((pair.key.to_lowercase(), value.clone())),
        Value::List(_) => None,
    });
    plain.collect()
}

/// Deepest nesting that is read.
const DEEPEST: usize = 100;

struct Scanner<'a> {
    text: &'a Text,
    at: usize,
}

impl Scanner<'_> {
    fn rest(&self) -> &str {
        &self.text.as_str()[self.at..]
    }

    /// Goes past white space and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            self.at += blank;
            if !self.rest().starts_with('#') {
                return;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    fn wrong(&self, origin: Origin, message: &str, hint: &str) -> Diagnostics {
        self.text.wrong("gml_syntax", origin, message.to_owned(), hint)
    }

    /// Keys and values up to the bracket that closes what was opened there, or to the end.
    fn pairs(&mut self, opened: Option<Origin>, depth: usize) -> Result<Vec<Pair>, Diagnostics> {
        let mut pairs = Vec::new();
        loop {
            self.skip();
            match (self.rest().chars().next(), opened) {
                (None, None) => return Ok(pairs),
                (None, Some(opened)) => {
                    return Err(self.wrong(
                        opened,
                        "this is never closed",
                        "the file may be cut off: fetch it again",
                    ));
                }
                (Some(']'), Some(_)) => {
                    self.at += 1;
                    return Ok(pairs);
                }
                _ => pairs.push(self.pair(depth)?),
            }
        }
    }

    fn pair(&mut self, depth: usize) -> Result<Pair, Diagnostics> {
        let start = self.at;
        let rest = self.rest();
        let length = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        if length == 0 {
            return Err(self.wrong(
                self.text.at(start, 1),
                "expected a key",
                "GML is a list of keys, each followed by a value",
            ));
        }
        let key = rest[..length].to_owned();
        let origin = self.text.at(start, length);
        self.at += length;
        self.skip();
        let rest = self.rest();
        let value = match rest.chars().next() {
            Some('[') if depth < DEEPEST => {
                self.at += 1;
                Value::List(self.pairs(Some(origin), depth + 1)?)
            }
            Some('"') => {
                let Some(end) = rest[1..].find('"') else {
                    return Err(self.wrong(
                        self.text.at(self.at, 1),
                        "this text is never closed",
                        "put a quotation mark at its end",
                    ));
                };
                let value = unescape(&rest[1..=end]);
                self.at += end + 2;
                Value::Plain(value)
            }
            Some(c) if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => {
                let length = rest
                    .find(|c: char| c.is_whitespace() || c == ']')
                    .unwrap_or(rest.len());
                let number = &rest[..length];
                if number.parse::<f64>().is_err() {
                    let origin = self.text.at(self.at, length);
                    return Err(self.wrong(origin, "this is no number", "put texts into quotation marks"));
                }
                let value = number.to_owned();
                self.at += length;
                Value::Plain(value)
            }
            _ => {
                return Err(self.wrong(
                    origin,
                    "no value follows this key",
                    "write a number, a text in quotation marks or a list in brackets",
                ));
            }
        };
        Ok(Pair { key, value, origin })
    }
}

/// A text with its character entities resolved, as far as they are numbers or the five of XML.
fn unescape(text: &str) -> String {
    quick_xml::escape::unescape(text).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
}
