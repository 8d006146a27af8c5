//! Documents of stacks.

use expect_test::expect_file;
use wire::Document;
use wire::stacks::{Stack, StackAttributes, StackEvent, StackLifetime, StackLifetimeAttributes, StackMember};

use super::{at, check};

#[test]
fn a_stack() {
    let attributes = StackAttributes {
        name: "demo".to_owned(),
        status: "active".to_owned(),
        workspace_ids: vec!["ws-1".to_owned()],
        tag: Some("web".to_owned()),
        expires_at: Some(at(60)),
        workspaces: vec![StackMember { id: "ws-1".to_owned(), name: "net".to_owned(), resource_count: 3 }],
        events: vec![StackEvent {
            kind: "first-reminder".to_owned(),
            message: "The stack ends in 24 hours.".to_owned(),
            at: at(30),
        }],
        created_at: at(0),
        updated_at: at(0),
        ..Default::default()
    };
    check(&Document::new(Stack::new("stk-1", attributes)), expect_file!["../../golden/stack.json"]);
    let lifetime = StackLifetime::new("fancycorp", StackLifetimeAttributes { most_hours: Some(72) });
    check(&Document::new(lifetime), expect_file!["../../golden/stack_lifetime.json"]);
}
