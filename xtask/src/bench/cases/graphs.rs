//! Graphs that are brought up from nothing, and chains that are taken down again.

use std::fmt::Write as _;
use std::fs;

use anyhow::Result;

use super::super::floor::Direction;
use super::super::graph::{self, Graph};
use super::super::place::Bench;
use super::super::rounds::{self, Measured, Way};
use super::super::table::{Row, Target, Unit};

/// The naive script takes longest and is compared with a large target: fewer rounds do.
const NAIVE_ROUNDS: usize = 3;
const OURS: usize = 0;
const FLOOR: usize = 1;
const NAIVE: usize = 2;
const UP: usize = 0;
const DOWN: usize = 1;

const APPLY: &[&str] = &["apply", "--auto-approve"];
const DESTROY: &[&str] = &["destroy", "--auto-approve"];

pub(super) fn chain3(bench: &mut Bench) -> Result<Vec<Row>> {
    up_and_down(bench, "chain3", &graph::chain(3))
}

pub(super) fn chain30(bench: &mut Bench) -> Result<Vec<Row>> {
    up_and_down(bench, "chain30", &graph::chain(bench.size(10, 30)))
}

pub(super) fn mesh(bench: &mut Bench) -> Result<Vec<Row>> {
    up(bench, "mesh", &graph::mesh(3), 0.90, 3.0)
}

pub(super) fn layers(bench: &mut Bench) -> Result<Vec<Row>> {
    let side = bench.size(5, 10);
    up(bench, "layers", &graph::layers(side, side, 2), 0.90, 3.0)
}

pub(super) fn full_layers(bench: &mut Bench) -> Result<Vec<Row>> {
    let side = bench.size(5, 10);
    up(bench, "full-layers", &graph::layers(side, side, side), 0.60, 3.0)
}

pub(super) fn independent(bench: &mut Bench) -> Result<Vec<Row>> {
    up(bench, "independent", &graph::independent(bench.size(25, 100)), 0.90, 3.0)
}

fn up_and_down(bench: &Bench, case: &'static str, graph: &Graph) -> Result<Vec<Row>> {
    let measured = measure(bench, graph, true)?;
    let (starts_up, starts_down) = starts(bench, graph)?;
    let row = |what: &str, target| Row::new(case, format!("{}, {what}", graph.name), Unit::Ratio, target);
    Ok(vec![
        row("apply", Target::AtMost(0.65)).ratio(&measured, OURS, FLOOR, UP).starts(&starts_up, graph.len()),
        row("destroy", Target::AtMost(0.65)).ratio(&measured, OURS, FLOOR, DOWN).starts(&starts_down, graph.len()),
        row("naive script / multispace", Target::AtLeast(6.0)).times_faster(&measured, OURS, NAIVE, UP),
    ])
}

fn up(bench: &Bench, case: &'static str, graph: &Graph, floor: f64, naive: f64) -> Result<Vec<Row>> {
    let measured = measure(bench, graph, false)?;
    let (starts, _) = starts(bench, graph)?;
    let row = |what: &str, target| Row::new(case, format!("{}, {what}", graph.name), Unit::Ratio, target);
    Ok(vec![
        row("apply", Target::AtMost(floor)).ratio(&measured, OURS, FLOOR, UP).starts(&starts, graph.len()),
        row("naive script / multispace", Target::AtLeast(naive)).times_faster(&measured, OURS, NAIVE, UP),
    ])
}

fn measure(bench: &Bench, graph: &Graph, down: bool) -> Result<Measured> {
    let ours = |_| {
        let stack = bench.folder()?;
        graph.write(&stack)?;
        let mut samples = vec![bench.ours(&stack, APPLY, "")?];
        if down {
            samples.push(bench.ours(&stack, DESTROY, "")?);
        }
        Ok(samples)
    };
    let raw = |_| {
        let stack = bench.folder()?;
        graph.write(&stack)?;
        let mut samples = vec![bench.floor(&stack, graph, Direction::Up)?];
        if down {
            samples.push(bench.floor(&stack, graph, Direction::Down)?);
        }
        Ok(samples)
    };
    let naive = |round| {
        if round >= NAIVE_ROUNDS {
            return Ok(Vec::new());
        }
        let stack = bench.folder()?;
        graph.write(&stack)?;
        let sample = bench.naive(&stack, graph)?;
        Ok(vec![sample])
    };
    let ways = vec![Way::new("multispace", ours), Way::new("terraform", raw), Way::new("naive script", naive)];
    rounds::run(bench.rounds(), ways)
}

fn starts(bench: &Bench, graph: &Graph) -> Result<(super::super::count::Starts, super::super::count::Starts)> {
    let stack = bench.folder()?;
    graph.write(&stack)?;
    let starts = (bench.counted(&stack, APPLY, "")?, bench.counted(&stack, DESTROY, "")?);
    Ok(starts)
}

/// Two ways to review: each workspace's plan is asked about before it is applied, and the plan of the whole stack is asked about once.
pub(super) fn reviewed(bench: &mut Bench) -> Result<Vec<Row>> {
    let graph = graph::chain(bench.size(10, 30));
    let asked = |stack: &std::path::Path| -> Result<()> {
        let mut settings = String::new();
        for root in graph.roots() {
            let _ =
                writeln!(settings, "workspace \"{}\" {{\n  apply {{\n    manual_confirm = true\n  }}\n}}", root.name);
        }
        Ok(fs::write(stack.join("multispace.hcl"), settings)?)
    };
    let yes = "yes\n".repeat(graph.len());
    let stack = || -> Result<_> {
        let stack = bench.folder()?;
        graph.write(&stack)?;
        Ok(stack)
    };
    let each = |_| {
        let stack = stack()?;
        asked(&stack)?;
        let sample = bench.ours(&stack, APPLY, &yes)?;
        Ok(vec![sample])
    };
    let raw = |_| {
        let stack = stack()?;
        let sample = bench.floor(&stack, &graph, Direction::Up)?;
        Ok(vec![sample])
    };
    let naive = |round| {
        if round >= NAIVE_ROUNDS {
            return Ok(Vec::new());
        }
        let stack = stack()?;
        let sample = bench.naive(&stack, &graph)?;
        Ok(vec![sample])
    };
    let once = |_| {
        let stack = stack()?;
        let sample = bench.ours(&stack, &["apply"], "yes\n")?;
        Ok(vec![sample])
    };
    let ways = vec![
        Way::new("multispace, each asked about", each),
        Way::new("terraform", raw),
        Way::new("naive script", naive),
        Way::new("multispace, asked once", once),
    ];
    let measured = rounds::run(bench.rounds(), ways)?;

    let counted = stack()?;
    asked(&counted)?;
    let starts_each = bench.counted(&counted, APPLY, &yes)?;
    let counted = stack()?;
    let starts_once = bench.counted(&counted, &["apply"], "yes\n")?;
    let row = |what: &str, target| Row::new("reviewed", format!("{}, {what}", graph.name), Unit::Ratio, target);
    Ok(vec![
        row("each plan approved", Target::AtMost(1.6)).ratio(&measured, 0, FLOOR, UP).starts(&starts_each, graph.len()),
        row("naive script / each plan approved", Target::AtLeast(1.7)).times_faster(&measured, 0, NAIVE, UP),
        row("plan of the stack approved once", Target::None)
            .ratio(&measured, 3, FLOOR, UP)
            .starts(&starts_once, graph.len())
            .noted("every workspace is planned twice, the second time with real values, and compared with what was approved"),
    ])
}
