//! Tags of a workspace. Flat tags and bindings of a key to a value are one set: the CLI looks for each of its tags in both
//! lists, and sends what it does not find again with every command.

use axum::extract::State;
use domain::Problem;
use domain::id::{Id, WorkspaceId};
use wire::query::ListQuery;
use wire::tag_bindings::{
    EffectiveTagBinding, EffectiveTagBindingAttributes, TagBinding, TagBindingAttributes, TagBindingItem,
};
use wire::tags::{Tag as TagDocument, TagAttributes, TagItem, TagItems, TagRelationships};
use wire::workspaces::WorkspaceRequestRelationships;
use wire::{Document, Items, ToOne, kind};

use super::super::{Tag, Workspace, in_organization, service, tags_of_all};
use crate::app::App;
use crate::edge::{At, Caller, Here, Query, Reply, Routes, Sent, no_content, ok};
use crate::resources::organizations;

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/workspaces/{id}/tag-bindings", bindings)
        .patch("/workspaces/{id}/tag-bindings", add_bindings)
        .get("/workspaces/{id}/relationships/tag-bindings", bindings)
        .patch("/workspaces/{id}/relationships/tag-bindings", replace_bindings)
        .get("/workspaces/{id}/effective-tag-bindings", effective)
        .get("/workspaces/{id}/relationships/tags", list)
        .post("/workspaces/{id}/relationships/tags", add)
        .delete("/workspaces/{id}/relationships/tags", remove)
}

async fn bindings(State(app): State<App>, Caller(actor): Caller, At(id): At<WorkspaceId>) -> Reply {
    let tx = app.db.read().await?;
    let tags = service::tags_of(&tx, &actor, id.as_str()).await?;
    ok(Document::new(documents(id.as_str(), &tags)))
}

async fn add_bindings(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<WorkspaceId>,
    Sent(body): Sent<Items<TagBindingItem>>,
) -> Reply {
    let tx = app.db.write().await?;
    let tags = service::add_tags(&tx, &actor, id.as_str(), &of_items(&body)).await?;
    tx.commit().await?;
    ok(Document::new(documents(id.as_str(), &tags)))
}

async fn replace_bindings(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<WorkspaceId>,
    Sent(body): Sent<Items<TagBindingItem>>,
) -> Reply {
    let tx = app.db.write().await?;
    service::replace_tags(&tx, &actor, id.as_str(), &of_items(&body)).await?;
    tx.commit().await?;
    no_content()
}

async fn effective(State(app): State<App>, Caller(actor): Caller, At(id): At<WorkspaceId>) -> Reply {
    let tx = app.db.read().await?;
    let workspace = service::read(&tx, &actor, id.as_str()).await?;
    let tags = service::tags_of(&tx, &actor, id.as_str()).await?;
    ok(Document::new(effective_documents(&workspace, &tags)))
}

async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<WorkspaceId>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let workspace = service::read(&tx, &actor, id.as_str()).await?;
    let organization = organizations::by_id(&tx, &workspace.organization_id).await?.map(|it| it.name);
    let everywhere: Vec<_> =
        in_organization(&tx, &workspace.organization_id).await?.into_iter().map(|it| it.id).collect();
    let everywhere = tags_of_all(&tx, &everywhere).await?;
    let mut tags = service::tags_of(&tx, &actor, id.as_str()).await?;
    tags.retain(|tag| tag.value.is_none());
    let documents = tags
        .iter()
        .map(|tag| {
            let attributes = TagAttributes {
                name: tag.key.clone(),
                created_at: workspace.created_at.into(),
                instance_count: everywhere.iter().filter(|(_, other)| other == tag).count() as u64,
            };
            let relationships =
                TagRelationships { organization: ToOne::maybe(kind::ORGANIZATIONS, organization.as_ref()) };
            TagDocument::new(format!("tag-{}", hex::encode(&tag.key)), attributes).related(relationships)
        })
        .collect();
    ok(here.page(documents, &query.page))
}

async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<WorkspaceId>,
    Sent(body): Sent<TagItems>,
) -> Reply {
    let mut tags = Vec::new();
    for name in names(&body)? {
        tags.push(Tag { key: name, value: None });
    }
    let tx = app.db.write().await?;
    service::add_tags(&tx, &actor, id.as_str(), &tags).await?;
    tx.commit().await?;
    no_content()
}

async fn remove(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<WorkspaceId>,
    Sent(body): Sent<TagItems>,
) -> Reply {
    let names = names(&body)?;
    let tx = app.db.write().await?;
    service::remove_tags(&tx, &actor, id.as_str(), &names).await?;
    tx.commit().await?;
    no_content()
}

/// Flat tags and bindings that a create or an update carries.
pub(super) fn of_request(relationships: &WorkspaceRequestRelationships) -> Vec<Tag> {
    let flat = relationships.tags.iter().flat_map(|tags| &tags.data).filter_map(name);
    let mut tags: Vec<_> = flat.map(|key| Tag { key, value: None }).collect();
    tags.extend(relationships.tag_bindings.iter().flat_map(of_items));
    tags
}

/// Bindings as the workspace's effective ones; projects have none to inherit.
pub(super) fn effective_documents(workspace: &Workspace, tags: &[Tag]) -> Vec<EffectiveTagBinding> {
    let document = |tag: &Tag| {
        let attributes = EffectiveTagBindingAttributes(attributes(tag));
        EffectiveTagBinding::new(binding_id(&workspace.id, tag), attributes)
    };
    tags.iter().map(document).collect()
}

fn documents(workspace: &str, tags: &[Tag]) -> Vec<TagBinding> {
    tags.iter().map(|tag| TagBinding::new(binding_id(workspace, tag), attributes(tag))).collect()
}

fn attributes(tag: &Tag) -> TagBindingAttributes {
    TagBindingAttributes { key: tag.key.clone(), value: tag.value.clone().unwrap_or_default() }
}

fn of_items(items: &Items<TagBindingItem>) -> Vec<Tag> {
    let tag = |item: &TagBindingItem| Tag {
        key: item.attributes.key.clone(),
        value: Some(item.attributes.value.clone()).filter(|value| !value.is_empty()),
    };
    items.data.iter().map(tag).collect()
}

fn names(items: &TagItems) -> Result<Vec<String>, Problem> {
    let missing = || Problem::invalid("tag/name", "A tag has neither a name nor a known id.").advice("Name the tag.");
    items.data.iter().map(|item| name(item).ok_or_else(missing)).collect()
}

/// Tags have no row of their own: the id of a tag is its name, spelled so that it fits into a path.
fn name(item: &TagItem) -> Option<String> {
    let of_id = |id: &str| String::from_utf8(hex::decode(id.strip_prefix("tag-")?).ok()?).ok();
    item.name().map(str::to_owned).or_else(|| item.id().and_then(of_id))
}

fn binding_id(workspace: &str, tag: &Tag) -> String {
    let workspace = workspace.strip_prefix("ws-").unwrap_or(workspace);
    format!("tb-{workspace}{}", hex::encode(&tag.key))
}
