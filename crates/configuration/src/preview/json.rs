//! One file of JSON syntax. It is written anew: its lines are not kept.
//!
//! Expressions stand in strings as templates. Strings that Terraform takes literally have no references in them, apart from
//! those in `depends_on`, which are references without being templates.

use hcl_edit::expr::Expression;
use serde_json::{Map, Value};

use super::{Found, TFE, Targets, native};
use crate::module::ReadKind;

/// The file as it is to be; `None` when it cannot be parsed or nothing in it is concerned.
pub(super) fn rewrite(text: &str, targets: &Targets<'_>, found: &mut Found) -> Option<String> {
    let original: Value = serde_json::from_str(text).ok()?;
    let mut top = original.clone();
    for_objects(&mut top, &mut |top| rewrite_top(top, targets, found));
    references(&mut top, targets, found);
    (top != original).then(|| serde_json::to_string_pretty(&top).ok()).flatten()
}

fn rewrite_top(top: &mut Map<String, Value>, targets: &Targets<'_>, found: &mut Found) {
    if let Some(data) = top.get_mut("data") {
        for_objects(data, &mut |kinds| {
            for (word, blocks) in kinds.iter_mut() {
                let Some(kind) = ReadKind::of("data", word) else { continue };
                for_objects(blocks, &mut |blocks| {
                    blocks.retain(|name, block| {
                        let key = (kind, name.clone());
                        let is_gone = targets.blocks.contains_key(&key);
                        if is_gone {
                            references(block, targets, found);
                            for_objects(block, &mut |block| {
                                let arguments = found.arguments.entry(key.clone()).or_default();
                                arguments.extend(block.iter().map(|(name, value)| (name.clone(), native_text(value))));
                            });
                        }
                        !is_gone
                    });
                });
            }
        });
    }
    if let Some(variables) = top.get_mut("variable") {
        for_objects(variables, &mut |variables| {
            variables.retain(|name, variable| {
                let is_gone = targets.variables.contains_key(name);
                if is_gone {
                    for_objects(variable, &mut |variable| {
                        let ty =
                            variable.get("type").and_then(Value::as_str).and_then(|ty| ty.parse::<Expression>().ok());
                        let sensitive = variable.get("sensitive").and_then(Value::as_bool);
                        found.note_variable(name, ty, sensitive);
                    });
                }
                !is_gone
            });
        });
    }
    if targets.without_tfe {
        without_tfe(top);
    }
    // A block type without blocks lacks its labels.
    if let Some(data) = top.get_mut("data") {
        for_objects(data, &mut |kinds| kinds.retain(|_, blocks| !is_empty(blocks)));
    }
    top.retain(|key, value| !matches!(key.as_str(), "data" | "variable" | "provider") || !is_empty(value));
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.is_empty(),
        Value::Array(items) => items.iter().all(is_empty),
        _ => false,
    }
}

fn without_tfe(top: &mut Map<String, Value>) {
    let remove = |value: &mut Value| for_objects(value, &mut |object| drop(object.remove(TFE)));
    if let Some(providers) = top.get_mut("provider") {
        remove(providers);
    }
    if let Some(settings) = top.get_mut("terraform") {
        for_objects(settings, &mut |settings| settings.get_mut("required_providers").into_iter().for_each(remove));
    }
    if let Some(modules) = top.get_mut("module") {
        for_objects(modules, &mut |modules| {
            for call in modules.values_mut() {
                for_objects(call, &mut |call| call.get_mut("providers").into_iter().for_each(remove));
            }
        });
    }
}

/// Where an object may be, a list of objects may be.
fn for_objects(value: &mut Value, each: &mut dyn FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => each(object),
        Value::Array(items) => items.iter_mut().filter_map(Value::as_object_mut).for_each(each),
        _ => {}
    }
}

fn references(value: &mut Value, targets: &Targets<'_>, found: &mut Found) {
    match value {
        Value::String(text) => {
            if let Some(rewritten) = template(text, targets, found) {
                *text = rewritten;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| references(item, targets, found)),
        Value::Object(entries) => {
            let old = std::mem::take(entries);
            for (key, mut value) in old {
                if key == "depends_on"
                    && let Value::Array(items) = &mut value
                {
                    for item in items {
                        if let Value::String(text) = item
                            && let Some(rewritten) = expression(text, targets, found)
                        {
                            *text = rewritten;
                        }
                    }
                } else {
                    references(&mut value, targets, found);
                }
                entries.insert(template(&key, targets, found).unwrap_or(key), value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn template(text: &str, targets: &Targets<'_>, found: &mut Found) -> Option<String> {
    if !text.contains("${") && !text.contains("%{") {
        return None;
    }
    let template = hcl_edit::parser::parse_template(text).ok()?;
    let edits = native::edits_of_template(&template, text, targets, found);
    Some(native::edited(text, 0..text.len(), &edits))
}

fn expression(text: &str, targets: &Targets<'_>, found: &mut Found) -> Option<String> {
    let expression = hcl_edit::parser::parse_expr(text).ok()?;
    let edits = native::edits_of_expression(&expression, text, targets, found);
    Some(native::edited(text, 0..text.len(), &edits))
}

/// A JSON value as an expression of native syntax. A string that is one interpolation is the expression in it.
fn native_text(value: &Value) -> String {
    if let Value::String(text) = value
        && let Ok(template) = hcl_edit::parser::parse_template(text)
    {
        let mut elements = template.iter();
        if let (Some(hcl_edit::template::Element::Interpolation(it)), None) = (elements.next(), elements.next()) {
            return format!("({})", it.expr);
        }
    }
    crate::json::expression(value).to_string()
}
