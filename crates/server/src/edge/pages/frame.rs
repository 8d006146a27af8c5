//! [`Frame`]: what stands around every page.

use super::assets;

/// What stands around a page: its title, and who looks at it.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// Title of the page.
    pub title: String,
    /// Who is signed in; nobody on a page that is there for all.
    pub who: Option<String>,
    /// What every form of the page carries.
    pub form_token: String,
}

impl Frame {
    /// Address of the style sheet.
    pub fn style(&self) -> &'static str {
        &assets::STYLE.path
    }
}
