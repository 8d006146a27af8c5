//! Configuration versions: code that is uploaded for a run, in the steps that terraform's own `cloud` client takes.

use std::time::Duration;

use bytes::Bytes;
use domain::{Fault, Problem};
use serde_json::json;
use wire::{Document, kind};

use crate::{Client, Item, encoded};

/// How often the server is asked whether the upload has been taken in, and the wait between.
const LOOKS: u32 = 60;
const LOOK: Duration = Duration::from_millis(500);
/// How often a configuration version is made anew when an answer was lost: one too many starts nothing.
const TRIES: u32 = 4;

/// Uploads an archive (a gzip-compressed tar) as a configuration version that starts no run by itself, and says its id.
/// One that is `speculative` is only ever planned.
///
/// # Errors
/// What the server says; `client/configuration` when it does not take the archive, or not within half a minute.
pub async fn upload(client: &Client, workspace: &str, archive: Bytes, speculative: bool) -> Result<String, Problem> {
    let made = create(client, workspace, speculative).await?;
    let url = made.text("upload-url");
    if url.is_empty() {
        return Err(refused("The server gave no address to upload the code to.".to_owned()));
    }
    let sent = client.upload(url, archive).await;
    let path = format!("configuration-versions/{}", encoded(&made.id));
    for _ in 0..LOOKS {
        let now = client.get::<Document<Item>>(&path).await?.data;
        match now.text("status") {
            "uploaded" => return Ok(made.id),
            "errored" => {
                return Err(refused(format!("The server refuses the code: {}.", now.text("error-message"))));
            }
            // An upload that did not arrive never will.
            _ => sent.clone()?,
        }
        client.pause(LOOK).await?;
    }
    Err(refused("The server has not taken in the code within half a minute.".to_owned()))
}

async fn create(client: &Client, workspace: &str, speculative: bool) -> Result<Item, Problem> {
    let path = format!("workspaces/{}/configuration-versions", encoded(workspace));
    let attributes = json!({ "auto-queue-runs": false, "speculative": speculative });
    let body = json!({ "data": { "type": kind::CONFIGURATION_VERSIONS, "attributes": attributes } });
    let mut tries = 1;
    loop {
        match client.post::<Document<Item>>(&path, &body).await {
            Err(problem) if problem.fault == Fault::Unavailable && tries < TRIES => client.pause(LOOK * tries).await?,
            answer => return Ok(answer?.data),
        }
        tries += 1;
    }
}

fn refused(message: String) -> Problem {
    Problem::invalid("client/configuration", message).advice("Run the same command again.")
}
