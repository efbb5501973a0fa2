//! From `FILE`, `FILE:VARIANT` or `FILE:VARIANT+VARIANT` and `--set` to a document.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::path::{Path as FilePath, PathBuf};

use super::checks;
use super::demand_load::full_load;
use super::diagnostics::{Diagnostic, Diagnostics};
use super::document::Document;
use super::merge::{merge, patch_of, without_nulls};
use super::text::{Sources, decode_text, parse, read_file};
use super::traces;
use crate::catalogue::{Decoder, Described as _, Finding, Node, Origin, Path, Severity, Tree, suggest};

/// A scenario that can be run.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it says, defaults filled in.
    pub document: Document,
    /// The same as JSON: a complete scenario file of its own, without `extends` and `variants`.
    pub resolved: Value,
    /// What was written, with what it extends and the variant merged in, before `--set`; the file's variants are still there.
    pub written: Value,
    /// The file that was named.
    pub file: String,
    /// The variant that was named.
    pub variant: Option<String>,
    /// SHA-256 of the file that was named, in hexadecimal.
    pub sha256: String,
    /// Every file that was read, with its SHA-256: the named one first, then what it extends.
    pub files: Vec<(String, String)>,
    /// The names of the file's variants.
    pub variants: Vec<String>,
    /// What should be looked at before trusting the results.
    pub warnings: Diagnostics,
}

impl Loaded {
    /// The resolved scenario as it is written to disk.
    pub fn resolved_text(&self) -> String {
        format!("{:#}\n", self.resolved)
    }
}

/// Reads, merges, decodes and checks a scenario.
///
/// # Errors
/// All findings, if one of them is an error.
pub fn load(source: &str, sets: &[String]) -> Result<Loaded, Diagnostics> {
    attempt(source, sets).1
}

/// The names of the file's variants, as far as it could be read, and the scenario.
fn attempt(source: &str, sets: &[String]) -> (Vec<String>, Result<Loaded, Diagnostics>) {
    let mut reader = Reader::default();
    let (file, variant) = split_source(source);
    let read = reader.read(&file, variant.as_deref(), None);
    let variants = reader.variants.clone();
    (variants, reader.finish(read, &file, variant, sets))
}

/// Reads a scenario from text; what it extends is relative to the working directory.
///
/// # Errors
/// All findings, if one of them is an error.
pub fn load_text(name: &str, text: &str, sets: &[String]) -> Result<Loaded, Diagnostics> {
    let mut reader = Reader::default();
    let read = reader.read_bytes(text.as_bytes(), FilePath::new(name), None);
    reader.finish(read, FilePath::new(name), None, sets)
}

/// All findings about a file, warnings included; where no variant is named, about all its variants too.
pub fn validate(source: &str, sets: &[String]) -> Diagnostics {
    let mut all = Diagnostics::default();
    let mut look = |source: &str| {
        let (variants, result) = attempt(source, sets);
        all.0
            .extend(result.map_or_else(|findings| findings.0, |loaded| loaded.warnings.0));
        variants
    };
    let variants = look(source);
    if split_source(source).1.is_none() {
        for variant in variants {
            look(&format!("{source}:{variant}"));
        }
    }
    all.sort();
    all
}

/// Splits `FILE:VARIANT`; a file whose name has a colon is taken as it is if it is there.
fn split_source(source: &str) -> (PathBuf, Option<String>) {
    match source.rsplit_once(':') {
        Some((file, variant)) if !file.is_empty() && !FilePath::new(source).exists() => {
            (PathBuf::from(file), Some(variant.to_owned()))
        }
        _ => (PathBuf::from(source), None),
    }
}

/// Reads files and remembers where everything came from.
#[derive(Default)]
struct Reader {
    sources: Sources,
    files: Vec<(String, String)>,
    /// Files being read, to find cycles.
    open: Vec<(PathBuf, Option<String>)>,
    variants: Vec<String>,
    /// Them themselves, where some were merged in.
    patches: Option<Value>,
    findings: Vec<Finding>,
}

impl Reader {
    /// The tree of a file, with what it extends and the variant merged in.
    fn read(
        &mut self,
        file: &FilePath,
        variant: Option<&str>,
        extended_from: Option<Origin>,
    ) -> Result<Node, Diagnostics> {
        let name = file.display().to_string();
        let bytes = read_file(file, &name).map_err(|wrong| match (extended_from, wrong.0.first()) {
            (Some(origin), Some(first)) => self.wrong(
                first.code,
                origin,
                "extends",
                format!("cannot extend {name}: {}", first.message),
                Some("the path is relative to this file".to_owned()),
            ),
            _ => wrong,
        })?;
        let identity = (
            std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned()),
            variant.map(str::to_owned),
        );
        if let (true, Some(origin)) = (self.open.contains(&identity), extended_from) {
            return Err(self.wrong(
                "extends_cycle",
                origin,
                "extends",
                format!("{name} extends itself in the end"),
                Some("leave out one of the \"extends\"".to_owned()),
            ));
        }
        self.open.push(identity);
        let tree = self.read_bytes(&bytes, file, variant);
        self.open.pop();
        tree
    }

    fn read_bytes(
        &mut self,
        bytes: &[u8],
        file: &FilePath,
        variant: Option<&str>,
    ) -> Result<Node, Diagnostics> {
        let name = file.display().to_string();
        self.files.push((name.clone(), hexadecimal(bytes)));
        let is_main = self.files.len() == 1;
        let text = decode_text(bytes, &name)?;
        let source = self.sources.add(&name, text);
        let mut own = parse(&self.sources, source)?;

        let variants = take(&mut own, "variants");
        let extends = take(&mut own, "extends");
        let mut tree = own;
        if let Some(extends) = extends {
            let Some(target) = extends.text().filter(|target| !target.is_empty()) else {
                return Err(self.wrong(
                    "wrong_type",
                    extends.origin,
                    "extends",
                    format!("expected the name of a file, found {}", extends.what()),
                    Some("write \"extends\": \"base.json\"".to_owned()),
                ));
            };
            let folder = file.parent().unwrap_or(FilePath::new(""));
            let (base, base_variant) = split_source(&folder.join(target).to_string_lossy());
            let mut base = self.read(&base, base_variant.as_deref(), Some(extends.origin))?;
            merge(&mut base, tree, &Path::default(), &mut self.findings);
            tree = base;
        } else {
            tree = without_nulls(tree);
        }
        let patches = match variants.as_ref().map(|variants| &variants.tree) {
            Some(Tree::Object(members)) => members.as_slice(),
            _ => &[],
        };
        if is_main {
            self.variants = patches.iter().map(|member| member.key.clone()).collect();
        }
        if let Some(variant) = variant {
            let find = |name: &str| patches.iter().find(|member| member.key == name);
            // One variant, or several one after the other: A+B.
            let names: Vec<&str> = match find(variant) {
                Some(_) => vec![variant],
                None => variant.split('+').collect(),
            };
            for variant in names {
                let Some(patch) = find(variant) else {
                    let names: Vec<&str> = patches.iter().map(|member| member.key.as_str()).collect();
                    return Err(Diagnostic::about_file(
                        "unknown_variant",
                        &name,
                        format!("there is no variant \"{variant}\""),
                        &suggest(variant, &names),
                    )
                    .into());
                };
                if let Tree::Object(_) = patch.value.tree {
                    merge(
                        &mut tree,
                        patch.value.clone(),
                        &Path::default(),
                        &mut self.findings,
                    );
                }
            }
            if is_main {
                self.patches = variants.as_ref().map(Node::value);
            }
        } else if let (Some(variants), Tree::Object(members)) = (variants, &mut tree.tree) {
            // Kept only so that the decoder can look at it.
            members.push(crate::catalogue::Member {
                key: "variants".to_owned(),
                key_origin: variants.origin,
                value: variants,
            });
        }
        Ok(tree)
    }

    fn wrong(
        &self,
        code: &'static str,
        origin: Origin,
        path: &str,
        message: String,
        hint: Option<String>,
    ) -> Diagnostics {
        let path = path.to_owned();
        Diagnostic::at(&self.sources, Severity::Error, code, origin, path, message, hint).into()
    }

    /// Applies `path=value`.
    fn set(&mut self, tree: &mut Node, set: &str) -> Result<(), Diagnostics> {
        let source = self.sources.add("--set", set.to_owned());
        let all = Origin {
            source,
            start: 0,
            end: set.len() as u32,
        };
        let equals = match set.find('=') {
            Some(equals) if set[..equals].split('.').all(|part| !part.trim().is_empty()) => equals,
            _ => {
                return Err(self.wrong(
                    "bad_set",
                    all,
                    "",
                    "expected path=value".to_owned(),
                    Some("write it like --set \"demands.d1.arrivals.poisson.rate=4 /s\"".to_owned()),
                ));
            }
        };
        let origin = Origin {
            start: equals as u32 + 1,
            ..all
        };
        let value = &set[equals + 1..];
        let mut scratch = Sources::default();
        let scratch_source = scratch.add("", value.to_owned());
        let mut node = parse(&scratch, scratch_source).unwrap_or_else(|_| Node {
            tree: Tree::Text(value.to_owned()),
            origin,
        });
        give_origin(&mut node, origin);
        merge(
            tree,
            patch_of(set, source, equals, node),
            &Path::default(),
            &mut self.findings,
        );
        Ok(())
    }

    /// A share of nothing.
    fn no_load(&self, tree: &Node) -> Diagnostic {
        let finding = Finding {
            severity: Severity::Error,
            code: "load_of_nothing",
            message: "there is nothing that this could be a share of: nobody asks across a boundary, or no key crosses"
                .to_owned(),
            hint: Some("use \"demand_scale\", or join the QKDNs of a demand by a boundary whose links make key".to_owned()),
            origin: Origin::default(),
            path: Path::default().then("load"),
        };
        Diagnostic::from_finding(finding, tree, &self.sources)
    }

    fn finish(
        mut self,
        read: Result<Node, Diagnostics>,
        file: &FilePath,
        variant: Option<String>,
        sets: &[String],
    ) -> Result<Loaded, Diagnostics> {
        let mut tree = read?;
        let mut written = tree.value();
        if let Some(patches) = self.patches.take() {
            written["variants"] = patches;
        }
        let mut diagnostics = Diagnostics::default();
        for set in sets {
            if let Err(wrong) = self.set(&mut tree, set) {
                diagnostics.0.extend(wrong.0);
            }
        }
        if let Err(wrong) = traces::inline(&mut tree, &mut self.sources, &mut self.files) {
            diagnostics.0.extend(wrong.0);
        }
        let mut decoder = Decoder::default();
        let mut document = Document::decode(&tree, &mut decoder);
        let mut findings = std::mem::take(&mut self.findings);
        findings.append(&mut decoder.findings);
        findings.extend(checks::check(&document, &tree, &decoder));
        diagnostics.0.extend(
            findings
                .into_iter()
                .map(|finding| Diagnostic::from_finding(finding, &tree, &self.sources)),
        );
        diagnostics.sort();
        let share = document.load.filter(|_| diagnostics.errors() == 0);
        let scale = share.map(|share| full_load(&document).map(|full| share * full));
        if scale == Some(None) {
            diagnostics.0.push(self.no_load(&tree));
        }
        if diagnostics.errors() > 0 {
            return Err(diagnostics);
        }
        document.complete();
        document.load = None;
        document.demand_scale *= scale.flatten().unwrap_or(1.0);
        Ok(Loaded {
            resolved: document.encode(),
            written,
            document,
            file: file.display().to_string(),
            variant,
            sha256: self.files[0].1.clone(),
            files: self.files,
            variants: self.variants,
            warnings: diagnostics,
        })
    }
}

/// Takes a member out of an object.
fn take(node: &mut Node, key: &str) -> Option<Node> {
    let Tree::Object(members) = &mut node.tree else {
        return None;
    };
    let index = members.iter().position(|member| member.key == key)?;
    Some(members.remove(index).value)
}

/// Gives a whole tree one origin.
fn give_origin(node: &mut Node, origin: Origin) {
    node.origin = origin;
    match &mut node.tree {
        Tree::Array(items) => {
            for item in items {
                give_origin(item, origin);
            }
        }
        Tree::Object(members) => {
            for member in members {
                member.key_origin = origin;
                give_origin(&mut member.value, origin);
            }
        }
        _ => {}
    }
}

/// SHA-256 in hexadecimal.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interworking::layout::Which;
    use crate::scenario::derive;
    use proptest::prelude::*;

    #[test]
    fn names_of_variants_follow_the_last_colon() {
        assert_eq!(split_source("a.json"), (PathBuf::from("a.json"), None));
        assert_eq!(
            split_source("a.json:iwn"),
            (PathBuf::from("a.json"), Some("iwn".to_owned()))
        );
        assert_eq!(split_source("Cargo.toml"), (PathBuf::from("Cargo.toml"), None));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        /// Whatever a file becomes, it is read or refused, and what is read can be derived from.
        #[test]
        fn damaged_files_are_read_or_refused(
            at in any::<prop::sample::Index>(), cut in 0_usize..12,
            put in prop::sample::select(vec![
                "", "0", "9", "-", "e30", ".", "null", "[]", "{}", "\"\"", ",", "99999999999999999999", "é", "x",
            ]),
        ) {
            let text = std::fs::read_to_string("scenarios/clause8/iwn-cc.json").expect("there");
            let start = at.index(text.len());
            let end = (start + cut).min(text.len());
            let damaged = format!("{}{put}{}", &text[..start], &text[end..]);
            match load_text("damaged", &damaged, &[]) {
                Ok(loaded) => for which in Which::ALL {
                    let _ = derive(&loaded.document, which);
                },
                Err(findings) => prop_assert!(findings.errors() > 0 && !findings.render().is_empty()),
            }
        }
    }
}
