//! A data folder as a whole: it is checked, with its server and without, and every sort of damage is found.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use axum::http::Method;
use chrono::TimeDelta;
use figures::Figures;
use md5::{Digest, Md5};
use serde_json::json;
use server::Keys;
use server::upkeep::{Folder, Report, Swept, backup, deleted, deleted_state, fsck, sweep};

use crate::harness::{Database, Server, change, on_both};

/// A server on which much has happened: two workspaces with states of runs and of a user, a run that waits, one that only planned,
/// a lock, a variable, a log.
pub(crate) async fn with_history(server: &Server) -> (String, String) {
    let (net, app) = (server.workspace("net").await, server.workspace("app").await);
    // A log that is kept in pieces.
    fs::write(server.control("net.plan.says"), "terraform says much\n".repeat(120_000)).unwrap();
    let variable = json!({ "data": { "type": "vars", "attributes": {
        "key": "password", "value": "hunter2", "category": "terraform", "sensitive": true } } });
    server.post(&format!("/workspaces/{net}/vars"), variable).await.is(201);
    for workspace in [&net, &app] {
        server.configuration(workspace, false).await;
        for _ in 0..2 {
            let run = server.run(workspace, json!({ "auto-apply": true })).await;
            server.until(&run, "applied").await;
        }
    }
    let run = server.run(&net, json!({ "plan-only": true })).await;
    server.until(&run, "planned_and_finished").await;
    let run = server.run(&net, json!({})).await;
    server.until(&run, "planned").await;
    server.post(&format!("/workspaces/{app}/actions/lock"), json!({})).await.is(200);
    push(server, &app, 90, "l").await;
    push(server, &app, 91, "l").await;
    (net, app)
}

/// Pushes a state by force, as a user who holds the lock.
pub(crate) async fn push(server: &Server, workspace: &str, serial: u64, lineage: &str) {
    let bytes = json!({ "version": 4, "serial": serial, "lineage": lineage, "terraform_version": "1.11.4",
        "outputs": { "a": { "value": "b", "type": "string" } }, "resources": [] })
    .to_string();
    let body = json!({ "data": { "type": "state-versions", "attributes": {
        "serial": serial, "lineage": lineage, "md5": hex::encode(Md5::digest(&bytes)), "force": serial == 90 } } });
    let made = server.post(&format!("/workspaces/{workspace}/state-versions"), body).await.is(201);
    let url = made.text_at("/data/attributes/hosted-state-upload-url");
    server.request(Method::PUT, url).anonymous().bytes(bytes).send().await.is(200);
}

fn codes(report: &Report) -> BTreeSet<&'static str> {
    report.findings.iter().map(|finding| finding.problem.code).collect()
}

pub(crate) fn listed(folder: &Path) -> BTreeSet<(PathBuf, Vec<u8>)> {
    let mut all = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                // What SQLite keeps beside its file for readers.
                path if ["-shm", "-wal"].iter().any(|end| path.to_string_lossy().ends_with(end)) => {}
                path => drop(all.insert((path.clone(), fs::read(path).unwrap()))),
            }
        }
    }
    all
}

fn copied(from: &Path, to: &Path) {
    for (file, bytes) in listed(from) {
        let file = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, bytes).unwrap();
    }
    let key = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(to.join("key"), key).unwrap();
}

on_both! {
    async fn a_folder_is_as_it_should_be_beside_its_server_and_without_it(server) {
        let mut server = server;
        with_history(&server).await;
        let beside = fsck(&server.upkeep()).await.unwrap();
        assert!(beside.in_use && beside.findings.is_empty(), "{beside:#?}");
        assert_eq!((beside.checked.workspaces, beside.checked.runs), (2, 6));
        assert!(beside.checked.audit_rows > 20, "{beside:?}");
        assert!(beside.checked.states >= 6 && beside.checked.values >= 8 && beside.checked.blobs >= 20, "{beside:?}");
        server.close().await;
        let before = listed(&server.upkeep().data);
        let alone = fsck(&server.upkeep()).await.unwrap();
        assert!(!alone.in_use && alone.findings.is_empty(), "{alone:#?}");
        assert_eq!(listed(&server.upkeep().data), before, "it changes nothing");
    }

    async fn states_of_a_deleted_workspace_are_had_back_until_they_are_swept(server) {
        let (net, app) = with_history(&server).await;
        let folder = server.upkeep();
        let bytes = server.get(&format!("/workspaces/{net}/current-state-version")).await.is(200);
        let (state, url) = (bytes.id(), bytes.text_at("/data/attributes/hosted-state-download-url").to_owned());
        let bytes = server.request(Method::GET, &url).send().await.is(200).body;
        assert!(deleted(&folder).await.unwrap().is_empty());
        deleted_state(&folder, &state).await.unwrap_err();
        let run = server.get(&format!("/workspaces/{net}/runs")).await.ids()[0].clone();
        server.act(&run, "discard").await.is(202);
        server.request(Method::DELETE, &format!("/workspaces/{net}")).send().await.is(204);

        let kept = deleted(&folder).await.unwrap();
        assert!(kept.len() >= 2 && kept.iter().all(|it| it.workspace == "net"), "{kept:?}");
        assert_eq!(deleted_state(&folder, &state).await.unwrap(), bytes);
        let report = fsck(&folder).await.unwrap();
        assert!(report.findings.iter().all(|it| it.is_left_over && !it.about.starts_with("states/")), "{report:#?}");
        // A backup has them, too.
        let there = tempfile::tempdir().unwrap();
        let file = there.path().join("one.backup");
        backup(&folder, &file).await.unwrap();
        let listed = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        assert!(listed.contains(&format!("objects/states/{state}")));

        assert_eq!(sweep(&folder, TimeDelta::days(30)).await.unwrap(), Swept::default(), "nothing is so old");
        assert_eq!(deleted(&folder).await.unwrap(), kept);
        let swept = sweep(&folder, TimeDelta::zero()).await.unwrap();
        assert!(swept.states == kept.len() && swept.blobs > swept.states, "{swept:?}");
        assert!(deleted(&folder).await.unwrap().is_empty());
        deleted_state(&folder, &state).await.unwrap_err();
        // What is somebody's is all there, and an archive stays while somebody may upload the same.
        let report = fsck(&folder).await.unwrap();
        assert!(report.is_clean(), "{report:#?}");
        assert!(report.findings.iter().all(|it| it.about.starts_with("configurations/")), "{report:#?}");
        server.get(&format!("/workspaces/{app}/current-state-version")).await.is(200);
        let log = server.get("/audit-trail/export").await.is(200).text();
        assert!(log.contains("multispace deleted sweep"), "{log}");
        let mut server = server;
        server.close().await;
        sweep(&folder, TimeDelta::zero()).await.unwrap();
        assert!(fsck(&folder).await.unwrap().findings.is_empty());
    }

    async fn rows_that_contradict_what_was_promised_are_found(server) {
        let mut server = server;
        with_history(&server).await;
        server.close().await;
        let folder = server.upkeep();
        for (code, statements) in ROWS {
            for statement in *statements {
                change(&folder, statement).await;
            }
            let report = fsck(&folder).await.unwrap();
            assert!(codes(&report).contains(code), "{code}: {report:#?}");
            assert!(report.findings.iter().all(|it| !it.problem.message.is_empty() && !it.problem.advice.is_empty()));
            assert!(!report.is_clean());
        }
    }
}

/// What is done to the rows, one after the other, and the code by which it is found.
const ROWS: &[(&str, &[&str])] = &[
    ("upkeep/lock", &["UPDATE workspaces SET locked_by = 'user-gone' WHERE name = 'app'"]),
    ("upkeep/current-state", &["UPDATE workspaces SET current_state_id = NULL WHERE name = 'app'"]),
    ("upkeep/serial", &["UPDATE states SET serial = 91 WHERE serial = 90"]),
    ("upkeep/state", &["UPDATE states SET md5 = 'x' WHERE run_id IS NOT NULL"]),
    ("upkeep/value", &["UPDATE variables SET value = (SELECT value FROM state_outputs LIMIT 1)"]),
    ("upkeep/run", &["UPDATE runs SET status = 'nowhere' WHERE status = 'planned_and_finished'"]),
    ("upkeep/writers", &["DROP INDEX runs_one_active", "UPDATE runs SET holds_workspace = TRUE"]),
    ("upkeep/apply", &["UPDATE runs SET status = 'errored', failure = NULL WHERE status = 'applied'"]),
    ("upkeep/audit", &["UPDATE audit_rows SET action = 'runs.read' WHERE action = 'runs.create'"]),
    ("upkeep/missing", &["UPDATE configurations SET object = 'configurations/gone'"]),
    ("upkeep/left-over", &["DELETE FROM phases"]),
    ("upkeep/migrations", &["INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_newer', 0)"]),
];

/// Blobs of a folder below this one, biggest name last.
fn blobs(folder: &Folder, below: &str) -> Vec<PathBuf> {
    listed(&folder.data.join(below)).into_iter().map(|(path, _)| path).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_damage_to_a_blob_is_found() {
    let mut server = Server::open(Database::Sqlite).await;
    with_history(&server).await;
    server.close().await;
    let whole = server.upkeep();
    let flip = |file: &Path| {
        let mut bytes = fs::read(file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(file, bytes).unwrap();
    };
    let swap = |one: &Path, other: &Path| {
        let (a, b) = (fs::read(one).unwrap(), fs::read(other).unwrap());
        fs::write(one, b).unwrap();
        fs::write(other, a).unwrap();
    };
    let cut = |file: &Path| {
        let bytes = fs::read(file).unwrap();
        fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
    };
    type Damage<'a> = Box<dyn Fn(&Folder) + 'a>;
    let damages: Vec<(&str, &str, Damage<'_>)> = vec![
        ("a byte of a state", "upkeep/blob", Box::new(|it| flip(&blobs(it, "objects/states")[0]))),
        ("a state cut off", "upkeep/blob", Box::new(|it| cut(&blobs(it, "objects/states")[0]))),
        ("an empty state", "upkeep/blob", Box::new(|it| fs::write(&blobs(it, "objects/states")[0], "").unwrap())),
        (
            "two states swapped",
            "upkeep/blob",
            Box::new(|it| {
                let all = blobs(it, "objects/states");
                swap(&all[0], &all[1]);
            }),
        ),
        ("a state gone", "upkeep/missing", Box::new(|it| fs::remove_file(&blobs(it, "objects/states")[0]).unwrap())),
        (
            "all states gone",
            "upkeep/missing",
            Box::new(|it| fs::remove_dir_all(it.data.join("objects/states")).unwrap()),
        ),
        ("a plan's byte", "upkeep/blob", Box::new(|it| flip(&blobs(it, "objects/plans")[0]))),
        ("the plans gone", "upkeep/missing", Box::new(|it| fs::remove_dir_all(it.data.join("objects/plans")).unwrap())),
        ("an archive's byte", "upkeep/blob", Box::new(|it| flip(&blobs(it, "objects/configurations")[0]))),
        (
            "the archive gone",
            "upkeep/missing",
            Box::new(|it| fs::remove_dir_all(it.data.join("objects/configurations")).unwrap()),
        ),
        ("a log's byte", "upkeep/blob", Box::new(|it| flip(&blobs(it, "logs")[0]))),
        (
            "a log's beginning gone",
            "upkeep/log",
            Box::new(|it| {
                let all = blobs(it, "logs");
                let long = |path: &&PathBuf| all.iter().filter(|other| other.parent() == path.parent()).count() > 1;
                fs::remove_file(all.iter().find(long).expect("a log in pieces")).unwrap();
            }),
        ),
        (
            "a log gone",
            "upkeep/log",
            Box::new(|it| fs::remove_dir_all(blobs(it, "logs")[0].parent().unwrap()).unwrap()),
        ),
        (
            "a blob of nobody",
            "upkeep/left-over",
            Box::new(|it| {
                let state = blobs(it, "objects/states").remove(0);
                fs::copy(&state, state.with_file_name("sv-nobody")).unwrap();
            }),
        ),
        ("another key", "upkeep/value", Box::new(|it| fs::write(it.data.join("key"), [7; 32]).unwrap())),
    ];
    for (what, code, damage) in &damages {
        let folder = tempfile::tempdir().unwrap();
        copied(&whole.data, folder.path());
        let folder = Folder { data: folder.path().to_owned(), database: None, keys: Keys::beside(folder.path()) };
        assert!(fsck(&folder).await.unwrap().findings.is_empty(), "before: {what}");
        damage(&folder);
        let report = fsck(&folder).await.unwrap();
        assert!(codes(&report).contains(code), "{what}: {report:#?}");
    }
    // Each was found, and none before anything was damaged.
    Figures::of("fsck", damages.len(), damages.len()).with("lost", 0).report();
    figures::control("fsck");
}

#[tokio::test]
async fn what_is_no_data_folder_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = Folder { data: folder.path().to_owned(), database: None, keys: Keys::beside(folder.path()) };
    assert_eq!(fsck(&nothing).await.unwrap_err().code, "upkeep/no-data");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is made");
    let file = folder.path().join("multispace.db");
    fs::write(&file, "a text in the place of the database").unwrap();
    let problem = fsck(&nothing).await.unwrap_err();
    assert_eq!(problem.code, "storage/not-opened");
    assert!(problem.message.contains(&file.display().to_string()), "{problem}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is made beside it");
}
