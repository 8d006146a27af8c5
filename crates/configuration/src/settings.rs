//! `multispace.hcl`: what Terraform code cannot say about a stack. Strict: a word that is not known, or a value of the
//! wrong type, is an error at its place.
//!
//! ```hcl
//! terraform_version = "1.11.4"            # or: terraform = "tofu", a name on PATH or a path
//! concurrency       = 4
//! variables         = { region = "eu" }   # for every workspace that declares them
//! environment       = { AWS_PROFILE = "x" }
//!
//! workspace "network" {
//!   path        = "live/network"          # default: the workspace's name
//!   depends_on  = ["bootstrap"]
//!   variables   = { size = 3 }
//!   environment = { TF_LOG = "info" }
//!   apply {
//!     manual_confirm = true
//!     retry_attempts = 5
//!   }
//!   destroy {
//!     retry = false
//!   }
//! }
//! ```
//!
//! The words of `apply` and `destroy`, their types and defaults are those of `tfe_workspace_run`, backoff in seconds.
//! Absent: whether paths and names exist; `crate::stack` knows the folders and checks them.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::path::Path;
use std::time::Duration;

use hcl_edit::Span;
use hcl_edit::structure::{Attribute, Block, Body, Structure};

use crate::diagnostic::{Diagnostic, Text};
use crate::value::Value;
use crate::{evaluate, module, names};

/// Name of the settings file.
pub const SETTINGS_FILE: &str = "multispace.hcl";

/// Settings of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackSettings {
    /// The terraform or tofu to run: a name on PATH, or a path relative to the stack's folder.
    pub terraform: Option<String>,
    /// Version of terraform for every workspace.
    pub terraform_version: Option<String>,
    /// How many runs may be under way at once.
    pub concurrency: Option<u32>,
    /// Terraform variables for every workspace that declares them.
    pub variables: BTreeMap<String, Value>,
    /// Environment variables for every run.
    pub environment: BTreeMap<String, String>,
    /// Settings by name of the workspace; a workspace that is not named has the defaults.
    pub workspaces: BTreeMap<String, WorkspaceSettings>,
}

/// Settings of one workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkspaceSettings {
    /// Names of the workspaces that come first, besides those the code reads.
    pub depends_on: Vec<String>,
    /// Terraform variables; they win over those of the stack.
    pub variables: BTreeMap<String, Value>,
    /// Environment variables; they win over those of the stack.
    pub environment: BTreeMap<String, String>,
    /// Version of terraform; wins over that of the stack.
    pub terraform_version: Option<String>,
    /// How the workspace is applied.
    pub apply: RunSettings,
    /// How the workspace is destroyed.
    pub destroy: RunSettings,
}

/// How a run is confirmed and retried. Source: the `apply` and `destroy` blocks of `tfe_workspace_run`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunSettings {
    /// A person confirms this workspace's plan; default false.
    pub manual_confirm: bool,
    /// Try again when a run fails; default true.
    pub retry: bool,
    /// Further attempts after the first; default 3.
    pub retry_attempts: u32,
    /// Pause before the first further attempt; default 1 second.
    pub retry_backoff_min: Duration,
    /// Longest pause; default 30 seconds.
    pub retry_backoff_max: Duration,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            manual_confirm: false,
            retry: true,
            retry_attempts: 3,
            retry_backoff_min: Duration::from_secs(1),
            retry_backoff_max: Duration::from_secs(30),
        }
    }
}

const MAX_CONCURRENCY: u64 = 1_000;
const MAX_RETRY_ATTEMPTS: u64 = 100;
const MAX_BACKOFF_SECONDS: u64 = 86_400;

/// The settings file with the places of everything that must be checked against the folders.
pub(crate) struct SettingsFile {
    pub(crate) text: Text,
    pub(crate) stack: StackSettings,
    pub(crate) workspaces: Vec<WorkspaceBlock>,
    /// Names of the stack-wide variables, with their places.
    pub(crate) variables: Vec<Named>,
}

/// A name with its place in the settings file.
#[derive(Clone)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) span: Option<Range<usize>>,
}

/// `workspace "NAME" { ... }`.
pub(crate) struct WorkspaceBlock {
    pub(crate) label: Named,
    pub(crate) path: Option<Named>,
    pub(crate) depends_on: Vec<Named>,
    pub(crate) variables: Vec<Named>,
    pub(crate) settings: WorkspaceSettings,
}

/// Reads the settings file of a folder; `None` when there is none, or when it cannot be read (then `problems` says why).
pub(crate) fn read(folder: &Path, problems: &mut Vec<Diagnostic>) -> Option<SettingsFile> {
    let path = folder.join(SETTINGS_FILE);
    if !path.exists() {
        return None;
    }
    let text = Text::new(SETTINGS_FILE.to_owned(), module::read_text(&path, SETTINGS_FILE.to_owned(), problems)?);
    match hcl_edit::parser::parse_body(&text.text) {
        Ok(body) => Some(Reader { text: &text, problems }.file(&body)),
        Err(error) => {
            problems.push(module::syntax_error(&text, &error).advice(""));
            None
        }
    }
}

struct Reader<'a> {
    text: &'a Text,
    problems: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn file(mut self, body: &Body) -> SettingsFile {
        let mut stack = StackSettings::default();
        let mut variables = Vec::new();
        let mut workspaces: Vec<WorkspaceBlock> = Vec::new();
        for structure in body.iter() {
            match structure {
                Structure::Attribute(attribute) => match attribute.key.as_str() {
                    "terraform" => stack.terraform = self.text_of(attribute),
                    "terraform_version" => stack.terraform_version = self.text_of(attribute),
                    "concurrency" => stack.concurrency = self.whole(attribute, 1..=MAX_CONCURRENCY),
                    "variables" => (stack.variables, variables) = self.variables(attribute),
                    "environment" => stack.environment = self.environment(attribute),
                    _ => self.unknown_attribute(
                        attribute,
                        &["terraform", "terraform_version", "concurrency", "variables", "environment"],
                    ),
                },
                Structure::Block(block) if block.ident.as_str() == "workspace" => {
                    if let Some(workspace) = self.workspace(block) {
                        if workspaces.iter().any(|other| other.label.name == workspace.label.name) {
                            let message = format!("There are two blocks for workspace {:?}.", workspace.label.name);
                            self.error("configuration/duplicate-workspace", message, workspace.label.span.clone())
                                .advice = "Make one block of them.".to_owned();
                        }
                        workspaces.push(workspace);
                    }
                }
                Structure::Block(block) => self.unknown_block(block, &["workspace"]),
            }
        }
        SettingsFile { text: self.text.clone(), stack, workspaces, variables }
    }

    fn workspace(&mut self, block: &Block) -> Option<WorkspaceBlock> {
        let [label] = block.labels.as_slice() else {
            let message = "A workspace block has one label: the workspace's name.";
            self.error("configuration/workspace-label", message, block.ident.span()).advice =
                "Write `workspace \"NAME\" { ... }`.".to_owned();
            return None;
        };
        let label = Named { name: label.as_str().to_owned(), span: label.span() };
        if !names::is_valid(&label.name) {
            let message = format!("{:?} is not a name that a workspace can have.", label.name);
            self.error("configuration/workspace-name", message, label.span.clone()).advice = names::RULE.to_owned();
        }
        let mut workspace = WorkspaceBlock {
            label,
            path: None,
            depends_on: Vec::new(),
            variables: Vec::new(),
            settings: WorkspaceSettings::default(),
        };
        let mut seen = Vec::new();
        for structure in block.body.iter() {
            match structure {
                Structure::Attribute(attribute) => match attribute.key.as_str() {
                    "path" => {
                        let span = attribute.value.span();
                        workspace.path = self.text_of(attribute).map(|name| Named { name, span });
                    }
                    "depends_on" => workspace.depends_on = self.depends_on(attribute),
                    "variables" => (workspace.settings.variables, workspace.variables) = self.variables(attribute),
                    "environment" => workspace.settings.environment = self.environment(attribute),
                    "terraform_version" => workspace.settings.terraform_version = self.text_of(attribute),
                    _ => self.unknown_attribute(
                        attribute,
                        &["path", "depends_on", "variables", "environment", "terraform_version", "apply", "destroy"],
                    ),
                },
                Structure::Block(inner) => match inner.ident.as_str() {
                    name @ ("apply" | "destroy") => {
                        if seen.contains(&name) {
                            let message = format!("There are two {name} blocks in one workspace block.");
                            self.error("configuration/duplicate-block", message, inner.ident.span()).advice =
                                "Make one block of them.".to_owned();
                        }
                        seen.push(name);
                        let settings = self.run(inner);
                        if name == "apply" {
                            workspace.settings.apply = settings;
                        } else {
                            workspace.settings.destroy = settings;
                        }
                    }
                    _ => self.unknown_block(inner, &["apply", "destroy"]),
                },
            }
        }
        workspace.settings.depends_on = workspace.depends_on.iter().map(|named| named.name.clone()).collect();
        Some(workspace)
    }

    fn run(&mut self, block: &Block) -> RunSettings {
        let mut run = RunSettings::default();
        if let Some(label) = block.labels.first() {
            let message = format!("The block {:?} has no label.", block.ident.as_str());
            self.error("configuration/label", message, label.span()).advice = "Remove the label.".to_owned();
        }
        for structure in block.body.iter() {
            let attribute = match structure {
                Structure::Attribute(attribute) => attribute,
                Structure::Block(inner) => {
                    self.unknown_block(inner, &[]);
                    continue;
                }
            };
            let seconds = 0..=MAX_BACKOFF_SECONDS;
            match attribute.key.as_str() {
                "manual_confirm" => run.manual_confirm = self.flag(attribute).unwrap_or(run.manual_confirm),
                "retry" => run.retry = self.flag(attribute).unwrap_or(run.retry),
                "retry_attempts" => {
                    run.retry_attempts = self.whole(attribute, 0..=MAX_RETRY_ATTEMPTS).unwrap_or(run.retry_attempts);
                }
                "retry_backoff_min" => {
                    run.retry_backoff_min = self
                        .whole(attribute, seconds)
                        .map_or(run.retry_backoff_min, |n: u32| Duration::from_secs(n.into()));
                }
                "retry_backoff_max" => {
                    run.retry_backoff_max = self
                        .whole(attribute, seconds)
                        .map_or(run.retry_backoff_max, |n: u32| Duration::from_secs(n.into()));
                }
                "wait_for_run" => {
                    if self.flag(attribute) == Some(false) {
                        let message = "A stack waits for every run: wait_for_run cannot be false here.";
                        self.error("configuration/wait-for-run", message, attribute.value.span()).advice =
                            "Remove the attribute.".to_owned();
                    }
                }
                _ => self.unknown_attribute(
                    attribute,
                    &[
                        "manual_confirm",
                        "retry",
                        "retry_attempts",
                        "retry_backoff_min",
                        "retry_backoff_max",
                        "wait_for_run",
                    ],
                ),
            }
        }
        self.check_backoff(block, &mut run);
        run
    }

    /// A longest pause below the shortest is a mistake when both are written; alone, the other one follows.
    fn check_backoff(&mut self, block: &Block, run: &mut RunSettings) {
        if run.retry_backoff_min <= run.retry_backoff_max {
            return;
        }
        match (block.body.get_attribute("retry_backoff_min"), block.body.get_attribute("retry_backoff_max")) {
            (Some(_), Some(max)) => {
                let message = "retry_backoff_max is smaller than retry_backoff_min.";
                self.error("configuration/out-of-range", message, max.value.span()).advice =
                    "Make it at least as large; both are seconds.".to_owned();
            }
            (Some(_), None) => run.retry_backoff_max = run.retry_backoff_min,
            _ => run.retry_backoff_min = run.retry_backoff_max,
        }
    }

    fn value(&mut self, attribute: &Attribute) -> Option<Value> {
        match evaluate::literal(&attribute.value) {
            Ok(value) => Some(value),
            Err(unknown) => {
                let message = format!("The value of {:?} is not a literal: {}.", attribute.key.as_str(), unknown.0);
                self.error("configuration/not-literal", message, attribute.value.span()).advice =
                    format!("{SETTINGS_FILE} has no variables, references or functions; write the value itself.");
                None
            }
        }
    }

    fn wrong_type(&mut self, attribute: &Attribute, expected: &str, found: &Value) {
        let message = format!("{:?} must be {expected}, and this is {}.", attribute.key.as_str(), found.kind());
        self.error("configuration/wrong-type", message, attribute.value.span());
    }

    fn text_of(&mut self, attribute: &Attribute) -> Option<String> {
        match self.value(attribute)? {
            Value::String(text) if text.trim().is_empty() => {
                let message = format!("{:?} is empty.", attribute.key.as_str());
                self.error("configuration/empty", message, attribute.value.span()).advice =
                    "Give it a value or remove it.".to_owned();
                None
            }
            Value::String(text) => Some(text),
            other => {
                self.wrong_type(attribute, "a string", &other);
                None
            }
        }
    }

    fn flag(&mut self, attribute: &Attribute) -> Option<bool> {
        match self.value(attribute)? {
            Value::Bool(value) => Some(value),
            other => {
                self.wrong_type(attribute, "a bool (true or false)", &other);
                None
            }
        }
    }

    fn whole<T: TryFrom<u64>>(&mut self, attribute: &Attribute, range: RangeInclusive<u64>) -> Option<T> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        match self.value(attribute)? {
            Value::Number(text) => {
                let number = text.parse::<u64>().ok().filter(|number| range.contains(number));
                if number.is_none() {
                    let message = format!("{:?} must be {expected}, and this is {text}.", attribute.key.as_str());
                    self.error("configuration/out-of-range", message, attribute.value.span());
                }
                number.and_then(|number| T::try_from(number).ok())
            }
            other => {
                self.wrong_type(attribute, &expected, &other);
                None
            }
        }
    }

    fn depends_on(&mut self, attribute: &Attribute) -> Vec<Named> {
        let expected = "a list of workspace names (strings)";
        let Some(value) = self.value(attribute) else { return Vec::new() };
        let (Value::List(items), Some(array)) = (&value, attribute.value.as_array()) else {
            self.wrong_type(attribute, expected, &value);
            return Vec::new();
        };
        let mut named: Vec<Named> = Vec::new();
        for (item, expression) in items.iter().zip(array.iter()) {
            let span = expression.span();
            match item.as_str() {
                Some(name) if named.iter().any(|other| other.name == name) => {}
                Some(name) => named.push(Named { name: name.to_owned(), span }),
                None => {
                    let message = format!("\"depends_on\" must be {expected}, and this element is {}.", item.kind());
                    self.error("configuration/wrong-type", message, span);
                }
            }
        }
        named
    }

    fn variables(&mut self, attribute: &Attribute) -> (BTreeMap<String, Value>, Vec<Named>) {
        match self.value(attribute) {
            Some(Value::Object(entries)) => {
                let named = self.keys(attribute);
                (entries, named)
            }
            Some(other) => {
                self.wrong_type(attribute, "a map of variable names to values", &other);
                Default::default()
            }
            None => Default::default(),
        }
    }

    fn environment(&mut self, attribute: &Attribute) -> BTreeMap<String, String> {
        let expected = "a map of environment variable names to strings";
        let entries = match self.value(attribute) {
            Some(Value::Object(entries)) => entries,
            Some(other) => {
                self.wrong_type(attribute, expected, &other);
                return BTreeMap::new();
            }
            None => return BTreeMap::new(),
        };
        let mut environment = BTreeMap::new();
        for Named { name, span } in self.keys(attribute) {
            let is_name = !name.is_empty() && !name.contains(['=', '\0']);
            match entries.get(&name) {
                Some(Value::String(text)) if is_name && !text.contains('\0') => {
                    environment.insert(name, text.clone());
                }
                Some(Value::String(_)) => {
                    let message = format!("{name:?} cannot be an environment variable.");
                    self.error("configuration/environment", message, span);
                }
                Some(other) => {
                    let message =
                        format!("\"environment\" must be {expected}, and the value of {name:?} is {}.", other.kind());
                    self.error("configuration/wrong-type", message, span).advice = "Put it in quotes.".to_owned();
                }
                None => {}
            }
        }
        environment
    }

    /// The keys of a literal map with their places.
    fn keys(&self, attribute: &Attribute) -> Vec<Named> {
        let Some(object) = attribute.value.as_object() else { return Vec::new() };
        let key_name = |key: &hcl_edit::expr::ObjectKey| match key {
            hcl_edit::expr::ObjectKey::Ident(name) => Some(name.as_str().to_owned()),
            hcl_edit::expr::ObjectKey::Expression(expression) => match expression.as_variable() {
                Some(name) => Some(name.as_str().to_owned()),
                None => evaluate::literal(expression).ok()?.to_template_text(),
            },
        };
        object.iter().filter_map(|(key, _)| Some(Named { name: key_name(key)?, span: key.span() })).collect()
    }

    fn unknown_attribute(&mut self, attribute: &Attribute, known: &[&str]) {
        let name = attribute.key.as_str();
        let advice = names::advice(name, known.iter().copied());
        let span = attribute.key.span();
        self.error("configuration/unknown-attribute", format!("There is no attribute {name:?} here."), span).advice =
            advice;
    }

    fn unknown_block(&mut self, block: &Block, known: &[&str]) {
        let name = block.ident.as_str();
        let advice = names::advice(name, known.iter().copied());
        let span = block.ident.span();
        self.error("configuration/unknown-block", format!("There is no block {name:?} here."), span).advice = advice;
    }

    /// Notes an error and hands it out, so that advice can be added.
    fn error(&mut self, code: &'static str, message: impl Into<String>, span: Option<Range<usize>>) -> &mut Diagnostic {
        self.problems.push(self.text.diagnostic(code, message, span));
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }
}
