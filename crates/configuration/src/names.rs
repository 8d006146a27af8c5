//! Names of workspaces: which are allowed, how one comes of a path, and which one was perhaps meant.

/// The longest name.
const MAX_LENGTH: usize = 90;

/// Said when a name is not allowed.
pub(crate) const RULE: &str = "A workspace's name has 1 to 90 letters, digits, `-` and `_`.";

/// Whether a workspace can have this name.
#[must_use]
pub fn is_valid(name: &str) -> bool {
    (1..=MAX_LENGTH).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// The name that a folder gives its workspace: the relative path with `-` for `/`.
pub(crate) fn from_path(path: &str) -> String {
    path.replace('/', "-")
}

/// The candidate that differs from `name` in few letters, if there is one.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = name.chars().count().div_ceil(2).clamp(1, 3);
    candidates
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// What to do about a name that is not known: the nearest one, or all of them when they are few.
pub(crate) fn advice<'a>(name: &str, candidates: impl Iterator<Item = &'a str> + Clone) -> String {
    const FEW: usize = 12;
    if let Some(near) = nearest(name, candidates.clone()) {
        return format!("Did you mean {near:?}?");
    }
    match candidates.clone().count() {
        0 => "Remove it.".to_owned(),
        1..=FEW => format!("Possible are: {}.", candidates.collect::<Vec<_>>().join(", ")),
        _ => "Look at the names in `multispace graph`.".to_owned(),
    }
}

/// How many letters must be added, removed or changed to get from one to the other (Levenshtein), by one row of the table.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_one_with_few_differences_or_none() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(nearest("netwrok", ["dns", "network"].into_iter()), Some("network"));
        assert_eq!(nearest("a", ["b", "longer"].into_iter()), Some("b"));
        assert_eq!(nearest("ingress", ["dns", "network"].into_iter()), None);
    }

    #[test]
    fn a_name_has_1_to_90_plain_letters() {
        assert!(is_valid("a-B_9") && is_valid(&"x".repeat(90)));
        assert!(!is_valid("") && !is_valid("a.b") && !is_valid("ä") && !is_valid(&"x".repeat(91)));
    }
}
