//! The JSON:API envelope: what stands around every resource, in answers and in requests.
//!
//! Answers are exact, because go-tfe matches types and dereferences nested objects without looking. Requests are read
//! leniently, because clients send much that is not in the documentation.

mod document;
mod error;
mod page;
mod read;
mod relation;
mod request;

pub use document::{Attributes, Document, Links, Meta, NoRelationships, Resource};
pub use error::{ErrorDocument, ErrorObject, ErrorSource};
pub use page::Pagination;
pub use read::read;
pub use relation::{Identifier, Linked, ToMany, ToOne};
pub(crate) use request::null_as_default;
pub use request::{ActionRequest, Identifiers, Items, Request, RequestData};
