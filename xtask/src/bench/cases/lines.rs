//! From the line that something below terraform writes to whoever looks on: how long until the command that follows the run has printed it,
//! and until a browser with the page of the run has been sent it. Every line says when it was written.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::super::place::Bench;
use super::super::rounds::Spread;
use super::super::table::{Row, Target, Unit};
use super::server::Here;
use crate::process;

const WORKSPACE: &str = "lines";
/// Part of all lines that may take longer than the figure.
const P99: f64 = 0.99;

/// The command and the page, of one run.
pub(super) fn run(bench: &mut Bench) -> Result<Vec<Row>> {
    let count = bench.size(40, 300);
    let server = Here::start(bench)?;
    let folder = bench.folder()?;
    fs::write(folder.join("main.tf"), format!("{}\n{}", server.cloud(WORKSPACE), code(count)))?;
    server.terraform(&folder, &["init", "-input=false"])?;
    eprintln!("  a run of {count} lines, which uploads the code of the next");
    server.terraform(&folder, &["apply", "-auto-approve", "-input=false", "-no-color"])?;

    eprintln!("  the same, looked at by a command and a browser");
    let printed = process::output(&mut server.multispace(&["run", "start", WORKSPACE, "--auto-approve"]))?;
    let run = printed.trim();
    let browser = server.browser()?;
    let page = format!("/app/{}/{WORKSPACE}/runs/{run}/events", server.organization());
    let events = browser.events(&page)?;
    let mut follows = server.multispace(&["run", "logs", run]);
    let clock = Clock::set()?;
    let in_browser = std::thread::spawn(move || arrivals(events, clock, |line| line.starts_with("event: end")));
    let of_command = followed(&mut follows, clock)?;
    let in_browser = in_browser.join().map_err(|_| anyhow::anyhow!("the browser died"))??;

    let row = |what: &str, times: &[f64]| -> Result<Row> {
        ensure!(times.len() * 10 >= count * 9, "{what}: {} of {count} lines came", times.len());
        let worst = at(times, 1.0);
        let figure = Spread { median: at(times, P99), least: at(times, 0.5), most: worst };
        let row =
            Row::new("lines", format!("a line written, until {what}, p99"), Unit::Milliseconds, Target::AtMost(50.0));
        Ok(row.figure(figure, times.len()).noted("in brackets the line in the middle, and the worst"))
    };
    Ok(vec![
        row("`multispace run logs` has printed it", &of_command)?,
        row("the page of the run has been sent it", &in_browser)?,
    ])
}

fn code(count: usize) -> String {
    let script = format!("i=0; while [ $i -lt {count} ]; do echo at:$(date +%s%N):; sleep 0.03; i=$((i+1)); done");
    format!(
        "resource \"terraform_data\" \"this\" {{\n  triggers_replace = timestamp()\n\n  provisioner \"local-exec\" {{\n    \
         command = \"{script}\"\n  }}\n}}\n"
    )
}

fn followed(command: &mut Command, clock: Clock) -> Result<Vec<f64>> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let lines = BufReader::new(child.stdout.take().context("what it prints is a pipe")?);
    let times = arrivals(lines, clock, |_| false)?;
    child.wait()?;
    Ok(times)
}

/// The clock that the lines are written by, within a millisecond: what `date` says, and since when.
#[derive(Clone, Copy)]
struct Clock {
    said: u128,
    at: Instant,
}

impl Clock {
    fn set() -> Result<Self> {
        let said = process::output(Command::new("date").arg("+%s%N"))?;
        Ok(Self { said: said.trim().parse().context("`date +%s%N` says nanoseconds")?, at: Instant::now() })
    }

    /// Nanoseconds since 1970.
    fn now(&self) -> u128 {
        self.said + self.at.elapsed().as_nanos()
    }
}

/// Milliseconds from each line's moment until it was read, least first; a line that comes more than once counts as it first comes.
fn arrivals(mut lines: impl BufRead, clock: Clock, is_last: impl Fn(&str) -> bool) -> Result<Vec<f64>> {
    let mut times: BTreeMap<u128, f64> = BTreeMap::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let read = clock.now();
        let text = String::from_utf8_lossy(&line);
        let moments = text.split("at:").skip(1).filter_map(|rest| rest.split_once(':')?.0.parse::<u128>().ok());
        for written in moments {
            times.entry(written).or_insert(read.saturating_sub(written) as f64 / 1e6);
        }
        if is_last(&text) {
            break;
        }
    }
    let mut times: Vec<f64> = times.into_values().collect();
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// The time that this part of all is at most; of times in order.
fn at(times: &[f64], part: f64) -> f64 {
    let place = (times.len() as f64 * part).ceil() as usize;
    times.get(place.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_once_and_by_its_own_moment() {
        let clock = Clock { said: 9_000_000_000, at: Instant::now() };
        let (one, other) = (4_000_000_000_u64, 8_000_000_000_u64);
        let text = format!("x (local-exec): at:{one}:\nat:nonsense:\n<b>at:{other}:</b> at:{one}:\nlast\nat:1:\n");
        let times = arrivals(text.as_bytes(), clock, |line| line.starts_with("last")).unwrap();
        assert_eq!(times.iter().map(|time| (time / 1000.0).round()).collect::<Vec<_>>(), [1.0, 5.0]);
    }

    #[test]
    fn a_part_of_all_takes_at_most_so_long() {
        let times: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!([0.5, P99, 1.0].map(|part| at(&times, part)), [100.0, 198.0, 200.0]);
        assert_eq!(at(&[], P99), 0.0);
    }
}
