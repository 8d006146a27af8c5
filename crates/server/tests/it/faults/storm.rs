//! A database and a disk that again and again do not answer, or answer too late, while clients repeat what they were not answered.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use domain::{Fault, Problem};
use serde_json::json;
use server::Probe;

use super::{Client, Told, damage, goes_on};
use crate::harness::{Database, Server};

/// Of so many steps one fails.
const OF: u32 = 12;

/// Lets steps fail, by chance that can be repeated, as long as `OF` stands in the cell.
fn failing(of: Arc<AtomicU32>, count: Arc<AtomicUsize>, seed: u64) -> Probe {
    let chance = Mutex::new(fastrand::Rng::with_seed(seed));
    Probe::new(move |_| {
        let of = of.load(Ordering::SeqCst);
        if of == 0 || chance.lock().unwrap().u32(0..of) > 0 {
            return Ok(());
        }
        count.fetch_add(1, Ordering::SeqCst);
        Err(Problem::new(Fault::Unavailable, "storage/unavailable", "The test lets this fail.").advice("Go on."))
    })
}

/// Three clients work through a storm of so many faults at least; what is wrong once it is over.
async fn after_a_storm(database: Database, seed: u64, enough: usize) -> (usize, Server, Told) {
    let (of, count) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicUsize::new(0)));
    let probe = failing(of.clone(), count.clone(), seed);
    let server = Server::open_with(database, |options| options.probe = probe.clone()).await;
    let told = Told::default();
    of.store(OF, Ordering::SeqCst);
    let work = |name: &'static str| {
        let (server, told, count) = (&server, &told, &count);
        async move {
            let client = Client { server, told, mark: format!("storm-{name}") };
            let workspace = client.workspace(name).await;
            let mut number = 0;
            while number < 3 || count.load(Ordering::SeqCst) < enough {
                let run = client.run(&workspace, number, json!({ "auto-apply": number % 3 == 0 })).await;
                let come = ["planned", "applied", "errored"];
                if client.until(&run, &come).await == "planned" && number % 3 == 1 {
                    client.act(&run, "apply").await;
                    client.until(&run, &come[1..]).await;
                } else if number % 3 == 2 {
                    client.act(&run, "discard").await;
                    client.until(&run, &["discarded", "errored"]).await;
                }
                client.push(&workspace, name).await;
                number += 1;
            }
        }
    };
    futures::join!(work("net"), work("app"), work("db"));
    of.store(0, Ordering::SeqCst);
    (count.load(Ordering::SeqCst), server, told)
}

async fn storms(database: Database) {
    let seed = figures::seed(fastrand::u64(..));
    eprintln!("MULTISPACE_TEST_SEED={seed}");
    let (injected, server, told) = after_a_storm(database, seed, 60 * figures::scale()).await;
    let mut damage = damage(&server, &told.so_far()).await;
    damage.stuck.extend(goes_on(&server).await);
    figures::Figures::of("storm", injected, injected)
        .with("lost", damage.lost.len())
        .with("doubled", damage.doubled.len())
        .with("stuck", damage.stuck.len())
        .report();
    assert!(damage.is_none(), "{damage:?} after {injected} faults");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_stuck_when_steps_fail_on_sqlite() {
    storms(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_stuck_when_steps_fail_on_postgres() {
    storms(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_forgets_what_it_stored_is_found_out() {
    let (_, server, told) = after_a_storm(Database::Sqlite, 1, 10).await;
    assert!(damage(&server, &told.so_far()).await.is_none());
    std::fs::remove_dir_all(server.folder.path().join("data/objects")).unwrap();
    assert!(!damage(&server, &told.so_far()).await.lost.is_empty());
    figures::control("storm");
}
