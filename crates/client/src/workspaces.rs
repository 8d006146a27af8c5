//! Workspaces: find, read, and who is in the way.

use domain::Problem;
use wire::Document;

use crate::{Client, Item, encoded};

/// Reads a workspace by its id.
///
/// # Errors
/// [`domain::Fault::NotFound`] also when the caller may not see it.
pub async fn read(client: &Client, id: &str) -> Result<Item, Problem> {
    Ok(client.get::<Document<Item>>(&format!("workspaces/{}", encoded(id))).await?.data)
}

/// Reads a workspace by its organization and name.
///
/// # Errors
/// As [`read`].
pub async fn find(client: &Client, organization: &str, name: &str) -> Result<Item, Problem> {
    let path = format!("organizations/{}/workspaces/{}", encoded(organization), encoded(name));
    Ok(client.get::<Document<Item>>(&path).await?.data)
}

/// Where people see a run.
///
/// # Errors
/// When the host cannot be asked where it is.
pub async fn run_url(client: &Client, workspace: &Item, run_id: &str) -> Result<String, Problem> {
    let organization = workspace.related("organization").unwrap_or_default();
    let (origin, name) = (client.origin().await?, workspace.text("name"));
    Ok(format!("{origin}/app/{}/{}/runs/{run_id}", encoded(organization), encoded(name)))
}

/// Who holds a workspace, and since when, in words for a person; `None` when nobody does.
pub async fn holder(client: &Client, workspace: &Item, own_run: &str) -> Option<String> {
    let locked_by = workspace.related("locked-by").filter(|id| *id != own_run);
    let current = workspace.related("current-run").filter(|id| *id != own_run);
    if let Some(run) = locked_by.filter(|id| id.starts_with("run-")).or(current) {
        let read = crate::runs::read(client, run).await.ok().map(|run| run.attributes).filter(|run| !run.is_final())?;
        let since = read.created_at.map(|at| format!(", made at {at}")).unwrap_or_default();
        return Some(format!("run {run} is in front of it ({}{since})", read.status));
    }
    if !workspace.flag("locked") || workspace.related("locked-by") == Some(own_run) {
        return None;
    }
    let who = locked_by.map(|id| format!(" by {id}")).unwrap_or_default();
    let why = Some(workspace.text("locked-reason")).filter(|why| !why.is_empty());
    let why = why.map(|why| format!(", \"{why}\"")).unwrap_or_default();
    let since = Some(workspace.text("updated-at")).filter(|at| !at.is_empty());
    let since = since.map(|at| format!(", last changed at {at}")).unwrap_or_default();
    Some(format!("the workspace is locked{who}{why}{since}"))
}
