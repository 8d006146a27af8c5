//! Users: persons who sign in with a name and a password, those who are invited to, and the users in whose names teams and
//! organizations act.
//!
//! Nobody signs up: an administrator of the site or whoever manages the members of an organization invites, and hands on a
//! link that is shown once. The link lets in whoever opens it, with a new account or one that they have, so that an address
//! which somebody wrote down opens nothing. Absent: mail, and a second factor.

pub mod account;
mod api;
pub mod invitations;
mod page;
pub mod service;
mod store;

pub use api::{document, routes};
pub use page::{Link, link, pages};
pub use store::Model as User;
