//! The audit log: who has done what, written in the transaction that does it.
//!
//! No handler writes it. A [`Tx`](super::Tx) notes every statement that changes something, and its commit adds one row for
//! all of them; so what was changed without a row cannot be committed. Who asks, and for what, is known from the head of the
//! request on ([`Act`]), and from the one question whether they may; a change without a request is the server's own.
//!
//! Rows hang together as chains, one for each organization and one for the server: each row has the digest of the row
//! before it. A chain of its own lets an organization keep and hand on its log without showing another's, and lets
//! organizations commit side by side. Digests are keyed: who has the database and not the server's key can neither
//! forge a row nor guess from it what a request contained. The end of a chain is sealed, so that a row that is missing there is missed
//! too; that a chain was begun is a row of the server's.
//!
//! Absent: who may read it (`resources::audit`), and any value that was written.

mod act;
mod book;
mod chain;
mod kinds;
mod noted;
mod verify;

pub use act::{Act, Question, Who};
pub use book::{Book, Done};
pub use chain::{Broken, Checked, Column, Entity, Model as Row, SERVER, check};
pub use verify::verify;

pub(super) use noted::Noted;
