//! Takes over the state that `terraform` by itself left in a root's folder, so that nobody has to import what is there.

use std::path::Path;

use configuration::{BackendSetting, Root};
use domain::Problem;
use md5::{Digest, Md5};
use server::local::Local;

use super::Loaded;
use super::host::WorkspaceView;
use crate::console::Console;

/// What is to be done about the state file in a folder.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    /// There is nothing in it, or multispace knows at least as much.
    Ignore,
    /// Take it over.
    Adopt { serial: i64 },
    /// It is of the state that multispace holds, but newer: somebody ran terraform by hand.
    Newer { serial: i64 },
    /// It is another state than the one that multispace holds.
    Other,
}

/// Takes over what lies in the folder of `workspace`, where multispace has no state for it. The file stays.
///
/// # Errors
/// `stack/state-newer` when the file is ahead of what multispace holds, `stack/state-file` when it cannot be read.
pub(crate) async fn adopt(
    local: &Local<'_>,
    console: &Console,
    loaded: &Loaded,
    workspace: &WorkspaceView,
) -> Result<bool, Problem> {
    let name = &workspace.name;
    let Some((file, bytes)) = loaded.root(name).map(left).transpose()?.flatten() else { return Ok(false) };
    match decide(&bytes, workspace.state.as_ref()).map_err(|why| unreadable(file, &why))? {
        Decision::Ignore => Ok(false),
        Decision::Other => {
            console.notice(&format!(
                "{} is not the state that multispace holds for \"{name}\", and is left alone",
                file.display()
            ));
            Ok(false)
        }
        Decision::Newer { serial } => {
            let held = workspace.state.as_ref().map_or(0, |(serial, _)| *serial);
            let message = format!(
                "{} (serial {serial}) is newer than the state that multispace holds for \"{name}\" (serial {held}): \
                 terraform was run there by hand.",
                file.display()
            );
            Err(Problem::conflict("stack/state-newer", message).advice(
                "Move the file away to go on from the state that multispace holds; if the run by hand changed anything, undo it first.",
            ))
        }
        Decision::Adopt { serial } => {
            let md5 = hex::encode(Md5::digest(&bytes));
            local.adopt(&workspace.id, serial, md5, bytes.into()).await?;
            console.notice(&format!("took over the state of \"{name}\" from {}; the file stays", file.display()));
            Ok(true)
        }
    }
}

/// Refuses a workspace on a server that has no state, where there is one in its folder: terraform itself moves states there. A server says little of
/// its states, and what it has is the truth there.
///
/// # Errors
/// `stack/state-here`; `stack/state-file` when the file cannot be read.
pub(crate) fn refuse(loaded: &Loaded, workspace: &str, state: Option<(i64, String)>) -> Result<(), Problem> {
    let Some((file, bytes)) = loaded.root(workspace).map(left).transpose()?.flatten() else { return Ok(()) };
    match decide(&bytes, state.as_ref()).map_err(|why| unreadable(file, &why))? {
        Decision::Adopt { .. } => Err(not_there(workspace, file)),
        Decision::Ignore | Decision::Other | Decision::Newer { .. } => Ok(()),
    }
}

/// The state that was left in the folder of a root which multispace would hold it for.
fn left(root: &Root) -> Result<Option<(&Path, Vec<u8>)>, Problem> {
    let file = match (&root.state_file, &root.backend, &root.cloud) {
        (Some(file), BackendSetting::Held, None) if file.is_file() => file,
        _ => return Ok(None),
    };
    let bytes = std::fs::read(file).map_err(|error| unreadable(file, &error.to_string()))?;
    Ok(Some((file, bytes)))
}

fn unreadable(file: &Path, why: &str) -> Problem {
    Problem::invalid("stack/state-file", format!("The state file {} cannot be read: {why}.", file.display()))
        .advice("Repair it, or move it away if it is not needed.")
}

/// Its runs there would make everything a second time.
fn not_there(workspace: &str, file: &Path) -> Problem {
    let message =
        format!("What \"{workspace}\" has is in the state {}, and its workspace there has none.", file.display());
    Problem::conflict("stack/state-here", message).advice(
        "Give its code a cloud block and run terraform init there, which moves the state; or move the file away if it is not needed.",
    )
}

fn decide(bytes: &[u8], held: Option<&(i64, String)>) -> Result<Decision, String> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Decision::Ignore);
    }
    let state: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let has = |key: &str| match &state[key] {
        serde_json::Value::Array(list) => !list.is_empty(),
        serde_json::Value::Object(map) => !map.is_empty(),
        _ => false,
    };
    let serial = state["serial"].as_i64().ok_or("it has no serial")?;
    let lineage = state["lineage"].as_str().unwrap_or_default();
    let is_empty = !has("resources") && !has("outputs");
    Ok(match held {
        None if is_empty => Decision::Ignore,
        None => Decision::Adopt { serial },
        Some((held, of)) if of == lineage && serial > *held => Decision::Newer { serial },
        Some((_, of)) if of != lineage && !is_empty => Decision::Other,
        Some(_) => Decision::Ignore,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &[u8] = br#"{"version":4,"serial":7,"lineage":"l","outputs":{},"resources":[{}]}"#;
    const EMPTY: &[u8] = br#"{"version":4,"serial":9,"lineage":"l","outputs":{},"resources":[]}"#;

    #[test]
    fn a_state_with_something_in_it_is_taken_over_once() {
        assert_eq!(decide(FULL, None), Ok(Decision::Adopt { serial: 7 }));
        assert_eq!(decide(FULL, Some(&(7, "l".into()))), Ok(Decision::Ignore));
        assert_eq!(decide(FULL, Some(&(12, "l".into()))), Ok(Decision::Ignore));
        assert_eq!(decide(EMPTY, None), Ok(Decision::Ignore));
        assert_eq!(decide(b" \n", None), Ok(Decision::Ignore));
    }

    #[test]
    fn a_newer_file_and_another_lineage_are_told() {
        assert_eq!(decide(FULL, Some(&(6, "l".into()))), Ok(Decision::Newer { serial: 7 }));
        assert_eq!(decide(EMPTY, Some(&(6, "l".into()))), Ok(Decision::Newer { serial: 9 }));
        assert_eq!(decide(FULL, Some(&(1, "other".into()))), Ok(Decision::Other));
    }

    #[test]
    fn what_is_no_state_is_an_error() {
        assert!(decide(b"{", None).is_err());
        assert!(decide(b"{}", None).is_err());
    }
}
