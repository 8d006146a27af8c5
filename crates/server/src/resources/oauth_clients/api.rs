//! `/oauth-clients` and `/oauth-tokens`: the HTTP side of connections. Absent: tokens made in a browser, and agent pools.

use axum::extract::State;
use domain::Problem;
use domain::id::{Id, OauthClientId, OauthTokenId};
use domain::vcs::ServiceProvider;
use wire::oauth_clients::{
    OauthClient, OauthClientAttributes, OauthClientBody, OauthClientRelationships, OauthClientRequest,
    OauthClientRequestRelationships,
};
use wire::oauth_tokens::{OauthToken, OauthTokenAttributes, OauthTokenBody, OauthTokenRelationships};
use wire::query::{Include, ListQuery, ReadQuery};
use wire::{Document, Identifiers, ToMany, ToOne, kind};

use super::Token;
use super::service::{self, Settings, Whole};
use crate::actor::Actor;
use crate::app::App;
use crate::edge::{At, Caller, Here, Name, Query, Reply, Routes, Sent, created, no_content, ok};
use crate::resources::organizations;

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default()
        .get("/organizations/{organization}/oauth-clients", list)
        .post("/organizations/{organization}/oauth-clients", create)
        .get("/organizations/{organization}/oauth-tokens", tokens)
        .get("/oauth-clients/{id}", show)
        .patch("/oauth-clients/{id}", update)
        .delete("/oauth-clients/{id}", delete)
        .get("/oauth-clients/{id}/oauth-tokens", tokens_of)
        .post("/oauth-clients/{id}/relationships/projects", share)
        .delete("/oauth-clients/{id}/relationships/projects", unshare)
        .get("/oauth-tokens/{id}", show_token)
        .patch("/oauth-tokens/{id}", update_token)
        .delete("/oauth-tokens/{id}", delete_token)
}

async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let all = service::list(&tx, &actor, &organization).await?;
    let (chosen, pagination) = here.cut(all, &query.page);
    let documents = chosen.iter().map(|whole| document(&app, &actor, &here, whole)).collect::<Result<_, _>>()?;
    let mut answer = here.paged(documents, pagination);
    chosen.iter().for_each(|whole| include(&query.include, whole, &mut answer));
    ok(answer)
}

async fn create(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    here: Here,
    Sent(body): Sent<OauthClientBody>,
) -> Reply {
    let tx = app.db.write().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let whole = service::create(&app, &tx, &actor, &organization, settings(body)).await?;
    tx.commit().await?;
    created(Document::new(document(&app, &actor, &here, &whole)?))
}

async fn show(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<OauthClientId>,
    here: Here,
    Query(query): Query<ReadQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let whole = service::read(&tx, &actor, id.as_str()).await?;
    let mut answer = Document::new(document(&app, &actor, &here, &whole)?);
    include(&query.include, &whole, &mut answer);
    ok(answer)
}

async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<OauthClientId>,
    here: Here,
    Sent(body): Sent<OauthClientBody>,
) -> Reply {
    let tx = app.db.write().await?;
    let whole = service::update(&app, &tx, &actor, id.as_str(), settings(body)).await?;
    tx.commit().await?;
    ok(Document::new(document(&app, &actor, &here, &whole)?))
}

async fn delete(State(app): State<App>, Caller(actor): Caller, At(id): At<OauthClientId>) -> Reply {
    let tx = app.db.write().await?;
    service::delete(&tx, &actor, id.as_str()).await?;
    tx.commit().await?;
    no_content()
}

async fn share(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<OauthClientId>,
    Sent(body): Sent<Identifiers>,
) -> Reply {
    edit_projects(app, &actor, &id, body, true).await
}

async fn unshare(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<OauthClientId>,
    Sent(body): Sent<Identifiers>,
) -> Reply {
    edit_projects(app, &actor, &id, body, false).await
}

async fn edit_projects(app: App, actor: &Actor, id: &OauthClientId, body: Identifiers, may: bool) -> Reply {
    let ids: Vec<_> = body.data.into_iter().map(|it| it.id).collect();
    let tx = app.db.write().await?;
    service::share(&tx, actor, id.as_str(), &ids, may).await?;
    tx.commit().await?;
    no_content()
}

async fn tokens(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let all = service::tokens(&tx, &actor, &organization).await?;
    ok(here.page(all.iter().map(token_document).collect(), &query.page))
}

async fn tokens_of(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<OauthClientId>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let whole = service::read(&tx, &actor, id.as_str()).await?;
    ok(here.page(whole.tokens.iter().map(token_document).collect(), &query.page))
}

async fn show_token(State(app): State<App>, Caller(actor): Caller, At(id): At<OauthTokenId>) -> Reply {
    let tx = app.db.read().await?;
    ok(Document::new(token_document(&service::token(&tx, &actor, id.as_str()).await?)))
}

async fn update_token(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<OauthTokenId>,
    Sent(body): Sent<OauthTokenBody>,
) -> Reply {
    let key = body.into_parts().0.ssh_key;
    let tx = app.db.write().await?;
    let token = service::set_ssh_key(&app, &tx, &actor, id.as_str(), key.as_deref()).await?;
    tx.commit().await?;
    ok(Document::new(token_document(&token)))
}

async fn delete_token(State(app): State<App>, Caller(actor): Caller, At(id): At<OauthTokenId>) -> Reply {
    let tx = app.db.write().await?;
    service::delete_token(&tx, &actor, id.as_str()).await?;
    tx.commit().await?;
    no_content()
}

fn settings(body: OauthClientBody) -> Settings {
    let (wanted, OauthClientRequestRelationships { projects }) = body.into_parts();
    let OauthClientRequest { projects: beside, .. } = &wanted;
    let ids = |list: &[wire::Identifier]| list.iter().map(|it| it.id.clone()).collect();
    let projects = projects.map(|it| ids(&it.data)).or_else(|| (!beside.is_empty()).then(|| ids(beside)));
    Settings {
        name: wanted.name,
        service_provider: wanted.service_provider,
        http_url: wanted.http_url,
        api_url: wanted.api_url,
        token: wanted.oauth_token_string,
        ssh_key: wanted.private_key,
        key: wanted.key,
        secret: wanted.secret,
        rsa_public_key: wanted.rsa_public_key,
        organization_scoped: wanted.organization_scoped,
        projects,
    }
}

fn include<D>(wanted: &Include, whole: &Whole, answer: &mut Document<D>) {
    if wanted.has("oauth_tokens") {
        whole.tokens.iter().for_each(|token| answer.include(&token_document(token)));
    }
}

fn document(app: &App, actor: &Actor, here: &Here, whole: &Whole) -> Result<OauthClient, Problem> {
    let client = &whole.client;
    let provider = ServiceProvider::parse(&client.service_provider);
    let attributes = OauthClientAttributes {
        created_at: client.created_at.into(),
        name: client.name.clone(),
        service_provider: client.service_provider.clone(),
        service_provider_display_name: provider.map(|it| it.display_name().to_owned()).unwrap_or_default(),
        http_url: client.http_url.clone(),
        api_url: client.api_url.clone(),
        callback_url: None,
        connect_path: None,
        key: client.key.clone(),
        rsa_public_key: client.rsa_public_key.clone(),
        organization_scoped: client.organization_scoped,
        webhook_url: Some(format!("{}/webhooks/vcs/{}", here.origin, client.id)),
        webhook_secret: service::shown_hook_secret(app, actor, client)?,
    };
    let path = format!("/api/v2/oauth-clients/{}", client.id);
    let relationships = OauthClientRelationships {
        organization: ToOne::new(kind::ORGANIZATIONS, &whole.organization),
        oauth_tokens: ToMany::new(kind::OAUTH_TOKENS, whole.tokens.iter().map(|token| &token.id))
            .related(format!("{path}/oauth-tokens")),
        projects: ToMany::new(kind::PROJECTS, &whole.projects),
        agent_pool: ToOne::none(),
    };
    Ok(OauthClient::new(&client.id, attributes).related(relationships).linked("self", path))
}

fn token_document(token: &Token) -> OauthToken {
    let attributes = OauthTokenAttributes {
        created_at: token.created_at.into(),
        service_provider_user: None,
        has_ssh_key: token.has_ssh_key,
    };
    let relationships = OauthTokenRelationships { oauth_client: ToOne::new(kind::OAUTH_CLIENTS, &token.client_id) };
    OauthToken::new(&token.id, attributes)
        .related(relationships)
        .linked("self", format!("/api/v2/oauth-tokens/{}", token.id))
}
