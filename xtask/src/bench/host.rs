//! The machine that was measured on.

use std::process::Command;

use anyhow::Result;
use serde_json::{Value, json};

use super::measure::cores;
use crate::{process, tree};

/// What belongs beside any figure.
pub(super) struct Host {
    pub(super) date: String,
    pub(super) processor: String,
    pub(super) cores: usize,
    pub(super) memory_gb: f64,
    pub(super) system: String,
    pub(super) terraform: String,
    pub(super) multispace: String,
    pub(super) commit: String,
    /// The first line of `/proc/pressure/cpu` before anything was measured: how much of the time somebody waited for a processor.
    pub(super) pressure: String,
}

impl Host {
    /// Looks at the machine.
    pub(super) fn look(is_release: bool) -> Result<Self> {
        let asked = |command: &mut Command| process::output(command).map(|text| first_line(&text)).unwrap_or_default();
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        let of = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let kilobytes = of(&read("/proc/meminfo"), "MemTotal");
        let kilobytes: f64 = kilobytes.split_whitespace().next().and_then(|it| it.parse().ok()).unwrap_or_default();
        let changed = asked(Command::new("git").args(["status", "--porcelain"]).current_dir(tree::root()));
        let commit = asked(Command::new("git").args(["rev-parse", "--short", "HEAD"]).current_dir(tree::root()));
        Ok(Self {
            date: asked(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"])),
            processor: of(&read("/proc/cpuinfo"), "model name"),
            cores: cores(),
            memory_gb: kilobytes / 1e6,
            system: asked(Command::new("uname").args(["-srm"])),
            terraform: asked(Command::new("terraform").arg("version").env("CHECKPOINT_DISABLE", "1")),
            multispace: format!("{} build", if is_release { "release" } else { "debug" }),
            commit: if changed.is_empty() { commit } else { format!("{commit} with changes") },
            pressure: pressure(),
        })
    }

    /// For the JSON file.
    pub(super) fn json(&self) -> Value {
        json!({
            "date": self.date,
            "processor": self.processor,
            "cores": self.cores,
            "memory_gb": self.memory_gb,
            "system": self.system,
            "terraform": self.terraform,
            "multispace": self.multispace,
            "commit": self.commit,
            "pressure_before": self.pressure,
            "pressure_after": pressure(),
        })
    }

    /// In one line or two.
    pub(super) fn text(&self) -> String {
        format!(
            "{}; {} cores of {}, {:.0} GB, {}; {}; multispace {} ({})",
            self.date,
            self.cores,
            if self.processor.is_empty() { "an unnamed processor" } else { &self.processor },
            self.memory_gb,
            self.system,
            self.terraform,
            self.commit,
            self.multispace,
        )
    }
}

/// Empty where the system does not tell.
fn pressure() -> String {
    first_line(&std::fs::read_to_string("/proc/pressure/cpu").unwrap_or_default())
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}
