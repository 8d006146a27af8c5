//! The first tables: organizations, projects, workspaces, variables, configurations, runs, states, users, tokens.

use sea_orm_migration::prelude::*;

use super::columns::{big, blob, boolean, id, integer, json, table, text, text_null, time, time_null};

/// Makes the first tables.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0001_rooms"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [people(), organizations(), workspaces(), configurations(), runs(), states()].concat() {
            manager.create_table(table).await?;
        }
        for statement in INDEXES {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("state is never thrown away by going back to an older version".into()))
    }
}

/// What the schema itself promises. `runs_one_active` is the last word on "one state-writing run per workspace".
const INDEXES: &[&str] = &[
    "CREATE UNIQUE INDEX organizations_name ON organizations (name)",
    "CREATE UNIQUE INDEX users_username ON users (username)",
    "CREATE UNIQUE INDEX tokens_digest ON tokens (digest)",
    "CREATE UNIQUE INDEX projects_name ON projects (organization_id, name)",
    "CREATE UNIQUE INDEX workspaces_name ON workspaces (organization_id, name)",
    "CREATE UNIQUE INDEX variables_key ON variables (workspace_id, category, key)",
    "CREATE INDEX configurations_workspace ON configurations (workspace_id, created_at)",
    "CREATE INDEX runs_workspace ON runs (workspace_id, created_at)",
    "CREATE INDEX runs_status ON runs (status)",
    "CREATE UNIQUE INDEX runs_one_active ON runs (workspace_id) WHERE holds_workspace",
    "CREATE UNIQUE INDEX phases_run ON phases (run_id, kind)",
    "CREATE INDEX states_workspace ON states (workspace_id, created_at)",
    "CREATE INDEX state_outputs_state ON state_outputs (state_id)",
];

fn people() -> Vec<TableCreateStatement> {
    vec![
        table("users", &mut [id("id"), text("username"), text("email"), time("created_at")]),
        table(
            "tokens",
            &mut [
                id("id"),
                text("digest"),
                text("kind"),
                text("subject_id"),
                text("description"),
                time("created_at"),
                time_null("expires_at"),
            ],
        ),
    ]
}

fn organizations() -> Vec<TableCreateStatement> {
    vec![
        table("organizations", &mut [id("id"), text("name"), text("email"), integer("run_limit"), time("created_at")]),
        table(
            "projects",
            &mut [
                id("id"),
                text("organization_id"),
                text("name"),
                text("description"),
                boolean("is_default"),
                time("created_at"),
            ],
        ),
    ]
}

fn workspaces() -> Vec<TableCreateStatement> {
    vec![
        table(
            "workspaces",
            &mut [
                id("id"),
                text("organization_id"),
                text("project_id"),
                text("name"),
                text_null("description"),
                text("execution_mode"),
                boolean("auto_apply"),
                boolean("auto_apply_run_trigger"),
                boolean("allow_destroy_plan"),
                boolean("assessments_enabled"),
                boolean("file_triggers_enabled"),
                boolean("global_remote_state"),
                boolean("queue_all_runs"),
                boolean("speculative_enabled"),
                boolean("structured_run_output_enabled"),
                boolean("own_backend"),
                text("terraform_version"),
                text("working_directory"),
                text("source"),
                text_null("source_name"),
                text_null("source_url"),
                json("trigger_prefixes"),
                json("trigger_patterns"),
                text_null("locked_kind"),
                text_null("locked_by"),
                text_null("locked_reason"),
                text_null("current_configuration_id"),
                text_null("current_run_id"),
                text_null("current_state_id"),
                integer("resource_count"),
                time("created_at"),
                time("updated_at"),
            ],
        ),
        Table::create()
            .table("workspace_tags")
            .col(ColumnDef::new("workspace_id").text().not_null())
            .col(ColumnDef::new("key").text().not_null())
            .col(ColumnDef::new("value").text().null())
            .primary_key(Index::create().col("workspace_id").col("key"))
            .to_owned(),
        Table::create()
            .table("remote_state_consumers")
            .col(ColumnDef::new("workspace_id").text().not_null())
            .col(ColumnDef::new("consumer_id").text().not_null())
            .primary_key(Index::create().col("workspace_id").col("consumer_id"))
            .to_owned(),
        table(
            "variables",
            &mut [
                id("id"),
                text("workspace_id"),
                text("key"),
                blob("value"),
                text("description"),
                text("category"),
                boolean("hcl"),
                boolean("sensitive"),
                text("version_id"),
                time("created_at"),
            ],
        ),
    ]
}

fn configurations() -> Vec<TableCreateStatement> {
    vec![table(
        "configurations",
        &mut [
            id("id"),
            text("workspace_id"),
            text("status"),
            text("source"),
            boolean("speculative"),
            boolean("provisional"),
            boolean("auto_queue_runs"),
            text("object"),
            text_null("error_message"),
            time("created_at"),
        ],
    )]
}

fn runs() -> Vec<TableCreateStatement> {
    vec![
        table(
            "runs",
            &mut [
                id("id"),
                text("organization_id"),
                text("workspace_id"),
                text("configuration_id"),
                text("status"),
                json("status_timestamps"),
                text_null("created_by"),
                text("message"),
                text("source"),
                text("trigger_reason"),
                boolean("auto_apply"),
                boolean("is_destroy"),
                boolean("refresh"),
                boolean("refresh_only"),
                boolean("plan_only"),
                boolean("save_plan"),
                boolean("allow_empty_apply"),
                boolean("allow_config_generation"),
                boolean("json_output"),
                json("target_addrs"),
                json("replace_addrs"),
                blob("variables"),
                json("readers"),
                text("terraform_version"),
                boolean("holds_workspace"),
                boolean("has_changes"),
                text_null("state_before"),
                time_null("cancel_requested_at"),
                time_null("kill_requested_at"),
                text_null("failure"),
                json("recovery"),
                time("created_at"),
                time("updated_at"),
            ],
        ),
        table(
            "phases",
            &mut [
                id("id"),
                text("run_id"),
                text("kind"),
                text("status"),
                json("status_timestamps"),
                integer("additions"),
                integer("changes"),
                integer("destructions"),
                integer("imports"),
                boolean("has_changes"),
                boolean("generated_configuration"),
            ],
        ),
    ]
}

fn states() -> Vec<TableCreateStatement> {
    vec![
        table(
            "states",
            &mut [
                id("id"),
                text("workspace_id"),
                text_null("run_id"),
                text_null("created_by"),
                big("serial"),
                text("lineage"),
                text("md5"),
                big("size"),
                text("status"),
                boolean("intermediate"),
                boolean("forced"),
                text("terraform_version"),
                integer("resource_count"),
                json("resources"),
                time("created_at"),
            ],
        ),
        table(
            "state_outputs",
            &mut [
                id("id"),
                text("state_id"),
                text("workspace_id"),
                text("name"),
                boolean("sensitive"),
                json("detailed_type"),
                blob("value"),
            ],
        ),
    ]
}
