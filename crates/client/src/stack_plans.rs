//! Plans of whole stacks that a server puts before people: sent, waited for, decided. HCP Terraform has none.

use std::time::Duration;

use domain::stack_plan::{Decision, Status};
use domain::{Fault, Problem};
use wire::stack_plans::{StackPlanBody, StackPlanRequest};
use wire::{ActionRequest, Document};

use crate::{Client, Item, encoded};

/// How long an answer is held; the server takes whoever asks less often for gone.
const HELD: Duration = Duration::from_secs(30);

/// How often a decision is sent whose answer is lost.
const TRIES: u32 = 3;

/// The plan of a stack on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackPlan {
    /// Its id.
    pub id: String,
    /// How it stands. A word that this build does not know is one of a decision against it.
    pub status: Status,
    /// What whoever made it holds itself to.
    pub digest: String,
    /// What whoever decided is called there; empty before.
    pub decided_by: String,
}

impl From<Document<Item>> for StackPlan {
    fn from(document: Document<Item>) -> Self {
        let item = document.data;
        Self {
            status: Status::parse(item.text("status")).unwrap_or(Status::Discarded),
            digest: item.text("digest").to_owned(),
            decided_by: item.text("decided-by").to_owned(),
            id: item.id,
        }
    }
}

/// Puts a plan before people.
///
/// # Errors
/// As [`Client::post`]; [`domain::Fault::NotFound`] from a server that does not know such a thing.
pub async fn create(client: &Client, organization: &str, plan: StackPlanRequest) -> Result<StackPlan, Problem> {
    let body = serde_json::to_value(StackPlanBody::new(plan)).unwrap_or_default();
    let path = format!("organizations/{}/stack-plans", encoded(organization));
    Ok(client.post::<Document<Item>>(&path, &body).await?.into())
}

/// Reads a plan.
///
/// # Errors
/// As [`Client::get`].
pub async fn read(client: &Client, id: &str) -> Result<StackPlan, Problem> {
    Ok(client.get::<Document<Item>>(&path(id)).await?.into())
}

/// Reads a plan once it was decided, or after a while. Also says whether the server has held the answer back.
///
/// # Errors
/// As [`Client::get`].
pub async fn waited(client: &Client, id: &str) -> Result<(StackPlan, bool), Problem> {
    let path = format!("{}?unless-status={}", path(id), Status::Pending.as_str());
    let (document, is_held) = client.get_held::<Document<Item>>(&path, HELD).await?;
    Ok((document.into(), is_held))
}

/// Decides about a plan, and says how it stands then. Where the answer is lost, the plan says whether it was decided; if it was not, it is tried again.
///
/// # Errors
/// [`Fault::Conflict`] when somebody else was quicker; [`Fault::NotFound`] for who may not; [`Fault::Unavailable`] on a line that is too bad.
pub async fn decide(client: &Client, id: &str, decision: Decision) -> Result<StackPlan, Problem> {
    let mut tries = TRIES;
    loop {
        tries -= 1;
        let lost = match sent(client, id, decision).await {
            Err(problem) if problem.fault == Fault::Unavailable => problem,
            decided => return decided,
        };
        let plan = read(client, id).await?;
        match (plan.status, decision) {
            (Status::Pending, _) if tries > 0 => {}
            (Status::Approved, Decision::Approve)
            | (Status::Discarded, Decision::Discard)
            | (Status::Withdrawn, Decision::Withdraw) => return Ok(plan),
            _ => return Err(lost),
        }
    }
}

async fn sent(client: &Client, id: &str, decision: Decision) -> Result<StackPlan, Problem> {
    let verb = match decision {
        Decision::Approve => "approve",
        Decision::Discard => "discard",
        Decision::Withdraw => "withdraw",
    };
    let words = serde_json::to_value(ActionRequest::default()).unwrap_or_default();
    Ok(client.post::<Document<Item>>(&format!("{}/actions/{verb}", path(id)), &words).await?.into())
}

fn path(id: &str) -> String {
    format!("stack-plans/{}", encoded(id))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plan_with_a_word_that_is_not_known_is_not_taken_for_approved() {
        let read = |status: &str| {
            let plan = json!({ "data": { "id": "spl-1", "attributes": { "status": status, "digest": "d" } } });
            StackPlan::from(serde_json::from_value::<Document<Item>>(plan).unwrap())
        };
        assert_eq!((read("approved").status, read("approved").digest.as_str()), (Status::Approved, "d"));
        assert_eq!(read("perhaps").status, Status::Discarded);
    }
}
