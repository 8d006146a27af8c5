//! An engine in a temporary folder, and requests to it without a network.

mod archive;
mod browser;
mod database;
mod git;
mod line;
mod people;
mod requests;
mod terraform;

pub(crate) use archive::{archive, hostile_archive};
pub(crate) use browser::Browser;
pub(crate) use database::{change, fresh as fresh_database, number, sqlite};
pub(crate) use git::Repository;
pub(crate) use line::Line;
pub(crate) use people::PASSWORD;
pub(crate) use requests::{Answer, Followed, Request};

use std::path::PathBuf;
use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use server::{Engine, Options};

/// Address that the server gives out; nothing listens there.
pub(crate) const ORIGIN: &str = "http://127.0.0.1:9";
/// The organization of the tests.
pub(crate) const ORGANIZATION: &str = "acme";

/// Which database a test runs on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

/// Makes two tests of one: the body runs on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($(async fn $name:ident($server:pat) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports, reason = "shared by all tests of a file")]
            use super::*;

            async fn test($server: crate::harness::Server) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                test(crate::harness::Server::open(crate::harness::Database::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                test(crate::harness::Server::open(crate::harness::Database::Postgres).await).await;
            }
        }
    )*};
}
pub(crate) use on_both;

/// An engine with one organization, its owner's token, and a terraform that does as it is told.
pub(crate) struct Server {
    engine: Option<Engine>,
    router: axum::Router,
    options: Options,
    pub(crate) token: String,
    #[allow(dead_code, reason = "it is there to be dropped: after the engine and before the folder")]
    remains: Remains,
    pub(crate) folder: tempfile::TempDir,
}

/// The folder of the run folders. A terraform outlives its server on purpose; it does not outlive its test.
struct Remains(std::path::PathBuf);

impl Drop for Remains {
    fn drop(&mut self) {
        for run in std::fs::read_dir(&self.0).into_iter().flatten().flatten() {
            if let Some(leftover) = executor::leftover(&run.path()) {
                leftover.interrupt();
            }
        }
    }
}

fn options(folder: &tempfile::TempDir) -> Options {
    let mut options = Options::new(folder.path().join("data"));
    for name in ["control", "git"] {
        std::fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    options.terraform = terraform::write(folder.path());
    options.environment = vec![("PATH".into(), std::env::var("PATH").unwrap())];
    options.address = Some(ORIGIN.into());
    options.git_local = vec![folder.path().join("git")];
    options.force_cancel_after = Duration::ZERO;
    options
}

impl Server {
    pub(crate) async fn open(database: Database) -> Self {
        Self::open_with(database, |_| {}).await
    }

    /// The same, set up otherwise.
    pub(crate) async fn open_with(database: Database, set: impl Fn(&mut Options)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = options(&folder);
        options.database = match database {
            Database::Sqlite => None,
            Database::Postgres => Some(database::fresh().await),
        };
        set(&mut options);
        let engine = Engine::open(options.clone()).await.unwrap();
        let token = engine.owner_token().await.unwrap();
        let remains = Remains(options.data.join("runs"));
        let server = Self { router: engine.router(), engine: Some(engine), options, token, remains, folder };
        let body = json!({ "data": { "attributes": { "name": ORGANIZATION, "email": "a@b.example" } } });
        server.post("/organizations", body).await.is(201);
        server
    }

    /// Opens what an earlier server on SQLite left in this folder: its data, and what its terraform wrote down.
    pub(crate) async fn of_folder(folder: tempfile::TempDir, token: &str) -> Self {
        let options = options(&folder);
        let engine = Engine::open(options.clone()).await.unwrap();
        let remains = Remains(options.data.join("runs"));
        Self { router: engine.router(), engine: Some(engine), options, token: token.to_owned(), remains, folder }
    }

    /// Ends the engine as a killed process would end, and opens the same data again.
    pub(crate) async fn killed_and_opened_again(mut self) -> Self {
        drop(self.engine.take());
        self.open_again().await
    }

    /// Ends the engine in order, and opens the same data again.
    pub(crate) async fn closed_and_opened_again(mut self) -> Self {
        self.engine.take().unwrap().close().await;
        self.open_again().await
    }

    async fn open_again(mut self) -> Self {
        let engine = loop {
            match Engine::open(self.options.clone()).await {
                // What was being committed when it was killed still is.
                Err(problem) if problem.code == "engine/in-use" => tokio::time::sleep(Duration::from_millis(5)).await,
                opened => break opened.unwrap(),
            }
        };
        self.router = engine.router();
        self.engine = Some(engine);
        self
    }

    /// What the commands that look after data folders are told.
    pub(crate) fn upkeep(&self) -> server::upkeep::Folder {
        server::upkeep::Folder {
            data: self.options.data.clone(),
            database: self.options.database.clone(),
            keys: server::Keys::beside(&self.options.data),
        }
    }

    /// Why the engine does not open its data, which it must not.
    pub(crate) async fn refuses_to_open(&self) -> domain::Problem {
        Engine::open(self.options.clone()).await.err().expect("it does not open")
    }

    /// Opens the same data again after [`Server::close`].
    pub(crate) async fn opened_again(self) -> Self {
        self.open_again().await
    }

    /// A server on a data folder that was restored.
    pub(crate) async fn restored(&self, folder: &server::upkeep::Folder) -> Self {
        let mut options = self.options.clone();
        options.data.clone_from(&folder.data);
        options.database.clone_from(&folder.database);
        let engine = Engine::open(options.clone()).await.unwrap();
        let token = engine.owner_token().await.unwrap();
        let remains = Remains(options.data.join("runs"));
        let folder = tempfile::tempdir().unwrap();
        Self { router: engine.router(), engine: Some(engine), options, token, remains, folder }
    }

    /// Ends the engine in order; the folder stays.
    pub(crate) async fn close(&mut self) {
        self.engine.take().unwrap().close().await;
    }

    /// Changes the database behind the server's back.
    pub(crate) async fn behind_its_back(&self, sql: &str) {
        change(&self.upkeep(), sql).await;
    }

    /// URL of its PostgreSQL database.
    pub(crate) fn database(&self) -> Option<&str> {
        self.options.database.as_deref()
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.engine.as_ref().expect("it is open")
    }

    /// A file that the scripted terraform looks for; see `terraform.rs`.
    pub(crate) fn control(&self, name: &str) -> PathBuf {
        self.folder.path().join("control").join(name)
    }

    /// Tells the scripted terraform something.
    pub(crate) fn tell(&self, name: &str) {
        std::fs::write(self.control(name), "").unwrap();
    }

    /// Gives the scripted terraform something.
    pub(crate) fn give(&self, name: &str, content: &str) {
        std::fs::write(self.control(name), content).unwrap();
    }

    /// How many calls of the scripted terraform began so (`WORKSPACE COMMAND`).
    pub(crate) fn calls(&self, start: &str) -> usize {
        let calls = std::fs::read_to_string(self.control("calls")).unwrap_or_default();
        calls.lines().filter(|call| call.starts_with(start)).count()
    }

    /// Waits until the scripted terraform was called so.
    pub(crate) async fn until_called(&self, start: &str) {
        for _ in 0..6000 {
            if self.calls(start) > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("terraform was never called: {start}");
    }

    /// Makes the scripted terraform wait at this point until the gate is opened.
    pub(crate) fn gate(&self, name: &str) {
        let path = self.control(name);
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    }

    /// Opens a gate that something waits at.
    pub(crate) async fn open_gate(&self, name: &str) {
        let path = self.control(name);
        tokio::task::spawn_blocking(move || {
            // Opening waits for the reader, so the gate can be taken away afterwards.
            drop(std::fs::OpenOptions::new().write(true).open(&path).unwrap());
            let _ = std::fs::remove_file(path);
        })
        .await
        .unwrap();
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> Request<'_> {
        Request::new(&self.router, method, path).token(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path).send().await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.request(Method::POST, path).json(&body).send().await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.request(Method::PATCH, path).json(&body).send().await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path).send().await
    }

    /// Makes a workspace and returns its id.
    pub(crate) async fn workspace(&self, name: &str) -> String {
        self.workspace_with(json!({ "name": name })).await
    }

    pub(crate) async fn workspace_with(&self, attributes: Value) -> String {
        let body = json!({ "data": { "type": "workspaces", "attributes": attributes } });
        self.post(&format!("/organizations/{ORGANIZATION}/workspaces"), body).await.is(201).id()
    }

    /// Makes a project and returns its id.
    pub(crate) async fn project(&self, name: &str) -> String {
        let body = json!({ "data": { "type": "projects", "attributes": { "name": name } } });
        self.post(&format!("/organizations/{ORGANIZATION}/projects"), body).await.is(201).id()
    }

    /// Makes a workspace in a project and returns its id.
    pub(crate) async fn workspace_in(&self, project: &str, name: &str) -> String {
        let body = json!({ "data": {
            "type": "workspaces",
            "attributes": { "name": name },
            "relationships": { "project": { "data": { "type": "projects", "id": project } } },
        }});
        self.post(&format!("/organizations/{ORGANIZATION}/workspaces"), body).await.is(201).id()
    }

    /// Makes a team without rights and returns its id.
    pub(crate) async fn team(&self, name: &str) -> String {
        let body = json!({ "data": { "type": "teams", "attributes": { "name": name } } });
        self.post(&format!("/organizations/{ORGANIZATION}/teams"), body).await.is(201).id()
    }

    /// Makes the single token of a team and returns its secret.
    pub(crate) async fn team_token(&self, team: &str) -> String {
        let made = self.post(&format!("/teams/{team}/authentication-token"), json!({ "data": {} })).await.is(201);
        made.text_at("/data/attributes/token").to_owned()
    }

    /// Gives a team a role on a workspace and returns the id of the grant.
    pub(crate) async fn team_on_workspace(&self, team: &str, workspace: &str, access: &str) -> String {
        let body = json!({ "data": { "attributes": { "access": access }, "relationships": {
            "team": { "data": { "type": "teams", "id": team } },
            "workspace": { "data": { "type": "workspaces", "id": workspace } },
        }}});
        self.post("/team-workspaces", body).await.is(201).id()
    }

    /// Gives a team a role on a project and returns the id of the grant.
    pub(crate) async fn team_on_project(&self, team: &str, project: &str, access: &str) -> String {
        let body = json!({ "data": { "attributes": { "access": access }, "relationships": {
            "team": { "data": { "type": "teams", "id": team } },
            "project": { "data": { "type": "projects", "id": project } },
        }}});
        self.post("/team-projects", body).await.is(201).id()
    }

    /// Uploads a configuration and returns its id.
    pub(crate) async fn configuration(&self, workspace: &str, speculative: bool) -> String {
        self.configuration_of(workspace, speculative, &[("main.tf", "")]).await
    }

    /// Uploads a configuration of these files and returns its id.
    pub(crate) async fn configuration_of(&self, workspace: &str, speculative: bool, files: &[(&str, &str)]) -> String {
        let attributes = json!({ "auto-queue-runs": false, "speculative": speculative });
        let body = json!({ "data": { "type": "configuration-versions", "attributes": attributes } });
        let made = self.post(&format!("/workspaces/{workspace}/configuration-versions"), body).await.is(201);
        let put = self.request(Method::PUT, made.text_at("/data/attributes/upload-url"));
        put.anonymous().bytes(archive(files)).send().await.is(200);
        made.id()
    }

    /// Starts a run and returns its id.
    pub(crate) async fn run(&self, workspace: &str, attributes: Value) -> String {
        self.try_run(workspace, None, attributes).await.is(201).id()
    }

    pub(crate) async fn try_run(&self, workspace: &str, configuration: Option<&str>, attributes: Value) -> Answer {
        let configuration = configuration.map(|id| json!({ "type": "configuration-versions", "id": id }));
        let body = json!({ "data": {
            "type": "runs",
            "attributes": attributes,
            "relationships": {
                "workspace": { "data": { "type": "workspaces", "id": workspace } },
                "configuration-version": { "data": configuration },
            },
        }});
        self.post("/runs", body).await
    }

    /// Waits until a run has this status. How long that takes decides nothing: the test ends when it is reached.
    pub(crate) async fn until(&self, run: &str, status: &str) -> Answer {
        self.until_that(&format!("/runs/{run}"), |answer| answer.text_at("/data/attributes/status") == status).await
    }

    pub(crate) async fn until_that(&self, path: &str, reached: impl Fn(&Answer) -> bool) -> Answer {
        let mut answer = self.get(path).await;
        for _ in 0..6000 {
            if reached(&answer) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            answer = self.get(path).await;
        }
        panic!("{path} never came so far: {}", answer.text());
    }

    pub(crate) async fn act(&self, run: &str, action: &str) -> Answer {
        self.request(Method::POST, &format!("/runs/{run}/actions/{action}")).send().await
    }

    /// The whole log of a plan or an apply.
    pub(crate) async fn log(&self, phase: &str) -> Vec<u8> {
        let kind = if phase.starts_with("plan-") { "plans" } else { "applies" };
        let read = self.get(&format!("/{kind}/{phase}")).await.is(200);
        let log = self.request(Method::GET, read.text_at("/data/attributes/log-read-url")).anonymous().send().await;
        log.is(200).body.to_vec()
    }
}
