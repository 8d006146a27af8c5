//! Who may name whom inside the server: the layers within one crate, which rustc does not enforce.
//!
//! Read from `use` lines and paths. `serve.rs` wires everything together and is free; nobody imports it.

use std::path::PathBuf;

use anyhow::Result;

use super::source::{self, Reference};
use super::{Violation, edges};
use crate::tree;

/// What a path leads to, as far as a rule cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Database,
    Http,
    Wire,
    Actor,
    Room,
    Api,
    Store,
}

/// One row of the table: files of this part must not name these targets.
struct Rule {
    part: &'static str,
    must_not: &'static [Target],
    advice: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        part: "api",
        must_not: &[Target::Database, Target::Store],
        advice: "a handler extracts, calls its service and answers: move the query into store.rs and call it from service.rs",
    },
    Rule {
        part: "page",
        must_not: &[Target::Database, Target::Store, Target::Wire],
        advice: "a page shows what services return, not documents: move the query into store.rs and call it from service.rs",
    },
    Rule {
        part: "service",
        must_not: &[Target::Database, Target::Http, Target::Wire],
        advice: "a use case knows no HTTP, no documents and no SQL: take values from api.rs, leave queries to store.rs",
    },
    Rule {
        part: "store",
        must_not: &[Target::Http, Target::Wire, Target::Actor],
        advice: "a store knows tables only: who asks and how it is shown is decided above it",
    },
    Rule {
        part: "scheduler",
        must_not: &[Target::Api, Target::Wire, Target::Http, Target::Store],
        advice: "the scheduler reads facts, decides and calls what a room's mod.rs offers",
    },
    Rule {
        part: "git",
        must_not: &[Target::Room, Target::Wire, Target::Http, Target::Database, Target::Actor],
        advice: "git knows repositories and commits: what they are for is decided by who calls it",
    },
    Rule {
        part: "upkeep",
        must_not: &[Target::Room, Target::Wire, Target::Http, Target::Actor],
        advice: "upkeep looks at tables and blobs from outside: what a room decides is asked of the room while its server runs",
    },
    Rule {
        part: "storage",
        must_not: &[Target::Room, Target::Wire, Target::Http],
        advice: "storage is a floor that rooms stand on: it knows none of them",
    },
];

pub(super) fn check() -> Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for (file, module) in server_files()? {
        let text = tree::read(&file)?;
        for reference in source::references(&module, &text) {
            if let Some((what, advice)) = refused(&module, &reference) {
                violations.push(Violation::new(&file, reference.line, what, advice));
            }
        }
    }
    Ok(violations)
}

/// The source files of the server with the module that each is.
pub(super) fn server_files() -> Result<Vec<(PathBuf, Vec<String>)>> {
    let folder = tree::root().join("crates/server/src");
    let files = tree::files(&folder, ".rs")?;
    Ok(files.into_iter().map(|file| (file.clone(), source::module_of(&folder, &file))).collect())
}

/// What is wrong with naming this here, and what to do; `None` when nothing is.
fn refused(module: &[String], reference: &Reference) -> Option<(String, String)> {
    let named = reference.path.join("::");
    let at_root = module.len() == 1;
    // local.rs is the engine's other entrance: it stands on what serve.rs has wired, as an HTTP client does.
    let is_serve = module.get(1).is_some_and(|part| part == "serve" || part == "local");
    if reference.path.starts_with(&["crate".to_owned(), "serve".to_owned()]) && !at_root && !is_serve {
        return Some((
            format!("`{named}` is imported: serve.rs is where everything is wired together"),
            "move what you need out of serve.rs, to the floor it belongs to".to_owned(),
        ));
    }
    if is_serve || at_root {
        return None;
    }
    let part = part_of(module);
    if let Some(rule) = RULES.iter().find(|rule| rule.part == part)
        && let Some(target) = targets(&reference.path).into_iter().find(|target| rule.must_not.contains(target))
    {
        return Some((format!("{part} names `{named}` ({})", shown(target)), rule.advice.to_owned()));
    }
    let own = edges::room_of(module);
    let theirs = edges::room_of(&reference.path);
    let inside = reference.path.get(3).is_some_and(|part| is_inside(part));
    (theirs.is_some() && theirs != own && inside).then(|| {
        let room = theirs.unwrap_or_default();
        (
            format!("`{named}` is the inside of the room {room}"),
            format!("call the service of {room}, or what resources/{room}/mod.rs offers"),
        )
    })
}

/// The part of the server that a module belongs to: of a room its file, else the first folder.
fn part_of(module: &[String]) -> &str {
    let part = if edges::room_of(module).is_some() { module.get(3) } else { module.get(1) };
    part.map_or("", String::as_str)
}

/// What a room keeps to itself; its service and its `mod.rs` are what other rooms call.
fn is_inside(part: &str) -> bool {
    matches!(part, "api" | "page" | "store")
}

fn targets(path: &[String]) -> Vec<Target> {
    let mut found = Vec::new();
    match path.first().map(String::as_str) {
        Some("rusqlite" | "sea_orm" | "sqlx" | "sea_orm_migration") => found.push(Target::Database),
        Some("axum" | "axum_server" | "http" | "tower_http") => found.push(Target::Http),
        Some("wire") => found.push(Target::Wire),
        Some("crate") => match path.get(1).map(String::as_str) {
            Some("actor") => found.push(Target::Actor),
            Some("edge") => found.push(Target::Http),
            Some("resources") => {
                found.push(Target::Room);
                match path.get(3).map(String::as_str) {
                    Some("store") => found.push(Target::Store),
                    Some("api" | "page") => found.push(Target::Api),
                    _ => {}
                }
            }
            _ => {}
        },
        _ => {}
    }
    found
}

fn shown(target: Target) -> &'static str {
    match target {
        Target::Database => "the database",
        Target::Http => "HTTP",
        Target::Wire => "documents of the network",
        Target::Actor => "who asks",
        Target::Room => "a room",
        Target::Api => "a room's handlers",
        Target::Store => "a store",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(module: &str, path: &str) -> Option<String> {
        let split = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
        refused(&split(module), &Reference { path: split(path), line: 1 }).map(|(what, _)| what)
    }

    #[test]
    fn a_handler_may_not_reach_a_store_or_the_database() {
        assert!(verdict("crate::resources::runs::api", "crate::resources::runs::store::find").is_some());
        assert!(verdict("crate::resources::runs::api", "sea_orm::EntityTrait").is_some());
        assert!(verdict("crate::resources::runs::api", "crate::resources::runs::service::create").is_none());
    }

    #[test]
    fn a_page_may_reach_neither_a_store_nor_the_documents_of_the_network() {
        assert!(verdict("crate::resources::runs::page", "crate::resources::runs::store::find").is_some());
        assert!(verdict("crate::resources::runs::page::plan", "sea_orm::EntityTrait").is_some());
        assert!(verdict("crate::resources::runs::page", "wire::runs::Run").is_some());
        assert!(verdict("crate::resources::runs::page", "crate::resources::workspaces::page::show").is_some());
        assert!(verdict("crate::resources::runs::page", "crate::resources::workspaces::service::read").is_none());
        assert!(verdict("crate::resources::runs::page", "crate::edge::pages::page").is_none());
    }

    #[test]
    fn a_service_may_call_its_store_and_what_other_rooms_offer_but_not_their_inside() {
        assert!(verdict("crate::resources::runs::service", "crate::resources::runs::store::find").is_none());
        assert!(verdict("crate::resources::runs::service", "crate::resources::workspaces::lock").is_none());
        assert!(verdict("crate::resources::runs::service", "crate::resources::workspaces::service::find").is_none());
        assert!(verdict("crate::resources::runs::service", "crate::resources::workspaces::store::find").is_some());
        assert!(verdict("crate::resources::runs::service", "axum::http::StatusCode").is_some());
    }

    #[test]
    fn only_the_root_may_name_serve() {
        assert!(verdict("crate::edge::layout", "crate::serve::State").is_some());
        assert!(verdict("crate", "crate::serve").is_none());
        assert!(verdict("crate::serve", "crate::resources::runs::api::routes").is_none());
    }

    #[test]
    fn storage_knows_no_room() {
        assert!(verdict("crate::storage::migrations", "crate::resources::runs").is_some());
        assert!(verdict("crate::storage", "sea_orm::Database").is_none());
    }
}
