//! Turns one phase of one run into terraform processes.
//!
//! In: a [`Work`] with everything the phase needs. Out: output as it is written and state as it is saved, through
//! [`Upstream`], and at the end what came of it. The run's folder is durable: whatever dies, [`recover()`] finds there what
//! was saved. Absent on purpose: a database, and any idea of who asked; HTTP, but for the endpoint of terraform's own state.

mod applied_log;
mod apply;
mod at_once;
mod batch;
mod beside;
mod changes;
mod checks;
mod deferred;
mod environment;
mod folder;
mod follow;
mod foreign;
mod held;
mod init;
mod initialised;
mod keeper;
mod memory;
mod modules;
mod overrides;
mod packages;
mod plan;
mod plan_json;
pub mod planned;
mod prepare;
mod process;
mod recover;
mod recovery;
mod redact;
mod render;
mod ring;
mod sandbox;
mod scratch;
mod state;
mod stop;
mod variables;
mod version;
mod watch;
mod work;

pub use apply::apply;
pub use at_once::{AtOnce, plan_and_apply};
pub use changes::read_plan;
pub use folder::make_place;
pub use held::{Held, Holding, Variables, hold};
pub use keeper::{KEEP, Keeper, NO_KEEPER, keep};
pub use memory::{Memory, Wait};
pub use plan::{describe, plan};
pub use process::locked;
pub use recover::{Leftover, Recovered, RecoveredPlan, ended, foreseen, kill_leftover, leftover, recover};
pub use render::line_as_text;
pub use sandbox::{CONTAIN, CONTAIN_INSIDE, Limits, METADATA, NO_WALLS, Sandbox, Wall, contain, contain_inside};
pub use stop::Stop;
pub use version::{Product, Version, locate, terraform_version};
pub use work::{
    Answer, Applied, Backend, Counts, Deferred, Description, Failure, FailureKind, Foreseen, InDoubt, Names, Operation,
    Output, Phase, Planned, ReadBlock, Recovery, Source, UnknownOutput, Unsaved, Upstream, UpstreamOutputs, Variable,
    VariableCategory, Work,
};
