//! Which data folder a command is about.

use std::path::PathBuf;

use clap::Args;
use domain::Problem;
use server::upkeep::Folder;

use crate::remote::nearby::data_dir;

/// The data folder of a server, or of a stack.
#[derive(Args)]
pub(super) struct Data {
    /// Data folder of the server, or the `.multispace` of a stack [default: that of `multispace serve`]
    #[arg(long, value_name = "DIR", env = "MULTISPACE_DATA_DIR")]
    data_dir: Option<PathBuf>,

    /// PostgreSQL database that belongs to it (a URL)
    #[arg(long, value_name = "URL", env = "MULTISPACE_DATABASE", hide_env_values = true)]
    database: Option<String>,
}

impl Data {
    pub(super) fn folder(&self) -> Result<Folder, Problem> {
        Ok(Folder { data: data_dir(self.data_dir.as_deref())?, database: self.database.clone() })
    }
}
