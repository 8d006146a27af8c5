//! Outputs of a workspace as a plan knows them: a value of which parts may be unknown until the plan is applied, with
//! Terraform's types.
//!
//! Absent: reading them from a plan and writing them as JSON (the executor), writing them as code (configuration).

use std::collections::{BTreeMap, BTreeSet};

/// The outputs of one workspace, by name. An output that the plan removes is not there.
pub type PlannedOutputs = BTreeMap<String, PlannedOutput>;

/// One output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedOutput {
    /// What the plan knows of its value.
    pub value: PlannedValue,
    /// The code declares it sensitive: its value is never shown.
    pub sensitive: bool,
    /// Its type, where the plan tells: it says what an empty list holds and what a null would be.
    pub ty: Option<Type>,
}

/// A value, known as far as the plan knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlannedValue {
    /// Known after apply.
    Unknown(Unknown),
    /// `null`.
    Null,
    /// A bool.
    Bool(bool),
    /// A number, as decimal text (`1.50`, `1e3`): it may have more digits than a float holds.
    Number(String),
    /// A string.
    Text(String),
    /// A list: its elements are of one type.
    List(Vec<PlannedValue>),
    /// A set: its elements are of one type, their order means nothing.
    Set(Vec<PlannedValue>),
    /// A tuple: each element has a type of its own.
    Tuple(Vec<PlannedValue>),
    /// A map: its elements are of one type.
    Map(BTreeMap<String, PlannedValue>),
    /// An object: each attribute has a type of its own.
    Object(BTreeMap<String, PlannedValue>),
}

/// What is known of a value that is known after apply.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unknown {
    /// Its type; [`Type::Dynamic`] where that is not known either.
    pub ty: Type,
    /// It will not be null.
    pub not_null: bool,
    /// How the string will begin; empty where that is not known.
    pub prefix: String,
}

/// A type of Terraform's language.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Type {
    /// Not known before the value is.
    #[default]
    Dynamic,
    /// `bool`.
    Bool,
    /// `number`.
    Number,
    /// `string`.
    String,
    /// `list(...)`.
    List(Box<Type>),
    /// `set(...)`.
    Set(Box<Type>),
    /// `map(...)`.
    Map(Box<Type>),
    /// `tuple([...])`.
    Tuple(Vec<Type>),
    /// `object({...})`.
    Object(BTreeMap<String, Type>),
}

impl PlannedOutput {
    /// Whether any part of it is known after apply only.
    #[must_use]
    pub fn has_unknown(&self) -> bool {
        self.value.has_unknown()
    }

    /// A text that is the same for two outputs only when they are; a part that is known after apply is `?`. It is not for
    /// people, and has the values of secrets in it.
    #[must_use]
    pub fn canonical(&self) -> String {
        crate::plan::canonical::output(self)
    }
}

/// A value on one line, as Terraform writes it: `(known after apply)`, `"text"`, `[1, 2]`, `{ a = true }`.
impl std::fmt::Display for PlannedValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PlannedValue::Unknown(_) => f.write_str("(known after apply)"),
            PlannedValue::Null => f.write_str("null"),
            PlannedValue::Bool(it) => write!(f, "{it}"),
            PlannedValue::Number(it) => f.write_str(it),
            PlannedValue::Text(it) => write!(f, "{it:?}"),
            PlannedValue::List(items) | PlannedValue::Set(items) | PlannedValue::Tuple(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            PlannedValue::Map(entries) | PlannedValue::Object(entries) if entries.is_empty() => f.write_str("{}"),
            PlannedValue::Map(entries) | PlannedValue::Object(entries) => {
                for (at, (key, entry)) in entries.iter().enumerate() {
                    write!(f, "{}{key} = {entry}", if at == 0 { "{ " } else { ", " })?;
                }
                f.write_str(" }")
            }
        }
    }
}

impl PlannedValue {
    /// A value of which nothing is known.
    #[must_use]
    pub fn unknown() -> Self {
        PlannedValue::Unknown(Unknown::default())
    }

    /// Adds every text in it.
    fn texts(&self, texts: &mut BTreeSet<String>) {
        match self {
            PlannedValue::Text(text) => _ = texts.insert(text.clone()),
            PlannedValue::List(items) | PlannedValue::Set(items) | PlannedValue::Tuple(items) => {
                items.iter().for_each(|item| item.texts(texts));
            }
            PlannedValue::Map(entries) | PlannedValue::Object(entries) => {
                entries.values().for_each(|entry| entry.texts(texts));
            }
            PlannedValue::Unknown(_) | PlannedValue::Null | PlannedValue::Bool(_) | PlannedValue::Number(_) => {}
        }
    }

    /// Whether it or any part of it is known after apply only.
    #[must_use]
    pub fn has_unknown(&self) -> bool {
        match self {
            PlannedValue::Unknown(_) => true,
            PlannedValue::List(items) | PlannedValue::Set(items) | PlannedValue::Tuple(items) => {
                items.iter().any(PlannedValue::has_unknown)
            }
            PlannedValue::Map(entries) | PlannedValue::Object(entries) => {
                entries.values().any(PlannedValue::has_unknown)
            }
            PlannedValue::Null | PlannedValue::Bool(_) | PlannedValue::Number(_) | PlannedValue::Text(_) => false,
        }
    }
}

/// Names of the outputs of which a part is known after apply only, in order.
pub fn unknown_outputs(outputs: &PlannedOutputs) -> impl Iterator<Item = &str> {
    outputs.iter().filter(|(_, output)| output.has_unknown()).map(|(name, _)| name.as_str())
}

/// A shorter text is in too much that has nothing to do with it, and is no secret.
const SHORTEST: usize = 4;
/// Words of JSON and of Terraform's language, which say nothing.
const WORDS: [&str; 3] = ["true", "false", "null"];

/// Whether a text says so much that it is to be hidden where it appears, once it is known to be a secret somewhere.
#[must_use]
pub fn can_be_secret(text: &str) -> bool {
    text.chars().count() >= SHORTEST && !WORDS.contains(&text)
}

/// The texts in the values of sensitive outputs that can be secrets. Terraform does not mark them where
/// `terraform_remote_state` reads them, so that they are known by their text alone.
#[must_use]
pub fn secret_texts(outputs: &PlannedOutputs) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    outputs.values().filter(|output| output.sensitive).for_each(|output| output.value.texts(&mut texts));
    texts.retain(|text| can_be_secret(text));
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_with_an_unknown_part_is_unknown_in_part() {
        let known = PlannedValue::Object(BTreeMap::from([("n".to_owned(), PlannedValue::Null)]));
        let part = PlannedValue::List(vec![PlannedValue::Bool(true), PlannedValue::unknown()]);
        let output = |value| PlannedOutput { value, sensitive: false, ty: None };
        let outputs = PlannedOutputs::from([
            ("a".to_owned(), output(known)),
            ("b".to_owned(), output(PlannedValue::Map(BTreeMap::from([("k".to_owned(), part)])))),
            ("c".to_owned(), output(PlannedValue::unknown())),
        ]);
        assert_eq!(unknown_outputs(&outputs).collect::<Vec<_>>(), ["b", "c"]);
    }

    #[test]
    fn a_value_is_written_on_one_line_as_terraform_writes_it() {
        let text = |text: &str| PlannedValue::Text(text.to_owned());
        let list =
            PlannedValue::List(vec![PlannedValue::Number("1.50".into()), text("a \"b\"\n"), PlannedValue::unknown()]);
        let map = BTreeMap::from([("a".to_owned(), PlannedValue::Bool(true)), ("b".to_owned(), list)]);
        assert_eq!(
            PlannedValue::Object(map).to_string(),
            r#"{ a = true, b = [1.50, "a \"b\"\n", (known after apply)] }"#
        );
        assert_eq!(PlannedValue::Map(BTreeMap::new()).to_string(), "{}");
        assert_eq!(PlannedValue::Tuple(vec![PlannedValue::Null]).to_string(), "[null]");
    }
}
