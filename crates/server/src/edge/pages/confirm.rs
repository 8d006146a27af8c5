//! [`Confirm`]: the page between a button and what cannot be taken back.

use askama::Template;
use domain::Problem;
use serde::Deserialize;

use super::{Frame, form};
use crate::edge::Reply;

/// Asks once more, and says what will happen. It is shown at the address to which its form is sent.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "edge/pages/confirm.html")]
pub struct Confirm {
    /// What stands around it.
    pub frame: Frame,
    /// The question.
    pub title: String,
    /// What will happen, a paragraph each.
    pub says: Vec<String>,
    /// Where the form is sent.
    pub action: String,
    /// What the button says.
    pub button: &'static str,
    /// The name that has to be typed, for what would be missed most.
    pub name: Option<String>,
    /// What may be asked for beside it, in words.
    pub also: Option<String>,
    /// The page to go back to.
    pub back: String,
    /// What was typed before.
    pub confirmed: Confirmed,
    /// What was wrong with it.
    pub wrong: Option<String>,
}

/// What a person sends who has been asked.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Confirmed {
    /// The name that was typed.
    #[serde(default)]
    pub name: String,
    /// What may be asked for beside it was asked for.
    pub also: Option<String>,
}

impl Confirm {
    /// The page.
    pub fn page(&self) -> Reply {
        form(self, self.wrong.as_ref())
    }
}

impl Confirmed {
    /// Refuses a name that is not the one that had to be typed.
    ///
    /// # Errors
    /// `access/confirm`.
    pub fn is_of(&self, name: &str) -> Result<(), Problem> {
        if self.name.trim() == name {
            return Ok(());
        }
        Err(Problem::invalid("access/confirm", "The name that was typed is another one, so nothing was done.")
            .advice(format!("Type \"{name}\".")))
    }
}
