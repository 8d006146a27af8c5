//! Finds the terraform or tofu executable and asks which it is. Absent: downloading one.

mod kept;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{LazyLock, Mutex, PoisonError};

use domain::Problem;
use tokio::process::Command;

use self::kept::Identity;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// HashiCorp Terraform.
    Terraform,
    /// OpenTofu.
    OpenTofu,
}

impl Product {
    /// The name as the product itself writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Terraform => "Terraform",
            Self::OpenTofu => "OpenTofu",
        }
    }
}

/// What an executable says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Terraform or OpenTofu.
    pub product: Product,
    /// `1.11.4`, without a `v`.
    pub version: String,
    /// `linux_amd64`.
    pub platform: String,
}

/// Beginnings of the versions of Terraform of which it was tried how they work inside.
const TRIED: [&str; 1] = ["1.11."];

impl Version {
    /// Whether what is only terraform's own affair may be relied on.
    pub(crate) fn is_tried(&self) -> bool {
        self.product == Product::Terraform && TRIED.iter().any(|tried| self.version.starts_with(tried))
    }

    /// The three lines that every plan and apply log begins with; clients drop them by count.
    pub(crate) fn preamble(&self) -> String {
        format!(
            "{} v{}\non {}\nInitializing plugins and modules...\n",
            self.product.as_str(),
            self.version,
            self.platform
        )
    }
}

/// Asks the executable `binary` (a path, or a name that is looked up on PATH) what it is. The answer is remembered for
/// as long as the file does not change, because the question costs as much as a small plan; with a file `kept` also from one
/// process to the next, if the executable is terraform or tofu itself and not one that starts another.
///
/// # Errors
/// `terraform/not-found` when there is no such executable, `terraform/unusable` when it does not answer as terraform does.
pub async fn terraform_version(binary: &Path, kept: Option<&Path>) -> Result<Version, Problem> {
    let binary = locate(binary)?;
    let Some(kept) = kept else { return version_of(&binary).await };
    let identity = Identity::of(&binary).map_err(|problem| unusable(&binary).because(problem))?;
    if let Some(version) = kept::read(kept, &binary, identity) {
        remember(&binary, identity, &version);
        return Ok(version);
    }
    let version = version_of(&binary).await?;
    let (kept, said) = (kept.to_owned(), version.clone());
    // Nobody waits for it.
    tokio::task::spawn_blocking(move || {
        if let Err(problem) = kept::write(&kept, &binary, identity, &said) {
            tracing::debug!(%problem, "{} cannot be written", kept.display());
        }
    });
    Ok(version)
}

/// The absolute path of the executable `binary` (a path, or a name that is looked up on PATH).
///
/// # Errors
/// `terraform/not-found` when there is no such executable.
pub fn locate(binary: &Path) -> Result<PathBuf, Problem> {
    find(binary, &std::env::var_os("PATH").unwrap_or_default())
}

/// Looks up an executable as a shell does.
pub(crate) fn find(binary: &Path, path: &OsStr) -> Result<PathBuf, Problem> {
    let candidates: Vec<PathBuf> = if binary.components().count() > 1 || binary.is_absolute() {
        vec![std::path::absolute(binary).unwrap_or_else(|_| binary.to_owned())]
    } else {
        std::env::split_paths(path).filter(|folder| folder.is_absolute()).map(|folder| folder.join(binary)).collect()
    };
    candidates.into_iter().find(|file| is_executable(file)).ok_or_else(|| {
        Problem::invalid("terraform/not-found", format!("There is no executable \"{}\".", binary.display()))
            .advice("Install it, or name one with --terraform.")
    })
}

fn is_executable(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

static KNOWN: LazyLock<Mutex<HashMap<(PathBuf, Identity), Version>>> = LazyLock::new(Mutex::default);

pub(crate) async fn version_of(binary: &Path) -> Result<Version, Problem> {
    let identity = Identity::of(binary).map_err(|problem| unusable(binary).because(problem))?;
    let key = (binary.to_owned(), identity);
    if let Some(known) = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(known.clone());
    }
    let answer = Command::new(binary)
        .arg("version")
        .env_clear()
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .current_dir("/")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|problem| unusable(binary).because(problem))?;
    let text = String::from_utf8_lossy(&answer.stdout);
    let version = parse(&text).ok_or_else(|| {
        let shown: String = text.chars().take(200).collect();
        unusable(binary).because(format!("exit {:?}, output {shown:?}", answer.status.code()))
    })?;
    remember(binary, identity, &version);
    Ok(version)
}

fn remember(binary: &Path, identity: Identity, version: &Version) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= 64 {
        known.clear();
    }
    known.insert((binary.to_owned(), identity), version.clone());
}

fn unusable(binary: &Path) -> Problem {
    Problem::invalid(
        "terraform/unusable",
        format!("\"{}\" does not answer as terraform or tofu does.", binary.display()),
    )
    .advice("Run it with `version` to see why, or name another with --terraform.")
}

/// Reads `version` as text, because `version -json` does not tell the two products apart; JSON is understood as well.
fn parse(text: &str) -> Option<Version> {
    if text.trim_start().starts_with('{') {
        #[derive(serde::Deserialize)]
        struct Json {
            terraform_version: String,
            platform: String,
        }
        let json: Json = serde_json::from_str(text).ok()?;
        return Some(Version { product: Product::Terraform, version: json.terraform_version, platform: json.platform });
    }
    let mut product = None;
    for line in text.lines() {
        if let Some(version) = line.strip_prefix("Terraform v") {
            product = Some((Product::Terraform, version.trim()));
        } else if let Some(version) = line.strip_prefix("OpenTofu v") {
            product = Some((Product::OpenTofu, version.trim()));
        } else if let (Some((product, version)), Some(platform)) = (product, line.strip_prefix("on ")) {
            return Some(Version { product, version: version.to_owned(), platform: platform.trim().to_owned() });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_products_are_told_apart() {
        let terraform = parse("Terraform v1.11.4\non linux_amd64\n+ provider registry.terraform.io/x/y v1\n").unwrap();
        assert_eq!((terraform.product, terraform.version.as_str()), (Product::Terraform, "1.11.4"));
        let tofu = parse("OpenTofu v1.9.0\non linux_arm64\n").unwrap();
        assert_eq!((tofu.product, tofu.platform.as_str()), (Product::OpenTofu, "linux_arm64"));
        assert_eq!(tofu.preamble(), "OpenTofu v1.9.0\non linux_arm64\nInitializing plugins and modules...\n");
    }

    #[test]
    fn anything_else_is_no_version() {
        assert_eq!(parse("hello\non linux\n"), None);
        assert_eq!(parse(""), None);
        assert_eq!(parse("{}"), None);
    }
}
