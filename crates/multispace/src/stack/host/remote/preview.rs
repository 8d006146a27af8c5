//! The code of a plan that stands on outputs which are only planned: a copy of the stack in which the blocks that read them
//! are answered, uploaded for this plan alone.
//!
//! Outputs that are sensitive count as unknown in it: a server keeps the code that it was sent. Blocks that read what is not
//! planned stay, and the server answers them.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use configuration::Limits;
use configuration::preview::{PlannedAnswer, Preview, ReadBlock, rewrite};
use domain::Problem;
use domain::planned::{PlannedOutput, PlannedOutputs, PlannedValue};
use server::local::{Reader, Scratch};

use super::{Code, Remote, Target, Walk};
use crate::stack::session;

/// Code for one plan.
pub(super) struct Rewritten {
    /// What is uploaded.
    pub(super) archive: Bytes,
    /// What terraform calls the replacements, and what the code calls them.
    pub(super) names: Vec<(String, String)>,
}

impl Remote<'_> {
    /// The code for a plan that stands on this; `None` when nothing of it has to be other than it is, or when the code is
    /// that of a repository.
    pub(super) async fn rewritten(
        &self,
        walk: &Walk,
        target: &Target,
        scratch: &Scratch,
        readers: &[Reader],
    ) -> Result<Option<Rewritten>, Problem> {
        let answers: Vec<(Reader, PlannedOutputs)> = readers
            .iter()
            .filter_map(|reader| Some((reader.clone(), without_secrets(scratch.outputs.get(&reader.workspace)?))))
            .collect();
        if answers.is_empty() || target.code == Code::Repository {
            return Ok(None);
        }
        let root = self.loaded.root(&target.view.name);
        let root = root.map(|root| self.loaded.stack.working_directory(root)).unwrap_or_default();
        let data = self.loaded.stack.dir.join(session::DATA);
        let (archive, is_folder) = (walk.archive.clone(), target.code == Code::Folder);
        let work = move || {
            let copy = Copy::new(&data)?;
            configuration::unpack(&archive, &copy.0, &Limits::default())?;
            let folder = copy.0.join(&root);
            let names = answer(&copy.0, &folder, &answers)?;
            let packed = if is_folder { &folder } else { &copy.0 };
            let archive = configuration::pack_folder(packed, &Limits::default())?.into();
            Ok(Some(Rewritten { archive, names }))
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Problem::ours("stack/engine", "The code could not be copied.", error))?
    }
}

fn answer(top: &Path, root: &Path, answers: &[(Reader, PlannedOutputs)]) -> Result<Vec<(String, String)>, Problem> {
    let answers = answers.iter().map(|(reader, outputs)| PlannedAnswer {
        folder: top.join(&reader.module),
        block: if reader.tfe_outputs { ReadBlock::TfeOutputs } else { ReadBlock::RemoteState },
        name: &reader.name,
        instance: reader.instance.as_deref(),
        outputs,
    });
    let (answers, variables) = (answers.collect(), PlannedOutputs::new());
    // The state there may hold blocks that only the provider can read.
    let preview = Preview { dir: top, root, answers, variables: &variables, may_drop_tfe: false };
    Ok(rewrite(&preview)?.names)
}

fn without_secrets(outputs: &PlannedOutputs) -> PlannedOutputs {
    let shown = |output: &PlannedOutput| match output.sensitive {
        true => PlannedOutput { value: PlannedValue::unknown(), ty: None, ..output.clone() },
        false => output.clone(),
    };
    outputs.iter().map(|(name, output)| (name.clone(), shown(output))).collect()
}

/// A folder that is gone when it is dropped.
struct Copy(PathBuf);

impl Copy {
    fn new(data: &Path) -> Result<Self, Problem> {
        session::make_data(data)?;
        let folder = data.join(format!("preview-{}", client::random::hex(8)));
        DirBuilder::new().mode(0o700).create(&folder).map_err(|error| {
            Problem::invalid("stack/data", format!("{} cannot be made: {error}.", folder.display()))
                .advice("A plan needs a copy of the code: the stack's folder must be writable.")
        })?;
        Ok(Self(folder))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::error!(%error, folder = %self.0.display(), "a copy of the code could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sensitive_is_unknown_in_code_that_is_sent_away() {
        let output = |sensitive| PlannedOutput { value: PlannedValue::Text("word".into()), sensitive, ty: None };
        let outputs = PlannedOutputs::from([("open".to_owned(), output(false)), ("secret".to_owned(), output(true))]);
        let sent = without_secrets(&outputs);
        assert_eq!(sent["open"], output(false));
        assert!(sent["secret"].has_unknown() && sent["secret"].sensitive);
    }

    #[test]
    fn a_copy_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join(".multispace");
        let copy = Copy::new(&data).unwrap();
        std::fs::write(copy.0.join("main.tf"), "").unwrap();
        drop(copy);
        let left: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [".gitignore"]);
    }
}
