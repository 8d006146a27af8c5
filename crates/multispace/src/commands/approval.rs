//! The plan of a whole stack: shown, and approved once, before anything of it is applied.

use std::collections::BTreeMap;

use domain::Problem;
use domain::plan::{Rules, needs_a_person};
use domain::stack::Direction;

use super::walk::Scene;
use crate::console::Console;
use crate::console::prompt::Prompt;
use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::stack::drive::Approved;
use crate::stack::prepare::Ready;
use crate::stack::preview::{Fate, Foreseen, Preview};
use crate::stack::record::{Outcome, Record};

/// What came of asking.
pub(super) enum Approval {
    /// Go on, so far as it stays what was shown.
    Given(Approved),
    /// There is nothing to go on with: nothing changes, or it cannot be planned. The records of the plan say which.
    Over(Vec<Record>, Preview),
    /// Somebody said no.
    Refused,
}

/// Plans the stack as a whole and asks about it, unless the rules approve of it.
pub(super) async fn approve(
    scene: &Scene<'_>,
    ready: &BTreeMap<String, Ready>,
    interrupts: &mut Interrupts,
) -> Result<Approval, Failure> {
    let (records, preview) = scene.walk(Direction::Plan, ready.clone(), None, false, interrupts).await?;
    let stopped = |record: &Record| matches!(record.outcome, Outcome::Failed | Outcome::Canceled | Outcome::Skipped);
    if records.iter().any(stopped) {
        if records.iter().any(|record| record.outcome == Outcome::Failed) {
            scene.console.say("nothing was applied: the stack as a whole cannot be planned");
        }
        return Ok(Approval::Over(records, preview));
    }
    let changes = |foreseen: &Foreseen| foreseen.changes() || matches!(foreseen.fate, Fate::Deferred { .. });
    let mut foreseen = records.iter().filter_map(|it| preview.of(&it.workspace));
    if foreseen.clone().all(|it| it.fate == Fate::Unchanged) {
        return Ok(Approval::Over(records, preview));
    }
    if !foreseen.any(changes) {
        // Nobody has to approve of nothing, but that it is nothing is to be remembered.
        return Ok(Approval::Given(Approved::new(preview.plans(), "nobody: nothing was to change".to_owned())));
    }
    let rows = rows(&records, &preview);
    let by_rules = by_rules(scene, &rows);
    if by_rules.is_some_and(|objections| {
        for objection in &objections {
            scene.console.say(&format!("the rules of multispace.hcl want a person to be asked: {objection}"));
        }
        objections.is_empty()
    }) {
        scene.console.stack_plan(&rows)?;
        scene.console.say("approved by the rules of multispace.hcl");
        return Ok(Approval::Given(Approved::new(preview.plans(), "the rules of multispace.hcl".to_owned())));
    }
    Ok(match ask(scene.console, &rows, &preview, interrupts).await? {
        true => Approval::Given(Approved::new(preview.plans(), person())),
        false => Approval::Refused,
    })
}

/// Shows the plan of a stack on stdout, with each workspace's own where that is wanted.
///
/// # Errors
/// `console/stdout`.
pub(super) fn show(
    console: &Console,
    records: &[Record],
    preview: &Preview,
    diff: Option<&[String]>,
) -> Result<(), Problem> {
    let rows = rows(records, preview);
    if rows.is_empty() {
        return Ok(());
    }
    if let Some(names) = diff {
        diffs(console, &rows, names)?;
    }
    console.stack_plan(&rows)
}

/// The plans in full of these workspaces; of all, when none is named.
fn diffs(console: &Console, rows: &[(&str, &Foreseen)], names: &[String]) -> Result<(), Problem> {
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|it| it == name);
    for (name, foreseen) in rows.iter().filter(|(name, it)| is_wanted(name) && !it.log.is_empty()) {
        match &foreseen.fate {
            Fate::Planned(_) | Fate::Counted { .. } => console.plan(name, &foreseen.log)?,
            Fate::Deferred { .. } | Fate::Failed => console.refused_plan(name, &foreseen.log)?,
            // There is no plan.
            Fate::Unchanged => {}
        }
    }
    Ok(())
}

fn rows<'a>(records: &'a [Record], preview: &'a Preview) -> Vec<(&'a str, &'a Foreseen)> {
    records.iter().filter_map(|it| Some((it.workspace.as_str(), preview.of(&it.workspace)?))).collect()
}

/// What the rules have against the plan; `None` without rules.
fn by_rules(scene: &Scene<'_>, rows: &[(&str, &Foreseen)]) -> Option<Vec<String>> {
    let mut objections = Vec::new();
    let mut has_rules = false;
    let at_rest = |foreseen: &Foreseen| match &foreseen.fate {
        Fate::Planned(plan) => !plan.has_changes(),
        Fate::Unchanged => true,
        Fate::Counted { .. } | Fate::Deferred { .. } | Fate::Failed => false,
    };
    for (name, foreseen) in rows.iter().filter(|(_, foreseen)| !at_rest(foreseen)) {
        let Some(rules) = rules_for(scene, name) else {
            objections.push(format!("{name}: no rules cover it"));
            continue;
        };
        has_rules = true;
        let objection = match &foreseen.fate {
            Fate::Planned(plan) => needs_a_person(&rules, name, plan),
            Fate::Counted { .. } => Some("only the counts of its plan are known".to_owned()),
            Fate::Unchanged => None,
            Fate::Deferred { .. } | Fate::Failed => Some("it cannot be planned yet".to_owned()),
        };
        objections.extend(objection.map(|why| format!("{name}: {why}")));
    }
    objections.extend(too_much(scene, rows));
    has_rules.then_some(objections)
}

/// What the stack's own limit has against the stack as a whole.
fn too_much(scene: &Scene<'_>, rows: &[(&str, &Foreseen)]) -> Option<String> {
    let approve = scene.loaded.stack.settings.approve.as_ref()?;
    let most = if approve.no_destroy { 0 } else { approve.max_destroy? };
    let destroyed = |foreseen: &Foreseen| match &foreseen.fate {
        Fate::Planned(plan) => plan.tally().destroy + plan.tally().replace,
        Fate::Counted { counts, .. } => counts.destructions,
        Fate::Unchanged | Fate::Deferred { .. } | Fate::Failed => 0,
    };
    let all: u32 = rows.iter().map(|(_, foreseen)| destroyed(foreseen)).sum();
    (all > most).then(|| format!("the stack destroys {all} resources and the rules allow {most}"))
}

/// The rules of a workspace: its own, else those of the stack. Who may be approved at all is the stack's to say.
fn rules_for(scene: &Scene<'_>, workspace: &str) -> Option<Rules> {
    let settings = &scene.loaded.stack.settings;
    let of_stack = settings.approve.as_ref();
    let own = settings.workspaces.get(workspace).and_then(|it| it.approve.as_ref());
    let approve = own.or(of_stack)?;
    Some(Rules {
        no_destroy: approve.no_destroy,
        max_destroy: approve.max_destroy,
        only: of_stack.and_then(|it| it.only.as_ref()).map(|names| names.iter().cloned().collect()),
    })
}

async fn ask(
    console: &Console,
    rows: &[(&str, &Foreseen)],
    preview: &Preview,
    interrupts: &mut Interrupts,
) -> Result<bool, Failure> {
    let deferred = rows.iter().any(|(_, it)| matches!(it.fate, Fate::Deferred { .. }));
    let question = match deferred {
        true => "Apply this? What is deferred is asked about when it can be planned. [yes/no/diff]",
        false => "Apply this? [yes/no/diff]",
    };
    let mut prompt = Prompt::start();
    let mut is_shown = false;
    loop {
        match is_shown {
            true => console.ask("", question),
            false => console.ask_about_stack(rows, question),
        }
        is_shown = true;
        let Some(answer) = answer(console, &mut prompt, interrupts).await? else { return Ok(false) };
        match answer.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["yes" | "y"] => return Ok(true),
            ["no" | "n"] => {
                console.say("nothing was applied");
                return Ok(false);
            }
            ["diff" | "d", names @ ..] => {
                let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
                if let Some(unknown) = names.iter().find(|name| preview.of(name).is_none()) {
                    console.say(&format!("there is no workspace \"{unknown}\" in this plan"));
                    continue;
                }
                diffs(console, rows, &names)?;
            }
            _ => console.say("please answer yes, no, or diff (diff NAME shows one workspace)"),
        }
    }
}

/// Asks about the destruction of these workspaces, which is said with what each holds.
pub(super) async fn approve_destruction(
    console: &Console,
    list: &[(String, String)],
    interrupts: &mut Interrupts,
) -> Result<bool, Failure> {
    let width = list.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let lines: Vec<String> = list.iter().map(|(name, what)| format!("  {name:<width$}  {what}\n")).collect();
    let before = format!("These workspaces are destroyed, in this order:\n\n{}\n", lines.concat());
    let mut prompt = Prompt::start();
    loop {
        console.ask(&before, "Destroy all of this? There is no undo. [yes/no]");
        let Some(answer) = answer(console, &mut prompt, interrupts).await? else { return Ok(false) };
        match answer.trim() {
            "yes" | "y" => return Ok(true),
            "no" | "n" => {
                console.say("nothing was destroyed");
                return Ok(false);
            }
            _ => console.say("please answer yes or no"),
        }
    }
}

/// The answer to what was just asked; `None` where nobody is there to give one.
async fn answer(
    console: &Console,
    prompt: &mut Prompt,
    interrupts: &mut Interrupts,
) -> Result<Option<String>, Failure> {
    prompt.ask();
    let answer = interrupts.unless(async { Ok(prompt.answer().await) }).await;
    console.release();
    let answer = answer?;
    if answer.is_none() {
        console.notice("nobody is there to answer, which is a no; --auto-approve does not ask");
    }
    Ok(answer)
}

/// Whoever sits here, as the system calls them.
fn person() -> String {
    let named = |name| std::env::var(name).ok().filter(|it: &String| !it.is_empty());
    named("USER").or_else(|| named("LOGNAME")).unwrap_or_else(|| "a person at the console".to_owned())
}
