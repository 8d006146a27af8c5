//! Takes the secrets that a run was given out of everything that terraform says, where it enters: logs, errors, the redacted plan.
//!
//! Known are the values that somebody called sensitive, the tokens of the run, and sensitive outputs that it reads; each is
//! looked for as it is, line by line, escaped as JSON and HCL do it, percent-encoded, and in base64 wherever it begins there. What is
//! shorter than six bytes is no secret that could be told from other text. Absent: values that a program changes in other
//! ways (reversed, hexadecimal, compressed). Whoever may plan can print those; see `docs/security.md`.

mod forms;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, Input, MatchKind};
use bytes::Bytes;
use domain::planned::secret_texts;
use serde_json::Value;

use crate::folder::{Folder, remove, write_private};
use crate::planned::outputs_of_state;
use crate::work::{Answer, Failure, FailureKind, Recovery, Work};

/// What stands in place of a secret.
pub(crate) const HIDDEN: &str = "(sensitive value)";
/// The shortest secret, in bytes.
const SHORTEST: usize = 6;

/// The secrets of a run. Its clones share them.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Option<Arc<Known>>);

struct Known {
    values: BTreeSet<String>,
    /// Every form of every secret, sorted.
    forms: Vec<Vec<u8>>,
    longest: usize,
    search: AhoCorasick,
}

impl Secrets {
    /// What the work was given.
    pub(crate) fn of(work: &Work) -> Self {
        Self::new(values(work))
    }

    /// These and one more.
    pub(crate) fn and(&self, secret: &str) -> Self {
        let mut values = self.0.as_ref().map(|known| known.values.clone()).unwrap_or_default();
        values.insert(secret.to_owned());
        Self::new(values)
    }

    /// Writes them down for [`Secrets::kept`]: the folder has them in other files anyway, and no run sees this one. No file where there are none.
    pub(crate) fn keep(&self, folder: &Folder) -> io::Result<()> {
        match &self.0 {
            Some(known) => write_private(&folder.secrets(), &serde_json::to_vec(&known.values)?),
            None => remove(&folder.secrets()),
        }
    }

    /// What [`Secrets::keep`] wrote.
    ///
    /// # Errors
    /// When it is there and cannot be read: nothing is shown then.
    pub(crate) fn kept(folder: &Folder) -> io::Result<Self> {
        match std::fs::read(folder.secrets()) {
            Ok(text) => Ok(Self::new(serde_json::from_slice(&text)?)),
            // There are none.
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(problem) => Err(problem),
        }
    }

    fn new(values: BTreeSet<String>) -> Self {
        let mut forms: Vec<Vec<u8>> = values.iter().flat_map(|value| forms::of(value)).collect();
        forms.retain(|form| form.len() >= SHORTEST);
        forms.sort();
        forms.dedup();
        let Some(longest) = forms.iter().map(Vec::len).max() else { return Self::default() };
        match AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&forms) {
            Ok(search) => Self(Some(Arc::new(Known { values, forms, longest, search }))),
            Err(problem) => {
                // Only with gigabytes of secrets.
                tracing::error!(%problem, "the secrets of a run are too many to be looked for");
                Self::default()
            }
        }
    }

    /// A text without them.
    pub(crate) fn text(&self, text: &str) -> String {
        match &self.0 {
            Some(known) if known.search.is_match(text) => {
                let mut out = Vec::with_capacity(text.len());
                let mut stream = self.stream();
                stream.push(text.as_bytes(), &mut out);
                stream.finish(&mut out);
                String::from_utf8_lossy(&out).into_owned()
            }
            _ => text.to_owned(),
        }
    }

    /// A document of JSON without them, in texts, names, and numbers that are one.
    pub(crate) fn json(&self, json: Bytes) -> Result<Bytes, serde_json::Error> {
        let Some(known) = &self.0 else { return Ok(json) };
        if !known.search.is_match(&json) {
            return Ok(json);
        }
        let mut document: Value = serde_json::from_slice(&json)?;
        self.value(&mut document);
        serde_json::to_vec(&document).map(Bytes::from)
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Number(number) => {
                let text = number.to_string();
                if self.text(&text) != text {
                    *value = Value::String(HIDDEN.to_owned());
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(entries) => {
                let old = std::mem::take(entries);
                entries.extend(old.into_iter().map(|(key, mut entry)| {
                    self.value(&mut entry);
                    (self.text(&key), entry)
                }));
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// A failure that says nothing of them: terraform's own words are among its.
    pub(crate) fn failure(&self, mut failure: Failure) -> Failure {
        failure.message = self.text(&failure.message);
        if let FailureKind::Deferred(deferred) = &mut failure.kind {
            deferred.reason = self.text(&deferred.reason);
        }
        failure.recovery = self.recovery(failure.recovery);
        failure
    }

    /// What is left to do by hand, for somebody to read. The state stays as it is.
    pub(crate) fn recovery(&self, mut recovery: Recovery) -> Recovery {
        for unsaved in &mut recovery.unsaved {
            unsaved.id_value = self.text(&unsaved.id_value);
        }
        recovery
    }

    /// For a text that comes in pieces.
    pub(crate) fn stream(&self) -> Stream {
        Stream { secrets: self.clone(), held: Vec::new() }
    }
}

/// A text that comes in pieces, of which as much is held back as may be the beginning of a secret.
pub(crate) struct Stream {
    secrets: Secrets,
    held: Vec<u8>,
}

impl Stream {
    /// Takes the next bytes, adds what can be passed on to `out`.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let Some(known) = self.secrets.0.clone() else { return out.extend_from_slice(bytes) };
        self.held.extend_from_slice(bytes);
        let (mut passed, mut until) = (0, known.beginning(&self.held, 0));
        loop {
            let next = known.replace(&self.held, passed, until, out);
            if next <= until {
                passed = next;
                break;
            }
            // A secret reaches into what was to be held back: what is behind it is looked at anew.
            (passed, until) = (next, known.beginning(&self.held, next));
        }
        out.extend_from_slice(&self.held[passed..until]);
        self.held.drain(..until);
    }

    /// There is no more: what was held back was the beginning of nothing.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        match &self.secrets.0 {
            Some(known) => {
                let passed = known.replace(&held, 0, held.len(), out);
                out.extend_from_slice(&held[passed..]);
            }
            None => out.extend_from_slice(&held),
        }
    }
}

impl Known {
    /// Passes on what is before each secret that begins at `from` or later and before `until`, and the mark for it; says where the last
    /// one ended.
    fn replace(&self, bytes: &[u8], from: usize, until: usize, out: &mut Vec<u8>) -> usize {
        let mut passed = from;
        let secrets = self.search.find_iter(Input::new(bytes).range(from..));
        for found in secrets.take_while(|found| found.start() < until) {
            out.extend_from_slice(&bytes[passed..found.start()]);
            out.extend_from_slice(HIDDEN.as_bytes());
            passed = found.end();
        }
        passed
    }

    /// Where the longest end of `bytes` begins, at `from` or later, that is the beginning of a secret and not all of it.
    fn beginning(&self, bytes: &[u8], from: usize) -> usize {
        let earliest = bytes.len().saturating_sub(self.longest - 1).max(from);
        (earliest..bytes.len()).find(|&at| self.begins(&bytes[at..])).unwrap_or(bytes.len())
    }

    fn begins(&self, end: &[u8]) -> bool {
        let at = self.forms.partition_point(|form| form.as_slice() <= end);
        self.forms.get(at).is_some_and(|form| form.starts_with(end))
    }
}

/// All that is secret in a work, as it is.
fn values(work: &Work) -> BTreeSet<String> {
    let mut values: BTreeSet<String> = work.secrets.iter().cloned().collect();
    for variable in work.variables.iter().filter(|variable| variable.sensitive) {
        if variable.hcl {
            values.extend(forms::texts_of_hcl(&variable.value));
        }
        values.insert(variable.value.clone());
    }
    for upstream in &work.upstream_outputs {
        match &upstream.answer {
            Answer::Planned(outputs) => values.extend(secret_texts(outputs)),
            Answer::State(state) => values.extend(secret_texts(&outputs_of_state(state).unwrap_or_default())),
        }
    }
    values.extend(secret_texts(&work.planned_variables));
    values.retain(|value| value.len() >= SHORTEST);
    values
}

#[cfg(test)]
mod tests;
