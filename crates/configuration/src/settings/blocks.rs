//! The blocks of a settings file and the attributes that each may have.

use std::time::Duration;

use hcl_edit::Span;
use hcl_edit::structure::{Block, Body, Structure};

use super::{
    MAX_BACKOFF_SECONDS, MAX_CONCURRENCY, MAX_RETRY_ATTEMPTS, Named, RunSettings, SettingsFile, StackSettings,
    WorkspaceBlock, WorkspaceSettings,
};
use crate::diagnostic::{Diagnostic, Text};
use crate::names;

/// Reads one settings file.
pub(super) struct Reader<'a> {
    pub(super) text: &'a Text,
    pub(super) problems: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    /// The whole file.
    pub(super) fn file(mut self, body: &Body) -> SettingsFile {
        let mut stack = StackSettings::default();
        let mut variables = Vec::new();
        let mut workspaces: Vec<WorkspaceBlock> = Vec::new();
        let mut only = Vec::new();
        for structure in body.iter() {
            match structure {
                Structure::Attribute(attribute) => match attribute.key.as_str() {
                    "terraform" => stack.terraform = self.text_of(attribute),
                    "terraform_version" => stack.terraform_version = self.text_of(attribute),
                    "concurrency" => stack.concurrency = self.whole(attribute, 1..=MAX_CONCURRENCY),
                    "variables" => {
                        let read = self.variables(attribute);
                        (stack.variables, stack.references, variables) = (read.literals, read.references, read.named);
                    }
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
                Structure::Block(block) if block.ident.as_str() == "approve" => {
                    if stack.approve.is_some() {
                        self.second_block(block);
                    }
                    let approve = self.approve(block, Some(&mut only));
                    stack.approve = Some(approve);
                }
                Structure::Block(block) => self.unknown_block(block, &["workspace", "approve"]),
            }
        }
        SettingsFile { text: self.text.clone(), stack, workspaces, variables, only }
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
                    "depends_on" => workspace.depends_on = self.workspaces(attribute),
                    "variables" => {
                        let read = self.variables(attribute);
                        workspace.settings.variables = read.literals;
                        workspace.settings.references = read.references;
                        workspace.variables = read.named;
                    }
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
                            self.second_block(inner);
                        }
                        seen.push(name);
                        let settings = self.run(inner);
                        if name == "apply" {
                            workspace.settings.apply = settings;
                        } else {
                            workspace.settings.destroy = settings;
                        }
                    }
                    "approve" => {
                        if workspace.settings.approve.is_some() {
                            self.second_block(inner);
                        }
                        workspace.settings.approve = Some(self.approve(inner, None));
                    }
                    _ => self.unknown_block(inner, &["apply", "destroy", "approve"]),
                },
            }
        }
        workspace.settings.depends_on = workspace.depends_on.iter().map(|named| named.name.clone()).collect();
        Some(workspace)
    }

    fn second_block(&mut self, block: &Block) {
        let message = format!("There are two {} blocks in one place.", block.ident.as_str());
        self.error("configuration/duplicate-block", message, block.ident.span()).advice =
            "Make one block of them.".to_owned();
    }

    pub(super) fn refuse_labels(&mut self, block: &Block) {
        if let Some(label) = block.labels.first() {
            let message = format!("The block {:?} has no label.", block.ident.as_str());
            self.error("configuration/label", message, label.span()).advice = "Remove the label.".to_owned();
        }
    }

    fn run(&mut self, block: &Block) -> RunSettings {
        let mut run = RunSettings::default();
        self.refuse_labels(block);
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
}
