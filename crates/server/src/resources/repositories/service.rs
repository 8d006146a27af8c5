//! Use cases of repositories that feed workspaces.

use domain::Problem;
use domain::id::IngressId;
use domain::vcs::{Base, ServiceProvider, branch, identifier};
use serde_json::json;

use super::store::{self, Event, Fetch, Ingress, Repository};
use crate::actor::Actor;
use crate::app::App;
use crate::git::{Fetched, Head, Want};
use crate::resources::oauth_clients::{self, Client};
use crate::resources::workspaces::Workspace;
use crate::resources::{configurations, runs, users};
use crate::storage::Tx;

/// A repository as somebody sends it; what is `None` stays as it is.
#[derive(Debug, Default, Clone)]
pub struct Settings {
    /// `owner/name`.
    pub identifier: Option<String>,
    /// Branch; empty for the default one.
    pub branch: Option<String>,
    /// Tags that start a run; empty for none.
    pub tags_regex: Option<String>,
    /// Submodules come along.
    pub submodules: Option<bool>,
    /// Id of the credentials.
    pub oauth_token: Option<String>,
}

/// A repository with its connection, as it is shown.
pub struct Feed {
    /// The repository.
    pub repository: Repository,
    /// The connection; none when it is gone.
    pub client: Option<Client>,
}

/// Longest regular expression for tags in bytes.
const REGEX: usize = 512;

/// Connects a workspace to a repository, or takes its repository away. Who may, the workspace has asked.
///
/// # Errors
/// `repository/…`, `oauth_client/unknown-token`.
pub async fn connect(tx: &Tx, workspace: &Workspace, settings: Option<Settings>) -> Result<(), Problem> {
    let Some(settings) = settings else { return store::remove(tx, &workspace.id).await };
    let before = store::of(tx, &workspace.id).await?;
    let missing = |what: &str| {
        Problem::invalid("repository/incomplete", format!("The workspace's repository has no {what}."))
            .advice("Give identifier and oauth-token-id together.")
            .attribute("vcs-repo")
    };
    let token = settings.oauth_token.or_else(|| before.as_ref().map(|it| it.oauth_token_id.clone()));
    let token = token.filter(|token| !token.is_empty()).ok_or_else(|| missing("OAuth token"))?;
    let name = settings.identifier.or_else(|| before.as_ref().map(|it| it.identifier.clone()));
    let name = name.filter(|name| !name.is_empty()).ok_or_else(|| missing("identifier"))?;
    let tags = settings.tags_regex.or_else(|| before.as_ref().and_then(|it| it.tags_regex.clone()));
    let repository = Repository {
        workspace_id: workspace.id.clone(),
        identifier: identifier(&name)?.to_owned(),
        branch: branch(
            &settings.branch.unwrap_or_else(|| before.as_ref().map(|it| it.branch.clone()).unwrap_or_default()),
        )?
        .to_owned(),
        tags_regex: tags.filter(|regex| !regex.is_empty()).map(checked).transpose()?,
        ingress_submodules: settings.submodules.or(before.map(|it| it.ingress_submodules)).unwrap_or(false),
        oauth_token_id: token,
    };
    oauth_clients::service::for_project(
        tx,
        &workspace.organization_id,
        &workspace.project_id,
        &repository.oauth_token_id,
    )
    .await?;
    store::put(tx, &repository).await
}

/// Starts the first run of a workspace that was just made, if it is one that starts runs by itself.
///
/// # Errors
/// Those of a run that is started.
pub async fn first_run(app: &App, tx: &Tx, actor: &Actor, workspace: &Workspace) -> Result<bool, Problem> {
    let feeds = store::of(tx, &workspace.id).await?.is_some();
    if !feeds || !workspace.queue_all_runs || workspace.execution_mode == "local" {
        return Ok(false);
    }
    let actor = match actor {
        Actor::User(user) if user.admin => actor.clone(),
        // Whoever may make workspaces need not be one who may start runs: that is the workspace's own doing.
        _ => {
            let owner = users::service::owner(app, tx).await?;
            Actor::admin(owner.id, owner.username)
        }
    };
    let new = runs::service::New {
        message: Some(String::new()),
        source: "tfe-configuration-version".into(),
        event: Some(Event::default()),
        ..runs::service::New::default()
    };
    runs::service::create(app, tx, &actor, &workspace.id, new).await?;
    Ok(true)
}

/// Notes what a run waits for.
pub async fn ask(app: &App, tx: &Tx, repository: &Repository, run: &str, event: &Event) -> Result<(), Problem> {
    let fetch = Fetch {
        run_id: run.to_owned(),
        workspace_id: repository.workspace_id.clone(),
        oauth_token_id: repository.oauth_token_id.clone(),
        identifier: repository.identifier.clone(),
        branch: repository.branch.clone(),
        submodules: repository.ingress_submodules,
        event: json!(event),
        created_at: app.ports.now(),
    };
    store::insert_fetch(tx, &fetch).await
}

/// Which commit a fetch is for.
pub fn want(fetch: &Fetch) -> Want {
    let event = fetch.event();
    match (event.pull_request, event.tag, event.commit) {
        (Some(request), _, Some(sha)) => {
            let branch = request.reference.strip_prefix("refs/heads/").unwrap_or_default().to_owned();
            Want::Commit { sha, branch }
        }
        (Some(request), _, None) => Want::Reference(request.reference),
        (None, Some(tag), _) => Want::Tag(tag),
        (None, None, Some(sha)) => Want::Commit { sha, branch: fetch.branch.clone() },
        (None, None, None) => Want::Branch(fetch.branch.clone()),
    }
}

/// The configuration that came from the same commit before, if it can be used again.
pub async fn known(tx: &Tx, fetch: &Fetch, head: &Head) -> Result<Option<String>, Problem> {
    let is_request = fetch.event().pull_request.is_some();
    for ingress in store::ingress_of_commit(tx, &fetch.workspace_id, &head.sha).await? {
        let same = ingress.identifier == fetch.identifier
            && ingress.oauth_token_id == fetch.oauth_token_id
            && ingress.submodules == fetch.submodules
            && ingress.branch == head.branch
            && ingress.tag == head.tag
            && ingress.event().pull_request.is_some() == is_request;
        if same
            && let Some(configuration) = configurations::by_id(tx, &ingress.configuration_id).await?
            && configuration.is(configurations::Status::Uploaded)
        {
            return Ok(Some(configuration.id));
        }
    }
    Ok(None)
}

/// Makes a configuration of a commit that was fetched and stored.
pub async fn take(
    app: &App,
    tx: &Tx,
    client: &Client,
    fetch: &Fetch,
    head: &Head,
    fetched: &Fetched,
    object: String,
) -> Result<String, Problem> {
    let provider = ServiceProvider::parse(&client.service_provider).unwrap_or(ServiceProvider::Github);
    let base = Base::parse(&client.http_url)?;
    let new = configurations::service::New {
        auto_queue_runs: false,
        speculative: fetch.event().pull_request.is_some(),
        provisional: false,
        source: provider.configuration_source().into(),
    };
    let configuration = configurations::service::fetched(app, tx, &fetch.workspace_id, new, object).await?;
    let ingress = Ingress {
        id: app.ports.id::<IngressId>().to_string(),
        configuration_id: configuration.id.clone(),
        workspace_id: fetch.workspace_id.clone(),
        oauth_token_id: fetch.oauth_token_id.clone(),
        identifier: fetch.identifier.clone(),
        branch: head.branch.clone(),
        tag: head.tag.clone(),
        on_default_branch: head.is_default,
        submodules: fetch.submodules,
        commit_sha: head.sha.clone(),
        commit_message: fetched.message.clone(),
        commit_url: base.commit_page(provider, &fetch.identifier, &head.sha),
        clone_url: base.repository(provider, &fetch.identifier),
        author: fetched.author.clone(),
        event: fetch.event.clone(),
        created_at: app.ports.now(),
    };
    store::insert_ingress(tx, &ingress).await?;
    Ok(configuration.id)
}

/// The commit of a configuration.
///
/// # Errors
/// `configuration/not-found`, also for one that somebody uploaded, and for who may not see it.
pub async fn ingress(tx: &Tx, actor: &Actor, configuration: &str) -> Result<Ingress, Problem> {
    let configuration = configurations::service::read(tx, actor, configuration).await?;
    store::ingress_of(tx, &configuration.id).await?.ok_or_else(|| {
        Problem::not_found("repository/no-commit", "This configuration version came from no commit.")
            .advice("Somebody uploaded it; there is nothing more to know.")
    })
}

/// The commit for the environment of a run, under the names that HCP Terraform gives it.
pub async fn environment(tx: &Tx, configuration: &str) -> Result<Vec<(String, String)>, Problem> {
    let Some(ingress) = store::ingress_of(tx, configuration).await? else { return Ok(Vec::new()) };
    let named = |name: &str, value: String| (format!("TFC_CONFIGURATION_VERSION_GIT_{name}"), value);
    Ok(vec![
        named("BRANCH", ingress.branch),
        named("COMMIT_SHA", ingress.commit_sha),
        named("TAG", ingress.tag.unwrap_or_default()),
    ])
}

/// The repository of a workspace with its connection.
pub async fn feed(tx: &Tx, workspace: &str) -> Result<Option<Feed>, Problem> {
    match store::of(tx, workspace).await? {
        Some(repository) => {
            let client = oauth_clients::service::client_of(tx, &repository.oauth_token_id).await?;
            Ok(Some(Feed { repository, client }))
        }
        None => Ok(None),
    }
}

fn checked(regex: String) -> Result<String, Problem> {
    if regex.len() <= REGEX && regex::Regex::new(&regex).is_ok() {
        return Ok(regex);
    }
    Err(Problem::invalid("repository/tags-regex", "The tags' regular expression cannot be read.")
        .advice("Correct it, such as ^v[0-9]+, or leave it empty.")
        .attribute("vcs-repo"))
}
