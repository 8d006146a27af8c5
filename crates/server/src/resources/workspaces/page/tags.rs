//! Tags as a person types them: a line each, `web` or `team = net`.

use super::super::Tag;

/// The text of tags.
pub(super) fn text(tags: &[Tag]) -> String {
    let line = |tag: &Tag| match &tag.value {
        Some(value) => format!("{} = {value}\n", tag.key),
        None => format!("{}\n", tag.key),
    };
    tags.iter().map(line).collect()
}

/// The tags of a text.
pub(super) fn read(text: &str) -> Vec<Tag> {
    let tag = |line: &str| match line.split_once('=') {
        Some((key, value)) => Tag { key: key.trim().to_owned(), value: Some(value.trim().to_owned()) },
        None => Tag { key: line.to_owned(), value: None },
    };
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(tag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_tag_with_or_without_a_value() {
        let tags = read("web\n\n  team=net a \r\n x = ");
        let told: Vec<_> = tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_deref())).collect();
        assert_eq!(told, [("web", None), ("team", Some("net a")), ("x", Some(""))]);
        assert_eq!(text(&tags[..2]), "web\nteam = net a\n");
    }
}
