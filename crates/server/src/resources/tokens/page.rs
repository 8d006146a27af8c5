//! Pages of tokens: those of the user who looks ([`own`]), and those of an organization and its teams ([`organization`]). A
//! secret stands on the page that answers, once, and on no other.

mod organization;
mod own;

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use domain::Problem;
use serde::Deserialize;

use super::Token;
use crate::app::App;
use crate::edge::pages::{Frame, page};
use crate::edge::{Reply, Routes};
use crate::resources::runs::Moment;

/// Pages of this room.
pub fn pages() -> Routes {
    const OWN: &str = "/app/settings/tokens";
    const ORGANIZATION: &str = "/app/{organization}/settings/tokens";
    Routes::default()
        .get_at_root(OWN, own::show)
        .post_at_root(&format!("{OWN}/make"), own::make)
        .get_at_root(&format!("{OWN}/{{token}}/revoke"), own::ask_to_revoke)
        .post_at_root(&format!("{OWN}/{{token}}/revoke"), own::revoke)
        .get_at_root(ORGANIZATION, organization::show)
        .post_at_root(&format!("{ORGANIZATION}/make"), organization::make)
        .get_at_root(&format!("{ORGANIZATION}/{{token}}/revoke"), organization::ask_to_revoke)
        .post_at_root(&format!("{ORGANIZATION}/{{token}}/revoke"), organization::revoke)
}

/// What is typed to make a token.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Wanted {
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// After how many days it expires; empty for never.
    #[serde(default)]
    pub days: String,
}

impl Wanted {
    /// When it is to expire.
    ///
    /// # Errors
    /// `token/days`.
    pub fn end(&self, app: &App) -> Result<Option<DateTime<Utc>>, Problem> {
        let days = self.days.trim();
        if days.is_empty() {
            return Ok(None);
        }
        let days = days.parse().ok().filter(|days| (1..=3650).contains(days)).ok_or_else(|| {
            Problem::invalid("token/days", "A token lives for 1 to 3650 days, or until it is revoked.")
                .advice("Give a number of days, or leave it empty.")
        })?;
        Ok(Some(app.ports.now() + TimeDelta::days(days)))
    }
}

/// The page that has the secret of a token that was just made.
#[derive(Template)]
#[template(path = "resources/tokens/page/made.html")]
pub struct Made {
    /// What stands around it.
    pub frame: Frame,
    /// Whose it is, in words.
    pub whose: String,
    /// The secret.
    pub secret: String,
    /// The page to go back to.
    pub back: String,
}

impl Made {
    /// The page.
    pub fn page(&self) -> Reply {
        page(self)
    }
}

/// A token in a list.
pub struct Row {
    /// What it is for.
    pub description: String,
    /// When it was made.
    pub made: Moment,
    /// When it was last used, to within some minutes.
    pub used: Option<Moment>,
    /// When it expires.
    pub expires: Option<Moment>,
    /// It has.
    pub is_over: bool,
    /// Where it is taken back.
    pub revoke: String,
}

impl Row {
    /// The row of a token, below the address of its list.
    pub fn of(app: &App, token: Token, list: &str) -> Self {
        Self {
            revoke: format!("{list}/{}/revoke", token.id),
            description: token.description,
            made: Moment(token.created_at),
            used: token.last_used_at.map(Moment),
            is_over: token.expires_at.is_some_and(|end| end <= app.ports.now()),
            expires: token.expires_at.map(Moment),
        }
    }
}
