//! Variables whose values are outputs of other workspaces: `variables = { id = workspace.network.outputs.id }`.
//!
//! Absent: reading them from `multispace.hcl` (configuration) and where the outputs come from (the host, or the preview).

use configuration::{OutputReference, Root, Step, Value};
use domain::Problem;
use domain::planned::{PlannedOutput, PlannedOutputs, PlannedValue};

use super::host::RunVariable;

/// The value of a variable.
///
/// # Errors
/// `stack/reference`: the output is not there, or lacks the part; it is a secret and the variable does not say so.
pub(crate) fn value(
    root: &Root,
    variable: &str,
    reference: &OutputReference,
    outputs: &PlannedOutputs,
) -> Result<PlannedOutput, Problem> {
    let refused = |what: String, advice: &str| {
        let message = format!("{}: the variable \"{variable}\" of \"{}\" {what}.", reference.place, root.name);
        Problem::invalid("stack/reference", message).advice(advice.to_owned())
    };
    let Some(output) = outputs.get(&reference.output) else {
        let what = format!("is {reference}, and \"{}\" has no such output now", reference.workspace);
        return Err(refused(what, "Apply that workspace, or name an output that it has."));
    };
    let is_secret = root.variables.iter().any(|it| it.name == variable && it.sensitive);
    if output.sensitive && !is_secret {
        let what = format!("is {reference}, which is sensitive, and is not declared so itself");
        return Err(refused(what, "Write `sensitive = true` in its variable block."));
    }
    let mut value = output.value.clone();
    for step in &reference.path {
        value = below(value, step).ok_or_else(|| {
            refused(format!("is {reference}, and the output has no such part"), "Look at it with `multispace output`.")
        })?;
    }
    let ty = if reference.path.is_empty() { output.ty.clone() } else { None };
    Ok(PlannedOutput { value, sensitive: output.sensitive, ty })
}

/// Known values as the variables of a run.
pub(crate) fn run_variables(values: &PlannedOutputs) -> Vec<RunVariable> {
    let one = |(name, output): (&String, &PlannedOutput)| RunVariable {
        key: name.clone(),
        value: literal(&output.value).to_hcl(),
    };
    values.iter().map(one).collect()
}

fn below(value: PlannedValue, step: &Step) -> Option<PlannedValue> {
    match (value, step) {
        (PlannedValue::Unknown(_), _) => Some(PlannedValue::unknown()),
        (PlannedValue::Map(mut entries) | PlannedValue::Object(mut entries), Step::Key(key)) => entries.remove(key),
        (PlannedValue::List(mut items) | PlannedValue::Tuple(mut items), Step::Index(at)) => {
            let at = usize::try_from(*at).ok()?;
            (at < items.len()).then(|| items.swap_remove(at))
        }
        _ => None,
    }
}

/// A value that is known as a whole; what is unknown in spite of that is null.
fn literal(value: &PlannedValue) -> Value {
    match value {
        PlannedValue::Unknown(_) | PlannedValue::Null => Value::Null,
        PlannedValue::Bool(it) => Value::Bool(*it),
        PlannedValue::Number(it) => Value::Number(it.clone()),
        PlannedValue::Text(it) => Value::String(it.clone()),
        PlannedValue::List(items) | PlannedValue::Set(items) | PlannedValue::Tuple(items) => {
            Value::List(items.iter().map(literal).collect())
        }
        PlannedValue::Map(entries) | PlannedValue::Object(entries) => {
            Value::Object(entries.iter().map(|(key, entry)| (key.clone(), literal(entry))).collect())
        }
    }
}
