//! Colours of a terminal as classes of a page: the SGR codes of a line. Every other control sequence is left out.

use domain::text::directs;

/// A piece of a line that looks the same throughout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Names of classes, with a space between; none for what looks ordinary.
    pub class: String,
    /// Its text.
    pub text: String,
}

#[derive(Default, Clone, PartialEq)]
struct Look {
    bold: bool,
    faint: bool,
    italic: bool,
    underlined: bool,
    reversed: bool,
    /// 0 to 15.
    colour: Option<u8>,
}

/// The pieces of a line.
pub fn spans(line: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut look = Look::default();
    let mut rest = line;
    while !rest.is_empty() {
        let (plain, after) = match rest.find('\u{1b}') {
            Some(at) => (&rest[..at], &rest[at..]),
            None => (rest, ""),
        };
        let text: String = plain.chars().filter(|c| !directs(*c) || matches!(c, '\t' | '\n')).collect();
        if !text.is_empty() {
            spans.push(Span { class: look.class(), text });
        }
        rest = after;
        if rest.starts_with('\u{1b}') {
            rest = escape(&rest[1..], &mut look);
        }
    }
    spans
}

/// What follows an escape character: takes in what it says of the look, and returns what comes after it.
fn escape<'a>(text: &'a str, look: &mut Look) -> &'a str {
    if let Some(sequence) = text.strip_prefix('[') {
        let Some(end) = sequence.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c)) else { return "" };
        if sequence[end..].starts_with('m') {
            look.take(&sequence[..end]);
        }
        return &sequence[end + 1..];
    }
    if let Some(command) = text.strip_prefix(']') {
        // Ends with a bell, or with an escape and a backslash; another escape begins something new. Looking for each of them to the
        // end of a long line, again and again, would take minutes.
        let Some(end) = command.find(['\u{7}', '\u{1b}']) else { return "" };
        let after = &command[end..];
        return after.strip_prefix('\u{7}').or_else(|| after.strip_prefix("\u{1b}\\")).unwrap_or(after);
    }
    let mut characters = text.chars();
    characters.next();
    characters.as_str()
}

impl Look {
    fn take(&mut self, codes: &str) {
        let codes: Vec<u8> = codes.split([';', ':']).map(|code| code.parse().unwrap_or(0)).collect();
        let mut at = 0;
        while let Some(code) = codes.get(at) {
            at += 1;
            match code {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.faint = true,
                3 => self.italic = true,
                4 => self.underlined = true,
                7 => self.reversed = true,
                22 => (self.bold, self.faint) = (false, false),
                23 => self.italic = false,
                24 => self.underlined = false,
                27 => self.reversed = false,
                30..=37 => self.colour = Some(code - 30),
                90..=97 => self.colour = Some(code - 90 + 8),
                39 => self.colour = None,
                // A colour of 256, of which the first sixteen have names, or of three numbers.
                38 | 48 => {
                    let numbers = if codes.get(at) == Some(&5) { 2 } else { 4 };
                    if *code == 38 && numbers == 2 {
                        self.colour = codes.get(at + 1).copied().filter(|colour| *colour < 16);
                    }
                    at += numbers;
                }
                _ => {}
            }
        }
    }

    fn class(&self) -> String {
        let marks = [
            (self.bold, "bold"),
            (self.faint, "dim"),
            (self.italic, "italic"),
            (self.underlined, "under"),
            (self.reversed, "reverse"),
        ];
        let mut names: Vec<String> = marks.iter().filter(|(is, _)| *is).map(|(_, name)| (*name).to_owned()).collect();
        names.extend(self.colour.map(|colour| format!("c{colour}")));
        names.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(line: &str) -> String {
        spans(line).iter().map(|span| format!("[{}|{}]", span.class, span.text)).collect()
    }

    #[test]
    fn colours_become_classes_until_they_are_taken_back() {
        let line =
            "\u{1b}[1m\u{1b}[31mError:\u{1b}[0m plain \u{1b}[38;5;10mgreen\u{1b}[39m \u{1b}[38;2;1;2;3mx\u{1b}[m";
        assert_eq!(drawn(line), "[bold c1|Error:][| plain ][c10|green][| ][|x]");
    }

    #[test]
    fn any_other_control_sequence_is_left_out_even_if_it_has_no_end() {
        assert_eq!(drawn("a\u{1b}]8;;http://evil\u{7}b\u{1b}]8;;\u{1b}\\c\u{1b}[2Kd\u{7}"), "[|a][|b][|c][|d]");
        assert_eq!(drawn("a\u{1b}[31"), "[|a]");
        assert_eq!(drawn("a\u{1b}]0;title"), "[|a]");
        assert_eq!(drawn("a\u{1b}"), "[|a]");
        assert_eq!(drawn("a\u{1b}é"), "[|a]");
    }

    #[test]
    fn what_turns_the_direction_of_text_is_left_out() {
        assert_eq!(drawn("a\u{202e}b\u{2066}c\u{200f}d"), "[|abcd]");
    }

    #[test]
    fn a_long_line_of_sequences_that_do_not_end_is_read_once() {
        // Each was looked for to the end of the line: a quarter of a million times two megabytes.
        let line = "\u{1b}]x\u{7}y".repeat(400_000);
        assert_eq!(spans(&line).len(), 400_000);
        let line = "\u{1b}]".repeat(1_000_000);
        assert!(spans(&line).is_empty());
    }

    #[test]
    fn no_line_panics_and_none_keeps_what_directs_text() {
        let seeds: &[&[u8]] = &[
            "\u{1b}[1m\u{1b}[31mError:\u{1b}[0m plain \u{1b}[38;5;10mgr\u{e9}en\u{1b}[39m \u{1b}[38;2;1;2;3mx\u{1b}[m"
                .as_bytes(),
            b"a\x1b]8;;http://evil\x07b\x1b]8;;\x1b\\c\x1b[2Kd\x07",
            "\u{1b}P1$r\u{1b}\\ \u{9b}31m \u{202e} <script> \u{1b}(B".as_bytes(),
        ];
        fuzz::survives("log-lines", seeds, &|bytes| {
            for span in spans(&String::from_utf8_lossy(bytes)) {
                assert!(!span.text.chars().any(|c| directs(c) && !matches!(c, '\t' | '\n')));
                assert!(span.class.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' '));
            }
        });
    }

    #[test]
    fn markup_stays_text() {
        assert_eq!(drawn("<script>x</script>"), "[|<script>x</script>]");
    }
}
