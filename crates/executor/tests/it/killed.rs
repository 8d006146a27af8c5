//! kill -9 of terraform at random moments of an apply. A ledger that is not terraform's says what was made: each line of it has to be in
//! the state that is recovered, among what is unsaved, or among what is in doubt; also when the kill came while terraform wrote its state,
//! which then is empty.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::Path;
use std::time::Duration;

use executor::Recovery;
use figures::Figures;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::death::begun;
use crate::keeper::kept;
use crate::setting::{Setting, bad, run};

/// Resources that are made while terraform is killed, beside one that never ends.
const PARTS: usize = 60;
/// The same where the state is kept at an endpoint: so many that it is.
const MANY: usize = 200;
/// What each of them has in the state, in bytes: a state of 30 KB, and one of 2 MB.
const SIZES: [usize; 2] = [0, 15_000];

/// A way in which terraform works, and dies.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// With its local backend, and the ring.
    Local,
    /// With its state at an endpoint, which dies with it.
    Kept,
    /// So, too, and alone.
    KeptAlone,
}

impl Way {
    fn parts(self) -> usize {
        if matches!(self, Way::Local) { PARTS } else { MANY }
    }
}

/// Every resource writes itself into the ledger; one of them never ends.
fn busy(ledger: &Path, gate: &Path, size: usize, parts: usize) -> Setting {
    let (ledger, gate) = (ledger.display(), gate.display());
    run(&[(
        "main.tf",
        &format!(
            r#"
resource "terraform_data" "part" {{
  count = {parts}
  input = join("", [for i in range({}) : "a text of 20 letters"])
  provisioner "local-exec" {{
    command = "echo 'terraform_data.part[${{count.index}}]' >>{ledger}; sleep 0.1"
  }}
}}
resource "terraform_data" "endless" {{
  provisioner "local-exec" {{
    command = "echo terraform_data.endless >>{ledger}; echo waiting; cat {gate}"
  }}
}}
"#,
            size / 20
        ),
    )])
}

/// A run whose terraform was killed, what the ledger has, and what was recovered.
struct Killed {
    setting: Setting,
    made: BTreeSet<String>,
    recovery: Recovery,
}

/// Kills terraform so long after so many resources were complete.
async fn killed(way: Way, size: usize, complete: usize, after: Duration) -> Killed {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, gate) = (folder.path().join("ledger"), folder.path().join("gate"));
    nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let setting = busy(&ledger, &gate, size, way.parts());
    let setting = if matches!(way, Way::Local) { setting } else { kept(setting) };
    let (heard, applying) = begun(&setting).await;
    heard.until_count("Creation complete", complete).await;
    tokio::time::sleep(after).await;
    let record: serde_json::Value =
        serde_json::from_slice(&std::fs::read(setting.work.folder.join("phase.json")).unwrap()).unwrap();
    let group = i32::try_from(record["pid"].as_i64().unwrap()).unwrap();
    match way {
        Way::Local | Way::Kept => killpg(Pid::from_raw(group), Signal::SIGKILL).unwrap(),
        Way::KeptAlone => kill(Pid::from_raw(child_of(group)), Signal::SIGKILL).unwrap(),
    }
    assert_eq!(setting.work.folder.join("kept").is_dir(), !matches!(way, Way::Local));
    let failure = bad(applying.await.unwrap());
    let made = std::fs::read_to_string(&ledger).unwrap().lines().map(str::to_owned).collect();
    Killed { setting, made, recovery: failure.recovery }
}

/// The process that another has started.
fn child_of(parent: i32) -> i32 {
    let threads = std::fs::read_dir(format!("/proc/{parent}/task")).unwrap().flatten();
    let children: String =
        threads.map(|thread| std::fs::read_to_string(thread.path().join("children")).unwrap_or_default()).collect();
    children.split_whitespace().next().expect("it has a child").parse().unwrap()
}

impl Killed {
    /// Leaves of terraform's own state what a kill leaves that comes while it is written.
    fn tear(&self) {
        let record: serde_json::Value =
            serde_json::from_slice(&std::fs::read(self.setting.work.folder.join("phase.json")).unwrap()).unwrap();
        let state = self.setting.work.folder.join(record["state"].as_str().unwrap());
        std::fs::write(state, "").unwrap();
    }

    /// What is recovered from the folder as it is now.
    async fn recovered(&self) -> Recovery {
        let recovered = executor::recover(&self.setting.work.folder, None).await.unwrap();
        assert!(recovered.begun);
        recovered.recovery
    }

    /// What was made and is nowhere in there.
    fn unexplained(&self, recovery: &Recovery) -> Vec<String> {
        let mut explained = saved(recovery);
        explained.extend(recovery.unsaved.iter().map(|it| it.address.clone()));
        explained.extend(recovery.in_doubt.iter().map(|it| it.address.clone()));
        self.made.difference(&explained).cloned().collect()
    }
}

/// Addresses in a state.
fn saved(recovery: &Recovery) -> BTreeSet<String> {
    let Some(state) = &recovery.state else { return BTreeSet::new() };
    let state: serde_json::Value = serde_json::from_slice(state).unwrap();
    let resources = state["resources"].as_array().unwrap().iter();
    let instances = resources.flat_map(|resource| {
        let address = format!("{}.{}", resource["type"].as_str().unwrap(), resource["name"].as_str().unwrap());
        resource["instances"].as_array().unwrap().iter().map(move |instance| match &instance["index_key"] {
            serde_json::Value::Null => address.clone(),
            key => format!("{address}[{key}]"),
        })
    });
    instances.collect()
}

/// A number that looks random and is the same for the same seed.
fn drawn(seed: u64) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(seed)
}

#[tokio::test]
async fn whatever_was_made_when_terraform_was_killed_is_saved_or_named() {
    let seed = figures::seed(20_261_128);
    let (mut injected, mut survived) = (0, 0);
    let (mut completed, mut unsaved, mut in_doubt) = (0, 0, 0);
    let mut unexplained = Vec::new();
    for number in 0..2 * figures::scale() as u64 {
        let ways = SIZES.map(|size| (Way::Local, size)).into_iter().chain([(Way::Kept, 0), (Way::KeptAlone, SIZES[1])]);
        for (way, size) in ways {
            let drawn = drawn(seed ^ (number << 32) ^ size as u64);
            let complete = usize::try_from(drawn % way.parts() as u64).unwrap();
            let after = Duration::from_micros((drawn >> 32) % 30_000);
            let killed = killed(way, size, complete, after).await;
            killed.tear();
            for (fault, recovery) in [("killed", &killed.recovery), ("torn", &killed.recovered().await)] {
                let missing = killed.unexplained(recovery);
                injected += 1;
                survived += usize::from(missing.is_empty());
                completed += saved(recovery).len();
                unsaved += recovery.unsaved.len();
                in_doubt += recovery.in_doubt.len();
                let when = format!("{way:?}, {fault} after {complete} and {after:?}, {size} bytes each");
                unexplained.extend(missing.into_iter().map(|it| format!("{it}: {when}")));
            }
        }
    }
    Figures::of("tfkill", injected, survived)
        .with("completed", completed)
        .with("unsaved", unsaved)
        .with("in doubt", in_doubt)
        .with("unexplained", unexplained.len())
        .report();
    assert!(unexplained.is_empty(), "seed {seed}: {unexplained:#?}");
    assert!(completed > 0 && in_doubt > 0, "it was killed in the middle");
}

/// The control: the same kill, and one after the other what protects is taken away.
#[tokio::test]
async fn without_the_ring_a_state_is_lost_and_without_the_log_too_nobody_knows_what_was_made() {
    let killed = killed(Way::Local, SIZES[0], PARTS / 2, Duration::ZERO).await;
    assert!(killed.unexplained(&killed.recovery).is_empty());
    assert!(saved(&killed.recovery).len() + killed.recovery.unsaved.len() >= PARTS / 2);
    killed.tear();
    std::fs::remove_dir_all(killed.setting.work.folder.join("ring")).unwrap();
    let without_ring = killed.recovered().await;
    assert!(without_ring.state.is_none(), "the ring is what kept it");
    assert!(without_ring.unsaved.len() >= PARTS / 2, "only the log knows them by now");
    assert!(killed.unexplained(&without_ring).is_empty());
    std::fs::write(killed.setting.work.folder.join("log/apply"), "").unwrap();
    let without_log = killed.recovered().await;
    let lost = killed.unexplained(&without_log);
    assert!(lost.len() > PARTS / 2, "{lost:?} of {:?}", killed.made);
    figures::control("tfkill");
}
