//! An interrupt while much is under way: how soon everything has ended, with its state stored.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::place::Bench;
use super::super::rounds::Spread;
use super::super::table::{Row, Target, Unit};
use crate::process;

/// Applies that are under way when it comes.
const LIVE: usize = 10;
const DEADLINE: Duration = Duration::from_secs(60);

pub(super) fn run(bench: &mut Bench) -> Result<Vec<Row>> {
    let times = bench.size(2, 5);
    let figures = (0..times).map(|_| interrupted(bench)).collect::<Result<Vec<_>>>()?;
    let what = format!("{LIVE} applies under way, interrupted, until all have ended and their states are stored");
    Ok(vec![
        Row::new("stop", what, Unit::Milliseconds, Target::AtMost(1000.0))
            .figure(Spread::of(figures), times)
            .noted("looked through with `fsck` afterwards, each time"),
    ])
}

fn interrupted(bench: &Bench) -> Result<f64> {
    let stack = bench.folder()?;
    let begun = bench.folder()?;
    for at in 0..LIVE {
        let folder = stack.join(format!("w{at}"));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("main.tf"), code(&begun.join(at.to_string())))?;
    }
    let mut command = bench.clean(&bench.multispace);
    command.arg("apply").arg(&stack).args(["--auto-approve", "--concurrency", &LIVE.to_string()]);
    let mut walk = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let started = Instant::now();
    while fs::read_dir(&begun)?.count() < LIVE {
        if started.elapsed() > DEADLINE || walk.try_wait()?.is_some() {
            let _ = walk.kill();
            anyhow::bail!("the applies did not come to where they are interrupted");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let interrupted = Instant::now();
    process::run(Command::new("kill").args(["-INT", &walk.id().to_string()]))?;
    let ended = walk.wait()?;
    let took = interrupted.elapsed().as_secs_f64() * 1e3;
    ensure!(ended.code() == Some(130), "an interrupted walk ended with {ended}");
    let mut check = bench.clean(&bench.multispace);
    process::output(check.arg("fsck").arg(&stack))?;
    Ok(took)
}

/// A resource that notes that it is being made, and takes a minute.
fn code(begun: &Path) -> String {
    format!(
        "resource \"terraform_data\" \"done\" {{}}\n\nresource \"terraform_data\" \"slow\" {{\n  input = terraform_data.done.id\n\n  \
         provisioner \"local-exec\" {{\n    command = \"touch {} && exec sleep 60\"\n  }}\n}}\n",
        begun.display()
    )
}
