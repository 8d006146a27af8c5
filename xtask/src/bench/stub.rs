//! A terraform that does nothing: what is left of the time is multispace's own.
//!
//! It is this program under the name `terraform`. It answers with what the real one answered for a root of one resource, recorded before;
//! and it notes when it started, when it was let go (its variable file may be a pipe that somebody opens later, and so may be what its code reads)
//! and when it ended.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use super::graph;
use super::place::Bench;
use crate::process;

/// The name under which this program is it.
const NAME: &str = "terraform";
const LOG: &str = "log";
/// `show -json` of the plan, lines and text of the apply, the plan and the state, in the folder of the stub.
const PLAN: &str = "plan";
const SHOWN: &str = "shown";
const LINES: &str = "lines";
/// Lines of an apply that plans as well.
const AT_ONCE: &str = "at-once";
const STATE: &str = "state";
const VERSION: &str = "version";

/// The folder of the stub, if that is what this process was started as.
pub(crate) fn folder() -> Option<PathBuf> {
    let program = PathBuf::from(std::env::args_os().next()?);
    (program.file_name()? == NAME).then(|| program.parent().map(Path::to_owned)).flatten()
}

/// Answers as terraform would.
pub(crate) fn run(folder: &Path) -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let answered = answer(folder, &arguments).unwrap_or_else(|problem| {
        let _ = writeln!(io::stderr(), "the stub of terraform: {problem}");
        1
    });
    ExitCode::from(answered)
}

fn answer(folder: &Path, arguments: &[OsString]) -> io::Result<u8> {
    let words: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    let value = |name: &str| words.iter().find_map(|word| word.strip_prefix(name).map(PathBuf::from));
    let has = |name: &str| words.iter().any(|word| word == name);
    let command = words.first().map_or("", AsRef::as_ref);
    let started = now();
    for file in value("-var-file=").into_iter().chain(read_by_code()).filter(|file| is_pipe(file)) {
        // Until whoever holds it has written and closed it.
        fs::read(file)?;
    }
    let released = now();
    let code = match command {
        "version" => print(&folder.join(VERSION))?,
        "init" => {
            fs::create_dir_all(".terraform")?;
            fs::write(".terraform/terraform.tfstate", "{}")?;
            0
        }
        "show" => print(&folder.join(SHOWN))?,
        "plan" => {
            if let Some(file) = value("-out=") {
                fs::copy(folder.join(PLAN), file)?;
            }
            if has("-detailed-exitcode") { 2 } else { 0 }
        }
        "apply" => {
            let file = state_file();
            fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
            fs::copy(folder.join(STATE), file)?;
            print(&folder.join(if has("-auto-approve") { AT_ONCE } else { LINES }))?
        }
        _ => return Err(io::Error::other(format!("nobody recorded `{command}`"))),
    };
    if command != "version" {
        let workspace = std::env::var("TF_WORKSPACE").unwrap_or_else(|_| "-".to_owned());
        let line = format!("{workspace} {command} {started} {released} {}\n", now());
        OpenOptions::new().append(true).create(true).open(folder.join(LOG))?.write_all(line.as_bytes())?;
    }
    Ok(code)
}

/// The file that terraform reads while it validates the code, where it is held there.
fn read_by_code() -> Option<PathBuf> {
    let code = fs::read_to_string("zz_multispace_override.tf").ok()?;
    let (_, file) = code.split_once("jsondecode(file(\"")?;
    file.split('"').next().map(PathBuf::from)
}

fn is_pipe(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|found| found.file_type().is_fifo())
}

/// Where the local backend keeps the state.
fn state_file() -> PathBuf {
    match std::env::var("TF_WORKSPACE") {
        Ok(name) if name != "default" => Path::new("terraform.tfstate.d").join(name).join("terraform.tfstate"),
        _ => PathBuf::from("terraform.tfstate"),
    }
}

fn print(file: &Path) -> io::Result<u8> {
    io::stdout().write_all(&fs::read(file)?)?;
    Ok(0)
}

/// Nanoseconds, the same clock in all processes.
#[allow(clippy::disallowed_methods, reason = "two processes compare their clocks; nothing of it ends up in a record")]
fn now() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map(|since| since.as_nanos()).unwrap_or_default()
}

/// The stub, ready to be put first on `PATH`.
pub(super) struct Stub {
    pub(super) folder: PathBuf,
}

/// One process of the stub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) workspace: String,
    pub(super) command: String,
    /// When it was let go, in nanoseconds.
    pub(super) released: u128,
    pub(super) ended: u128,
}

impl Stub {
    /// Makes it, from what the real terraform answers.
    pub(super) fn record(bench: &Bench) -> Result<Self> {
        let (root, stub) = (bench.folder()?, Self { folder: bench.folder()? });
        let graph = graph::chain(1);
        graph.write(&root)?;
        let root = root.join(&graph.roots()[0].name);
        let keep = |name: &str, text: String| {
            fs::write(stub.folder.join(name), text).with_context(|| format!("{name} cannot be written"))
        };
        let terraform = |words: &[&str]| process::output(&mut bench.terraform(&root, words));
        keep(VERSION, terraform(&["version"])?)?;
        terraform(&["plan", "-input=false", "-out=plan"])?;
        keep(SHOWN, terraform(&["show", "-json", "plan"])?)?;
        keep(LINES, terraform(&["apply", "-input=false", "-json", "plan"])?)?;
        fs::copy(root.join("terraform.tfstate"), stub.folder.join(STATE))?;
        terraform(&["destroy", "-auto-approve", "-input=false"])?;
        keep(AT_ONCE, terraform(&["apply", "-auto-approve", "-input=false", "-json"])?)?;
        fs::copy(root.join("plan"), stub.folder.join(PLAN))?;
        symlink(std::env::current_exe()?, stub.folder.join(NAME))?;
        Ok(stub)
    }

    /// The executable.
    pub(super) fn terraform(&self) -> PathBuf {
        self.folder.join(NAME)
    }

    /// What was noted since the last call, in the order in which it ended.
    pub(super) fn noted(&self) -> Result<Vec<Noted>> {
        let file = self.folder.join(LOG);
        let text = fs::read_to_string(&file).unwrap_or_default();
        let _ = fs::remove_file(file);
        let mut noted = text.lines().map(Noted::read).collect::<Result<Vec<_>>>()?;
        noted.sort_by_key(|it| it.ended);
        Ok(noted)
    }
}

impl Noted {
    fn read(line: &str) -> Result<Self> {
        let words: Vec<_> = line.split_whitespace().collect();
        let [workspace, command, _, released, ended] = words[..] else {
            bail!("the stub noted {line:?}");
        };
        let (released, ended) = (released.parse()?, ended.parse()?);
        Ok(Self { workspace: workspace.to_owned(), command: command.to_owned(), released, ended })
    }
}

/// For each workspace of a chain but the first: from the end of the last process of the one before it until its own first process was let
/// go, in milliseconds.
pub(super) fn latencies(noted: &[Noted], chain: &[String]) -> Vec<f64> {
    let ended = |name: &str| noted.iter().filter(|it| it.workspace == name).map(|it| it.ended).max();
    let released = |name: &str, after: u128| {
        noted.iter().filter(|it| it.workspace == name && it.released >= after).map(|it| it.released).min()
    };
    chain
        .windows(2)
        .filter_map(|pair| {
            let ended = ended(&pair[0])?;
            Some((released(&pair[1], ended)? - ended) as f64 / 1e6)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_between_two_workspaces_of_a_chain_is_read_from_the_notes() {
        let noted = ["a plan 0 0 5000000", "b plan 1000000 12000000 13000000", "a apply 6000000 6000000 10000000"];
        let noted: Vec<_> = noted.iter().map(|line| Noted::read(line).unwrap()).collect();
        // `b` was started early, and let go two milliseconds after the end of `a`.
        assert_eq!(latencies(&noted, &["a".to_owned(), "b".to_owned()]), [2.0]);
        assert!(Noted::read("a plan").is_err());
    }
}
