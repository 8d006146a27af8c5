//! Why a scratch plan failed: because something that it stands on is not known yet, or for good.
//!
//! Terraform is asked once more, for diagnostics that a machine can read. The plan is deferred when outputs that it reads are
//! unknown and every error says that it is about a value that is not known; one other error is one that will still be there.

use std::collections::BTreeSet;
use std::fs;

use domain::Problem;
use domain::planned::unknown_outputs;
use serde::Deserialize;

use crate::folder::append_private;
use crate::plan::{apart, joined, plan_arguments, unwritable};
use crate::prepare::Prepared;
use crate::process::Ended;
use crate::work::{Answer, Deferred, Failure, FailureKind, Phase, ReadBlock, Recovery, UnknownOutput, Work};

/// What messages about unknown values say, those of Terraform and those of providers.
const SAYS_UNKNOWN: [&str; 9] = [
    "until apply",
    "only after apply",
    "known after apply",
    "unknown value",
    "value is unknown",
    "is not known",
    "not yet known",
    "not known yet",
    "cannot be determined",
];

/// The failure, when the plan only has to wait.
pub(crate) async fn deferred(work: &Work, prepared: &Prepared) -> Result<Option<Failure>, Problem> {
    let unknowns = unknowns(work);
    if unknowns.is_empty() {
        return Ok(None);
    }
    let launcher = &prepared.launcher;
    let mut arguments = plan_arguments(work);
    arguments.push(joined("-var-file=", launcher.folder.variables().as_os_str()));
    arguments.push("-json".into());
    let lines = launcher.folder.path().join("diagnostics.json");
    let log = append_private(&launcher.folder.log(Phase::Plan)).map_err(unwritable)?;
    let ended = launcher.run("plan", &arguments, apart(&lines, log).map_err(unwritable)?).await?;
    if !matches!(ended, Ended::Exit(Some(1))) {
        return Ok(None);
    }
    let errors = errors(&fs::read(&lines).map_err(unwritable)?);
    Ok(decide(&errors, unknowns, &prepared.rewritten.names).map(|deferred| Failure {
        message: format!("The plan has to wait: {}", deferred.reason),
        kind: FailureKind::Deferred(deferred),
        recovery: Recovery::default(),
    }))
}

/// Every unknown output that the work is answered with.
fn unknowns(work: &Work) -> BTreeSet<UnknownOutput> {
    let mut unknowns = BTreeSet::new();
    for upstream in &work.upstream_outputs {
        let Answer::Planned(outputs) = &upstream.answer else { continue };
        let kind = match upstream.block {
            ReadBlock::RemoteState => "terraform_remote_state",
            ReadBlock::TfeOutputs => "tfe_outputs",
        };
        unknowns.extend(unknown_outputs(outputs).map(|output| UnknownOutput {
            reader: format!("data.{kind}.{}", upstream.name),
            module: upstream.module.clone(),
            instance: upstream.instance.clone(),
            output: Some(output.to_owned()),
        }));
    }
    unknowns.extend(unknown_outputs(&work.planned_variables).map(|name| UnknownOutput {
        reader: format!("var.{name}"),
        module: work.working_directory.clone(),
        instance: None,
        output: None,
    }));
    unknowns
}

#[derive(Debug, Clone, Deserialize, Default)]
struct Diagnostic {
    #[serde(default)]
    severity: String,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    range: Option<Range>,
    #[serde(default)]
    snippet: Option<Snippet>,
}

#[derive(Debug, Clone, Deserialize, Default)]
struct Range {
    filename: String,
    start: Start,
}

#[derive(Debug, Clone, Deserialize, Default)]
struct Start {
    line: u64,
}

#[derive(Debug, Clone, Deserialize, Default)]
struct Snippet {
    #[serde(default)]
    context: Option<String>,
    #[serde(default)]
    values: Vec<Mentioned>,
}

#[derive(Debug, Clone, Deserialize, Default)]
struct Mentioned {
    #[serde(default)]
    traversal: String,
    #[serde(default)]
    statement: String,
}

/// The errors in lines of `plan -json`.
fn errors(lines: &[u8]) -> Vec<Diagnostic> {
    #[derive(Deserialize)]
    struct Line {
        diagnostic: Diagnostic,
    }
    let lines = lines.split(|&byte| byte == b'\n');
    lines
        .filter_map(|line| serde_json::from_slice::<Line>(line).ok())
        .map(|line| line.diagnostic)
        .filter(|diagnostic| diagnostic.severity == "error")
        .collect()
}

fn decide(errors: &[Diagnostic], unknowns: BTreeSet<UnknownOutput>, names: &[(String, String)]) -> Option<Deferred> {
    let first = errors.first()?;
    if !errors.iter().all(Diagnostic::is_about_unknown) {
        return None;
    }
    let mentioned: BTreeSet<UnknownOutput> = unknowns
        .iter()
        .filter(|unknown| errors.iter().flat_map(Diagnostic::mentioned).any(|it| is_mentioned(it, unknown, names)))
        .cloned()
        .collect();
    let unknowns = if mentioned.is_empty() { unknowns } else { mentioned };
    Some(Deferred { reason: first.reason(), unknowns: unknowns.into_iter().collect() })
}

impl Diagnostic {
    fn is_about_unknown(&self) -> bool {
        let text = format!("{}\n{}", self.summary, self.detail).to_lowercase();
        // Terraform names the values of an expression that are not known only where they are what is wrong.
        SAYS_UNKNOWN.iter().any(|words| text.contains(words)) || self.mentioned().next().is_some()
    }

    /// The references that are not known.
    fn mentioned(&self) -> impl Iterator<Item = &str> {
        let values = self.snippet.iter().flat_map(|snippet| &snippet.values);
        values.filter(|value| value.statement.contains("known only after apply")).map(|value| value.traversal.as_str())
    }

    fn reason(&self) -> String {
        let mut reason = self.summary.clone();
        let context = self.snippet.as_ref().and_then(|snippet| snippet.context.as_ref());
        if let Some(place) = self.address.as_ref().or(context) {
            reason.push_str(&format!(" in {place}"));
        }
        if let Some(range) = &self.range {
            reason.push_str(&format!(", {} line {}", range.filename, range.start.line));
        }
        format!("{reason}.")
    }
}

/// Whether a reference, as Terraform has it, is to this output: `local.multispace_..._NAME.outputs.OUTPUT`.
fn is_mentioned(traversal: &str, unknown: &UnknownOutput, names: &[(String, String)]) -> bool {
    let Some((local, name)) = names.iter().find(|(local, _)| {
        traversal.strip_prefix(local.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }) else {
        return false;
    };
    if *name != unknown.reader {
        return false;
    }
    let rest = &traversal[local.len()..];
    let instance = unknown.instance.as_ref().map(|key| format!("[{}]", crate::variables::quoted(key)));
    if rest.starts_with('[') && instance.is_some_and(|key| !rest.starts_with(&key)) {
        return false;
    }
    let Some(output) = &unknown.output else { return true };
    let after = ["outputs", "nonsensitive_values", "values"]
        .iter()
        .find_map(|word| rest.find(&format!(".{word}")).map(|at| &rest[at + word.len() + 1..]));
    match after {
        Some(after) if !after.is_empty() => {
            let end = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[']);
            after.strip_prefix('.').and_then(|it| it.strip_prefix(output.as_str())).is_some_and(end)
                || after.starts_with(&format!("[{}]", crate::variables::quoted(output)))
        }
        // The block as a whole.
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(output: &str) -> UnknownOutput {
        let reader = "data.terraform_remote_state.up".to_owned();
        UnknownOutput { reader, module: String::new(), instance: None, output: Some(output.to_owned()) }
    }

    fn decided(lines: &str) -> Option<Deferred> {
        let names = [("local.multispace_remote_state_up".to_owned(), "data.terraform_remote_state.up".to_owned())];
        decide(&errors(lines.as_bytes()), BTreeSet::from([unknown("id"), unknown("ids")]), &names)
    }

    const COUNT: &str = r#"{"@level":"error","type":"diagnostic","diagnostic":{"severity":"error","summary":"Invalid count argument","detail":"The \"count\" value depends on resource attributes that cannot be determined until apply","range":{"filename":"main.tf","start":{"line":7,"column":1,"byte":1}},"snippet":{"context":"resource \"terraform_data\" \"x\"","values":[{"traversal":"local.multispace_remote_state_up.outputs.ids","statement":"is a list of string, known only after apply"}]}}}"#;

    #[test]
    fn an_error_about_an_unknown_output_defers_and_names_it() {
        let deferred = decided(COUNT).unwrap();
        assert_eq!(deferred.reason, "Invalid count argument in resource \"terraform_data\" \"x\", main.tf line 7.");
        assert_eq!(deferred.unknowns, [unknown("ids")]);
    }

    #[test]
    fn a_provider_that_refuses_defers_and_all_unknown_outputs_are_named() {
        let line = r#"{"type":"diagnostic","diagnostic":{"severity":"error","summary":"Unknown host","detail":"The configuration has an unknown value for host."}}"#;
        assert_eq!(decided(line).unwrap().unknowns, [unknown("id"), unknown("ids")]);
    }

    #[test]
    fn one_error_of_another_sort_is_a_failure() {
        let other = r#"{"type":"diagnostic","diagnostic":{"severity":"error","summary":"Unsupported attribute","detail":"This object does not have an attribute named \"x\"."}}"#;
        assert_eq!(decided(&format!("{COUNT}\n{other}")), None);
        let warning = other.replace("\"error\"", "\"warning\"");
        assert!(decided(&format!("{COUNT}\n{warning}\nnot json\n")).is_some());
        assert_eq!(decided(&warning), None);
    }
}
