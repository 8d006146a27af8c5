//! [`Part`]: what of a list is on a page. [`Pages`]: the way from there to the others.

use askama::Template;

/// What of a list is on one of its pages.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    number: usize,
    /// How many things come before it.
    pub offset: usize,
    /// Most things on a page.
    pub size: usize,
}

impl Part {
    /// The page that was asked for, from 1, of a list with `size` things to a page; the first when none was.
    pub fn of(page: Option<usize>, size: usize) -> Self {
        let number = page.unwrap_or(1).max(1);
        Self { number, offset: (number - 1).saturating_mul(size), size }
    }
}

/// Where one is in a list that has several pages.
#[derive(Debug, Clone, Template)]
#[template(path = "edge/pages/paging.html")]
pub struct Pages {
    /// Address of the list, to which the page is added.
    address: String,
    number: usize,
    last: usize,
}

impl Pages {
    /// From this part of a list of `total` things.
    pub fn new(address: String, part: Part, total: usize) -> Self {
        Self { address, number: part.number, last: total.div_ceil(part.size.max(1)).max(1) }
    }
}
