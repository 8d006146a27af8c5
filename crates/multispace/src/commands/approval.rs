//! The plan of a whole stack: shown, and approved once, before anything of it is applied.

use std::collections::BTreeMap;

use domain::plan::{Rules, needs_a_person};
use domain::stack::Direction;
use domain::{Fault, Problem};

use super::walk::Scene;
use crate::console::Console;
use crate::console::prompt::Prompt;
use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::stack::drive::Approved;
use crate::stack::host::{Answer, Question};
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
    let approved = Approved::new(preview.plans(), person());
    let question = put(scene, &approved, &records, &preview).await?;
    let answer = match &question {
        Some(question) if scene.in_browser => wait(scene.console, question, &rows, interrupts).await,
        _ => ask(scene.console, question.as_ref(), &rows, &preview, interrupts).await,
    };
    if let (Err(_), Some(question)) = (&answer, &question) {
        question.withdraw().await;
    }
    Ok(match answer? {
        Said::Yes(None) => Approval::Given(approved),
        Said::Yes(Some(by)) => Approval::Given(Approved { by, ..approved }),
        Said::No => Approval::Refused,
    })
}

/// What somebody said.
enum Said {
    /// Yes; who, when it was not the person at this terminal.
    Yes(Option<String>),
    No,
}

/// Puts the plan before people on the server, where there is one that can.
async fn put(
    scene: &Scene<'_>,
    approved: &Approved,
    records: &[Record],
    preview: &Preview,
) -> Result<Option<Question>, Failure> {
    let name = scene.loaded.stack.dir.file_name().map(|name| name.to_string_lossy().into_owned());
    let what = format!("apply of {}", name.unwrap_or_else(|| "a stack".to_owned()));
    match scene.host.put(&what, &approved.digest, records, preview).await {
        Ok(None) if scene.in_browser => Err(Problem::invalid(
            "remote/no-plans",
            "The server has no page on which the plan of a stack could be approved.",
        )
        .advice("Approve in a terminal, or give --auto-approve.")
        .into()),
        Ok(question) => Ok(question),
        Err(problem) if scene.in_browser || problem.code == "client/interrupted" => Err(problem.into()),
        Err(problem) => {
            scene.console.notice(&format!("the plan is not to be seen on the server: {problem}"));
            Ok(None)
        }
    }
}

/// Waits for what somebody says on the server.
async fn wait(
    console: &Console,
    question: &Question,
    rows: &[(&str, &Foreseen)],
    interrupts: &mut Interrupts,
) -> Result<Said, Failure> {
    console.show_stack(rows);
    console.say(&format!("\nwaits for approval at {}", question.link));
    let answer = interrupts.unless(question.answered()).await?;
    Ok(told(console, answer))
}

/// Says what somebody else has decided.
fn told(console: &Console, answer: Answer) -> Said {
    match answer {
        Answer::Approved(by) => {
            console.say(&format!("approved by {by} on the server"));
            Said::Yes(Some(format!("{by} on the server")))
        }
        Answer::Discarded(by) => {
            console.say(&format!("discarded by {by} on the server; nothing was applied"));
            Said::No
        }
        Answer::Here => {
            console.say("the plan was withdrawn; nothing was applied");
            Said::No
        }
    }
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

/// Asks here, and on the server where the plan is there as well; whoever is first counts.
async fn ask(
    console: &Console,
    question: Option<&Question>,
    rows: &[(&str, &Foreseen)],
    preview: &Preview,
    interrupts: &mut Interrupts,
) -> Result<Said, Failure> {
    let deferred = rows.iter().any(|(_, it)| matches!(it.fate, Fate::Deferred { .. }));
    let text = match deferred {
        true => "Apply this? What is deferred is asked about when it can be planned. [yes/no/diff]",
        false => "Apply this? [yes/no/diff]",
    };
    let elsewhere = question.map(|it| format!("also at {}\n", it.link)).unwrap_or_default();
    let mut prompt = Prompt::start();
    let mut answered = std::pin::pin!(answered_elsewhere(console, question));
    let mut is_shown = false;
    loop {
        match is_shown {
            true => console.ask("", text),
            false => console.ask_about_stack(rows, &elsewhere, text),
        }
        is_shown = true;
        let said = tokio::select! {
            said = answer(console, &mut prompt, interrupts) => said?,
            elsewhere = &mut answered => {
                console.break_off();
                return Ok(told(console, elsewhere?));
            }
        };
        let Some(said) = said else {
            if let Some(question) = question {
                console.notice("--approve-in-browser waits for a person who approves on the server's page");
                question.withdraw().await;
            }
            return Ok(Said::No);
        };
        let yes = match said.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["yes" | "y"] => true,
            ["no" | "n"] => false,
            ["diff" | "d", names @ ..] => {
                let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
                if let Some(unknown) = names.iter().find(|name| preview.of(name).is_none()) {
                    console.say(&format!("there is no workspace \"{unknown}\" in this plan"));
                    continue;
                }
                diffs(console, rows, &names)?;
                continue;
            }
            _ => {
                console.say("please answer yes, no, or diff (diff NAME shows one workspace)");
                continue;
            }
        };
        return decide(console, question, yes, interrupts).await;
    }
}

/// What was decided here, unless somebody was quicker on the server.
async fn decide(
    console: &Console,
    question: Option<&Question>,
    yes: bool,
    interrupts: &mut Interrupts,
) -> Result<Said, Failure> {
    let answer = match question {
        Some(question) => interrupts.unless(question.tell(yes)).await?,
        None => Answer::Here,
    };
    match (answer, yes) {
        (Answer::Here, true) => Ok(Said::Yes(None)),
        (Answer::Here, false) => {
            console.say("nothing was applied");
            Ok(Said::No)
        }
        (elsewhere, _) => Ok(told(console, elsewhere)),
    }
}

/// What somebody decides on the server; never, where there is nobody to ask.
async fn answered_elsewhere(console: &Console, question: Option<&Question>) -> Result<Answer, Problem> {
    let Some(question) = question else { return std::future::pending().await };
    match question.answered().await {
        Err(problem) if problem.fault == Fault::Unavailable => {
            console.notice(&format!("what is decided on the server is not heard here: {problem}"));
            std::future::pending().await
        }
        answer => answer,
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
    prompt.ask().await;
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
