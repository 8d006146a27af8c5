//! One workspace with many resources: terraform's own backend writes the whole state after each of them.

use std::fs;

use anyhow::Result;

use super::super::floor::Direction;
use super::super::graph;
use super::super::place::Bench;
use super::super::rounds::{self, Way};
use super::super::table::{Row, Target, Unit};

pub(super) fn run(bench: &mut Bench) -> Result<Vec<Row>> {
    let graph = graph::large(bench.size(200, 1000));
    let ours = |_| {
        let stack = bench.folder()?;
        graph.write(&stack)?;
        let up = bench.ours(&stack, &["apply", "--auto-approve"], "")?;
        let down = bench.ours(&stack, &["destroy", "--auto-approve"], "")?;
        fs::remove_dir_all(&stack)?;
        Ok(vec![up, down])
    };
    let raw = |_| {
        let stack = bench.folder()?;
        graph.write(&stack)?;
        let up = bench.floor(&stack, &graph, Direction::Up)?;
        let down = bench.floor(&stack, &graph, Direction::Down)?;
        fs::remove_dir_all(&stack)?;
        Ok(vec![up, down])
    };
    let measured = rounds::run(bench.rounds(), vec![Way::new("multispace", ours), Way::new("terraform", raw)])?;
    let row =
        |what: &str, target| Row::new("large", format!("{}, {what}", graph.name), Unit::Ratio, Target::AtMost(target));
    Ok(vec![
        row("apply", 0.25).ratio(&measured, 0, 1, 0),
        row("destroy", 0.30).ratio(&measured, 0, 1, 1).noted("both against terraform with its local backend"),
    ])
}
