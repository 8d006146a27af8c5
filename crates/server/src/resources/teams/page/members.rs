//! Who belongs to a team.

use axum::extract::State;
use domain::id::{Id, TeamId};
use serde::Deserialize;

use super::view::{self, Wrong};
use super::{find, service};
use crate::actor::Action;
use crate::app::App;
use crate::edge::pages::{Filled, Viewer, see_other, wrong};
use crate::edge::{At2, Name, Reply};
use domain::{Fault, Problem};

#[derive(Deserialize)]
pub(super) struct Member {
    #[serde(default)]
    user: String,
}

macro_rules! edits {
    ($($name:ident = $edit:ident;)*) => {$(
        pub(super) async fn $name(
            State(app): State<App>,
            viewer: Viewer,
            At2(name, id): At2<Name, TeamId>,
            Filled(member): Filled<Member>,
        ) -> Reply {
            let tx = app.db.write().await?;
            let (top, team) = find(&tx, &viewer.actor, &name, &id, Action::ManageTeam).await?;
            let done = match service::users_named(&tx, &team.organization_id, &[member.user.as_str()]).await {
                Ok(users) => service::$edit(&tx, &viewer.actor, id.as_str(), &users).await,
                Err(problem) => Err(unknown(problem)),
            };
            match done {
                Ok(()) => {
                    tx.commit().await?;
                    Ok(see_other(&format!("{}/teams/{id}", top.address())))
                }
                Err(problem) => {
                    let wrong = Wrong { in_members: Some(wrong(problem)?), ..Wrong::default() };
                    view::again(&app, tx, &viewer, top, &id, wrong).await
                }
            }
        }
    )*};
}

edits! { add = add_members; remove = remove_members; }

/// A name that is nobody's is wrong in a form, where it would be "not found" in an address.
fn unknown(problem: Problem) -> Problem {
    if problem.fault == Fault::NotFound { Problem { fault: Fault::Invalid, ..problem } } else { problem }
}
