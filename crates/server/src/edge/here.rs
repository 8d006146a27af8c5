//! [`Here`]: the address that was asked for, from which absolute links and the links of pages are made.

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::http::request::Parts;
use serde::Serialize;
use wire::query::PageQuery;
use wire::{Document, Pagination};

use super::Failure;
use crate::app::App;

/// Where a request came to.
#[derive(Debug, Clone)]
pub struct Here {
    /// `http://host:port`, without a slash at its end.
    pub origin: String,
    path: String,
    query: String,
}

impl Here {
    /// The top of the server at `origin`.
    #[cfg(test)]
    pub(super) fn at(origin: &str) -> Self {
        Self { origin: origin.to_owned(), path: "/".to_owned(), query: String::new() }
    }

    /// One page of a list that is whole, with links to the others.
    pub fn page<T: Serialize>(&self, all: Vec<T>, page: &PageQuery) -> Document<Vec<T>> {
        let pagination = Pagination::of(page.number(), page.size(), all.len() as u64);
        let size = usize::try_from(page.size()).unwrap_or(usize::MAX);
        let offset = usize::try_from(page.offset()).unwrap_or(usize::MAX);
        let data = all.into_iter().skip(offset).take(size).collect();
        Document::page(data, pagination, |number| self.at_page(number, page.size()))
    }

    /// The items of one page, and what is told of it; for lists whose items become documents only once they are chosen.
    pub fn cut<T>(&self, all: Vec<T>, page: &PageQuery) -> (Vec<T>, Pagination) {
        let pagination = Pagination::of(page.number(), page.size(), all.len() as u64);
        let size = usize::try_from(page.size()).unwrap_or(usize::MAX);
        let offset = usize::try_from(page.offset()).unwrap_or(usize::MAX);
        (all.into_iter().skip(offset).take(size).collect(), pagination)
    }

    /// The document of a page that was cut before.
    pub fn paged<T>(&self, data: Vec<T>, pagination: Pagination) -> Document<Vec<T>> {
        Document::page(data, pagination, |number| self.at_page(number, pagination.page_size))
    }

    fn at_page(&self, number: u64, size: u64) -> String {
        let others = self.query.split('&').filter(|pair| !pair.is_empty() && !is_of_page(pair));
        let own = [format!("page%5Bnumber%5D={number}"), format!("page%5Bsize%5D={size}")];
        let query: Vec<_> = others.map(str::to_owned).chain(own).collect();
        format!("{}{}?{}", self.origin, self.path, query.join("&"))
    }
}

fn is_of_page(pair: &str) -> bool {
    let pair = pair.to_ascii_lowercase();
    pair.starts_with("page[") || pair.starts_with("page%5b")
}

impl FromRequestParts<App> for Here {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let asked = uri.authority().map(|authority| authority.to_string());
        Ok(Self {
            origin: app.setup.address.clone().unwrap_or_else(|| origin(&parts.headers, asked)),
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
        })
    }
}

/// Where nothing is configured, the client itself says how it came here. It gets its own words back and nobody else does.
fn origin(headers: &HeaderMap, asked: Option<String>) -> String {
    let first = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?.split(',').next()?.trim().to_owned();
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        (!value.is_empty() && value.chars().all(plain)).then_some(value)
    };
    let scheme = first("x-forwarded-proto").filter(|scheme| scheme == "https").unwrap_or_else(|| "http".into());
    let host = first("x-forwarded-host").or_else(|| first(HOST.as_str())).or(asked);
    format!("{scheme}://{}", host.unwrap_or_else(|| "localhost".into()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn links_of_pages_keep_what_else_was_asked() {
        let here = Here {
            origin: "http://h:1".into(),
            path: "/api/v2/x".into(),
            query: "search%5Btags%5D=a&page%5Bnumber%5D=2&page[size]=7".into(),
        };
        let all: Vec<u32> = (0..20).collect();
        let document = here.page(all, &PageQuery { number: Some(2), size: Some(7) });
        assert_eq!(document.data, [7, 8, 9, 10, 11, 12, 13]);
        assert_eq!(
            document.links.get("next"),
            Some("http://h:1/api/v2/x?search%5Btags%5D=a&page%5Bnumber%5D=3&page%5Bsize%5D=7")
        );
        let past = here.page(vec![1], &PageQuery { number: Some(9), size: None });
        assert!(past.data.is_empty());
    }

    #[test]
    fn a_proxy_tells_how_the_client_came_and_nonsense_is_not_repeated() {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("inside:8080"));
        assert_eq!(origin(&headers, None), "http://inside:8080");
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        headers.insert("x-forwarded-host", HeaderValue::from_static("tf.example.com, other"));
        assert_eq!(origin(&headers, None), "https://tf.example.com");
        headers.insert("x-forwarded-host", HeaderValue::from_static("evil/path?x"));
        assert_eq!(origin(&headers, None), "https://inside:8080");
    }
}
