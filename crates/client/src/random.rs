//! Randomness for keys and for waits that must not fall together.

/// `2 * bytes` hexadecimal digits that nobody has drawn before.
///
/// # Panics
/// When the operating system gives no randomness.
#[allow(clippy::disallowed_methods, reason = "this is the client's adapter for randomness")]
pub fn hex(bytes: usize) -> String {
    let mut drawn = vec![0; bytes];
    aws_lc_rs::rand::fill(&mut drawn).expect("the operating system gives randomness");
    hex::encode(drawn)
}

/// A number between 0 and 1.
pub(crate) fn fraction() -> f64 {
    let drawn = u16::from_str_radix(&hex(2), 16).unwrap_or_default();
    f64::from(drawn) / f64::from(u16::MAX)
}
