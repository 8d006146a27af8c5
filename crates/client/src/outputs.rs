//! Outputs of a workspace's current state.

use domain::Problem;
use serde_json::Value;
use wire::Document;

use crate::{Client, Item, encoded};

/// An output with its real value.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Whether its value is to be hidden.
    pub sensitive: bool,
    /// Its value.
    pub value: Value,
}

/// Reads a workspace by organization and name, and its outputs. Values of sensitive ones cost a request each.
///
/// # Errors
/// As [`Client::get`].
pub async fn read(
    client: &Client,
    organization: &str,
    name: &str,
    with_sensitive: bool,
) -> Result<(Item, Vec<Output>), Problem> {
    let path = format!("organizations/{}/workspaces/{}?include=outputs", encoded(organization), encoded(name));
    let document: Document<Item> = client.get(&path).await?;
    let mut outputs = Vec::new();
    for included in document.included {
        let Ok(item) = serde_json::from_value::<Item>(included) else { continue };
        if item.kind != wire::kind::WORKSPACE_OUTPUTS {
            continue;
        }
        let (sensitive, mut value) = (item.flag("sensitive"), item.get("value").clone());
        if sensitive {
            if !with_sensitive {
                continue;
            }
            let path = format!("state-version-outputs/{}", encoded(&item.id));
            value = client.get::<Document<Item>>(&path).await?.data.get("value").clone();
        }
        outputs.push(Output { name: item.text("name").to_owned(), sensitive, value });
    }
    Ok((document.data, outputs))
}
