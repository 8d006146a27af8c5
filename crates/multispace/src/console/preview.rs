//! The plan of a whole stack: one table, and what a plan has that was not approved.

use domain::plan::{Action, Difference, Plan, Tally, What};
use domain::planned::PlannedValue;
use executor::Counts;

use super::style::Style;
use crate::stack::preview::{Fate, Foreseen};

/// The table: a line for each workspace, in the order of the walk, but for those that are not planned because nothing of
/// them changes: these are counted.
pub(super) fn table(all: &[(&str, &Foreseen)], style: Style) -> String {
    let rows: Vec<(&str, &Foreseen)> = all.iter().filter(|(_, it)| it.fate != Fate::Unchanged).copied().collect();
    let at_rest = match all.len() - rows.len() {
        0 => String::new(),
        1 => format!(
            "{}\n",
            style.dim("1 workspace is not planned: nothing that goes into it has changed (--all plans it too)")
        ),
        many => {
            format!(
                "{}\n",
                style.dim(&format!(
                    "{many} workspaces are not planned: nothing that goes into them has changed (--all plans them too)"
                ))
            )
        }
    };
    if rows.is_empty() {
        return at_rest;
    }
    let tallies: Vec<Tally> = rows.iter().map(|(_, it)| tally(it)).collect();
    let name_width = rows.iter().map(|(name, _)| name.chars().count()).chain([9]).max().unwrap_or(9);
    let columns: Vec<(&str, Vec<u32>)> = columns(&tallies);
    let mut text = format!("{:<name_width$}", "workspace");
    for (title, _) in &columns {
        text += &format!("  {title:>7}");
    }
    text = format!("{}\n", style.bold(&format!("{text}  why")));
    for (at, (name, foreseen)) in rows.iter().enumerate() {
        let counts: String = columns.iter().map(|(title, counts)| cell(title, counts[at], foreseen, style)).collect();
        text += format!("{name:<name_width$}{counts}  {}", note(foreseen, style)).trim_end();
        text.push('\n');
    }
    text + &at_rest
}

/// The four that people look for always; the rare ones when there are any.
fn columns(tallies: &[Tally]) -> Vec<(&'static str, Vec<u32>)> {
    let of = |count: fn(&Tally) -> u32| tallies.iter().map(count).collect::<Vec<u32>>();
    let mut columns = vec![
        ("add", of(|it| it.add)),
        ("change", of(|it| it.change)),
        ("destroy", of(|it| it.destroy)),
        ("replace", of(|it| it.replace)),
    ];
    let rare = [("import", of(|it| it.import)), ("move", of(|it| it.moved)), ("forget", of(|it| it.forget))];
    columns.extend(rare.into_iter().filter(|(_, counts)| counts.iter().any(|count| *count > 0)));
    columns
}

fn cell(title: &str, count: u32, foreseen: &Foreseen, style: Style) -> String {
    let text = match (&foreseen.fate, count) {
        (Fate::Planned(_) | Fate::Counted { .. }, 1..) => format!("{count:>7}"),
        (Fate::Planned(_) | Fate::Counted { .. }, 0) => format!("{:>7}", "-"),
        _ => format!("{:>7}", "?"),
    };
    let dressed = match (title, count) {
        (_, 0) => style.dim(&text),
        ("destroy" | "replace" | "forget", _) => style.red(&text),
        ("change", _) => style.yellow(&text),
        _ => style.green(&text),
    };
    format!("  {dressed}")
}

fn note(foreseen: &Foreseen, style: Style) -> String {
    let why = foreseen.why.join(", ");
    match &foreseen.fate {
        Fate::Planned(plan) if plan.changes.is_empty() && plan.changed_outputs.is_empty() => style.dim(&idle(&why)),
        Fate::Planned(plan) if plan.changes.is_empty() => {
            with(&why, &format!("only outputs: {}", plan.changed_outputs.join(", ")))
        }
        Fate::Planned(_) => why,
        Fate::Counted { changes: false, .. } => style.dim(&idle(&why)),
        Fate::Counted { counts, .. } if *counts == Counts::default() => with(&why, "only outputs"),
        Fate::Counted { .. } => why,
        Fate::Unchanged => style.dim("unchanged"),
        Fate::Deferred { until, reason, .. } => {
            style.yellow(&format!("deferred until {} {} applied: {reason}", and(until), is(until)))
        }
        Fate::Failed => style.red("cannot be planned"),
    }
}

fn idle(why: &str) -> String {
    if why.is_empty() { "no changes".to_owned() } else { format!("no changes ({why})") }
}

fn with(why: &str, outputs: &str) -> String {
    if why.is_empty() { outputs.to_owned() } else { format!("{why} ({outputs})") }
}

/// The whole in one sentence: `3 to add, 1 to replace, in 2 workspaces; 1 is deferred`.
pub(super) fn total(rows: &[(&str, &Foreseen)]) -> String {
    let mut sum = Tally::default();
    let (mut touched, mut deferred, mut outputs) = (0, 0, 0);
    for (_, foreseen) in rows {
        let one = tally(foreseen);
        sum.add += one.add;
        sum.change += one.change;
        sum.destroy += one.destroy;
        sum.replace += one.replace;
        sum.import += one.import;
        sum.moved += one.moved;
        sum.forget += one.forget;
        match &foreseen.fate {
            Fate::Planned(_) | Fate::Counted { .. } if foreseen.changes() => {
                touched += 1;
                outputs += usize::from(one == Tally::default());
            }
            Fate::Deferred { .. } => deferred += 1,
            Fate::Planned(_) | Fate::Counted { .. } | Fate::Unchanged | Fate::Failed => {}
        }
    }
    let parts = [
        (sum.add, "to add"),
        (sum.change, "to change"),
        (sum.destroy, "to destroy"),
        (sum.replace, "to replace"),
        (sum.import, "to import"),
        (sum.moved, "to move"),
        (sum.forget, "to forget"),
    ];
    let mut parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if parts.is_empty() && outputs > 0 {
        parts.push("only outputs change".to_owned());
    }
    let workspaces = |count: usize| if count == 1 { "1 workspace".to_owned() } else { format!("{count} workspaces") };
    let mut text = match touched {
        0 => "Nothing to change".to_owned(),
        _ => format!("{}, in {}", parts.join(", "), workspaces(touched)),
    };
    if deferred > 0 {
        text += &format!("; {} deferred", workspaces(deferred));
    }
    text
}

fn tally(foreseen: &Foreseen) -> Tally {
    match &foreseen.fate {
        Fate::Planned(plan) => plan.tally(),
        Fate::Counted { counts, .. } => Tally {
            add: counts.additions,
            change: counts.changes,
            destroy: counts.destructions,
            import: counts.imports,
            ..Tally::default()
        },
        Fate::Unchanged | Fate::Deferred { .. } | Fate::Failed => Tally::default(),
    }
}

/// What a plan has that was not approved, a line for each. Values of secrets are not shown.
pub(super) fn differences(found: &[Difference], approved: &Plan, real: &Plan, style: Style) -> String {
    let mut text = String::new();
    for Difference { address, what } in found {
        let line = match what {
            What::New(action) => format!("{}: {}, which was not approved", address, to_do(address, *action)),
            What::Missing(action) => format!("{address}: {} was approved, and is not planned any more", noun(*action)),
            What::Action { approved, real } => {
                format!("{address}: {} was approved, and {} is planned", noun(*approved), noun(*real))
            }
            What::Origin => format!("{address}: it comes from elsewhere than was approved"),
            What::Values(_) => format!("{address}:"),
        };
        text += &format!("  {}\n", style.yellow(&line));
        if let What::Values(paths) = what {
            for path in paths {
                let (was, is) = (shown(approved, address, path), shown(real, address, path));
                let path = if path.is_empty() { "value" } else { path };
                text += &format!("      {path}: approved {was}, planned {is}\n");
            }
        }
    }
    text
}

fn to_do(address: &str, action: Action) -> &'static str {
    match action {
        Action::Create if address.starts_with("output.") => "an output",
        Action::Create => "to be created",
        Action::Update => "to be changed",
        Action::Replace => "to be replaced",
        Action::Delete => "to be destroyed",
        Action::Forget => "to be forgotten",
        Action::Keep => "to be moved or imported",
    }
}

fn noun(action: Action) -> &'static str {
    match action {
        Action::Create => "its creation",
        Action::Update => "a change",
        Action::Replace => "its replacement",
        Action::Delete => "its destruction",
        Action::Forget => "letting go of it",
        Action::Keep => "a move or import",
    }
}

/// A value of a plan as text, cut to a line.
fn shown(plan: &Plan, address: &str, path: &str) -> String {
    if let Some(name) = address.strip_prefix("output.") {
        return match plan.outputs.get(name) {
            Some(_) if plan.hides_output(name) => "(sensitive value)".to_owned(),
            Some(output) => at(&output.value, path).map_or_else(|| "nothing".to_owned(), short),
            None => "nothing".to_owned(),
        };
    }
    let Some(change) = plan.changes.get(address) else { return "nothing".to_owned() };
    let is_below = |secret: &String| secret.is_empty() || path.starts_with(secret.as_str()) || secret.starts_with(path);
    if change.sensitive.iter().any(is_below) {
        return "(sensitive value)".to_owned();
    }
    at(&change.after, path).map_or_else(|| "nothing".to_owned(), short)
}

/// The part of a value at a path; paths are those of `domain::plan`.
fn at<'a>(value: &'a PlannedValue, path: &str) -> Option<&'a PlannedValue> {
    if path.is_empty() {
        return Some(value);
    }
    match value {
        PlannedValue::Map(entries) | PlannedValue::Object(entries) => entries.iter().find_map(|(key, entry)| {
            let own = domain::plan::below("", key);
            let rest = path.strip_prefix('.').unwrap_or(path).strip_prefix(own.as_str())?;
            (rest.is_empty() || rest.starts_with(['.', '['])).then(|| at(entry, rest)).flatten()
        }),
        PlannedValue::List(items) | PlannedValue::Set(items) | PlannedValue::Tuple(items) => {
            let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
            at(items.get(index.parse::<usize>().ok()?)?, rest)
        }
        _ => None,
    }
}

/// Most characters of a value that are shown.
const SHORT: usize = 120;

fn short(value: &PlannedValue) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHORT) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

fn and(names: &[String]) -> String {
    match names {
        [] => "something".to_owned(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

fn is(names: &[String]) -> &'static str {
    if names.len() > 1 { "are" } else { "is" }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::plan::{Change, differences as differ};
    use expect_test::expect;

    use super::*;

    fn change(action: Action, name: &str, text: &str) -> Change {
        let after = PlannedValue::Object(BTreeMap::from([(name.to_owned(), PlannedValue::Text(text.to_owned()))]));
        Change {
            action,
            moved_from: None,
            imported: false,
            before: PlannedValue::Null,
            after,
            sensitive: vec!["password".into()],
            replaced_by: vec![],
        }
    }

    fn plan(changes: &[(&str, Change)]) -> Plan {
        let changes = changes.iter().map(|(address, change)| ((*address).to_owned(), change.clone())).collect();
        Plan { changes, ..Plan::default() }
    }

    #[test]
    fn the_table_has_a_line_for_each_workspace_and_says_why() {
        let foreseen = |fate, why: &[&str]| Foreseen {
            fate,
            why: why.iter().map(|it| (*it).to_owned()).collect(),
            log: String::new(),
        };
        let network = plan(&[("t.a", change(Action::Create, "n", "x")), ("t.b", change(Action::Replace, "n", "x"))]);
        let deferred = Fate::Deferred {
            until: vec!["network".into(), "dns".into()],
            reason: "Invalid count argument".into(),
            outputs: vec![],
        };
        let all = [
            ("network", foreseen(Fate::Planned(network), &["own code"])),
            ("app", foreseen(deferred, &[])),
            ("a-longer-name", foreseen(Fate::Planned(Plan::default()), &[])),
            ("logs", foreseen(Fate::Failed, &[])),
            (
                "counted",
                foreseen(Fate::Counted { counts: Counts { destructions: 2, ..Counts::default() }, changes: true }, &[]),
            ),
            ("outputs", foreseen(Fate::Counted { counts: Counts::default(), changes: true }, &["never applied"])),
        ];
        let rows: Vec<(&str, &Foreseen)> = all.iter().map(|(name, it)| (*name, it)).collect();
        expect![[r#"
            workspace          add   change  destroy  replace  why
            network              1        -        -        1  own code
            app                  ?        ?        ?        ?  deferred until network and dns are applied: Invalid count argument
            a-longer-name        -        -        -        -  no changes
            logs                 ?        ?        ?        ?  cannot be planned
            counted              -        -        2        -
            outputs              -        -        -        -  never applied (only outputs)
        "#]]
        .assert_eq(&table(&rows, Style::PLAIN));
        assert_eq!(total(&rows), "1 to add, 2 to destroy, 1 to replace, in 3 workspaces; 1 workspace deferred");
    }

    #[test]
    fn differences_are_said_with_both_values_and_without_secrets() {
        let approved = plan(&[
            ("t.a", change(Action::Update, "n", "x")),
            ("t.b", change(Action::Update, "password", "s3cret-1")),
            ("t.c", change(Action::Create, "n", "x")),
        ]);
        let real = plan(&[
            ("t.a", change(Action::Update, "n", "y")),
            ("t.b", change(Action::Update, "password", "s3cret-2")),
            ("t.c", change(Action::Replace, "n", "x")),
            ("t.d", change(Action::Delete, "n", "x")),
        ]);
        expect![[r#"
            app
              t.a:
                  n: approved "x", planned "y"
              t.b:
                  password: approved (sensitive value), planned (sensitive value)
              t.c: its creation was approved, and its replacement is planned
              t.d: to be destroyed, which was not approved
        "#]]
        .assert_eq(&format!("app\n{}", differences(&differ(&approved, &real), &approved, &real, Style::PLAIN)));
    }
}
