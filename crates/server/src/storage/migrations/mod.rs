//! The tables, step by step. A migration that has been released is never changed; a new one follows it.

mod columns;
mod m0001_rooms;
mod m0002_teams;
mod m0003_variable_sets;
mod m0004_run_triggers;
mod m0005_connections;
mod m0006_parked;
mod m0007_run_words;
mod m0008_auto_destroy;
mod m0009_stacks;
mod m0010_edges;
mod m0011_cutoff;
mod m0013_previews;
mod m0014_sessions;
mod m0015_run_inputs;
mod m0016_stack_plans;
mod m0017_audit;
mod m0018_users;
mod m0020_keys;
mod m0021_kept_states;
mod m0022_deleted_states;
mod m0024_home_runs;
pub mod schema;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// Names of all migrations that this multispace knows, in order.
pub fn names() -> Vec<String> {
    Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect()
}

/// All migrations in order; each runs in a transaction of its own.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_rooms::Migration),
            Box::new(m0002_teams::Migration),
            Box::new(m0003_variable_sets::Migration),
            Box::new(m0004_run_triggers::Migration),
            Box::new(m0005_connections::Migration),
            Box::new(m0006_parked::Migration),
            Box::new(m0007_run_words::Migration),
            Box::new(m0008_auto_destroy::Migration),
            Box::new(m0009_stacks::Migration),
            Box::new(m0010_edges::Migration),
            Box::new(m0011_cutoff::Migration),
            Box::new(m0013_previews::Migration),
            Box::new(m0014_sessions::Migration),
            Box::new(m0015_run_inputs::Migration),
            Box::new(m0016_stack_plans::Migration),
            Box::new(m0017_audit::Migration),
            Box::new(m0018_users::Migration),
            Box::new(m0020_keys::Migration),
            Box::new(m0021_kept_states::Migration),
            Box::new(m0022_deleted_states::Migration),
            Box::new(m0024_home_runs::Migration),
        ]
    }
}
