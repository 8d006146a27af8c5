//! The stacks in `examples/`, which documentation and demonstrations use.

use std::path::Path;

use configuration::{Limits, check, pack, read_stack};
use expect_test::{Expect, expect};

fn check_example(name: &str, expected: Expect) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    let stack = read_stack(&dir).expect("a stack");
    let mut text: String =
        stack.edges.iter().map(|edge| format!("{} -> {}\n", edge.upstream, edge.downstream)).collect();
    text.extend(stack.notices.iter().map(|notice| format!("{notice}\n")));
    expected.assert_eq(&text);
    assert_eq!(stack.readers.len(), stack.edges.len(), "one block for each edge");
    let limits = Limits::default();
    check(&pack(&stack, &limits).expect("an archive"), &limits).expect("a good archive");
}

#[test]
fn kubernetes_is_a_tree_of_four() {
    check_example(
        "kubernetes",
        expect![[r#"
        cluster -> dns
        cluster -> ingress
        machines -> cluster
    "#]],
    );
}

#[test]
fn chain_is_a_line() {
    check_example(
        "chain",
        expect![[r#"
        a -> b
        b -> c
    "#]],
    );
}

#[test]
fn mesh_has_every_edge_from_u_to_d() {
    check_example(
        "mesh",
        expect![[r#"
        u1 -> d1
        u1 -> d2
        u1 -> d3
        u2 -> d1
        u2 -> d2
        u2 -> d3
        u3 -> d1
        u3 -> d2
        u3 -> d3
    "#]],
    );
}
