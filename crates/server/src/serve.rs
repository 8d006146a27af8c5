//! The composition root: the one place that names concrete adapters. It wires, and decides nothing.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use domain::reach::Allowed;
use domain::{Fault, Problem};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::app::{App, Setup};
use crate::asking::Asking;
use crate::edge::Limits;
use crate::edge::connections::Connections;
use crate::git::{self, Git};
use crate::held::HeldRuns;
use crate::passwords::Passwords;
use crate::ports::Ports;
use crate::storage::audit::Book;
use crate::storage::{Changes, Db, Key, Keys, Objects, Probe, Reserve, key_of, signing};
use crate::{edge, resources, scheduler};

/// How an engine is to be set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Data folder: database, blobs, key, run folders. Made if need be; one engine at a time uses it.
    pub data: PathBuf,
    /// URL of a PostgreSQL database to use instead of SQLite in the data folder.
    pub database: Option<String>,
    /// Where the keys are that everything is sealed with; `None` is the file `key` in the data folder.
    pub keys: Option<Keys>,
    /// The terraform or tofu executable: a path, or a name that is looked up on PATH.
    pub terraform: PathBuf,
    /// Folder with one executable per version.
    pub terraform_versions: Option<PathBuf>,
    /// Folder of what is known from one process to the next, whatever data folder each has; `None` keeps nothing.
    pub cache: Option<PathBuf>,
    /// Environment that terraform inherits. Nothing else of this process's is visible to it.
    pub environment: Vec<(String, String)>,
    /// CLI configuration that every run starts from (`provider_installation` and so on).
    pub cli_config: String,
    /// Folders of this machine below which git repositories may be read; usually none.
    pub git_local: Vec<PathBuf>,
    /// Hosts and networks that repositories are fetched from although they are not on the public network.
    pub allow_fetch: Vec<Allowed>,
    /// Concurrent runs of a new organization.
    pub run_limit: u32,
    /// How long an interrupted terraform may take before it is killed.
    pub grace: Duration,
    /// The walls around the processes of runs; `None` where their code is trusted like whoever starts this.
    pub sandbox: Option<executor::Sandbox>,
    /// Our own executable, which knows [`executor::KEEP`]; without it large states are kept as small ones are.
    pub keeper: Option<PathBuf>,
    /// How long after a cancel a run may be force-canceled.
    pub force_cancel_after: Duration,
    /// How long a run whose terraform asked about another counts as waiting for it, if it does not ask again.
    pub patience: Duration,
    /// How long whoever asks about the plan of a stack counts as waiting for the answer, if they do not ask again.
    pub plan_patience: Duration,
    /// Whether this is a server: runs that had not begun to apply when an earlier process ended go on, and what comes due (triggers, fetches,
    /// automatic destroys, the ends of stacks) is carried out. Else the process walks one stack, and whoever started its runs starts them anew.
    pub resume: bool,
    /// How many requests a second one token, or one address without any, may make; 0 for as many as they like.
    pub rate_limit: u32,
    /// The folder is only looked at: what an earlier process left stays as it is, and nothing runs.
    pub only_look: bool,
    /// Bytes that are kept on the disk of the data folder for states, or three times the largest state; `None` keeps none.
    pub disk_reserve: Option<u64>,
    /// Where runs and clients reach this server (`http://127.0.0.1:8080`); `None` when nothing listens.
    pub address: Option<String>,
    /// Who is told of everything that becomes durable; for tests.
    pub probe: Probe,
}

impl Options {
    /// The usual options for a data folder: `terraform` from PATH, SQLite, four runs at once, nothing inherited.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            database: None,
            keys: None,
            terraform: "terraform".into(),
            terraform_versions: None,
            cache: None,
            environment: Vec::new(),
            cli_config: String::new(),
            git_local: Vec::new(),
            allow_fetch: Vec::new(),
            run_limit: 4,
            grace: Duration::from_secs(60),
            sandbox: None,
            keeper: None,
            force_cancel_after: Duration::from_secs(10),
            patience: Duration::from_secs(15),
            plan_patience: Duration::from_secs(120),
            resume: true,
            rate_limit: 0,
            only_look: false,
            disk_reserve: None,
            address: None,
            probe: Probe::default(),
        }
    }
}

/// The engine: rooms, queue and scheduler on one data folder. Close it with [`Engine::close`]; dropping it is as if the
/// process had been killed, which loses nothing either: what was being committed then is committed or not, and after that another may open
/// the folder.
pub struct Engine {
    pub(crate) app: App,
    closing: CancellationToken,
    /// Not there when the folder is only looked at.
    scheduler: Option<AbortOnDropHandle<()>>,
    data: PathBuf,
    _lock: Arc<File>,
}

impl Engine {
    /// Opens the data folder, takes up what an earlier process left there, and begins to schedule; unless it is only looked at.
    ///
    /// # Errors
    /// `engine/in-use` when another process uses the folder, `engine/data` when it cannot be used, `terraform/…` when
    /// the executable is not there, `storage/…`.
    pub async fn open(options: Options) -> Result<Self, Problem> {
        let lock = Arc::new(lock(&options.data).await?);
        let terraform = executor::locate(&options.terraform)?;
        let changes = Changes::default();
        let ports = Ports::system();
        // Where its answer is not known, starting terraform takes longer than opening the rows does.
        let known = options.cache.as_ref().map(|folder| folder.join("terraform-versions.json"));
        let asking = executor::terraform_version(&options.terraform, known.as_deref());
        let (version, rows) = tokio::join!(asking, rows(&options, &changes, &ports));
        let (version, (db, key)) = (version?, rows?);
        let limits = git::Limits::default();
        let reach =
            git::Reach { roots: options.git_local, allowed: options.allow_fetch, names: Arc::new(git::SystemNames) };
        let git = Git::new(options.data.join("git"), reach, &options.environment, limits)?;
        // At home a run reads what the one before it has left; a server's runs are of many.
        let is_walk = options.address.is_none() && !options.only_look;
        let setup = Setup {
            runs: options.data.join("runs"),
            initialised: options.data.join("initialised"),
            terraform,
            terraform_version: version.version,
            terraform_versions: options.terraform_versions,
            environment: options.environment,
            cli_config: options.cli_config,
            run_limit: options.run_limit,
            grace: options.grace,
            sandbox: options.sandbox,
            keeper: options.keeper,
            force_cancel_after: options.force_cancel_after,
            patience: options.patience,
            plan_patience: options.plan_patience,
            resume: options.resume,
            address: options.address,
        };
        let reserve = Reserve::of(&options.data, options.disk_reserve.filter(|_| !options.only_look));
        let objects = Objects::files(&options.data.join("objects"), key.clone(), true)?;
        let objects = if is_walk { objects.remembering() } else { objects };
        let app = App {
            db: db.claimed(&lock),
            objects: objects.with_reserve(reserve.clone()).probed(options.probe.clone()),
            logs: Objects::files(&options.data.join("logs"), key.clone(), false)?
                .with_reserve(reserve.clone())
                .probed(options.probe),
            reserve,
            key,
            asking: Asking::new(ports.clock.clone()),
            ports,
            git,
            passwords: Passwords::new(),
            noting: Arc::new(Semaphore::new(1)),
            changes,
            held: HeldRuns::default(),
            memory: executor::Memory::of_machine(),
            limits: Limits::new(options.rate_limit),
            setup: Arc::new(setup),
        };
        app.reserve.has_seen(resources::states::service::largest(&app.db.look()).await?);
        if let Err(problem) = app.reserve.ready() {
            tracing::error!(code = problem.code, "{}", problem.message);
        }
        let closing = CancellationToken::new();
        let scheduler = match options.only_look {
            true => None,
            false => {
                executor::make_place(&app.setup.runs).map_err(|error| unusable(&app.setup.runs, &error))?;
                let hands = scheduler::take_up(&app, &closing).await?;
                let scheduler = tokio::spawn(scheduler::run(app.clone(), closing.clone(), hands));
                Some(AbortOnDropHandle::new(scheduler))
            }
        };
        Ok(Self { app, closing, scheduler, data: options.data, _lock: lock })
    }

    /// The HTTP API.
    pub fn router(&self) -> axum::Router {
        edge::router(self.app.clone())
    }

    /// The owner's token, from the file `owner-token` in the data folder (mode 0600), made on the first call.
    ///
    /// # Errors
    /// `engine/data` when the file cannot be read or written.
    pub async fn owner_token(&self) -> Result<String, Problem> {
        let file = self.data.join("owner-token");
        if let Ok(token) = std::fs::read_to_string(&file) {
            return Ok(token.trim().to_owned());
        }
        let tx = self.app.db.write().await?;
        let owner = resources::users::service::owner(&self.app, &tx).await?;
        let token =
            resources::tokens::service::issue_for_user(&self.app, &tx, &owner, "made at the first start").await?;
        tx.commit().await?;
        crate::storage::write_private(&file, token.as_bytes()).map_err(|error| unusable(&file, &error))?;
        Ok(token)
    }

    /// Interrupts what is in terraform, waits until its state is saved, and closes the database.
    pub async fn close(self) {
        self.closing.cancel();
        if let Some(scheduler) = self.scheduler
            && let Err(error) = scheduler.await
        {
            tracing::error!(%error, "the scheduler ended badly");
        }
        self.app.held.give_up_all().await;
        self.app.db.close().await;
    }
}

/// How long a client may take to send the head of a request.
const HEADERS: Duration = Duration::from_secs(10);
/// Most bytes of the head of a request.
const HEAD: usize = 64 * 1024;
/// The same over HTTP/2.
const HEAD_2: u32 = 64 * 1024;
/// Requests that one connection of HTTP/2 may have under way.
const STREAMS: u32 = 128;
/// So often a connection of HTTP/2 is asked whether its client is still there.
const ALIVE: Duration = Duration::from_secs(30);

/// A certificate and its key, both PEM files.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Certificate chain.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// Serves the engine's API on `listener` until `stop` is cancelled; then lets requests that are under way end.
///
/// # Errors
/// `serve/tls` when certificate or key cannot be used, `serve/failed` when the listener fails, `user/password` without randomness.
pub async fn serve(
    engine: &Engine,
    listener: TcpListener,
    tls: Option<Tls>,
    stop: CancellationToken,
) -> Result<(), Problem> {
    engine.app.passwords.ready()?;
    let service = engine.router().into_make_service_with_connect_info::<SocketAddr>();
    let failed = |error: std::io::Error| {
        Problem::ours("serve/failed", "The server cannot go on listening.", error)
            .advice("Look at the log, and start it again.")
    };
    let handle = axum_server::Handle::new();
    let watched = handle.clone();
    tokio::spawn(async move {
        stop.cancelled().await;
        watched.graceful_shutdown(Some(Duration::from_secs(5)));
    });
    let mut server = axum_server::from_tcp(listener.into_std().map_err(failed)?).map_err(failed)?.handle(handle);
    server = server.first_request_timeout(HEADERS);
    let http = server.http_builder();
    http.http1().header_read_timeout(HEADERS).max_buf_size(HEAD);
    http.http2().max_header_list_size(HEAD_2).max_concurrent_streams(STREAMS).keep_alive_interval(ALIVE);
    let connections = Connections::of_system();
    match tls {
        None => server.acceptor(connections).serve(service).await.map_err(failed),
        Some(tls) => {
            let tls = RustlsAcceptor::new(certificate(&tls).await?).acceptor(connections);
            server.acceptor(tls).serve(service).await.map_err(failed)
        }
    }
}

async fn certificate(tls: &Tls) -> Result<RustlsConfig, Problem> {
    RustlsConfig::from_pem_file(&tls.certificate, &tls.key).await.map_err(|error| {
        Problem::invalid("serve/tls", format!("The certificate or its key cannot be used: {error}."))
            .advice("Give PEM files that belong together to --tls-cert and --tls-key.")
    })
}

/// The database, brought up to this version, and the key that everything in it is sealed with.
async fn rows(options: &Options, changes: &Changes, ports: &Ports) -> Result<(Db, Key), Problem> {
    let db = match &options.database {
        Some(url) => Db::postgres(url, changes.clone()).await,
        None => Db::sqlite(&options.data.join("multispace.db"), changes.clone()).await,
    };
    let db = db?.probed(options.probe.clone());
    // Before anything is written: with another key nothing here is ours.
    let keys = options.keys.clone().unwrap_or_else(|| Keys::beside(&options.data));
    let key = key_of(&db, &keys).await?;
    let db = db.migrated().await?;
    let key = signing(&db, key).await?;
    Ok((db.audited(Book::new(key.clone(), ports.clone())), key))
}

/// How long whoever has a folder may take to go. A process that was killed while it started another is gone, and what it had locked is free a
/// moment later, when the other has become what it is to be.
const GOING: Duration = Duration::from_millis(500);

/// Makes the data folder, for its owner alone, and takes it for this process.
async fn lock(data: &Path) -> Result<File, Problem> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(|error| unusable(data, &error))?;
    let file = data.join("lock");
    let lock = File::options().create(true).append(true).open(&file).map_err(|error| unusable(&file, &error))?;
    match tokio::time::timeout(GOING, executor::locked(lock)).await {
        Ok(Ok(lock)) => Ok(lock),
        _ => Err(Problem::conflict("engine/in-use", format!("Another multispace is at work in {}.", data.display()))
            .advice("Wait until it has ended, or stop it.")),
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(Fault::Unavailable, "engine/data", format!("{} cannot be used: {error}.", path.display()))
        .advice("Give a folder that you may write to, on a disk with room.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_that_is_free_in_a_moment_is_waited_for_and_one_that_is_in_use_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let held = lock(folder.path()).await.unwrap();
        assert_eq!(lock(folder.path()).await.unwrap_err().code, "engine/in-use");
        let (next, ()) = tokio::join!(lock(folder.path()), async { drop(held) });
        next.unwrap();
    }
}
