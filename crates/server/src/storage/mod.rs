//! Connection, transactions and blobs; what differs between SQLite and PostgreSQL; migrations.
//!
//! Knows no room: tables and queries of a resource are in its own `store.rs`. Every read and write goes through a [`Tx`],
//! and what a transaction announces is heard only after it was committed.

mod changes;
mod database;
mod migrations;
mod objects;
mod probe;
mod seal;
mod sealed;

pub use changes::{Change, Changes};
pub use database::{Db, Stored, Tx};
pub use migrations::names as migrations;
pub use objects::{Listed, Objects};
pub use probe::{Moment, Probe};
pub use seal::{Key, write_private};
pub use sealed::{SEALED, SealedColumn};
