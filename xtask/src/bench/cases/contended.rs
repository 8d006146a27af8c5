//! Two runs that wait for one workspace: how soon the second goes on when the first has ended. Terraform by itself would find the state locked,
//! and try again after a second.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::super::place::Bench;
use super::super::rounds::Spread;
use super::super::table::{Row, Target, Unit};
use super::server::{Client, Here};
use crate::process;

const WORKSPACE: &str = "contended";
const CODE: &str = "resource \"terraform_data\" \"this\" {\n  input = timestamp()\n}\n";

pub(super) fn run(bench: &mut Bench) -> Result<Vec<Row>> {
    let times = bench.size(3, 20);
    let server = Here::start(bench)?;
    let folder = bench.folder()?;
    fs::write(folder.join("main.tf"), format!("{}\n{CODE}", server.cloud(WORKSPACE)))?;
    server.terraform(&folder, &["init", "-input=false"])?;
    server.terraform(&folder, &["apply", "-auto-approve", "-input=false", "-no-color"])?;
    let figures = (0..times).map(|_| pair(&server)).collect::<Result<Vec<_>>>()?;
    let what = "two runs of a workspace: the first is applied, until the second goes on";
    Ok(vec![
        Row::new("contended", what, Unit::Milliseconds, Target::AtMost(5.0))
            .figure(Spread::of(figures), times)
            .noted("as two clients see it whose reads of the runs are held until they move"),
    ])
}

fn pair(server: &Here<'_>) -> Result<f64> {
    let start = || process::output(&mut server.multispace(&["run", "start", WORKSPACE, "--auto-approve"]));
    let (first, second) = (start()?, start()?);
    let (first, second, client) = (first.trim(), second.trim(), &server.client()?);
    std::thread::scope(|scope| {
        let ends = scope.spawn(|| moment(client, first, |status| status == "applied"));
        let goes_on = scope.spawn(|| moment(client, second, |status| status != "pending"));
        let died = |_| anyhow::anyhow!("whoever looked on died");
        let (ended, went_on) = (ends.join().map_err(died)??, goes_on.join().map_err(died)??);
        moment(client, second, |status| status == "applied")?;
        Ok(went_on.saturating_duration_since(ended).as_secs_f64() * 1e3)
    })
}

/// When a client knows that the status of a run is the one that it waits for.
fn moment(client: &Client<'_>, run: &str, is_it: impl Fn(&str) -> bool) -> Result<Instant> {
    let mut known = "pending".to_owned();
    loop {
        let answer = client.asked(&format!("/api/v2/runs/{run}?unless-status={known}"), "Prefer: wait=30\r\n")?;
        let seen = Instant::now();
        let (_, body) = answer.split_once("\r\n\r\n").context("an answer has a body")?;
        let read: Value = serde_json::from_str(body).context("a run is JSON")?;
        let status = read["data"]["attributes"]["status"].as_str().context("a run has a status")?;
        if is_it(status) {
            return Ok(seen);
        }
        ensure!(!matches!(status, "errored" | "canceled" | "discarded"), "{run} ended as {status}");
        known = status.to_owned();
    }
}
