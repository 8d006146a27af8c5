//! Plan and apply in one terraform process, for a run that was approved beforehand and whose plan nobody has to see first: starting
//! terraform is most of what a small run costs.
//!
//! Whoever calls this has said yes to whatever terraform plans, and has written that down: from here on terraform may change things. The folder
//! says so too, by the apply's log, which is there before terraform is; so it is recovered as that of any apply.
//! Terraform's `-json` lines tell where the plan ends. Everything before belongs to the plan's log, everything after to the apply's.

use std::sync::Arc;

use bytes::Bytes;
use domain::Problem;

use crate::apply::{Keeping, applied, kept, told};
use crate::folder::{append_private, open_private};
use crate::follow::Follow;
use crate::held::{self, Held};
use crate::init;
use crate::initialised::Initialised;
use crate::keeper::choose;
use crate::plan::{executor_failure, failure, joined, options, unwritable};
use crate::prepare::{self, Prepared};
use crate::process::{Asked, Ended, Output as Streams, ours};
use crate::render::Rendering;
use crate::stop::Stop;
use crate::work::{Applied, Failure, Foreseen, Phase, Upstream, Work};

/// A run that terraform planned and applied, or found nothing to do for.
#[derive(Clone)]
pub struct AtOnce {
    /// What it planned.
    pub foreseen: Foreseen,
    /// What it did; `None` where nothing was to be changed: no state is taken then.
    pub applied: Option<Applied>,
}

/// Plans a run in its folder, which is made anew, and applies that plan at once. [`Upstream::planned`] is told in between; terraform does not
/// wait for that. One that is `held` for this run is let go, if the work is what it was held for.
///
/// Dropping the future is like our death: terraform goes on, and [`recover`](crate::recover()) finds what came of it.
///
/// # Errors
/// As those of [`apply`](crate::apply()); where the plan failed, what was saved is the state from before.
pub async fn plan_and_apply(
    work: &Work,
    held: Option<Held>,
    upstream: Arc<dyn Upstream>,
    stop: Stop,
) -> Result<AtOnce, Failure> {
    if let Some(mut ready) = held::ready(held, work, Phase::Apply, &stop).await {
        let (prepared, keeping) = (ready.prepared.clone(), ready.keeping.take());
        upstream.log(Bytes::from(prepared.version.preamble())).await;
        let outcome = followed(work, &prepared, &upstream, keeping, ready.run()).await;
        return told(work, &prepared, outcome).await;
    }
    let mut prepared = match prepare::build(work, Phase::Apply, stop).await {
        Ok(mut prepared) => {
            prepared.launcher.record.at_once = true;
            prepared
        }
        Err(problem) => return Err(executor_failure(&problem)),
    };
    upstream.log(Bytes::from(prepared.version.preamble())).await;
    let outcome = initialised_and_run(work, &mut prepared, &upstream).await;
    told(work, &prepared, outcome).await
}

async fn initialised_and_run(
    work: &Work,
    prepared: &mut Prepared,
    upstream: &Arc<dyn Upstream>,
) -> Result<Result<AtOnce, Failure>, Problem> {
    if let Some(failure) = init::run(prepared, upstream).await? {
        return Ok(Err(failure));
    }
    choose::by_size(work, prepared).await?;
    let prepared = &*prepared;
    let folder = &prepared.launcher.folder;
    open_private(&folder.log(Phase::Apply)).map_err(unwritable)?;
    let keeping = Keeping::begin(work, prepared)?;
    let Asked { step, arguments, output } = command(work, prepared)?;
    followed(work, prepared, upstream, keeping, prepared.launcher.run(step, &arguments, output)).await
}

/// Passes on what terraform says and saves while it `runs`.
async fn followed(
    work: &Work,
    prepared: &Prepared,
    upstream: &Arc<dyn Upstream>,
    keeping: Option<Keeping>,
    runs: impl Future<Output = Result<Ended, Problem>>,
) -> Result<Result<AtOnce, Failure>, Problem> {
    let log = prepared.launcher.folder.log(Phase::Apply);
    let rendering = Rendering::at_once(&prepared.version.preamble());
    let follow = Follow::start(log, &prepared.secrets, rendering, upstream.clone())?;
    let outcome = kept(keeping, upstream, runs).await;
    let foreseen = follow.finish().await;
    match (outcome?, foreseen) {
        (Ended::Exit(Some(0)) | Ended::Stopped(Some(0)), Some(foreseen)) => {
            let applied = if foreseen.has_changes { Some(applied(work, prepared).await?) } else { None };
            Ok(Ok(AtOnce { foreseen, applied }))
        }
        (Ended::Exit(Some(0)) | Ended::Stopped(Some(0)), None) => {
            Err(ours("Terraform ended well and did not say what it had planned.", "no summary of the plan in its log"))
        }
        (ended, None) => {
            if matches!(ended, Ended::Exit(_)) {
                // It may have failed for what was kept.
                init::with_kept(prepared, Initialised::forget).await?;
            }
            Ok(Err(failure(&ended, "plan")))
        }
        (ended, Some(_)) => Ok(Err(failure(&ended, "apply"))),
    }
}

/// What terraform is asked to do.
pub(crate) fn command(work: &Work, prepared: &Prepared) -> Result<Asked, Problem> {
    let launcher = &prepared.launcher;
    let log = append_private(&launcher.folder.log(Phase::Apply)).map_err(unwritable)?;
    let mut arguments: Vec<_> =
        ["apply", "-auto-approve", "-input=false", "-json"].into_iter().map(Into::into).collect();
    arguments.extend(options(work));
    arguments.push(joined("-var-file=", launcher.folder.variables().as_os_str()));
    Ok(Asked { step: "apply", arguments, output: Streams::together(log).map_err(unwritable)? })
}
