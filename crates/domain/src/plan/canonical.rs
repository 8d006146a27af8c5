//! One text for a plan. Lengths stand before texts, so that no value can look like the end of another.

use std::fmt::Write;

use super::{Change, Plan};
use crate::planned::{PlannedOutput, PlannedValue};

/// See [`Plan::canonical`].
pub(super) fn text(plan: &Plan) -> String {
    let mut text = String::from("plan 1\n");
    for (address, change) in &plan.changes {
        resource(&mut text, address, change);
    }
    for (name, output) in &plan.outputs {
        planned(&mut text, name, output);
    }
    text
}

// Writing to a string cannot fail.
fn resource(text: &mut String, address: &str, change: &Change) {
    let imported = if change.imported { " imported" } else { "" };
    _ = write!(text, "{} {}:{address}{imported}", change.action.as_str(), address.len());
    if let Some(from) = &change.moved_from {
        _ = write!(text, " from {}:{from}", from.len());
    }
    text.push(' ');
    value(text, &change.after);
    text.push('\n');
}

/// See [`PlannedOutput::canonical`].
pub(crate) fn output(output: &PlannedOutput) -> String {
    let mut text = String::from(if output.sensitive { "sensitive " } else { "" });
    value(&mut text, &output.value);
    text
}

fn planned(text: &mut String, name: &str, output: &PlannedOutput) {
    _ = write!(text, "output {}:{name} ", name.len());
    if output.sensitive {
        text.push_str("sensitive ");
    }
    value(text, &output.value);
    text.push('\n');
}

fn value(text: &mut String, it: &PlannedValue) {
    match it {
        PlannedValue::Unknown(_) => text.push('?'),
        PlannedValue::Null => text.push('0'),
        PlannedValue::Bool(it) => text.push_str(if *it { "true" } else { "false" }),
        PlannedValue::Number(it) => {
            _ = write!(text, "n{}:{it}", it.len());
        }
        PlannedValue::Text(it) => {
            _ = write!(text, "t{}:{it}", it.len());
        }
        PlannedValue::List(items) | PlannedValue::Set(items) | PlannedValue::Tuple(items) => {
            text.push('[');
            for item in items {
                value(text, item);
                text.push(',');
            }
            text.push(']');
        }
        PlannedValue::Map(entries) | PlannedValue::Object(entries) => {
            text.push('{');
            for (key, entry) in entries {
                _ = write!(text, "{}:{key}=", key.len());
                value(text, entry);
                text.push(',');
            }
            text.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Action;
    use super::super::drawn::plan;

    #[test]
    fn plans_that_do_the_same_have_the_same_text_and_others_do_not() {
        let one = plan(&[("t.a", Action::Create, "n=1 s=x"), ("t.b", Action::Delete, "")]);
        let same = plan(&[("t.b", Action::Delete, ""), ("t.a", Action::Create, "s=x n=1")]);
        assert_eq!(one.canonical(), same.canonical());
        for other in [
            plan(&[("t.a", Action::Create, "n=1 s=y"), ("t.b", Action::Delete, "")]),
            plan(&[("t.a", Action::Create, "n=1 s=x"), ("t.b", Action::Forget, "")]),
            plan(&[("t.a", Action::Create, "n=1 s=x"), ("t.bb", Action::Delete, "")]),
            plan(&[("t.a", Action::Create, "n=? s=x"), ("t.b", Action::Delete, "")]),
            plan(&[("t.a", Action::Create, "n=1 s=x")]),
        ] {
            assert_ne!(one.canonical(), other.canonical());
        }
    }
}
