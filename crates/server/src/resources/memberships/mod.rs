//! Memberships: which users are in an organization. Every user of this server is in every organization, so a membership is
//! not stored: its id is made of the two it joins. Absent: invitations, since nobody but the owner can sign in.

mod api;
pub mod service;

pub use api::{document, routes};
pub use service::id;
