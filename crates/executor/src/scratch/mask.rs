//! Texts of sensitive outputs, and their absence from what is shown.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::planned::{can_be_secret, secret_texts};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::planned::outputs_of_state;
use crate::work::{Answer, Work};

const HIDDEN: &str = "(sensitive value)";

/// What is masked, longest first.
pub(super) struct Mask(Vec<String>);

impl Mask {
    /// Of all that the work is answered with.
    pub(super) fn of(work: &Work) -> Self {
        let mut texts = Vec::new();
        for upstream in &work.upstream_outputs {
            match &upstream.answer {
                Answer::Planned(outputs) => texts.extend(secret_texts(outputs)),
                Answer::State(state) => texts.extend(secret_texts(&outputs_of_state(state).unwrap_or_default())),
            }
        }
        texts.extend(secret_texts(&work.planned_variables));
        Self::new(texts)
    }

    fn new(mut texts: Vec<String>) -> Self {
        // A text of several lines is also shown line by line, and in quotes it is shown with escapes.
        let lines: Vec<String> =
            texts.iter().flat_map(|text| text.lines()).map(|line| line.trim().to_owned()).collect();
        texts.extend(lines);
        let escaped: Vec<String> = texts.iter().map(|text| escaped(text)).collect();
        texts.extend(escaped);
        texts.retain(|text| can_be_secret(text));
        texts.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        texts.dedup();
        Self(texts)
    }

    /// The text without them.
    pub(super) fn text(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for secret in self.0.iter().filter(|secret| text.contains(secret.as_str())) {
            masked = masked.replace(secret, HIDDEN);
        }
        masked
    }

    fn is_in(&self, text: &str) -> bool {
        self.0.iter().any(|secret| text.contains(secret.as_str()))
    }

    /// The redacted description of a plan without them; `None` when there is none in it.
    pub(super) fn redacted(&self, json: &[u8]) -> Option<Bytes> {
        if !self.is_in(std::str::from_utf8(json).ok()?) {
            return None;
        }
        let top: BTreeMap<String, &RawValue> = serde_json::from_slice(json).ok()?;
        let mut masked: BTreeMap<&str, Box<RawValue>> = BTreeMap::new();
        for (key, part) in &top {
            let is_changes =
                matches!(key.as_str(), "resource_changes" | "resource_drift" | "output_changes" | "deferred_changes");
            let part =
                if is_changes { self.part(part).unwrap_or_else(|| (*part).to_owned()) } else { (*part).to_owned() };
            masked.insert(key, part);
        }
        serde_json::to_vec(&masked).ok().map(Bytes::from)
    }

    /// A list or an object of changes; those without a secret stay byte for byte.
    fn part(&self, part: &RawValue) -> Option<Box<RawValue>> {
        let one = |raw: &RawValue| {
            if !self.is_in(raw.get()) {
                return Some(raw.to_owned());
            }
            let mut change: Value = serde_json::from_str(raw.get()).ok()?;
            self.change(&mut change, false);
            serde_json::value::to_raw_value(&change).ok()
        };
        if let Ok(changes) = serde_json::from_str::<Vec<&RawValue>>(part.get()) {
            let changes: Vec<_> = changes.into_iter().map(one).collect::<Option<_>>()?;
            return serde_json::value::to_raw_value(&changes).ok();
        }
        let changes: BTreeMap<String, &RawValue> = serde_json::from_str(part.get()).ok()?;
        let changes: BTreeMap<_, _> =
            changes.into_iter().map(|(name, change)| Some((name, one(change)?))).collect::<Option<_>>()?;
        serde_json::value::to_raw_value(&changes).ok()
    }

    /// Masks texts in `before` and `after`, wherever those are; `inside` says that this is within one of them.
    fn change(&self, value: &mut Value, inside: bool) {
        match value {
            Value::String(text) if inside => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.change(item, inside)),
            Value::Object(entries) => {
                for (key, entry) in entries {
                    self.change(entry, inside || key == "before" || key == "after");
                }
            }
            _ => {}
        }
    }
}

fn escaped(text: &str) -> String {
    let quoted = Value::String(text.to_owned()).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_in_texts_and_in_changes_alone() {
        let mask = Mask::new(vec!["after".to_owned(), "a \"b\"\nsecond".to_owned(), "true".to_owned(), "x".to_owned()]);
        assert_eq!(
            mask.text("x true after, second, a \\\"b\\\"\\nsecond"),
            format!("x true {HIDDEN}, {HIDDEN}, {HIDDEN}")
        );
        let json = br#"{"output_changes":{"after":{"actions":["create"],"after":{"k":["-after-",1.10]},"before":null}},"plan_format_version":"after","resource_changes":[{"address":"t.a","n":1.10}]}"#;
        let masked = mask.redacted(json).unwrap();
        assert_eq!(
            std::str::from_utf8(&masked).unwrap(),
            r#"{"output_changes":{"after":{"actions":["create"],"after":{"k":["-(sensitive value)-",1.1]},"before":null}},"plan_format_version":"after","resource_changes":[{"address":"t.a","n":1.10}]}"#,
        );
        assert_eq!(mask.redacted(b"{}"), None);
    }
}
