//! What the last run of a workspace went by, for whoever decides whether it is to run again.

use domain::Problem;
use domain::run::RunStatus;

use super::Local;
use crate::resources::runs::last;
use crate::terraform;

/// The last run of a workspace that was to change it.
#[derive(Debug, Clone)]
pub struct LastRun {
    /// Its id.
    pub run: String,
    /// Where it is, or how it ended.
    pub status: RunStatus,
    /// It was to destroy the workspace.
    pub is_destroy: bool,
    /// What went into it, as [`super::Start`] had it.
    pub inputs: Option<String>,
    /// The workspace got another state after it had ended.
    pub state_moved: bool,
    /// The id of the last run that did change the workspace.
    pub applied: Option<String>,
    /// When it last moved; its end once it is final.
    pub updated_at: chrono::DateTime<chrono::Utc>,
}

impl Local<'_> {
    /// The last run of a workspace that was to change it; `None` when there was none.
    ///
    /// # Errors
    /// `workspace/not-found`, `storage/…`.
    pub async fn last(&self, workspace: &str) -> Result<Option<LastRun>, Problem> {
        let tx = self.engine.app.db.look();
        Ok(last::of(&tx, &self.owner, workspace).await?.map(|last| LastRun {
            status: last.run.status(),
            is_destroy: last.run.is_destroy,
            inputs: last.inputs,
            state_moved: last.state_moved,
            applied: last.applied,
            updated_at: last.run.updated_at,
            run: last.run.id,
        }))
    }

    /// Says that this may as well have gone into the last run of a workspace: a plan with it changed nothing.
    ///
    /// # Errors
    /// `workspace/not-found`, `storage/…`.
    pub async fn keep_inputs(&self, workspace: &str, inputs: String) -> Result<(), Problem> {
        let tx = self.engine.app.db.write().await?;
        last::keep(&tx, &self.owner, workspace, inputs).await?;
        tx.commit().await
    }

    /// A digest of a text that says nothing of it to whoever lacks this engine's key.
    pub fn digest(&self, text: &str) -> String {
        self.engine.app.key.sign(text)
    }

    /// Names the terraform that runs a workspace which wants this version or constraint; the engine's own without one. Two
    /// that differ have different names.
    pub fn terraform(&self, wanted: Option<&str>) -> String {
        let setup = &self.engine.app.setup;
        match terraform::resolve(setup, wanted.unwrap_or_default()) {
            Ok(file) if file == setup.terraform => setup.terraform_version.clone(),
            Ok(file) => file.display().to_string(),
            // A run will say what is wrong.
            Err(_) => wanted.unwrap_or_default().to_owned(),
        }
    }
}
