//! `init`: run where what it would make is not kept ([`crate::initialised`]), and what belongs to it: the providers' checksums.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use domain::Problem;
use tokio::task::JoinHandle;

use crate::folder::{Folder, append_private, open_private};
use crate::initialised::Initialised;
use crate::plan::{unsuccessful, unwritable};
use crate::prepare::Prepared;
use crate::process::{Output as Streams, ours};
use crate::work::{Failure, Upstream};

/// Runs `init`, unless what it would make is kept; says why not when it did not succeed. What it prints reaches the log only then: of an
/// `init` that went well nobody wants to read in every run.
pub(crate) async fn run(prepared: &Prepared, upstream: &Arc<dyn Upstream>) -> Result<Option<Failure>, Problem> {
    if is_kept(prepared).await? {
        return Ok(None);
    }
    let log = prepared.launcher.folder.init_log();
    open_private(&log).map_err(unwritable)?;
    let output = Streams::together(append_private(&log).map_err(unwritable)?).map_err(unwritable)?;
    let mut arguments: Vec<OsString> = vec!["init".into(), "-input=false".into()];
    if prepared.state.is_some() {
        // The state lies ready where both the backend that a bare root has and the one of the override look for it:
        // terraform would ask whether to move it from the one to the other.
        arguments.push("-force-copy".into());
    }
    let reading = read_ahead(prepared);
    let ended = prepared.launcher.run("init", &arguments, output).await;
    let failure = unsuccessful(&ended?, "init");
    if failure.is_some() {
        let said = String::from_utf8_lossy(&fs::read(&log).map_err(unwritable)?).into_owned();
        upstream.log(Bytes::from(prepared.secrets.text(&said))).await;
    } else {
        // Where it takes longer, what is left of it would have to be done now.
        reading.await.map_err(|problem| ours("The providers of a run cannot be read.", problem))?;
        if with_kept(prepared, Initialised::keep).await? == Some(true) {
            upstream.initialised().await;
        }
        take_checksums(prepared).await?;
    }
    Ok(failure)
}

/// Begins to read the providers that `init` will probably take.
fn read_ahead(prepared: &Prepared) -> JoinHandle<()> {
    let launcher = &prepared.launcher;
    let (checks, folder, root) = (launcher.checks.clone(), launcher.folder.clone(), launcher.root.clone());
    let environment = launcher.environment.clone();
    tokio::task::spawn_blocking(move || {
        let mirrors = mirrors(&folder, &environment);
        if let Err(problem) = checks.read_ahead(&folder, &root, &mirrors) {
            tracing::debug!(%problem, "the providers of a run are compared when init has run");
        }
    })
}

/// Folders of this machine in which `init` looks for providers: those that the configuration of the command line names, and its own.
///
/// Source: <https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories>
fn mirrors(folder: &Folder, environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let configuration = fs::read_to_string(folder.cli_config()).unwrap_or_default();
    let mut mirrors = configuration::folders_of_providers(&configuration);
    mirrors.extend(environment.get("TF_PLUGIN_CACHE_DIR").map(PathBuf::from));
    mirrors.extend(environment.get("HOME").map(|home| Path::new(home).join(".terraform.d/plugins")));
    mirrors.extend(["/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins"].map(PathBuf::from));
    mirrors
}

/// Compares the providers in terraform's place, where that may be done.
async fn take_checksums(prepared: &Prepared) -> Result<(), Problem> {
    let launcher = &prepared.launcher;
    let (checks, folder, root) = (launcher.checks.clone(), launcher.folder.clone(), launcher.root.clone());
    let taking = tokio::task::spawn_blocking(move || checks.take(&folder, &root));
    taking.await.map_err(|problem| ours("The providers of a run cannot be compared.", problem))
}

/// Whether what `init` would make was kept, and is in the folder now, or is nothing.
pub(crate) async fn is_kept(prepared: &Prepared) -> Result<bool, Problem> {
    if prepared.launcher.bare {
        return Ok(true);
    }
    let is_kept = with_kept(prepared, Initialised::restore).await? == Some(true);
    if is_kept {
        take_checksums(prepared).await?;
    }
    Ok(is_kept)
}

/// Does something with what is kept of `init`, if anything is.
pub(crate) async fn with_kept<T: Send + 'static>(
    prepared: &Prepared,
    does: impl FnOnce(&Initialised) -> T + Send + 'static,
) -> Result<Option<T>, Problem> {
    let Some(initialised) = prepared.initialised.clone() else { return Ok(None) };
    let doing = tokio::task::spawn_blocking(move || does(&initialised));
    doing.await.map(Some).map_err(|problem| ours("What init made cannot be looked after.", problem))
}
