//! What a plan read, noted when it begins: its apply begins only if all of it is still so.
//!
//! It is noted on the run, sealed, since what a plan was given are secrets, of which not even a digest is anybody's business.

use aws_lc_rs::digest::{SHA256, digest};
use domain::Problem;
use serde::{Deserialize, Serialize};

use super::store::Model as Run;
use crate::app::App;
use crate::resources::workspaces::Workspace;
use crate::resources::{configurations, states, variables};
use crate::storage::Tx;

/// What a plan read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reads {
    /// The state; `None` where there was none.
    state: Option<StateRead>,
    /// The archive of the code, by the digest that names it.
    configuration: String,
    /// Digest of the variables that it was given; `None` for a run of an older version, which pinned none.
    variables: Option<String>,
    /// The version or constraint of terraform that it asked for.
    terraform: String,
}

/// A state that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StateRead {
    id: String,
    lineage: String,
    serial: i64,
    md5: String,
}

impl Reads {
    /// What a phase of the run reads that begins now.
    ///
    /// # Errors
    /// `storage/…`.
    pub async fn now(app: &App, tx: &Tx, run: &Run, workspace: &Workspace) -> Result<Self, Problem> {
        let state = states::service::current_of(tx, workspace).await?;
        let configuration = configurations::by_id(tx, &run.configuration_id).await?;
        let variables = variables::runs::pinned(app, tx, &run.id).await?;
        Ok(Self {
            state: state.map(|it| StateRead { id: it.id, lineage: it.lineage, serial: it.serial, md5: it.md5 }),
            configuration: configuration.map(|it| it.object).unwrap_or_default(),
            variables: variables.map(|bytes| hex::encode(digest(&SHA256, &bytes))),
            terraform: run.terraform_version.clone(),
        })
    }

    /// As it is kept on the run.
    ///
    /// # Errors
    /// `storage/key`.
    pub fn sealed(&self, app: &App, run: &str) -> Result<Vec<u8>, Problem> {
        let bytes = serde_json::to_vec(self)
            .map_err(|error| Problem::ours("run/setting", "What the plan read could not be kept.", error))?;
        app.key.seal(&belongs_to(run), &bytes)
    }

    /// What the plan of a run read; `None` for one that was planned by an older version.
    ///
    /// # Errors
    /// `storage/sealed`.
    pub fn of(app: &App, run: &Run) -> Result<Option<Self>, Problem> {
        let Some(sealed) = &run.reads else { return Ok(None) };
        let bytes = app.key.open_sealed(&belongs_to(&run.id), sealed)?;
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| Problem::ours("run/setting", "What the plan read is not readable.", error))
    }

    /// What is another thing now, as the end of a sentence; `None` when everything is as it was.
    pub fn differs(&self, now: &Self) -> Option<&'static str> {
        if self.state != now.state {
            return Some("The workspace's state has changed since this run was planned");
        }
        if self.configuration != now.configuration {
            return Some("The configuration of this run is not the one that was planned");
        }
        if self.variables != now.variables {
            return Some("The variables of this run are not those that it was planned with");
        }
        (self.terraform != now.terraform).then_some("This run asks for another terraform than it was planned with")
    }
}

fn belongs_to(run: &str) -> String {
    format!("{run}/reads")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads() -> Reads {
        let state = StateRead { id: "sv-1".into(), lineage: "l".into(), serial: 3, md5: "m".into() };
        Reads {
            state: Some(state),
            configuration: "configurations/a".into(),
            variables: Some("d".into()),
            terraform: "1.11.4".into(),
        }
    }

    #[test]
    fn a_plan_is_stale_as_soon_as_anything_that_it_read_is_another() {
        let plan = reads();
        assert_eq!(plan.differs(&reads()), None);
        let others = [
            Reads { state: None, ..reads() },
            Reads { state: reads().state.map(|it| StateRead { md5: "n".into(), ..it }), ..reads() },
            Reads { configuration: "configurations/b".into(), ..reads() },
            Reads { variables: Some("e".into()), ..reads() },
            Reads { variables: None, ..reads() },
            Reads { terraform: "1.12.0".into(), ..reads() },
        ];
        for other in others {
            assert!(plan.differs(&other).is_some(), "{other:?}");
        }
    }
}
