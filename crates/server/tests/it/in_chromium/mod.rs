//! The pages in a real Chromium: what needs a browser to be seen. What a page says is tested beside, on both databases; here
//! it is SQLite alone. `cargo xtask test` finds the Chromium.

mod decisions;
mod every_page;
mod graph;
mod live;
mod logs;
mod stack_plans;
mod stacks;
mod weight;

use chromium::{Chromium, Tab};
use serde_json::{Value, json};

use crate::harness::{Database, Line, Server};

/// A server, a line to it, and a tab at the other end.
struct Screen {
    tab: Tab,
    _chromium: Chromium,
    line: Line,
    server: Server,
}

impl Screen {
    /// Nobody has signed in.
    async fn open() -> Self {
        let server = Server::open(Database::Sqlite).await;
        let line = server.listen().await;
        let chromium = Chromium::start().await;
        Self { tab: chromium.tab().await, _chromium: chromium, line, server }
    }

    /// The owner has signed in.
    async fn signed_in() -> Self {
        let screen = Self::open().await;
        screen.goto("/sign-in").await;
        screen.tab.fill("#token", &screen.server.token).await;
        screen.tab.follow("button >> Sign in with a token").await;
        assert_eq!(screen.path().await, "/app");
        screen
    }

    async fn goto(&self, path: &str) {
        self.tab.goto(&format!("{}{path}", self.line.origin)).await;
    }

    async fn path(&self) -> String {
        self.tab.text("location.pathname").await
    }

    /// Nothing was wrong in the console since this was last asked.
    #[track_caller]
    fn quiet(&self) {
        let complaints = self.tab.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }

    /// A workspace with code, and a run of it; returns the id of the run.
    async fn run_of(&self, workspace: &str, attributes: Value) -> String {
        let id = self.server.workspace(workspace).await;
        self.server.configuration(&id, false).await;
        self.server.run(&id, attributes).await
    }

    /// Says of the page that it is still the one that was loaded: what a new one would not know.
    async fn mark(&self) {
        self.tab.eval("window.mark = 1").await;
    }

    async fn is_marked(&self) -> bool {
        self.tab.eval("window.mark === 1").await == true
    }
}

fn page(workspace: &str, run: &str) -> String {
    format!("/app/acme/{workspace}/runs/{run}")
}

/// A plan that destroys one thing and makes another, as terraform shows it.
fn plan() -> Value {
    let change = |name: &str, actions: &[&str], before: Value, after: Value| {
        json!({
            "address": format!("terraform_data.{name}"), "mode": "managed", "type": "terraform_data", "name": name,
            "provider_name": "terraform.io/builtin/terraform",
            "change": { "actions": actions, "before": before, "after": after, "after_unknown": { "id": true },
                        "before_sensitive": false, "after_sensitive": false },
        })
    };
    json!({
        "format_version": "1.2", "applyable": true, "output_changes": {},
        "resource_changes": [
            change("old", &["delete"], json!({ "input": "gone" }), Value::Null),
            change("new", &["create"], Value::Null, json!({ "input": "come" })),
        ],
    })
}
