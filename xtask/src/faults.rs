//! `cargo xtask faults`: the tests that inject faults, family by family, and their figures.
//!
//! The tests report what they did (`crates/figures`); here it is added up. A family of which nothing was heard, or whose
//! damage was not seen with its protection taken away, fails like a lost state would.
//!
//! The long form takes hours in one go. It can be run in pieces (`--piece storm --times 40`), each of which adds to what the others have
//! reported, and in the end be judged as a whole (`--sum`).

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{stopwatch, test, tree};

/// A family of faults.
struct Family {
    /// As the tests report it.
    name: &'static str,
    /// What is done to the product.
    what: &'static str,
    /// Its tests, in nextest's words.
    tests: &'static str,
}

const FAMILIES: &[Family] = &[
    Family {
        name: "images",
        what: "the server is killed before and after each commit and blob",
        tests: "package(server) & test(faults::images)",
    },
    Family {
        name: "storm",
        what: "database and disk fail, or answer too late",
        tests: "package(server) & test(faults::storm)",
    },
    Family {
        name: "kill",
        what: "multispace apply and destroy are killed, and called again",
        tests: "package(multispace) & test(crash::)",
    },
    Family {
        name: "provider",
        what: "terraform, our provider or the server dies, or an answer is lost",
        tests: "package(provider) & test(faults::)",
    },
    Family {
        name: "fsck",
        what: "data is altered, cut off, swapped and taken away",
        tests: "package(server) & test(upkeep::)",
    },
    Family {
        name: "rotate",
        what: "keys are changed under load, wrong, lost, taken away",
        tests: "package(server) & test(keys::)",
    },
    Family {
        name: "tar",
        what: "archives that would write outside, or be much when unpacked",
        tests: "package(configuration) & test(corpus::)",
    },
    Family {
        name: "bodies",
        what: "documents and states that are too large, too deep or of another form",
        tests: "package(server) & test(bodies::)",
    },
    Family {
        name: "fuzz",
        what: "mutations of good input at whatever reads bytes of somebody else's",
        tests: "package(fuzz) + test(panic) & (package(domain) + package(wire) + package(client) + package(configuration) + package(executor) + package(provider) + package(server))",
    },
    Family {
        name: "contain",
        what: "what a run starts tries to outlive it",
        tests: "package(multispace) & test(contain::)",
    },
    Family {
        name: "jailbreak",
        what: "code of a run tries to get at the server and its machine",
        tests: "package(multispace) & test(jailbreak::)",
    },
    Family {
        name: "canary",
        what: "secrets come out of terraform in every way, and are looked for everywhere",
        tests: "package(multispace) & test(canary::)",
    },
    Family {
        name: "tfkill",
        what: "terraform is killed at any moment of an apply",
        tests: "package(executor) & test(killed::)",
    },
    Family {
        name: "backup",
        what: "backups are taken under load, cut off, altered",
        tests: "package(server) & test(backup::)",
    },
    Family {
        name: "stateproto",
        what: "states come late, twice, from others, damaged",
        tests: "package(server) & test(kept::)",
    },
    Family { name: "enospc", what: "the disk is full", tests: "package(server) & test(disk::)" },
    Family {
        name: "matrix",
        what: "every route is asked for by everybody, and each question of the services is left out in turn",
        tests: "package(server) & test(matrix::)",
    },
];

/// Figures that have to be zero, and what they count.
const ZERO: &[(&str, &str)] = &[
    ("lost", "states and promises lost"),
    ("doubled", "applies started twice"),
    ("stuck", "runs stuck"),
    ("secrets", "secrets found in a sink"),
    ("unexpected", "answers, escapes and writes that should not have been"),
    ("unexplained", "resources unexplained after a kill"),
    ("panics", "panics"),
];

/// How many times the number of cases the long form has.
const LONG: u32 = 40;

/// The family whose faults are mutations of bytes: there are so many that they would hide how few the others are.
const MUTATIONS: &str = "fuzz";

/// Runs the families that are named, or all: `[--long | --times N] [--piece] [FAMILY...]`, or only adds up pieces: `--sum`.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let Asked { times, names, what } = Asked::read(args)?;
    let families: Vec<_> =
        FAMILIES.iter().filter(|it| names.is_empty() || names.contains(&it.name.to_owned())).collect();
    let folder = tree::target().join("faults");
    std::fs::create_dir_all(&folder)?;
    let pieces = folder.join("pieces.jsonl");
    let file = match what {
        What::Sum => {
            let text = std::fs::read_to_string(&pieces)
                .with_context(|| format!("there are no pieces in {}: run some with --piece", pieces.display()))?;
            let reported = Reported::read(&text)?;
            print!("{}", table(&families, &reported));
            return judged(wrong(&families, &reported));
        }
        What::Piece => pieces,
        What::Whole => {
            let file = folder.join("figures.jsonl");
            let _ = std::fs::remove_file(&file);
            file
        }
    };
    let filter: Vec<_> = families.iter().map(|family| format!("({})", family.tests)).collect();
    let times = times.to_string();
    let path = file.to_string_lossy().into_owned();
    let environment = [("MULTISPACE_FIGURES", path.as_str()), ("MULTISPACE_FAULTS", times.as_str())];
    let args = ["-E".to_owned(), filter.join(" + ")];
    let (outcome, took) = stopwatch::time(|| test::run_with(&args, &environment));
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let reported = Reported::read(&text)?;
    print!("\n{}", table(&families, &reported));
    println!("in {}; {times} times the cases of the short form", stopwatch::human(took));
    let wrong = wrong(&families, &reported);
    outcome?;
    judged(wrong)
}

fn judged(wrong: Vec<String>) -> Result<()> {
    match wrong.is_empty() {
        true => Ok(()),
        false => bail!("{}", wrong.join("\n")),
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// The families are run, and judged by themselves.
    Whole,
    /// They are run, and what they report is added to what earlier pieces did.
    Piece,
    /// Nothing is run: what the pieces have reported is judged.
    Sum,
}

#[derive(Debug, PartialEq, Eq)]
struct Asked {
    times: u32,
    names: Vec<String>,
    what: What,
}

impl Asked {
    fn read(args: &[String]) -> Result<Self> {
        let mut asked = Self { times: 1, names: Vec::new(), what: What::Whole };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--long" => asked.times = LONG,
                "--piece" => asked.what = What::Piece,
                "--sum" => asked.what = What::Sum,
                "--times" => {
                    let number = args.next().and_then(|it| it.parse().ok()).filter(|it| *it > 0);
                    asked.times = number.context("--times wants a number, as in `cargo xtask faults --times 10`")?;
                }
                name if FAMILIES.iter().any(|family| family.name == name) => asked.names.push(name.to_owned()),
                other => {
                    let known: Vec<_> = FAMILIES.iter().map(|family| family.name).collect();
                    bail!("there is no family `{other}`: there are {}", known.join(", "));
                }
            }
        }
        Ok(asked)
    }
}

/// What the tests said, added up by family.
#[derive(Debug, Default, PartialEq, Eq)]
struct Reported {
    counts: BTreeMap<String, BTreeMap<String, u64>>,
    controls: BTreeMap<String, u64>,
}

impl Reported {
    fn read(text: &str) -> Result<Self> {
        let mut all = Self::default();
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).with_context(|| format!("not a line of figures: {line}"))?;
            let family = line["family"].as_str().context("figures without a family")?.to_owned();
            if line["control"] == true {
                *all.controls.entry(family).or_default() += 1;
                continue;
            }
            let counts = all.counts.entry(family).or_default();
            for (name, count) in line.as_object().into_iter().flatten() {
                if let Some(count) = count.as_u64() {
                    *counts.entry(name.clone()).or_default() += count;
                }
            }
        }
        Ok(all)
    }

    fn of(&self, family: &str, name: &str) -> Option<u64> {
        self.counts.get(family)?.get(name).copied()
    }

    fn sum(&self, name: &str) -> u64 {
        self.counts.values().filter_map(|counts| counts.get(name)).sum()
    }
}

fn table(families: &[&Family], reported: &Reported) -> String {
    let mut out =
        format!("{:<12}{:>10}{:>10}{:>9}   {}\n", "family", "injected", "survived", "control", "what is done");
    for family in families {
        let count = |name: &str| reported.of(family.name, name).map_or_else(|| "-".to_owned(), |it| it.to_string());
        let control = if reported.controls.contains_key(family.name) { "red" } else { "-" };
        out += &format!(
            "{:<12}{:>10}{:>10}{:>9}   {}\n",
            family.name,
            count("injected"),
            count("survived"),
            control,
            family.what
        );
        let others = reported.counts.get(family.name).into_iter().flatten();
        let others: Vec<_> = others
            .filter(|(name, _)| !["injected", "survived"].contains(&name.as_str()))
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        if !others.is_empty() {
            out += &format!("{:<12}{}\n", "", others.join(", "));
        }
    }
    let mutations = reported.of(MUTATIONS, "injected").unwrap_or_default();
    out += &format!(
        "\n{:>10}   faults injected\n{:>10}   of them no mutations of bytes\n{:>10}   survived\n",
        reported.sum("injected"),
        reported.sum("injected") - mutations,
        reported.sum("survived")
    );
    for (name, what) in ZERO {
        // A zero that nobody looked for would be a promise.
        let is_known = reported.counts.values().any(|counts| counts.contains_key(*name));
        let sum = if is_known { reported.sum(name).to_string() } else { "-".to_owned() };
        out += &format!("{sum:>10}   {what}\n");
    }
    out
}

fn wrong(families: &[&Family], reported: &Reported) -> Vec<String> {
    let mut wrong = Vec::new();
    for family in families {
        let name = family.name;
        match (reported.of(name, "injected"), reported.of(name, "survived")) {
            (Some(injected), Some(survived)) if injected == survived && injected > 0 => {}
            (Some(injected), survived) => {
                wrong.push(format!("{name}: {} of {injected} survived", survived.unwrap_or_default()));
            }
            (None, _) => wrong.push(format!("{name}: nothing was reported")),
        }
        if !reported.controls.contains_key(name) {
            wrong.push(format!("{name}: no control that goes red"));
        }
    }
    for (name, what) in ZERO {
        if reported.sum(name) > 0 {
            wrong.push(format!("{} {what}", reported.sum(name)));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: &str = "{\"family\":\"images\",\"injected\":3,\"survived\":3,\"lost\":0}\n\
                        {\"family\":\"images\",\"injected\":4,\"survived\":4,\"lost\":0}\n\
                        {\"family\":\"images\",\"control\":true}\n";

    fn images() -> Vec<&'static Family> {
        FAMILIES.iter().filter(|family| family.name == "images").collect()
    }

    #[test]
    fn what_tests_report_is_added_up() {
        let reported = Reported::read(WELL).unwrap();
        assert_eq!(reported.of("images", "injected"), Some(7));
        assert!(wrong(&images(), &reported).is_empty());
        assert!(table(&images(), &reported).contains("images               7         7      red"));
        assert!(table(&images(), &reported).contains("         0   states and promises lost"));
        let fuzzed = format!("{WELL}{{\"family\":\"fuzz\",\"injected\":9,\"survived\":9}}\n");
        let fuzzed = table(&images(), &Reported::read(&fuzzed).unwrap());
        assert!(fuzzed.contains("        16   faults injected\n         7   of them no mutations"), "{fuzzed}");
        assert!(table(&images(), &reported).contains("         -   secrets found in a sink"), "nobody looked for it");
    }

    #[test]
    fn a_figure_that_is_not_zero_a_silent_family_and_a_missing_control_are_wrong() {
        let lost = WELL.replacen("\"lost\":0", "\"lost\":1", 1);
        assert_eq!(wrong(&images(), &Reported::read(&lost).unwrap()), ["1 states and promises lost"]);
        let silent = wrong(&images(), &Reported::default());
        assert_eq!(silent, ["images: nothing was reported", "images: no control that goes red"]);
        let dead = WELL.replacen("\"survived\":3", "\"survived\":2", 1);
        assert_eq!(wrong(&images(), &Reported::read(&dead).unwrap()), ["images: 6 of 7 survived"]);
    }

    #[test]
    fn a_family_that_is_not_there_is_refused() {
        assert!(Asked::read(&["storms".to_owned()]).is_err());
        let asked = Asked::read(&["--piece".into(), "--times".into(), "3".into(), "storm".into()]).unwrap();
        assert_eq!(asked, Asked { times: 3, names: vec!["storm".to_owned()], what: What::Piece });
    }
}
