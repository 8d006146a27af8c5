//! The other types.
