//! Override files: what of the code a run replaces. The backend, when multispace holds the state; and the
//! `data "terraform_remote_state"` blocks that are answered with outputs from here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use domain::Problem;

use crate::folder::{Folder, remove, write_private};
use crate::prepare::{no_folder, working_directory, written};
use crate::variables::quoted;
use crate::work::{Backend, UpstreamOutputs, Work};

/// Name of the file in each folder; terraform reads `*_override.tf` last, in order of name.
const OVERRIDE: &str = "zz_multispace_override.tf";

/// The answers to one block: one file, or one for each key of its `for_each`.
type Answers<'a> = Vec<(Option<&'a str>, PathBuf)>;

/// Writes the override files, and the state files that they name.
pub(crate) fn write(work: &Work, folder: &Folder, root: &Path) -> Result<(), Problem> {
    let mut texts: BTreeMap<PathBuf, String> = BTreeMap::new();
    if work.backend == Backend::Held {
        texts.insert(root.to_owned(), "terraform {\n  backend \"local\" {}\n}\n".to_owned());
    }
    for ((module, name), answers) in blocks(&work.upstream_outputs, folder)? {
        let module_folder = folder.source().join(working_directory(module)?);
        if !module_folder.is_dir() {
            return Err(no_folder(module));
        }
        let nowhere = folder.upstreams().join("none.tfstate");
        texts.entry(module_folder).or_default().push_str(&block(name, &answers, &nowhere));
    }
    for (module, text) in texts {
        // Not through a link that the archive may have brought.
        written(remove(&module.join(OVERRIDE)))?;
        written(write_private(&module.join(OVERRIDE), text.as_bytes()))?;
    }
    Ok(())
}

/// Writes the outputs of each upstream to a file, and sorts the files by the block that they answer.
fn blocks<'a>(
    outputs: &'a [UpstreamOutputs],
    folder: &Folder,
) -> Result<BTreeMap<(&'a str, &'a str), Answers<'a>>, Problem> {
    let mut blocks: BTreeMap<_, Answers<'_>> = BTreeMap::new();
    for (number, outputs) in outputs.iter().enumerate() {
        let file = folder.upstreams().join(format!("{number}.tfstate"));
        written(write_private(&file, &outputs.state))?;
        let block = (outputs.module.as_str(), outputs.name.as_str());
        blocks.entry(block).or_default().push((outputs.instance.as_deref(), file));
    }
    Ok(blocks)
}

/// The block that answers from files. `workspace` would be looked up below the file's folder, so it is taken away;
/// `defaults` of the block stay, they stand in for outputs that the upstream does not have. A key of `for_each` whose
/// upstream has no state is answered with a file that is not there, so that terraform says what it always says.
fn block(name: &str, answers: &Answers<'_>, nowhere: &Path) -> String {
    let quote = |file: &Path| quoted(&file.to_string_lossy());
    let keyed: Vec<_> = answers.iter().filter_map(|(key, file)| Some(((*key)?, file))).collect();
    let path = match (keyed.is_empty(), answers.first()) {
        (true, Some((_, file))) => quote(file),
        _ => {
            let entries: String =
                keyed.iter().map(|(key, file)| format!("      {} = {}\n", quoted(key), quote(file))).collect();
            format!("lookup({{\n{entries}    }}, each.key, {})", quote(nowhere))
        }
    };
    format!(
        "data \"terraform_remote_state\" {} {{\n  backend   = \"local\"\n  workspace = null\n  config = {{\n    path = {path}\n  }}\n}}\n",
        quoted(name),
    )
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_block_with_for_each_is_answered_by_key() {
        let answers = vec![(Some("u1"), PathBuf::from("/f/0.tfstate")), (Some("u2"), PathBuf::from("/f/1.tfstate"))];
        expect![[r#"
            data "terraform_remote_state" "up" {
              backend   = "local"
              workspace = null
              config = {
                path = lookup({
                  "u1" = "/f/0.tfstate"
                  "u2" = "/f/1.tfstate"
                }, each.key, "/f/none.tfstate")
              }
            }
        "#]]
        .assert_eq(&block("up", &answers, Path::new("/f/none.tfstate")));
    }
}
