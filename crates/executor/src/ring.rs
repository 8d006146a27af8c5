//! The snapshot ring: each state that terraform saves while it applies is kept in `ring/` the moment it is whole.
//!
//! Terraform empties its state file before it writes it anew, so that a kill between the two leaves nothing; the newest
//! whole versions survive here. Files are not synced one by one: the ring is there for the death of processes, terraform
//! syncs its own file against the loss of power.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bytes::Bytes;
use domain::Problem;
use tokio::sync::{oneshot, watch};

use crate::folder::{make_private, remove, replace_private};
use crate::foreign;
use crate::process::ours;
use crate::state::Base;
use crate::watch::Watch;

/// How many versions are kept.
const KEPT: u64 = 5;

/// Watches one state file; dropping it, or better [`Ring::close`], ends that.
pub(crate) struct Ring {
    watch: Option<Watch>,
    wake: Option<SyncSender<()>>,
    /// Heard when the thread that keeps has ended.
    ended: oneshot::Receiver<()>,
}

impl Ring {
    /// Begins to keep versions of `state`, a file below the folder `above`, that continue `base` in `ring`, and to offer the newest on the channel.
    pub(crate) fn open(
        above: &Path,
        state: PathBuf,
        ring: PathBuf,
        base: Base,
    ) -> Result<(Self, watch::Receiver<Option<Bytes>>), Problem> {
        let failed = |problem: io::Error| ours("The run's folder cannot be written.", problem);
        remove(&ring).map_err(failed)?;
        make_private(&ring).map_err(failed)?;
        let folder = state.parent().map(Path::to_owned).unwrap_or_default();
        make_private(&folder).map_err(failed)?;
        if !foreign::is_folder(above, &folder) {
            return Err(ours("The run's folder is not as it was made.", format!("{} is a link", folder.display())));
        }
        let (offer, newest) = watch::channel(None);
        // One waiting wake is enough: whoever wakes reads the newest.
        let (wake, woken) = sync_channel(1);
        let keeper =
            Keeper { above: above.to_owned(), state, ring, base, number: 0, last: Vec::new(), read: Vec::new(), offer };
        let (end, ended) = oneshot::channel();
        std::thread::Builder::new()
            .name("snapshot-ring".to_owned())
            .spawn(move || {
                keeper.run(&woken);
                let _ = end.send(());
            })
            .map_err(|problem| ours("A thread cannot be started.", problem))?;
        let waker = wake.clone();
        let watch = Watch::new(&folder, move || {
            let _ = waker.try_send(());
        })?;
        Ok((Self { watch: Some(watch), wake: Some(wake), ended }, newest))
    }

    /// Takes a last look, and returns when the ring holds all that there was.
    pub(crate) async fn close(mut self) {
        self.watch.take();
        self.wake.take();
        // One that died has kept what it could.
        let _ = self.ended.await;
    }
}

struct Keeper {
    above: PathBuf,
    state: PathBuf,
    ring: PathBuf,
    base: Base,
    number: u64,
    last: Vec<u8>,
    read: Vec<u8>,
    offer: watch::Sender<Option<Bytes>>,
}

impl Keeper {
    fn run(mut self, woken: &Receiver<()>) {
        loop {
            let last_look = woken.recv().is_err();
            if let Err(problem) = self.look() {
                tracing::warn!(%problem, "a state could not be kept");
            }
            if last_look {
                return;
            }
        }
    }

    fn look(&mut self) -> io::Result<()> {
        self.read.clear();
        match foreign::read_into(&self.above, &self.state, &mut self.read) {
            Ok(()) => {}
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(problem) => return Err(problem),
        };
        if self.read == self.last || self.base.accepts(&self.read).is_none() {
            return Ok(());
        }
        self.number += 1;
        replace_private(&self.ring.join(name(self.number)), &self.read)?;
        if let Some(old) = self.number.checked_sub(KEPT) {
            remove(&self.ring.join(name(old)))?;
        }
        std::mem::swap(&mut self.last, &mut self.read);
        self.offer.send_replace(Some(Bytes::copy_from_slice(&self.last)));
        Ok(())
    }
}

fn name(number: u64) -> String {
    format!("{number:012}.tfstate")
}

/// What the ring holds, newest first.
pub(crate) fn kept(ring: &Path) -> Vec<Bytes> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(ring).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "tfstate"));
    files.sort();
    files.iter().rev().filter_map(|file| fs::read(file).ok()).map(Bytes::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(serial: u64) -> String {
        format!(r#"{{"version":4,"serial":{serial},"lineage":"a"}}"#)
    }

    #[tokio::test]
    async fn the_newest_whole_versions_are_kept_and_a_torn_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (file, ring) = (folder.path().join("s/terraform.tfstate"), folder.path().join("ring"));
        let (open, mut newest) = Ring::open(folder.path(), file.clone(), ring.clone(), Base::default()).unwrap();
        for serial in 1..=8 {
            fs::write(&file, state(serial)).unwrap();
            newest.wait_for(|offered| offered.as_deref() == Some(state(serial).as_bytes())).await.unwrap();
        }
        fs::write(&file, "{\"version\":4,").unwrap();
        open.close().await;
        let kept = kept(&ring);
        assert_eq!(kept.len(), 5);
        assert_eq!(kept[0], state(8));
        assert_eq!(kept[4], state(4));
    }
}
