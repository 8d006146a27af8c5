//! Reads what terraform left in a run's folder. A run's code can put anything there, a link to somebody else's file as well: no link is
//! followed, nothing is waited for, and what is too long is not read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::Mode;

/// The longest file that is read, in bytes: states and plans are in memory as a whole.
pub(crate) const LONGEST: u64 = 512 * 1024 * 1024;

/// The bytes of the plain file at `path`, which is below the folder `above`.
pub(crate) fn read(above: &Path, path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    read_into(above, path, &mut bytes)?;
    Ok(bytes)
}

/// The same, into a buffer that is there already.
pub(crate) fn read_into(above: &Path, path: &Path, bytes: &mut Vec<u8>) -> io::Result<()> {
    let file = beneath(above, path, OFlag::O_RDONLY | OFlag::O_NONBLOCK)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::other("it is no plain file"));
    }
    let length = file.take(LONGEST + 1).read_to_end(bytes)?;
    if length as u64 > LONGEST {
        return Err(io::Error::other("it is too long"));
    }
    Ok(())
}

/// Whether there is a plain file at `path`.
pub(crate) fn is_file(above: &Path, path: &Path) -> bool {
    beneath(above, path, OFlag::O_PATH).and_then(|file| file.metadata()).is_ok_and(|found| found.is_file())
}

/// Whether there is a folder at `path`, to which no link leads.
pub(crate) fn is_folder(above: &Path, path: &Path) -> bool {
    beneath(above, path, OFlag::O_PATH | OFlag::O_DIRECTORY).is_ok()
}

fn beneath(above: &Path, path: &Path, flags: OFlag) -> io::Result<File> {
    let inside = path.strip_prefix(above).map_err(io::Error::other)?;
    let above = open(above, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    let how = OpenHow::new()
        .flags(flags | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS);
    Ok(File::from(openat2(above, inside, how)?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_is_not_followed_wherever_it_is_on_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let (secret, run) = (folder.path().join("secret"), folder.path().join("run"));
        std::fs::create_dir_all(run.join("real")).unwrap();
        std::fs::create_dir(&secret).unwrap();
        std::fs::write(secret.join("file"), "secret").unwrap();
        std::fs::write(run.join("real/file"), "own").unwrap();
        symlink(&secret, run.join("linked")).unwrap();
        symlink(secret.join("file"), run.join("real/link")).unwrap();
        assert_eq!(read(&run, &run.join("real/file")).unwrap(), b"own");
        for path in ["linked/file", "real/link", "../secret/file", "nothing"] {
            assert!(read(&run, &run.join(path)).is_err(), "{path}");
            assert!(!is_file(&run, &run.join(path)), "{path}");
        }
        assert!(is_folder(&run, &run.join("real")));
        assert!(!is_folder(&run, &run.join("linked")));
    }

    #[test]
    fn what_is_no_file_keeps_nobody_waiting_and_what_has_no_end_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, Mode::S_IRWXU).unwrap();
        assert!(read(folder.path(), &pipe).is_err());
        let long = folder.path().join("long");
        File::create(&long).unwrap().set_len(LONGEST * 16).unwrap();
        assert!(read(folder.path(), &long).is_err());
    }
}
