//! What a plan says, for who asks about one that nobody was expected to read: at home a plan is compared only where the plan of the
//! whole stack was approved, and terraform's description of it costs almost as much as a small plan.

use domain::Problem;
use executor::Stop;

use super::work::{self, plan_object};
use crate::app::App;
use crate::resources::runs::Run;

/// Has terraform describe the plan of a run that waits for its yes, and keeps that, as if it had been described when it was made. Nothing
/// comes of it where the run's folder is gone.
///
/// # Errors
/// `executor/undescribed`, `storage/…`, and those of what the run needs.
pub async fn describe(app: &App, run: &Run, plan: &str) -> Result<(), Problem> {
    let work = work::assemble(app, run, plan).await?;
    let Some(description) = executor::describe(&work, Stop::new()).await? else { return Ok(()) };
    for (part, bytes) in [("json", &description.json), ("redacted", &description.redacted)] {
        app.objects.put(&plan_object(plan, part), bytes).await?;
    }
    Ok(())
}
