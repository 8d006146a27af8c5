//! [`Frame`]: what stands around every page.

use super::assets;

/// What stands around a page: its title, where it is, and who looks at it.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// Title of the page.
    pub title: String,
    /// Who is signed in; nobody on a page that is there for all.
    pub who: Option<String>,
    /// What every form of the page carries.
    pub form_token: String,
    /// The pages above this one, from the outermost in: their names and addresses.
    pub trail: Vec<(String, String)>,
    /// The lists of the organization that the page is in: names, addresses, and whether the page is of that list.
    pub lists: Vec<(&'static str, String, bool)>,
}

impl Frame {
    /// Says in which organization the page is, and in which of its lists (`workspaces`, `stacks`, `runs`, `plans`, `queue`,
    /// `settings`).
    #[must_use]
    pub fn within(mut self, organization: &str, list: &str) -> Self {
        let all = [
            ("Workspaces", "workspaces"),
            ("Stacks", "stacks"),
            ("Runs", "runs"),
            ("Plans", "plans"),
            ("Queue", "queue"),
            ("Settings", "settings"),
        ];
        let address = |word: &str| format!("/app/{organization}/{word}");
        self.lists = all.map(|(name, word)| (name, address(word), word == list)).to_vec();
        self.below(organization, address("workspaces"))
    }

    /// Names a page above this one.
    #[must_use]
    pub fn below(mut self, name: &str, address: impl Into<String>) -> Self {
        self.trail.push((name.to_owned(), address.into()));
        self
    }

    /// Address of the script.
    pub fn script(&self) -> &'static str {
        &assets::SCRIPT.path
    }

    /// Address of the script that adds buttons which copy.
    pub fn copy(&self) -> &'static str {
        &assets::COPY.path
    }

    /// Address of the style sheet.
    pub fn style(&self) -> &'static str {
        &assets::STYLE.path
    }
}
