//! Secrets that terraform does not know of in a plan: texts of sensitive outputs of other workspaces.

use std::collections::BTreeSet;

use super::Plan;
use super::matching::below;
use crate::planned::PlannedValue;

impl Plan {
    /// Notes every value that has one of these texts in it as sensitive, so that it is shown nowhere. What the plan would do
    /// stays as it is.
    pub fn hide(&mut self, secrets: &BTreeSet<String>) {
        if secrets.is_empty() {
            return;
        }
        for change in self.changes.values_mut() {
            let mut paths = Vec::new();
            find(&change.before, secrets, "", &mut paths);
            find(&change.after, secrets, "", &mut paths);
            change.sensitive.append(&mut paths);
            change.sensitive.sort();
            change.sensitive.dedup();
        }
        for (name, output) in &self.outputs {
            let mut paths = Vec::new();
            find(&output.value, secrets, "", &mut paths);
            if !paths.is_empty() {
                self.hidden_outputs.insert(name.clone());
            }
        }
    }

    /// Whether the value of an output is not to be shown.
    #[must_use]
    pub fn hides_output(&self, name: &str) -> bool {
        self.hidden_outputs.contains(name) || self.outputs.get(name).is_some_and(|output| output.sensitive)
    }
}

fn find(value: &PlannedValue, secrets: &BTreeSet<String>, path: &str, paths: &mut Vec<String>) {
    let is_secret = |text: &str| secrets.iter().any(|secret| text.contains(secret.as_str()));
    match value {
        PlannedValue::Text(text) if is_secret(text) => paths.push(path.to_owned()),
        PlannedValue::List(items) | PlannedValue::Set(items) | PlannedValue::Tuple(items) => {
            for (at, item) in items.iter().enumerate() {
                find(item, secrets, &format!("{path}[{at}]"), paths);
            }
        }
        PlannedValue::Map(entries) | PlannedValue::Object(entries) => {
            // A key is shown with what it leads to, so a secret one hides all of it.
            if entries.keys().any(|key| is_secret(key)) {
                return paths.push(path.to_owned());
            }
            for (key, entry) in entries {
                find(entry, secrets, &below(path, key), paths);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::Action;
    use super::super::drawn::{plan, value};
    use super::*;
    use crate::planned::PlannedOutput;

    #[test]
    fn a_value_with_a_secret_text_in_it_is_hidden_and_the_plan_does_what_it_did() {
        let mut plan = plan(&[("t.a", Action::Create, "word=x-hush-x n=1"), ("t.b", Action::Create, "n=hus")]);
        let output = |text: &str| PlannedOutput { value: value(text), sensitive: false, ty: None };
        plan.outputs.insert("o".into(), output("hush"));
        plan.outputs.insert("p".into(), output("open"));
        let before = plan.canonical();
        plan.hide(&BTreeSet::from(["hush".to_owned()]));
        assert_eq!(plan.changes["t.a"].sensitive, ["word"]);
        assert!(plan.changes["t.b"].sensitive.is_empty());
        assert!(plan.hides_output("o") && !plan.hides_output("p"));
        assert_eq!(plan.canonical(), before);
    }

    #[test]
    fn a_key_that_is_a_secret_hides_all_that_it_is_a_key_of() {
        let inner = PlannedValue::Map([("hush".to_owned(), value("1"))].into());
        let mut paths = Vec::new();
        find(&PlannedValue::Object([("tags".to_owned(), inner)].into()), &["hush".to_owned()].into(), "", &mut paths);
        assert_eq!(paths, ["tags"]);
    }
}
