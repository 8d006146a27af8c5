//! The corpus of hostile archives against the real thing, and against one that does not look: the same oracle judges both.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use configuration::{Limits, check, unpack};
use figures::Figures;
use flate2::read::GzDecoder;
use tempfile::TempDir;

use crate::hostile::{Case, Fate, cases, small_cases};

/// A folder to unpack into, deep in a folder that is looked at as a whole.
struct Place {
    top: TempDir,
    into: PathBuf,
    outside: PathBuf,
}

impl Place {
    fn new() -> Self {
        let top = tempfile::tempdir().expect("a folder");
        let (into, outside) = (top.path().join("in/a/b"), top.path().join("outside"));
        for folder in [&into, &outside] {
            fs::create_dir_all(folder).expect("a folder");
        }
        fs::write(outside.join("secret"), "untouched").expect("a file");
        Self { top, into, outside }
    }

    fn aim(&self) -> &str {
        self.outside.to_str().expect("text")
    }

    /// Everything below the top that is not inside: kind, permissions, number of names, size and content of each path.
    fn surroundings(&self) -> BTreeMap<PathBuf, String> {
        let mut all = listing(self.top.path());
        all.retain(|path, _| !path.starts_with(&self.into));
        all
    }

    fn empty(&self) {
        fs::remove_dir_all(&self.into).expect("removed");
        fs::create_dir(&self.into).expect("a folder");
    }
}

fn listing(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut queue = vec![folder.to_owned()];
    while let Some(path) = queue.pop() {
        let metadata = fs::symlink_metadata(&path).expect("metadata");
        let is_folder = metadata.is_dir();
        // A folder's own size and number of names tell of what is in it, which is listed for itself.
        let mut what = format!("{:o} {:?}", metadata.mode(), (!is_folder).then(|| (metadata.nlink(), metadata.len())));
        if is_folder {
            queue.extend(fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
        } else if metadata.is_symlink() {
            what.push_str(&format!(" -> {}", fs::read_link(&path).expect("a link").display()));
        } else if metadata.len() < 4096 {
            what.push_str(&format!(" {:?}", String::from_utf8_lossy(&fs::read(&path).expect("a file"))));
        }
        found.insert(path, what);
    }
    found
}

/// What is wrong with how a case ended; `None` when all is as it should be.
fn judged(case: &Case, place: &Place, before: &BTreeMap<PathBuf, String>, outcome: Result<(), &str>) -> Option<String> {
    if place.surroundings() != *before {
        return Some("something outside was changed".to_owned());
    }
    let mut inside = listing(&place.into);
    inside.remove(&place.into);
    match (&case.fate, outcome) {
        (Fate::Refused(_), Ok(())) => Some("it was not refused".to_owned()),
        (Fate::Refused(code), Err(found)) if found.strip_prefix("configuration/") != Some(code) => {
            Some(format!("it was refused by {found} instead of {code}"))
        }
        (Fate::Refused(_), Err(_)) if !inside.is_empty() => Some("something of it was unpacked".to_owned()),
        (Fate::Refused(_), Err(_)) => None,
        (Fate::Inside(_), Err(found)) => Some(format!("it was refused by {found}")),
        (Fate::Inside(files), Ok(())) => wrong_inside(files, place, &inside),
    }
}

fn wrong_inside(files: &[&str], place: &Place, inside: &BTreeMap<PathBuf, String>) -> Option<String> {
    let names = inside.keys().filter(|path| path.is_symlink() || !path.is_dir());
    let names: Vec<_> = names.map(|path| path.strip_prefix(&place.into).expect("inside").to_string_lossy()).collect();
    if names != files {
        return Some(format!("it made {names:?}"));
    }
    let top = place.into.canonicalize().expect("a path");
    for path in inside.keys() {
        if path.canonicalize().is_ok_and(|leads_to| !leads_to.starts_with(&top)) {
            return Some(format!("{} leads out", path.display()));
        }
        let metadata = fs::symlink_metadata(path).expect("metadata");
        if metadata.mode() & 0o7000 != 0 || (metadata.is_file() && metadata.nlink() > 1) {
            return Some(format!("{} has special bits or another name", path.display()));
        }
    }
    None
}

#[test]
fn no_archive_of_the_corpus_writes_outside_and_each_ends_as_it_should() {
    let place = Place::new();
    let all = cases(place.aim());
    assert!(all.len() >= 60, "{} cases", all.len());
    let before = place.surroundings();
    let mut wrong = Vec::new();
    for case in &all {
        let checked = check(&case.archive, &Limits::default()).map(drop);
        let unpacked = unpack(&case.archive, &place.into, &Limits::default());
        assert_eq!(checked.as_ref().err(), unpacked.as_ref().err(), "{}", case.name);
        if let Err(problem) = &checked {
            assert!(!problem.advice.is_empty() && problem.message.len() < 1500, "{}: {problem}", case.name);
        }
        let outcome = unpacked.map_err(|problem| problem.code);
        wrong.extend(judged(case, &place, &before, outcome).map(|what| format!("{}: {what}", case.name)));
        place.empty();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Figures::of("tar", all.len(), all.len()).with("unexpected", 0).report();
}

#[test]
fn reading_the_corpus_takes_little_memory() {
    let place = Place::new();
    let all = cases(place.aim());
    // The highest mark since here, not since the archives were made.
    fs::write("/proc/self/clear_refs", "5").expect("the mark is reset");
    let before = high_mark();
    for case in &all {
        let _ = unpack(&case.archive, &place.into, &Limits::default());
        place.empty();
    }
    let grown = high_mark().saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} KB more than before");
}

/// Most memory that this process has had, in KB.
fn high_mark() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a mark");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// The negative control: whoever joins names and writes does all the harm that the oracle is to see.
#[test]
fn the_oracle_sees_what_an_unpacking_that_does_not_look_does_outside() {
    let mut unseen = Vec::new();
    let escaping = |place: &Place| {
        let all = small_cases(place.aim()).into_iter();
        all.filter(|case| case.escapes).collect::<Vec<_>>()
    };
    let count = escaping(&Place::new()).len();
    assert!(count >= 30, "{count} cases lead out");
    for at in 0..count {
        // What one did outside must not hide what the next does, so each is aimed at a place of its own.
        let place = Place::new();
        let case = escaping(&place).swap_remove(at);
        let before = place.surroundings();
        let _ = unpack_without_looking(&case.archive, &place.into);
        let found = judged(&case, &place, &before, Err("configuration/archive-unsafe"));
        if found.as_deref() != Some("something outside was changed") {
            unseen.push((case.name, found));
        }
    }
    assert!(unseen.is_empty(), "{unseen:#?}");
    figures::control("tar");
}

/// Joins and writes, as programs did before they knew better.
fn unpack_without_looking(archive: &[u8], into: &Path) -> io::Result<()> {
    let mut tar = Vec::new();
    GzDecoder::new(archive).take(1 << 20).read_to_end(&mut tar)?;
    for entry in tar::Archive::new(tar.as_slice()).entries()? {
        let mut entry = entry?;
        let path = PathBuf::from(format!("{}/{}", into.display(), String::from_utf8_lossy(&entry.path_bytes())));
        let path = if entry.path_bytes().starts_with(b"/") { entry.path()?.into_owned() } else { path };
        let kind = entry.header().entry_type();
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let target = entry.link_name()?.map(|target| target.into_owned()).unwrap_or_default();
        if kind.is_dir() {
            fs::create_dir_all(&path)?;
        } else if kind.is_symlink() {
            let _ = fs::remove_dir(&path);
            let _ = fs::remove_file(&path);
            symlink(target, path)?;
        } else if kind.is_hard_link() {
            fs::hard_link(into.join(target), path)?;
        } else {
            let mode = entry.header().mode()?;
            let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)?;
            io::copy(&mut entry, &mut file)?;
        }
    }
    Ok(())
}
