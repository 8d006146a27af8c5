//! What the entries of an archive make together: whether one is in the way of another, and where links lead once all are there.
//!
//! Absent: the disk. The folder that is unpacked into is empty, so the archive alone decides.

use std::collections::{BTreeMap, VecDeque};

use domain::problem::Problem;

use super::entries::{Entry, Kind};
use super::{Contents, Limits, not_safe, too_large};

/// As many links as Linux follows before it gives up.
const MAX_LINKS_FOLLOWED: usize = 40;
/// Steps along all links of an archive together. Fifty thousand links that lead through two folders each stay below; links that are made
/// to wind do not.
const MAX_STEPS: u64 = 300_000;

enum Node {
    Folder,
    File { size: u64 },
    Link { target: String },
}

/// Everything an archive makes, by path.
pub(super) struct Layout<'a> {
    nodes: BTreeMap<String, Node>,
    contents: Contents,
    /// Bytes of all paths and targets of links, which are kept in memory.
    names: u64,
    limits: &'a Limits,
}

impl<'a> Layout<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self { nodes: BTreeMap::new(), contents: Contents::default(), names: 0, limits }
    }

    /// Adds an entry; refused when something is in its way. A folder may come twice.
    pub(super) fn add(&mut self, entry: &Entry) -> Result<(), Problem> {
        let shown = entry.shown();
        self.add_parents(entry, &shown)?;
        if entry.path.is_empty() {
            return Ok(());
        }
        let node = match &entry.kind {
            Kind::Folder => Node::Folder,
            Kind::File => Node::File { size: entry.size },
            Kind::Link { target } => Node::Link { target: target.clone() },
            Kind::Copy { of } => match self.nodes.get(&of.join("/")) {
                Some(Node::File { size }) => Node::File { size: *size },
                _ => return Err(not_safe(&shown, "a hard link to something that is not a file before it")),
            },
        };
        match (self.nodes.get(&shown), &node) {
            (None, _) => {}
            (Some(Node::Folder), Node::Folder) => return Ok(()),
            (Some(_), _) => return Err(not_safe(&shown, "and that more than once")),
        }
        match &node {
            Node::Folder => {}
            Node::File { size } => self.count(*size)?,
            Node::Link { target } => {
                self.count(0)?;
                self.count_name(target.len())?;
            }
        }
        self.insert(shown, node)
    }

    /// Folders that no entry names are made all the same, so they count as much as those that have one.
    fn add_parents(&mut self, entry: &Entry, shown: &str) -> Result<(), Problem> {
        for length in 1..entry.path.len() {
            let parent = entry.path[..length].join("/");
            match self.nodes.get(&parent) {
                Some(Node::Folder) => {}
                Some(Node::File { .. }) => return Err(not_safe(shown, "which is inside a file")),
                Some(Node::Link { .. }) => return Err(not_safe(shown, "which is inside a link")),
                None => self.insert(parent, Node::Folder)?,
            }
        }
        Ok(())
    }

    fn insert(&mut self, path: String, node: Node) -> Result<(), Problem> {
        self.count_name(path.len())?;
        self.nodes.insert(path, node);
        if self.nodes.len() as u64 > self.limits.entries {
            return Err(too_large(format!("The archive makes more than {} files and folders.", self.limits.entries)));
        }
        Ok(())
    }

    fn count_name(&mut self, bytes: usize) -> Result<(), Problem> {
        self.names = self.names.saturating_add(bytes as u64);
        if self.names > self.limits.names_bytes {
            let megabytes = self.limits.names_bytes / 1024 / 1024;
            return Err(too_large(format!("The paths in the archive alone are more than {megabytes} MB.")));
        }
        Ok(())
    }

    fn count(&mut self, size: u64) -> Result<(), Problem> {
        self.contents.files += 1;
        self.contents.bytes = self.contents.bytes.saturating_add(size);
        if self.contents.bytes > self.limits.bytes {
            let megabytes = self.limits.bytes / 1024 / 1024;
            return Err(too_large(format!("The archive holds more than {megabytes} MB.")));
        }
        Ok(())
    }

    /// Follows every link, through other links too; refused when one leads outside at any step.
    pub(super) fn check_links(&self) -> Result<Contents, Problem> {
        let mut steps = 0;
        for (path, node) in &self.nodes {
            if let Node::Link { target } = node {
                self.follow(path, target, &mut steps)?;
            }
        }
        Ok(self.contents)
    }

    fn follow(&self, path: &str, target: &str, steps: &mut u64) -> Result<(), Problem> {
        let mut at: Vec<&str> = path.split('/').collect();
        at.pop();
        let mut ahead: VecDeque<&str> = target.split('/').collect();
        let mut followed = 0;
        while let Some(name) = ahead.pop_front() {
            *steps += 1;
            if *steps > MAX_STEPS {
                return Err(too_large(format!("The links in the archive lead through more than {MAX_STEPS} folders.")));
            }
            match name {
                "" | "." => continue,
                ".." => {
                    at.pop().ok_or_else(|| not_safe(path, "a link that leads out of its folder"))?;
                    continue;
                }
                name => at.push(name),
            }
            // Nothing of the archive is deeper than its limit, so nothing needs to be looked up there.
            if at.len() > self.limits.depth {
                continue;
            }
            if let Some(Node::Link { target }) = self.nodes.get(&at.join("/")) {
                followed += 1;
                if followed > MAX_LINKS_FOLLOWED {
                    return Err(not_safe(path, "a link that leads in a circle"));
                }
                at.pop();
                for name in target.split('/').rev() {
                    ahead.push_front(name);
                }
            }
        }
        Ok(())
    }
}
