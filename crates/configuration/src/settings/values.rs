//! Values of the attributes of a settings file: literals of the right type, or an error at their place.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

use hcl_edit::Span;
use hcl_edit::expr::{Object, ObjectKey};
use hcl_edit::structure::{Attribute, Block};

use super::blocks::Reader;
use super::{Named, OutputReference, SETTINGS_FILE, reference};
use crate::diagnostic::Diagnostic;
use crate::value::Value;
use crate::{evaluate, names};

/// What a `variables` attribute says.
#[derive(Default)]
pub(super) struct Variables {
    pub(super) literals: BTreeMap<String, Value>,
    pub(super) references: BTreeMap<String, OutputReference>,
    /// Every name with its place.
    pub(super) named: Vec<Named>,
}

impl Reader<'_> {
    pub(super) fn value(&mut self, attribute: &Attribute) -> Option<Value> {
        match evaluate::literal(&attribute.value) {
            Ok(value) => Some(value),
            Err(unknown) => {
                self.not_literal(attribute.key.as_str(), &unknown.0, attribute.value.span());
                None
            }
        }
    }

    fn not_literal(&mut self, name: &str, why: &str, span: Option<Range<usize>>) {
        let message = format!("The value of {name:?} is not a literal: {why}.");
        self.error("configuration/not-literal", message, span).advice = format!(
            "{SETTINGS_FILE} has no variables or functions; write the value itself, or for a variable \
             `workspace.NAME.outputs.OUTPUT`."
        );
    }

    pub(super) fn wrong_type(&mut self, attribute: &Attribute, expected: &str, found: &Value) {
        let message = format!("{:?} must be {expected}, and this is {}.", attribute.key.as_str(), found.kind());
        self.error("configuration/wrong-type", message, attribute.value.span());
    }

    pub(super) fn text_of(&mut self, attribute: &Attribute) -> Option<String> {
        match self.value(attribute)? {
            Value::String(text) if text.trim().is_empty() => {
                let message = format!("{:?} is empty.", attribute.key.as_str());
                self.error("configuration/empty", message, attribute.value.span()).advice =
                    "Give it a value or remove it.".to_owned();
                None
            }
            Value::String(text) => Some(text),
            other => {
                self.wrong_type(attribute, "a string", &other);
                None
            }
        }
    }

    pub(super) fn flag(&mut self, attribute: &Attribute) -> Option<bool> {
        match self.value(attribute)? {
            Value::Bool(value) => Some(value),
            other => {
                self.wrong_type(attribute, "a bool (true or false)", &other);
                None
            }
        }
    }

    pub(super) fn whole<T: TryFrom<u64>>(&mut self, attribute: &Attribute, range: RangeInclusive<u64>) -> Option<T> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        match self.value(attribute)? {
            Value::Number(text) => {
                let number = text.parse::<u64>().ok().filter(|number| range.contains(number));
                if number.is_none() {
                    let message = format!("{:?} must be {expected}, and this is {text}.", attribute.key.as_str());
                    self.error("configuration/out-of-range", message, attribute.value.span());
                }
                number.and_then(|number| T::try_from(number).ok())
            }
            other => {
                self.wrong_type(attribute, &expected, &other);
                None
            }
        }
    }

    /// A list of names of workspaces, each once.
    pub(super) fn workspaces(&mut self, attribute: &Attribute) -> Vec<Named> {
        let expected = "a list of workspace names (strings)";
        let Some(value) = self.value(attribute) else { return Vec::new() };
        let (Value::List(items), Some(array)) = (&value, attribute.value.as_array()) else {
            self.wrong_type(attribute, expected, &value);
            return Vec::new();
        };
        let mut named: Vec<Named> = Vec::new();
        for (item, expression) in items.iter().zip(array.iter()) {
            let span = expression.span();
            match item.as_str() {
                Some(name) if named.iter().any(|other| other.name == name) => {}
                Some(name) => named.push(Named { name: name.to_owned(), span }),
                None => {
                    let message = format!(
                        "{:?} must be {expected}, and this element is {}.",
                        attribute.key.as_str(),
                        item.kind()
                    );
                    self.error("configuration/wrong-type", message, span);
                }
            }
        }
        named
    }

    /// Values of variables: literals, and outputs of other workspaces.
    pub(super) fn variables(&mut self, attribute: &Attribute) -> Variables {
        let mut read = Variables::default();
        let references: Vec<_> = attribute.value.as_object().map(|object| self.references(object)).unwrap_or_default();
        if references.is_empty() {
            match self.value(attribute) {
                Some(Value::Object(entries)) => {
                    read.named = self.keys(attribute);
                    read.literals = entries;
                }
                Some(other) => self.wrong_type(attribute, "a map of variable names to values", &other),
                None => {}
            }
            return read;
        }
        read.named = self.keys(attribute);
        read.references.extend(references);
        for (key, value) in attribute.value.as_object().into_iter().flat_map(|object| object.iter()) {
            let Some(name) = key_name(key).filter(|name| !read.references.contains_key(name)) else { continue };
            match evaluate::literal(value.expr()) {
                Ok(value) => _ = read.literals.insert(name, value),
                Err(unknown) => self.not_literal(&name, &unknown.0, value.expr().span()),
            }
        }
        read
    }

    fn references(&self, object: &Object) -> Vec<(String, OutputReference)> {
        let reference = |(key, value): (&ObjectKey, &hcl_edit::expr::ObjectValue)| {
            Some((key_name(key)?, reference::read(value.expr(), self.text)?))
        };
        object.iter().filter_map(reference).collect()
    }

    pub(super) fn environment(&mut self, attribute: &Attribute) -> BTreeMap<String, String> {
        let expected = "a map of environment variable names to strings";
        let entries = match self.value(attribute) {
            Some(Value::Object(entries)) => entries,
            Some(other) => {
                self.wrong_type(attribute, expected, &other);
                return BTreeMap::new();
            }
            None => return BTreeMap::new(),
        };
        let mut environment = BTreeMap::new();
        for Named { name, span } in self.keys(attribute) {
            let is_name = !name.is_empty() && !name.contains(['=', '\0']);
            match entries.get(&name) {
                Some(Value::String(text)) if is_name && !text.contains('\0') => {
                    environment.insert(name, text.clone());
                }
                Some(Value::String(_)) => {
                    let message = format!("{name:?} cannot be an environment variable.");
                    self.error("configuration/environment", message, span);
                }
                Some(other) => {
                    let message =
                        format!("\"environment\" must be {expected}, and the value of {name:?} is {}.", other.kind());
                    self.error("configuration/wrong-type", message, span).advice = "Put it in quotes.".to_owned();
                }
                None => {}
            }
        }
        environment
    }

    /// The keys of a literal map with their places.
    pub(super) fn keys(&self, attribute: &Attribute) -> Vec<Named> {
        let Some(object) = attribute.value.as_object() else { return Vec::new() };
        object.iter().filter_map(|(key, _)| Some(Named { name: key_name(key)?, span: key.span() })).collect()
    }

    pub(super) fn unknown_attribute(&mut self, attribute: &Attribute, known: &[&str]) {
        let name = attribute.key.as_str();
        let advice = names::advice(name, known.iter().copied());
        let span = attribute.key.span();
        self.error("configuration/unknown-attribute", format!("There is no attribute {name:?} here."), span).advice =
            advice;
    }

    pub(super) fn unknown_block(&mut self, block: &Block, known: &[&str]) {
        let name = block.ident.as_str();
        let advice = names::advice(name, known.iter().copied());
        let span = block.ident.span();
        self.error("configuration/unknown-block", format!("There is no block {name:?} here."), span).advice = advice;
    }

    /// Notes an error and hands it out, so that advice can be added.
    pub(super) fn error(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        span: Option<Range<usize>>,
    ) -> &mut Diagnostic {
        self.problems.push(self.text.diagnostic(code, message, span));
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }
}

fn key_name(key: &ObjectKey) -> Option<String> {
    match key {
        ObjectKey::Ident(name) => Some(name.as_str().to_owned()),
        ObjectKey::Expression(expression) => match expression.as_variable() {
            Some(name) => Some(name.as_str().to_owned()),
            None => evaluate::literal(expression).ok()?.to_template_text(),
        },
    }
}
