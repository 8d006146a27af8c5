//! Use cases of connections and their credentials.

use domain::Problem;
use domain::id::{OauthClientId, OauthTokenId};
use domain::vcs::{Base, ServiceProvider};

use super::store::{self, Model as Client, Token};
use crate::actor::{Action, Actor, On};
use crate::app::App;
use crate::git::Remote;
use crate::resources::organizations::{self, Organization};
use crate::resources::projects;
use crate::storage::Tx;

/// Longest token, key or secret in bytes.
const SECRET: usize = 16 * 1024;

/// A connection as somebody sends it; in an edit `None` leaves things as they are.
#[derive(Default, Clone)]
pub struct Settings {
    /// What people call it; the inner `None` clears it.
    pub name: Option<Option<String>>,
    /// Kind of host; only at creation.
    pub service_provider: Option<String>,
    /// Base URL of the host; only at creation.
    pub http_url: Option<String>,
    /// Base URL of its API; only at creation.
    pub api_url: Option<String>,
    /// The host's token.
    pub token: Option<String>,
    /// Private SSH key.
    pub ssh_key: Option<String>,
    /// Consumer key of Bitbucket.
    pub key: Option<String>,
    /// What webhooks of the host are signed with.
    pub secret: Option<String>,
    /// Public key of Bitbucket Data Center.
    pub rsa_public_key: Option<String>,
    /// Every project may use it.
    pub organization_scoped: Option<bool>,
    /// Ids of projects that may use it.
    pub projects: Option<Vec<String>>,
}

/// A connection with what belongs to it.
pub struct Whole {
    /// The connection.
    pub client: Client,
    /// Name of its organization.
    pub organization: String,
    /// Its credentials.
    pub tokens: Vec<Token>,
    /// Ids of projects that may use it.
    pub projects: Vec<String>,
}

/// Connects a host. The credentials are made with it.
///
/// # Errors
/// `oauth_client/address`, `oauth_client/provider`, `oauth_client/secret`, `git/local`, `project/not-found`.
pub async fn create(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    organization: &Organization,
    settings: Settings,
) -> Result<Whole, Problem> {
    actor.may(Action::ManageVcs, On::Organization(&organization.id))?;
    let provider = provider(settings.service_provider.as_deref())?;
    let base = Base::parse(settings.http_url.as_deref().unwrap_or_default())?;
    app.git.may_reach(&base)?;
    let now = app.ports.now();
    let id = app.ports.id::<OauthClientId>().to_string();
    let mut client = Client {
        organization_id: organization.id.clone(),
        name: None,
        service_provider: provider.as_str().into(),
        http_url: base.url(),
        api_url: settings.api_url.clone().unwrap_or_else(|| base.url()),
        key: None,
        rsa_public_key: None,
        secret: app.key.seal(&id, b"")?,
        organization_scoped: true,
        created_at: now,
        id,
    };
    let id = app.ports.id::<OauthTokenId>().to_string();
    let mut token = Token {
        client_id: client.id.clone(),
        organization_id: organization.id.clone(),
        value: app.key.seal(&value_of(&id), b"")?,
        ssh_key: app.key.seal(&key_of(&id), b"")?,
        has_ssh_key: false,
        created_at: now,
        id,
    };
    change(app, &mut client, &settings)?;
    set(app, &mut token, settings.token.as_deref(), settings.ssh_key.as_deref())?;
    store::insert(tx, &client).await?;
    store::insert_token(tx, &token).await?;
    edit_projects(tx, &client, settings.projects.as_deref().unwrap_or_default(), true).await?;
    whole(tx, client).await
}

/// One connection.
///
/// # Errors
/// `oauth_client/not-found`, also for who may not see it.
pub async fn read(tx: &Tx, actor: &Actor, id: &str) -> Result<Whole, Problem> {
    whole(tx, find(tx, actor, id, Action::ReadOrganization).await?).await
}

/// Connections of an organization, oldest first.
pub async fn list(tx: &Tx, actor: &Actor, organization: &Organization) -> Result<Vec<Whole>, Problem> {
    actor.may(Action::ReadOrganization, On::Organization(&organization.id))?;
    let mut all = Vec::new();
    for client in store::in_organization(tx, &organization.id).await? {
        all.push(whole(tx, client).await?);
    }
    Ok(all)
}

/// Changes a connection. Kind and address stay as they are: they are what its credentials are for.
///
/// # Errors
/// As [`create`].
pub async fn update(app: &App, tx: &Tx, actor: &Actor, id: &str, settings: Settings) -> Result<Whole, Problem> {
    let mut client = find(tx, actor, id, Action::ManageVcs).await?;
    change(app, &mut client, &settings)?;
    store::update(tx, &client).await?;
    if settings.token.is_some() || settings.ssh_key.is_some() {
        for mut token in store::tokens_of(tx, &client.id).await? {
            set(app, &mut token, settings.token.as_deref(), settings.ssh_key.as_deref())?;
            store::update_token(tx, &token).await?;
        }
    }
    if let Some(projects) = &settings.projects {
        edit_projects(tx, &client, projects, true).await?;
    }
    whole(tx, client).await
}

/// Ends a connection. Workspaces that read through it keep saying so; their next run says that it is gone.
///
/// # Errors
/// `oauth_client/not-found`.
pub async fn delete(tx: &Tx, actor: &Actor, id: &str) -> Result<(), Problem> {
    let client = find(tx, actor, id, Action::ManageVcs).await?;
    store::delete(tx, &client.id).await
}

/// Lets projects use a connection, or ends that.
///
/// # Errors
/// `oauth_client/not-found`, `project/not-found`.
pub async fn share(tx: &Tx, actor: &Actor, id: &str, projects: &[String], may: bool) -> Result<(), Problem> {
    let client = find(tx, actor, id, Action::ManageVcs).await?;
    edit_projects(tx, &client, projects, may).await
}

/// Credentials of an organization's connections.
pub async fn tokens(tx: &Tx, actor: &Actor, organization: &Organization) -> Result<Vec<Token>, Problem> {
    actor.may(Action::ReadOrganization, On::Organization(&organization.id))?;
    store::tokens_in(tx, &organization.id).await
}

/// The credentials of that id.
///
/// # Errors
/// `oauth_client/token-not-found`, also for who may not see them.
pub async fn token(tx: &Tx, actor: &Actor, id: &str) -> Result<Token, Problem> {
    find_token(tx, actor, id, Action::ReadOrganization).await
}

/// Sets or takes away the SSH key of credentials.
///
/// # Errors
/// `oauth_client/secret`.
pub async fn set_ssh_key(app: &App, tx: &Tx, actor: &Actor, id: &str, key: Option<&str>) -> Result<Token, Problem> {
    let mut token = find_token(tx, actor, id, Action::ManageVcs).await?;
    set(app, &mut token, None, key)?;
    store::update_token(tx, &token).await?;
    Ok(token)
}

/// Removes credentials.
///
/// # Errors
/// `oauth_client/token-not-found`.
pub async fn delete_token(tx: &Tx, actor: &Actor, id: &str) -> Result<(), Problem> {
    let token = find_token(tx, actor, id, Action::ManageVcs).await?;
    store::delete_token(tx, &token.id).await
}

/// The connection of credentials that a workspace of this project is about to use.
///
/// # Errors
/// `oauth_client/unknown-token` (422) when they are not there, or are not for this project.
pub async fn for_project(tx: &Tx, organization: &str, project: &str, token: &str) -> Result<Client, Problem> {
    let unknown = |message: String| {
        Problem::invalid("oauth_client/unknown-token", message)
            .advice("Give the id of an OAuth token of this organization, as the connection's oauth-tokens tell it.")
            .attribute("vcs-repo")
    };
    let found = client_of(tx, token).await?.filter(|it| it.organization_id == organization);
    let shown: String = token.chars().take(64).flat_map(char::escape_debug).collect();
    let client = found.ok_or_else(|| unknown(format!("There is no OAuth token \"{shown}\" in this organization.")))?;
    if !client.organization_scoped && !store::projects_of(tx, &client.id).await?.iter().any(|it| it == project) {
        return Err(unknown(format!("The connection of the OAuth token \"{shown}\" is not for this project.")));
    }
    Ok(client)
}

/// The connection of credentials; `None` when either is gone.
pub async fn client_of(tx: &Tx, token: &str) -> Result<Option<Client>, Problem> {
    match store::token(tx, token).await? {
        Some(token) => store::by_id(tx, &token.client_id).await,
        None => Ok(None),
    }
}

/// A repository at its host, with the credentials in clear; for git alone.
///
/// # Errors
/// `git/no-connection` when the connection is gone; `git/local` when its folder is not to be read any more.
pub async fn remote(app: &App, tx: &Tx, token: &str, identifier: &str) -> Result<(Client, Remote), Problem> {
    let gone = || {
        Problem::not_found("git/no-connection", "The connection that the repository was read through is gone.")
            .advice("Connect the workspace's vcs_repo through another OAuth token.")
    };
    let token = store::token(tx, token).await?.ok_or_else(gone)?;
    let client = store::by_id(tx, &token.client_id).await?.ok_or_else(gone)?;
    let provider = provider(Some(&client.service_provider))?;
    let base = Base::parse(&client.http_url)?;
    app.git.may_reach(&base)?;
    let remote = Remote {
        url: base.repository(provider, identifier),
        connection: token.id.clone(),
        base,
        user: provider.token_user(),
        token: clear(app, &value_of(&token.id), &token.value)?,
        ssh_key: clear(app, &key_of(&token.id), &token.ssh_key)?,
    };
    Ok((client, remote))
}

/// What webhooks of a connection are signed with: the secret that somebody gave it, or one of the server's own, which is made
/// of the server's key and stored nowhere.
///
/// # Errors
/// `storage/sealed`.
pub fn hook_secret(app: &App, client: &Client) -> Result<String, Problem> {
    let given = clear(app, &client.id, &client.secret)?;
    Ok(if given.is_empty() { own_hook_secret(app, client) } else { given })
}

/// The secret of webhooks for who may manage the connection; `None` for others, and where somebody gave a secret, who knows it.
///
/// # Errors
/// `storage/sealed`.
pub fn shown_hook_secret(app: &App, actor: &Actor, client: &Client) -> Result<Option<String>, Problem> {
    if !actor.can(Action::ManageVcs, On::Organization(&client.organization_id)) {
        return Ok(None);
    }
    let is_given = !clear(app, &client.id, &client.secret)?.is_empty();
    Ok((!is_given).then(|| own_hook_secret(app, client)))
}

fn own_hook_secret(app: &App, client: &Client) -> String {
    app.key.sign(&format!("webhook of {}", client.id))
}

fn provider(word: Option<&str>) -> Result<ServiceProvider, Problem> {
    word.and_then(ServiceProvider::parse).ok_or_else(|| {
        let known: Vec<_> = ServiceProvider::ALL.iter().map(|kind| kind.as_str()).collect();
        Problem::invalid("oauth_client/provider", "That is not a kind of host.")
            .advice(format!("Use the one that the host resembles, of: {}.", known.join(", ")))
            .attribute("service-provider")
    })
}

fn change(app: &App, client: &mut Client, settings: &Settings) -> Result<(), Problem> {
    if let Some(name) = &settings.name {
        client.name = name.clone().filter(|name| !name.is_empty());
    }
    if let Some(key) = &settings.key {
        client.key = Some(key.clone()).filter(|key| !key.is_empty());
    }
    if let Some(key) = &settings.rsa_public_key {
        client.rsa_public_key = Some(key.clone()).filter(|key| !key.is_empty());
    }
    if let Some(scoped) = settings.organization_scoped {
        client.organization_scoped = scoped;
    }
    if let Some(secret) = &settings.secret {
        if secret.len() > SECRET {
            return Err(refused("secret", "The secret is longer than 16 KB."));
        }
        client.secret = app.key.seal(&client.id, secret.as_bytes())?;
    }
    Ok(())
}

/// A line break in a token would be another line of what git is told.
fn set(app: &App, token: &mut Token, value: Option<&str>, ssh_key: Option<&str>) -> Result<(), Problem> {
    if let Some(value) = value {
        if value.len() > SECRET || value.chars().any(char::is_control) {
            return Err(refused("oauth-token-string", "The host's token has a line break in it, or is too long."));
        }
        token.value = app.key.seal(&value_of(&token.id), value.as_bytes())?;
    }
    if let Some(key) = ssh_key {
        if key.len() > SECRET || key.contains('\0') || (!key.is_empty() && !key.contains("PRIVATE KEY-----")) {
            return Err(refused("ssh-key", "The SSH key is not a private key in PEM or OpenSSH form."));
        }
        token.ssh_key = app.key.seal(&key_of(&token.id), key.as_bytes())?;
        token.has_ssh_key = !key.is_empty();
    }
    Ok(())
}

fn refused(attribute: &str, message: &str) -> Problem {
    Problem::invalid("oauth_client/secret", message).advice("Correct it and send it again.").attribute(attribute)
}

async fn edit_projects(tx: &Tx, client: &Client, projects: &[String], may: bool) -> Result<(), Problem> {
    for id in projects {
        let found = projects::by_id(tx, id).await?.filter(|it| it.organization_id == client.organization_id);
        match (found, may) {
            (Some(project), true) => store::add_project(tx, &client.id, &project.id).await?,
            (_, false) => store::remove_project(tx, &client.id, id).await?,
            (None, true) => {
                return Err(Problem::not_found("project/not-found", "There is no such project in this organization.")
                    .advice("Check the project's id."));
            }
        }
    }
    Ok(())
}

async fn whole(tx: &Tx, client: Client) -> Result<Whole, Problem> {
    let organization = organizations::by_id(tx, &client.organization_id).await?;
    Ok(Whole {
        organization: organization.map(|it| it.name).unwrap_or_default(),
        tokens: store::tokens_of(tx, &client.id).await?,
        projects: store::projects_of(tx, &client.id).await?,
        client,
    })
}

async fn find(tx: &Tx, actor: &Actor, id: &str, action: Action) -> Result<Client, Problem> {
    let found = store::by_id(tx, id).await?;
    found.filter(|it| actor.can(action, On::Organization(&it.organization_id))).ok_or_else(not_found)
}

/// There is no such connection, or not here.
pub(super) fn not_found() -> Problem {
    Problem::not_found("oauth_client/not-found", "There is no such connection, or this token may not see it.")
        .advice("Check its id, and use a token that may see it.")
}

async fn find_token(tx: &Tx, actor: &Actor, id: &str, action: Action) -> Result<Token, Problem> {
    let found = store::token(tx, id).await?;
    found.filter(|it| actor.can(action, On::Organization(&it.organization_id))).ok_or_else(|| {
        Problem::not_found(
            "oauth_client/token-not-found",
            "There is no such OAuth token, or this token may not see it.",
        )
        .advice("Check its id, and use a token that may see it.")
    })
}

/// What the host's token is sealed for.
fn value_of(id: &str) -> String {
    format!("{id}/value")
}

/// What the SSH key is sealed for.
fn key_of(id: &str) -> String {
    format!("{id}/ssh-key")
}

fn clear(app: &App, belongs_to: &str, sealed: &[u8]) -> Result<String, Problem> {
    let bytes = app.key.open_sealed(belongs_to, sealed)?;
    String::from_utf8(bytes)
        .map_err(|error| Problem::ours("oauth_client/secret", "A stored secret is not text.", error))
}
