//! Commands that talk to a server: which one, as whom, and what its runs look like as text.
//!
//! - [`connect`]: the server that the shell was set up for, or the one whose data folder is on this machine.
//! - [`nearby`]: a server on this machine.
//! - `text`: tables and pages of runs, for people.
//!
//! Absent: the requests themselves, which are the `client` crate's, and printing.

pub(crate) mod nearby;
pub(crate) mod text;

use std::path::PathBuf;

use clap::Args;
use client::settings::Given;
use client::{Client, Settings};
use domain::Problem;

/// Which server, and which organization on it.
#[derive(Args)]
pub(crate) struct Server {
    /// Organization [default: TFE_ORGANIZATION, or the server's first one]
    #[arg(long, value_name = "NAME")]
    organization: Option<String>,

    /// Host of the server [default: TFE_HOSTNAME, or the server of the data folder]
    #[arg(long, value_name = "HOST[:PORT]")]
    host: Option<String>,

    /// Data folder of a server on this machine, for a shell that `multispace env` has not set up
    #[arg(long, value_name = "DIR", env = "MULTISPACE_DATA_DIR")]
    data_dir: Option<PathBuf>,
}

/// A client and the organization that is meant.
pub(crate) struct Connected {
    pub(crate) client: Client,
    pub(crate) organization: String,
}

/// Names that lead to a server; without any of them the data folder does.
const NAMED: [&str; 3] = ["TFE_ADDRESS", "TFE_HOSTNAME", "TFE_TOKEN"];

/// Connects; nothing is sent yet.
///
/// # Errors
/// `remote/server`, `remote/organization`, `client/no-token`, `client/address`.
pub(crate) fn connect(server: &Server) -> Result<Connected, Problem> {
    let var = |name: &str| std::env::var(name).ok();
    let is_named = server.host.is_some() || NAMED.iter().any(|name| var(name).is_some());
    let nearby = match (&server.data_dir, is_named) {
        (Some(data), _) => Some(nearby::read(&nearby::data_dir(Some(data))?)?),
        (None, true) => None,
        (None, false) => Some(nearby::data_dir(None).and_then(|data| nearby::read(&data)).map_err(|_| unnamed())?),
    };
    let given = Given { hostname: server.host.clone(), organization: server.organization.clone(), ..Given::default() };
    let settings = match nearby {
        Some((connection, token)) => {
            let known = |name: &str| match name {
                "TFE_ADDRESS" => Some(connection.address.clone()),
                "TFE_TOKEN" => Some(token.clone()),
                "TFE_ORGANIZATION" => var(name).or_else(|| Some(connection.organization.clone())),
                _ => var(name),
            };
            Settings::resolve(given, &known)?
        }
        None => Settings::resolve(given, &var)?,
    };
    let organization = settings.organization.clone().ok_or_else(|| {
        Problem::invalid("remote/organization", "No organization is named.")
            .advice("Give --organization, or set TFE_ORGANIZATION.")
    })?;
    Ok(Connected { client: Client::new(settings)?, organization })
}

fn unnamed() -> Problem {
    Problem::invalid("remote/server", "No server is named, and none was ever started by you on this machine.")
        .advice("Run eval \"$(multispace env --data-dir DIR)\" where a server runs, or set TFE_HOSTNAME and TFE_TOKEN.")
}
