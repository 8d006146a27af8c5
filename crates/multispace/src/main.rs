//! multispace
fn main() {}
