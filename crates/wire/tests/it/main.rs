//! What stands on the network: golden documents, sloppy requests, query parameters.

mod answers;
mod hostile;
mod queries;
mod requests;
