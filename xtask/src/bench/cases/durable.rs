//! States that terraform sends to the endpoint of its run: how long until one is on the disk, and acknowledged.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::super::place::Bench;
use super::super::rounds::Spread;
use super::super::table::{Row, Target, Unit};

/// What a caller of the endpoint has to know; here nobody else calls it.
const SECRET: &str = "bench";
/// How long an answer may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// Sizes of states, in tenths of a megabyte.
const SIZES: [usize; 2] = [5, 30];

pub(super) fn run(bench: &mut Bench) -> Result<Vec<Row>> {
    let count = bench.size(20, 200);
    let row = |tenths: &usize| {
        let mut times = posted(bench, tenths * 100_000, count)?;
        times.sort_by(f64::total_cmp);
        let figure = Spread { median: times[count * 99 / 100], least: times[count / 2], most: times[count - 1] };
        let what = format!("a state of {} MB, until it is on the disk and acknowledged, p99", *tenths as f64 / 10.0);
        let row = Row::new("state", what, Unit::Milliseconds, Target::AtMost(20.0)).figure(figure, count);
        Ok(row.noted("in brackets the state in the middle, and the worst"))
    };
    SIZES.iter().map(row).collect()
}

/// Milliseconds that each of so many states takes.
fn posted(bench: &Bench, bytes: usize, count: usize) -> Result<Vec<f64>> {
    let spec = json!({ "state": bench.folder()?.join("state") }).to_string();
    let mut command = bench.clean(&bench.multispace);
    command
        .args(["keep", &spec, "sh", "-c", "echo $TF_HTTP_ADDRESS; read -r it; true"])
        .env("MULTISPACE_RUN_KEEPER", SECRET);
    let mut keeper = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut said = String::new();
    BufReader::new(keeper.stdout.take().context("what it prints is a pipe")?).read_line(&mut said)?;
    let address = said.trim().strip_prefix("http://").and_then(|rest| rest.split('/').next());
    let mut line = BufReader::new(TcpStream::connect(address.context("it says where it listens")?)?);
    line.get_ref().set_nodelay(true)?;
    line.get_ref().set_read_timeout(Some(DEADLINE))?;
    send(&mut line, "LOCK", "", br#"{"ID":"bench"}"#)?;
    let filling = "x".repeat(bytes);
    let times = (1..=count).map(|serial| {
        let state = json!({
            "version": 4, "terraform_version": "1.11.4", "serial": serial, "lineage": "bench",
            "outputs": { "filling": { "value": filling, "type": "string" } }, "resources": [],
        });
        let state = state.to_string();
        let began = Instant::now();
        send(&mut line, "POST", "?ID=bench", state.as_bytes())?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    });
    let times = times.collect::<Result<Vec<_>>>();
    // What it runs ends with its input.
    drop(keeper.stdin.take());
    ensure!(keeper.wait()?.success(), "the keeper did not end well");
    times
}

fn send(line: &mut BufReader<TcpStream>, method: &str, query: &str, body: &[u8]) -> Result<()> {
    let head =
        format!("{method} /{SECRET}{query} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len());
    line.get_mut().write_all(&[head.as_bytes(), body].concat())?;
    let (mut said, mut length) = (String::new(), 0);
    while !said.ends_with("\r\n\r\n") {
        let from = said.len();
        ensure!(line.read_line(&mut said)? > 0, "{method} was not answered: {said}");
        if let Some(text) = said[from..].to_ascii_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse()?;
        }
    }
    ensure!(said.starts_with("HTTP/1.1 200"), "{method} was answered with {said}");
    line.take(length).read_to_end(&mut Vec::new())?;
    Ok(())
}
