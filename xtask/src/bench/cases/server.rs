//! `multispace serve` in front of terraform: how soon it answers, and what a plan through it takes more than one beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use super::super::browser::Browser;
use super::super::measure::{self, Sample, sample};
use super::super::place::Bench;
use super::super::rounds::{self, Spread, Way, wall};
use super::super::server::Server;
use super::super::table::{Row, Target, Unit};

const CODE: &str = "resource \"terraform_data\" \"this\" {\n  input = \"one\"\n}\n";

pub(super) fn run(bench: &mut Bench) -> Result<Vec<Row>> {
    let mut rows = starts(bench)?;
    rows.push(plan(bench)?);
    Ok(rows)
}

fn starts(bench: &Bench) -> Result<Vec<Row>> {
    let times = bench.size(5, 20);
    let (mut versions, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let mut version = bench.clean(&bench.multispace);
        version.arg("--version");
        versions.push(wall(&sample(|| measure::child(bench.path(), &mut version, ""))?) * 1e3);
        let began = Instant::now();
        let server = Server::start(bench, &bench.folder()?)?;
        server.get("/.well-known/terraform.json")?;
        answers.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let row = |what, target, figures| {
        Row::new("server", what, Unit::Milliseconds, Target::AtMost(target)).figure(Spread::of(figures), times)
    };
    Ok(vec![
        row("`multispace serve`, no data yet, until it has answered", 300.0, answers),
        row("`multispace --version`", 10.0, versions),
    ])
}

fn plan(bench: &Bench) -> Result<Row> {
    let server = Here::start(bench)?;
    let (through, beside) = (bench.folder()?, bench.folder()?);
    fs::write(through.join("main.tf"), format!("{}\n{CODE}", server.cloud("bench")))?;
    fs::write(beside.join("main.tf"), CODE)?;
    server.terraform(&through, &["init", "-input=false"])?;

    let plan = &["plan", "-input=false", "-no-color"];
    let raw = |_| Ok(vec![sample(|| measure::child(bench.path(), &mut bench.terraform(&beside, plan), ""))?]);
    let ways = vec![
        Way::new("through the server", |_| Ok(vec![server.terraform(&through, plan)?])),
        Way::new("beside it", raw),
    ];
    let measured = rounds::run(bench.rounds(), ways)?;
    let (ours, raw) = (measured.spread(0, 0, wall), measured.spread(1, 0, wall));
    let more = measured.spread(0, 0, |sample| (wall(sample) - raw.median) * 1e3);
    let what = "`terraform plan` through `cloud {}`: more than beside it";
    let mut row = Row::new("server", what, Unit::Milliseconds, Target::AtMost(500.0))
        .figure(more, measured.rounds_of(0))
        .of_rounds(&measured, 0)
        .noted(SLEEPS);
    row.times = Some((ours, raw));
    Ok(row)
}

const SLEEPS: &str = "terraform itself sleeps 0.5 s before it looks whether the code has arrived, 1 s before it first looks at the run, \
and 0.5 to 2 s between two looks at the log: no server can take that away";

/// A run that a root of ours starts with `tfe_workspace_run`: what the provider adds to the time of the run itself.
pub(super) fn workspace_run(bench: &mut Bench) -> Result<Vec<Row>> {
    let server = Here::start(bench)?;
    let (child, parent, beside) = (bench.folder()?, bench.folder()?, bench.folder()?);
    eprintln!("  a workspace with code that changes at each run");
    fs::write(child.join("main.tf"), format!("{}\n{CHANGES}", server.cloud("child")))?;
    server.terraform(&child, &["init", "-input=false"])?;
    server.terraform(&child, APPLY)?;
    fs::write(beside.join("main.tf"), CHANGES)?;
    fs::write(parent.join("main.tf"), PARENT)?;
    server.terraform(&parent, &["init", "-input=false"])?;
    let with = |run: bool, number: usize| {
        let variables = [format!("-var=run={run}"), format!("-var=number={number}")];
        let words: Vec<&str> = APPLY.iter().copied().chain(variables.iter().map(String::as_str)).collect();
        server.terraform(&parent, &words)
    };
    with(true, 0)?;

    let raw = |_| {
        let plan: &[&str] = &["plan", "-input=false", "-out=plan"];
        Ok(vec![sample(|| {
            let mut usage = measure::child(bench.path(), &mut bench.terraform(&beside, plan), "")?;
            usage.add(measure::child(bench.path(), &mut bench.terraform(&beside, &["apply", "plan"]), "")?);
            Ok(usage)
        })?])
    };
    let ways = vec![
        Way::new("a root that starts a run", |round| Ok(vec![with(true, round + 1)?])),
        // Only planned: the provider starts and asks what it has to, and starts no run.
        Way::new("the same root without a run", |_| Ok(vec![server.terraform(&parent, PLAN_ONLY)?])),
        Way::new("what the run does", raw),
    ];
    let measured = rounds::run(bench.rounds(), ways)?;
    let without = measured.spread(1, 0, wall).median + measured.spread(2, 0, wall).median;
    let more = measured.spread(0, 0, |sample| (wall(sample) - without) * 1e3);
    let mut own = Row::new(
        "workspace-run",
        "`tfe_workspace_run` of our provider: more than its run",
        Unit::Milliseconds,
        Target::AtMost(100.0),
    )
    .figure(more, measured.rounds_of(0))
    .of_rounds(&measured, 0)
    .noted(
        "the run's own time is that of `plan -out` and `apply` of its code without a server, and the provider's start and its other \
         requests that of a plan of the same root; what the server does for the run is therefore in the figure",
    );
    own.times = Some((measured.spread(0, 0, wall), Spread::one(without)));
    let stock = Row::new(
        "workspace-run",
        "`tfe_workspace_run` of hashicorp/tfe, a run of 0.1 s",
        Unit::Milliseconds,
        Target::AtMost(3100.0),
    )
    .noted("hashicorp/tfe is not measured: by its source it sleeps 1 s before each of its three first looks, which is 3.0 s");
    Ok(vec![own, stock])
}

const APPLY: &[&str] = &["apply", "-auto-approve", "-input=false", "-no-color"];
const PLAN_ONLY: &[&str] = &["plan", "-input=false", "-no-color", "-var=run=true", "-var=number=0"];
const CHANGES: &str = "resource \"terraform_data\" \"this\" {\n  input = timestamp()\n}\n";
const PARENT: &str = r#"terraform {
  required_providers {
    tfe = {
      source = "multispace/tfe"
    }
  }
}

variable "run" {
  type = bool
}

variable "number" {
  type = number
}

data "tfe_workspace" "child" {
  name = "child"
}

resource "tfe_workspace_run" "child" {
  count        = var.run ? 1 : 0
  workspace_id = data.tfe_workspace.child.id
  triggers     = { number = var.number }
  on_removal   = "forget"

  apply {
    manual_confirm = false
  }
}
"#;

/// A server, and a terraform that knows it.
pub(super) struct Here<'a> {
    bench: &'a Bench,
    environment: BTreeMap<String, String>,
    server: Server,
}

impl<'a> Here<'a> {
    /// Starts it.
    pub(super) fn start(bench: &'a Bench) -> Result<Self> {
        let data = bench.folder()?;
        let server = Server::start(bench, &data)?;
        let environment = server.environment(bench, &data)?;
        for name in ["TFE_HOSTNAME", "TF_CLOUD_ORGANIZATION"] {
            environment.get(name).with_context(|| format!("`multispace env` names no {name}"))?;
        }
        Ok(Self { bench, environment, server })
    }

    /// The `cloud` block of a root whose workspace is there.
    pub(super) fn cloud(&self, workspace: &str) -> String {
        format!(
            "terraform {{\n  cloud {{\n    hostname     = \"{}\"\n    organization = \"{}\"\n    workspaces {{\n      \
             name = \"{workspace}\"\n    }}\n  }}\n}}\n",
            self.environment["TFE_HOSTNAME"], self.environment["TF_CLOUD_ORGANIZATION"]
        )
    }

    /// `terraform WORDS` in a folder, measured.
    pub(super) fn terraform(&self, folder: &Path, words: &[&str]) -> Result<Sample> {
        let mut command = self.bench.terraform(folder, words);
        command.envs(&self.environment);
        sample(|| measure::child(self.bench.path(), &mut command, ""))
    }

    /// `multispace WORDS` of whoever works with the server, not started.
    pub(super) fn multispace(&self, words: &[&str]) -> Command {
        let mut command = self.bench.clean(&self.bench.multispace);
        command.envs(&self.environment).args(words);
        command
    }

    /// A client of its owner.
    pub(super) fn client(&self) -> Result<Client<'_>> {
        Ok(Client { server: &self.server, token: self.token()? })
    }

    fn token(&self) -> Result<&str> {
        self.environment.get("TFE_TOKEN").map(String::as_str).context("`multispace env` names no TFE_TOKEN")
    }

    /// The organization that is there from the start.
    pub(super) fn organization(&self) -> &str {
        &self.environment["TF_CLOUD_ORGANIZATION"]
    }

    /// A browser in which its owner has signed in.
    pub(super) fn browser(&self) -> Result<Browser> {
        Browser::signed_in(self.server.address(), self.token()?)
    }
}

/// A client of the API.
pub(super) struct Client<'a> {
    server: &'a Server,
    token: &'a str,
}

impl Client<'_> {
    /// What is at a path, with more headers in the request, each with its end of line.
    pub(super) fn asked(&self, path: &str, headers: &str) -> Result<String> {
        self.server.asked(path, &format!("Authorization: Bearer {}\r\n{headers}", self.token))
    }
}
