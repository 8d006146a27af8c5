//! `/organizations`: the HTTP side of organizations.

use axum::extract::State;
use axum::response::Response;
use domain::Problem;
use wire::entitlement_sets::{EntitlementSet, EntitlementSetAttributes};
use wire::organizations::{
    Organization as Document, OrganizationAttributes, OrganizationBody, OrganizationPermissions,
    OrganizationRelationships, OrganizationRequest,
};
use wire::query::ListQuery;
use wire::words::ExecutionMode;
use wire::{Linked, ToOne, kind};

use super::Organization;
use super::service::{self, Edit, New};
use crate::actor::{Action, Actor, On};
use crate::app::App;
use crate::edge::{At, Caller, Failure, Here, Name, Query, Reply, Routes, Sent, created, no_content, ok};
use crate::resources::projects;
use crate::storage::Tx;

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default()
        .get("/organizations", list)
        .post("/organizations", create)
        .get("/organizations/{organization}", show)
        .patch("/organizations/{organization}", update)
        .delete("/organizations/{organization}", delete)
        .get("/organizations/{organization}/entitlement-set", entitlements)
}

async fn list(State(app): State<App>, Caller(actor): Caller, here: Here, Query(query): Query<ListQuery>) -> Reply {
    let tx = app.db.read().await?;
    let mut all = service::list(&tx, &actor).await?;
    let contains = |text: &str, part: &Option<String>| {
        part.as_ref().is_none_or(|part| text.to_lowercase().contains(&part.to_lowercase()))
    };
    all.retain(|it| {
        contains(&it.name, &query.q.name)
            && contains(&it.email, &query.q.email)
            && contains(&it.name, &query.q.anywhere)
    });
    let mut documents = Vec::with_capacity(all.len());
    for organization in &all {
        documents.push(document(&tx, &actor, organization).await?);
    }
    if query.page.is_absent() {
        return ok(wire::Document::new(documents));
    }
    ok(here.page(documents, &query.page))
}

async fn create(State(app): State<App>, Caller(actor): Caller, Sent(body): Sent<OrganizationBody>) -> Reply {
    let (wanted, _) = body.into_parts();
    supported(&wanted)?;
    let missing = |what: &str| {
        Problem::invalid("organization/incomplete", format!("The organization has no {what}."))
            .advice("An organization needs a name and an email.")
            .attribute(what)
    };
    let name = wanted.name.ok_or_else(|| missing("name"))?;
    let email = wanted.email.ok_or_else(|| missing("email"))?;
    let tx = app.db.write().await?;
    let organization = service::create(&app, &tx, &actor, New { name, email }).await?;
    let document = document(&tx, &actor, &organization).await?;
    tx.commit().await?;
    created(wire::Document::new(document))
}

async fn show(State(app): State<App>, Caller(actor): Caller, At(name): At<Name>) -> Reply {
    let tx = app.db.read().await?;
    let organization = service::read(&tx, &actor, &name.0).await?;
    ok(wire::Document::new(document(&tx, &actor, &organization).await?))
}

async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    Sent(body): Sent<OrganizationBody>,
) -> Reply {
    let (wanted, _) = body.into_parts();
    supported(&wanted)?;
    let tx = app.db.write().await?;
    let edit = Edit { name: wanted.name, email: wanted.email, run_limit: None };
    let organization = service::update(&tx, &actor, &name.0, edit).await?;
    let document = document(&tx, &actor, &organization).await?;
    tx.commit().await?;
    ok(wire::Document::new(document))
}

async fn delete(State(app): State<App>, Caller(actor): Caller, At(name): At<Name>) -> Result<Response, Failure> {
    let tx = app.db.write().await?;
    service::delete(&tx, &actor, &name.0).await?;
    tx.commit().await?;
    no_content()
}

async fn entitlements(State(app): State<App>, Caller(actor): Caller, At(name): At<Name>) -> Reply {
    let tx = app.db.read().await?;
    let organization = service::read(&tx, &actor, &name.0).await?;
    ok(wire::Document::new(EntitlementSet::new(&organization.id, entitled())))
}

/// What there is of the API here. `operations` is the one that matters: without it the CLI runs everything locally.
fn entitled() -> EntitlementSetAttributes {
    EntitlementSetAttributes {
        operations: true,
        state_storage: true,
        teams: true,
        ..EntitlementSetAttributes::default()
    }
}

/// An organization as the API shows it.
pub async fn document(tx: &Tx, actor: &Actor, organization: &Organization) -> Result<Document, Problem> {
    let project = projects::service::default_of(tx, &organization.id).await?;
    let may = |action| actor.can(action, On::Organization(&organization.id));
    let in_default = |action| actor.can(action, projects::service::on(&project));
    let manage = may(Action::ManageOrganization);
    let attributes = OrganizationAttributes {
        name: organization.name.clone(),
        external_id: organization.id.clone(),
        email: organization.email.clone(),
        created_at: organization.created_at.into(),
        default_execution_mode: ExecutionMode::Remote,
        collaborator_auth_policy: "password".into(),
        allow_force_delete_workspaces: true,
        permissions: OrganizationPermissions {
            can_update: manage,
            can_destroy: manage,
            can_access_via_teams: true,
            can_create_team: may(Action::CreateTeam),
            can_create_workspace: in_default(Action::CreateWorkspace),
            can_create_project: may(Action::CreateProject),
            can_update_api_token: may(Action::ManageOrganizationToken),
            can_update_oauth: may(Action::ManageVcs),
            can_manage_users: may(Action::ManageMembership),
            can_manage_tags: may(Action::ManageVariableSets),
            can_manage_varsets: may(Action::ManageVariableSets),
            can_read_varsets: may(Action::ReadVariableSets),
            can_traverse: may(Action::ReadOrganization),
            ..OrganizationPermissions::default()
        },
        ..OrganizationAttributes::default()
    };
    let path = format!("/api/v2/organizations/{}", organization.name);
    let relationships = OrganizationRelationships {
        default_project: ToOne::new(kind::PROJECTS, &project.id),
        entitlement_set: ToOne::new(kind::ENTITLEMENT_SETS, &organization.id)
            .related(format!("{path}/entitlement-set")),
        authentication_token: Linked::related(format!("{path}/authentication-token")),
        ..OrganizationRelationships::default()
    };
    Ok(Document::new(&organization.name, attributes).related(relationships).linked("self", path))
}

fn supported(wanted: &OrganizationRequest) -> Result<(), Problem> {
    if wanted.default_execution_mode.is_some_and(|mode| mode != ExecutionMode::Remote) {
        return Err(Problem::invalid("organization/setting", "New workspaces run on the server here, by default.")
            .advice("Set the execution mode of single workspaces instead.")
            .attribute("default-execution-mode"));
    }
    Ok(())
}
