//! A chain with the AWS provider, whose starts are most of what such a run takes. Its data source asks nobody, so no account is needed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::super::count::Counter;
use super::super::floor::Direction;
use super::super::graph;
use super::super::measure;
use super::super::place::Bench;
use super::super::rounds::{self, Plan, Way};
use super::super::table::{Row, Target, Unit};

const APPLY: &[&str] = &["apply", "--auto-approve"];
const DESTROY: &[&str] = &["destroy", "--auto-approve"];
const LOCK: &str = ".terraform.lock.hcl";
/// A mirror of providers, for machines where it is not in one of terraform's own places.
const MIRROR: &str = "MULTISPACE_BENCH_MIRROR";
const PLACES: &[&str] = &["/opt/tf-plugins", "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins"];

pub(super) fn run(bench: &mut Bench) -> Result<Vec<Row>> {
    let graph = graph::aws(3);
    let row = |what: &str| Row::new("aws", format!("{}, {what}", graph.name), Unit::Ratio, Target::AtMost(0.5));
    let (first, change) = (row("first apply"), row("a change"));
    let (destroy, anew) = (row("destroy"), row("apply of everything anew"));
    let Some(mirror) = mirror() else {
        let why = format!("no mirror of providers with hashicorp/aws is on this machine: name one with {MIRROR}");
        return Ok([first, change, destroy, anew].into_iter().map(|row| row.noted(&why)).collect());
    };
    bench.cli_config = Some(cli_config(bench, &mirror, "aws.tfrc")?);

    eprintln!("  initialising the roots for terraform");
    let raw = bench.folder()?;
    graph.write(&raw)?;
    for root in graph.roots() {
        let folder = raw.join(&root.name);
        measure::child(bench.path(), &mut bench.terraform(&folder, &["init", "-input=false"]), "")?;
    }
    let locks: Vec<_> = graph.roots().iter().map(|root| fs::read(raw.join(&root.name).join(LOCK))).collect();
    let lock = locks.into_iter().next().context("the chain has a first root")??;
    let with_locks = |stack: &Path| -> Result<()> {
        graph.write(stack)?;
        graph.roots().iter().try_for_each(|root| Ok(fs::write(stack.join(&root.name).join(LOCK), &lock)?))
    };

    let ours = |_| {
        let stack = bench.folder()?;
        with_locks(&stack)?;
        let first = bench.ours(&stack, APPLY, "")?;
        graph.write_root(&stack, 0, "other")?;
        let change = bench.ours(&stack, APPLY, "")?;
        let destroy = bench.ours(&stack, DESTROY, "")?;
        Ok(vec![first, change, destroy, bench.ours(&stack, APPLY, "")?])
    };
    let terraform = |_| {
        for root in graph.roots() {
            for state in ["terraform.tfstate", "terraform.tfstate.backup"] {
                let _ = fs::remove_file(raw.join(&root.name).join(state));
            }
        }
        graph.write(&raw)?;
        let first = bench.floor(&raw, &graph, Direction::Up)?;
        graph.write_root(&raw, 0, "other")?;
        let change = bench.floor(&raw, &graph, Direction::Up)?;
        let destroy = bench.floor(&raw, &graph, Direction::Down)?;
        Ok(vec![first, change, destroy, bench.floor(&raw, &graph, Direction::Up)?])
    };
    let plan = Plan { rounds: bench.size(1, 5), ..bench.rounds() };
    let measured = rounds::run(plan, vec![Way::new("multispace", ours), Way::new("terraform", terraform)])?;

    let counter = Counter::new(bench.path(), &bench.terraform)?;
    let counting = cli_config(bench, &counter.mirror(&mirror)?, "counted.tfrc")?;
    bench.cli_config = Some(counting);
    let stack = bench.folder()?;
    graph.write(&stack)?;
    let starts_first = bench.counted_by(&counter, &stack, APPLY, "")?;
    graph.write_root(&stack, 0, "other")?;
    let starts_change = bench.counted_by(&counter, &stack, APPLY, "")?;
    bench.cli_config = None;
    Ok(vec![
        first
            .ratio(&measured, 0, 1, 0)
            .starts(&starts_first, graph.len())
            .noted("multispace initialises the roots in this time; terraform found them initialised"),
        change.ratio(&measured, 0, 1, 1).starts(&starts_change, graph.len()).noted(
            "starts are counted without lock files, which the providers that count do not match: with them `init` is not run again",
        ),
        destroy.ratio(&measured, 0, 1, 2),
        anew.ratio(&measured, 0, 1, 3).noted("what `init` made is kept by then, as terraform's roots are initialised"),
    ])
}

fn mirror() -> Option<PathBuf> {
    let named = std::env::var_os(MIRROR).map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".terraform.d/plugins"));
    let places = named.into_iter().chain(home).chain(PLACES.iter().map(PathBuf::from));
    places.into_iter().find(|place| place.join("registry.terraform.io/hashicorp/aws").is_dir())
}

fn cli_config(bench: &Bench, mirror: &Path, name: &str) -> Result<PathBuf> {
    let file = bench.path().join(name);
    fs::write(
        &file,
        format!("provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n", mirror.display()),
    )?;
    Ok(file)
}
