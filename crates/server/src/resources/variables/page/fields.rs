//! A variable as a row and as a form; variable sets have the same.

use askama::Template;
use serde::Deserialize;

use super::super::owned::{Settings, Shown};
use crate::edge::pages::lines;

/// Most characters of a value in a list.
const LONG: usize = 400;

/// One variable in a list.
pub struct Row {
    /// Name.
    pub key: String,
    /// Its value; `None` when it is sensitive.
    pub value: Option<String>,
    /// What it is for.
    pub description: String,
    /// In a word or two.
    pub kind: &'static str,
    /// Where it is changed.
    pub address: Option<String>,
    /// What else there is to know.
    pub note: Option<&'static str>,
}

impl Row {
    /// The row of a variable.
    pub fn of(Shown { variable, value }: Shown, address: Option<String>, note: Option<&'static str>) -> Self {
        let value = value.filter(|_| !variable.sensitive).map(|value| match value.char_indices().nth(LONG) {
            Some((end, _)) => format!("{}...", &value[..end]),
            None => value,
        });
        let kind = match (variable.category.as_str(), variable.hcl) {
            ("env", _) => "environment",
            (_, true) => "terraform, HCL",
            (_, false) => "terraform",
        };
        Self { key: variable.key, value, description: variable.description, kind, address, note }
    }
}

/// What is typed into the form of a variable. A box that is not ticked is not sent.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Typed {
    /// Name.
    #[serde(default)]
    pub key: String,
    /// Value.
    #[serde(default)]
    pub value: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// `terraform` or `env`.
    #[serde(default)]
    pub category: String,
    /// The value is an expression.
    pub hcl: Option<String>,
    /// The value is never shown again.
    pub sensitive: Option<String>,
}

impl Typed {
    /// All of it, for a new variable.
    pub fn settings(&self) -> Settings {
        Settings {
            key: Some(self.key.trim().to_owned()),
            value: Some(lines(&self.value)),
            description: Some(lines(&self.description)),
            category: Some(self.category.clone()),
            hcl: Some(self.hcl.is_some()),
            sensitive: Some(self.sensitive.is_some()),
        }
    }

    /// What is different from before. A sensitive value that is left empty stays; so does one that differs in nothing but how
    /// its lines are broken.
    pub fn changes(&self, before: &Shown) -> Settings {
        let whole = self.settings();
        let same = match &before.value {
            Some(value) => whole.value.as_ref() == Some(&lines(value)),
            None => self.value.is_empty(),
        };
        Settings {
            key: whole.key.filter(|key| *key != before.variable.key),
            value: whole.value.filter(|_| !same),
            ..whole
        }
    }
}

/// The form of a variable.
#[derive(Template)]
#[template(path = "resources/variables/page/fields.html")]
pub struct Fields {
    /// What is typed in it.
    typed: Typed,
    /// The variable, unless it is a new one.
    id: Option<String>,
    /// It is sensitive, and stays so.
    is_hidden: bool,
    /// What is wrong.
    pub wrong: Option<String>,
    action: String,
    delete: Option<String>,
    back: String,
    form_token: String,
}

impl Fields {
    /// For a new variable.
    pub fn new() -> Self {
        Self::filled(Typed { category: "terraform".to_owned(), ..Typed::default() }, None, false, None)
    }

    /// With what a variable has.
    pub fn of(Shown { variable, value }: Shown) -> Self {
        let ticked = |is: bool| is.then(|| "yes".to_owned());
        let typed = Typed {
            key: variable.key,
            value: value.filter(|_| !variable.sensitive).unwrap_or_default(),
            description: variable.description,
            category: variable.category,
            hcl: ticked(variable.hcl),
            sensitive: ticked(variable.sensitive),
        };
        Self::filled(typed, Some(variable.id), variable.sensitive, None)
    }

    /// With what was typed, because something in it was wrong. A value that is to be hidden is not in the page.
    pub fn again(mut typed: Typed, before: Option<&Shown>, mut wrong: String) -> Self {
        let is_hidden = before.is_some_and(|before| before.variable.sensitive);
        if (is_hidden || typed.sensitive.is_some()) && !typed.value.is_empty() {
            typed.value.clear();
            wrong.push_str(" Type the sensitive value again: it is never in a page.");
        }
        Self::filled(typed, before.map(|before| before.variable.id.clone()), is_hidden, Some(wrong))
    }

    /// Says where it is sent, from the address below which its variable is, and which page is above it; returns its title as
    /// well.
    #[must_use]
    pub fn below(self, list: &str, back: &str, form_token: String) -> (String, Self) {
        let (title, action, delete) = match &self.id {
            Some(id) => {
                let title = format!("The variable {}", self.typed.key);
                (title, format!("{list}/{id}/change"), Some(format!("{list}/{id}/delete")))
            }
            None => ("A new variable".to_owned(), format!("{list}/add"), None),
        };
        (title, Self { action, delete, back: back.to_owned(), form_token, ..self })
    }

    fn filled(typed: Typed, id: Option<String>, is_hidden: bool, wrong: Option<String>) -> Self {
        let none = String::new;
        Self { typed, id, is_hidden, wrong, action: none(), delete: None, back: none(), form_token: none() }
    }
}
