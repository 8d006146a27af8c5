//! A run in a temporary folder, and an upstream that remembers.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::id::{Id, RunId};
use executor::{
    Applied, AtOnce, Backend, Failure, Foreseen, Memory, Names, Operation, Output, Planned, Source, Stop, Upstream,
    Variable, VariableCategory, Work,
};
use tokio::sync::watch;

/// Remembers what came, and lets a test wait for it.
pub(crate) struct Heard {
    log: watch::Sender<Vec<u8>>,
    pub(crate) snapshots: Mutex<Vec<Bytes>>,
    /// What was planned, with the length of the log by then.
    pub(crate) planned: Mutex<Vec<(Foreseen, usize)>>,
}

impl Heard {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { log: watch::Sender::new(Vec::new()), snapshots: Mutex::default(), planned: Mutex::default() })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.log.borrow()).into_owned()
    }

    /// Waits until the log has this text.
    pub(crate) async fn until(&self, text: &str) {
        self.until_count(text, 1).await;
    }

    /// Waits until the log has this text so many times.
    pub(crate) async fn until_count(&self, text: &str, count: usize) {
        let mut log = self.log.subscribe();
        log.wait_for(|log| String::from_utf8_lossy(log).matches(text).count() >= count).await.unwrap();
    }
}

#[async_trait]
impl Upstream for Heard {
    async fn log(&self, bytes: Bytes) {
        self.log.send_modify(|log| log.extend_from_slice(&bytes));
    }

    async fn planned(&self, foreseen: Foreseen, _outputs: &[String]) {
        let so_far = self.log.borrow().len();
        self.planned.lock().unwrap().push((foreseen, so_far));
    }

    async fn snapshot(&self, state: Bytes) {
        self.snapshots.lock().unwrap().push(state);
    }
}

pub(crate) struct Setting {
    _keep: tempfile::TempDir,
    pub(crate) work: Work,
}

/// A run of these files in workspace `production`.
pub(crate) fn run(files: &[(&str, &str)]) -> Setting {
    let keep = tempfile::tempdir().unwrap();
    let work = Work {
        run: RunId::from_suffix("fSX576JZGENVaeMi"),
        folder: keep.path().join("run"),
        initialised: None,
        source: Source::Archive(archive(files)),
        working_directory: String::new(),
        terraform: PathBuf::from("terraform"),
        operation: Operation { refresh: true, described: true, ..Operation::default() },
        names: Names {
            organization: "acme".into(),
            project: "shop".into(),
            workspace: "production".into(),
            workspace_id: "ws-1".into(),
        },
        backend: Backend::Held,
        state: None,
        plan_file: None,
        variables: Vec::new(),
        upstream_outputs: Vec::new(),
        planned_variables: std::collections::BTreeMap::new(),
        environment: vec![("PATH".into(), std::env::var("PATH").unwrap())],
        secrets: Vec::new(),
        cli_config: String::new(),
        output: Output::Human,
        grace: Duration::from_secs(60),
        sandbox: None,
        keeper: None,
        memory: Memory::default(),
    };
    Setting { _keep: keep, work }
}

pub(crate) fn archive(files: &[(&str, &str)]) -> Bytes {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    Bytes::from(tar.into_inner().unwrap().finish().unwrap())
}

pub(crate) fn terraform(key: &str, value: &str) -> Variable {
    Variable {
        key: key.into(),
        value: value.into(),
        category: VariableCategory::Terraform,
        hcl: false,
        sensitive: false,
    }
}

pub(crate) fn env(key: &str, value: &str) -> Variable {
    Variable { category: VariableCategory::Env, ..terraform(key, value) }
}

impl Setting {
    pub(crate) async fn plan(&self) -> (Result<Planned, Failure>, String) {
        let heard = Heard::new();
        let outcome = executor::plan(&self.work, None, heard.clone(), Stop::new()).await;
        (outcome, heard.text())
    }

    pub(crate) async fn apply(&self) -> (Result<Applied, Failure>, String) {
        let heard = Heard::new();
        let outcome = executor::apply(&self.work, heard.clone(), Stop::new()).await;
        (outcome, heard.text())
    }

    /// Plans and applies in one process.
    pub(crate) async fn at_once(&self) -> (Result<AtOnce, Failure>, Arc<Heard>) {
        let heard = Heard::new();
        let outcome = executor::plan_and_apply(&self.work, None, heard.clone(), Stop::new()).await;
        (outcome, heard)
    }

    /// Plans and applies, and insists that both succeed.
    pub(crate) async fn done(&self) -> (Planned, Applied, String) {
        let (planned, plan_log) = self.plan().await;
        let planned = good(planned, &plan_log);
        let (applied, apply_log) = self.apply().await;
        let applied = good(applied, &apply_log);
        (planned, applied, plan_log + &apply_log)
    }

    /// The next run of the same workspace: another folder, the state of this one.
    pub(crate) fn next(&self, state: Option<Bytes>) -> Setting {
        let keep = tempfile::tempdir().unwrap();
        let work = Work { folder: keep.path().join("run"), state, ..self.work.clone() };
        Setting { _keep: keep, work }
    }
}

pub(crate) fn good<T>(outcome: Result<T, Failure>, log: &str) -> T {
    match outcome {
        Ok(value) => value,
        Err(failure) => panic!("{:?}: {}\n{log}", failure.kind, failure.message),
    }
}

pub(crate) fn bad<T>(outcome: Result<T, Failure>) -> Failure {
    match outcome {
        Ok(_) => panic!("it succeeded"),
        Err(failure) => failure,
    }
}

pub(crate) fn outputs(state: &Bytes) -> serde_json::Value {
    let state: serde_json::Value = serde_json::from_slice(state).unwrap();
    state["outputs"].clone()
}

/// Text without colours.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}
