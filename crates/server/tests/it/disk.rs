//! A disk that is full: what is under way ends with its state, and nothing begins that would lose one.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use axum::http::Method;
use figures::Figures;
use serde_json::json;
use server::upkeep::fsck;

use crate::harness::{Database, Server};

const MB: u64 = 1024 * 1024;

/// A disk of its own.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mount(size: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()).status();
        assert!(
            mounted.is_ok_and(|status| status.success()),
            "a small disk is needed, which only root may mount: run this test as root"
        );
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes until nothing more fits.
    fn fill(&self) -> PathBuf {
        let path = self.path().join("filler");
        let mut file = File::create(&path).unwrap();
        for size in [64 * 1024, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l"]).arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_no_state_and_nothing_begins_until_there_is_room() {
    let disk = Disk::mount(48 * MB);
    let data = disk.path().join("data");
    let runs = tempfile::tempdir().unwrap();
    std::fs::create_dir(&data).unwrap();
    // Terraform's own folder is not what is full here.
    std::os::unix::fs::symlink(runs.path(), data.join("runs")).unwrap();
    let at = data.clone();
    let server = Server::open_with(Database::Sqlite, move |options| {
        options.data.clone_from(&at);
        options.disk_reserve = Some(16 * MB);
    })
    .await;
    let workspace = server.workspace("net").await;
    server.configuration(&workspace, false).await;
    assert!(std::fs::metadata(data.join("reserve")).unwrap().len() >= 16 * MB);
    let planned = server.workspace("waits").await;
    server.configuration(&planned, false).await;
    let waits = server.run(&planned, json!({})).await;
    server.until(&waits, "planned").await;
    server.gate("net.apply.gate");
    let run = server.run(&workspace, json!({ "auto-apply": true })).await;
    server.until_called("net apply").await;

    let filler = disk.fill();
    server.open_gate("net.apply.gate").await;
    server.until(&run, "applied").await;
    server.get(&format!("/workspaces/{workspace}/current-state-version")).await.is(200);
    assert!(!data.join("reserve").exists(), "the room was given up");

    server.try_run(&workspace, None, json!({})).await.refuses(503, "storage/disk-full");
    server.act(&waits, "apply").await.refuses(503, "storage/disk-full");
    std::fs::remove_file(filler).unwrap();
    server.act(&waits, "apply").await.is(202);
    server.until(&waits, "applied").await;
    assert!(data.join("reserve").exists(), "the room is held again");
    let report = fsck(&server.upkeep()).await.unwrap();
    assert!(report.findings.is_empty(), "{report:#?}");
    Figures::of("enospc", 3, 3).with("lost", 0).report();
}

/// Uploads a state while the disk is full; what is answered, and what is then asked for the state.
async fn uploaded_when_full(reserve: Option<u64>) -> (u16, u16) {
    let disk = Disk::mount(48 * MB);
    let data = disk.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let server = Server::open_with(Database::Sqlite, move |options| {
        options.data.clone_from(&data);
        options.disk_reserve = reserve;
    })
    .await;
    let workspace = server.workspace("net").await;
    server.post(&format!("/workspaces/{workspace}/actions/lock"), json!({})).await.is(200);
    let outputs = json!({ "large": { "value": "x".repeat(1024 * 1024), "type": "string" } });
    let state = json!({ "version": 4, "serial": 1, "lineage": "l", "terraform_version": "1.11.4", "outputs": outputs, "resources": [] });
    let state = state.to_string().into_bytes();
    let md5 = hex::encode(<md5::Md5 as md5::Digest>::digest(&state));
    let body =
        json!({ "data": { "type": "state-versions", "attributes": { "serial": 1, "lineage": "l", "md5": md5 } } });
    let made = server.post(&format!("/workspaces/{workspace}/state-versions"), body).await.is(201);
    disk.fill();
    let put = server.request(Method::PUT, made.text_at("/data/attributes/hosted-state-upload-url"));
    let answered = put.anonymous().bytes(state).send().await.status.as_u16();
    (answered, server.get(&format!("/workspaces/{workspace}/current-state-version")).await.status.as_u16())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_comes_when_the_disk_is_full_is_stored_in_the_room_that_was_kept_and_lost_without() {
    assert_eq!(uploaded_when_full(Some(16 * MB)).await, (200, 200));
    Figures::of("enospc", 1, 1).with("lost", 0).report();
    // The control: the same state on the same disk, and no room.
    assert_eq!(uploaded_when_full(None).await, (503, 404));
    figures::control("enospc");
}
