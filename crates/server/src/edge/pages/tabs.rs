//! [`Tabs`]: the way between pages that belong together.

use askama::Template;

/// Pages that belong together, as one navigation.
#[derive(Debug, Clone, Template)]
#[template(path = "edge/pages/tabs.html")]
pub struct Tabs {
    /// What the pages are of, for whoever does not see where it stands.
    label: &'static str,
    /// Name, address, and whether it is the page that is shown.
    items: Vec<(&'static str, String, bool)>,
}

impl Tabs {
    /// The pages in this order.
    pub fn new(label: &'static str, items: Vec<(&'static str, String, bool)>) -> Self {
        Self { label, items }
    }
}
