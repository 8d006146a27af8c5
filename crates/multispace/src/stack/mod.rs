//! A folder of root modules as one stack: read it, open its engine, prepare its workspaces, walk it, report.
//! Absent: printing (`console`), what may start when (`domain::stack::Walk`), terraform (`server`).

pub(crate) mod adopt;
pub(crate) mod approvals;
pub(crate) mod clock;
pub(crate) mod code;
pub(crate) mod drive;
pub(crate) mod elsewhere;
pub(crate) mod environment;
pub(crate) mod git;
pub(crate) mod host;
pub(crate) mod inputs;
pub(crate) mod left_out;
pub(crate) mod leftovers;
pub(crate) mod prepare;
pub(crate) mod preview;
pub(crate) mod record;
pub(crate) mod references;
pub(crate) mod report;
pub(crate) mod session;
pub(crate) mod variables;

use std::path::Path;

use configuration::{BackendSetting, Root, Stack};
use domain::stack::{Edge, Graph, Reason};

use crate::failure::Failure;

/// A stack and its graph.
pub(crate) struct Loaded {
    /// What the code says.
    pub(crate) stack: Stack,
    /// Who runs before whom.
    pub(crate) graph: Graph,
}

impl Loaded {
    /// The root of a workspace of the graph.
    pub(crate) fn root(&self, workspace: &str) -> Option<&Root> {
        self.stack.root(workspace)
    }

    /// Whether multispace keeps the state of a workspace.
    pub(crate) fn is_held(&self, workspace: &str) -> bool {
        self.root(workspace).is_some_and(|root| root.backend == BackendSetting::Held)
    }

    /// The workspaces whose outputs `workspace` reads and multispace holds, sorted, each once.
    pub(crate) fn read_by(&self, workspace: &str) -> Vec<&str> {
        let readers = self.stack.readers.iter().filter(|reader| reader.downstream == workspace);
        let references = self.root(workspace).map(|root| self.stack.references(root)).unwrap_or_default();
        let referenced = references.values().filter_map(|it| self.root(&it.workspace)).map(|root| root.name.as_str());
        let mut names: Vec<&str> = readers.map(|it| it.upstream.as_str()).filter(|name| self.is_held(name)).collect();
        names.extend(referenced);
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The workspaces whose outputs `workspace` reads through `tfe_outputs`, which a server answers.
    pub(crate) fn read_of_a_server<'a>(&'a self, workspace: &'a str) -> impl Iterator<Item = &'a str> {
        let edges = self.stack.edges.iter().filter(move |edge| edge.downstream == workspace);
        let edges = edges.filter(|edge| edge.reasons.iter().any(configuration::Reason::reads_a_server));
        edges.map(|edge| edge.upstream.as_str())
    }
}

/// Reads the stack in a folder and makes its graph.
///
/// # Errors
/// Everything that is wrong with the code; `stack/cycle`.
pub(crate) fn load(dir: &Path) -> Result<Loaded, Failure> {
    let stack = configuration::read_stack(dir)?;
    let edges = stack.edges.iter().map(|edge| Edge {
        upstream: edge.upstream.clone(),
        downstream: edge.downstream.clone(),
        reasons: edge
            .reasons
            .iter()
            .map(|reason| Reason {
                file: reason.place.file.clone(),
                line: reason.place.line,
                what: reason.what.clone(),
            })
            .collect(),
    });
    let graph = Graph::new(stack.roots.iter().map(|root| root.name.clone()), edges.collect())?;
    Ok(Loaded { stack, graph })
}
