//! A stack that is applied already: nothing changed, all of it run again, one root changed, and the plan of the whole.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::super::floor::{self, Direction};
use super::super::graph::{self, Graph};
use super::super::place::Bench;
use super::super::rounds::{self, Way};
use super::super::table::{Row, Target, Unit};

const APPLY: &[&str] = &["apply", "--auto-approve"];
const APPLY_ALL: &[&str] = &["apply", "--all", "--auto-approve"];
const PLAN_ALL: &[&str] = &["plan", "--all"];
const UNCHANGED: usize = 0;
const CHANGED: usize = 1;
const PLANNED: usize = 2;
const ALL: usize = 3;

pub(super) fn run(bench: &mut Bench) -> Result<Vec<Row>> {
    let side = bench.size(5, 10);
    let graph = graph::layers(side, side, 2);
    let all: BTreeSet<usize> = (0..graph.len()).collect();
    // In the middle, so that a part of the graph is below it.
    let changed = graph.len() / 2;
    let below = graph.descendants(changed);

    eprintln!("  applying it first, with multispace and with terraform");
    let (ours, raw) = (bench.folder()?, bench.folder()?);
    graph.write(&ours)?;
    graph.write(&raw)?;
    bench.ours(&ours, APPLY, "")?;
    bench.floor(&raw, &graph, Direction::Up)?;

    let seed = Seed::default();
    let multispace = |_| {
        let unchanged = bench.ours(&ours, APPLY, "")?;
        seed.change(&graph, &ours, changed)?;
        let one = bench.ours(&ours, APPLY, "")?;
        Ok(vec![unchanged, one, bench.ours(&ours, PLAN_ALL, "")?, bench.ours(&ours, APPLY_ALL, "")?])
    };
    let terraform = |_| {
        let unchanged = bench.floor(&raw, &graph, Direction::Up)?;
        seed.change(&graph, &raw, changed)?;
        let one = bench.raw(&raw, &graph, &below, Direction::Up, &[floor::APPLY])?;
        let planned = bench.raw(&raw, &graph, &all, Direction::Up, &[floor::PLAN])?;
        Ok(vec![unchanged, one, planned, bench.floor(&raw, &graph, Direction::Up)?])
    };
    let measured =
        rounds::run(bench.rounds(), vec![Way::new("multispace", multispace), Way::new("terraform", terraform)])?;

    let unchanged = bench.counted(&ours, APPLY, "")?;
    seed.change(&graph, &ours, changed)?;
    let one = bench.counted(&ours, APPLY, "")?;
    let planned = bench.counted(&ours, PLAN_ALL, "")?;
    let again = bench.counted(&ours, APPLY_ALL, "")?;
    let count = graph.len();
    let row = |what: String, target| Row::new("rerun", what, Unit::Ratio, Target::AtMost(target));
    Ok(vec![
        row(format!("{count} once more, nothing changed"), 0.05)
            .ratio(&measured, 0, 1, UNCHANGED)
            .starts(&unchanged, count),
        row(format!("{count} once more, all of them run"), 0.9).ratio(&measured, 0, 1, ALL).starts(&again, count),
        row(format!("one of {count} changed"), 1.1)
            .ratio(&measured, 0, 1, CHANGED)
            .starts(&one, below.len())
            .noted(format!("against terraform in the {} that are below the changed one, and in it", below.len())),
        row(format!("plan of the whole, {count} workspaces"), 1.2)
            .ratio(&measured, 0, 1, PLANNED)
            .starts(&planned, count)
            .noted("against `terraform plan` in each, as many at once; applied before, so that terraform alone has outputs to read"),
    ])
}

/// Makes each change unlike the one before.
#[derive(Default)]
struct Seed(Cell<usize>);

impl Seed {
    fn change(&self, graph: &Graph, stack: &Path, at: usize) -> Result<()> {
        self.0.set(self.0.get() + 1);
        graph.write_root(stack, at, &format!("change {}", self.0.get()))
    }
}
