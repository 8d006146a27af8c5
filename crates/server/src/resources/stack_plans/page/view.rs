//! The plan of a stack as its pages have it: what the templates need.

use std::collections::BTreeMap;

use askama::Template;
use domain::Problem;
use domain::stack_plan::Status;

use super::super::service::Whole;
use super::super::{Counts, Fate, Row, Totals};
use crate::app::App;
use crate::resources::runs::{self, Changes, Moment};
use crate::storage::Tx;

/// Most resources and outputs of all plans together whose lines are on the page; the pages of the runs have them all.
const SHOWN: usize = 1000;
/// Up to so many plans are open from the start.
const OPEN: usize = 3;

/// A plan in a list.
pub struct Listed {
    /// Its page.
    pub address: String,
    /// What it is of.
    pub title: String,
    /// How it stands.
    pub status: Badge,
    /// What it comes to.
    pub total: String,
    /// How many objects that exist would be destroyed, in words; nothing when none would.
    pub destroys: Option<String>,
    /// Who made it.
    pub by: String,
    /// When.
    pub at: Moment,
    /// Who decided.
    pub decided_by: Option<String>,
}

/// A status in words, and the class that it is dressed by.
pub type Badge = (&'static str, &'static str);

/// A plan as its page has it; the parts that change while it is looked at.
pub struct View {
    /// Address of its page.
    pub address: String,
    /// What every form carries.
    pub form_token: String,
    /// What it is of.
    pub title: String,
    /// How it stands.
    pub status: Badge,
    /// What there is to say about that.
    pub because: String,
    /// What was said along with the decision.
    pub comment: Option<String>,
    /// Whether there is something to decide for whoever looks.
    pub asks: bool,
    /// Whether a yes would be heard.
    pub is_awaited: bool,
    /// Why whoever looks may not decide, while it is to be decided.
    pub not_theirs: Option<String>,
    /// What it comes to.
    pub total: String,
    /// How many objects that exist would be destroyed, in words; nothing when none would.
    pub destroys: Option<String>,
    /// Titles of the columns of numbers.
    pub columns: Vec<&'static str>,
    /// Workspaces that are planned or deferred.
    pub lines: Vec<Line>,
    /// Names of workspaces that are not planned, because nothing of them has changed.
    pub unchanged: Vec<String>,
    /// Whether runs that apply it are to be expected.
    pub applies: bool,
    /// Who made it, when, and what it is known by: heads and texts.
    pub facts: Vec<(&'static str, String)>,
}

/// A row of the table.
pub struct Line {
    /// Name of the workspace.
    pub workspace: String,
    /// Its page.
    pub address: String,
    /// Where on this page its changes stand, if it has some.
    pub changes: Option<String>,
    /// The numbers, with the class of each; one that is not known is a question mark.
    pub numbers: Vec<(String, &'static str)>,
    /// Why it runs, or cannot be planned.
    pub why: String,
    /// Whether it cannot be planned.
    pub deferred: bool,
    /// The run that applies it: its page, its status and the class of that.
    pub run: Option<(String, &'static str, &'static str)>,
}

/// What one workspace's plan would do, in full.
pub struct Difference {
    /// What the table calls it by.
    pub id: String,
    /// Name of the workspace.
    pub workspace: String,
    /// What it comes to.
    pub total: String,
    /// Whether it destroys something.
    pub destroys: bool,
    /// Page of the run that planned it.
    pub run: Option<String>,
    /// The changes; none when there are too many on this page already.
    pub changes: Option<String>,
    /// Whether they are seen from the start.
    pub open: bool,
}

impl Listed {
    /// From a plan.
    pub fn of(whole: &Whole, organization: &str) -> Self {
        let plan = &whole.plan;
        Self {
            address: address(organization, &plan.id),
            title: title(whole),
            status: status(whole),
            total: total(&plan.totals),
            destroys: destroys(&plan.totals.counts),
            by: whole.created_by.clone(),
            at: Moment(plan.created_at),
            decided_by: whole.decided_by.clone(),
        }
    }
}

/// What the page of a plan has, but for the changes in full.
///
/// # Errors
/// `storage/unavailable`.
pub async fn of(tx: &Tx, whole: &Whole, organization: &str, form_token: String) -> Result<View, Problem> {
    let plan = &whole.plan;
    let pending = whole.status() == Status::Pending;
    let columns = columns(&plan.totals.counts);
    let applying = applying(tx, whole, organization).await?;
    let is_shown = |row: &Row| row.fate != Fate::Unchanged;
    let shown = whole.rows.iter().enumerate().filter(|(_, (row, _))| is_shown(row));
    let lines = shown.map(|(at, (row, workspace))| Line {
        workspace: workspace.name.clone(),
        address: format!("/app/{organization}/workspaces/{}", workspace.name),
        changes: row.has_changes.then(|| anchor(at)),
        numbers: columns.iter().map(|column| number(row, column)).collect(),
        why: why(row),
        deferred: row.fate == Fate::Deferred,
        run: applying.get(&workspace.id).cloned(),
    });
    let unchanged = whole.rows.iter().filter(|(row, _)| !is_shown(row)).map(|(_, workspace)| workspace.name.clone());
    Ok(View {
        address: address(organization, &plan.id),
        form_token,
        title: title(whole),
        status: status(whole),
        because: because(whole),
        comment: plan.comment.clone(),
        asks: pending && whole.may_decide,
        is_awaited: whole.is_awaited,
        not_theirs: not_theirs(whole).filter(|_| pending),
        total: total(&plan.totals),
        destroys: destroys(&plan.totals.counts),
        columns: columns.iter().map(|(title, ..)| *title).collect(),
        lines: lines.collect(),
        unchanged: unchanged.collect(),
        applies: whole.status() == Status::Approved,
        facts: facts(whole),
    })
}

/// The changes of each workspace that has some, in full as far as the page can hold them.
///
/// # Errors
/// `storage/…`, `run/plan`.
pub async fn differences(app: &App, whole: &Whole, organization: &str) -> Result<Vec<Difference>, Problem> {
    let changing = whole.rows.iter().enumerate().filter(|(_, (row, _))| row.has_changes);
    let open = changing.clone().count() <= OPEN;
    let (mut found, mut left) = (Vec::new(), SHOWN);
    for (at, (row, workspace)) in changing {
        let outline = match row.plan.as_ref().filter(|_| left > 0) {
            Some(plan) => runs::outline::of_plan(app, plan).await?,
            None => None,
        };
        let changes = outline.map(|outline| Changes::of(&outline, format!("{}-", anchor(at)), "h4"));
        let changes = changes.filter(|changes| changes.len() <= left);
        left = changes.as_ref().map_or(0, |changes| left - changes.len());
        let changes = changes.map(|changes| changes.render()).transpose();
        let totals = Totals { counts: row.counts, changing: 0, deferred: 0 };
        found.push(Difference {
            id: anchor(at),
            workspace: workspace.name.clone(),
            total: parts(&totals.counts).unwrap_or_else(|| "only outputs change".to_owned()),
            destroys: destroyed(&row.counts) > 0,
            run: row.run.as_ref().map(|run| format!("/app/{organization}/{}/runs/{run}", workspace.name)),
            changes: changes.map_err(|error| Problem::ours("access/answer", "The page could not be made.", error))?,
            open,
        });
    }
    Ok(found)
}

fn address(organization: &str, id: &str) -> String {
    format!("/app/{organization}/plans/{id}")
}

fn anchor(at: usize) -> String {
    format!("changes-{}", at + 1)
}

fn title(whole: &Whole) -> String {
    match whole.plan.message.trim() {
        "" => "Plan of a stack".to_owned(),
        message => message.to_owned(),
    }
}

fn status(whole: &Whole) -> Badge {
    match whole.status() {
        Status::Pending if whole.is_awaited => ("Waits for approval", "asks"),
        Status::Pending => ("Nobody waits for it", "quiet"),
        Status::Approved => ("Approved", "good"),
        Status::Discarded => ("Discarded", "quiet"),
        Status::Withdrawn => ("Withdrawn", "quiet"),
    }
}

fn because(whole: &Whole) -> String {
    let by = whole.decided_by.as_deref().unwrap_or("Somebody");
    let at = whole.plan.decided_at.map(|at| Moment(at).shown()).unwrap_or_default();
    let maker = &whole.created_by;
    match whole.status() {
        Status::Pending if whole.is_awaited => {
            format!("{maker} made it and waits for an answer, here or where it was made. The first answer counts.")
        }
        Status::Pending => {
            "Whoever made it does not wait any more, so nothing would come of a yes. The same command makes a new plan."
                .to_owned()
        }
        Status::Approved => {
            format!("{by} approved it at {at}. Each workspace is applied only while its own plan is what stands here.")
        }
        Status::Discarded => format!("{by} discarded it at {at}. Nothing was applied."),
        Status::Withdrawn => format!("{by} took it back at {at}, before anybody decided."),
    }
}

fn not_theirs(whole: &Whole) -> Option<String> {
    (!whole.may_decide).then(|| match whole.hidden {
        0 => "To decide about it one must be allowed to decide about the runs of all its workspaces.".to_owned(),
        1 => "One more workspace of it is gone, or is not yours to see, so you cannot decide about it.".to_owned(),
        more => {
            format!("{more} more workspaces of it are gone, or are not yours to see, so you cannot decide about it.")
        }
    })
}

fn facts(whole: &Whole) -> Vec<(&'static str, String)> {
    let plan = &whole.plan;
    let mut facts = vec![
        ("Made by", whole.created_by.clone()),
        ("Made at", Moment(plan.created_at).shown()),
        ("Id", plan.id.clone()),
        ("Digest of what is approved", plan.digest.clone()),
    ];
    if whole.hidden > 0 && whole.status() != Status::Pending {
        facts.push(("Workspaces that are not shown", whole.hidden.to_string()));
    }
    facts
}

type Column = (&'static str, &'static str, fn(&Counts) -> u32);

/// The three that people look for always; the rare ones when there are any.
fn columns(counts: &Counts) -> Vec<Column> {
    let mut columns: Vec<Column> =
        vec![("Add", "add", |it| it.add), ("Change", "change", |it| it.change), ("Destroy", "remove", |it| it.destroy)];
    let rare: [Column; 4] = [
        ("Replace", "remove", |it| it.replace),
        ("Import", "add", |it| it.import),
        ("Move", "same", |it| it.moved),
        ("Forget", "change", |it| it.forget),
    ];
    columns.extend(rare.into_iter().filter(|(_, _, of)| of(counts) > 0));
    columns
}

fn number(row: &Row, (_, class, of): &Column) -> (String, &'static str) {
    match (row.fate, of(&row.counts)) {
        (Fate::Planned, 0) => ("0".to_owned(), "same"),
        (Fate::Planned, count) => (count.to_string(), *class),
        (Fate::Unchanged | Fate::Deferred, _) => ("?".to_owned(), "same"),
    }
}

fn why(row: &Row) -> String {
    let why = row.why.join("; ");
    let only_outputs = row.has_changes && row.counts == Counts::default();
    match row.fate {
        Fate::Deferred => {
            let until = and(&row.deferred_until);
            let reason = row.reason.as_deref().unwrap_or("it cannot be planned yet");
            format!("deferred until {until}: {reason}")
        }
        Fate::Planned if !row.has_changes => "no changes".to_owned(),
        Fate::Planned if only_outputs => format!("{why} (only outputs change)").trim_start().to_owned(),
        Fate::Planned | Fate::Unchanged => why,
    }
}

fn and(names: &[String]) -> String {
    match names {
        [] => "something else is applied".to_owned(),
        [one] => format!("{one} is applied"),
        [most @ .., last] => format!("{} and {last} are applied", most.join(", ")),
    }
}

/// `2 to add, 1 to destroy`; nothing when no resource is touched.
fn parts(counts: &Counts) -> Option<String> {
    let all = [
        (counts.add, "to add"),
        (counts.change, "to change"),
        (counts.destroy, "to destroy"),
        (counts.replace, "to replace"),
        (counts.import, "to import"),
        (counts.moved, "to move"),
        (counts.forget, "to forget"),
    ];
    let parts: Vec<String> =
        all.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn total(totals: &Totals) -> String {
    let workspaces = |count: u32| if count == 1 { "1 workspace".to_owned() } else { format!("{count} workspaces") };
    let mut text = match totals.changing {
        0 => "Nothing to change".to_owned(),
        count => {
            let parts = parts(&totals.counts).unwrap_or_else(|| "Only outputs change".to_owned());
            format!("{parts}, in {}", workspaces(count))
        }
    };
    if totals.deferred > 0 {
        text += &format!("; {} deferred", workspaces(totals.deferred));
    }
    text
}

fn destroyed(counts: &Counts) -> u32 {
    counts.destroy + counts.replace
}

fn destroys(counts: &Counts) -> Option<String> {
    match destroyed(counts) {
        0 => None,
        1 => Some("1 object that exists is destroyed.".to_owned()),
        more => Some(format!("{more} objects that exist are destroyed.")),
    }
}

/// Page, status and its class of each run that applies it, by workspace.
async fn applying(
    tx: &Tx,
    whole: &Whole,
    organization: &str,
) -> Result<BTreeMap<String, (String, &'static str, &'static str)>, Problem> {
    let with_run = whole.rows.iter().filter_map(|(_, it)| Some((whole.runs.get(&it.id)?.clone(), it.clone())));
    let with_run: Vec<_> = with_run.collect();
    let ids: Vec<String> = with_run.iter().map(|(_, workspace)| workspace.id.clone()).collect();
    let rows = runs::rows(tx, organization, with_run).await?;
    Ok(ids.into_iter().zip(rows).map(|(id, row)| (id, (row.address, row.status, row.tone.class()))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fate: Fate, counts: Counts) -> Row {
        Row {
            workspace: "ws-1".into(),
            fate,
            counts,
            has_changes: counts != Counts::default(),
            why: vec!["own code".into(), "output id of net".into()],
            deferred_until: vec!["net".into(), "dns".into()],
            reason: Some("Invalid count argument".into()),
            run: None,
            plan: None,
            note: None,
        }
    }

    #[test]
    fn why_a_workspace_is_in_the_plan_is_said_as_in_the_terminal() {
        let counts = Counts { add: 1, ..Counts::default() };
        assert_eq!(why(&row(Fate::Planned, counts)), "own code; output id of net");
        assert_eq!(why(&row(Fate::Planned, Counts::default())), "no changes");
        let only_outputs = Row { has_changes: true, ..row(Fate::Planned, Counts::default()) };
        assert_eq!(why(&only_outputs), "own code; output id of net (only outputs change)");
        assert_eq!(
            why(&row(Fate::Deferred, Counts::default())),
            "deferred until net and dns are applied: Invalid count argument"
        );
    }

    #[test]
    fn a_column_of_rare_things_is_there_when_there_are_any_and_what_is_not_known_is_a_question_mark() {
        let counts = Counts { add: 2, replace: 1, ..Counts::default() };
        let columns = columns(&counts);
        assert_eq!(columns.iter().map(|it| it.0).collect::<Vec<_>>(), ["Add", "Change", "Destroy", "Replace"]);
        let numbers = |fate| columns.iter().map(|column| number(&row(fate, counts), column)).collect::<Vec<_>>();
        assert_eq!(numbers(Fate::Planned)[3], ("1".to_owned(), "remove"));
        assert!(numbers(Fate::Deferred).iter().all(|(text, _)| text == "?"));
    }

    #[test]
    fn what_a_plan_comes_to_is_one_sentence() {
        let counts = Counts { add: 1, destroy: 2, ..Counts::default() };
        let totals = Totals { counts, changing: 2, deferred: 1 };
        assert_eq!(total(&totals), "1 to add, 2 to destroy, in 2 workspaces; 1 workspace deferred");
        assert_eq!(total(&Totals { changing: 1, ..Totals::default() }), "Only outputs change, in 1 workspace");
        assert_eq!(total(&Totals::default()), "Nothing to change");
        assert_eq!(destroys(&counts).as_deref(), Some("2 objects that exist are destroyed."));
    }
}
