//! Nothing of a run is alive when it is over: not what went into a session of its own, not what a terraform that hears nothing has
//! started, not what stands behind a launcher that was killed. Behind each sort of wall, with the real terraform.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::id::{Id, RunId};
use executor::{
    Applied, Backend, Failure, FailureKind, Keeper, Limits, Names, Operation, Output, Sandbox, Source, Stop, Upstream,
    Wall, Work,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::watch;

use crate::harness::MULTISPACE;
use crate::harness::processes::{alive, end};

/// Starts something that has neither its parent nor its session, nor its environment, and says so; then `and`. With `many`, before it so many
/// resources are made that their state is kept at an endpoint.
fn root(mark: &str, and: &str, many: bool) -> String {
    let count = if many { 200 } else { 0 };
    format!(
        "resource \"terraform_data\" \"first\" {{}}\nresource \"terraform_data\" \"many\" {{\n  count = {count}\n}}\nresource \
         \"terraform_data\" \"slow\" {{\n  depends_on = [terraform_data.first, terraform_data.many]\n  \
         provisioner \"local-exec\" {{\n    command = \"(env -i setsid sh -c 'trap \\\"\\\" INT TERM HUP; sleep 3599 & wait; : {mark}' </dev/null >/dev/null \
         2>&1 &); echo waiting; {and}\"\n  }}\n}}\n"
    )
}

struct Heard(watch::Sender<String>);

#[async_trait]
impl Upstream for Heard {
    async fn log(&self, bytes: Bytes) {
        self.0.send_modify(|log| log.push_str(&String::from_utf8_lossy(&bytes)));
    }

    async fn snapshot(&self, _: Bytes) {}
}

struct Case {
    _keep: tempfile::TempDir,
    mark: String,
    work: Work,
    stop: Stop,
}

impl Case {
    async fn planned(sandbox: Option<Sandbox>, name: &str, and: &str, many: bool) -> Self {
        let keep = tempfile::tempdir().unwrap();
        let mark = format!("contain-{name}-{}", std::process::id());
        let code = keep.path().join("code");
        std::fs::create_dir(&code).unwrap();
        std::fs::write(code.join("main.tf"), root(&mark, and, many)).unwrap();
        let source = configuration::pack_folder(&code, &configuration::Limits::default()).unwrap();
        let work = Work {
            run: run_of(keep.path()),
            folder: keep.path().join("run"),
            initialised: Some(keep.path().join("initialised")),
            memory: executor::Memory::default(),
            source: Source::Archive(Bytes::from(source)),
            working_directory: String::new(),
            terraform: PathBuf::from("terraform"),
            operation: Operation { refresh: true, ..Operation::default() },
            names: Names { workspace: "contained".into(), ..Names::default() },
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
            grace: Duration::from_millis(500),
            sandbox,
            keeper: many.then(|| Keeper { program: MULTISPACE.into(), secret: "onlythisrunknowsit".into() }),
        };
        let (heard, stop) = (Arc::new(Heard(watch::Sender::new(String::new()))), Stop::new());
        if let Err(failure) = executor::plan(&work, None, heard.clone(), stop.clone()).await {
            panic!("{}\n{}", failure.message, heard.0.borrow().as_str());
        }
        assert_eq!(work.folder.join("kept").is_dir(), many);
        Self { _keep: keep, mark, work, stop }
    }

    /// Begins to apply, and returns when the provisioner has begun.
    async fn begun(&self) -> tokio::task::JoinHandle<Result<Applied, Failure>> {
        let heard = Arc::new(Heard(watch::Sender::new(String::new())));
        let mut log = heard.0.subscribe();
        let (work, stop) = (self.work.clone(), self.stop.clone());
        let applying = tokio::spawn(async move { executor::apply(&work, heard, stop).await });
        log.wait_for(|log| log.contains(" waiting")).await.unwrap();
        applying
    }

    fn alive(&self) -> usize {
        let alive = alive(&self.mark);
        end(&alive);
        alive.len()
    }

    fn launcher(&self) -> Pid {
        let text = std::fs::read(self.work.folder.join("phase.json")).unwrap();
        let record: serde_json::Value = serde_json::from_slice(&text).unwrap();
        Pid::from_raw(i32::try_from(record["pid"].as_i64().unwrap()).unwrap())
    }
}

/// Stops terraform as a debugger would, so that it hears no interrupt any more, and says so into a pipe.
const FREEZES: &str = "kill -STOP $PPID; echo frozen >$TMPDIR/pipe; sleep 3598";

#[tokio::test]
async fn nothing_of_a_run_is_alive_when_it_is_over() {
    let (mut cases, mut survivors) = (0, Vec::new());
    let mut over = |name: String, alive: usize| {
        cases += 1;
        if alive > 0 {
            survivors.push(format!("{name}: {alive}"));
        }
    };
    for (sandbox, many) in walls().await.into_iter().flat_map(|sandbox| [(sandbox.clone(), false), (sandbox, true)]) {
        let wall = format!("{}{}", sandbox.wall.name().to_lowercase(), if many { "-endpoint" } else { "" });
        let case = async |name: &str, and: &str| {
            Case::planned(Some(sandbox.clone()), &format!("{wall}-{name}"), and, many).await
        };

        let left = case("left", "true").await;
        assert!(left.begun().await.await.unwrap().is_ok(), "{wall}");
        over(format!("{wall}: after an apply that went well"), left.alive());

        let asked = case("asked", "sleep 3598").await;
        let applying = asked.begun().await;
        asked.stop.interrupt();
        let failure = applying.await.unwrap().err().unwrap();
        assert_eq!(failure.kind, FailureKind::Canceled, "{wall}");
        let state = String::from_utf8(failure.recovery.state.unwrap().to_vec()).unwrap();
        assert!(state.contains("\"first\"") && state.contains("tainted"), "terraform heard the interrupt: {state}");
        over(format!("{wall}: after an interrupt"), asked.alive());

        let frozen = case("frozen", FREEZES).await;
        let pipe = frozen.work.folder.join("tmp/pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let applying = frozen.begun().await;
        let said = tokio::task::spawn_blocking(move || std::fs::read_to_string(pipe)).await.unwrap().unwrap();
        assert_eq!(said, "frozen\n");
        frozen.stop.interrupt();
        let failure = applying.await.unwrap().err().unwrap();
        assert_eq!(failure.kind, FailureKind::Canceled, "{wall}");
        assert_eq!(failure.recovery.in_doubt.len(), 1, "{wall}");
        over(format!("{wall}: after a terraform that hears nothing"), frozen.alive());

        let outlived = case("outlived", "sleep 3598").await;
        let applying = outlived.begun().await;
        // We die: nobody waits for the launcher any more.
        applying.abort();
        assert!(applying.await.is_err());
        executor::leftover(&outlived.work.folder).expect("it goes on without us").interrupt();
        let recovered = executor::recover(&outlived.work.folder, None).await.unwrap();
        assert!(!recovered.complete && recovered.recovery.state.is_some(), "{wall}");
        over(format!("{wall}: after our own death"), outlived.alive());

        let killed = case("killed", "sleep 3598").await;
        let applying = killed.begun().await;
        applying.abort();
        assert!(applying.await.is_err());
        executor::kill_leftover(&killed.work.folder).await.unwrap();
        over(format!("{wall}: after a kill by who comes next"), killed.alive());
    }
    figures::Figures::of("contain", cases, cases - survivors.len()).with("unexpected", survivors.len()).report();
    assert!(survivors.is_empty(), "{survivors:#?}");
}

#[tokio::test]
async fn what_stands_behind_a_launcher_that_is_killed_dies_with_it() {
    let sandbox = walls().await.remove(0);
    let case = Case::planned(Some(sandbox), "launcher", "sleep 3598", false).await;
    let applying = case.begun().await;
    kill(case.launcher(), Signal::SIGKILL).unwrap();
    let failure = applying.await.unwrap().err().unwrap();
    assert_eq!(failure.message, "`apply` was killed by somebody else.");
    assert!(String::from_utf8(failure.recovery.state.unwrap().to_vec()).unwrap().contains("\"first\""));
    gone(case).await;
}

#[tokio::test]
async fn what_stands_behind_a_keeper_that_is_killed_dies_with_it_and_what_it_had_made_is_known() {
    for sandbox in walls().await {
        let case = Case::planned(Some(sandbox), "keeper", "sleep 3598", true).await;
        let applying = case.begun().await;
        kill(case.launcher(), Signal::SIGKILL).unwrap();
        let failure = applying.await.unwrap().err().unwrap();
        assert_eq!(failure.message, "`apply` was killed by somebody else.");
        assert!(failure.recovery.state.is_none(), "terraform had sent none");
        assert_eq!(failure.recovery.unsaved.len(), 201);
        assert!(failure.recovery.unsaved.iter().all(|it| !it.id_value.is_empty()));
        gone(case).await;
    }
}

/// Waits until nothing of a run is alive.
async fn gone(case: Case) {
    // The kernel ends what is inside, and tells nobody when.
    let gone = tokio::task::spawn_blocking(move || {
        let deadline = std::time::Instant::now() + crate::harness::DEADLINE;
        while !alive(&case.mark).is_empty() {
            assert!(std::time::Instant::now() < deadline, "they live on");
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    gone.await.unwrap();
}

#[tokio::test]
async fn without_walls_what_went_into_a_session_of_its_own_lives_on() {
    let case = Case::planned(None, "none", "true", false).await;
    assert!(case.begun().await.await.unwrap().is_ok());
    assert!(case.alive() > 0, "the oracle sees nothing");
    figures::control("contain");
}

/// A run of its own for each case: by its id recovery knows what is a run's, also what another test has started meanwhile.
fn run_of(folder: &Path) -> RunId {
    let name = folder.file_name().unwrap().to_string_lossy();
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    RunId::from_suffix(&format!("{letters:a<16}"))
}

/// Both sorts that there are.
async fn walls() -> Vec<Sandbox> {
    let best = Sandbox::find(MULTISPACE.into(), Limits::usual(), &[]).await.expect("walls on this machine");
    assert!(
        matches!(best.wall, Wall::Bubblewrap { .. }),
        "install bubblewrap (on Debian: `sudo apt-get install bubblewrap`) and allow it to make namespaces"
    );
    let mut plain = best.clone();
    plain.wall = Wall::Landlock;
    vec![best, plain]
}
