//! Patches: how `extends`, `variants` and `--set` change a tree.
//!
//! JSON Merge Patch (RFC 7396), with two additions for lists whose elements are objects with an `id`: a patch that
//! is such a list merges element by element, by id; a patch that is an object addresses elements by id (and
//! elements of other lists by number), and deletes with null. Every value keeps the place where it was written.

use crate::catalogue::{Finding, Member, Node, Origin, Path, Severity, Tree, suggest};

/// Applies `patch` to `target`; `at` is where `target` is.
pub fn merge(target: &mut Node, patch: Node, at: &Path, findings: &mut Vec<Finding>) {
    let origin = patch.origin;
    match (&mut target.tree, patch.tree) {
        (Tree::Object(members), Tree::Object(changes)) => {
            for change in changes {
                let place = members.iter().position(|member| member.key == change.key);
                match (place, &change.value.tree) {
                    (Some(index), Tree::Null) => {
                        members.remove(index);
                    }
                    (None, Tree::Null) => {}
                    (Some(index), _) => {
                        let path = at.then(change.key.as_str());
                        merge(&mut members[index].value, change.value, &path, findings);
                    }
                    (None, _) => members.push(Member {
                        value: without_nulls(change.value),
                        ..change
                    }),
                }
            }
        }
        (Tree::Array(items), Tree::Array(changes)) if have_ids(items) && have_ids(&changes) => {
            for change in changes {
                let place = items.iter().position(|item| item.id() == change.id());
                match place {
                    Some(index) => merge(&mut items[index], change, &at.then(index), findings),
                    None => items.push(without_nulls(change)),
                }
            }
        }
        (Tree::Array(items), Tree::Object(changes)) if !changes.is_empty() => {
            for change in changes {
                let by_id = items
                    .iter()
                    .position(|item| item.id() == Some(change.key.as_str()));
                let place = by_id.or_else(|| change.key.parse().ok().filter(|index| *index < items.len()));
                match (place, &change.value.tree) {
                    (Some(index), Tree::Null) => {
                        items.remove(index);
                    }
                    (Some(index), _) => merge(&mut items[index], change.value, &at.then(index), findings),
                    (None, _) => {
                        let ids: Vec<&str> = items.iter().filter_map(Node::id).collect();
                        findings.push(Finding {
                            severity: Severity::Error,
                            code: "no_such_id",
                            message: format!("nothing here has the id \"{}\"", change.key),
                            hint: Some(suggest(&change.key, &ids)),
                            origin: change.key_origin,
                            path: at.then(change.key.as_str()),
                        });
                    }
                }
            }
        }
        (_, tree) => *target = without_nulls(Node { tree, origin }),
    }
}

/// Whether the elements are objects with an id, and there are any.
fn have_ids(items: &[Node]) -> bool {
    !items.is_empty() && items.iter().all(|item| item.id().is_some())
}

/// The value without members that are null: what RFC 7396 makes of a patch where nothing was.
pub fn without_nulls(mut node: Node) -> Node {
    if let Tree::Object(members) = &mut node.tree {
        let all = std::mem::take(members);
        *members = all
            .into_iter()
            .filter(|member| member.value.tree != Tree::Null)
            .map(|member| Member {
                value: without_nulls(member.value),
                ..member
            })
            .collect();
    } else if let Tree::Array(items) = &mut node.tree {
        let all = std::mem::take(items);
        *items = all.into_iter().map(without_nulls).collect();
    }
    node
}

/// The patch that sets `value` at a dotted path; `source` is the text `path=value`.
pub fn patch_of(text: &str, source: u32, equals: usize, value: Node) -> Node {
    let mut parts = Vec::new();
    let mut start = 0;
    for part in text[..equals].split('.') {
        let origin = Origin {
            source,
            start: start as u32,
            end: (start + part.len()) as u32,
        };
        parts.push((part.trim().to_owned(), origin));
        start += part.len() + 1;
    }
    parts
        .into_iter()
        .rev()
        .fold(value, |value, (key, key_origin)| Node {
            origin: Origin {
                end: value.origin.end,
                ..key_origin
            },
            tree: Tree::Object(vec![Member {
                key,
                key_origin,
                value,
            }]),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::text::{Sources, parse};
    use serde_json::{Value, json};

    fn tree(value: &Value) -> Node {
        let mut sources = Sources::default();
        let source = sources.add("test", value.to_string());
        parse(&sources, source).expect("JSON")
    }

    fn merged(target: &Value, patch: &Value) -> (Value, Vec<Finding>) {
        let mut target = tree(target);
        let mut findings = Vec::new();
        merge(&mut target, tree(patch), &Path::default(), &mut findings);
        (target.value(), findings)
    }

    /// The examples of RFC 7396, appendix A, that are not about lists of objects with ids.
    #[test]
    fn the_examples_of_rfc_7396() {
        for (target, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ] {
            assert_eq!(merged(&target, &patch).0, result, "{target} + {patch}");
        }
    }

    #[test]
    fn lists_with_ids_merge_by_id() {
        let target = json!({"x": [{"id": "a", "v": 1, "w": 2}, {"id": "b"}]});
        let list = json!({"x": [{"id": "c"}, {"id": "a", "v": null, "w": 3}]});
        assert_eq!(
            merged(&target, &list).0,
            json!({"x": [{"id": "a", "w": 3}, {"id": "b"}, {"id": "c"}]})
        );
        let by_id = json!({"x": {"a": {"v": 5}, "b": null}});
        assert_eq!(
            merged(&target, &by_id).0,
            json!({"x": [{"id": "a", "v": 5, "w": 2}]})
        );
        let emptied = json!({"x": []});
        assert_eq!(merged(&target, &emptied).0, json!({"x": []}));
        let by_number = json!({"x": {"1": {"v": 7}}});
        assert_eq!(merged(&target, &by_number).0["x"][1], json!({"id": "b", "v": 7}));
        let (same, findings) = merged(&target, &json!({"x": {"z": {"v": 1}}}));
        assert_eq!((same, findings[0].code), (target, "no_such_id"));
    }
}
