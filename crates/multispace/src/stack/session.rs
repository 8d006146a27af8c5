//! Opens the engine of a stack in its folder.

use std::fs;
use std::path::{Path, PathBuf};

use domain::Problem;
use server::{Engine, Options};

use super::environment;

/// Folder of everything that multispace keeps for a stack, inside it.
pub(crate) const DATA: &str = ".multispace";

/// How many runs are under way at once when nobody says anything else.
pub(crate) const CONCURRENCY: u32 = 4;

/// The executable to run: the flag's or the environment's, else that of `multispace.hcl` (a path is relative to the stack),
/// else `terraform` from PATH.
pub(crate) fn terraform(flag: Option<&Path>, stack: Option<&configuration::Stack>) -> PathBuf {
    if let Some(flag) = flag {
        return flag.to_owned();
    }
    match stack.and_then(|stack| Some((stack, stack.settings.terraform.as_deref()?))) {
        Some((stack, named)) if named.contains('/') => stack.dir.join(named),
        Some((_, named)) => named.into(),
        None => "terraform".into(),
    }
}

/// Makes sure that the executable is there, before anything is made for it. What it is, the engine asks.
///
/// # Errors
/// `terraform/not-found`.
pub(crate) fn find_terraform(binary: &Path) -> Result<(), Problem> {
    match executor::locate(binary) {
        Ok(_) => Ok(()),
        Err(problem) if problem.code == "terraform/not-found" && binary.components().count() == 1 => {
            let name = binary.display();
            Err(Problem::invalid(problem.code, format!("There is no \"{name}\" on PATH."))
                .advice("Install Terraform or OpenTofu, or name the executable with --terraform."))
        }
        Err(problem) => Err(problem),
    }
}

/// Opens the engine in the stack's folder, which is made if need be and hides itself from git. `versions` is the folder
/// with one executable per version.
///
/// # Errors
/// `stack/data` when the folder cannot be made, `stack/cli-configuration`, and those of the engine.
pub(crate) async fn open(dir: &Path, terraform: PathBuf, versions: Option<PathBuf>) -> Result<Engine, Problem> {
    with(dir, terraform, versions, false).await
}

/// Opens the engine only to look at what is there: a terraform that an earlier process left at work is not disturbed.
///
/// # Errors
/// As [`open`].
pub(crate) async fn look(dir: &Path, terraform: PathBuf, versions: Option<PathBuf>) -> Result<Engine, Problem> {
    with(dir, terraform, versions, true).await
}

async fn with(dir: &Path, terraform: PathBuf, versions: Option<PathBuf>, only_look: bool) -> Result<Engine, Problem> {
    find_terraform(&terraform)?;
    let data = dir.join(DATA);
    make_data(&data)?;
    let options = Options {
        terraform,
        terraform_versions: versions,
        cache: cache(),
        environment: environment::for_terraform(std::env::vars_os()),
        cli_config: cli_configuration()?,
        // Without it a large state takes longer, and nothing else is lost.
        keeper: std::env::current_exe().ok(),
        resume: false,
        only_look,
        ..Options::new(data)
    };
    Engine::open(options).await
}

/// Makes the folder of what is kept for a stack, which hides itself from git.
///
/// # Errors
/// `stack/data`.
pub(crate) fn make_data(data: &Path) -> Result<(), Problem> {
    use std::os::unix::fs::DirBuilderExt;
    let failed = |error: std::io::Error| {
        Problem::invalid("stack/data", format!("{} cannot be made: {error}.", data.display()))
            .advice("multispace keeps state, runs and logs in the stack's folder: it must be writable.")
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(failed)?;
    let rules = data.join(".gitignore");
    if !rules.exists() {
        fs::write(&rules, "*\n").map_err(failed)?;
    }
    Ok(())
}

/// `$XDG_CACHE_HOME/multispace`, or `~/.cache/multispace`; `None` without a home folder.
fn cache() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))?;
    Some(folder.join("multispace"))
}

fn cli_configuration() -> Result<String, Problem> {
    let Some(file) = environment::cli_configuration(|name| std::env::var_os(name)) else { return Ok(String::new()) };
    match fs::read_to_string(&file) {
        // Terraform itself goes on without a file that is not there.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|error| {
            Problem::invalid("stack/cli-configuration", format!("{} cannot be read: {error}.", file.display()))
                .advice("Make TF_CLI_CONFIG_FILE name terraform's CLI configuration, or unset it.")
        }),
    }
}
