//! One module: a folder of `*.tf` and `*.tf.json` files, read into the facts this crate needs.
//!
//! Absent: what the facts mean across modules (roots, edges), `.tofu` files, validation that Terraform does itself.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Body};

use crate::diagnostic::{Diagnostic, Place, Text};
use crate::{evaluate, json};

/// A file of Terraform code above this size is refused: it is data, or a mistake.
const MAX_FILE_BYTES: u64 = 10 * 1024 * 1024;

/// The facts of one module.
#[derive(Clone, Default)]
pub(crate) struct Module {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) required_version: Option<String>,
    pub(crate) backend: Option<BackendBlock>,
    pub(crate) cloud: Option<CloudBlock>,
    pub(crate) variables: BTreeMap<String, Variable>,
    /// Default values, by name of the variable.
    pub(crate) defaults: BTreeMap<String, Expression>,
    pub(crate) locals: BTreeMap<String, Expression>,
    pub(crate) outputs: Vec<String>,
    pub(crate) calls: BTreeMap<String, Call>,
    pub(crate) reads: BTreeMap<(ReadKind, String), Read>,
}

/// `backend "KIND" { ... }`.
#[derive(Clone)]
pub(crate) struct BackendBlock {
    pub(crate) kind: String,
    pub(crate) attributes: BTreeMap<String, Expression>,
    /// Attributes of its `workspaces` block.
    pub(crate) workspaces: BTreeMap<String, Expression>,
}

/// `cloud { ... }`.
#[derive(Clone)]
pub(crate) struct CloudBlock {
    pub(crate) attributes: BTreeMap<String, Expression>,
    /// Attributes of its `workspaces` block.
    pub(crate) workspaces: BTreeMap<String, Expression>,
}

/// `variable "NAME" { ... }`.
#[derive(Clone)]
pub(crate) struct Variable {
    pub(crate) has_default: bool,
    pub(crate) sensitive: bool,
    pub(crate) place: Place,
    pub(crate) span: Option<Range<usize>>,
}

/// `module "NAME" { ... }`.
#[derive(Clone)]
pub(crate) struct Call {
    /// `source`, where it is a literal.
    pub(crate) source: Option<String>,
    pub(crate) arguments: BTreeMap<String, Expression>,
    pub(crate) text: Text,
    /// Of `source`.
    pub(crate) span: Option<Range<usize>>,
}

impl Call {
    /// The folder that is called, when it is a local one.
    pub(crate) fn local_source(&self) -> Option<&str> {
        self.source.as_deref().filter(|source| is_local(source))
    }
}

/// Whether the source of a module is a folder beside the caller's.
pub(crate) fn is_local(source: &str) -> bool {
    source == "." || source == ".." || source.starts_with("./") || source.starts_with("../")
}

/// The sorts of reference to another workspace's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ReadKind {
    RemoteState,
    Outputs,
    EphemeralOutputs,
}

impl ReadKind {
    pub(crate) fn address(self, name: &str) -> String {
        match self {
            ReadKind::RemoteState => format!("data.terraform_remote_state.{name}"),
            ReadKind::Outputs => format!("data.tfe_outputs.{name}"),
            ReadKind::EphemeralOutputs => format!("ephemeral.tfe_outputs.{name}"),
        }
    }

    pub(crate) fn of(block_type: &str, kind: &str) -> Option<Self> {
        match (block_type, kind) {
            ("data", "terraform_remote_state") => Some(ReadKind::RemoteState),
            ("data", "tfe_outputs") => Some(ReadKind::Outputs),
            ("ephemeral", "tfe_outputs") => Some(ReadKind::EphemeralOutputs),
            _ => None,
        }
    }
}

/// A reference to another workspace's outputs.
#[derive(Clone)]
pub(crate) struct Read {
    pub(crate) attributes: BTreeMap<String, Expression>,
    /// It stands in a `check` block, where an override file cannot reach it.
    pub(crate) in_check: bool,
    pub(crate) place: Place,
    pub(crate) span: Option<Range<usize>>,
}

/// Whether a file name is one that Terraform loads as configuration. Editors' left-overs are not.
pub(crate) fn is_configuration(name: &str) -> bool {
    (name.ends_with(".tf") || name.ends_with(".tf.json"))
        && !name.starts_with('.')
        && !name.ends_with('~')
        && !(name.starts_with('#') && name.ends_with('#'))
}

fn is_override(name: &str) -> bool {
    let stem = name.strip_suffix(".tf.json").or_else(|| name.strip_suffix(".tf")).unwrap_or(name);
    stem == "override" || stem.ends_with("_override")
}

/// Reads the module in `folder`; every file that cannot be read adds to `problems`, and the others still count.
/// `display` says how a path is shown to people.
pub(crate) fn read(folder: &Path, display: &dyn Fn(&Path) -> String, problems: &mut Vec<Diagnostic>) -> Module {
    let mut module = Module::default();
    for name in in_order(folder) {
        let path = folder.join(&name);
        if let Some((text, body)) = parse(&path, display(&path), problems) {
            module.take_in(&text, &body);
        }
        module.files.push(path);
    }
    module
}

/// Names of the configuration files in a folder in the order in which they are merged: override files last, each sort by
/// name.
pub(crate) fn in_order(folder: &Path) -> Vec<String> {
    let mut names = configuration_files(folder);
    names.sort_by_key(|name| (is_override(name), name.clone()));
    names
}

/// Names of the configuration files in a folder, sorted; empty when it cannot be listed.
pub(crate) fn configuration_files(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| is_configuration(name))
        .collect();
    names.sort();
    names
}

/// Reads and parses one file of native or JSON syntax.
pub(crate) fn parse(path: &Path, shown: String, problems: &mut Vec<Diagnostic>) -> Option<(Text, Body)> {
    let text = Text::new(shown.clone(), read_text(path, shown, problems)?);
    let parsed = if path.extension().is_some_and(|extension| extension == "json") {
        serde_json::from_str(&text.text).map(|value| json::body_of(&value)).map_err(|error| json_error(&text, &error))
    } else {
        hcl_edit::parser::parse_body(&text.text).map_err(|error| syntax_error(&text, &error))
    };
    match parsed {
        Ok(body) => Some((text, body)),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

pub(crate) fn read_text(path: &Path, shown: String, problems: &mut Vec<Diagnostic>) -> Option<String> {
    let too_large = std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > MAX_FILE_BYTES);
    let problem = if too_large {
        Diagnostic::new("configuration/file-too-large", "This file is larger than 10 MB.").advice(
            "Keep data of that size out of Terraform code, for instance in a JSON file that is read with file().",
        )
    } else {
        match std::fs::read(path).map(String::from_utf8) {
            // Terraform passes over a byte order mark; the parser does not.
            Ok(Ok(text)) => return Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
            Ok(Err(_)) => {
                Diagnostic::new("configuration/not-text", "This file is not UTF-8 text.").advice("Save it as UTF-8.")
            }
            Err(error) => Diagnostic::new("configuration/unreadable", format!("This file cannot be read: {error}.")),
        }
    };
    problems.push(problem.in_file(shown));
    None
}

pub(crate) fn syntax_error(text: &Text, error: &hcl_edit::parser::Error) -> Diagnostic {
    let at = error.location().offset().min(text.text.len());
    let length = text.text[at..].chars().next().map_or(0, char::len_utf8);
    text.diagnostic(
        "configuration/syntax",
        format!("This is not valid HCL: {}.", error.message()),
        Some(at..at + length),
    )
    .advice("`terraform fmt` and `terraform validate` say more about the same place.")
}

pub(crate) fn json_error(text: &Text, error: &serde_json::Error) -> Diagnostic {
    let line_start: usize = text.text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let mut at = (line_start + error.column().saturating_sub(1)).min(text.text.len());
    while !text.text.is_char_boundary(at) {
        at -= 1;
    }
    text.diagnostic("configuration/syntax", format!("This is not valid JSON: {error}."), Some(at..at))
}

impl Module {
    fn take_in(&mut self, text: &Text, body: &Body) {
        for block in body.blocks() {
            let label = |index: usize| block.labels.get(index).map(|label| label.as_str().to_owned());
            match (block.ident.as_str(), label(0), label(1)) {
                ("terraform", _, _) => self.take_in_settings(block),
                ("variable", Some(name), _) => self.take_in_variable(text, block, name),
                ("output", Some(name), _) if !self.outputs.contains(&name) => self.outputs.push(name),
                ("locals", _, _) => self.locals.extend(attributes(&block.body)),
                ("module", Some(name), _) => self.take_in_call(text, block, name),
                (block_type @ ("data" | "ephemeral"), Some(kind), Some(name)) => {
                    if let Some(kind) = ReadKind::of(block_type, &kind) {
                        self.take_in_read(text, block, kind, name, false);
                    }
                }
                ("check", Some(_), _) => self.take_in_check(text, block),
                _ => {}
            }
        }
    }

    fn take_in_settings(&mut self, terraform: &Block) {
        if let Some(version) = literal_text(&terraform.body, "required_version") {
            self.required_version = Some(version);
        }
        for block in terraform.body.blocks() {
            let workspaces =
                || block.body.get_blocks("workspaces").next().map(|inner| attributes(&inner.body)).unwrap_or_default();
            match (block.ident.as_str(), block.labels.first()) {
                // In an override file either of the two replaces whichever was there.
                ("backend", Some(kind)) => {
                    self.cloud = None;
                    self.backend = Some(BackendBlock {
                        kind: kind.as_str().to_owned(),
                        attributes: attributes(&block.body),
                        workspaces: workspaces(),
                    });
                }
                ("cloud", _) => {
                    self.backend = None;
                    self.cloud = Some(CloudBlock { attributes: attributes(&block.body), workspaces: workspaces() });
                }
                _ => {}
            }
        }
    }

    fn take_in_variable(&mut self, text: &Text, block: &Block, name: String) {
        let default = block.body.get_attribute("default").map(|attribute| attribute.value.clone());
        let sensitive = block.body.get_attribute("sensitive").and_then(|attribute| attribute.value.as_bool());
        let span = label_span(block, 0);
        let variable = self.variables.entry(name.clone()).or_insert_with(|| Variable {
            has_default: false,
            sensitive: false,
            place: text.place(span.as_ref()),
            span,
        });
        variable.has_default |= default.is_some();
        variable.sensitive = sensitive.unwrap_or(variable.sensitive);
        if let Some(default) = default {
            self.defaults.insert(name, default);
        }
    }

    fn take_in_call(&mut self, text: &Text, block: &Block, name: String) {
        let source = literal_text(&block.body, "source");
        let span = block.body.get_attribute("source").and_then(|attribute| attribute.value.span());
        let call = self.calls.entry(name).or_insert_with(|| Call {
            source: None,
            arguments: BTreeMap::new(),
            text: text.clone(),
            span: None,
        });
        if source.is_some() {
            call.source = source;
            call.text = text.clone();
            call.span = span;
        }
        call.arguments.extend(attributes(&block.body));
    }

    /// A `check` block may have a data block of its own.
    fn take_in_check(&mut self, text: &Text, check: &Block) {
        for block in check.body.get_blocks("data") {
            if let [kind, name] = block.labels.as_slice()
                && let Some(kind) = ReadKind::of("data", kind.as_str())
            {
                self.take_in_read(text, block, kind, name.as_str().to_owned(), true);
            }
        }
    }

    fn take_in_read(&mut self, text: &Text, block: &Block, kind: ReadKind, name: String, in_check: bool) {
        let span = block.ident.span().map(|start| start.start..label_span(block, 1).map_or(start.end, |end| end.end));
        let read = self.reads.entry((kind, name)).or_insert_with(|| Read {
            attributes: BTreeMap::new(),
            in_check,
            place: text.place(span.as_ref()),
            span,
        });
        read.attributes.extend(attributes(&block.body));
    }
}

pub(crate) fn label_span(block: &Block, index: usize) -> Option<Range<usize>> {
    block.labels.get(index).and_then(Span::span)
}

fn attributes(body: &Body) -> BTreeMap<String, Expression> {
    body.attributes().map(|attribute| (attribute.key.as_str().to_owned(), attribute.value.clone())).collect()
}

pub(crate) fn literal_text(body: &Body, name: &str) -> Option<String> {
    let value = evaluate::literal(&body.get_attribute(name)?.value).ok()?;
    value.as_str().map(str::to_owned)
}
