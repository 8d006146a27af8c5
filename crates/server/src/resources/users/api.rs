//! `/account`, `/users` and `/admin/users`: the HTTP side of users.

use axum::extract::State;
use domain::Problem;
use domain::id::{Id, UserId};
use wire::query::AdminUsersQuery;
use wire::users::{
    AccountBody, AdminUser, AdminUserAttributes, AdminUserRelationships, PasswordBody, TwoFactor, User as Document,
    UserAttributes, UserPermissions, UserRelationships,
};
use wire::{Linked, ToMany, ToOne, kind};

use super::{User, account, service};
use crate::actor::{Action, Actor, On};
use crate::app::App;
use crate::edge::{At, Caller, Here, Query, Reply, Routes, Sent, no_content, ok};
use crate::resources::{memberships, organizations};
use crate::storage::Tx;

/// Routes of this room.
pub fn routes() -> Routes {
    const ONE: &str = "/admin/users/{id}";
    let action = |word: &str| format!("{ONE}/actions/{word}");
    Routes::default()
        .get("/account/details", own)
        .patch("/account/update", update)
        .patch("/account/password", set_password)
        .get("/users/{id}", show)
        .get("/admin/users", list)
        .delete(ONE, delete)
        .post(&action("suspend"), suspend)
        .post(&action("unsuspend"), unsuspend)
        .post(&action("grant_admin"), grant_admin)
        .post(&action("revoke_admin"), revoke_admin)
}

async fn own(State(app): State<App>, Caller(actor): Caller) -> Reply {
    // A run has no account.
    actor.may(Action::ReadOrganization, On::Server)?;
    let tx = app.db.read().await?;
    let user = service::user(&tx, actor.user().unwrap_or_default()).await?;
    let mut document = document(&actor, &user);
    let stands_for = match &actor {
        Actor::Team(team) => ToOne::new(kind::TEAMS, &team.id),
        Actor::Organization { organization, .. } => {
            ToOne::maybe(kind::ORGANIZATIONS, organizations::by_id(&tx, organization).await?.map(|it| it.name))
        }
        _ => ToOne::new(kind::USERS, &user.id),
    };
    document.relationships = Some(UserRelationships { authenticated_resource: stands_for, ..of(&user) });
    ok(wire::Document::new(document))
}

async fn update(State(app): State<App>, Caller(actor): Caller, Sent(body): Sent<AccountBody>) -> Reply {
    let (wanted, _) = body.into_parts();
    let tx = app.db.write().await?;
    let user = account::update(&tx, &actor, wanted.username.as_deref(), wanted.email.as_deref()).await?;
    tx.commit().await?;
    ok(wire::Document::new(document(&actor, &user)))
}

async fn set_password(State(app): State<App>, Caller(actor): Caller, Sent(body): Sent<PasswordBody>) -> Reply {
    let (wanted, _) = body.into_parts();
    if wanted.password != wanted.password_confirmation {
        return Err(Problem::invalid("user/password-again", "The new password was typed in two ways.")
            .advice("Give the same one as password and as password_confirmation.")
            .attribute("password_confirmation")
            .into());
    }
    let password = account::new_password(&app, &actor, &wanted.current_password, &wanted.password).await?;
    let tx = app.db.write().await?;
    account::set_password(&app, &tx, &actor, password, None).await?;
    let user = account::own(&tx, &actor).await?;
    tx.commit().await?;
    ok(wire::Document::new(document(&actor, &user)))
}

async fn show(State(app): State<App>, Caller(actor): Caller, At(id): At<UserId>) -> Reply {
    let tx = app.db.read().await?;
    let user = service::read(&tx, &actor, id.as_str()).await?;
    ok(wire::Document::new(document(&actor, &user)))
}

async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    here: Here,
    Query(query): Query<AdminUsersQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let mut all = service::list(&tx, &actor).await?;
    let part = query.q.anywhere.unwrap_or_default().to_lowercase();
    let fits = |wanted: &Option<String>, is: bool| match wanted.as_deref() {
        Some("true") => is,
        Some("false") => !is,
        _ => true,
    };
    all.retain(|user| {
        fits(&query.filter.admin, user.is_admin)
            && fits(&query.filter.suspended, user.is_suspended())
            && (user.username.to_lowercase().contains(&part) || user.email.to_lowercase().contains(&part))
    });
    let (chosen, pagination) = here.cut(all, &query.page);
    let mut documents = Vec::with_capacity(chosen.len());
    for user in &chosen {
        documents.push(for_admin(&tx, user).await?);
    }
    ok(here.paged(documents, pagination))
}

async fn delete(State(app): State<App>, Caller(actor): Caller, At(id): At<UserId>) -> Reply {
    let tx = app.db.write().await?;
    service::delete(&tx, &actor, id.as_str()).await?;
    tx.commit().await?;
    no_content()
}

macro_rules! actions {
    ($($name:ident = |$tx:ident, $actor:ident, $id:ident| $act:expr;)*) => {$(
        async fn $name(State(app): State<App>, Caller(actor): Caller, At(id): At<UserId>) -> Reply {
            let tx = app.db.write().await?;
            let ($tx, $actor, $id) = (&tx, &actor, id.as_str());
            let user = $act.await?;
            let document = for_admin(&tx, &user).await?;
            tx.commit().await?;
            ok(wire::Document::new(document))
        }
    )*};
}

actions! {
    suspend = |tx, actor, id| service::suspend(tx, actor, id);
    unsuspend = |tx, actor, id| service::unsuspend(tx, actor, id);
    grant_admin = |tx, actor, id| service::set_admin(tx, actor, id, true);
    revoke_admin = |tx, actor, id| service::set_admin(tx, actor, id, false);
}

/// A user as the API shows it; the address is for themselves and for administrators of the site.
pub fn document(actor: &Actor, user: &User) -> Document {
    let is_own = actor.user() == Some(&user.id);
    let is_person = user.speaks_for.is_none();
    let attributes = UserAttributes {
        username: user.username.clone(),
        email: (is_own || actor.is_admin()).then(|| user.email.clone()),
        is_service_account: !is_person,
        auth_method: "tfc".into(),
        v2_only: true,
        two_factor: TwoFactor::all(false),
        permissions: UserPermissions {
            can_create_organizations: is_own && actor.is_admin(),
            can_change_email: is_own && is_person,
            can_change_username: is_own && is_person,
            can_manage_user_tokens: is_own && is_person,
            ..UserPermissions::default()
        },
        ..UserAttributes::default()
    };
    Document::new(&user.id, attributes).related(of(user)).linked("self", format!("/api/v2/users/{}", user.id))
}

fn of(user: &User) -> UserRelationships {
    UserRelationships {
        authentication_tokens: Linked::related(format!("/api/v2/users/{}/authentication-tokens", user.id)),
        authenticated_resource: ToOne::new(kind::USERS, &user.id),
    }
}

async fn for_admin(tx: &Tx, user: &User) -> Result<AdminUser, Problem> {
    let mut names = Vec::new();
    for id in memberships::service::organizations_of(tx, &user.id).await? {
        names.extend(organizations::by_id(tx, &id).await?.map(|it| it.name));
    }
    let attributes = AdminUserAttributes {
        username: user.username.clone(),
        email: user.email.clone(),
        avatar_url: None,
        is_admin: user.is_admin,
        is_suspended: user.is_suspended(),
        is_service_account: false,
    };
    let relationships = AdminUserRelationships { organizations: ToMany::new(kind::ORGANIZATIONS, names) };
    let path = format!("/api/v2/users/{}", user.id);
    Ok(AdminUser::new(&user.id, attributes).related(relationships).linked("self", path))
}
