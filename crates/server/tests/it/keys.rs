//! The keys that everything is sealed with: changed while the server works, refused when they are wrong or lost.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use figures::Figures;
use serde_json::json;
use server::Keys;
use server::upkeep::{Folder, fsck, retire, rewrap, rotate, uses};

use crate::harness::{Database, Server, on_both};
use crate::upkeep::{listed, push, with_history};

/// How much is sealed with the first key, and with the others.
async fn counts(folder: &Folder) -> (usize, usize) {
    let all = uses(folder).await.unwrap();
    let first = all.iter().filter(|key| key.encrypts).map(|key| key.sealed).sum();
    (first, all.iter().filter(|key| !key.encrypts).map(|key| key.sealed).sum())
}

on_both! {
    async fn keys_are_changed_while_runs_are_made_and_states_are_pushed(server) {
        let (net, app) = with_history(&server).await;
        let before = server.get(&format!("/workspaces/{app}/current-state-version")).await.is(200);
        let folder = server.upkeep();
        let rotations = 3 * figures::scale();
        let work = async {
            for serial in 92..92 + 8 {
                push(&server, &app, serial, "l").await;
                let run = server.run(&net, json!({ "plan-only": true })).await;
                server.until(&run, "planned_and_finished").await;
            }
        };
        let change = async {
            for _ in 0..rotations {
                rotate(&folder).await.unwrap();
            }
        };
        tokio::join!(work, change);
        let report = fsck(&folder).await.unwrap();
        assert!(report.findings.is_empty(), "{report:#?}");

        // What was being written meanwhile is sealed anew by the next one.
        let done = rewrap(&folder).await.unwrap();
        assert_eq!(done.left, 0, "{done:?}");
        let (first, others) = counts(&folder).await;
        assert!(first > 40 && others == 0, "{first} {others}");
        assert_eq!(retire(&folder).await.unwrap().len(), rotations);
        assert_eq!(uses(&folder).await.unwrap().len(), 1);
        let log = server.get("/audit-trail/export").await.is(200).text();
        let rows = |action: &str| {
            let lines = log.lines().filter(|line| line.contains("\"command\"") && line.contains("multispace key"));
            lines.filter(|line| line.contains(&format!("\"{action}\""))).count()
        };
        assert_eq!((rows("rotate"), rows("retire")), (rotations, rotations), "{log}");
        assert!(rows("rewrap") >= 2 * rotations, "values and blobs: {log}");

        // Everything is there: tokens, states, what a run was given, before and after a restart.
        let read = server.get(&format!("/state-versions/{}", before.id())).await.is(200);
        assert_eq!(read.at("/data/attributes/md5"), before.at("/data/attributes/md5"));
        let server = server.closed_and_opened_again().await;
        server.get(&format!("/state-versions/{}", before.id())).await.is(200);
        let run = server.run(&net, json!({ "plan-only": true })).await;
        server.until(&run, "planned_and_finished").await;
        let report = fsck(&server.upkeep()).await.unwrap();
        assert!(report.findings.is_empty(), "{report:#?}");
        Figures::of("rotate", rotations, rotations).with("lost", report.findings.len()).report();
    }

    async fn a_wrong_or_lost_key_is_refused_and_nothing_is_overwritten(server) {
        let mut server = server;
        with_history(&server).await;
        server.close().await;
        let folder = server.upkeep();
        let key = fs::read(&folder.keys.file).unwrap();

        fs::write(&folder.keys.file, [7; 32]).unwrap();
        let before = listed(&folder.data);
        assert_eq!(server.refuses_to_open().await.code, "storage/wrong-key");
        assert_eq!(listed(&folder.data), before);
        assert_eq!(rotate(&folder).await.err().map(|problem| problem.code), Some("storage/sealed"));

        fs::remove_file(&folder.keys.file).unwrap();
        let before = listed(&folder.data);
        assert_eq!(server.refuses_to_open().await.code, "storage/key-lost");
        assert_eq!(listed(&folder.data), before, "no new key is made");

        fs::write(&folder.keys.file, &key).unwrap();
        fs::set_permissions(&folder.keys.file, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(server.refuses_to_open().await.code, "storage/key");
        fs::set_permissions(&folder.keys.file, fs::Permissions::from_mode(0o600)).unwrap();
        server.opened_again().await.get("/account/details").await.is(200);
        Figures::of("rotate", 3, 3).with("lost", 0).report();
    }
}

/// Without the old key in the list nothing that it sealed opens: that is what is lost where a rotation forgets it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_taken_away_too_early_is_seen() {
    let mut server = Server::open(Database::Sqlite).await;
    with_history(&server).await;
    server.close().await;
    let folder = server.upkeep();
    let old = fs::read_to_string(&folder.keys.file).unwrap();
    rotate(&folder).await.unwrap();
    let both = fs::read_to_string(&folder.keys.file).unwrap();
    assert!(both.ends_with(old.lines().last().unwrap().trim_end()) || both.contains(old.lines().last().unwrap()));
    fs::write(&folder.keys.file, &old).unwrap();
    let report = fsck(&folder).await.unwrap();
    assert!(!report.is_clean() && report.findings.len() > 20, "{report:#?}");
    figures::control("rotate");
    let keys = Keys::beside(&folder.data);
    fs::write(&keys.file, &both).unwrap();
    assert!(fsck(&folder).await.unwrap().findings.is_empty());
}

/// A rotation that was cut off: some is sealed with the new key and some is not. All of it opens, and the next one ends it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_was_cut_off_is_gone_on_with() {
    let mut server = Server::open(Database::Sqlite).await;
    with_history(&server).await;
    server.close().await;
    let folder = server.upkeep();
    let states = folder.data.join("objects/states");
    let hidden = folder.data.join("hidden");
    fs::rename(&states, &hidden).unwrap();
    rotate(&folder).await.unwrap();
    fs::rename(&hidden, &states).unwrap();
    assert!(counts(&folder).await.1 > 0, "something is sealed with the old key");
    assert!(fsck(&folder).await.unwrap().findings.is_empty());
    assert!(retire(&folder).await.unwrap().is_empty(), "a key that is in use stays");
    assert!(rewrap(&folder).await.unwrap().blobs > 0);
    assert_eq!(counts(&folder).await.1, 0);
    assert!(fsck(&folder).await.unwrap().findings.is_empty());
}
