//! The local values that stand for what is replaced.

use std::collections::BTreeMap;

use domain::planned::{PlannedOutput, PlannedOutputs, PlannedValue, Type, Unknown};

use super::literal::{self, quoted};
use super::{Found, Target, Targets, constraint};
use crate::module::ReadKind;

/// The file that declares them; empty when there are none.
pub(super) fn locals(targets: &Targets<'_>, found: &Found, variables: &BTreeMap<String, PlannedOutput>) -> String {
    let none = BTreeMap::new();
    let mut entries = String::new();
    for (block, target) in &targets.blocks {
        let arguments = found.arguments.get(block).unwrap_or(&none);
        let others: Vec<(&str, &str)> = found
            .read
            .iter()
            .filter(|(kind, name, _)| (*kind, name) == (block.0, &block.1))
            .filter_map(|(_, _, argument)| Some((argument.as_str(), arguments.get(argument)?.as_str())))
            .collect();
        entries.push_str(&format!("  {} = {}\n", target.local, instances(block.0, target, arguments, &others)));
    }
    for (name, local) in &targets.variables {
        if let Some(output) = variables.get(name) {
            entries.push_str(&format!("  {local} = {}\n", variable(output, found.variables.get(name))));
        }
    }
    if entries.is_empty() {
        entries
    } else {
        format!("# What upstreams are planned to give.\nlocals {{\n{entries}}}\n")
    }
}

/// The value of a block: one object, or one for each instance that its `for_each` or `count` makes.
fn instances(
    kind: ReadKind,
    target: &Target<'_>,
    arguments: &BTreeMap<String, String>,
    others: &[(&str, &str)],
) -> String {
    let defaults = arguments.get("defaults").map(String::as_str);
    let one = |outputs: &PlannedOutputs| object(kind, outputs, defaults, others);
    let whole = target.answers.iter().find(|(key, _)| key.is_none()).map(|(_, outputs)| one(outputs));
    let keyed: Vec<String> = target
        .answers
        .iter()
        .filter_map(|(key, outputs)| Some(format!("{} = {}", quoted((*key)?), one(outputs))))
        .collect();
    let by_key = format!("{{ {} }}", keyed.join(", "));
    match (whole, arguments.get("for_each"), arguments.get("count")) {
        (Some(whole), Some(each), _) => {
            format!("{{ for multispace_key, multispace_value in {each} : multispace_key => {whole} }}")
        }
        (None, Some(each), _) => {
            format!("{{ for multispace_key, multispace_value in {each} : multispace_key => {by_key}[multispace_key] }}")
        }
        (Some(whole), None, Some(count)) => format!("[for multispace_index in range({count}) : {whole}]"),
        (Some(whole), None, None) => whole,
        (None, None, _) => by_key,
    }
}

/// An object that has what the block has.
fn object(kind: ReadKind, outputs: &PlannedOutputs, defaults: Option<&str>, others: &[(&str, &str)]) -> String {
    let mut attributes: Vec<String> = others.iter().map(|(name, text)| format!("{name} = {text}")).collect();
    match kind {
        ReadKind::RemoteState => {
            let outputs = literal::object(outputs.iter().map(|(name, output)| {
                (name, literal::expression(&output.value, output.ty.as_ref().unwrap_or(&Type::Dynamic)))
            }));
            attributes.push(match defaults {
                Some(defaults) => format!("outputs = merge({defaults}, {outputs})"),
                None => format!("outputs = {outputs}"),
            });
        }
        ReadKind::Outputs | ReadKind::EphemeralOutputs => {
            let all = |but: fn(&PlannedOutput) -> bool| {
                literal::object(outputs.iter().filter(|(_, output)| !but(output)).map(|(name, output)| {
                    (name, literal::expression(&through_json(output.value.clone()), &Type::Dynamic))
                }))
            };
            attributes.push(format!("values = sensitive({})", all(|_| false)));
            attributes.push(format!("nonsensitive_values = {}", all(|output| output.sensitive)));
        }
    }
    format!("{{ {} }}", attributes.join(", "))
}

/// What `tfe_outputs` makes of a value: it comes as JSON and has the type that JSON implies.
fn through_json(value: PlannedValue) -> PlannedValue {
    use PlannedValue as V;
    let all = |items: Vec<V>| items.into_iter().map(through_json).collect();
    let each = |entries: BTreeMap<String, V>| entries.into_iter().map(|(key, it)| (key, through_json(it))).collect();
    match value {
        V::List(items) | V::Set(items) | V::Tuple(items) => V::Tuple(all(items)),
        V::Map(entries) | V::Object(entries) => V::Object(each(entries)),
        V::Unknown(unknown) => match unknown.ty {
            Type::Bool | Type::Number | Type::String => V::Unknown(unknown),
            Type::Object(attributes) if unknown.not_null => V::Object(
                attributes
                    .into_iter()
                    .map(|(name, ty)| (name, through_json(V::Unknown(Unknown { ty, ..Unknown::default() }))))
                    .collect(),
            ),
            _ => V::unknown(),
        },
        known => known,
    }
}

/// The value of a variable of the root.
fn variable(output: &PlannedOutput, declared: Option<&(Option<hcl_edit::expr::Expression>, bool)>) -> String {
    let (constraint, sensitive) = match declared {
        Some((Some(ty), sensitive)) => (constraint::read(ty), *sensitive),
        Some((None, sensitive)) => (constraint::Constraint::Any, *sensitive),
        None => (constraint::Constraint::Any, false),
    };
    let value = constraint::convert(output.value.clone(), &constraint);
    let ty = match constraint::type_of(&constraint) {
        Type::Dynamic => output.ty.clone().unwrap_or_default(),
        ty => ty,
    };
    let value = literal::expression(&value, &ty);
    if sensitive { format!("sensitive({value})") } else { value }
}
