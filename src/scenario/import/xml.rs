//! XML as a tree of elements that know their places.

use std::collections::BTreeMap;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::Text;
use crate::catalogue::Origin;
use crate::scenario::Diagnostics;

/// An element.
#[derive(Clone, Debug, Default)]
pub(super) struct Element {
    /// Its name without a namespace prefix.
    pub name: String,
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
    /// Its elements.
    pub children: Vec<Element>,
    /// Its own text, white space at both ends removed.
    pub text: String,
    /// Where its start tag stands.
    pub origin: Origin,
}

impl Element {
    /// The first element of that name below it, at once.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All elements of that name below it, at once.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// An attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// Deepest nesting that is read.
const DEEPEST: usize = 200;

/// The root element of a text.
///
/// # Errors
/// The first mistake of syntax.
pub(super) fn parse(text: &Text) -> Result<Element, Diagnostics> {
    let mut reader = Reader::from_str(text.as_str());
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    loop {
        let start = reader.buffer_position() as usize;
        let event = reader.read_event().map_err(|error| {
            text.wrong(
                "xml_syntax",
                text.at(reader.error_position() as usize, 1),
                format!("not well-formed XML: {error}"),
                "close every tag that is opened, and quote all attributes",
            )
        })?;
        match event {
            Event::Start(tag) => {
                if open.len() >= DEEPEST {
                    return Err(text.wrong(
                        "xml_syntax",
                        text.at(start, 1),
                        format!("more than {DEEPEST} elements inside each other"),
                        "is this a topology?",
                    ));
                }
                open.push(element(text, &tag, start)?);
            }
            Event::Empty(tag) => {
                let done = element(text, &tag, start)?;
                close(done, &mut open, &mut root);
            }
            Event::End(_) => {
                let mut done = open.pop().expect("the reader matches end tags with start tags");
                done.text.truncate(done.text.trim_end().len());
                done.text.drain(..done.text.len() - done.text.trim_start().len());
                close(done, &mut open, &mut root);
            }
            Event::Text(content) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&content.xml10_content());
                }
            }
            Event::CData(content) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&content.xml10_content());
                }
            }
            Event::GeneralRef(reference) => {
                let name = reference.xml10_content();
                let known = match &*name {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => reference.resolve_char_ref().ok().flatten(),
                };
                let Some(known) = known else {
                    return Err(text.wrong(
                        "xml_syntax",
                        text.at(start, name.len() + 2),
                        format!("there is no entity &{name};"),
                        "write the character itself",
                    ));
                };
                if let Some(element) = open.last_mut() {
                    element.text.push(known);
                }
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    match (open.pop(), root) {
        (Some(unclosed), _) => Err(text.wrong(
            "xml_syntax",
            unclosed.origin,
            format!("<{}> is never closed", unclosed.name),
            "the file may be cut off: fetch it again",
        )),
        (None, Some(root)) => Ok(root),
        (None, None) => Err(text.wrong(
            "xml_syntax",
            text.at(0, 0),
            "there is no element in the file".to_owned(),
            "is this the right file?",
        )),
    }
}

fn element(text: &Text, tag: &BytesStart<'_>, start: usize) -> Result<Element, Diagnostics> {
    let mut attributes = BTreeMap::new();
    for attribute in tag.attributes() {
        let wrong = |message: String| {
            text.wrong(
                "xml_syntax",
                text.at(start, tag.len() + 2),
                format!("not well-formed XML: {message}"),
                "write attributes like name=\"value\", each once",
            )
        };
        let attribute = attribute.map_err(|error| wrong(error.to_string()))?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| wrong(error.to_string()))?;
        attributes.insert(attribute.key.as_ref().to_owned(), value.into_owned());
    }
    Ok(Element {
        name: tag.local_name().as_ref().to_owned(),
        attributes,
        origin: text.at(start, tag.len() + 2),
        ..Element::default()
    })
}

fn close(done: Element, open: &mut [Element], root: &mut Option<Element>) {
    match open.last_mut() {
        Some(parent) => parent.children.push(done),
        None => *root = root.take().or(Some(done)),
    }
}
