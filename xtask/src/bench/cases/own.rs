//! What multispace takes for itself: with a terraform that does nothing, at a size and at ten times that.

use std::time::Duration;

use anyhow::Result;

use super::super::floor::Direction;
use super::super::graph::{self, Graph};
use super::super::measure::{Sample, sample};
use super::super::place::Bench;
use super::super::rounds::{self, Plan, Spread, Way, processor, wall};
use super::super::stub::{self, Noted, Stub};
use super::super::table::{Row, Target, Unit};

const WIDTH: usize = 10;
/// How much larger the large graph is.
const TIMES: usize = 10;
/// If the small graph takes longer than this, both are made smaller.
const PATIENCE: Duration = Duration::from_secs(5);
const LARGE: usize = 0;
const SMALL: usize = 1;
const BARE: usize = 2;

pub(super) fn run(bench: &mut Bench) -> Result<Vec<Row>> {
    let stub = Stub::record(bench)?;
    let real = std::mem::replace(&mut bench.terraform, stub.terraform());
    let rows = measured(bench, &stub);
    bench.terraform = real;
    rows
}

fn measured(bench: &Bench, stub: &Stub) -> Result<Vec<Row>> {
    let applied = |graph: &Graph| -> Result<Vec<Sample>> {
        let stack = bench.folder()?;
        graph.write(&stack)?;
        let sample = ours(bench, &stack)?;
        Ok(vec![sample])
    };
    let mut depth = bench.size(2, 10);
    if applied(&graph::layers(depth, WIDTH, 2))?[0].wall > PATIENCE {
        depth = depth.div_ceil(5);
        eprintln!("  that takes long here: a fifth of it");
    }
    let (small, large) = (graph::layers(depth, WIDTH, 2), graph::layers(depth * TIMES, WIDTH, 2));
    let bare = |_| {
        let stack = bench.folder()?;
        large.write(&stack)?;
        let sample = bench.floor(&stack, &large, Direction::Up)?;
        Ok(vec![sample])
    };
    let plan = Plan { rounds: 3, ..bench.rounds() };
    let ways = vec![
        Way::new("multispace, large", |_| applied(&large)),
        Way::new("multispace, small", |_| applied(&small)),
        Way::new("the stub alone", bare),
    ];
    let measured = rounds::run(plan, ways)?;

    stub.noted()?;
    applied(&large)?;
    let starts = stub.noted()?.len();
    let count = large.len() as f64;
    // What the stub takes is not multispace's; how often it is started is.
    let of_stub = measured.spread(BARE, 0, processor).median * starts as f64 / count;
    let own = |sample: &Sample| (processor(sample) - of_stub) / count * 1e3;
    let grown = |sample: &Sample| wall(sample) / TIMES as f64;
    let growth = measured.spread(LARGE, 0, grown).median / measured.spread(SMALL, 0, wall).median;
    let of_processor = measured.spread(LARGE, 0, processor).median / measured.spread(SMALL, 0, processor).median;
    let memory = measured.spread(LARGE, 0, |sample| sample.usage.memory as f64 / 1e6);

    let length = bench.size(20, 100);
    let (high, middle) = latency(bench, stub, length)?;
    let row = |what: String, unit, target| Row::new("own", what, unit, Target::AtMost(target));
    let stands = format!("{} workspaces, a terraform that does nothing", large.len());
    let rounds = measured.rounds_of(LARGE);
    Ok(vec![
        row(format!("{stands}: CPU per workspace"), Unit::Milliseconds, 1.0)
            .figure(measured.spread(LARGE, 0, own), rounds)
            .noted(format!(
                "of multispace and of starting processes; what the stub takes by itself ({:.2} ms a start) is taken off, {:.2} starts per workspace",
                of_stub * 1e3 / starts as f64,
                starts as f64 / count
            )),
        row(format!("{stands}: memory"), Unit::Megabytes, 40.0).figure(memory, rounds),
        row(format!("{stands}: time per workspace, to that of {}", small.len()), Unit::Ratio, 1.1)
            .figure(Spread::one(growth), rounds)
            .noted(format!("processor time per workspace: {:.2} times", of_processor / TIMES as f64)),
        row(format!("chain of {length}: upstream ended to downstream let go, p99"), Unit::Milliseconds, 2.0)
            .figure(high, 3)
            .noted(format!("median {:.2} ms; as the terraforms saw it, so the start of a process that waits for nothing is in it", middle.median)),
    ])
}

fn ours(bench: &Bench, stack: &std::path::Path) -> Result<Sample> {
    let mut command = bench.multispace(stack, &["apply", "--auto-approve"]);
    command.arg("--terraform").arg(&bench.terraform);
    sample(|| super::super::measure::child(bench.path(), &mut command, ""))
}

/// The 99th of a hundred, and the one in the middle, of three walks.
fn latency(bench: &Bench, stub: &Stub, length: usize) -> Result<(Spread, Spread)> {
    let graph = graph::chain(length);
    let names: Vec<String> = graph.roots().iter().map(|root| root.name.clone()).collect();
    let (mut high, mut middle) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let stack = bench.folder()?;
        graph.write(&stack)?;
        ours(bench, &stack)?;
        let noted: Vec<Noted> = stub.noted()?.into_iter().filter(|it| it.command != "init").collect();
        let mut found = stub::latencies(&noted, &names);
        anyhow::ensure!(found.len() == length - 1, "of {} pairs {} were noted", length - 1, found.len());
        found.sort_by(f64::total_cmp);
        high.push(found[(found.len() * 99).div_ceil(100) - 1]);
        middle.push(found[found.len() / 2]);
    }
    Ok((Spread::of(high), Spread::of(middle)))
}
