//! What `plan`, `apply` and `destroy` have in common: read the stack, refuse what cannot go well before anything is made,
//! open the engine, prepare, walk, tell what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use configuration::{BackendSetting, Limits, Parts, RunSettings};
use domain::Problem;
use domain::stack::{Direction, Retry, Walk, critical, targets};
use server::Engine;

use super::Dir;
use super::approval::{self, Approval};
use super::selection::Filters;
use super::there::{self, There};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::stack::code::Code;
use crate::stack::drive::{self, Approved, Changed, Drive, Job};
use crate::stack::host::Host;
use crate::stack::inputs::Own;
use crate::stack::prepare::{self, Ready};
use crate::stack::preview::Preview;
use crate::stack::record::{Outcome, Record};
use crate::stack::report::{self, Frame, ReportFile};
use crate::stack::session;
use crate::stack::variables::{self, Given};
use crate::stack::{Loaded, clock, environment, inputs, left_out, leftovers, load};

/// What to walk, and with what.
#[derive(Args)]
pub(super) struct Selection {
    #[command(flatten)]
    dir: Dir,

    /// Only this workspace and what it depends on; on destroy, what depends on it (may be repeated)
    #[arg(long = "target", value_name = "WORKSPACE", conflicts_with_all = ["filters", "affected"])]
    targets: Vec<String>,

    #[command(flatten)]
    filters: Filters,

    #[command(flatten)]
    there: There,

    /// How many workspaces may run at once [default: that of multispace.hcl, or 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    concurrency: Option<u32>,

    /// Stop starting workspaces as soon as one has failed; what runs goes on to its end
    #[arg(long, conflicts_with = "keep_going")]
    fail_fast: bool,

    /// Go on with everything that does not depend on what failed (the default)
    #[arg(long)]
    keep_going: bool,

    /// Value of a variable, for every workspace that declares it (may be repeated)
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub(super) variables: Vec<Given>,

    /// The terraform or tofu to run [default: that of multispace.hcl, or terraform on PATH]
    #[arg(long, value_name = "PATH", env = "MULTISPACE_TERRAFORM")]
    terraform: Option<PathBuf>,

    /// Folder with one executable per version, for workspaces that ask for a version
    #[arg(long, value_name = "DIR", env = "MULTISPACE_TERRAFORM_VERSIONS")]
    terraform_versions: Option<PathBuf>,

    /// Write what happened to this file, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Print what happened on stdout, as JSON
    #[arg(long)]
    json: bool,
}

impl Selection {
    /// Whether all of the stack is meant.
    fn is_whole(&self) -> bool {
        self.targets.is_empty() && !self.filters.are_given()
    }
}

/// How to walk.
#[derive(Clone, Default)]
pub(super) struct Ways {
    pub(super) auto_approve: bool,
    /// Nobody is asked here: whoever approves does it on pages of the server.
    pub(super) in_browser: bool,
    /// Workspaces run also when nothing that goes into them has changed.
    pub(super) all: bool,
    pub(super) detailed_exitcode: bool,
    /// Each plan in full, of all workspaces or of those named.
    pub(super) diff: Option<Vec<String>>,
}

/// Walks a stack.
pub(super) fn run(console: &Console, direction: Direction, wanted: &Selection, ways: &Ways) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let started_at = clock::now();
    let loaded = load(&wanted.dir.dir)?;
    for notice in &loaded.stack.notices {
        console.notice(&notice.to_string());
    }
    let selected = select(console, &loaded, direction, wanted)?;
    refuse_early(&loaded, &selected, wanted)?;
    // A name that is none is refused before a plan is made to be shown of it.
    targets(&loaded.graph, direction, ways.diff.as_deref().unwrap_or_default())?;
    if !wanted.there.is_given() {
        say_unanswered(console, &loaded, &selected);
    }
    let report = wanted.report.as_deref().map(ReportFile::begin).transpose()?;
    super::start_tracing("off");

    let asked = Asked { direction, loaded: &loaded, selected: &selected, wanted, ways };
    let walked = if selected.is_empty() { Some(Walked::default()) } else { super::block_on(walk(console, &asked))? };
    let Some(Walked { records, preview, left }) = walked else { return Ok(Exit::Failed) };
    let exit = judge(&records, direction, ways, left);
    let wall_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let timed: Vec<_> = records.iter().filter_map(|it| it.timed(&records, direction.is_reverse())).collect();
    let slots = usize::try_from(asked.concurrency()).unwrap_or(usize::MAX);
    if !selected.is_empty() {
        console.summary(&records, wall_ms, &critical(&timed, slots));
    }
    say_what_next(console, direction, &records, wanted);
    let frame = Frame { command: drive::command(direction), started_at, ended_at: clock::now(), exit };
    let document = report::document(&frame, &records, &preview);
    if wanted.json {
        console.data(&format!("{document:#}\n"))?;
    }
    if let Some(report) = report {
        report.write(&document)?;
    }
    Ok(exit)
}

/// The workspaces that are walked; when that was left to selectors, it is said which they are.
fn select(
    console: &Console,
    loaded: &Loaded,
    direction: Direction,
    wanted: &Selection,
) -> Result<BTreeSet<String>, Problem> {
    if !wanted.filters.are_given() {
        return targets(&loaded.graph, direction, &wanted.targets);
    }
    let part = wanted.filters.part_of(loaded)?;
    console.say(&part.told);
    Ok(part.names)
}

/// What is wrong with the request and can be said before a folder is made.
fn refuse_early(loaded: &Loaded, selected: &BTreeSet<String>, wanted: &Selection) -> Result<(), Problem> {
    // What a server's workspace has values for is known there.
    let roots = selected.iter().filter_map(|name| loaded.root(name)).filter(|_| !wanted.there.is_given());
    let environment = environment::for_terraform(std::env::vars_os());
    variables::check(&loaded.stack, roots.clone(), &wanted.variables, &environment)?;
    for (root, (variable, reference)) in
        roots.flat_map(|root| loaded.stack.references(root).into_iter().map(move |it| (root, it)))
    {
        if !loaded.is_held(&reference.workspace) {
            let (place, name) = (&reference.place, &root.name);
            let message = format!(
                "{place}: the variable \"{variable}\" of \"{name}\" is {reference}, and multispace does not hold that workspace's state."
            );
            return Err(Problem::invalid("stack/reference", message)
                .advice("Read it with a terraform_remote_state block, or let multispace hold its state."));
        }
    }
    Ok(())
}

/// What was asked for, read and checked.
pub(super) struct Asked<'a> {
    pub(super) direction: Direction,
    pub(super) loaded: &'a Loaded,
    pub(super) selected: &'a BTreeSet<String>,
    pub(super) wanted: &'a Selection,
    pub(super) ways: &'a Ways,
}

impl Asked<'_> {
    /// How many runs may be under way at once.
    fn concurrency(&self) -> u32 {
        self.wanted.concurrency.or(self.loaded.stack.settings.concurrency).unwrap_or(session::CONCURRENCY)
    }
}

/// What came of a walk.
#[derive(Default)]
pub(super) struct Walked {
    pub(super) records: Vec<Record>,
    preview: Preview,
    /// How many workspaces without code still hold resources.
    left: usize,
}

/// `None` when a person said no.
async fn walk(console: &Console, asked: &Asked<'_>) -> Result<Option<Walked>, Failure> {
    let mut interrupts = Interrupts::listen(console)?;
    if asked.wanted.there.is_given() {
        return there::walk(console, asked, &asked.wanted.there, &mut interrupts).await;
    }
    let stack = &asked.loaded.stack;
    let terraform = session::terraform(asked.wanted.terraform.as_deref(), Some(stack));
    let engine = session::open(&stack.dir, terraform, asked.wanted.terraform_versions.clone()).await?;
    let outcome = with_engine(&engine, console, asked, &mut interrupts).await;
    engine.close().await;
    outcome
}

async fn with_engine(
    engine: &Engine,
    console: &Console,
    asked: &Asked<'_>,
    interrupts: &mut Interrupts,
) -> Result<Option<Walked>, Failure> {
    let Asked { direction, loaded, selected, wanted, .. } = *asked;
    let host = Host::Local(engine.local(asked.concurrency()).await?);
    interrupts.unless(leftovers::settle(&host, console)).await?;
    let ready = interrupts.unless(prepare::prepare(&host, console, loaded, selected, &wanted.variables)).await?;
    let environment = environment::for_terraform(std::env::vars_os());
    // Before the code is packed: what is changed in between runs once more, and is not taken for what ran.
    let own = inputs::own(&host, loaded, &wanted.variables, &environment)?;
    let archive = configuration::pack(&loaded.stack, &Limits::default())?;
    let code = Code::in_parts(archive.into(), Parts::of(&loaded.stack, &Limits::default())?);
    let orphans = prepare::orphans(&host, loaded).await?;
    say_orphans(console, &orphans, what_of_orphans(direction));
    let left = if direction == Direction::Destroy && wanted.is_whole() { orphans.len() } else { 0 };
    let walked = over(&host, console, asked, Prepared { code, ready, own }, interrupts).await?;
    Ok(walked.map(|walked| Walked { left, ..walked }))
}

/// What is ready to be walked.
pub(super) struct Prepared {
    /// The code.
    pub(super) code: Code,
    /// The workspaces.
    pub(super) ready: BTreeMap<String, Ready>,
    /// What the code and the settings give each.
    pub(super) own: BTreeMap<String, Own>,
}

/// Walks over what is prepared; `None` when a person said no.
pub(super) async fn over(
    host: &Host<'_>,
    console: &Console,
    asked: &Asked<'_>,
    prepared: Prepared,
    interrupts: &mut Interrupts,
) -> Result<Option<Walked>, Failure> {
    let Asked { direction, loaded, selected, wanted, ways } = *asked;
    let Prepared { code, ready, own } = prepared;
    left_out::check(host, loaded, direction, &ready).await?;
    if direction == Direction::Destroy && !ways.auto_approve {
        let list = to_destroy(loaded, &ready);
        if !list.is_empty() && !approval::approve_destruction(console, &list, interrupts).await? {
            return Ok(None);
        }
    }
    let (concurrency, dir) = (asked.concurrency(), wanted.dir.dir.display().to_string());
    let changed = Changed::new(own, ways.all);
    let (fail_fast, in_browser) = (wanted.fail_fast, ways.in_browser);
    let scene = Scene { host, console, loaded, selected, concurrency, changed, fail_fast, in_browser, code, dir };
    let approved = match direction {
        Direction::Apply if !ways.auto_approve => match approval::approve(&scene, &ready, interrupts).await? {
            Approval::Given(approved) => Some(approved),
            Approval::Over(records, preview) => return Ok(Some(Walked { records, preview, left: 0 })),
            Approval::Refused => return Ok(None),
        },
        _ => None,
    };
    host.keep()?;
    // A destroy was approved as a whole.
    let auto_approve = ways.auto_approve || direction == Direction::Destroy;
    let (records, preview) = scene.walk(direction, ready, approved, auto_approve, interrupts).await?;
    if direction.is_plan() && !wanted.json {
        approval::show(console, &records, &preview, ways.diff.as_deref())?;
    }
    Ok(Some(Walked { records, preview, left: 0 }))
}

/// A stack that is ready to be walked.
pub(super) struct Scene<'a> {
    pub(super) host: &'a Host<'a>,
    pub(super) console: &'a Console,
    pub(super) loaded: &'a Loaded,
    selected: &'a BTreeSet<String>,
    concurrency: u32,
    changed: Changed,
    fail_fast: bool,
    /// Nobody is asked here.
    pub(super) in_browser: bool,
    code: Code,
    dir: String,
}

impl Scene<'_> {
    /// Walks it.
    pub(super) async fn walk(
        &self,
        direction: Direction,
        ready: BTreeMap<String, Ready>,
        approved: Option<Approved>,
        auto_approve: bool,
        interrupts: &Interrupts,
    ) -> Result<(Vec<Record>, Preview), Problem> {
        let Self { host, console, loaded, selected, .. } = *self;
        let retries = selected.iter().map(|name| (name.clone(), retry(loaded, direction, name))).collect();
        let concurrency = usize::try_from(self.concurrency).unwrap_or(usize::MAX);
        let walk = Walk::new(&loaded.graph, direction, selected, &retries, concurrency);
        let (changed, code, dir) = (self.changed.clone(), self.code.clone(), self.dir.clone());
        let (fail_fast, in_browser) = (self.fail_fast, self.in_browser);
        let job = Job { direction, auto_approve, in_browser, approved, changed, fail_fast, code, dir };
        Drive::new(host, console, loaded, job, ready, walk).run(interrupts.clone()).await
    }
}

fn retry(loaded: &Loaded, direction: Direction, workspace: &str) -> Retry {
    let settings = loaded.stack.workspace_settings(workspace);
    let RunSettings { retry, retry_attempts, retry_backoff_min, retry_backoff_max, .. } = match direction {
        Direction::Plan | Direction::PlanDestroy => return Retry::NEVER,
        Direction::Apply => settings.apply,
        Direction::Destroy => settings.destroy,
    };
    let seconds = |duration: std::time::Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
    Retry {
        enabled: retry,
        attempts: retry_attempts,
        backoff_min: seconds(retry_backoff_min),
        backoff_max: seconds(retry_backoff_max),
    }
}

/// The workspaces that hold something, in the order in which they go, each with what it holds.
fn to_destroy(loaded: &Loaded, ready: &BTreeMap<String, Ready>) -> Vec<(String, String)> {
    let holds = |name: &str| {
        let ready = ready.get(name)?;
        let what = match loaded.root(name).map(|root| &root.backend) {
            Some(BackendSetting::Own { kind, .. }) => format!("what its {kind} backend holds"),
            _ if ready.view.state.is_none() => return None,
            _ => match ready.view.resource_count {
                1 => "1 resource".to_owned(),
                count => format!("{count} resources"),
            },
        };
        Some((name.to_owned(), what))
    };
    loaded.graph.order().rev().filter_map(holds).collect()
}

/// Reads that need a server: a stack that runs without one has none to answer them from the states it holds.
fn say_unanswered(console: &Console, loaded: &Loaded, selected: &BTreeSet<String>) {
    let edges = loaded.stack.edges.iter();
    for edge in edges.filter(|edge| selected.contains(&edge.downstream) && loaded.is_held(&edge.upstream)) {
        for reason in edge.reasons.iter().filter(|reason| reason.is_ephemeral()) {
            console.notice(&format!(
                "{}: \"{}\" reads \"{}\" through an ephemeral block, which only a server answers: use data \"tfe_outputs\" or terraform_remote_state, or run both on `multispace serve`",
                reason.place, edge.downstream, edge.upstream
            ));
        }
    }
}

/// Names the workspaces that hold something and have no code, and says what comes of it.
pub(super) fn say_orphans(console: &Console, orphans: &[(String, u32)], what: &str) {
    for (name, count) in orphans {
        let resources = if *count == 1 { "1 resource".to_owned() } else { format!("{count} resources") };
        console.notice(&format!("\"{name}\" still has {resources}, but its code is gone: {what}"));
    }
}

fn what_of_orphans(direction: Direction) -> &'static str {
    match direction {
        Direction::Destroy => "bring its folder back (from version control), then destroy again",
        Direction::Plan | Direction::Apply | Direction::PlanDestroy => {
            "multispace holds its state and leaves it as it is"
        }
    }
}

fn judge(records: &[Record], direction: Direction, ways: &Ways, left: usize) -> Exit {
    let any = |wanted: &[Outcome]| records.iter().any(|record| wanted.contains(&record.outcome));
    let stopped = |record: &Record| record.reason.as_deref().is_some_and(|reason| reason.ends_with("interrupted"));
    if records.iter().any(stopped) {
        return Exit::Interrupted;
    }
    // A plan skips what cannot be planned yet, which is no failure.
    let skipped = !direction.is_plan() && any(&[Outcome::Skipped]);
    if skipped || left > 0 || any(&[Outcome::Failed, Outcome::Canceled, Outcome::Declined]) {
        return Exit::Failed;
    }
    match ways.detailed_exitcode && any(&[Outcome::Planned, Outcome::Deferred, Outcome::Applied, Outcome::Destroyed]) {
        true => Exit::Changes,
        false => Exit::Done,
    }
}

fn say_what_next(console: &Console, direction: Direction, records: &[Record], wanted: &Selection) {
    let any = |wanted: Outcome| records.iter().any(|record| record.outcome == wanted);
    let dir = wanted.dir.dir.display();
    if records.iter().any(|it| it.reason.as_deref().is_some_and(|reason| reason.ends_with("interrupted"))) {
        console.say(&format!(
            "interrupted; the same command goes on from here: multispace {} {dir}",
            drive::command(direction)
        ));
    } else if direction == Direction::Apply && any(Outcome::Applied) && !wanted.there.is_given() {
        console.say(&format!("outputs: multispace output {dir}"));
    }
}
