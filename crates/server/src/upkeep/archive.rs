//! The file of a backup: a tar archive whose last entry says what is in it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use domain::Problem;

use super::backup::Manifest;

/// Name of the last entry.
const MANIFEST: &str = "manifest.json";

/// The file of a backup.
pub(super) struct Archive;

impl Archive {
    /// Writes what is in `stage` into `file`, which gets its name when it is whole and on the disk. Returns its length.
    pub(super) fn write(stage: &Path, file: &Path, mut manifest: Manifest) -> io::Result<u64> {
        let folder = file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut whole = tempfile::Builder::new().prefix(".multispace-").suffix(".part").tempfile_in(folder)?;
        let mut tar = tar::Builder::new(io::BufWriter::new(whole.as_file_mut()));
        for (name, path) in listed(stage)? {
            let mut opened = File::open(&path)?;
            let mut header = tar::Header::new_gnu();
            header.set_size(opened.metadata()?.len());
            header.set_mode(0o600);
            let mut reading = Digesting { inner: &mut opened, context: Context::new(&SHA256) };
            tar.append_data(&mut header, &name, &mut reading)?;
            manifest.files.push((name, hex::encode(reading.context.finish())));
        }
        let text = serde_json::to_vec(&manifest)?;
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        tar.append_data(&mut header, MANIFEST, text.as_slice())?;
        tar.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        let size = whole.as_file().metadata()?.len();
        whole.persist_noclobber(file).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()?;
        Ok(size)
    }

    /// Unpacks `file` into the empty folder `to`, and checks every byte.
    ///
    /// # Errors
    /// `upkeep/backup` when it is no backup, or not a whole one.
    pub(super) fn read(file: &Path, to: &Path) -> Result<Manifest, Problem> {
        let not_whole = |cause: String| {
            Problem::invalid("upkeep/backup", format!("{} is no whole backup: {cause}.", file.display()))
                .advice("Use another backup; nothing was restored.")
        };
        let failed = |error: io::Error| not_whole(error.to_string());
        let opened = File::open(file).map_err(failed)?;
        let mut tar = tar::Archive::new(io::BufReader::new(opened));
        let mut there = Vec::new();
        let mut manifest: Option<Manifest> = None;
        for entry in tar.entries().map_err(failed)? {
            let mut entry = entry.map_err(failed)?;
            let path = entry.path().map_err(failed)?.into_owned();
            let name = path.to_string_lossy().into_owned();
            if manifest.is_some() || !entry.header().entry_type().is_file() || !is_plain(&path) {
                return Err(not_whole(format!("it has the entry {name}")));
            }
            if name == MANIFEST {
                let read: Result<Manifest, _> = serde_json::from_reader(&mut entry);
                manifest = Some(read.map_err(|error| not_whole(error.to_string()))?);
                continue;
            }
            let digest = unpacked(&mut entry, &to.join(&path)).map_err(failed)?;
            there.push((name, digest));
        }
        let manifest = manifest.ok_or_else(|| not_whole("its end is missing".to_owned()))?;
        if manifest.format != 1 {
            return Err(not_whole(format!("it is of format {}, and this multispace knows format 1", manifest.format)));
        }
        if let Some((name, _)) = manifest.files.iter().find(|file| !there.contains(file)) {
            return Err(not_whole(format!("{name} is missing or altered")));
        }
        match there.len() == manifest.files.len() {
            true => Ok(manifest),
            false => Err(not_whole("it has more in it than it says".to_owned())),
        }
    }
}

fn unpacked(from: &mut impl Read, to: &Path) -> io::Result<String> {
    if let Some(folder) = to.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(to)?;
    let mut reading = Digesting { inner: from, context: Context::new(&SHA256) };
    io::copy(&mut reading, &mut file)?;
    file.flush()?;
    file.sync_all()?;
    Ok(hex::encode(reading.context.finish()))
}

fn is_plain(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

/// Every file below a folder, by its name from there.
fn listed(top: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut all = Vec::new();
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            match path.strip_prefix(top) {
                _ if path.is_dir() => folders.push(path),
                Ok(name) => all.push((name.to_string_lossy().into_owned(), path.clone())),
                Err(_) => {}
            }
        }
    }
    all.sort();
    Ok(all)
}

/// Digests what is read through it.
struct Digesting<R> {
    inner: R,
    context: Context,
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.context.update(&buffer[..read]);
        Ok(read)
    }
}
