//! A plan that is only looked at: made in a folder of its own below the run's, which nothing that applies ever looks into,
//! and which is gone when the plan was read. When we die in between it is gone with the run's folder, or at the next plan.
//!
//! What is shown of it speaks of the code as it is, not as it was rewritten. Terraform does not know that an output of an
//! upstream is sensitive when `terraform_remote_state` reads it, so here the texts of such outputs are masked in what is
//! shown; the description with secrets has them, as that of any plan.

mod mask;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use configuration::preview::Rewritten;

use self::mask::Mask;
use crate::folder::{Folder, remove};
use crate::plan::plan_in_folder;
use crate::stop::Stop;
use crate::work::{Failure, Planned, Upstream, Work};

/// Makes the plan, and leaves nothing of it in the folder.
pub(crate) async fn plan(work: &Work, upstream: Arc<dyn Upstream>, stop: Stop) -> Result<Planned, Failure> {
    let folder = Folder::new(&work.folder).scratch();
    let inner = Work { folder: folder.clone(), plan_file: None, ..work.clone() };
    let planned = plan_in_folder(&inner, upstream, stop).await;
    match tokio::task::spawn_blocking(move || remove(&folder)).await {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => tracing::error!(%problem, "the folder of a scratch plan could not be removed"),
        Err(problem) => tracing::error!(%problem, "the folder of a scratch plan could not be removed"),
    }
    let mut planned = planned?;
    if let Some(description) = &mut planned.description
        && let Some(masked) = Mask::of(work).redacted(&description.redacted)
    {
        description.redacted = masked;
    }
    Ok(planned)
}

/// The log of a plan of rewritten code: names as the code has them, no text of a sensitive output.
pub(crate) fn log(work: &Work, rewritten: &Rewritten, upstream: Arc<dyn Upstream>) -> Arc<dyn Upstream> {
    Arc::new(Log { names: rewritten.names.clone(), mask: Mask::of(work), upstream })
}

struct Log {
    names: Vec<(String, String)>,
    mask: Mask,
    upstream: Arc<dyn Upstream>,
}

#[async_trait]
impl Upstream for Log {
    async fn log(&self, bytes: Bytes) {
        let Ok(text) = std::str::from_utf8(&bytes) else { return self.upstream.log(bytes).await };
        let mut text = self.mask.text(text);
        for (local, name) in self.names.iter().filter(|_| text.contains("local.multispace_")).collect::<Vec<_>>() {
            text = text.replace(local, name);
        }
        self.upstream.log(Bytes::from(text)).await;
    }

    async fn snapshot(&self, state: Bytes) {
        self.upstream.snapshot(state).await;
    }
}
