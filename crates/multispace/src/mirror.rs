//! Our Terraform provider in a filesystem mirror, under the addresses by which configurations ask for it.
//!
//! Source of the layout: Terraform's documentation of provider installation
//! (`HOST/NAMESPACE/TYPE/VERSION/OS_ARCH/terraform-provider-TYPE_vVERSION`). Absent: archives, signatures and networks.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use domain::Problem;

use crate::new_file::NewFile;

/// What the executable is called, where cargo or a release put it: beside this one.
const EXECUTABLE: &str = "terraform-provider-multispace";
/// The registries that an address without a host means, for Terraform and for OpenTofu.
const REGISTRIES: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];
/// The version of the original whose resources ours has, for when it stands in for it.
const ORIGINAL: &str = "0.80.0";

/// An address without its host, by which configurations ask for a provider, and the version that it is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    namespace: String,
    kind: String,
    version: String,
}

impl Source {
    /// The addresses that are ours: for the `tfe_` resources, and for `multispace_run`.
    pub(crate) fn ours() -> Vec<Self> {
        ["tfe", "multispace"]
            .map(|kind| Self {
                namespace: "multispace".into(),
                kind: kind.into(),
                version: env!("CARGO_PKG_VERSION").into(),
            })
            .into()
    }

    /// `NAMESPACE/TYPE`, as `required_providers` has it.
    pub(crate) fn address(&self) -> String {
        format!("{}/{}", self.namespace, self.kind)
    }

    /// What stands before the underscore in the names of its resources.
    pub(crate) fn kind(&self) -> &str {
        &self.kind
    }

    /// `1.2.3`.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }
}

impl FromStr for Source {
    type Err = String;

    /// Reads `NAMESPACE/TYPE` or `NAMESPACE/TYPE@VERSION`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (address, version) = text.split_once('@').unwrap_or((text, ORIGINAL));
        let is_name = |part: &str| !part.is_empty() && part.chars().all(|it| it.is_ascii_alphanumeric() || it == '-');
        let is_version = version.split('.').count() == 3 && version.split('.').all(|part| part.parse::<u32>().is_ok());
        match address.split_once('/') {
            Some((namespace, kind)) if is_name(namespace) && is_name(kind) && is_version => {
                Ok(Self { namespace: namespace.into(), kind: kind.into(), version: version.into() })
            }
            _ => Err("write NAMESPACE/TYPE or NAMESPACE/TYPE@VERSION, such as hashicorp/tfe@0.80.0".into()),
        }
    }
}

/// The provider's executable: the one that `MULTISPACE_PROVIDER` names, else the one beside this executable.
///
/// # Errors
/// `provider/executable` when it is not there.
pub(crate) fn executable(wanted: Option<&Path>) -> Result<PathBuf, Problem> {
    let beside = || Some(std::env::current_exe().ok()?.with_file_name(EXECUTABLE));
    let path = wanted.map(Path::to_owned).or_else(beside).unwrap_or_else(|| EXECUTABLE.into());
    if path.is_file() {
        return Ok(path);
    }
    Err(Problem::not_found("provider/executable", format!("There is no Terraform provider at {}.", path.display()))
        .advice("Build it with `cargo build --release -p provider`, and name the file with --executable."))
}

/// Puts the executable into the mirror under each of these addresses, and returns them with their hosts, as a CLI
/// configuration names them. A file that is there already is written again only if it differs.
///
/// # Errors
/// `provider/mirror` when the folder cannot be written to.
pub(crate) fn install(executable: &Path, mirror: &Path, sources: &[Source]) -> Result<Vec<String>, Problem> {
    let failed = |path: &Path, error: std::io::Error| {
        Problem::invalid("provider/mirror", format!("{} cannot be written: {error}.", path.display()))
            .advice("Name a folder that may be written to.")
    };
    let content = fs::read(executable).map_err(|error| failed(executable, error))?;
    let mut addresses = Vec::new();
    let mut first: Option<PathBuf> = None;
    for host in REGISTRIES {
        for Source { namespace, kind, version } in sources {
            let address = format!("{host}/{namespace}/{kind}");
            let folder = mirror.join(&address).join(version).join(platform());
            let file = folder.join(format!("terraform-provider-{kind}_v{version}"));
            addresses.push(address);
            if fs::read(&file).is_ok_and(|there| there == content) {
                first.get_or_insert(file);
                continue;
            }
            fs::create_dir_all(&folder).map_err(|error| failed(&folder, error))?;
            // One file under many names, where that can be.
            if let Some(first) = &first
                && NewFile::link(first, &file).is_ok()
            {
                continue;
            }
            let begun = NewFile::begin(&file, 0o755).map_err(|error| failed(&file, error))?;
            begun.finish(&content).map_err(|error| failed(&file, error))?;
            first.get_or_insert(file);
        }
    }
    Ok(addresses)
}

/// The folder that Terraform looks through by itself.
///
/// # Errors
/// `provider/mirror` when there is no home folder.
pub(crate) fn implied() -> Result<PathBuf, Problem> {
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    home.map(|home| home.join(".terraform.d/plugins")).ok_or_else(|| {
        Problem::invalid("provider/mirror", "There is no home folder to install into.")
            .advice("Name a folder with --mirror.")
    })
}

/// The name of this machine's system and processor, as Terraform writes them.
fn platform() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}_{processor}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_an_address_with_or_without_a_version() {
        let source: Source = "hashicorp/tfe@0.62.1".parse().unwrap();
        assert_eq!((source.address().as_str(), source.kind(), source.version()), ("hashicorp/tfe", "tfe", "0.62.1"));
        assert_eq!("hashicorp/tfe".parse::<Source>().unwrap().version(), ORIGINAL);
        for wrong in ["tfe", "a/b/c", "hashicorp/tfe@", "hashicorp/tfe@1.2", "../tfe", "a/..", "a/b@1.2.x"] {
            assert!(wrong.parse::<Source>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_executable_stands_where_terraform_looks_and_is_replaced_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let executable = folder.path().join("provider");
        let mirror = folder.path().join("mirror");
        for content in ["one", "two"] {
            fs::write(&executable, content).unwrap();
            let addresses = install(&executable, &mirror, &Source::ours()).unwrap();
            assert!(addresses.contains(&"registry.terraform.io/multispace/tfe".to_owned()));
            for address in addresses {
                let version = env!("CARGO_PKG_VERSION");
                let kind = address.rsplit('/').next().unwrap();
                let file = format!("{version}/{}/terraform-provider-{kind}_v{version}", platform());
                assert_eq!(fs::read_to_string(mirror.join(&address).join(file)).unwrap(), content);
            }
        }
    }

    #[test]
    fn a_missing_executable_is_named() {
        let problem = executable(Some(Path::new("/nowhere/provider"))).unwrap_err();
        assert_eq!(problem.message, "There is no Terraform provider at /nowhere/provider.");
    }
}
