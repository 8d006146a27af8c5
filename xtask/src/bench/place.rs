//! Where cases are measured: the folder, the executables, and the environment that both sides get.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::count::{Counter, Starts};
use super::floor::{self, APPLY, Direction, NAIVE};
use super::graph::{self, Graph};
use super::measure::{self, Sample, cores, sample};
use super::rounds::Plan;
use crate::stopwatch;
use crate::tree::TemporaryFolder;

/// What every case stands on.
pub(super) struct Bench {
    /// Small sizes and few rounds.
    pub(super) is_quick: bool,
    pub(super) multispace: PathBuf,
    pub(super) terraform: PathBuf,
    /// How many roots are worked on at once, by either side.
    pub(super) slots: usize,
    /// What terraform's CLI configuration says, where that is not nothing.
    pub(super) cli_config: Option<PathBuf>,
    place: TemporaryFolder,
    folders: Cell<usize>,
}

impl Bench {
    /// Makes the folder, under the system's temporary folder.
    pub(super) fn new(is_quick: bool, multispace: PathBuf, terraform: PathBuf) -> Result<Self> {
        let place = TemporaryFolder::new("bench")?;
        let bench = Self {
            is_quick,
            multispace,
            terraform,
            slots: 2 * cores(),
            cli_config: None,
            place,
            folders: Cell::new(0),
        };
        fs::create_dir_all(bench.home())?;
        Ok(bench)
    }

    /// One size for the quick form, another for the full one.
    pub(super) fn size(&self, quick: usize, full: usize) -> usize {
        if self.is_quick { quick } else { full }
    }

    /// How many rounds a case has.
    pub(super) fn rounds(&self) -> Plan {
        match self.is_quick {
            true => Plan { rounds: 3, budget: Duration::from_secs(20) },
            false => Plan { rounds: 7, budget: Duration::from_secs(75) },
        }
    }

    /// Finds out whether terraform alone is quicker with as many processes at once as there are processors, or with twice as many.
    pub(super) fn calibrate(&mut self) -> Result<()> {
        let graph = graph::independent(self.size(20, 60));
        let mut best: Option<(Duration, usize)> = None;
        // The first is run once more at the end: it also warmed up the disk's cache.
        for slots in [2 * cores(), cores(), 2 * cores()] {
            self.slots = slots;
            let folder = self.folder()?;
            graph.write(&folder)?;
            let took = self.floor(&folder, &graph, Direction::Up)?.wall;
            fs::remove_dir_all(&folder)?;
            if best.is_none_or(|(least, _)| took < least) {
                best = Some((took, slots));
            }
        }
        let (took, slots) = best.context("terraform was run")?;
        self.slots = slots;
        eprintln!("{slots} at once are quickest here: {} in {}", graph.name, stopwatch::human(took));
        Ok(())
    }

    /// Where small files of a measurement lie.
    pub(super) fn path(&self) -> &Path {
        self.place.path()
    }

    fn home(&self) -> PathBuf {
        self.place.path().join("home")
    }

    /// A new empty folder.
    pub(super) fn folder(&self) -> Result<PathBuf> {
        self.folders.set(self.folders.get() + 1);
        let folder = self.place.path().join(format!("stack-{}", self.folders.get()));
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// A command with what both sides get: no look for newer versions, no colour, nothing of the environment of this process.
    pub(super) fn clean(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.home());
        command.env("CHECKPOINT_DISABLE", "1").env("TF_IN_AUTOMATION", "1").env("NO_COLOR", "1");
        command.env("TF_CLI_CONFIG_FILE", self.cli_config.as_deref().unwrap_or(Path::new("/dev/null")));
        command
    }

    /// `multispace COMMAND STACK WORDS`, not started.
    pub(super) fn multispace(&self, stack: &Path, words: &[&str]) -> Command {
        let mut command = self.clean(&self.multispace);
        let (name, more) = words.split_first().expect("a command has a name");
        command.arg(name).arg(stack).args(more).args(["--concurrency", &self.slots.to_string()]);
        command
    }

    /// Runs it, measured.
    pub(super) fn ours(&self, stack: &Path, words: &[&str], answers: &str) -> Result<Sample> {
        sample(|| measure::child(self.path(), &mut self.multispace(stack, words), answers))
    }

    /// `terraform WORDS` in a folder, not started.
    pub(super) fn terraform(&self, folder: &Path, words: &[&str]) -> Command {
        let mut command = self.clean(&self.terraform);
        command.current_dir(folder).args(words);
        command
    }

    /// Terraform alone over a graph, measured.
    pub(super) fn floor(&self, stack: &Path, graph: &Graph, direction: Direction) -> Result<Sample> {
        let words = if direction == Direction::Up { APPLY } else { floor::DESTROY };
        self.raw(stack, graph, &(0..graph.len()).collect(), direction, &[words])
    }

    /// The naive script over a graph, measured.
    pub(super) fn naive(&self, stack: &Path, graph: &Graph) -> Result<Sample> {
        self.raw(stack, graph, &(0..graph.len()).collect(), Direction::Up, NAIVE)
    }

    /// Commands of terraform in some roots of a graph, measured.
    pub(super) fn raw(
        &self,
        stack: &Path,
        graph: &Graph,
        among: &BTreeSet<usize>,
        direction: Direction,
        commands: &[&[&str]],
    ) -> Result<Sample> {
        let (clean, place) = (Environment::of(self), self.path());
        sample(|| {
            floor::walk(graph, among, direction, self.slots, |root| {
                let folder = stack.join(root);
                floor::in_root(commands, |words| clean.terraform(&folder, words), |it| measure::child(place, it, ""))
            })
        })
    }

    /// Runs multispace once more with counting scripts before terraform, unmeasured; says what was started.
    pub(super) fn counted(&self, stack: &Path, words: &[&str], answers: &str) -> Result<Starts> {
        let counter = Counter::new(self.path(), &self.terraform)?;
        self.counted_by(&counter, stack, words, answers)
    }

    /// The same with scripts that are there.
    pub(super) fn counted_by(&self, counter: &Counter, stack: &Path, words: &[&str], answers: &str) -> Result<Starts> {
        counter.clear()?;
        let mut command = self.multispace(stack, words);
        command.env("PATH", counter.path()?);
        measure::child(self.path(), &mut command, answers)?;
        counter.starts()
    }
}

/// What threads need to start terraform.
struct Environment {
    terraform: PathBuf,
    variables: Vec<(OsString, OsString)>,
}

impl Environment {
    fn of(bench: &Bench) -> Self {
        let command = bench.clean(&bench.terraform);
        let set = |(name, value): (&std::ffi::OsStr, Option<&std::ffi::OsStr>)| Some((name.into(), value?.into()));
        Self { terraform: bench.terraform.clone(), variables: command.get_envs().filter_map(set).collect() }
    }

    fn terraform(&self, folder: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(&self.terraform);
        command.env_clear().envs(self.variables.iter().cloned()).current_dir(folder).args(words);
        command
    }
}
