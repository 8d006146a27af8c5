//! A long queue: joining it, leaving it, and a restart in its middle. Small unless `MULTISPACE_QUEUE_RUNS` says how many runs,
//! and `MULTISPACE_QUEUE_REPORT` where to write what was measured: `cargo xtask bench queue` does both.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::json;
use tokio::task::JoinSet;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, span};

use crate::harness::{Database, ORGANIZATION, Server};

/// Runs in each workspace.
const EACH: usize = 5;
/// Slots while the queue moves.
const SLOTS: usize = 8;
/// Who reads the log of what is being planned, and is held until it grows, while runs join.
const READERS: usize = 100;
/// Between two other reads of that time: 30 a second.
const READ: Duration = Duration::from_millis(33);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_queue_is_quickly_joined_and_keeps_its_order_over_a_restart() {
    let asked = std::env::var("MULTISPACE_QUEUE_RUNS").ok().and_then(|it| it.parse().ok());
    let count: usize = asked.unwrap_or(60);
    let decisions = Decisions::default();
    tracing::subscriber::set_global_default(decisions.clone()).unwrap();
    let server = Server::open(Database::Sqlite).await;
    limit(&server, 1).await;

    // One run has the only slot, and everybody waits behind it.
    let first = workspace(&server, "first").await;
    server.gate("first.plan.gate");
    let first = server.run(&first, json!({})).await;
    server.until(&first, "planning").await;
    let mut workspaces = Vec::new();
    for at in 0..count / EACH {
        workspaces.push(workspace(&server, &format!("w{at}")).await);
    }
    let server = Arc::new(server);
    let reading = Reading::begin(&server, &first, &workspaces[0]).await;
    let mut joined = Vec::new();
    let mut runs: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for _ in 0..EACH {
        for workspace in &workspaces {
            let began = Instant::now();
            let run = server.run(workspace, json!({ "auto-apply": true })).await;
            joined.push(began.elapsed());
            runs.entry(workspace).or_default().push(run);
        }
    }
    assert_eq!(pending(&server).await, count);
    let mut read = reading.end().await;
    let server = Arc::into_inner(server).expect("nobody reads any more");
    decisions.take();

    limit(&server, SLOTS).await;
    server.open_gate("first.plan.gate").await;
    let until = count - count.min(300) / 2;
    while pending(&server).await > until {
        // To ask counts the whole queue: asked often, it would be what is measured.
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let starts = decisions.take();
    let memory = resident();

    let began = Instant::now();
    let server = server.closed_and_opened_again().await;
    let left = pending(&server).await;
    let opened = began.elapsed();
    while pending(&server).await > left.saturating_sub(20) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for (workspace, runs) in runs.iter().take(200) {
        let mut over = Vec::new();
        for run in runs {
            let read = server.get(&format!("/runs/{run}")).await.is(200);
            over.push(read.at("/data/attributes/status") != "pending");
        }
        assert!(over.is_sorted_by(|earlier, later| earlier >= later), "{workspace}: {over:?}");
    }

    let mut text = format!("{count} runs on {} workspaces\n", workspaces.len());
    let (median, high) = (quantile(&mut joined, 0.5), quantile(&mut joined, 0.99));
    text += &format!("  joining the queue   median {median:?}, p99 {high:?}\n");
    let (median, high) = (quantile(&mut read, 0.5), quantile(&mut read, 0.99));
    text += &format!(
        "  reading meanwhile, beside {READERS} readers of a log   median {median:?}, p99 {high:?} of {}\n",
        read.len()
    );
    let mut micros: Vec<_> = starts.iter().map(|&(micros, _)| Duration::from_micros(micros)).collect();
    let given: u64 = starts.iter().map(|&(_, starts)| starts).sum();
    let per_start = micros.iter().sum::<Duration>() / u32::try_from(given.max(1)).unwrap();
    let (median, high) = (quantile(&mut micros, 0.5), quantile(&mut micros, 0.99));
    text += &format!(
        "  deciding, facts included   median {median:?}, p99 {high:?}; {per_start:?} for each of {given} starts\n"
    );
    text +=
        &format!("  memory of server and test   {} MB\n  closing, opening, first answer   {opened:?}\n", memory / 1024);
    if let Ok(file) = std::env::var("MULTISPACE_QUEUE_REPORT") {
        std::fs::write(file, &text).unwrap();
    }
    if asked.is_some() {
        assert!(quantile(&mut joined, 0.99) < Duration::from_millis(50) && memory < 300 * 1024, "{text}");
        assert!(quantile(&mut read, 0.99) < Duration::from_millis(20), "{text}");
        assert!(per_start < Duration::from_millis(1) && opened < Duration::from_secs(10), "{text}");
    }
}

/// Who looks on while the queue grows.
struct Reading {
    /// Those that are held.
    held: JoinSet<()>,
    /// The one who reads this and that, and notes how long each took.
    other: JoinSet<()>,
    times: Arc<Mutex<Vec<Duration>>>,
}

impl Reading {
    async fn begin(server: &Arc<Server>, run: &str, workspace: &str) -> Self {
        let plan = server.get(&format!("/runs/{run}")).await.is(200);
        let plan = plan.text_at("/data/relationships/plan/data/id").to_owned();
        let plan = server.get(&format!("/plans/{plan}")).await.is(200);
        let log = plan.text_at("/data/attributes/log-read-url").to_owned();
        let (mut held, mut other, times) = (JoinSet::new(), JoinSet::new(), Arc::<Mutex<Vec<Duration>>>::default());
        for _ in 0..READERS {
            let (server, log) = (server.clone(), log.clone());
            held.spawn(async move {
                let mut offset = 0;
                loop {
                    let rest = server.request(Method::GET, &format!("{log}?offset={offset}&limit=65536")).anonymous();
                    offset += rest.header("prefer", "wait=60").send().await.is(200).body.len();
                }
            });
        }
        let paths =
            [format!("/runs/{run}"), format!("/workspaces/{workspace}/runs"), format!("/workspaces/{workspace}")];
        let (server, noted) = (server.clone(), times.clone());
        other.spawn(async move {
            let mut ticks = tokio::time::interval(READ);
            for at in 0.. {
                ticks.tick().await;
                let began = Instant::now();
                match paths.get(at % (paths.len() + 1)) {
                    Some(path) => server.get(path).await.is(200),
                    None => server.request(Method::GET, &log).anonymous().send().await.is(200),
                };
                noted.lock().unwrap().push(began.elapsed());
            }
        });
        Self { held, other, times }
    }

    /// How long each read took, but for those that were held.
    async fn end(self) -> Vec<Duration> {
        let Self { mut held, mut other, times } = self;
        assert!(held.try_join_next().is_none() && other.try_join_next().is_none(), "all of them read to the end");
        held.shutdown().await;
        other.shutdown().await;
        std::mem::take(&mut *times.lock().unwrap())
    }
}

async fn workspace(server: &Server, name: &str) -> String {
    let workspace = server.workspace(name).await;
    server.configuration(&workspace, false).await;
    server.tell(&format!("{name}.unchanged"));
    workspace
}

async fn limit(server: &Server, most: usize) {
    let attributes = json!({ "scope": "organization", "limit": most });
    let body = json!({ "data": { "attributes": attributes } });
    server.patch(&format!("/organizations/{ORGANIZATION}/run-limits"), body).await.is(200);
}

async fn pending(server: &Server) -> usize {
    let read = server.get(&format!("/organizations/{ORGANIZATION}/capacity")).await.is(200);
    usize::try_from(read.at("/data/attributes/pending").as_u64().unwrap()).unwrap()
}

fn quantile(times: &mut [Duration], part: f64) -> Duration {
    times.sort();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a list"
    )]
    let at = ((times.len().saturating_sub(1)) as f64 * part).round() as usize;
    times.get(at).copied().unwrap_or_default()
}

/// What this process has in memory, in KB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Hears what the scheduler tells of its decisions: microseconds, and how many runs started.
#[derive(Clone, Default)]
struct Decisions(Arc<Mutex<Vec<(u64, u64)>>>);

impl Decisions {
    /// Those since the last call in which runs started.
    fn take(&self) -> Vec<(u64, u64)> {
        let mut all = std::mem::take(&mut *self.0.lock().unwrap());
        all.retain(|&(_, starts)| starts > 0);
        all
    }
}

#[derive(Default)]
struct Numbers {
    micros: Option<u64>,
    starts: u64,
}

impl Visit for Numbers {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "micros" => self.micros = Some(value),
            "starts" => self.starts = value,
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl tracing::Subscriber for Decisions {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "server::scheduler"
    }

    fn event(&self, event: &Event<'_>) {
        let mut numbers = Numbers::default();
        event.record(&mut numbers);
        if let Some(micros) = numbers.micros {
            self.0.lock().unwrap().push((micros, numbers.starts));
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
