//! A value as somebody wrote it: a JSON tree in which every value knows where it comes from, and the findings
//! about it.

use std::fmt;

use serde_json::Value;

/// A place in one of the sources of a scenario: a half-open range of bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Origin {
    /// Number of the source (file or `--set`).
    pub source: u32,
    /// First byte.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
}

/// A value and its origin, which it keeps when trees are merged.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub tree: Tree,
    /// Where it was written.
    pub origin: Origin,
}

/// A JSON value; numbers stay text, so that they can be read exactly.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as written.
    Number(String),
    /// A string.
    Text(String),
    /// A list.
    Array(Vec<Node>),
    /// An object, in the order written.
    Object(Vec<Member>),
}

/// One `"key": value` of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The key.
    pub key: String,
    /// Where the key was written.
    pub key_origin: Origin,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The member `key` of an object, if it is there and not null.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.tree {
            Tree::Object(members) => members
                .iter()
                .find(|member| member.key == key && member.value.tree != Tree::Null)
                .map(|member| &member.value),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn text(&self) -> Option<&str> {
        match &self.tree {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The string member `id` of an object.
    pub fn id(&self) -> Option<&str> {
        self.get("id").and_then(Node::text)
    }

    /// The value without its origins.
    pub fn value(&self) -> Value {
        match &self.tree {
            Tree::Null => Value::Null,
            Tree::Bool(value) => Value::from(*value),
            // What is no number of JSON stays what was written; the decoder has refused it.
            Tree::Number(text) => text
                .parse()
                .map_or_else(|_| Value::from(text.as_str()), Value::Number),
            Tree::Text(text) => Value::from(text.as_str()),
            Tree::Array(items) => items.iter().map(Node::value).collect(),
            Tree::Object(members) => {
                let members = members
                    .iter()
                    .map(|member| (member.key.clone(), member.value.value()));
                Value::Object(members.collect())
            }
        }
    }

    /// What the value is, in words.
    pub fn what(&self) -> &'static str {
        match self.tree {
            Tree::Null => "null",
            Tree::Bool(_) => "true or false",
            Tree::Number(_) => "a number",
            Tree::Text(_) => "a string",
            Tree::Array(_) => "a list",
            Tree::Object(_) => "an object",
        }
    }

    /// The origin of what `path` leads to, or of the last thing on the way that is there.
    pub fn origin_of(&self, path: &Path) -> Origin {
        let mut node = self;
        for step in &path.0 {
            let next = match (step, &node.tree) {
                (Step::Key(key), _) => node.get(key),
                (Step::Index(index), Tree::Array(items)) => items.get(*index),
                _ => None,
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node.origin
    }

    /// `path` as it is written for `--set`: elements of lists by their `id` where they have one.
    pub fn describe(&self, path: &Path) -> String {
        let mut text = String::new();
        let mut node = Some(self);
        for step in &path.0 {
            let part = match step {
                Step::Key(key) => {
                    node = node.and_then(|node| node.get(key));
                    key.clone()
                }
                Step::Index(index) => {
                    node = match node.map(|node| &node.tree) {
                        Some(Tree::Array(items)) => items.get(*index),
                        _ => None,
                    };
                    match node.and_then(Node::id) {
                        Some(id) if !id.is_empty() => id.to_owned(),
                        _ => index.to_string(),
                    }
                }
            };
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(&part);
        }
        text
    }
}

/// One step into a tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Into an object.
    Key(String),
    /// Into a list.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Step {
        Step::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Step {
        Step::Index(index)
    }
}

/// The way from the root of a tree to a value.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// The path one step further.
    #[must_use]
    pub fn then(&self, step: impl Into<Step>) -> Path {
        let mut steps = self.0.clone();
        steps.push(step.into());
        Path(steps)
    }

    /// Whether `self` leads to `other` or to something inside it.
    pub fn is_within(&self, other: &Path) -> bool {
        self.0.starts_with(&other.0)
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The scenario cannot be run.
    Error,
    /// It can, but the result may not be what was wanted.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}

/// Something to say about a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Short fixed name of the kind of finding.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where the value was written.
    pub origin: Origin,
    /// Where the value is in the tree.
    pub path: Path,
}
