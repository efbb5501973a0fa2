//! What makes a plug-in one file and one line: a type is described once and gets its reader, its writer, its JSON
//! Schema and its entry in listings from that.
//!
//! - `record!` is an object with fixed fields. A field with `= default` may be left
//!   out; so may an `Option` and a `Vec`; every other field is required. Unknown fields are refused.
//! - `choice!` is a catalogue: an object with one key, the name of an entry
//!   (`{"poisson": {…}}`). The bare name (`"poisson"`) means the entry with nothing filled in.
//! - `names!` is a list of words.
//!
//! Reading never stops at the first mistake: it notes a [`Finding`], puts a stand-in in the value's place and
//! goes on, so that all findings come at once. Whoever checks further asks [`Decoder::is_known`] first.

pub mod tree;
mod values;

use serde_json::{Map, Value, json};
use std::fmt::Write as _;
pub use tree::{Finding, Member, Node, Origin, Path, Severity, Step, Tree};

/// A type that can be read from a tree, written as JSON and described by a schema.
pub trait Described: Sized {
    /// Whether it is an object with an `id`: lists of such objects merge by id.
    const HAS_ID: bool = false;

    /// Reads a value; what is wrong goes into `decoder`, with a stand-in in its place.
    fn decode(node: &Node, decoder: &mut Decoder) -> Self;
    /// The stand-in for a value that could not be read.
    fn stand_in() -> Self;
    /// The value of a field that is left out, if it may be.
    fn absent() -> Option<Self> {
        None
    }
    /// Writes the value; null is left out.
    fn encode(&self) -> Value;
    /// Its JSON Schema.
    fn schema(book: &mut Book) -> Value;
}

/// One entry of a catalogue, for listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name in a scenario.
    pub name: &'static str,
    /// Its documentation.
    pub doc: &'static str,
}

/// Collects the findings of reading one tree.
#[derive(Debug, Default)]
pub struct Decoder {
    /// What was found so far.
    pub findings: Vec<Finding>,
    path: Path,
    unknown: Vec<Path>,
}

impl Decoder {
    /// Notes an error at the current path; the value there is a stand-in from now on.
    pub fn error(&mut self, code: &'static str, origin: Origin, message: String, hint: Option<String>) {
        self.unknown.push(self.path.clone());
        self.findings.push(Finding {
            severity: Severity::Error,
            code,
            message,
            hint,
            origin,
            path: self.path.clone(),
        });
    }

    /// Does something one step further down.
    pub fn within<T>(&mut self, step: impl Into<Step>, act: impl FnOnce(&mut Self) -> T) -> T {
        self.path.0.push(step.into());
        let result = act(self);
        self.path.0.pop();
        result
    }

    /// Whether the value at `path` is what was written, not a stand-in.
    pub fn is_known(&self, path: &Path) -> bool {
        !self.unknown.iter().any(|unknown| path.is_within(unknown))
    }

    /// Notes that something else was expected.
    pub fn expected(&mut self, what: &str, example: &str, node: &Node) {
        let hint = if example.is_empty() {
            None
        } else {
            Some(format!("write it like {example}"))
        };
        self.error(
            "wrong_type",
            node.origin,
            format!("expected {what}, found {}", node.what()),
            hint,
        );
    }

    /// Checks that a record is an object without unknown fields.
    pub fn record(&mut self, node: &Node, name: &str, keys: &[&str]) -> bool {
        let Tree::Object(members) = &node.tree else {
            self.expected(&format!("an object ({})", name.to_lowercase()), "", node);
            return false;
        };
        for member in members {
            if !keys.contains(&member.key.as_str()) {
                let hint = suggest(&member.key, keys);
                let before = self.unknown.len();
                self.within(member.key.as_str(), |decoder| {
                    decoder.error(
                        "unknown_field",
                        member.key_origin,
                        format!("unknown field \"{}\"", member.key),
                        Some(hint),
                    );
                });
                self.unknown.truncate(before);
            }
        }
        true
    }

    /// Reads one field of a record.
    pub fn field<T: Described>(&mut self, node: &Node, is_object: bool, key: &str, default: Option<T>) -> T {
        match node.get(key) {
            Some(value) => self.within(key, |decoder| T::decode(value, decoder)),
            None => match default.or_else(T::absent) {
                Some(value) => value,
                None if is_object => self.within(key, |decoder| {
                    decoder.error(
                        "missing_field",
                        Origin {
                            end: node.origin.start + 1,
                            ..node.origin
                        },
                        format!("missing field \"{key}\""),
                        Some(format!("add \"{key}\": {}", example_of::<T>())),
                    );
                    T::stand_in()
                }),
                None => T::stand_in(),
            },
        }
    }

    /// Finds the one entry of a catalogue that an object names; the bare name stands for an empty entry.
    pub fn entry<'a>(
        &mut self,
        node: &'a Node,
        what: &str,
        entries: &[Entry],
    ) -> Option<(&'static str, std::borrow::Cow<'a, Node>)> {
        use std::borrow::Cow;
        let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
        let known = |name: &str| entries.iter().find(|entry| entry.name == name);
        match &node.tree {
            Tree::Text(name) => {
                if let Some(entry) = known(name) {
                    let empty = Node {
                        tree: Tree::Object(Vec::new()),
                        origin: node.origin,
                    };
                    return Some((entry.name, Cow::Owned(empty)));
                }
                self.error(
                    "unknown_entry",
                    node.origin,
                    format!("there is no {what} \"{name}\""),
                    Some(suggest(name, &names)),
                );
            }
            Tree::Object(members) => {
                let mut found = None;
                let mut several = false;
                let mut wrong = false;
                for member in members.iter().filter(|member| member.value.tree != Tree::Null) {
                    if let Some(entry) = known(&member.key) {
                        several |= found.is_some();
                        found = Some((entry.name, Cow::Borrowed(&member.value)));
                    } else {
                        wrong = true;
                        self.error(
                            "unknown_entry",
                            member.key_origin,
                            format!("there is no {what} \"{}\"", member.key),
                            Some(suggest(&member.key, &names)),
                        );
                    }
                }
                if several {
                    self.error(
                        "several_entries",
                        node.origin,
                        format!("more than one {what}"),
                        Some("keep one; in a patch, set the other to null".to_owned()),
                    );
                } else if found.is_none() && !wrong {
                    self.error(
                        "no_entry",
                        node.origin,
                        format!("no {what} chosen"),
                        Some(format!("choose one of {}", names.join(", "))),
                    );
                }
                return found;
            }
            _ => self.expected(&format!("a {what}"), &format!("{{\"{}\": {{}}}}", names[0]), node),
        }
        None
    }

    /// Finds the word that a string is.
    pub fn word(&mut self, node: &Node, what: &str, entries: &[Entry]) -> Option<&'static str> {
        let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
        let Some(text) = node.text() else {
            self.expected(what, &format!("\"{}\"", names[0]), node);
            return None;
        };
        let found = names.iter().find(|name| **name == text).copied();
        if found.is_none() {
            self.error(
                "unknown_word",
                node.origin,
                format!("there is no {what} \"{text}\""),
                Some(suggest(text, &names)),
            );
        }
        entries
            .iter()
            .find(|entry| Some(entry.name) == found)
            .map(|entry| entry.name)
    }
}

/// A value that a field of the type might have, for hints.
fn example_of<T: Described>() -> String {
    let mut book = Book::new(Form::Full);
    let mut schema = T::schema(&mut book);
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|name| name.strip_prefix("#/$defs/"))
    {
        schema = book.definitions[name].clone();
    }
    match (&schema["examples"][0], schema["type"].as_str()) {
        (Value::Null, Some("array")) => "[…]".to_owned(),
        (Value::Null, Some("object")) => "{…}".to_owned(),
        (Value::Null, Some("string")) => "\"…\"".to_owned(),
        (Value::Null, _) => match schema["anyOf"][0]["properties"].as_object() {
            Some(entries) => match entries.keys().next() {
                Some(name) => format!("{{\"{name}\": {{…}}}}"),
                None => "…".to_owned(),
            },
            None => match schema["enum"][0].as_str() {
                Some(word) => format!("\"{word}\""),
                None => "…".to_owned(),
            },
        },
        (example, _) => example.to_string(),
    }
}

/// "did you mean …?" if something in `known` looks like `name`, else what there is.
pub fn suggest<T: AsRef<str>>(name: &str, known: &[T]) -> String {
    let close = known
        .iter()
        .map(|known| (distance(name, known.as_ref()), known.as_ref()))
        .filter(|(distance, known)| {
            let longer = name.chars().count().max(known.chars().count());
            *distance < longer && *distance <= (longer / 3).max(1)
        })
        .min_by_key(|(distance, _)| *distance);
    // Else one that is a part of the other: "expectations" for "expect".
    let is_part = |known: &&str| {
        let (name, known) = (name.to_lowercase(), known.to_lowercase());
        let shorter = name.len().min(known.len());
        shorter >= 4 && (name.contains(&known) || known.contains(&name))
    };
    let part = || known.iter().map(AsRef::as_ref).find(is_part);
    match close.map(|(_, known)| known).or_else(part) {
        Some(known) => format!("did you mean \"{known}\"?"),
        None if known.is_empty() => "there are none".to_owned(),
        None => {
            let mut names: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
            let more = names.len().saturating_sub(20);
            names.truncate(20);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            format!("there are {}{more}", names.join(", "))
        }
    }
}

/// Number of letters to change, add, drop or swap with their neighbour, with case differences free.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.to_lowercase().chars().collect();
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(row[j - 1] + 1).min(rows[i - 1][j] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// Which form of a schema: of a whole file, or of a patch in which anything may be left out or null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Required fields are required.
    Full,
    /// Nothing is required; null deletes; lists with ids may be objects by id.
    Partial,
}

/// Collects the definitions of a schema.
#[derive(Debug)]
pub struct Book {
    /// The form of what is described now.
    pub form: Form,
    /// Definitions by name.
    pub definitions: Map<String, Value>,
}

impl Book {
    /// An empty book.
    pub fn new(form: Form) -> Book {
        Book {
            form,
            definitions: Map::new(),
        }
    }

    /// Describes a type in another form.
    pub fn in_form<T: Described>(&mut self, form: Form) -> Value {
        let before = std::mem::replace(&mut self.form, form);
        let schema = T::schema(self);
        self.form = before;
        schema
    }

    /// Refers to the definition `name`, which `build` makes when it is not there yet.
    pub fn define(&mut self, name: &str, build: impl FnOnce(&mut Book) -> Value) -> Value {
        let name = match self.form {
            Form::Full => name.to_owned(),
            Form::Partial => format!("{name}.partial"),
        };
        if !self.definitions.contains_key(&name) {
            self.definitions.insert(name.clone(), Value::Null);
            let schema = build(self);
            self.definitions.insert(name.clone(), schema);
        }
        json!({ "$ref": format!("#/$defs/{name}") })
    }

    /// The schema of a field: with its documentation and default, or null in a patch.
    pub fn field<T: Described>(&mut self, doc: &str, default: Option<&T>) -> Value {
        let mut schema = T::schema(self);
        if self.form == Form::Partial {
            schema = json!({ "anyOf": [schema, { "type": "null" }] });
        }
        if let Some(map) = schema.as_object_mut() {
            map.insert("description".to_owned(), Value::String(doc.trim().to_owned()));
            if let (Some(default), Form::Full) = (default, self.form) {
                map.insert("default".to_owned(), default.encode());
            }
        }
        schema
    }
}

/// Puts a field into an object unless it is null.
pub fn put(map: &mut Map<String, Value>, key: &str, value: Value) {
    if !value.is_null() {
        map.insert(key.to_owned(), value);
    }
}

/// Whether one of the keys is `id`.
pub const fn has_id(keys: &[&str]) -> bool {
    let mut index = 0;
    while index < keys.len() {
        if let [b'i', b'd'] = keys[index].as_bytes() {
            return true;
        }
        index += 1;
    }
    false
}

/// The key of a field: its name unless another is given.
macro_rules! key_of {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $key:literal) => {
        $key
    };
}

/// The default of a field as an `Option`.
macro_rules! default_of {
    () => {
        None
    };
    ($default:expr) => {
        Some($default)
    };
}

/// An object with fixed fields: see the [module](self).
macro_rules! record {
    ($(#[doc = $doc:literal])* pub struct $name:ident {
        $($(#[doc = $field_doc:literal])* $field:ident $(as $key:literal)? : $type:ty $(= $default:expr)?),* $(,)?
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[doc = $field_doc])* pub $field: $type),*
        }

        impl $name {
            /// The names of the fields.
            pub const KEYS: &'static [&'static str] = &[$($crate::catalogue::key_of!($field $($key)?)),*];
        }

        impl $crate::catalogue::Described for $name {
            const HAS_ID: bool = $crate::catalogue::has_id(Self::KEYS);

            #[allow(unused_variables)]
            fn decode(node: &$crate::catalogue::Node, decoder: &mut $crate::catalogue::Decoder) -> Self {
                let is_object = decoder.record(node, stringify!($name), Self::KEYS);
                $name {
                    $($field: decoder.field(
                        node,
                        is_object,
                        $crate::catalogue::key_of!($field $($key)?),
                        $crate::catalogue::default_of!($($default)?),
                    )),*
                }
            }

            fn stand_in() -> Self {
                $name { $($field: $crate::catalogue::Described::stand_in()),* }
            }

            fn encode(&self) -> serde_json::Value {
                #[allow(unused_mut)]
                let mut map = serde_json::Map::new();
                $($crate::catalogue::put(
                    &mut map,
                    $crate::catalogue::key_of!($field $($key)?),
                    $crate::catalogue::Described::encode(&self.$field),
                );)*
                serde_json::Value::Object(map)
            }

            #[allow(unused_mut, unused_variables)]
            fn schema(book: &mut $crate::catalogue::Book) -> serde_json::Value {
                book.define(stringify!($name), |book| {
                    let mut properties = serde_json::Map::new();
                    let mut required: Vec<&str> = Vec::new();
                    $({
                        let key = $crate::catalogue::key_of!($field $($key)?);
                        let default: Option<$type> = $crate::catalogue::default_of!($($default)?);
                        let optional =
                            default.is_some() || <$type as $crate::catalogue::Described>::absent().is_some();
                        if book.form == $crate::catalogue::Form::Full && !optional {
                            required.push(key);
                        }
                        properties.insert(
                            key.to_owned(),
                            book.field::<$type>(concat!($($field_doc, "\n",)*), default.as_ref()),
                        );
                    })*
                    $crate::catalogue::object_schema(concat!($($doc, "\n",)*), &properties, &required)
                })
            }
        }
    };
}

/// The schema of a record.
pub fn object_schema(doc: &str, properties: &Map<String, Value>, required: &[&str]) -> Value {
    let mut schema = json!({
        "type": "object",
        "description": doc.trim(),
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// Every entry of a catalogue as what they all can do.
macro_rules! as_kind {
    ($name:ident { $($variant:ident),* }) => {};
    ($name:ident as dyn $kind:ident { $($variant:ident),* }) => {
        impl $name {
            /// The chosen entry as what every entry can do.
            pub fn kind(&self) -> &dyn $kind {
                match self {
                    $($name::$variant(entry) => entry),*
                }
            }
        }
    };
}

/// A catalogue of records, one of which is chosen: see the [module](self). With `as dyn Trait`, the entries' records
/// implement the trait, and `kind()` gives the chosen one as it.
macro_rules! choice {
    ($(#[doc = $doc:literal])* pub enum $name:ident ($what:literal) $(as dyn $kind:ident)? {
        $($(#[doc = $entry_doc:literal])* $key:ident => $variant:ident($type:ty)),* $(,)?
    }) => {
        $crate::catalogue::as_kind!($name $(as dyn $kind)? { $($variant),* });

        // Read once and kept in a document: its size does not matter.
        #[allow(clippy::large_enum_variant)]
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $name {
            $($(#[doc = $entry_doc])* $variant($type)),*
        }

        impl $name {
            /// The catalogue.
            pub const ENTRIES: &'static [$crate::catalogue::Entry] = &[$($crate::catalogue::Entry {
                name: stringify!($key),
                doc: concat!($($entry_doc, "\n",)*),
            }),*];

            /// The name of the chosen entry.
            pub fn name(&self) -> &'static str {
                match self {
                    $($name::$variant(_) => stringify!($key)),*
                }
            }
        }

        impl $crate::catalogue::Described for $name {
            fn decode(node: &$crate::catalogue::Node, decoder: &mut $crate::catalogue::Decoder) -> Self {
                match decoder.entry(node, $what, Self::ENTRIES) {
                    $(Some((stringify!($key), value)) => $name::$variant(decoder.within(
                        stringify!($key),
                        |decoder| $crate::catalogue::Described::decode(value.as_ref(), decoder),
                    )),)*
                    _ => Self::stand_in(),
                }
            }

            fn stand_in() -> Self {
                const ALL: &[fn() -> $name] =
                    &[$(|| $name::$variant($crate::catalogue::Described::stand_in())),*];
                ALL[0]()
            }

            fn encode(&self) -> serde_json::Value {
                match self {
                    $($name::$variant(value) => {
                        let mut map = serde_json::Map::new();
                        map.insert(
                            stringify!($key).to_owned(),
                            $crate::catalogue::Described::encode(value),
                        );
                        serde_json::Value::Object(map)
                    })*
                }
            }

            fn schema(book: &mut $crate::catalogue::Book) -> serde_json::Value {
                book.define(stringify!($name), |book| {
                    let mut properties = serde_json::Map::new();
                    $(properties.insert(
                        stringify!($key).to_owned(),
                        book.field::<$type>(concat!($($entry_doc, "\n",)*), None),
                    );)*
                    $crate::catalogue::choice_schema(
                        concat!($($doc, "\n",)*), &properties, Self::ENTRIES, book.form)
                })
            }
        }
    };
}

/// The schema of a catalogue.
pub fn choice_schema(doc: &str, properties: &Map<String, Value>, entries: &[Entry], form: Form) -> Value {
    let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
    let mut object = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if form == Form::Full {
        object["minProperties"] = json!(1);
        object["maxProperties"] = json!(1);
    }
    json!({ "description": doc.trim(), "anyOf": [object, { "enum": names }] })
}

/// A list of words, one of which is chosen: see the [module](self).
macro_rules! names {
    ($(#[doc = $doc:literal])* pub enum $name:ident ($what:literal) {
        $($(#[doc = $entry_doc:literal])* $key:ident => $variant:ident),* $(,)?
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[doc = $entry_doc])* $variant),*
        }

        impl $name {
            /// The words.
            pub const ENTRIES: &'static [$crate::catalogue::Entry] = &[$($crate::catalogue::Entry {
                name: stringify!($key),
                doc: concat!($($entry_doc, "\n",)*),
            }),*];

            /// The word.
            pub fn name(self) -> &'static str {
                match self {
                    $($name::$variant => stringify!($key)),*
                }
            }
        }

        impl $crate::catalogue::Described for $name {
            fn decode(node: &$crate::catalogue::Node, decoder: &mut $crate::catalogue::Decoder) -> Self {
                match decoder.word(node, $what, Self::ENTRIES) {
                    $(Some(stringify!($key)) => $name::$variant,)*
                    _ => Self::stand_in(),
                }
            }

            fn stand_in() -> Self {
                const ALL: &[$name] = &[$($name::$variant),*];
                ALL[0]
            }

            fn encode(&self) -> serde_json::Value {
                serde_json::Value::String(self.name().to_owned())
            }

            fn schema(book: &mut $crate::catalogue::Book) -> serde_json::Value {
                book.define(stringify!($name), |_| {
                    $crate::catalogue::words_schema(concat!($($doc, "\n",)*), Self::ENTRIES)
                })
            }
        }
    };
}

/// The schema of a list of words.
pub fn words_schema(doc: &str, entries: &[Entry]) -> Value {
    let words: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
    let mut text = doc.trim().to_owned();
    for entry in entries {
        let _ = write!(text, "\n- {}: {}", entry.name, entry.doc.trim());
    }
    json!({ "description": text, "enum": words })
}

pub(crate) use {as_kind, choice, default_of, key_of, names, record};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions() {
        assert_eq!(
            suggest("demnads", &["demands", "faults"]),
            "did you mean \"demands\"?"
        );
        assert_eq!(
            suggest("xyzzy", &["demands", "faults"]),
            "there are demands, faults"
        );
        assert_eq!(suggest("Norte", &["NORTE"]), "did you mean \"NORTE\"?");
        assert_eq!(suggest("kkdrl", &["kkder", "kkdlr"]), "did you mean \"kkdlr\"?");
        assert_eq!(suggest("C", &["A", "B"]), "there are A, B");
        assert_eq!(suggest::<&str>("C", &[]), "there are none");
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
