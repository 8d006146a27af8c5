//! The cases of the table, in its order.

mod aws;
mod contended;
mod durable;
mod graphs;
mod large;
mod lines;
mod own;
mod rerun;
mod server;
mod stops;

use anyhow::Result;

use super::place::Bench;
use super::queue;
use super::table::Row;

/// What is measured together.
pub(super) struct Case {
    /// By which it is asked for.
    pub(super) name: &'static str,
    /// In a few words.
    pub(super) what: &'static str,
    pub(super) run: fn(&mut Bench) -> Result<Vec<Row>>,
}

pub(super) const CASES: &[Case] = &[
    Case { name: "chain3", what: "three roots, each reads the one before it", run: graphs::chain3 },
    Case { name: "chain30", what: "thirty roots, each reads the one before it", run: graphs::chain30 },
    Case { name: "reviewed", what: "a chain whose plans are asked about", run: graphs::reviewed },
    Case { name: "mesh", what: "three roots that three others read", run: graphs::mesh },
    Case { name: "layers", what: "ten layers of ten, two upstreams each", run: graphs::layers },
    Case { name: "full-layers", what: "ten layers of ten, ten upstreams each", run: graphs::full_layers },
    Case { name: "independent", what: "a hundred roots that read nothing", run: graphs::independent },
    Case { name: "rerun", what: "a hundred roots once more: unchanged, one changed, planned", run: rerun::run },
    Case { name: "large", what: "a thousand resources in one workspace", run: large::run },
    Case { name: "aws", what: "three roots with the AWS provider", run: aws::run },
    Case { name: "own", what: "a terraform that does nothing: what is left is multispace's own", run: own::run },
    Case { name: "state", what: "large states, until they are on the disk", run: durable::run },
    Case { name: "stop", what: "an interrupt while ten applies are under way", run: stops::run },
    Case { name: "server", what: "`multispace serve`: how soon it answers, and a plan through it", run: server::run },
    Case { name: "lines", what: "a line of terraform, until somebody sees it", run: lines::run },
    Case { name: "contended", what: "two runs that wait for one workspace", run: contended::run },
    Case { name: "workspace-run", what: "a run that a root starts, and waits for", run: server::workspace_run },
    Case { name: "queued", what: "what `bench queue` reported", run: |_| queue::rows() },
];
