//! Whether the whole audit log is as it was written.

use domain::Problem;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::chain::{self, Broken, Checked, Column, Entity, SERVER};
use crate::storage::{Key, Tx};

/// Looks at every row of every chain, and for chains that are gone as a whole.
///
/// # Errors
/// `storage/unavailable`.
pub async fn verify(tx: &Tx, key: &Key) -> Result<Vec<Checked>, Problem> {
    let mut all = with_rows(tx).await?;
    all.extend(chain::heads(tx).await?.into_iter().map(|head| head.id));
    all.extend(begun(tx).await?);
    if !all.is_empty() {
        all.push(SERVER.to_owned());
    }
    all.sort();
    all.dedup();
    let mut checked = Vec::with_capacity(all.len());
    for chain in all {
        let mut one = chain::check(tx, key, &chain).await?;
        // There is no chain without a row.
        if one.rows == 0 && one.broken.is_none() {
            one.broken = Some(Broken { number: 1, at: None, why: "The whole log is missing.".to_owned() });
        }
        checked.push(one);
    }
    Ok(checked)
}

/// The chains that the server's own says were begun.
async fn begun(tx: &Tx) -> Result<Vec<String>, Problem> {
    let all = Entity::find().filter(Column::Chain.eq(SERVER)).filter(Column::Action.eq("audit.begin"));
    tx.texts(all, Column::ObjectId).await
}

/// Every chain that has a row.
async fn with_rows(tx: &Tx) -> Result<Vec<String>, Problem> {
    tx.texts(Entity::find().distinct(), Column::Chain).await
}
