//! Every route, and who may use it, held against a table. A route without a row fails the test, so nobody adds one unseen.
//!
//! `own` is the workspace of the run whose token asks, `other` one of another project that shares nothing with it. Those of
//! the table's heads:
//!
//! - *outsider*: a user who owns another organization and is not in this one; *member*: one who is in it and in no team;
//! - *reads*, *plans*, *writes*, *admin*: users in a team with that role on a workspace and its project; the last two each have a
//!   workspace of their own, since what they delete is gone for those who ask after them;
//! - *team*: the token of a team that plans; *organization*: its token, which asks for `other`; *site*: the administrator of the
//!   site, who asks last;
//! - *run, own* and *run, other*: the token of the run of `own`, for that workspace and for the other.
//!
//! A cell is the status of a refusal, `none` for a list with nothing in it, or `yes`. Pages are asked for by a browser in which
//! somebody has signed in: `sign-in` is where it is led that may not see them. On SQLite alone: the rules know no database.
//!
//! That the table would notice a question that is not asked any more is shown by [`sites`].

mod place;
mod sites;
mod world;

use std::fmt::Write as _;

use expect_test::expect_file;
use figures::Figures;
use serde_json::Value;

use self::world::{Asker, Cell, World};

/// The columns, and who asks in each.
const HEADS: [&str; 12] = [
    "anonymous",
    "outsider",
    "member",
    "reads",
    "plans",
    "writes",
    "admin",
    "site",
    "organization",
    "team",
    "run, own",
    "run, other",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_is_open_to_whom_the_table_says() {
    let world = World::prepare().await;
    // Whoever may do little asks first, and what ends things comes last: a deleted workspace would answer 404 to all.
    let routes = world::routes();
    let mut rows = Vec::new();
    for (method, path) in &routes {
        let mut cells = Vec::new();
        for asker in Asker::CAUTIOUS {
            cells.push((asker, world.ask(asker, method, path).await));
        }
        rows.push(((path.clone(), *method), cells));
    }
    for ((path, method), cells) in &mut rows {
        // Some routes take the organization's token back, and others end what it belongs to.
        world.renew_organization_token().await;
        for asker in Asker::LAST {
            cells.push((asker, world.ask(asker, method, path).await));
        }
        cells.sort();
    }
    rows.sort();
    let mut table = format!("{:<82}", "route");
    for head in HEADS {
        write!(table, " {head:<9}").unwrap();
    }
    let mut table = format!("{}\n", table.trim_end());
    for ((path, method), cells) in &rows {
        let mut line = format!("{method:<6} {path:<75}");
        for ((_, Cell(cell)), head) in cells.iter().zip(HEADS) {
            write!(line, " {cell:<width$}", width = head.len().max(9)).unwrap();
        }
        writeln!(table, "{}", line.trim_end()).unwrap();
    }
    assert!(!table.contains("broken"), "{table}");
    expect_file!["../permissions.golden"].assert_eq(&table);
    let cells = rows.len() * HEADS.len();
    Figures::of("matrix", cells, cells).with("unexpected", unexpected(&table)).report();
}

/// Cells of a table that let somebody in where the golden table does not.
fn unexpected(table: &str) -> usize {
    let golden = include_str!("../permissions.golden");
    let open = |text: &str| -> Vec<bool> { text.split_whitespace().map(|word| word == "yes").collect() };
    table
        .lines()
        .zip(golden.lines())
        .map(|(now, then)| open(now).into_iter().zip(open(then)).filter(|(now, then)| *now && !then).count())
        .sum()
}

/// The body of a request, if it has one.
type Body = Option<Value>;
