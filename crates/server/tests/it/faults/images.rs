//! What a crash would leave at each moment at which something becomes durable, opened again.
//!
//! While clients work, the data folder is copied right before and right after commits and blobs. Each copy is then opened as a
//! server that was killed at that moment: `kill -9` at every commit point.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;
use server::{Moment, Probe};

use super::{Client, Damage, Promise, Told, damage, goes_on};
use crate::harness::{Database, Server};

/// Of so many moments one is looked at, unless more is asked for.
const OF: usize = 8;

/// A copy of what a crash would have left.
struct Image {
    folder: tempfile::TempDir,
    moment: String,
    /// What clients had been told by then.
    told: Vec<Promise>,
}

/// Works on a server and takes an image at every `every`th moment, beginning with the `first`; returns them with what clients
/// were told in all.
async fn taken(first: usize, every: usize) -> (Vec<Image>, Vec<Promise>, String) {
    let (told, images) = (Told::default(), Arc::new(Mutex::new(Vec::new())));
    let folder: Arc<Mutex<Option<std::path::PathBuf>>> = Arc::default();
    let count = AtomicUsize::new(0);
    let probe = {
        let (told, images, folder) = (told.clone(), images.clone(), folder.clone());
        Probe::new(move |moment| {
            // Only once the server has its organization: before that nobody relies on anything.
            let Some(from) = folder.lock().unwrap().clone() else { return Ok(()) };
            if count.fetch_add(1, Ordering::SeqCst) % every == first {
                // What is told while the copy is made need not be in it.
                let told = told.so_far();
                let image = Image { folder: copied(&from), moment: shown(moment), told };
                images.lock().unwrap().push(image);
            }
            Ok(())
        })
    };
    let server = Server::open_with(Database::Sqlite, |options| options.probe = probe.clone()).await;
    server.give("net.apply.says", "one line\nand another\n");
    *folder.lock().unwrap() = Some(server.folder.path().to_owned());

    let client = Client { server: &server, told: &told, mark: "images".into() };
    let net = client.workspace("net").await;
    let run = client.run(&net, 0, json!({ "auto-apply": true })).await;
    client.until(&run, &["applied"]).await;
    client.push(&net, "net").await;
    let asked = client.run(&net, 1, json!({})).await;
    let other = client.workspace("other").await;
    let beside = client.run(&other, 2, json!({ "auto-apply": true })).await;
    client.until(&asked, &["planned"]).await;
    client.act(&asked, "apply").await;
    client.until(&asked, &["applied"]).await;
    client.until(&beside, &["applied"]).await;
    let refused = client.run(&net, 3, json!({ "is-destroy": true })).await;
    client.until(&refused, &["planned"]).await;
    client.act(&refused, "discard").await;
    client.push(&other, "other").await;

    *folder.lock().unwrap() = None;
    let token = server.token.clone();
    drop(server);
    let images = std::mem::take(&mut *images.lock().unwrap());
    (images, told.so_far(), token)
}

/// Copies a server's folder as it is at this moment. What terraform wrote down comes first, so that the copy never knows of an apply that
/// the data does not; then the database, as of one moment; then the rest, of which there may be more. The folder of a run goes away when it
/// has ended: those that a database may know to be under way are those that were there before it was copied.
fn copied(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    let data = to.path().join("data");
    copy(&from.join("control"), &to.path().join("control"));
    std::fs::create_dir(&data).unwrap();
    copy(&from.join("data/runs"), &data.join("runs"));
    // Beside a blob that is stored others commit: a log that begins anew meanwhile does not belong to the copy of the database.
    let (database, log) = (from.join("data/multispace.db"), from.join("data/multispace.db-wal"));
    let state = || {
        let head: Vec<u8> = std::fs::read(&log).map(|log| log.into_iter().take(32).collect()).unwrap_or_default();
        (std::fs::metadata(&database).and_then(|it| it.modified()).ok(), head)
    };
    loop {
        let before = state();
        let _ = std::fs::copy(&database, data.join("multispace.db"));
        let _ = std::fs::copy(&log, data.join("multispace.db-wal"));
        if state() == before {
            break;
        }
    }
    for file in ["key", "owner-token"] {
        let _ = std::fs::copy(from.join("data").join(file), data.join(file));
    }
    for folder in ["objects", "logs", "runs"] {
        copy(&from.join("data").join(folder), &data.join(folder));
    }
    to
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => copy(&path, &target),
            // Gone since it was listed: it is gone in the image, too.
            Ok(kind) if kind.is_file() => drop(std::fs::copy(&path, &target)),
            Ok(kind) if kind.is_symlink() => {
                let _ = std::fs::remove_file(&target);
                let _ = std::os::unix::fs::symlink(std::fs::read_link(&path).unwrap_or_default(), &target);
            }
            _ => {}
        }
    }
}

fn shown(moment: Moment<'_>) -> String {
    match moment {
        Moment::Committing => "before a commit".into(),
        Moment::Committed => "after a commit".into(),
        Moment::Storing(blob) => format!("before {blob} was stored"),
        Moment::Stored(blob) => format!("after {blob} was stored"),
    }
}

/// Opens an image, and says what is missing of `told`.
async fn opened(folder: tempfile::TempDir, token: &str, told: &[Promise]) -> Damage {
    let server = Server::of_folder(folder, token).await;
    let mut damage = damage(&server, told).await;
    damage.stuck.extend(goes_on(&server).await);
    damage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_at_any_moment_has_all_that_it_told_and_goes_on() {
    let scale = figures::scale();
    let every = (OF / scale).max(1);
    let (mut injected, mut survived) = (0, 0);
    let (mut lost, mut doubled, mut stuck) = (0, 0, 0);
    for round in 0..scale.div_ceil(OF) {
        let (images, _, token) = taken((round + usize::from(every > 1)) % every, every).await;
        assert!(images.len() > 20 / every, "only {} moments", images.len());
        for image in images {
            let damage = opened(image.folder, &token, &image.told).await;
            injected += 1;
            if damage.is_none() {
                survived += 1;
            } else {
                eprintln!("killed {}: {damage:?}", image.moment);
            }
            lost += damage.lost.len();
            doubled += damage.doubled.len();
            stuck += damage.stuck.len();
        }
    }
    figures::Figures::of("images", injected, survived)
        .with("lost", lost)
        .with("doubled", doubled)
        .with("stuck", stuck)
        .report();
    assert_eq!((lost, doubled, stuck), (0, 0, 0), "{survived} of {injected} survived");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_promises_before_it_is_durable_or_begins_an_apply_twice_is_found_out() {
    let (mut images, all, token) = taken(0, 1).await;
    // As if every answer had been given at once.
    let early = images.remove(2);
    assert!(early.told.len() < all.len());
    let early = opened(early.folder, &token, &all).await;
    assert!(!early.lost.is_empty(), "{early:?}");

    // As if an apply were not noted before terraform is started. The folder, too, would refuse a second one.
    let begun = |image: &Image| std::fs::read_to_string(image.folder.path().join("control/begun")).unwrap_or_default();
    let at = images.iter().position(|image| begun(image).lines().count() == 1).unwrap();
    let image = images.swap_remove(at);
    let run = super::run_of(begun(&image).lines().next().unwrap());
    crate::harness::sqlite(
        &image.folder.path().join("data/multispace.db"),
        &format!("UPDATE runs SET status = 'confirmed' WHERE id = '{run}'"),
    )
    .await;
    std::fs::remove_dir_all(image.folder.path().join("data/runs").join(&run)).unwrap();
    let server = Server::of_folder(image.folder, &token).await;
    let damage = damage(&server, &image.told).await;
    let read = server.get(&format!("/runs/{run}")).await.text();
    assert_eq!(damage.doubled, [run], "{damage:?} {read}");
    figures::control("images");
}
