//! [`Pages`]: the way from one page of a list to the others.

use askama::Template;

/// Where one is in a list that has several pages.
#[derive(Debug, Clone, Template)]
#[template(path = "edge/pages/paging.html")]
pub struct Pages {
    /// Address of the list with a query, to which the page is added.
    address: String,
    number: usize,
    last: usize,
}

impl Pages {
    /// The page `number` of a list of `total` things with `size` to a page.
    pub fn new(address: String, number: usize, size: usize, total: usize) -> Self {
        Self { address, number, last: total.div_ceil(size.max(1)).max(1) }
    }
}
