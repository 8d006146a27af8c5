//! The plan phase: `init`, `plan -out`, `show -json` where somebody may read what that says, and `providers schema -json` where the log is structured.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use domain::Problem;
use domain::planned::PlannedOutputs;

use crate::folder::{append_private, make_private, open_private};
use crate::follow::Follow;
use crate::foreign;
use crate::held::{self, Held};
use crate::init;
use crate::initialised::Initialised;
use crate::keeper::choose;
use crate::prepare::{self, Prepared};
use crate::process::{Asked, Ended, Output as Streams, ours};
use crate::render::{Form, Rendering};
use crate::stop::Stop;
use crate::work::{Description, Failure, FailureKind, Operation, Output, Phase, Planned, Recovery, Upstream, Work};
use crate::{deferred, plan_json, planned, scratch};

/// Plans a run in its folder, which is made anew.
///
/// The log begins with three lines that name terraform, then has the plan (or what `init` said when it failed): as terraform
/// renders it for
/// [`Output::Human`], `-json` lines for [`Output::Json`].
///
/// A scratch plan leaves nothing in the folder. One that is `held` for this run is let go, if the work is what it was held for.
///
/// # Errors
/// A [`Failure`] whose `recovery` is empty: a plan saves nothing.
pub async fn plan(
    work: &Work,
    held: Option<Held>,
    upstream: Arc<dyn Upstream>,
    stop: Stop,
) -> Result<Planned, Failure> {
    if let Some(ready) = held::ready(held, work, Phase::Plan, &stop).await {
        let prepared = ready.prepared.clone();
        upstream.log(Bytes::from(prepared.version.preamble())).await;
        let outcome = followed(work, &prepared, upstream, ready.run()).await;
        return told(&prepared, outcome).await;
    }
    if work.operation.scratch {
        return scratch::plan(work, upstream, stop).await;
    }
    plan_in_folder(work, upstream, stop).await
}

/// Plans in the folder that the work names, whatever sort of plan it is.
pub(crate) async fn plan_in_folder(work: &Work, upstream: Arc<dyn Upstream>, stop: Stop) -> Result<Planned, Failure> {
    let mut prepared = match prepare::build(work, Phase::Plan, stop).await {
        Ok(prepared) => prepared,
        Err(problem) => return Err(executor_failure(&problem)),
    };
    let is_rewritten = !prepared.rewritten.names.is_empty();
    let upstream = match work.operation.scratch || is_rewritten {
        true => scratch::log(work, &prepared.rewritten, upstream),
        false => upstream,
    };
    upstream.log(Bytes::from(prepared.version.preamble())).await;
    let outcome = initialised_and_run(work, &mut prepared, upstream).await;
    told(&prepared, outcome).await
}

/// The end of a plan as its caller is told it.
async fn told(prepared: &Prepared, outcome: Result<Result<Planned, Failure>, Problem>) -> Result<Planned, Failure> {
    if let Err(problem) = prepared.launcher.ended() {
        return Err(executor_failure(&problem));
    }
    match outcome {
        Ok(planned) => planned.map_err(|failure| prepared.secrets.failure(failure)),
        Err(problem) => Err(prepared.secrets.failure(executor_failure(&problem))),
    }
}

async fn initialised_and_run(
    work: &Work,
    prepared: &mut Prepared,
    upstream: Arc<dyn Upstream>,
) -> Result<Result<Planned, Failure>, Problem> {
    let log = prepared.launcher.folder.log(Phase::Plan);
    open_private(&log).map_err(unwritable)?;
    if let Some(failure) = init::run(prepared, &upstream).await? {
        return Ok(Err(failure));
    }
    choose::by_size(work, prepared).await?;
    let Asked { step, arguments, output } = command(work, prepared)?;
    followed(work, prepared, upstream, prepared.launcher.run(step, &arguments, output)).await
}

/// Passes on what terraform says while it `runs`, and reads what it planned.
async fn followed(
    work: &Work,
    prepared: &Prepared,
    upstream: Arc<dyn Upstream>,
    runs: impl Future<Output = Result<Ended, Problem>>,
) -> Result<Result<Planned, Failure>, Problem> {
    let log = prepared.launcher.folder.log(Phase::Plan);
    let follow = Follow::start(log, &prepared.secrets, Rendering::new(Form::Raw), upstream)?;
    let outcome = match runs.await {
        Ok(ended) => planned_in(work, prepared, ended).await,
        Err(problem) => Err(problem),
    };
    follow.finish().await;
    outcome
}

/// What terraform is asked to do.
pub(crate) fn command(work: &Work, prepared: &Prepared) -> Result<Asked, Problem> {
    let launcher = &prepared.launcher;
    make_private(&launcher.folder.made()).map_err(unwritable)?;
    let generated = launcher.folder.generated();
    let mut arguments = plan_arguments(work);
    arguments.push(joined("-out=", launcher.folder.plan_file().as_os_str()));
    arguments.push(joined("-var-file=", launcher.folder.variables().as_os_str()));
    if work.output == Output::Json {
        arguments.push("-json".into());
    }
    if work.operation.generate_config {
        crate::folder::remove(&generated).map_err(unwritable)?;
        arguments.push(joined("-generate-config-out=", generated.as_os_str()));
    }
    let log = append_private(&launcher.folder.log(Phase::Plan)).map_err(unwritable)?;
    Ok(Asked { step: "plan", arguments, output: Streams::together(log).map_err(unwritable)? })
}

/// Reads what terraform planned, when it has ended.
async fn planned_in(work: &Work, prepared: &Prepared, ended: Ended) -> Result<Result<Planned, Failure>, Problem> {
    let launcher = &prepared.launcher;
    let generated = launcher.folder.generated();
    let is_generated = || foreign::is_file(launcher.folder.path(), &generated);
    let changed = match ended {
        Ended::Exit(Some(0)) => false,
        Ended::Exit(Some(2)) => true,
        Ended::Exit(Some(1)) if work.operation.scratch => {
            if let Some(deferred) = deferred::deferred(work, prepared).await? {
                return Ok(Err(deferred));
            }
            init::with_kept(prepared, Initialised::forget).await?;
            return Ok(Err(failure(&Ended::Exit(Some(1)), "plan")));
        }
        ended => {
            if matches!(ended, Ended::Exit(_)) {
                // It may have failed for what was kept.
                init::with_kept(prepared, Initialised::forget).await?;
            }
            return Ok(Err(failure(&ended, "plan")));
        }
    };

    // What a plan that only refreshes amounts to is not in its exit code, and what a scratch plan would do is asked now or never.
    let Operation { described, scratch, refresh_only, .. } = work.operation;
    let is_described = described || refresh_only || (scratch && changed);
    if !is_described {
        let plan_file =
            Bytes::from(foreign::read(launcher.folder.path(), &launcher.folder.plan_file()).map_err(unwritable)?);
        let outputs = if scratch { planned::outputs_of_plan_file(&plan_file) } else { Some(PlannedOutputs::new()) };
        // A form that is not known is left to terraform.
        if let (Some(counts), Some(outputs)) = (planned::counts(&plan_file), outputs) {
            return Ok(Ok(Planned {
                has_changes: changed,
                counts,
                plan_file: (!scratch).then_some(plan_file),
                description: None,
                terraform_version: prepared.version.version.clone(),
                generated_configuration: work.operation.generate_config && is_generated(),
                outputs,
            }));
        }
    }
    said(work, prepared, changed, is_generated()).await
}

/// Has terraform say what it planned in this folder, which it was not asked when it planned; `None` when the plan is not there.
///
/// # Errors
/// `executor/failed`, `executor/undescribed`.
pub async fn describe(work: &Work, stop: Stop) -> Result<Option<Description>, Problem> {
    if !prepare::is_planned(work) {
        return Ok(None);
    }
    let prepared = prepare::reuse(work, Phase::Plan, stop).await?;
    let described = said(work, &prepared, false, false).await;
    prepared.launcher.ended()?;
    match described? {
        Ok(planned) => Ok(planned.description),
        Err(failure) => {
            let message = prepared.secrets.text(&failure.message);
            Err(Problem::invalid("executor/undescribed", "Terraform could not say what its plan is.")
                .advice("Its log says why; plan again when that is mended.")
                .because(message))
        }
    }
}

/// Has terraform say what is planned, and reads that.
async fn said(
    work: &Work,
    prepared: &Prepared,
    changed: bool,
    generated: bool,
) -> Result<Result<Planned, Failure>, Problem> {
    let launcher = &prepared.launcher;
    let log = || append_private(&launcher.folder.log(Phase::Plan));
    let shown = launcher.folder.plan_json();
    let arguments = ["show".into(), "-json".into(), launcher.folder.plan_file().into_os_string()];
    let output = apart(&shown, log().map_err(unwritable)?).map_err(unwritable)?;
    if let Some(failure) = unsuccessful(&launcher.run("show", &arguments, output).await?, "show") {
        return Ok(Err(failure));
    }
    // Only the renderer of structured logs needs schemas, and asking for them starts every provider once more.
    let schemas = (work.output == Output::Json).then(|| launcher.folder.schemas());
    if let Some(file) = &schemas {
        let output = apart(file, log().map_err(unwritable)?).map_err(unwritable)?;
        let arguments = ["providers".into(), "schema".into(), "-json".into()];
        if let Some(failure) = unsuccessful(&launcher.run("schemas", &arguments, output).await?, "providers schema") {
            return Ok(Err(failure));
        }
    }

    let (folder, version) = (launcher.folder.clone(), prepared.version.version.clone());
    let (operation, secrets) = (work.operation.clone(), prepared.secrets.clone());
    let reading = tokio::task::spawn_blocking(move || {
        let json = Bytes::from(fs::read(&shown).map_err(unwritable)?);
        let schemas = schemas.map(fs::read).transpose().map_err(unwritable)?;
        let unreadable =
            |problem: serde_json::Error| ours("Terraform's description of the plan cannot be read.", problem);
        let facts = plan_json::facts(&json).map_err(unreadable)?;
        let redacted = plan_json::redacted(&json, schemas.as_deref()).map_err(unreadable)?;
        let redacted = secrets.json(redacted).map_err(unreadable)?;
        let plan_file = foreign::read(folder.path(), &folder.plan_file()).map_err(unwritable)?;
        let outputs = match operation.scratch {
            true => planned::outputs_of_plan(&plan_file, &json).ok_or_else(|| {
                ours("The outputs in Terraform's plan cannot be read.", "neither of its forms parses")
            })?,
            false => PlannedOutputs::new(),
        };
        Ok(Planned {
            has_changes: changed || (operation.refresh_only && facts.applyable),
            counts: facts.counts,
            plan_file: (!operation.scratch).then(|| Bytes::from(plan_file)),
            description: Some(Description { json, redacted }),
            terraform_version: version,
            generated_configuration: operation.generate_config && generated,
            outputs,
        })
    });
    reading.await.map_err(|problem| ours("The plan could not be read.", problem))?.map(Ok)
}

/// What `plan` is told of the operation.
pub(crate) fn plan_arguments(work: &Work) -> Vec<OsString> {
    let operation = &work.operation;
    let mut arguments: Vec<OsString> = vec!["plan".into(), "-input=false".into(), "-detailed-exitcode".into()];
    if operation.scratch {
        // It changes nothing, and so it neither waits for others nor holds them up.
        arguments.push("-lock=false".into());
    }
    arguments.extend(options(work));
    arguments
}

/// What whoever plans is told of the operation.
pub(crate) fn options(work: &Work) -> Vec<OsString> {
    let operation = &work.operation;
    let mut arguments: Vec<OsString> = Vec::new();
    if operation.destroy {
        arguments.push("-destroy".into());
    }
    if operation.refresh_only {
        arguments.push("-refresh-only".into());
    }
    if !operation.refresh {
        arguments.push("-refresh=false".into());
    }
    arguments.extend(operation.targets.iter().map(|address| joined("-target=", address.as_ref())));
    arguments.extend(operation.replaces.iter().map(|address| joined("-replace=", address.as_ref())));
    arguments
}

pub(crate) fn joined(flag: &str, value: &std::ffi::OsStr) -> OsString {
    let mut argument = OsString::from(flag);
    argument.push(value);
    argument
}

pub(crate) fn apart(stdout: &Path, stderr: File) -> io::Result<Streams> {
    Ok(Streams { stdout: open_private(stdout)?, stderr })
}

pub(crate) fn unsuccessful(ended: &Ended, command: &str) -> Option<Failure> {
    (!matches!(ended, Ended::Exit(Some(0)))).then(|| failure(ended, command))
}

pub(crate) fn failure(ended: &Ended, command: &str) -> Failure {
    let (kind, message) = match ended {
        Ended::Stopped(_) => (FailureKind::Canceled, format!("`{command}` was interrupted.")),
        Ended::Exit(Some(code)) => {
            (FailureKind::Terraform, format!("`{command}` failed with exit code {code}; the log says why."))
        }
        Ended::Exit(None) => (FailureKind::Terraform, format!("`{command}` was killed by somebody else.")),
    };
    Failure { kind, message, recovery: Recovery::default() }
}

pub(crate) fn executor_failure(problem: &Problem) -> Failure {
    if let Some(cause) = &problem.cause {
        tracing::error!(code = problem.code, cause, "{}", problem.message);
    }
    Failure { kind: FailureKind::Executor, message: problem.to_string(), recovery: Recovery::default() }
}

pub(crate) fn unwritable(problem: io::Error) -> Problem {
    ours("The run's folder cannot be written or read.", problem)
}
