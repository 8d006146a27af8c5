//! Backups that are taken while the server works, and what is restored of them.

use std::fs;
use std::path::{Path, PathBuf};

use figures::Figures;
use serde_json::json;
use server::Keys;
use server::upkeep::{Folder, backup, fsck, restore};

use crate::harness::{Database, ORGANIZATION, Server, number, on_both};
use crate::upkeep::{push, with_history};

/// A place to restore to, with the keys of a folder.
async fn place(of: &Folder, at: &Path) -> Folder {
    let database = match of.database {
        Some(_) => Some(crate::harness::fresh_database().await),
        None => None,
    };
    let file = of.keys.file.clone();
    Folder { data: at.to_owned(), database, keys: Keys { file, given: None, command: None } }
}

/// The highest serial that a folder knows of a workspace.
async fn serial(folder: &Folder, workspace: &str) -> i64 {
    let of = format!("workspace_id = '{workspace}' AND status = 'finalized'");
    number(folder, &format!("SELECT max(serial) AS number FROM states WHERE {of}")).await
}

on_both! {
    async fn what_was_acknowledged_before_a_backup_began_is_in_it_though_runs_are_made_meanwhile(server) {
        let (net, app) = with_history(&server).await;
        let waiting = server.get(&format!("/workspaces/{net}")).await.text_at("/data/relationships/current-run/data/id").to_owned();
        server.act(&waiting, "discard").await.is(202);
        let folder = server.upkeep();
        let there = tempfile::tempdir().unwrap();
        let (acknowledged, over) = (std::sync::atomic::AtomicU64::new(91), std::sync::atomic::AtomicBool::new(false));
        let order = std::sync::atomic::Ordering::SeqCst;
        let pushes = async {
            for serial in 92.. {
                push(&server, &app, serial, "l").await;
                acknowledged.store(serial, order);
                if over.load(order) {
                    break;
                }
            }
        };
        let runs = async {
            while !over.load(order) {
                let run = server.run(&net, json!({ "auto-apply": true })).await;
                server.until(&run, "applied").await;
            }
        };
        let mut taken: Vec<(i64, PathBuf)> = Vec::new();
        let backups = async {
            for _ in 0..4 {
                let before = i64::try_from(acknowledged.load(order)).unwrap();
                let done = backup(&folder, there.path()).await.unwrap();
                assert!(done.report.findings.is_empty(), "{:#?}", done.report);
                taken.push((before, done.file));
            }
            over.store(true, order);
        };
        tokio::join!(pushes, runs, backups);
        for (at, (before, file)) in taken.iter().enumerate() {
            let to = place(&folder, &there.path().join(format!("restored-{at}"))).await;
            restore(file, &to).await.unwrap();
            let to = Folder { keys: Keys::beside(&to.data), ..to };
            let report = fsck(&to).await.unwrap();
            assert!(report.findings.is_empty(), "{report:#?}");
            assert!(serial(&to, &app).await >= *before);
        }
        let names: Vec<_> = fs::read_dir(&folder.data).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert!(!names.iter().any(|name| name.to_string_lossy().starts_with("backup")), "{names:?}");
        Figures::of("backup", taken.len(), taken.len()).with("lost", 0).report();
    }

    async fn a_restored_server_ends_what_was_under_way_and_goes_on(server) {
        let (net, app) = with_history(&server).await;
        let waiting = server.get(&format!("/workspaces/{net}")).await.text_at("/data/relationships/current-run/data/id").to_owned();
        let third = server.workspace("third").await;
        server.configuration(&third, false).await;
        server.gate("third.apply.gate");
        let applying = server.run(&third, json!({ "auto-apply": true })).await;
        server.until_called("third apply").await;
        let there = tempfile::tempdir().unwrap();
        let file = backup(&server.upkeep(), &there.path().join("one.backup")).await.unwrap().file;
        server.open_gate("third.apply.gate").await;
        server.until(&applying, "applied").await;

        let to = place(&server.upkeep(), &there.path().join("restored")).await;
        let restored = restore(&file, &to).await.unwrap();
        assert!(restored.report.is_clean());
        let again = server.restored(&to).await;
        let run = again.get(&format!("/runs/{waiting}")).await.is(200);
        assert_eq!(run.at("/data/attributes/status"), "discarded");
        let run = again.get(&format!("/runs/{applying}")).await.is(200);
        assert_eq!(run.at("/data/attributes/status"), "errored");
        let mut browser = again.signed_in(&again.token).await;
        let page = browser.page(&format!("/app/{ORGANIZATION}/third/runs/{applying}")).await;
        assert!(page.contains("was restored from"), "it says why: {page}");
        let locked = again.get(&format!("/workspaces/{third}")).await.is(200);
        assert_eq!(locked.at("/data/attributes/locked"), true);
        again.post(&format!("/workspaces/{third}/actions/force-unlock"), json!({})).await.is(200);
        let next = again.run(&third, json!({ "auto-apply": true })).await;
        again.until(&next, "applied").await;
        again.get(&format!("/workspaces/{app}/current-state-version")).await.is(200);
        assert!(fsck(&again.upkeep()).await.unwrap().findings.is_empty());
        // A second start finds nothing to end.
        let again = again.closed_and_opened_again().await;
        assert_eq!(again.get(&format!("/runs/{next}")).await.at("/data/attributes/status"), "applied");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_backup_an_altered_one_or_one_without_its_key_is_refused_and_nothing_is_overwritten() {
    let mut server = Server::open(Database::Sqlite).await;
    with_history(&server).await;
    server.close().await;
    let there = tempfile::tempdir().unwrap();
    let file = there.path().join("one.backup");
    backup(&server.upkeep(), &file).await.unwrap();
    assert_eq!(backup(&server.upkeep(), &file).await.unwrap_err().code, "upkeep/exists");
    let whole = fs::read(&file).unwrap();
    let key = fs::read_to_string(&server.upkeep().keys.file).unwrap();
    let secret = key.lines().last().unwrap().trim_start_matches("key ");
    assert!(!whole.windows(secret.len()).any(|part| part == secret.as_bytes()), "the key is not in it");
    assert!(!whole.windows(7).any(|part| part == b"hunter2"), "nor is a secret");

    let to = place(&server.upkeep(), &there.path().join("restored")).await;
    let damaged = there.path().join("damaged.backup");
    let step = (whole.len() / 24).max(1);
    let mut cases = 0;
    for at in (0..whole.len()).step_by(step) {
        for bytes in [whole[..at].to_vec(), [&whole[..at], &[whole[at] ^ 1], &whole[at + 1..]].concat()] {
            fs::write(&damaged, bytes).unwrap();
            // A byte of what fills up to a block says nothing.
            if let Err(problem) = restore(&damaged, &to).await {
                // Where what the backup says of itself was altered, it may be the keys that it names.
                assert!(
                    ["upkeep/backup", "storage/wrong-key", "upkeep/migrations"].contains(&problem.code),
                    "{problem}"
                );
                assert!(!to.data.exists());
                cases += 1;
            } else {
                assert!(fsck(&to).await.unwrap().is_clean());
                fs::remove_dir_all(&to.data).unwrap();
            }
        }
    }
    assert!(cases > 30, "{cases}");

    let foreign = there.path().join("foreign");
    fs::write(&foreign, [7; 32]).unwrap();
    fs::set_permissions(&foreign, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let wrong = Folder { keys: Keys { file: foreign, ..to.keys.clone() }, ..to.clone() };
    assert_eq!(restore(&file, &wrong).await.unwrap_err().code, "storage/wrong-key");
    let none = Folder { keys: Keys { file: there.path().join("none"), ..to.keys.clone() }, ..to.clone() };
    assert_eq!(restore(&file, &none).await.unwrap_err().code, "storage/key");
    assert!(!to.data.exists());
    restore(&file, &to).await.unwrap();
    assert_eq!(restore(&file, &to).await.unwrap_err().code, "upkeep/exists");

    // What is damaged is not taken for a backup's worth of data.
    let state = fs::read_dir(server.upkeep().data.join("objects/states")).unwrap().next().unwrap().unwrap().path();
    fs::write(state, "").unwrap();
    assert_eq!(backup(&server.upkeep(), &there.path().join("two.backup")).await.unwrap_err().code, "upkeep/damaged");
    assert!(!there.path().join("two.backup").exists());
    figures::control("backup");
    Figures::of("backup", cases + 3, cases + 3).with("lost", 0).report();
}
