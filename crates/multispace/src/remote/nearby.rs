//! A server on this machine: its data folder, and how to reach it, which it writes there.

use std::fs;
use std::path::{Path, PathBuf};

use domain::Problem;
use serde::{Deserialize, Serialize};

/// In the data folder: how to reach the server, written by `serve`, read by whoever wants to reach it.
pub(crate) const CONNECTION: &str = "connection.json";

/// In the data folder: terraform's CLI configuration for this server.
pub(crate) const CLI_CONFIGURATION: &str = "cli.tfrc";

/// How to reach a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Connection {
    /// `http://localhost:8080`.
    pub(crate) address: String,
    /// An organization that is there from the start.
    pub(crate) organization: String,
}

impl Connection {
    /// Name and port, as terraform writes a host.
    pub(crate) fn host(&self) -> &str {
        self.address.split_once("://").map_or(self.address.as_str(), |(_, host)| host).trim_end_matches('/')
    }
}

/// `$XDG_DATA_HOME/multispace`, or `~/.local/share/multispace`.
///
/// # Errors
/// `serve/data-dir` when there is no home folder.
pub(crate) fn data_dir(wanted: Option<&Path>) -> Result<PathBuf, Problem> {
    if let Some(dir) = wanted {
        return Ok(std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()));
    }
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    match (named("XDG_DATA_HOME"), named("HOME")) {
        (Some(data), _) => Ok(data.join("multispace")),
        (None, Some(home)) => Ok(home.join(".local/share/multispace")),
        (None, None) => Err(Problem::invalid("serve/data-dir", "There is no home folder to keep data in.")
            .advice("Name a folder with --data-dir.")),
    }
}

/// How to reach the server of a data folder, and its owner's token.
///
/// # Errors
/// `serve/not-started`.
pub(crate) fn read(data: &Path) -> Result<(Connection, String), Problem> {
    let read = || {
        let connection = serde_json::from_str(&fs::read_to_string(data.join(CONNECTION)).ok()?).ok()?;
        let token = fs::read_to_string(data.join("owner-token")).ok()?;
        Some((connection, token.trim().to_owned()))
    };
    read().ok_or_else(|| {
        Problem::not_found("serve/not-started", format!("No server has ever been started on {}.", data.display()))
            .advice("Start one with `multispace serve`, with the same --data-dir.")
    })
}
