//! Room on the disk of the data folder that is kept for the states of applies that are under way.
//!
//! It is a file of that size, which nobody else can fill. When something cannot be written it is given up, and from then on nothing begins
//! that needs room: no run is made and no apply begins, until the room can be had again. What is under way has it to end with.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Fault, Problem};
use nix::fcntl::posix_fallocate;

/// The states that have to fit: so many times the largest.
const TIMES: u64 = 3;

/// The room.
#[derive(Clone)]
pub struct Reserve(Option<Arc<Held>>);

struct Held {
    file: PathBuf,
    least: u64,
    largest: AtomicU64,
}

impl Reserve {
    /// Keeps at least so many bytes on the disk of `data`; `None` keeps none.
    pub fn of(data: &Path, least: Option<u64>) -> Self {
        let held = |least| Held { file: data.join("reserve"), least, largest: AtomicU64::new(0) };
        Self(least.map(held).map(Arc::new))
    }

    /// A state of that size is here: the room is to be enough for such ones.
    pub fn has_seen(&self, size: u64) {
        if let Some(held) = &self.0 {
            held.largest.fetch_max(size, Ordering::Relaxed);
        }
    }

    /// Takes the room, or sees that it is held.
    ///
    /// # Errors
    /// `storage/disk-full` when the disk has not so much.
    pub fn ready(&self) -> Result<(), Problem> {
        let Some(held) = &self.0 else { return Ok(()) };
        let wanted = held.least.max(TIMES * held.largest.load(Ordering::Relaxed));
        if held.file.metadata().is_ok_and(|file| file.len() >= wanted) {
            return Ok(());
        }
        let was_held = held.file.exists();
        held.take(wanted).map_err(|error| {
            // A part of it would only take room away.
            if !was_held {
                let _ = std::fs::remove_file(&held.file);
            }
            let message = format!(
                "The disk has less room than the {} MB that are kept for states.",
                wanted.div_ceil(1024 * 1024)
            );
            Problem::new(Fault::Unavailable, "storage/disk-full", message)
                .advice("Make room on the disk of the data folder, then try again; what is under way goes on.")
                .because(error)
        })
    }

    /// Gives the room up, for what has to be written now.
    pub fn release(&self) {
        if let Some(held) = &self.0
            && std::fs::remove_file(&held.file).is_ok()
        {
            tracing::error!("the disk of the data folder is full: the room that was kept for states is used now");
        }
    }
}

impl Held {
    fn take(&self, size: u64) -> io::Result<()> {
        let file = File::options().create(true).truncate(false).write(true).open(&self.file)?;
        let size = i64::try_from(size).map_err(io::Error::other)?;
        posix_fallocate(file, 0, size)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_is_held_given_up_and_had_again() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::of(folder.path(), Some(100_000));
        let file = folder.path().join("reserve");
        reserve.ready().unwrap();
        assert_eq!(file.metadata().unwrap().len(), 100_000);
        reserve.has_seen(50_000);
        reserve.ready().unwrap();
        assert_eq!(file.metadata().unwrap().len(), 150_000, "three of the largest state");
        reserve.release();
        assert!(!file.exists());
        reserve.ready().unwrap();
        assert!(file.exists());
    }

    #[test]
    fn more_room_than_there_is_is_refused_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::of(folder.path(), Some(1 << 60));
        assert_eq!(reserve.ready().unwrap_err().code, "storage/disk-full");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        Reserve::of(folder.path(), None).ready().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
