//! What of the code a run replaces: the backend, when multispace holds the state, and the blocks that are answered with
//! outputs from here. With override files where they can say it: a `data "terraform_remote_state"` block that is answered with
//! states. Everything else, as a block that is answered with planned outputs, is rewritten (`configuration::preview`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use configuration::preview::{PlannedAnswer, Preview, ReadBlock, Rewritten, rewrite};
use domain::Problem;
use domain::planned::PlannedOutputs;

use crate::folder::{Folder, remove, write_private};
use crate::planned::outputs_of_state;
use crate::prepare::{no_folder, working_directory, written};
use crate::variables::quoted;
use crate::work::{Answer, Backend, UpstreamOutputs, Work};

/// Name of the file in each folder; terraform reads `*_override.tf` last, in order of name.
const OVERRIDE: &str = "zz_multispace_override.tf";

/// The beginning of the file in the root of a run whose state multispace holds.
pub(crate) const LOCAL: &str = "terraform {\n  backend \"local\" {}\n}\n";

/// The answers to one block: one file, or one for each key of its `for_each`.
type Answers<'a> = Vec<(Option<&'a str>, PathBuf)>;

/// Writes the override files and the state files that they name, and rewrites what they cannot say.
pub(crate) fn write(work: &Work, folder: &Folder, root: &Path, bare: bool) -> Result<Rewritten, Problem> {
    refuse_planned(work)?;
    let planned: Vec<_> = work.upstream_outputs.iter().filter(|outputs| !is_of_states(work, outputs)).collect();
    answer(work, folder, root, bare, None)?;
    rewritten(work, folder, root, &planned)
}

/// Writes the override files, and the state files that they name. A block of the root reads the file `gate` before it reads any state.
pub(crate) fn answer(
    work: &Work,
    folder: &Folder,
    root: &Path,
    bare: bool,
    gate: Option<&Path>,
) -> Result<(), Problem> {
    for (module, text) in answered(work, folder, root, bare, gate)? {
        let file = file_in(&module);
        // Not through a link that the archive may have brought.
        written(remove(&file))?;
        written(write_private(&file, text.as_bytes()))?;
    }
    Ok(())
}

/// The override file of a module.
pub(crate) fn file_in(module: &Path) -> PathBuf {
    module.join(OVERRIDE)
}

/// Writes the state files that answer blocks; returns the texts of the override files that name them, by folder. What is `bare` names no backend: that
/// is the local one, and it needs no `init`.
pub(crate) fn answered(
    work: &Work,
    folder: &Folder,
    root: &Path,
    bare: bool,
    mut gate: Option<&Path>,
) -> Result<BTreeMap<PathBuf, String>, Problem> {
    let overridden: Vec<_> = work.upstream_outputs.iter().filter(|outputs| is_of_states(work, outputs)).collect();
    let mut texts: BTreeMap<PathBuf, String> = BTreeMap::new();
    if work.backend == Backend::Held && !bare {
        texts.insert(root.to_owned(), LOCAL.to_owned());
    }
    for ((module, name), answers) in blocks(&overridden, folder)? {
        let nowhere = folder.upstreams().join("none.tfstate");
        let module = module_folder(folder, module)?;
        let gate = if module == root { gate.take() } else { None };
        texts.entry(module).or_default().push_str(&block(name, &answers, &nowhere, gate));
    }
    Ok(texts)
}

/// What is planned is not there yet: nothing may be applied that stands on it.
fn refuse_planned(work: &Work) -> Result<(), Problem> {
    let is_planned = |outputs: &UpstreamOutputs| matches!(outputs.answer, Answer::Planned(_));
    if !work.operation.scratch && (!work.planned_variables.is_empty() || work.upstream_outputs.iter().any(is_planned)) {
        return Err(Problem::conflict("executor/planned-outputs", "This run stands on outputs that are only planned.")
            .advice("Apply the upstreams first, or ask for a scratch plan."));
    }
    Ok(())
}

/// Whether the whole block of an answer is answered with states, by an override file.
pub(crate) fn is_of_states(work: &Work, outputs: &UpstreamOutputs) -> bool {
    let is_same = |other: &&UpstreamOutputs| {
        (&other.module, other.block, &other.name) == (&outputs.module, outputs.block, &outputs.name)
    };
    outputs.block == ReadBlock::RemoteState
        && work.upstream_outputs.iter().filter(is_same).all(|other| matches!(other.answer, Answer::State(_)))
}

fn rewritten(work: &Work, folder: &Folder, root: &Path, planned: &[&UpstreamOutputs]) -> Result<Rewritten, Problem> {
    let outputs = planned.iter().map(|outputs| planned_outputs(&outputs.answer)).collect::<Result<Vec<_>, _>>()?;
    let answers = planned.iter().zip(&outputs).map(|(upstream, outputs)| {
        Ok(PlannedAnswer {
            folder: module_folder(folder, &upstream.module)?,
            block: upstream.block,
            name: &upstream.name,
            instance: upstream.instance.as_deref(),
            outputs,
        })
    });
    rewrite(&Preview {
        dir: &folder.source(),
        root,
        answers: answers.collect::<Result<_, Problem>>()?,
        variables: &work.planned_variables,
        // A state that is elsewhere may hold blocks of it, which only the provider can read.
        may_drop_tfe: work.backend == Backend::Held,
    })
}

fn planned_outputs(answer: &Answer) -> Result<PlannedOutputs, Problem> {
    match answer {
        Answer::Planned(outputs) => Ok(outputs.clone()),
        Answer::State(state) => outputs_of_state(state).ok_or_else(|| {
            crate::process::ours("The outputs of an upstream cannot be read.", "its state does not parse")
        }),
    }
}

pub(crate) fn module_folder(folder: &Folder, module: &str) -> Result<PathBuf, Problem> {
    let module_folder = folder.source().join(working_directory(module)?);
    if module_folder.is_dir() { Ok(module_folder) } else { Err(no_folder(module)) }
}

/// Writes the outputs of each upstream to a file, and sorts the files by the block that they answer.
fn blocks<'a>(
    outputs: &[&'a UpstreamOutputs],
    folder: &Folder,
) -> Result<BTreeMap<(&'a str, &'a str), Answers<'a>>, Problem> {
    let mut blocks: BTreeMap<_, Answers<'_>> = BTreeMap::new();
    for (number, outputs) in outputs.iter().enumerate() {
        let Answer::State(state) = &outputs.answer else { continue };
        let file = folder.upstreams().join(format!("{number}.tfstate"));
        written(write_private(&file, state))?;
        let block = (outputs.module.as_str(), outputs.name.as_str());
        blocks.entry(block).or_default().push((outputs.instance.as_deref(), file));
    }
    Ok(blocks)
}

/// The state without the `tfe_outputs` blocks in it, which nothing can read when their provider is not asked for.
pub(crate) fn without_tfe_outputs(state: &Bytes) -> Option<Bytes> {
    #[derive(serde::Deserialize)]
    struct Head<'a> {
        mode: &'a str,
        #[serde(rename = "type")]
        kind: &'a str,
    }
    type Raw<'a> = &'a serde_json::value::RawValue;
    let mut top: BTreeMap<String, Raw<'_>> = serde_json::from_slice(state).ok()?;
    let resources: Vec<Raw<'_>> = serde_json::from_str(top.get("resources")?.get()).ok()?;
    let is_kept = |resource: &Raw<'_>| {
        !serde_json::from_str::<Head<'_>>(resource.get())
            .is_ok_and(|head| head.mode == "data" && head.kind == "tfe_outputs")
    };
    let kept: Vec<Raw<'_>> = resources.into_iter().filter(is_kept).collect();
    let kept = serde_json::value::to_raw_value(&kept).ok()?;
    top.insert("resources".to_owned(), &kept);
    serde_json::to_vec(&top).ok().map(Bytes::from)
}

/// The block that answers from files. `workspace` would be looked up below the file's folder, so it is taken away;
/// `defaults` of the block stay, they stand in for outputs that the upstream does not have. A key of `for_each` whose
/// upstream has no state is answered with a file that is not there, so that terraform says what it always says. A `gate` is a file with a `null` in it.
fn block(name: &str, answers: &Answers<'_>, nowhere: &Path, gate: Option<&Path>) -> String {
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
    let none = gate.map_or_else(|| "null".to_owned(), null_in);
    format!(
        "data \"terraform_remote_state\" {} {{\n  backend   = \"local\"\n  workspace = {none}\n  config = {{\n    path = {path}\n  }}\n}}\n",
        quoted(name),
    )
}

/// An expression that reads the `null` in a file.
pub(crate) fn null_in(file: &Path) -> String {
    format!("jsondecode(file({}))", quoted(&file.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_state_loses_its_tfe_outputs_and_nothing_else() {
        let state = r#"{"version":4,"serial":12345678901234567890123,"resources":[{"mode":"data","type":"tfe_outputs","name":"x"},{"mode":"managed","type":"t"}]}"#;
        let kept = without_tfe_outputs(&Bytes::from(state)).unwrap();
        assert_eq!(
            kept,
            r#"{"resources":[{"mode":"managed","type":"t"}],"serial":12345678901234567890123,"version":4}"#
        );
    }

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
        .assert_eq(&block("up", &answers, Path::new("/f/none.tfstate"), None));
    }
}
