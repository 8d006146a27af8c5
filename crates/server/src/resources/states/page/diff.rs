//! What is different between two versions of a state.

use askama::Template;
use axum::extract::State as Extract;
use domain::id::StateId;
use serde::Deserialize;

use super::super::comparison::{self, Entry, Values, What};
use super::super::service;
use super::{find, finished};
use crate::app::App;
use crate::edge::pages::{Frame, Viewer, page};
use crate::edge::{At3, Name, Query, Reply};
use crate::resources::runs::{Line, Moment, change_lines};
use crate::resources::workspaces::Head;

/// Most instances that are shown.
const SHOWN: usize = 1000;
/// Up to so many are open from the start.
const OPEN: usize = 6;
/// Versions that are offered to compare with.
const OFFERED: usize = 100;

#[derive(Deserialize, Default)]
pub(super) struct Wanted {
    #[serde(default)]
    with: String,
}

/// One difference.
struct Shown {
    address: String,
    verb: &'static str,
    class: &'static str,
    lines: Vec<Line>,
    /// Nobody knows which of its values are secret.
    names_alone: bool,
}

#[derive(Template)]
#[template(path = "resources/states/page/diff.html")]
struct Page {
    frame: Frame,
    head: Head,
    address: String,
    serial: i64,
    /// Serial of the older one; nothing where there is none.
    older: Option<i64>,
    /// Id, serial and moment of those that it may be compared with, and whether it is.
    offered: Vec<(String, i64, Moment, bool)>,
    counts: Vec<(String, &'static str)>,
    instances: Vec<Shown>,
    outputs: Vec<Shown>,
    more: usize,
    open: bool,
}

impl Page {
    fn groups(&self) -> [(&'static str, &'static str, &[Shown]); 2] {
        [("resource", "Resources", &self.instances), ("output", "Outputs", &self.outputs)]
    }
}

pub(super) async fn show(
    Extract(app): Extract<App>,
    viewer: Viewer,
    At3(organization, workspace, id): At3<Name, Name, StateId>,
    Query(wanted): Query<Wanted>,
) -> Reply {
    let tx = app.db.read().await?;
    let (head, state) = find(&tx, &viewer, &organization, &workspace, &id).await?;
    let all = finished(&tx, &viewer.actor, &head).await?;
    let before = all.iter().skip_while(|it| it.id != state.id).nth(1);
    let older = match wanted.with.as_str() {
        "" => before,
        with => Some(all.iter().find(|it| it.id == with).ok_or_else(service::not_found)?),
    };
    let comparison = match older {
        Some(older) => comparison::compare(&app, &tx, &viewer.actor, older, &state).await?,
        None => comparison::Comparison::default(),
    };
    let offered = all.iter().filter(|it| it.id != state.id).take(OFFERED);
    let offered = offered.map(|it| {
        let is_chosen = older.is_some_and(|older| older.id == it.id);
        (it.id.clone(), it.serial, Moment(it.created_at), is_chosen)
    });
    let counts =
        [(What::Added, "added", "add"), (What::Changed, "changed", "change"), (What::Removed, "removed", "remove")];
    let counts = counts.into_iter().map(|(what, word, class)| {
        let count = comparison.instances.iter().filter(|it| it.what == what).count();
        (format!("{count} {word}"), if count == 0 { "same" } else { class })
    });
    let total = comparison.instances.len();
    page(&Page {
        frame: head.frame(&app, &viewer, &format!("What changed in state {}", state.serial)),
        address: format!("{}/states/{}", head.address(), state.id),
        serial: state.serial,
        older: older.map(|it| it.serial),
        offered: offered.collect(),
        counts: counts.collect(),
        more: total.saturating_sub(SHOWN),
        open: total <= OPEN,
        instances: comparison.instances.into_iter().take(SHOWN).map(shown).collect(),
        outputs: comparison.outputs.into_iter().map(shown).collect(),
        head,
    })
}

fn shown(Entry { address, what, values }: Entry) -> Shown {
    let (verb, class) = match what {
        What::Added => ("added", "add"),
        What::Changed => ("changed", "change"),
        What::Removed => ("removed", "remove"),
    };
    let name = |(name, what): (String, What)| {
        let sign = match what {
            What::Added => "+",
            What::Changed => "~",
            What::Removed => "-",
        };
        Line { sign, text: name }
    };
    let names_alone = matches!(values, Values::Names(_));
    let lines = match values {
        Values::Known(change) => change_lines(&change),
        Values::Names(names) => names.into_iter().map(name).collect(),
    };
    Shown { address, verb, class, lines, names_alone }
}
