//! `meta.pagination` and the links that go with it.

use serde::{Deserialize, Serialize};

use super::Links;

/// Which page of a list this is. Pages count from 1; an empty list has one page, which is empty.
///
/// Clients stop when `current-page` reaches `total-pages` or `next-page` is null, so both must be right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Pagination {
    /// Number of this page, from 1.
    pub current_page: u64,
    /// Most items on a page.
    pub page_size: u64,
    /// The page before, explicit null on the first.
    pub prev_page: Option<u64>,
    /// The page after, explicit null on the last.
    pub next_page: Option<u64>,
    /// How many pages there are; left out only where a list is not counted (the runs of an organization).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_pages: Option<u64>,
    /// How many items there are in all; left out only where a list is not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_count: Option<u64>,
}

impl Pagination {
    /// The page of the given number (from 1) and size (at least 1) of a list of `total` items.
    pub fn of(number: u64, size: u64, total: u64) -> Self {
        let size = size.max(1);
        let pages = total.div_ceil(size).max(1);
        Self {
            current_page: number,
            page_size: size,
            prev_page: (number > 1).then(|| number - 1),
            next_page: (number < pages).then(|| number + 1),
            total_pages: Some(pages),
            total_count: Some(total),
        }
    }

    /// A page of a list that nobody counts; `more` says whether another page follows.
    pub fn uncounted(number: u64, size: u64, more: bool) -> Self {
        Self {
            current_page: number,
            page_size: size.max(1),
            prev_page: (number > 1).then(|| number - 1),
            next_page: more.then_some(number + 1),
            total_pages: None,
            total_count: None,
        }
    }

    /// `self`, `first`, `prev`, `next` and, where the list is counted, `last`. `url` gives the address of a page.
    pub fn links(&self, url: impl Fn(u64) -> String) -> Links {
        let mut links = Links::to_self(url(self.current_page)).and("first", url(1));
        for (name, page) in [("prev", self.prev_page), ("next", self.next_page)] {
            links = match page {
                Some(page) => links.and(name, url(page)),
                None => links.and_null(name),
            };
        }
        match self.total_pages {
            Some(pages) => links.and("last", url(pages)),
            None => links,
        }
    }
}
