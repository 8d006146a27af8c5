//! Characters that make text something else than what it reads as. Whatever shows foreign text leaves them out or refuses them.

/// Whether a character says how text is drawn instead of being drawn: controls, which a terminal obeys, and those of Unicode's
/// bidirectional algorithm, by which `exe.ft` is shown as `tf.exe`. Sources: Unicode general category Cc; Unicode Standard Annex 9, table 2.
pub fn directs(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_directs_text_is_told_from_what_is_read() {
        for c in ['\0', '\n', '\u{1b}', '\u{7f}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200f}', '\u{61c}'] {
            assert!(directs(c), "{c:?}");
        }
        // Hebrew, Arabic, and the joiners that Persian and emoji are written with.
        for c in ['a', ' ', 'é', 'א', 'ع', '\u{200c}', '\u{200d}', '│', '😀'] {
            assert!(!directs(c), "{c:?}");
        }
    }
}
