//! How long a stack lives: what is left of its time, more of it, and its end.

use askama::Template;
use axum::extract::State;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use domain::Problem;
use serde::Deserialize;

use super::super::service::{self, Whole};
use super::super::{Event, Stack};
use crate::app::App;
use crate::edge::pages::{Filled, Frame, Viewer, page, see_other};
use crate::edge::{At2, Name, Reply, Routes};
use crate::resources::organizations;
use crate::resources::runs::{self, Moment};
use crate::storage::Tx;

/// Pages of what ends a stack.
pub(super) fn pages() -> Routes {
    const STACK: &str = "/app/{organization}/stacks/{stack}";
    let at = |rest: &str| format!("{STACK}{rest}");
    Routes::default()
        .post_at_root(&at("/extend"), extend)
        .post_at_root(&at("/cancel-expiry"), cancel_expiry)
        .get_at_root(&at("/destroy"), destroy)
        .post_at_root(&at("/destroy/start"), start_destroy)
}

/// The end of a stack, if it has one.
pub struct Life {
    /// When it ends, and what is left until then.
    pub ends: Option<(Moment, String)>,
}

impl Life {
    /// That of a stack.
    pub fn of(stack: &Stack, now: DateTime<Utc>) -> Self {
        Self { ends: stack.expires_at.map(|at| (Moment(at), runs::length(at - now))) }
    }
}

/// The status of a stack in words, and the class by which it is dressed.
pub fn status(stack: &Stack) -> (&'static str, &'static str) {
    match stack.status.as_str() {
        "destroying" => ("Being destroyed", "busy"),
        "held" => ("Held", "asks"),
        "destroyed" => ("Destroyed", "quiet"),
        "errored" => ("Not wholly destroyed", "bad"),
        _ => ("Active", "good"),
    }
}

/// Something that happened to a stack.
pub struct Told {
    /// When.
    pub at: Moment,
    /// What.
    pub message: String,
}

/// What happened to a stack, newest first.
pub fn told(stack: &Stack) -> Vec<Told> {
    let told = |event: &Event| Told { at: Moment(event.at), message: event.message.clone() };
    stack.events.0.iter().rev().map(told).collect()
}

#[derive(Deserialize)]
struct Until {
    /// So many hours more.
    #[serde(default)]
    more: String,
    /// Until then (`2026-12-24T18:00`), in UTC.
    #[serde(default)]
    until: String,
}

async fn extend(
    State(app): State<App>,
    viewer: Viewer,
    At2(organization, stack): At2<Name, Name>,
    Filled(asked): Filled<Until>,
) -> Reply {
    let tx = app.db.write().await?;
    let (address, whole) = find(&tx, &viewer, &organization, &stack).await?;
    let until = until(&asked, whole.stack.expires_at, app.ports.now())?;
    service::extend(&app, &tx, &viewer.actor, &whole.stack.id, until).await?;
    tx.commit().await?;
    Ok(see_other(&address))
}

/// Until when somebody wants a stack to live: hours come on top of what it has. `None` where nothing was said.
fn until(asked: &Until, end: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Problem> {
    if let Ok(hours) = asked.more.parse::<u32>() {
        return Ok(end.unwrap_or(now).max(now).checked_add_signed(TimeDelta::hours(hours.into())));
    }
    let text = asked.until.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let read = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    match read {
        Some(at) => Ok(Some(at.and_utc())),
        None => Err(Problem::invalid("stack/lifetime", "Until when the stack shall live cannot be read.")
            .advice("Write a date and a time, such as 2026-12-24 18:00, in UTC.")),
    }
}

#[derive(Deserialize)]
struct Nothing {}

async fn cancel_expiry(
    State(app): State<App>,
    viewer: Viewer,
    At2(organization, stack): At2<Name, Name>,
    Filled(Nothing {}): Filled<Nothing>,
) -> Reply {
    let tx = app.db.write().await?;
    let (address, whole) = find(&tx, &viewer, &organization, &stack).await?;
    service::cancel_expiry(&app, &tx, &viewer.actor, &whole.stack.id).await?;
    tx.commit().await?;
    Ok(see_other(&address))
}

/// A workspace that would be destroyed.
struct Doomed {
    name: String,
    address: String,
    resources: i32,
}

#[derive(Template)]
#[template(path = "resources/stacks/page/destroy.html")]
struct Destroy {
    frame: Frame,
    name: String,
    address: String,
    /// Those that go together, one after another.
    steps: Vec<Vec<Doomed>>,
    resources: i32,
    /// Workspaces of which whoever looks knows nothing.
    unseen: usize,
    /// Whether whoever looks may decide over it.
    manages: bool,
}

async fn destroy(State(app): State<App>, viewer: Viewer, At2(organization, stack): At2<Name, Name>) -> Reply {
    let tx = app.db.read().await?;
    let (address, Whole { stack, members }) = find(&tx, &viewer, &organization, &stack).await?;
    let seen = super::seen(&tx, &viewer.actor, members.list()).await?;
    let graph = members.graph(&tx).await?;
    let doomed = |name: &String| {
        let member = seen.iter().find(|it| it.name == *name)?;
        let address = format!("/app/{}/workspaces/{name}", organization.0);
        Some(Doomed { address, resources: member.resource_count, name: name.clone() })
    };
    let steps = graph.layers().iter().rev().map(|layer| layer.iter().filter_map(doomed).collect::<Vec<_>>());
    page(&Destroy {
        frame: viewer
            .frame(&app, &format!("Destroy {}", stack.name))
            .within(&organization.0, "stacks")
            .below(&stack.name, address.clone()),
        steps: steps.filter(|step| !step.is_empty()).collect(),
        resources: seen.iter().map(|it| it.resource_count).sum(),
        unseen: members.list().len() - seen.len(),
        manages: service::manages(&tx, &viewer.actor, &stack).await,
        address,
        name: stack.name,
    })
}

async fn start_destroy(
    State(app): State<App>,
    viewer: Viewer,
    At2(organization, stack): At2<Name, Name>,
    Filled(Nothing {}): Filled<Nothing>,
) -> Reply {
    let tx = app.db.write().await?;
    let (address, whole) = find(&tx, &viewer, &organization, &stack).await?;
    service::destroy(&app, &tx, &viewer.actor, &whole.stack.id).await?;
    tx.commit().await?;
    Ok(see_other(&address))
}

async fn find(tx: &Tx, viewer: &Viewer, organization: &Name, stack: &Name) -> Result<(String, Whole), Problem> {
    let organization = organizations::service::read(tx, &viewer.actor, &organization.0).await?;
    let whole = service::named(tx, &viewer.actor, &organization, &stack.0).await?;
    Ok((format!("/app/{}/stacks/{}", organization.name, whole.stack.name), whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn hours_come_on_top_of_what_is_left_and_of_now_where_nothing_is() {
        let now = at("2026-05-01T10:00:00Z");
        let asked = |more: &str, text: &str| Until { more: more.to_owned(), until: text.to_owned() };
        let end = Some(at("2026-05-02T10:00:00Z"));
        assert_eq!(until(&asked("24", ""), end, now).unwrap(), Some(at("2026-05-03T10:00:00Z")));
        assert_eq!(until(&asked("24", ""), None, now).unwrap(), Some(at("2026-05-02T10:00:00Z")));
        assert_eq!(until(&asked("", "2026-06-01T08:30"), end, now).unwrap(), Some(at("2026-06-01T08:30:00Z")));
        assert_eq!(until(&asked("", " "), end, now).unwrap(), None);
        assert_eq!(until(&asked("", "tomorrow"), end, now).unwrap_err().code, "stack/lifetime");
    }
}
