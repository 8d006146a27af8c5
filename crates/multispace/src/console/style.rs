//! Colours, or none.

/// How text is dressed on one of the two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    /// Whether ANSI escape codes may be written.
    pub(crate) colour: bool,
}

impl Style {
    /// No colours.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { colour: false };

    pub(crate) fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    pub(crate) fn cyan(self, text: &str) -> String {
        self.paint("36", text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Foreign text as this stream can take it: without escape codes where there are to be none.
    pub(crate) fn foreign(self, text: &str) -> String {
        if self.colour { text.to_owned() } else { without_escapes(text) }
    }
}

/// Text without its ANSI escape sequences.
pub(crate) fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            plain.push(c);
        } else if rest.next() == Some('[') {
            // A control sequence ends with a letter or one of a few other characters from `@` on.
            let _ = rest.by_ref().find(|c| ('@'..='~').contains(c));
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_removed_and_nothing_else_is() {
        let bright = Style { colour: true };
        let text = format!("{} and {}", bright.red("né"), bright.bold("b[0m"));
        assert_eq!(without_escapes(&text), "né and b[0m");
        assert_eq!(Style::PLAIN.red("x"), "x");
    }
}
