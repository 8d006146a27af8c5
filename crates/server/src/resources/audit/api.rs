//! `/organization/audit-trail` of HCP Terraform, the same for an organization by its name and for the server, and the whole as
//! JSON lines.

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use domain::Problem;
use futures::stream;
use serde::Deserialize;
use serde_json::Value;
use wire::audit::{
    AuditAuth, AuditBroken, AuditCheck, AuditEvent, AuditPagination, AuditRequest, AuditResource, AuditTrail,
};
use wire::query::PageQuery;

use super::service::{self, Chain, Wanted};
use crate::actor::Actor;
use crate::app::App;
use crate::edge::{At, Caller, Name, Query, Reply, Routes};
use crate::resources::organizations;
use crate::storage::Tx;
use crate::storage::audit::{Broken, Checked, Row, SERVER};

/// Events on one page when nothing is said, and at most.
const PAGE: u64 = 1000;
/// Events of the whole that are in memory at a time.
const AT_A_TIME: u64 = 500;

/// Routes of this room.
pub fn routes() -> Routes {
    const ONE: &str = "/organizations/{organization}/audit-trail";
    Routes::default()
        .get("/organization/audit-trail", own)
        .get(ONE, of_organization)
        .get(&format!("{ONE}/export"), export)
        .get(&format!("{ONE}/check"), check)
        .get("/audit-trail", of_server)
        .get("/audit-trail/export", export_of_server)
        .get("/audit-trail/check", check_of_server)
}

#[derive(Deserialize, Default)]
struct Asked {
    since: Option<String>,
    #[serde(default)]
    search: String,
    /// Of the server's routes alone: id of an organization.
    organization: Option<String>,
    #[serde(default)]
    page: PageQuery,
}

impl Asked {
    fn since(&self) -> Result<Option<DateTime<Utc>>, Problem> {
        let Some(text) = self.since.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
        let read = DateTime::parse_from_rfc3339(text).map_err(|error| {
            Problem::invalid("audit/since", format!("{text:?} is no time: {error}."))
                .advice("Give it as 2020-05-30T17:52:46Z.")
        })?;
        Ok(Some(read.with_timezone(&Utc)))
    }
}

async fn own(State(app): State<App>, Caller(actor): Caller, Query(asked): Query<Asked>) -> Reply {
    page(&app.db.read().await?, &Chain::own(&actor)?, &asked).await
}

async fn of_organization(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    Query(asked): Query<Asked>,
) -> Reply {
    let tx = app.db.read().await?;
    page(&tx, &chain(&tx, &actor, &name).await?, &asked).await
}

async fn of_server(State(app): State<App>, Caller(actor): Caller, Query(asked): Query<Asked>) -> Reply {
    page(&app.db.read().await?, &Chain::on_server(&actor, asked.organization.as_deref())?, &asked).await
}

async fn export(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    Query(asked): Query<Asked>,
) -> Reply {
    let chain = chain(&app.db.read().await?, &actor, &name).await?;
    whole(app, chain, &asked)
}

async fn export_of_server(State(app): State<App>, Caller(actor): Caller, Query(asked): Query<Asked>) -> Reply {
    whole(app, Chain::on_server(&actor, asked.organization.as_deref())?, &asked)
}

async fn check(State(app): State<App>, Caller(actor): Caller, At(name): At<Name>) -> Reply {
    let tx = app.db.read().await?;
    let chain = chain(&tx, &actor, &name).await?;
    checked(vec![service::check(&tx, &app.key, &chain).await?])
}

/// Of every chain there is.
async fn check_of_server(State(app): State<App>, Caller(actor): Caller) -> Reply {
    Chain::on_server(&actor, None)?;
    checked(service::verify(&app.db.read().await?, &app.key).await?)
}

async fn chain(tx: &Tx, actor: &Actor, name: &Name) -> Result<Chain, Problem> {
    Chain::of(actor, &organizations::service::read(tx, actor, &name.0).await?)
}

async fn page(tx: &Tx, chain: &Chain, asked: &Asked) -> Reply {
    let size = asked.page.size.unwrap_or(PAGE).clamp(1, PAGE);
    let number = asked.page.number();
    let wanted = Wanted {
        since: asked.since()?,
        search: asked.search.clone(),
        newest_first: false,
        offset: (number - 1).saturating_mul(size).min(i64::MAX.unsigned_abs()),
        limit: size,
    };
    let (rows, total) = service::list(tx, chain, &wanted).await?;
    let pagination = AuditPagination::of(number, size, total);
    json(&AuditTrail { data: rows.into_iter().map(event).collect(), pagination })
}

/// Every event as a line, as fast as they are taken and no faster.
fn whole(app: App, chain: Chain, asked: &Asked) -> Reply {
    let since = asked.since()?;
    let lines = stream::try_unfold(0, move |number| {
        let (app, chain) = (app.clone(), chain.clone());
        async move {
            let rows = service::after(&app.db.look(), &chain, since, number, AT_A_TIME).await;
            let rows = rows.map_err(|problem| std::io::Error::other(problem.message))?;
            let Some(last) = rows.last().map(|row| row.number) else { return Ok::<_, std::io::Error>(None) };
            let mut text = Vec::new();
            for row in rows {
                serde_json::to_writer(&mut text, &event(row))?;
                text.push(b'\n');
            }
            Ok(Some((Bytes::from(text), last)))
        }
    });
    let kind = HeaderValue::from_static("application/x-ndjson");
    Ok(([(CONTENT_TYPE, kind)], Body::from_stream(lines)).into_response())
}

fn checked(all: Vec<Checked>) -> Reply {
    let events = all.iter().map(|one| one.rows).sum();
    let broken = all.into_iter().find_map(|one| {
        let Broken { number, at, why } = one.broken?;
        Some(AuditBroken { chain: one.chain, number, timestamp: at.map(time), why })
    });
    json(&AuditCheck { whole: broken.is_none(), events, broken })
}

fn json(document: &impl serde::Serialize) -> Reply {
    let text = serde_json::to_vec(document)
        .map_err(|error| Problem::ours("access/answer", "The answer could not be written.", error))?;
    let kind = HeaderValue::from_static("application/json");
    Ok(([(CONTENT_TYPE, kind)], Body::from(text)).into_response())
}

fn event(row: Row) -> AuditEvent {
    let action = row.action.split_once('.').map_or(row.action.as_str(), |(_, action)| action).to_owned();
    let mut meta: Value = serde_json::from_str(&row.details).unwrap_or_default();
    if let (Some(name), Some(meta)) = (&row.object_name, meta.as_object_mut()) {
        meta.insert("name".to_owned(), Value::from(name.as_str()));
    }
    AuditEvent {
        id: row.id(),
        version: "0".to_owned(),
        kind: "Resource".to_owned(),
        timestamp: time(row.at),
        auth: AuditAuth {
            accessor_id: row.actor_id,
            description: row.actor_name,
            kind: if row.actor_kind == "server" { "System" } else { "Client" }.to_owned(),
            impersonator_id: None,
            organization_id: Some(row.chain).filter(|chain| chain != SERVER),
            accessor_type: row.actor_kind,
            token_id: row.token_id,
        },
        request: AuditRequest { id: row.request_id },
        resource: AuditResource { id: row.object_id, kind: one(&row.object_kind), action, meta },
        result: row.result,
        number: row.number,
        previous: row.previous,
        digest: row.digest,
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// `authentication_token`, of `authentication-tokens`.
fn one(kind: &str) -> String {
    kind.strip_suffix('s').filter(|it| !it.ends_with('s')).unwrap_or(kind).replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_called_as_on_hcp_terraform() {
        assert_eq!(one("authentication-tokens"), "authentication_token");
        assert_eq!(one("team-access"), "team_access");
        assert_eq!(one("workspaces"), "workspace");
    }
}
