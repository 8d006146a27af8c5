//! One version of a state: where it came from, and what is in it.

use askama::Template;
use axum::extract::State as Extract;
use domain::id::StateId;
use serde_json::Value;

use super::super::{comparison, service};
use super::{Version, find, version};
use crate::actor::Action;
use crate::app::App;
use crate::edge::pages::{Frame, Viewer, page};
use crate::edge::{At3, Name, Reply};
use crate::resources::workspaces::Head;

/// Most instances that are shown.
const SHOWN: usize = 2000;
/// Most characters of a value.
const LONG: usize = 2000;

/// One instance.
struct Instance {
    address: String,
    provider: String,
}

/// One output.
struct Output {
    name: String,
    /// Its value; `None` when it is sensitive.
    value: Option<String>,
}

#[derive(Template)]
#[template(path = "resources/states/page/version.html")]
struct Page {
    frame: Frame,
    head: Head,
    version: Version,
    lineage: String,
    size: i64,
    is_intermediate: bool,
    may_write: bool,
    total: usize,
    instances: Vec<Instance>,
    outputs: Vec<Output>,
}

pub(super) async fn show(
    Extract(app): Extract<App>,
    viewer: Viewer,
    At3(organization, workspace, id): At3<Name, Name, StateId>,
) -> Reply {
    let tx = app.db.read().await?;
    let (head, state) = find(&tx, &viewer, &organization, &workspace, &id).await?;
    let outputs = service::outputs(&app, &tx, &state, false).await?;
    let contents = comparison::contents(&app, &state).await?;
    let total = contents.instances.len();
    let instance = |(address, instance): (String, super::super::contents::Instance)| Instance {
        address,
        provider: instance.provider,
    };
    let output = |it: service::ShownOutput| Output {
        name: it.output.name,
        value: (!it.output.sensitive).then(|| match it.value {
            Value::String(text) => cut(&text),
            value => cut(&serde_json::to_string_pretty(&value).unwrap_or_default()),
        }),
    };
    page(&Page {
        frame: head.frame(&app, &viewer, &format!("State {}", state.serial)),
        lineage: state.lineage.clone(),
        size: state.size,
        is_intermediate: state.intermediate,
        may_write: head.can(&viewer, Action::WriteState),
        total,
        instances: contents.instances.into_iter().take(SHOWN).map(instance).collect(),
        outputs: outputs.into_iter().map(output).collect(),
        version: version(&tx, &head, state).await?,
        head,
    })
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
