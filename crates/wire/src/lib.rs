//! The HCP Terraform API v2 as the network has it: JSON:API documents, request bodies and query parameters.
//!
//! Structs are plain data with public fields; a server fills them and a client reads them, with the same types. Absent
//! on purpose: behaviour, permissions, defaults of the product, HTTP. Optional request attributes stay `None` until a
//! service decides what absence means.
//!
//! - [`envelope`]: the document around every resource, errors, pages, and the lenient reading of requests.
//! - [`kind`]: the `type` of every resource.
//! - [`words`]: closed lists of words that strict clients check.

pub mod envelope;
pub mod kind;
pub mod timestamp;
pub mod words;

pub use envelope::{
    Attributes, Document, ErrorDocument, ErrorObject, Identifier, Links, LinksOnly, NoRelationships, Pagination,
    Request, RequestData, Resource, ToMany, ToOne,
};
pub use timestamp::Timestamp;
