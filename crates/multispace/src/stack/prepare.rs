//! Brings the host's workspaces to what the code says, before anything runs.

use std::collections::{BTreeMap, BTreeSet};

use configuration::preview::ReadBlock;
use domain::Problem;

use super::host::{Host, Reader, Wanted, WorkspaceView};
use super::variables::{self, Given};
use super::{Loaded, adopt};
use crate::console::Console;

/// A workspace that is ready to run.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    /// As the host has it.
    pub(crate) view: WorkspaceView,
    /// Whether multispace keeps its state.
    pub(crate) held: bool,
    /// The blocks of its code that read workspaces whose state multispace keeps.
    pub(crate) readers: Vec<Reader>,
    /// The blocks that read other workspaces of the walk, whose state multispace does not keep.
    pub(crate) others: Vec<Reader>,
    /// The workspaces whose outputs it reads and multispace holds.
    pub(crate) reads: Vec<String>,
    /// Their ids, by name.
    pub(crate) ids: BTreeMap<String, String>,
    /// Those of them that have nothing to be read: they were never applied, or are destroyed.
    pub(crate) unapplied: Vec<String>,
}

/// Prepares `selected`, and what it reads.
///
/// # Errors
/// Those of workspaces, variables and states that are taken over.
pub(crate) async fn prepare(
    host: &Host<'_>,
    console: &Console,
    loaded: &Loaded,
    selected: &BTreeSet<String>,
    given: &[Given],
) -> Result<BTreeMap<String, Ready>, Problem> {
    let reads = |name: &String| -> Vec<String> {
        let mut names: Vec<&str> = loaded.read_by(name);
        // Of a server, code may also read outputs with tfe_outputs.
        if matches!(host, Host::Remote(_)) {
            names.extend(loaded.read_of_a_server(name));
            names.sort_unstable();
            names.dedup();
        }
        names.into_iter().map(str::to_owned).collect()
    };
    let all: BTreeSet<String> = selected.iter().cloned().chain(selected.iter().flat_map(reads)).collect();
    let roots = loaded.stack.roots.iter().filter(|root| all.contains(&root.name));
    let wanted = roots.map(|root| {
        let own = loaded.stack.workspace_settings(&root.name).terraform_version;
        Wanted {
            name: root.name.clone(),
            working_directory: loaded.stack.working_directory(root),
            own_backend: !loaded.is_held(&root.name),
            terraform_version: own.or_else(|| loaded.stack.settings.terraform_version.clone()),
            variables: variables::of(&loaded.stack, root, given),
        }
    });
    let (mut views, mut has_adopted) = (BTreeMap::new(), false);
    for view in host.prepare(wanted.collect(), |name, state| adopt::refuse(loaded, name, state)).await? {
        if let Host::Local(local) = host {
            has_adopted |= adopt::adopt(local, console, loaded, &view).await?;
        }
        views.insert(view.name.clone(), view);
    }
    // A state that was taken over changes what the host knows of the workspace.
    let known = if has_adopted { host.workspaces().await? } else { Vec::new() };
    for view in known {
        if let Some(known) = views.get_mut(&view.name) {
            *known = view;
        }
    }
    let mut lacking = BTreeSet::new();
    for (name, view) in &views {
        let is_empty = view.state.is_none()
            || !selected.contains(name) && view.resource_count == 0 && host.outputs(&view.id).await?.is_empty();
        if is_empty {
            lacking.insert(name.clone());
        }
    }
    let ready = |name: &String| {
        let view = views.get(name)?.clone();
        let held = loaded.is_held(name);
        let readers_of = |is_held| readers(loaded, name, &views, is_held);
        let reads = reads(name);
        let lacks = |name: &&String| lacking.contains(*name) || !views.contains_key(*name);
        let ids = reads.iter().filter_map(|name| Some((name.clone(), views.get(name)?.id.clone()))).collect();
        let unapplied = reads.iter().filter(lacks).cloned().collect();
        Some((
            name.clone(),
            Ready { view, held, readers: readers_of(true), others: readers_of(false), reads, ids, unapplied },
        ))
    };
    Ok(selected.iter().filter_map(ready).collect())
}

/// One for each block that reads a workspace whose state multispace holds, or does not. A block that reads several workspaces is answered with the first; the stack's notices say so.
fn readers(loaded: &Loaded, downstream: &str, views: &BTreeMap<String, WorkspaceView>, is_held: bool) -> Vec<Reader> {
    let mut seen = BTreeSet::new();
    let mut readers = Vec::new();
    let of = |it: &&configuration::Reader| it.downstream == downstream && loaded.is_held(&it.upstream) == is_held;
    for reader in loaded.stack.readers.iter().filter(of) {
        if let Some(upstream) = views.get(&reader.upstream)
            && seen.insert((&reader.module, reader.block, &reader.block_name, &reader.instance))
        {
            readers.push(Reader {
                module: reader.module.clone(),
                tfe_outputs: reader.block == ReadBlock::TfeOutputs,
                name: reader.block_name.clone(),
                instance: reader.instance.clone(),
                workspace: upstream.id.clone(),
            });
        }
    }
    readers
}

/// Workspaces with something in their state whose code is gone, with the number of their resources. A server has other
/// workspaces than the stack's, so nothing is said of those.
pub(crate) async fn orphans(host: &Host<'_>, loaded: &Loaded) -> Result<Vec<(String, u32)>, Problem> {
    if matches!(host, Host::Remote(_)) {
        return Ok(Vec::new());
    }
    let all = host.workspaces().await?.into_iter();
    let gone = all.filter(|view| view.resource_count > 0 && loaded.root(&view.name).is_none());
    Ok(gone.map(|view| (view.name, view.resource_count)).collect())
}
