//! The graph as text, as DOT and as Mermaid. Arrows lead from upstream to downstream. Absent: JSON.

use std::fmt::Write as _;

use super::{Graph, Reason};

impl Graph {
    /// A listing by layers: each workspace, and under it what it runs after and where that is written.
    pub fn to_text(&self) -> String {
        if self.is_empty() {
            return "The stack has no workspaces.\n".to_owned();
        }
        let mut text = String::new();
        for (number, layer) in self.layers().iter().enumerate() {
            let _ = writeln!(text, "{}step {}", if number == 0 { "" } else { "\n" }, number + 1);
            for name in layer {
                let _ = writeln!(text, "  {name}");
                let width = self.upstreams(name).map(|upstream| upstream.chars().count()).max().unwrap_or_default();
                for upstream in self.upstreams(name) {
                    let reasons = self.reasons(upstream, name);
                    if reasons.is_empty() {
                        let _ = writeln!(text, "    after {upstream}");
                    }
                    for (number, reason) in reasons.iter().enumerate() {
                        let label = if number == 0 { format!("after {upstream}") } else { String::new() };
                        let line = format!("    {label:<width$}  {}", in_full(reason), width = width + 6);
                        let _ = writeln!(text, "{}", line.trim_end());
                    }
                }
            }
        }
        text
    }

    /// The graph in the language of Graphviz; each edge's tooltip says where it is written.
    pub fn to_dot(&self) -> String {
        let mut dot = "digraph stack {\n  rankdir = LR;\n  node [shape = box];\n".to_owned();
        for name in self.names() {
            let _ = writeln!(dot, "  {};", quoted(name));
        }
        for edge in self.edges() {
            let reasons: Vec<String> = edge.reasons.iter().map(in_full).collect();
            let tooltip = match reasons.is_empty() {
                true => String::new(),
                false => format!(" [tooltip = {}]", quoted(&reasons.join("\n"))),
            };
            let _ = writeln!(dot, "  {} -> {}{tooltip};", quoted(&edge.upstream), quoted(&edge.downstream));
        }
        dot.push_str("}\n");
        dot
    }

    /// The graph as a Mermaid flowchart. Names are labels, for an identifier may be a word of the language.
    pub fn to_mermaid(&self) -> String {
        let mut chart = "flowchart LR\n".to_owned();
        let names: Vec<&str> = self.names().collect();
        for (number, name) in names.iter().enumerate() {
            let _ = writeln!(chart, "  w{number}[\"{}\"]", entities(name));
        }
        let number = |name: &str| names.binary_search(&name).unwrap_or_default();
        for edge in self.edges() {
            let _ = writeln!(chart, "  w{} --> w{}", number(&edge.upstream), number(&edge.downstream));
        }
        chart
    }
}

fn in_full(reason: &Reason) -> String {
    if reason.what.is_empty() { reason.to_string() } else { format!("{reason}  {}", reason.what) }
}

/// A DOT string: quotes, backslashes and line ends escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => {}
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Mermaid's own escape, `#` code `;`, for everything that could mean something to it or to HTML.
fn entities(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if c.is_alphanumeric() || " _-./".contains(c) {
            escaped.push(c);
        } else {
            let _ = write!(escaped, "#{};", u32::from(c));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::stack::{Edge, drawn::drawn};

    const STACK: &str = "network -> cluster\n network -> dns\n cluster -> dns\n logs";

    #[test]
    fn the_listing_says_what_waits_for_what_and_why() {
        expect![[r#"
            step 1
              logs
              network

            step 2
              cluster
                after network  cluster/main.tf:1  data.terraform_remote_state.network

            step 3
              dns
                after cluster  dns/main.tf:3  data.terraform_remote_state.cluster
                after network  dns/main.tf:2  data.terraform_remote_state.network
        "#]]
        .assert_eq(&drawn(STACK).unwrap().to_text());
    }

    #[test]
    fn the_listing_of_no_workspaces_says_so() {
        assert_eq!(Graph::new(Vec::<String>::new(), vec![]).unwrap().to_text(), "The stack has no workspaces.\n");
    }

    #[test]
    fn the_dot_form_has_every_workspace_and_edge() {
        expect![[r#"
            digraph stack {
              rankdir = LR;
              node [shape = box];
              "cluster";
              "dns";
              "logs";
              "network";
              "cluster" -> "dns" [tooltip = "dns/main.tf:3  data.terraform_remote_state.cluster"];
              "network" -> "cluster" [tooltip = "cluster/main.tf:1  data.terraform_remote_state.network"];
              "network" -> "dns" [tooltip = "dns/main.tf:2  data.terraform_remote_state.network"];
            }
        "#]]
        .assert_eq(&drawn(STACK).unwrap().to_dot());
    }

    #[test]
    fn the_mermaid_form_has_every_workspace_and_edge() {
        expect![[r#"
            flowchart LR
              w0["cluster"]
              w1["dns"]
              w2["logs"]
              w3["network"]
              w0 --> w1
              w3 --> w0
              w3 --> w1
        "#]]
        .assert_eq(&drawn(STACK).unwrap().to_mermaid());
    }

    #[test]
    fn names_cannot_break_out_of_a_drawing() {
        let edge = Edge { upstream: "a\"];x".into(), downstream: "end".into(), reasons: vec![] };
        let graph = Graph::new(["a\"];x", "end"], vec![edge]).unwrap();
        assert!(graph.to_dot().contains("  \"a\\\"];x\" -> \"end\";\n"));
        assert!(graph.to_mermaid().contains("  w0[\"a#34;#93;#59;x\"]\n"));
        assert!(graph.to_text().contains("    after a\"];x\n"));
    }
}
