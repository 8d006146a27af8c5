//! Tables and queries of teams and who belongs to them.

use std::collections::BTreeSet;

use domain::Problem;
use domain::roles::{Flag, OrganizationAccess};
use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder};

use crate::storage::{Stored, Tx};

/// One team.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "teams")]
pub struct Model {
    /// `team-…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Its organization.
    pub organization_id: String,
    /// Name, unique in the organization.
    pub name: String,
    /// `secret` or `organization`.
    pub visibility: String,
    /// Its id at the identity provider; kept for clients that set it.
    pub sso_team_id: Option<String>,
    /// Kept for clients that set it.
    pub allow_member_tokens: bool,
    /// Whether it owns the organization.
    pub is_owners: bool,
    /// Words of its organization-wide rights, with commas between them.
    pub flags: String,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What it may do in its whole organization. The owners have every right there is.
    pub fn access(&self) -> OrganizationAccess {
        if self.is_owners {
            return OrganizationAccess::all();
        }
        OrganizationAccess(self.flags.split(',').filter_map(Flag::parse).collect())
    }

    /// Sets that.
    pub fn set_access(&mut self, access: &OrganizationAccess) {
        let words: BTreeSet<_> = access.0.iter().map(|flag| flag.as_str()).collect();
        self.flags = words.into_iter().collect::<Vec<_>>().join(",");
    }
}

mod members {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "team_members")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub team_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// The team of that id.
pub async fn by_id(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.by_id::<Entity>(id).await
}

/// Teams of an organization by name.
pub async fn in_organization(tx: &Tx, organization: &str) -> Result<Vec<Model>, Problem> {
    let all = Entity::find().filter(Column::OrganizationId.eq(organization));
    all.order_by_asc(Column::Name).all(tx.db()).await.stored()
}

/// Adds one.
pub async fn insert(tx: &Tx, team: &Model) -> Result<(), Problem> {
    let row = team.clone().into_active_model().reset_all();
    Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Writes every column.
pub async fn update(tx: &Tx, team: &Model) -> Result<(), Problem> {
    tx.save(team.clone().into_active_model().reset_all()).await
}

/// Removes one and who belongs to it.
pub async fn delete(tx: &Tx, id: &str) -> Result<(), Problem> {
    members::Entity::delete_many().filter(members::Column::TeamId.eq(id)).exec(tx.db()).await.stored()?;
    Entity::delete_by_id(id).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Ids of the users that belong to a team.
pub async fn members_of(tx: &Tx, team: &str) -> Result<Vec<String>, Problem> {
    let rows = members::Entity::find().filter(members::Column::TeamId.eq(team));
    let rows = rows.order_by_asc(members::Column::UserId).all(tx.db()).await.stored()?;
    Ok(rows.into_iter().map(|row| row.user_id).collect())
}

/// The teams that a user belongs to.
pub async fn of_user(tx: &Tx, user: &str) -> Result<Vec<Model>, Problem> {
    let rows = members::Entity::find().filter(members::Column::UserId.eq(user)).all(tx.db()).await.stored()?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids = rows.into_iter().map(|row| row.team_id);
    Entity::find().filter(Column::Id.is_in(ids)).order_by_asc(Column::Name).all(tx.db()).await.stored()
}

/// Lets a user belong to a team.
pub async fn add_member(tx: &Tx, team: &str, user: &str) -> Result<(), Problem> {
    if members_of(tx, team).await?.iter().any(|it| it == user) {
        return Ok(());
    }
    let row = members::Model { team_id: team.into(), user_id: user.into() };
    members::Entity::insert(row.into_active_model()).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Ends that.
pub async fn remove_member(tx: &Tx, team: &str, user: &str) -> Result<(), Problem> {
    members::Entity::delete_by_id((team.to_owned(), user.to_owned())).exec(tx.db()).await.stored()?;
    Ok(())
}
