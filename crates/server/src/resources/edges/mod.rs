//! Edges: which workspaces depend on which, and where the server knows it from.
//!
//! An edge is noted when it is seen: a run reads a state or outputs of another workspace (`service::read_by`), a run starts a
//! run (`service::started_by`), a plan begins whose code names a workspace (`code`). Edges of run triggers are the triggers
//! themselves. An edge that was seen once stays until one of its workspaces is deleted, but for those of the code, which are
//! those of the newest. `inputs` keeps
//! what went into the last apply of a workspace and says what that means for the next run. Absent: anything else that follows.

mod api;
pub mod code;
pub mod inputs;
pub mod service;
mod store;

pub use api::routes;
pub use store::delete_of;
