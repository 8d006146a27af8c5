//! What names may look like. The rules are those of HCP Terraform, so that a name taken here is taken there.
//! Absent: whether a name is already in use.

use crate::Problem;

/// The longest workspace name in characters.
pub const WORKSPACE_LONGEST: usize = 90;

/// The longest flat tag in characters.
pub const TAG_LONGEST: usize = 255;

/// The longest key of a tag binding in characters.
pub const TAG_KEY_LONGEST: usize = 128;

/// The longest value of a tag binding in characters.
pub const TAG_VALUE_LONGEST: usize = 256;

/// Takes the name of a workspace: 1 to 90 ASCII letters, digits, `-` and `_`.
///
/// # Errors
/// `workspace/name` (422).
pub fn workspace_name(name: &str) -> Result<&str, Problem> {
    if (1..=WORKSPACE_LONGEST).contains(&name.len()) && name.bytes().all(is_plain) {
        return Ok(name);
    }
    Err(refuse("workspace/name", "a workspace", name, "1 to 90 letters, digits, \"-\" and \"_\""))
}

/// Takes the name of an organization: 3 to 40 ASCII letters, digits, `-` and `_`.
///
/// # Errors
/// `organization/name` (422).
pub fn organization_name(name: &str) -> Result<&str, Problem> {
    if (3..=40).contains(&name.len()) && name.bytes().all(is_plain) {
        return Ok(name);
    }
    Err(refuse("organization/name", "an organization", name, "3 to 40 letters, digits, \"-\" and \"_\""))
}

/// Takes the name of a project: 3 to 40 ASCII letters, digits, `-`, `_` and spaces, with no space at either edge.
///
/// # Errors
/// `project/name` (422).
pub fn project_name(name: &str) -> Result<&str, Problem> {
    let edges_are_clean = !name.starts_with(' ') && !name.ends_with(' ');
    if (3..=40).contains(&name.len()) && edges_are_clean && name.bytes().all(|byte| is_plain(byte) || byte == b' ') {
        return Ok(name);
    }
    let rule = "3 to 40 letters, digits, \"-\", \"_\" and spaces, with no space at either end";
    Err(refuse("project/name", "a project", name, rule))
}

/// Takes the name of a variable set: 1 to 90 characters, no control character, not only spaces. HCP Terraform documents
/// no rule and takes spaces and punctuation.
///
/// # Errors
/// `variable-set/name` (422).
pub fn variable_set_name(name: &str) -> Result<&str, Problem> {
    let length = name.chars().count();
    if (1..=90).contains(&length) && !name.trim().is_empty() && !name.contains(char::is_control) {
        return Ok(name);
    }
    Err(refuse("variable-set/name", "a variable set", name, "1 to 90 characters, and not only spaces"))
}

/// Takes the name of a team: 1 to 90 ASCII letters, digits, `-` and `_`.
///
/// # Errors
/// `team/name` (422).
pub fn team_name(name: &str) -> Result<&str, Problem> {
    if (1..=90).contains(&name.len()) && name.bytes().all(is_plain) {
        return Ok(name);
    }
    Err(refuse("team/name", "a team", name, "1 to 90 letters, digits, \"-\" and \"_\""))
}

/// Takes the name of a user: 2 to 40 ASCII letters, digits, `-`, `_` and `.`, with a letter or digit at both ends.
///
/// # Errors
/// `user/name` (422).
pub fn user_name(name: &str) -> Result<&str, Problem> {
    let bytes = name.as_bytes();
    let edges_are_clean = [bytes.first(), bytes.last()].iter().all(|edge| edge.is_some_and(u8::is_ascii_alphanumeric));
    if (2..=40).contains(&name.len()) && edges_are_clean && name.bytes().all(|byte| is_plain(byte) || byte == b'.') {
        return Ok(name);
    }
    let rule = "2 to 40 letters, digits, \"-\", \"_\" and \".\", with a letter or digit at both ends";
    Err(refuse("user/name", "a user", name, rule).attribute("username"))
}

/// Takes a flat tag and gives it as it is stored, in lower case: ASCII letters, digits, `_`, `:` and `-`, with a letter
/// or digit at both ends, at most 255 characters.
///
/// # Errors
/// `tag/name` (422).
pub fn tag_name(name: &str) -> Result<String, Problem> {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-');
    let bytes = name.as_bytes();
    let edges_are_clean = [bytes.first(), bytes.last()].iter().all(|edge| edge.is_some_and(u8::is_ascii_alphanumeric));
    if edges_are_clean && bytes.len() <= TAG_LONGEST && bytes.iter().copied().all(inner) {
        return Ok(name.to_ascii_lowercase());
    }
    let rule = "letters, digits, \"_\", \":\" and \"-\", with a letter or digit at both ends";
    Err(refuse("tag/name", "a tag", name, rule))
}

/// Takes the key of a tag binding: 1 to 128 letters, digits, spaces and `_.:=+-@`, with no space at either edge.
///
/// # Errors
/// `tag/key` (422).
pub fn tag_key(key: &str) -> Result<&str, Problem> {
    if !key.is_empty() && is_tag_text(key, TAG_KEY_LONGEST) {
        return Ok(key);
    }
    let rule = "1 to 128 letters, digits, spaces and _.:=+-@, with no space at either end";
    Err(refuse("tag/key", "a tag", key, rule).attribute("key"))
}

/// Takes the value of a tag binding: up to 256 letters, digits, spaces and `_.:=+-@`, with no space at either edge; a
/// binding without a value is a flat tag.
///
/// # Errors
/// `tag/value` (422).
pub fn tag_value(value: &str) -> Result<&str, Problem> {
    if is_tag_text(value, TAG_VALUE_LONGEST) {
        return Ok(value);
    }
    let message = format!("\"{}\" cannot be the value of a tag.", shown(value));
    let advice = "Use up to 256 letters, digits, spaces and _.:=+-@, with no space at either end.";
    Err(Problem::invalid("tag/value", message).advice(advice).attribute("value"))
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_tag_text(text: &str, longest: usize) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || " _.:=+-@".contains(c);
    text.chars().count() <= longest && text.chars().all(allowed) && text.trim_matches(' ') == text
}

fn refuse(code: &'static str, noun: &str, name: &str, rule: &str) -> Problem {
    let message = match name {
        "" => format!("The name of {noun} cannot be empty."),
        name => format!("\"{}\" cannot be the name of {noun}.", shown(name)),
    };
    Problem::invalid(code, message).advice(format!("Use {rule}.")).attribute("name")
}

/// A name as it can be shown: no control characters, and no more of it than a line holds.
fn shown(name: &str) -> String {
    const LONGEST: usize = 100;
    let mut text: String = name.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if name.chars().count() > LONGEST {
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_name_is_plain_and_at_most_90_long() {
        for name in ["a", "net-eu_1", &"x".repeat(90)] {
            assert_eq!(workspace_name(name), Ok(name));
        }
        for name in ["", "a b", "a/b", "..", "a.b", "n\u{e9}t", "a\0", "a\n", &"x".repeat(91)] {
            assert_eq!(workspace_name(name).unwrap_err().code, "workspace/name", "{name:?}");
        }
    }

    #[test]
    fn an_organization_name_has_3_to_40_plain_characters() {
        assert_eq!(organization_name("acme"), Ok("acme"));
        for name in ["", "ab", "a b c", &"x".repeat(41)] {
            assert!(organization_name(name).is_err(), "{name:?}");
        }
        let problem = organization_name("a/b").unwrap_err();
        assert_eq!(problem.message, "\"a/b\" cannot be the name of an organization.");
        assert_eq!(problem.pointer.as_deref(), Some("/data/attributes/name"));
    }

    #[test]
    fn a_project_name_may_have_spaces_inside_only() {
        assert_eq!(project_name("Default Project"), Ok("Default Project"));
        for name in ["", "ab", " abc", "abc ", "a\tb", "a.b.c", &"x".repeat(41)] {
            assert!(project_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_tag_is_stored_in_lower_case() {
        assert_eq!(tag_name("multispace:Chain-Runner").as_deref(), Ok("multispace:chain-runner"));
        assert_eq!(tag_name("7").as_deref(), Ok("7"));
        for name in ["", ":", "a:", "-a", "a b", "a.b", &"x".repeat(256)] {
            assert!(tag_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_tag_binding_may_have_an_empty_value_and_no_empty_key() {
        assert_eq!(tag_key("cost center"), Ok("cost center"));
        assert_eq!(tag_value(""), Ok(""));
        assert_eq!(tag_value("team@acme.example"), Ok("team@acme.example"));
        for key in ["", " a", "a\n", "<b>", &"x".repeat(129)] {
            assert!(tag_key(key).is_err(), "{key:?}");
        }
        assert!(tag_value(&"x".repeat(257)).is_err());
    }

    #[test]
    fn a_refusal_shows_neither_control_characters_nor_an_endless_name() {
        assert_eq!(
            workspace_name("a\u{1b}[2J").unwrap_err().message,
            "\"a\\u{1b}[2J\" cannot be the name of a workspace."
        );
        assert!(workspace_name(&"x".repeat(100_000)).unwrap_err().message.len() < 200);
    }
}
