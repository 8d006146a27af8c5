//! The audit log: every row follows the one before it.

use domain::Problem;

use super::Check;
use crate::storage::{Tx, audit, signing_known};

impl Check {
    /// Looks at every row of every chain. Where the database has no secret to sign with yet, nothing was written.
    pub(super) async fn audit(&mut self, tx: &Tx) -> Result<(), Problem> {
        // One that does not open is told of with the other sealed values.
        let Ok(Some(key)) = signing_known(tx, self.key.clone()).await else { return Ok(()) };
        for checked in audit::verify(tx, &key).await? {
            self.report.checked.audit_rows += usize::try_from(checked.rows).unwrap_or_default();
            let Some(broken) = checked.broken else { continue };
            let message =
                format!("Row {} of the audit log of {} is not as it was written.", broken.number, checked.chain);
            let advice = "Somebody changed the database: compare it with a backup, and find out who could write to it.";
            self.wrong(&checked.chain, Problem::ours("upkeep/audit", message, broken.why).advice(advice));
        }
        Ok(())
    }
}
