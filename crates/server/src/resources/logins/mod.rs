//! `terraform login`: a terminal gets a token by way of the browser, as OAuth 2 has it for programs on somebody's machine
//! (RFC 8252): an authorization code with a proof key (RFC 7636).
//!
//! Terraform finds the two addresses by service discovery, opens the first in a browser, and listens on a port of this
//! machine. Whoever is signed in there says yes; the browser carries a code to that port, and terraform brings the code and
//! the key to the second address. A code is good once, for minutes, for the port, the client and the key that it was asked
//! for with. Absent: other clients, scopes, and tokens that renew others.

mod api;
mod page;
pub mod service;
mod store;

pub use api::{TOKEN, routes};
pub use page::{PAGE, pages};
