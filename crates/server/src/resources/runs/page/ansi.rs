//! Colours of a terminal as classes of a page: the SGR codes of a line. Every other control sequence is left out.

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
        let text: String = plain.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n')).collect();
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
        // Ends with a bell, or with an escape and a backslash.
        return match (command.find('\u{7}'), command.find("\u{1b}\\")) {
            (Some(bell), None) => &command[bell + 1..],
            (Some(bell), Some(end)) if bell < end => &command[bell + 1..],
            (_, Some(end)) => &command[end + 2..],
            (None, None) => "",
        };
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
    fn markup_stays_text() {
        assert_eq!(drawn("<script>x</script>"), "[|<script>x</script>]");
    }
}
