//! Connection, transactions and blobs; what differs between SQLite and PostgreSQL; migrations.
//!
//! Knows no room: tables and queries of a resource are in its own `store.rs`. Every read and write goes through a [`Tx`],
//! and what a transaction announces is heard only after it was committed.

pub mod audit;
mod changes;
mod connections;
mod database;
mod guard;
mod migrations;
mod objects;
mod probe;
mod recent;
mod remembered;
mod reserve;
mod ring;
mod rows;
mod seal;
mod sealed;
mod sqlite;
mod values;

pub use changes::{Change, Changes, RunNews};
pub use database::{Db, Stored, Tx};
pub use guard::{key_of, signing, signing_known};
pub use migrations::names as migrations;
pub use objects::{Listed, Objects};
pub use probe::{Moment, Probe};
pub use reserve::Reserve;
pub use ring::{Keys, write_private};
pub use seal::Key;
pub use sealed::{SEALED, SealedColumn};
