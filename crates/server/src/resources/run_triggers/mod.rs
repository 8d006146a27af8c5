//! Run triggers: an upstream that is applied has a downstream run, once its whole wave has settled.
//!
//! `service` has what people ask of triggers. `firing` is the rest: a run that ends leaves notes for the downstreams of its
//! workspace in the transaction in which it ends (an outbox), and the scheduler has them decided on. What is decided is
//! kept for a while, so that a downstream can say why it did not run. Absent: the decision itself (`domain::trigger`).

mod api;
pub mod firing;
mod page;
pub mod service;
mod store;

pub use api::routes;
pub use page::pages;
pub use store::{Model as RunTrigger, Upstream, among, delete_of, in_organization, into, out_of};
