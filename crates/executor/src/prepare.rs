//! Makes a run's folder ready for terraform: code, overrides, state, variables, credentials.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use configuration::preview::Rewritten;
use domain::Problem;
use domain::id::Id;

use crate::checks::Checks;
use crate::environment::{environment, of_the_run};
use crate::folder::{Folder, PhaseRecord, make_private, phase_name, remove, write_private};
use crate::foreign;
use crate::initialised::{Initialised, LOCK, MADE};
use crate::keeper::choose;
use crate::overrides;
use crate::process::{Launcher, ours};
use crate::recover::kill_leftover;
use crate::redact::Secrets;
use crate::state;
use crate::stop::Stop;
use crate::variables;
use crate::version::{self, Version};
use crate::work::{Backend, Output, Phase, Source, Variable, VariableCategory, Work};

/// Everything that the processes of a phase need.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) launcher: Launcher,
    pub(crate) version: Version,
    /// What is kept out of all that is said of the run.
    pub(crate) secrets: Secrets,
    /// Where terraform keeps the state; `None` when the backend is the root's own.
    pub(crate) state: Option<PathBuf>,
    /// What of the code was rewritten.
    pub(crate) rewritten: Rewritten,
    /// What the code asks of `init`; `None` when nothing of it is kept.
    pub(crate) initialised: Option<Initialised>,
}

/// Builds the folder from nothing; whatever was there is gone, and so is a terraform that still worked in it.
pub(crate) async fn build(work: &Work, phase: Phase, stop: Stop) -> Result<Prepared, Problem> {
    let folder = Folder::new(&work.folder);
    refuse_second_apply(&folder)?;
    let mut prepared = prepare(work, &folder, phase, stop).await?;
    kill_leftover(&work.folder).await?;
    let task = work.clone();
    let mut filled = prepared.clone();
    let filling = tokio::task::spawn_blocking(move || {
        fill(&task, &folder, &mut filled)?;
        filled.initialised = match filled.launcher.bare {
            true => None,
            false => Initialised::of(&task, &filled.launcher.root, &filled.version),
        };
        Ok::<_, Problem>(filled)
    });
    prepared = filling.await.map_err(|problem| ours("The run's folder could not be made.", problem))??;
    // What init would choose by itself is between it and terraform.
    if !prepared.launcher.root.join(LOCK).is_file() {
        prepared.launcher.checks.leave();
    }
    Ok(prepared)
}

/// Takes the folder as the plan phase left it.
pub(crate) async fn reuse(work: &Work, phase: Phase, stop: Stop) -> Result<Prepared, Problem> {
    let folder = Folder::new(&work.folder);
    let mut prepared = prepare(work, &folder, phase, stop).await?;
    choose::as_planned(work, &mut prepared);
    written(configure(work, &folder))?;
    written(prepared.secrets.keep(&folder))?;
    Ok(prepared)
}

async fn prepare(work: &Work, folder: &Folder, phase: Phase, stop: Stop) -> Result<Prepared, Problem> {
    let environment = environment(work, folder)?;
    let (binary, version) = terraform(work, &environment).await?;
    let inside = Path::new("source").join(working_directory(&work.working_directory)?);
    let root = folder.path().join(&inside);
    let state_inside = match work.backend {
        Backend::Held => Some(inside.join(state_name(&work.names.workspace)?)),
        Backend::Own => None,
    };
    let record = PhaseRecord {
        phase: phase_name(phase).to_owned(),
        run: work.run.as_str().to_owned(),
        step: "preparing".to_owned(),
        human: work.output == Output::Human,
        preamble: version.preamble(),
        state: state_inside.clone(),
        root: inside,
        pid: None,
        at_once: false,
        contained: work.sandbox.is_some(),
        started: None,
    };
    let launcher = Launcher {
        folder: folder.clone(),
        binary,
        environment,
        root,
        grace: work.grace,
        stop,
        record,
        sandbox: work.sandbox.clone(),
        keeper: None,
        checks: Checks::of(work, &version),
        memory: work.memory.clone(),
        bare: false,
    };
    let state = state_inside.map(|inside| folder.path().join(inside));
    Ok(Prepared {
        launcher,
        version,
        secrets: Secrets::of(work),
        state,
        rewritten: Rewritten::default(),
        initialised: None,
    })
}

/// The executable that runs it in this environment, and what that says of itself.
pub(crate) async fn terraform(
    work: &Work,
    environment: &BTreeMap<String, String>,
) -> Result<(PathBuf, Version), Problem> {
    let path = environment.get("PATH").map(OsString::from).or_else(|| std::env::var_os("PATH")).unwrap_or_default();
    let binary = version::find(&work.terraform, &path)?;
    let version = version::version_of(&binary).await?;
    Ok((binary, version))
}

pub(crate) fn working_directory(text: &str) -> Result<PathBuf, Problem> {
    let mut inside = PathBuf::new();
    for component in Path::new(text).components() {
        match component {
            Component::Normal(name) => inside.push(name),
            Component::CurDir => {}
            Component::RootDir if inside.as_os_str().is_empty() => {}
            _ => {
                return Err(Problem::invalid(
                    "configuration/working-directory",
                    format!("The working directory \"{text}\" leads out of the configuration."),
                )
                .advice("Name a folder inside it."));
            }
        }
    }
    Ok(inside)
}

/// Where the local backend keeps the state of a workspace, seen from the root module.
fn state_name(workspace: &str) -> Result<PathBuf, Problem> {
    if workspace == "default" {
        return Ok(PathBuf::from("terraform.tfstate"));
    }
    let mut components = Path::new(workspace).components();
    match (components.next(), components.next()) {
        (Some(Component::Normal(name)), None) => {
            Ok(Path::new("terraform.tfstate.d").join(name).join("terraform.tfstate"))
        }
        _ => Err(Problem::invalid(
            "workspace/name",
            format!("\"{}\" cannot be the name of a workspace.", workspace.escape_debug()),
        )
        .advice("Use letters, digits, dashes and underscores.")),
    }
}

fn fill(work: &Work, folder: &Folder, prepared: &mut Prepared) -> Result<(), Problem> {
    let root = &prepared.launcher.root;
    written(make_private(folder.path()))?;
    for old in [
        folder.source(),
        folder.upstreams(),
        folder.logs(),
        folder.kept(),
        folder.ring(),
        folder.scratch(),
        folder.made(),
        folder.plan_json(),
        folder.schemas(),
        folder.variables(),
        folder.gate(),
        folder.phase(),
        folder.taken(),
    ] {
        written(remove(&old))?;
    }
    for new in [folder.source(), folder.logs()].into_iter().chain(wanted(work, prepared)) {
        written(make_private(&new))?;
    }
    let Source::Archive(archive) = &work.source;
    configuration::unpack(archive, &folder.source(), &configuration::Limits::default())?;
    if !root.is_dir() {
        return Err(no_folder(&work.working_directory));
    }
    written(forget_backend(work.backend, root))?;
    let bare = is_bare(work, folder, root);
    prepared.rewritten = overrides::write(work, folder, root, bare)?;
    if let (Some(file), Some(prior)) = (&prepared.state, &work.state) {
        if let Some(parent) = file.parent() {
            written(make_private(parent))?;
        }
        let without = if prepared.rewritten.dropped_tfe { overrides::without_tfe_outputs(prior) } else { None };
        written(write_private(file, without.as_ref().unwrap_or(prior)))?;
    }
    written(write_private(&folder.variables(), variables_of(work, root)?.as_bytes()))?;
    written(configure(work, folder))?;
    written(prepared.secrets.keep(folder))?;
    prepared.launcher.bare = bare;
    Ok(())
}

/// The folders that something will be in. A sandbox wants all of them.
fn wanted(work: &Work, prepared: &Prepared) -> Vec<PathBuf> {
    let folder = &prepared.launcher.folder;
    let names =
        |name: &str, path: &Path| prepared.launcher.environment.get(name).is_some_and(|value| Path::new(value) == path);
    let is_walled = work.sandbox.is_some();
    let all = [
        (folder.upstreams(), !work.upstream_outputs.is_empty()),
        (folder.made(), false),
        (folder.home(), names("HOME", &folder.home())),
        (folder.tmp(), names("TMPDIR", &folder.tmp())),
    ];
    all.into_iter().filter(|(_, is_wanted)| is_walled || *is_wanted).map(|(path, _)| path).collect()
}

/// Whether `init` would make nothing that terraform needs: the code asks for nothing, and no more does the state that it stands on. What
/// [may need an endpoint](choose) is initialised, because `init` notes where the state is.
fn is_bare(work: &Work, folder: &Folder, root: &Path) -> bool {
    work.backend == Backend::Held
        && !root.join(MADE).exists()
        && work.state.as_deref().is_none_or(state::is_of_terraform_itself)
        && configuration::asks_nothing_of_init(root)
        && !choose::is_large(work, folder, root)
}

/// Writes the configuration of terraform's command line, if there is any.
fn configure(work: &Work, folder: &Folder) -> io::Result<()> {
    match work.cli_config.as_str() {
        "" => remove(&folder.cli_config()),
        text => write_private(&folder.cli_config(), text.as_bytes()),
    }
}

/// Text of the file with the variables of the root module.
pub(crate) fn variables_of(work: &Work, root: &Path) -> Result<String, Problem> {
    let declared = written(variables::declared(root))?;
    let mut values: Vec<Variable> = of_the_run(work).map(|(key, value)| text_variable(key, value)).collect();
    values.extend(work.variables.iter().cloned());
    Ok(variables::render(&values, &declared))
}

fn text_variable(key: &str, value: String) -> Variable {
    Variable { key: key.to_owned(), value, category: VariableCategory::Terraform, hcl: false, sensitive: false }
}

/// Removes what an earlier `init` of somebody else left in the archive, and, when we hold the state, states in it.
fn forget_backend(backend: Backend, root: &Path) -> io::Result<()> {
    remove(&root.join(".terraform/terraform.tfstate"))?;
    remove(&root.join(".terraform/environment"))?;
    remove(&root.join("errored.tfstate"))?;
    if backend == Backend::Held {
        for name in
            ["terraform.tfstate", "terraform.tfstate.backup", "terraform.tfstate.d", ".terraform.tfstate.lock.info"]
        {
            remove(&root.join(name))?;
        }
    }
    Ok(())
}

pub(crate) fn no_folder(name: &str) -> Problem {
    Problem::invalid("configuration/working-directory", format!("The configuration has no folder \"{name}\"."))
        .advice("Correct the working directory of the workspace, or send the folder along.")
}

pub(crate) fn written<T>(result: io::Result<T>) -> Result<T, Problem> {
    result.map_err(|problem| ours("The run's folder cannot be written.", problem))
}

/// Whether the plan phase left all that the apply phase needs.
pub(crate) fn is_planned(work: &Work) -> bool {
    let folder = Folder::new(&work.folder);
    foreign::is_file(folder.path(), &folder.plan_file())
        && folder
            .recorded()
            .is_some_and(|record| record.run == work.run.as_str() && record.phase == "plan" && record.step == "ended")
        && fs::metadata(folder.source()).is_ok_and(|found| found.is_dir())
}

/// Whether `init` ran in this folder.
pub(crate) fn is_initialised(folder: &Folder) -> bool {
    folder.log(Phase::Plan).is_file()
}

/// A folder in which an apply was begun holds what it saved: it is recovered, and never planned or applied again.
pub(crate) fn refuse_second_apply(folder: &Folder) -> Result<(), Problem> {
    if folder.log(Phase::Apply).exists() {
        return Err(Problem::conflict("executor/begun", "The apply of this run was begun before.")
            .advice("Start another run; what this one saved is in its folder."));
    }
    Ok(())
}
