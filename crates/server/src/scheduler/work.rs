//! Gathers what one phase of one run needs: code, state, variables, names, environment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use domain::Problem;
use domain::id::{Id, RunId};
use executor::{
    Answer, Backend, Keeper, Memory, Names, Operation, Output, ReadBlock, Source, UpstreamOutputs, Variable, Wait, Work,
};

use crate::app::{App, Setup};
use crate::local::Ahead;
use crate::resources::organizations::Organization;
use crate::resources::projects::Project;
use crate::resources::runs::{self, Reader, Run};
use crate::resources::states::State;
use crate::resources::workspaces::Workspace;
use crate::resources::{configurations, organizations, projects, repositories, states, tokens, variables, workspaces};
use crate::storage::{Change, RunNews};
use crate::terraform;

/// Length of what the endpoint of a run's state is called: more than 256 bits.
const SECRET_LENGTH: usize = 48;

/// Folder of a run.
pub fn folder(setup: &Setup, run: &str) -> PathBuf {
    setup.runs.join(run)
}

/// Everything the executor needs for a phase of `run`.
///
/// # Errors
/// Whatever is missing: the terraform version, the archive, the workspace.
pub async fn assemble(app: &App, run: &Run, plan: &str) -> Result<Work, Problem> {
    let gone = || Problem::not_found("run/not-found", "The run's workspace is gone.").advice("There is nothing to do.");
    // Only a token for the run is written.
    let tx = match &app.setup.address {
        Some(_) => app.db.write().await?,
        None => app.db.read().await?,
    };
    let workspace = workspaces::by_id(&tx, &run.workspace_id).await?.ok_or_else(gone)?;
    let organization = organizations::by_id(&tx, &run.organization_id).await?.ok_or_else(gone)?;
    let project = projects::by_id(&tx, &workspace.project_id).await?.ok_or_else(gone)?;
    let configuration = configurations::by_id(&tx, &run.configuration_id).await?.ok_or_else(gone)?;
    let given = runs::service::variables(app, run)?.into_iter().map(|it| (it.key, it.value));
    // The one that the plan has noted, whatever was pushed since.
    let state = match &run.state_before {
        Some(id) => states::by_id(&tx, id).await?,
        None => None,
    };
    let variables = variables::runs::of(app, &tx, &run.id, &workspace, given).await?;
    let mut upstream_outputs = Vec::new();
    let foreseen = runs::preview::given(app, run).await?;
    let readers: Vec<Reader> = serde_json::from_value(run.readers.clone()).unwrap_or_default();
    for reader in readers {
        let upstream = workspaces::by_id(&tx, &reader.workspace).await?.ok_or_else(gone)?;
        let answer = match foreseen.outputs.get(&upstream.id) {
            Some(outputs) => Some(Answer::Planned(outputs.clone())),
            None => states::service::outputs_file(app, &tx, &upstream, run.is_destroy).await?.map(Answer::State),
        };
        if let Some(answer) = answer {
            let Reader { module, tfe_outputs, name, instance, .. } = reader;
            let block = if tfe_outputs { ReadBlock::TfeOutputs } else { ReadBlock::RemoteState };
            upstream_outputs.push(UpstreamOutputs { module, block, name, instance, answer });
        }
    }
    let token = match &app.setup.address {
        Some(_) => Some(tokens::service::issue_for_run(app, &tx, &run.id).await?),
        None => None,
    };
    let of_repository = repositories::service::environment(&tx, &configuration.id).await?;
    match token {
        Some(_) => tx.commit().await?,
        None => drop(tx),
    }

    let code = configurations::service::archive(app, &configuration).await?;
    let place = Place { workspace, organization, project, version: run.terraform_version.clone(), state, variables };
    let mut work = bare(app, RunId::parse(&run.id)?, code, place, token.as_deref()).await?;
    work.environment.extend(of_repository);
    Ok(Work {
        operation: operation(run),
        plan_file: match run.is_at_once() {
            true => None,
            false => app.objects.get(&plan_object(plan, "file")).await?,
        },
        upstream_outputs,
        planned_variables: foreseen.variables,
        output: if run.json_output { Output::Json } else { Output::Human },
        ..work
    })
}

/// What the executor needs to start the terraform of a run at home that is to come: all but what its upstreams will give it. `None` where a block
/// is answered by rewriting the code, which takes values.
///
/// # Errors
/// As [`assemble`].
pub async fn ahead(app: &App, run: &RunId, ahead: &Ahead) -> Result<Option<Work>, Problem> {
    let gone = || Problem::not_found("run/not-found", "The run's workspace is gone.").advice("There is nothing to do.");
    if ahead.readers.iter().any(|reader| reader.tfe_outputs) {
        return Ok(None);
    }
    let tx = app.db.look();
    let workspace = workspaces::by_id(&tx, &ahead.workspace).await?.ok_or_else(gone)?;
    let organization = organizations::by_id(&tx, &workspace.organization_id).await?.ok_or_else(gone)?;
    let project = projects::by_id(&tx, &workspace.project_id).await?.ok_or_else(gone)?;
    let state = states::service::current_of(&tx, &workspace).await?;
    let variables = variables::runs::now(app, &tx, &workspace).await?;
    let block = |reader: &Reader| UpstreamOutputs {
        module: reader.module.clone(),
        block: ReadBlock::RemoteState,
        name: reader.name.clone(),
        instance: reader.instance.clone(),
        answer: Answer::State(Bytes::from_static(b"{}")),
    };
    let code = app.objects.must_get(&ahead.code).await?;
    let version = workspace.terraform_version.clone();
    let place = Place { workspace, organization, project, version, state, variables };
    Ok(Some(Work {
        operation: Operation { destroy: ahead.destroy, refresh: true, ..Operation::default() },
        upstream_outputs: ahead.readers.iter().map(block).collect(),
        ..bare(app, run.clone(), code, place, None).await?
    }))
}

/// What a run stands on, as the database has it.
struct Place {
    workspace: Workspace,
    organization: Organization,
    project: Project,
    /// Version or constraint of terraform.
    version: String,
    state: Option<State>,
    variables: Vec<Variable>,
}

/// The memory of all runs, for this one: whoever follows the run is told that it waits.
fn memory(app: &App, run: &RunId, workspace: &str) -> Memory {
    let (changes, run, workspace) = (app.changes.clone(), run.as_str().to_owned(), workspace.to_owned());
    app.memory.telling(move |wait| {
        let what = match wait {
            Wait::Begins => RunNews::WaitsForMemory,
            Wait::Ends => RunNews::Moved,
        };
        changes.tell(Change::Run { workspace: workspace.clone(), run: run.clone(), what });
    })
}

/// The work of a run on that, which does nothing and reads nobody yet. `token` is that of the run.
async fn bare(app: &App, run: RunId, code: Bytes, place: Place, token: Option<&str>) -> Result<Work, Problem> {
    let Place { workspace, organization, project, version, state, variables } = place;
    let memory = memory(app, &run, &workspace.id);
    let held = !workspace.own_backend;
    Ok(Work {
        folder: folder(&app.setup, run.as_str()),
        run,
        initialised: Some(app.setup.initialised.clone()),
        memory,
        source: Source::Archive(code),
        working_directory: workspace.working_directory.clone(),
        terraform: terraform::resolve(&app.setup, &version)?,
        operation: Operation::default(),
        environment: environment(&app.setup, &organization.name, token),
        names: Names {
            organization: organization.name,
            project: project.name,
            workspace: workspace.name,
            workspace_id: workspace.id,
        },
        backend: if held { Backend::Held } else { Backend::Own },
        state: match state.filter(|_| held) {
            Some(state) => Some(states::service::download(app, &state).await?),
            None => None,
        },
        plan_file: None,
        variables,
        upstream_outputs: Vec::new(),
        planned_variables: BTreeMap::new(),
        secrets: secrets(&app.setup, token),
        cli_config: cli_config(&app.setup, token),
        output: Output::Human,
        grace: app.setup.grace,
        sandbox: app.setup.sandbox.clone(),
        keeper: keeper(app),
    })
}

/// What keeps the state of a run while it works, if that is large.
fn keeper(app: &App) -> Option<Keeper> {
    let program = app.setup.keeper.clone()?;
    Some(Keeper { program, secret: app.ports.randomness.characters(SECRET_LENGTH) })
}

/// Path of a part of a plan: `file`, `json` or `redacted`.
pub fn plan_object(plan: &str, part: &str) -> String {
    format!("plans/{plan}/{part}")
}

fn operation(run: &Run) -> Operation {
    Operation {
        // At home it is asked for by whoever compares it (`super::describe`); everybody else reads the log.
        described: !run.home || run.json_output,
        destroy: run.is_destroy,
        refresh_only: run.refresh_only,
        refresh: run.refresh,
        targets: Run::strings(&run.target_addrs),
        replaces: Run::strings(&run.replace_addrs),
        generate_config: run.allow_config_generation,
        scratch: run.scratch,
    }
}

/// Where this server is, which organization is meant when none is named, and with what the run shows who it is, also when
/// `TFE_TOKEN` is a variable of the workspace and another's.
fn environment(setup: &Setup, organization: &str, token: Option<&str>) -> Vec<(String, String)> {
    let mut environment = setup.environment.clone();
    if let Some(address) = &setup.address {
        environment.push(("TFE_HOSTNAME".into(), host(address)));
        environment.push(("TFE_ADDRESS".into(), address.clone()));
        environment.push(("TFE_ORGANIZATION".into(), organization.to_owned()));
        environment.push(("MULTISPACE_RUN_HOST".into(), host(address)));
    }
    environment.extend(token.map(|token| ("MULTISPACE_RUN_TOKEN".into(), token.to_owned())));
    environment
}

/// The tokens in what a run is given.
fn secrets(setup: &Setup, token: Option<&str>) -> Vec<String> {
    let mut secrets = configuration::tokens(&setup.cli_config);
    secrets.extend(token.map(str::to_owned));
    secrets
}

/// What terraform and its providers need to reach this server: over plain HTTP that takes a `host` block.
fn cli_config(setup: &Setup, token: Option<&str>) -> String {
    let mut text = setup.cli_config.clone();
    if let (Some(address), Some(token)) = (&setup.address, token) {
        text.push('\n');
        text.push_str(&connection(address, token));
    }
    text
}

/// The blocks of a CLI configuration that connect terraform to the server at `address`.
pub fn connection(address: &str, token: &str) -> String {
    let host = host(address);
    let services = if address.starts_with("http://") {
        let names = ["tfe.v2", "tfe.v2.1", "tfe.v2.2", "state.v2"];
        let services: String = names.iter().map(|name| format!("    \"{name}\" = \"{address}/api/v2/\"\n")).collect();
        format!("host \"{host}\" {{\n  services = {{\n{services}  }}\n}}\n")
    } else {
        String::new()
    };
    format!("{services}credentials \"{host}\" {{\n  token = \"{token}\"\n}}\n")
}

/// The host as Terraform writes it: name and port.
pub fn host(address: &str) -> String {
    let host = address.split_once("://").map_or(address, |(_, host)| host).trim_end_matches('/');
    host.to_owned()
}
