//! Names that somebody may have meant.

use crate::Problem;

/// `stack/unknown-workspace` (422): somebody named a workspace that is not there.
pub(super) fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Problem {
    let message = format!("The stack has no workspace named \"{}\".", name.escape_debug());
    Problem::invalid("stack/unknown-workspace", message).advice(advice(name, known))
}

/// What to do about a name that is not there: the near ones of `known`, or all of them when they are few.
pub(super) fn advice<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    let near = nearest(name, &known);
    if near.is_empty() {
        return match known.len() {
            0 => "The stack has no workspaces.".to_owned(),
            1..=10 => format!("The stack has {}.", list(&known, "and")),
            more => format!("The stack has {more} workspaces; `multispace graph` lists them."),
        };
    }
    format!("Did you mean {}?", list(&near, "or"))
}

/// At most three of `known` that are few changes away from `name`, or hold it, or are held by it; nearest first.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Vec<&'a str> {
    let wanted = name.to_lowercase();
    let most = (wanted.chars().count() / 3).max(1);
    let mut near: Vec<(usize, &str)> = known
        .iter()
        .filter_map(|&candidate| {
            let lower = candidate.to_lowercase();
            let changes = distance(&wanted, &lower);
            let holds = wanted.len() >= 3 && lower.len() >= 3 && (lower.contains(&wanted) || wanted.contains(&lower));
            (changes <= most || holds).then_some((changes, candidate))
        })
        .collect();
    near.sort();
    near.truncate(3);
    near.into_iter().map(|(_, candidate)| candidate).collect()
}

/// How many characters must be put in, taken out, replaced or swapped with their neighbour to make `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before_last[j - 2] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

fn list(names: &[&str], last: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    match &quoted[..] {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., end] => format!("{} {last} {end}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted_with_a_swap_as_one() {
        for (a, b, changes) in [("", "abc", 3), ("dns", "dns", 0), ("dns", "dsn", 1), ("cluster", "clutser1", 2)] {
            assert_eq!(distance(a, b), changes, "{a} {b}");
        }
    }

    #[test]
    fn near_names_are_offered_nearest_first_and_far_ones_are_not() {
        let known = ["network", "network-eu", "dns", "cluster"];
        assert_eq!(advice("netwrok", known.into_iter()), "Did you mean \"network\"?");
        assert_eq!(advice("network-e", known.into_iter()), "Did you mean \"network-eu\" or \"network\"?");
        assert_eq!(advice("DNS", known.into_iter()), "Did you mean \"dns\"?");
    }

    #[test]
    fn with_nothing_near_a_small_stack_is_listed() {
        assert_eq!(advice("zebra", ["a", "b", "c"].into_iter()), "The stack has \"a\", \"b\" and \"c\".");
        assert_eq!(advice("zebra", std::iter::empty()), "The stack has no workspaces.");
    }
}
