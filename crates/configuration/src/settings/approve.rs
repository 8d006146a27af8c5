//! `approve { ... }`: which plans are approved without asking. Absent: whether a plan is one of them.

use hcl_edit::structure::{Block, Structure};

use super::Named;
use super::blocks::Reader;

/// The highest `max_destroy`: more than any state has.
const MAX_DESTROY: u64 = 1_000_000;

/// Rules under which a plan is approved without asking; it must fit all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Approve {
    /// No resource is destroyed or replaced.
    pub no_destroy: bool,
    /// At most so many resources are destroyed or replaced.
    pub max_destroy: Option<u32>,
    /// Only plans of these workspaces; `None` for all. A workspace's own rules never have it.
    pub only: Option<Vec<String>>,
}

impl Reader<'_> {
    /// The rules of a block. `only` gets the names with their places; `None` where the attribute has no meaning.
    pub(super) fn approve(&mut self, block: &Block, mut only: Option<&mut Vec<Named>>) -> Approve {
        let mut approve = Approve::default();
        self.refuse_labels(block);
        for structure in block.body.iter() {
            let attribute = match structure {
                Structure::Attribute(attribute) => attribute,
                Structure::Block(inner) => {
                    self.unknown_block(inner, &[]);
                    continue;
                }
            };
            match (attribute.key.as_str(), &mut only) {
                ("no_destroy", _) => approve.no_destroy = self.flag(attribute).unwrap_or(true),
                ("max_destroy", _) => approve.max_destroy = self.whole(attribute, 0..=MAX_DESTROY),
                ("only", Some(only)) => {
                    **only = self.workspaces(attribute);
                    approve.only = Some(only.iter().map(|named| named.name.clone()).collect());
                }
                (_, Some(_)) => self.unknown_attribute(attribute, &["no_destroy", "max_destroy", "only"]),
                (_, None) => self.unknown_attribute(attribute, &["no_destroy", "max_destroy"]),
            }
        }
        approve
    }
}
