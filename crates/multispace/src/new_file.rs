//! Files that appear whole or not at all: written beside their name, then renamed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file that is being written; [`finish`](Self::finish) puts it in its place, dropping it leaves nothing behind.
pub(crate) struct NewFile {
    file: Option<File>,
    beside: PathBuf,
    target: PathBuf,
}

impl NewFile {
    /// Begins a file with the given mode, in the folder where it is to be.
    ///
    /// # Errors
    /// When that folder is not there or may not be written to, or a folder has the file's name.
    pub(crate) fn begin(target: &Path, mode: u32) -> io::Result<Self> {
        if target.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
        let beside = target.with_file_name(format!(".{name}.{}", std::process::id()));
        let file = File::options().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
        Ok(Self { file: Some(file), beside, target: target.to_owned() })
    }

    /// Gives a file that is there already another name, in place of whatever has it.
    ///
    /// # Errors
    /// When the folders are not on one file system, or that knows no such names.
    pub(crate) fn link(file: &Path, target: &Path) -> io::Result<()> {
        let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
        let beside = target.with_file_name(format!(".{name}.{}", std::process::id()));
        fs::hard_link(file, &beside)?;
        let renamed = fs::rename(&beside, target);
        // Where it had that name already, both stay.
        let _ = fs::remove_file(&beside);
        renamed
    }

    /// Writes the whole content, makes sure it is on the disk, and puts the file in its place.
    ///
    /// # Errors
    /// When the disk is full or the folder has gone.
    pub(crate) fn finish(mut self, content: &[u8]) -> io::Result<()> {
        if let Some(mut file) = self.file.take() {
            file.write_all(content)?;
            file.sync_all()?;
        }
        fs::rename(&self.beside, &self.target)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.beside);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_and_an_unfinished_one_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("r.json");
        drop(NewFile::begin(&file, 0o644).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        NewFile::begin(&file, 0o644).unwrap().finish(b"{}").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "{}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn another_name_of_a_file_takes_the_place_of_what_had_it() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("r.json"), folder.path().join("other.json"));
        fs::write(&file, "{}").unwrap();
        fs::write(&other, "of before").unwrap();
        for _ in 0..2 {
            NewFile::link(&file, &other).unwrap();
            assert_eq!(fs::read_to_string(&other).unwrap(), "{}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_said_at_the_beginning() {
        assert!(NewFile::begin(Path::new("/nowhere/r.json"), 0o644).is_err());
        assert!(NewFile::begin(Path::new("/tmp"), 0o644).is_err());
    }
}
