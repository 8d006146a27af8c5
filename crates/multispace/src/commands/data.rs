//! Which data folder a command is about.

use std::path::{Path, PathBuf};

use clap::Args;
use domain::Problem;
use server::Keys;
use server::upkeep::Folder;

use crate::remote::nearby::data_dir;
use crate::stack::session::DATA;

/// The data folder of a server, or of a stack.
#[derive(Args)]
pub(super) struct Data {
    /// Data folder of the server, or the `.multispace` of a stack [default: that of `multispace serve`]
    #[arg(long, value_name = "DIR", env = "MULTISPACE_DATA_DIR")]
    data_dir: Option<PathBuf>,

    /// PostgreSQL database that belongs to it (a URL)
    #[arg(long, value_name = "URL", env = "MULTISPACE_DATABASE", hide_env_values = true)]
    database: Option<String>,

    #[command(flatten)]
    keys: GivenKeys,
}

/// Where the keys are that everything is sealed with.
#[derive(Args)]
pub(super) struct GivenKeys {
    /// File with the keys [default: key in the data folder]; MULTISPACE_KEYS may have the keys themselves
    #[arg(long, value_name = "FILE", env = "MULTISPACE_KEY_FILE")]
    key_file: Option<PathBuf>,

    /// Command that wraps and unwraps the keys in the file (run as COMMAND wrap, COMMAND unwrap; one line in, one out)
    #[arg(long, value_name = "COMMAND", env = "MULTISPACE_KEY_COMMAND")]
    key_command: Option<PathBuf>,
}

impl GivenKeys {
    /// Those of this data folder.
    pub(super) fn of(&self, data: &Path) -> Keys {
        let beside = Keys::beside(data);
        Keys {
            file: self.key_file.clone().unwrap_or(beside.file),
            given: std::env::var("MULTISPACE_KEYS").ok().filter(|keys| !keys.is_empty()),
            command: self.key_command.clone(),
        }
    }
}

impl Data {
    /// The one that is named, else that of `multispace serve`.
    pub(super) fn folder(&self) -> Result<Folder, Problem> {
        let data = data_dir(self.data_dir.as_deref())?;
        Ok(Folder { keys: self.keys.of(&data), data, database: self.database.clone() })
    }

    /// That of a stack: of the one in `dir`, and where neither this nor data is named, of one in the current folder. Else as
    /// [`Self::folder`]. A stack has its database and its key in its folder, whatever is said of a server's.
    pub(super) fn folder_or_stack(&self, dir: Option<&Path>) -> Result<Folder, Problem> {
        let here = Path::new(".");
        let stack = match dir {
            Some(dir) => {
                super::require_data(dir)?;
                dir
            }
            None if self.data_dir.is_none() && self.database.is_none() && super::require_data(here).is_ok() => here,
            None => return self.folder(),
        };
        let data = data_dir(Some(&stack.join(DATA)))?;
        Ok(Folder { keys: Keys::beside(&data), data, database: None })
    }
}
