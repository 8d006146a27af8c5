//! The HTTP side of repositories: the commit of a configuration, and how a workspace shows its repository.

use axum::extract::State;
use domain::id::{ConfigurationId, Id};
use domain::vcs::{Base, ServiceProvider};
use wire::ingress_attributes::{IngressAttributes, IngressAttributesAttributes};
use wire::workspaces::VcsRepo;

use super::Ingress;
use super::service::{self, Feed};
use crate::app::App;
use crate::edge::{At, Caller, Reply, Routes, ok};

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default().get("/configuration-versions/{id}/ingress-attributes", show)
}

async fn show(State(app): State<App>, Caller(actor): Caller, At(id): At<ConfigurationId>) -> Reply {
    let tx = app.db.read().await?;
    let ingress = service::ingress(&tx, &actor, id.as_str()).await?;
    ok(wire::Document::new(ingress_document(&ingress)))
}

/// The commit as the API shows it.
pub fn ingress_document(ingress: &Ingress) -> IngressAttributes {
    let event = ingress.event();
    let request = event.pull_request.as_ref();
    let attributes = IngressAttributesAttributes {
        branch: ingress.branch.clone(),
        clone_url: ingress.clone_url.clone(),
        commit_message: ingress.commit_message.clone(),
        commit_sha: ingress.commit_sha.clone(),
        commit_url: ingress.commit_url.clone(),
        compare_url: event.compare_url.clone(),
        identifier: ingress.identifier.clone(),
        is_pull_request: request.is_some(),
        on_default_branch: ingress.on_default_branch,
        pull_request_number: request.map(|it| it.number),
        pull_request_url: request.and_then(|it| it.url.clone()),
        pull_request_title: request.and_then(|it| it.title.clone()),
        pull_request_body: None,
        tag: ingress.tag.clone(),
        sender_username: event.sender.clone().or_else(|| Some(ingress.author.clone())),
        sender_avatar_url: None,
        sender_html_url: None,
    };
    let path = format!("/api/v2/ingress-attributes/{}", ingress.id);
    IngressAttributes::new(&ingress.id, attributes).linked("self", path)
}

/// The repository of a workspace as the workspace shows it.
pub fn vcs_repo(feed: &Feed) -> VcsRepo {
    let Feed { repository, client } = feed;
    let base = client.as_ref().and_then(|client| Base::parse(&client.http_url).ok());
    VcsRepo {
        branch: repository.branch.clone(),
        display_identifier: repository.identifier.clone(),
        identifier: repository.identifier.clone(),
        ingress_submodules: repository.ingress_submodules,
        oauth_token_id: Some(repository.oauth_token_id.clone()),
        github_app_installation_id: None,
        repository_http_url: base.and_then(|base| base.page(&repository.identifier)).unwrap_or_default(),
        service_provider: client
            .as_ref()
            .map_or(ServiceProvider::Github.as_str(), |client| &client.service_provider)
            .to_owned(),
        tags_regex: repository.tags_regex.clone(),
        webhook_url: None,
    }
}
