//! Queries of the audit log.

use chrono::{DateTime, Utc};
use domain::Problem;
use sea_orm::sea_query::{Expr, ExprTrait, Func, LikeExpr};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::service::Wanted;
use crate::storage::audit::{Column, Entity, Row};
use crate::storage::{Stored, Tx};

/// Rows of a chain, and how many there are in all.
pub(super) async fn list(tx: &Tx, chain: &str, wanted: &Wanted) -> Result<(Vec<Row>, u64), Problem> {
    let all = of(chain, wanted);
    let total = all.clone().count(tx.db()).await.stored()?;
    let ordered = match wanted.newest_first {
        true => all.order_by_desc(Column::Number),
        false => all.order_by_asc(Column::Number),
    };
    let rows = ordered.offset(wanted.offset).limit(wanted.limit).all(tx.db()).await.stored()?;
    Ok((rows, total))
}

/// Up to `limit` rows of a chain after that place.
pub(super) async fn after(
    tx: &Tx,
    chain: &str,
    since: Option<DateTime<Utc>>,
    number: i64,
    limit: u64,
) -> Result<Vec<Row>, Problem> {
    let wanted = Wanted { since, ..Wanted::default() };
    let rest = of(chain, &wanted).filter(Column::Number.gt(number)).order_by_asc(Column::Number);
    rest.limit(limit).all(tx.db()).await.stored()
}

fn of(chain: &str, wanted: &Wanted) -> Select<Entity> {
    let mut all = Entity::find().filter(Column::Chain.eq(chain));
    if let Some(since) = wanted.since {
        all = all.filter(Column::At.gt(since));
    }
    let search = wanted.search.trim().to_lowercase();
    if !search.is_empty() {
        let escaped: String =
            search.chars().flat_map(|c| "\\%_".contains(c).then_some('\\').into_iter().chain([c])).collect();
        let columns = [
            Column::ActorName,
            Column::ActorId,
            Column::Action,
            Column::ObjectId,
            Column::ObjectName,
            Column::Result,
            Column::RequestId,
        ];
        let like = |column: Column| {
            Expr::expr(Func::lower(Expr::col(column))).like(LikeExpr::new(format!("%{escaped}%")).escape('\\'))
        };
        let any = columns.into_iter().fold(Condition::any(), |any, column| any.add(like(column)));
        all = all.filter(any);
    }
    all
}
