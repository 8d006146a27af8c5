//! Sessions: a browser in which somebody has signed in, with a name and a password, or with an API token of a user, a team or
//! an organization.
//!
//! The browser has a secret in a cookie; what is kept is its digest. Who it is and what they may is read anew with
//! each request, so that a session ends with its token or its user. Absent: sessions as a resource of the API.

mod page;
pub mod service;
mod store;

pub use page::pages;
