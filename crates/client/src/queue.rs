//! How many runs are in front of one: in its workspace, and in its organization.

use domain::Problem;
use wire::Document;

use crate::runs::{self, Run};
use crate::{Client, Item, encoded};

/// How many runs of the workspace must end before this one may start; 0 also when it is not among the newest.
///
/// # Errors
/// As [`Client::get`].
pub async fn in_front_in_workspace(client: &Client, workspace_id: &str, run: &str) -> Result<usize, Problem> {
    Ok(older(&runs::newest(client, workspace_id).await?, run))
}

/// The place of a run in the queue of its organization, from 1; 0 when it is not in it.
///
/// # Errors
/// As [`Client::get`].
pub async fn place_in_organization(client: &Client, organization: &str, run: &str) -> Result<u64, Problem> {
    let path = format!("organizations/{}/runs/queue", encoded(organization));
    Ok(place(&client.get::<Document<Vec<Item>>>(&path).await?.data, run))
}

/// `newest` is newest first.
fn older(newest: &[Run], run: &str) -> usize {
    let behind = newest.iter().skip_while(|one| one.id != run).skip(1);
    behind.filter(|one| !one.attributes.is_final()).count()
}

fn place(queue: &[Item], run: &str) -> u64 {
    let found = queue.iter().find(|item| item.id == run);
    found.and_then(|item| item.get("position-in-queue").as_u64()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::Settings;

    fn runs() -> Vec<Run> {
        let run = |id: &str, status: &str| {
            serde_json::from_value(json!({ "id": id, "type": "runs", "attributes": { "status": status } })).unwrap()
        };
        [("01", "pending"), ("02", "pending"), ("03", "applied"), ("04", "pending"), ("05", "applying")]
            .map(|(id, status)| run(id, status))
            .into()
    }

    fn out_of_reach() -> Client {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let settings = Settings {
            hostname: "localhost:1".into(),
            token: "t".into(),
            organization: None,
            ssl_skip_verify: false,
            origin: Some("http://127.0.0.1:1".into()),
            run_token: None,
        };
        let stop = CancellationToken::new();
        stop.cancel();
        Client::new(settings).unwrap().stopped_by(stop)
    }

    #[test]
    fn the_runs_in_front_are_those_that_are_older_and_not_over() {
        assert_eq!(older(&runs(), "02"), 2);
    }

    #[test]
    fn nothing_is_in_front_of_a_run_that_is_not_there() {
        assert_eq!(older(&runs(), "06"), 0);
    }

    #[test]
    fn the_place_in_the_organization_is_as_the_server_says_and_0_for_what_is_not_there() {
        let queue: Vec<Item> =
            serde_json::from_value(json!([{ "id": "run-1", "attributes": { "position-in-queue": 1 } }])).unwrap();
        assert_eq!(place(&queue, "run-1"), 1);
        assert_eq!(place(&queue, "run-2"), 0);
    }

    #[tokio::test]
    async fn a_list_that_cannot_be_read_is_an_error_and_no_place() {
        let client = out_of_reach();
        assert!(in_front_in_workspace(&client, "ws-1", "run-1").await.is_err());
        assert!(place_in_organization(&client, "nobody", "run-1").await.is_err());
    }
}
