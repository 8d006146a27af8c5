//! Whether the table would notice a question that is not asked any more: each place in the services where the code asks
//! `may` or `can` is made to answer yes by itself, and a cell of the table has to change.
//!
//! The places are found in the source, so a new one is tried without anybody thinking of it. A place that no cell depends on
//! stands in one of two lists here, with the reason, and the test fails as well when the reason does not hold any more.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use figures::Figures;

use super::world::{self, Asker, World};

/// A place in the source: file below `crates/server`, and line.
type Site = (String, u32);

/// Those who are refused most, and break nothing when they are not.
const ASKERS: [Asker; 7] =
    [Asker::Outsider, Asker::Member, Asker::Reads, Asker::Plans, Asker::RunOther, Asker::RunOwn, Asker::Team];

/// Files and texts of places that no cell depends on: what they ask has been asked on the way there, so that they never say
/// no while that stands. They are a second wall.
const SECOND: &[(&str, &str)] = &[
    ("limits/service.rs", SEES),
    ("teams/service.rs", SEES),
    ("projects/service.rs", SEES),
    ("stacks/service.rs", SEES),
    ("workspaces/service.rs", SEES),
    ("variable_sets/service.rs", SEES),
    ("oauth_clients/service.rs", SEES),
    ("stack_plans/service.rs", SEES),
    // Where a workspace goes is asked of the project that it goes to.
    ("workspaces/service.rs", "Action::MoveWorkspace"),
    // Of pages: a person sees the runs of every workspace that they see.
    ("edges/service.rs", SEES_RUNS),
    ("runs/listing.rs", SEES_RUNS),
    // A set stays in its project, and who manages those of the organization manages those of each project.
    ("variable_sets/service.rs", "actor.may(Action::ManageVariableSets, projects::service::on(&found))?"),
];

/// Whoever has come to an organization by its name has been asked this.
const SEES: &str = "actor.may(Action::ReadOrganization, On::Organization(&organization.id))?";

/// Whoever may see a workspace's runs.
const SEES_RUNS: &str = "actor.can(Action::ReadRun, workspaces::service::on(it))";

/// Files and texts of places whose answer is no refusal but something else, and the test that looks at it.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("limits/service.rs", "On::Server", "users::each_right_is_asked_for_by_itself"),
    (
        "memberships/service.rs",
        "actor.may(Action::ManageTeam,",
        "users::nobody_gives_a_team_more_than_their_own_teams_have",
    ),
    ("memberships/service.rs", "member.teams.retain(", "users::each_right_is_asked_for_by_itself"),
    (
        "oauth_clients/service.rs",
        "if !actor.can(Action::ManageVcs",
        "pushes::the_secret_is_for_who_manages_the_connection_and_one_that_was_given_is_not_shown",
    ),
    ("organizations/service.rs", "all.retain(", "users::who_was_invited_comes_in_by_a_link_that_works_once"),
    ("runs/service.rs", "decides: actor.can(", "teams::a_team_that_plans_plans_and_does_not_apply"),
    ("runs/service.rs", "Action::ManageWorkspace", "protection::only_who_changes_a_workspace_forces_its_destruction"),
    ("stack_plans/service.rs", SEES_RUNS, "stack_plans::a_run_that_reads_a_shared_state_sees_no_plan_of_it"),
    (
        "stacks/service.rs",
        "Action::ManageOrganization, On::Organization(&stack.",
        "users::each_right_is_asked_for_by_itself",
    ),
    ("teams/service.rs", "all.retain(", "teams::nobody_gives_a_team_more_than_they_have"),
    ("teams/service.rs", "Action::ManageOrganizationAccess", "users::each_right_is_asked_for_by_itself"),
];

/// Every place in the services that asks, with its text.
fn sites() -> BTreeMap<Site, String> {
    let mut found = BTreeMap::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src/resources")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // Pages and documents ask what to show; what they lead to asks again.
            let is_outside = matches!(name.as_str(), "api" | "page" | "api.rs" | "page.rs");
            if is_outside {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let file = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            for (number, line) in text.lines().enumerate() {
                if line.contains(".may(") || line.contains(".can(") {
                    found.insert((file.clone(), u32::try_from(number + 1).unwrap()), line.trim().to_owned());
                }
            }
        }
    }
    found
}

fn site(at: &std::panic::Location<'_>) -> Site {
    let (_, below) = at.file().split_once("crates/server/").unwrap_or(("", at.file()));
    (below.to_owned(), at.line())
}

/// A cell, and where no was said for it.
async fn watched(world: &World, asker: Asker, method: &str, path: &str) -> (world::Cell, BTreeSet<Site>) {
    let said_no = Arc::new(Mutex::new(BTreeSet::new()));
    let noted = Arc::clone(&said_no);
    let note = move |at: &'static std::panic::Location<'static>, answer: bool| {
        if !answer {
            noted.lock().unwrap().insert(site(at));
        }
        answer
    };
    let cell = server::witness::watched(Arc::new(note), world.ask(asker, method, path)).await;
    let said_no = std::mem::take(&mut *said_no.lock().unwrap());
    (cell, said_no)
}

/// The same cell where one place says yes to everything.
async fn without(world: &World, gone: &Site, asker: Asker, method: &str, path: &str) -> world::Cell {
    let gone = gone.clone();
    let yes = move |at: &'static std::panic::Location<'static>, answer: bool| answer || site(at) == gone;
    server::witness::watched(Arc::new(yes), world.ask(asker, method, path)).await
}

/// How much a request may break, when it is let through.
fn harm(method: &str) -> u8 {
    match method {
        "GET" => 0,
        "POST" => 1,
        "PATCH" | "PUT" => 2,
        _ => 3,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_is_not_asked_any_more_changes_a_cell() {
    let all = sites();
    assert!(all.len() > 50, "{} places were found in the source", all.len());
    let world = World::prepare().await;
    let routes = world::routes();
    let mut where_no: BTreeMap<Site, Vec<(u8, usize, Asker)>> = BTreeMap::new();
    for (number, (method, path)) in routes.iter().enumerate() {
        for asker in ASKERS {
            for site in watched(&world, asker, method, path).await.1 {
                where_no.entry(site).or_default().push((harm(method), number, asker));
            }
        }
    }
    for tries in where_no.values_mut() {
        tries.sort_unstable();
    }
    // What breaks least is tried first.
    let mut order: Vec<_> = all.keys().filter(|site| where_no.contains_key(*site)).collect();
    order.sort_by_key(|site| (&where_no[*site][0], *site));
    let (mut flips, mut noticed) = (0, BTreeSet::new());
    for site in order {
        for (_, number, asker) in &where_no[site] {
            let (method, path) = &routes[*number];
            let (asked, said_no) = watched(&world, *asker, method, path).await;
            if !said_no.contains(site) {
                continue;
            }
            flips += 1;
            if without(&world, site, *asker, method, path).await != asked {
                noticed.insert(site.clone());
                break;
            }
        }
    }
    let listed = |site: &Site, text: &str| {
        let second = SECOND.iter().any(|(file, part)| site.0.ends_with(file) && text.contains(part));
        let elsewhere = ELSEWHERE.iter().any(|(file, part, _)| site.0.ends_with(file) && text.contains(part));
        (second, elsewhere)
    };
    let mut wrong = Vec::new();
    let mut alone = 0;
    for (site, text) in &all {
        let (second, elsewhere) = listed(site, text);
        let (is_noticed, says_no) = (noticed.contains(site), where_no.contains_key(site));
        let shown = format!("{}:{}: {text}", site.0, site.1);
        match (is_noticed, second, elsewhere) {
            (true, true, _) | (true, _, true) => {
                wrong.push(format!("{shown}\n  is noticed now: take it out of its list"))
            }
            (true, ..) => alone += 1,
            (false, true, _) if says_no => wrong.push(format!("{shown}\n  says no, so it is no second wall")),
            (false, false, false) => {
                let why = if says_no { "says no, and no cell changes without it" } else { "never says no" };
                wrong.push(format!("{shown}\n  {why}"));
            }
            (false, ..) => {}
        }
    }
    assert!(wrong.is_empty(), "{} of {} places:\n{}", wrong.len(), all.len(), wrong.join("\n"));
    assert!(alone >= 30, "{alone} places were noticed");
    // Each place is a wall that was taken away, and the table is what has to see it.
    Figures::of("matrix", flips, flips).with("places", alone).report();
    figures::control("matrix");
}

/// The other way round: with no place made to say yes, the same questions give the same cells, so what changes them is that
/// place and not the asking.
#[test]
fn the_places_are_found_in_the_source() {
    let all = sites();
    for (_, _, test) in ELSEWHERE {
        let (module, name) = test.split_once("::").unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/{module}.rs"));
        let is_there = std::fs::read_to_string(&path).is_ok_and(|text| text.contains(&format!("fn {name}")));
        assert!(is_there, "{test} is not there");
    }
    let services = all.keys().filter(|(file, _)| file.ends_with("service.rs")).count();
    assert!(
        services > 40 && all.keys().all(|(file, _)| file.starts_with("src/resources/")),
        "{services} of {}",
        all.len()
    );
}
