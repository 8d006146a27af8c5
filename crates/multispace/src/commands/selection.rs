//! `--filter` and `--affected`: the part of a stack that is meant, by name, by what it needs or what needs it, and by what changed in git.

use std::collections::BTreeSet;

use clap::Args;
use configuration::{Limits, workspaces_of_changes};
use domain::Problem;
use domain::stack::{Range, Selector, select};

use crate::stack::Loaded;
use crate::stack::git::Repository;

/// Which workspaces are meant.
#[derive(Args)]
pub(super) struct Filters {
    /// Only workspaces that this selects (may be repeated): NAME, where * is any text; ...NAME with what it needs, NAME... with what
    /// needs it; [main...HEAD] what changed in git; !SELECTOR leaves out
    #[arg(long = "filter", value_name = "SELECTOR", value_parser = Selector::parse)]
    filters: Vec<Selector>,

    /// Only what changed in git and what needs it: --filter '[FROM...TO]...' [default: from the remote's default branch, else main
    /// or master, to HEAD and what is not committed]
    #[arg(
        long,
        value_name = "FROM...TO",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        value_parser = commits
    )]
    affected: Option<Commits>,
}

/// What `--affected` was given.
#[derive(Clone)]
enum Commits {
    Default,
    Of(Range),
}

/// A part of a stack.
pub(super) struct Part {
    /// The workspaces.
    pub(super) names: BTreeSet<String>,
    /// How many of how many they are, and which.
    pub(super) told: String,
}

impl Filters {
    /// Whether a part of the stack was asked for; otherwise all of it is meant.
    pub(super) fn are_given(&self) -> bool {
        !self.filters.is_empty() || self.affected.is_some()
    }

    /// The part of the stack that is meant. Git is asked only where a selector wants to know what changed.
    ///
    /// # Errors
    /// `stack/unknown-workspace`; those of the repository; those of packing, where what changed is asked for.
    pub(super) fn part_of(&self, loaded: &Loaded) -> Result<Part, Problem> {
        let mut selectors = self.filters.clone();
        match &self.affected {
            None => {}
            Some(Commits::Of(range)) => selectors.push(Selector::affected(range.clone())),
            Some(Commits::Default) => {
                let from = Repository::around(&loaded.stack.dir)?.base()?;
                selectors.push(Selector::affected(Range { from, to: "HEAD".to_owned() }));
            }
        }
        let names = select(&loaded.graph, &selectors, |range| {
            let changed = Repository::around(&loaded.stack.dir)?.changed(range)?;
            workspaces_of_changes(&loaded.stack, &Limits::default(), &changed)
        })?;
        let told = told(loaded.graph.len(), &names, &selectors);
        Ok(Part { names, told })
    }
}

fn commits(text: &str) -> Result<Commits, Problem> {
    if text.is_empty() { Ok(Commits::Default) } else { Range::parse(text).map(Commits::Of) }
}

fn told(all: usize, names: &BTreeSet<String>, selectors: &[Selector]) -> String {
    if names.is_empty() {
        let selectors: Vec<String> = selectors.iter().map(Selector::to_string).collect();
        return format!("nothing is selected: no workspace fits {}", selectors.join(", "));
    }
    let workspaces = if all == 1 { "workspace" } else { "workspaces" };
    let list: Vec<&str> = names.iter().map(String::as_str).collect();
    format!("{} of {all} {workspaces}: {}", names.len(), list.join(", "))
}
