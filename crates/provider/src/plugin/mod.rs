//! How Terraform starts and reaches a plugin: a line on stdout, then gRPC over a socket, with TLS both ways.
//!
//! Source: the core protocol of go-plugin, version 1, as Terraform 1.11 uses it. Absent: what is said over the
//! connection, which is `provider`.

mod handshake;
mod listen;
mod serve;
mod tls;

pub use serve::serve;
