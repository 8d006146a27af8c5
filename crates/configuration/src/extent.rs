//! How many resources the code of a run may come to, as far as the code says so itself, and whether it asks for the name of its workspace.
//!
//! Absent: evaluating. A `count` that is a number, or a variable with a number, counts as that; everything else counts as one resource, so
//! the answer is a lower bound for code whose modules are called once.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hcl_edit::expr::{Expression, Traversal, TraversalOperator};
use hcl_edit::structure::{Block, Body};
use hcl_edit::template::ForTemplateExpr;
use hcl_edit::visit::{self, Visit};

use crate::module;

/// What is told of some code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// Instances of resources that the code says it has, at least.
    pub instances: u64,
    /// Something in it depends on `terraform.workspace`.
    pub names_workspace: bool,
}

/// The extent of the modules in `folders`, the root first; `given` are values of variables of the root.
///
/// `None` when a file of them cannot be read as Terraform code.
pub fn extent(folders: &[PathBuf], given: &BTreeMap<&str, &str>) -> Option<Extent> {
    let nothing = BTreeMap::new();
    let mut extent = Extent::default();
    for (at, folder) in folders.iter().enumerate() {
        let mut bodies = Vec::new();
        for name in module::configuration_files(folder) {
            let (text, body) = module::parse(&folder.join(&name), String::new(), &mut Vec::new())?;
            extent.names_workspace |= name.ends_with(".json") && may_name_workspace(&text.text);
            bodies.push(body);
        }
        let given = if at == 0 { given } else { &nothing };
        let numbers = Numbers { given, bodies: &bodies };
        for body in &bodies {
            let mut search = Search::default();
            search.visit_body(body);
            extent.names_workspace |= search.found;
            let resources = body.blocks().filter(|block| block.ident.as_str() == "resource");
            extent.instances = resources.fold(extent.instances, |sum, it| sum.saturating_add(numbers.instances(it)));
        }
    }
    Some(extent)
}

/// In JSON an expression is text in a string. Names of types go on with an underscore, names of blocks end there.
fn may_name_workspace(json: &str) -> bool {
    json.match_indices("terraform").any(|(at, word)| !json[at + word.len()..].starts_with(['_', '"', '-', '/']))
}

/// What can be told of numbers in one module.
struct Numbers<'a> {
    given: &'a BTreeMap<&'a str, &'a str>,
    bodies: &'a [Body],
}

impl Numbers<'_> {
    fn instances(&self, resource: &Block) -> u64 {
        let count = resource.body.get_attribute("count").map(|attribute| &attribute.value);
        match count {
            Some(Expression::Traversal(traversal)) => variable(traversal).and_then(|name| self.of_variable(name)),
            Some(expression) => number(expression),
            None => None,
        }
        .unwrap_or(1)
    }

    fn of_variable(&self, name: &str) -> Option<u64> {
        if let Some(given) = self.given.get(name) {
            return given.trim().parse().ok();
        }
        let is_it = |block: &&Block| {
            block.ident.as_str() == "variable" && block.labels.first().is_some_and(|label| label.as_str() == name)
        };
        let declared = self.bodies.iter().flat_map(Body::blocks).find(is_it)?;
        number(&declared.body.get_attribute("default")?.value)
    }
}

fn number(expression: &Expression) -> Option<u64> {
    match expression {
        Expression::Number(number) => number.value().as_u64(),
        _ => None,
    }
}

/// The name in `var.NAME`.
fn variable(traversal: &Traversal) -> Option<&str> {
    match (&traversal.expr, traversal.operators.as_slice()) {
        (Expression::Variable(first), [only]) if first.as_str() == "var" => match only.value() {
            TraversalOperator::GetAttr(name) => Some(name.as_str()),
            _ => None,
        },
        _ => None,
    }
}

/// Looks for `terraform.workspace`; all else that begins with that name is rare, and counts as it.
#[derive(Default)]
struct Search {
    found: bool,
}

impl Visit for Search {
    fn visit_expr(&mut self, expression: &Expression) {
        if let Expression::Variable(name) = expression {
            self.found |= name.as_str() == "terraform";
        }
        visit::visit_expr(self, expression);
    }

    fn visit_for_template_expr(&mut self, directive: &ForTemplateExpr) {
        // The visitor of the crate passes over what is gone through.
        self.visit_expr(&directive.collection_expr);
        visit::visit_for_template_expr(self, directive);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)], given: &[(&str, &str)]) -> Option<Extent> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = folder.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        let folders = ["root", "m"].map(|name| folder.path().join(name));
        extent(&folders, &given.iter().copied().collect())
    }

    #[test]
    fn a_count_is_known_where_it_is_a_number_or_a_variable_with_one() {
        let root = r#"
            variable "default" { default = 300 }
            variable "given" { default = 1 }
            variable "unknown" {}
            resource "t" "number" { count = 20 }
            resource "t" "default" { count = var.default }
            resource "t" "given" { count = var.given }
            resource "t" "unknown" { count = var.unknown }
            resource "t" "each" { for_each = toset(["a", "b"]) }
            resource "t" "one" {}
            data "t" "none" { count = 1000 }
        "#;
        let module = "variable \"given\" { default = 7 }\nresource \"t\" \"given\" { count = var.given }\n";
        let found = of(&[("root/main.tf", root), ("m/main.tf", module)], &[("given", "4000")]).unwrap();
        assert_eq!(found, Extent { instances: 20 + 300 + 4000 + 3 + 7, names_workspace: false });
    }

    #[test]
    fn a_workspace_that_is_asked_for_its_name_is_found_wherever_that_is() {
        for text in [
            "locals {\n  a = terraform.workspace\n}",
            "locals {\n  a = \"x-${terraform.workspace}\"\n}",
            "locals {\n  a = terraform[\"workspace\"]\n}",
            "locals {\n  a = [for x in [1] : upper(terraform . workspace)]\n}",
            "output \"o\" {\n  value = <<-X\n    %{ for c in split(\"\", terraform.workspace) }${c}%{ endfor }\n  X\n}",
            "resource \"t\" \"x\" {\n  rule {\n    a = true ? terraform.workspace : 1\n  }\n}",
        ] {
            assert!(of(&[("root/main.tf", text)], &[]).unwrap().names_workspace, "{text}");
            assert!(of(&[("m/main.tf", text)], &[]).unwrap().names_workspace, "{text}");
        }
        let json = r#"{"locals": {"a": "${terraform.workspace}"}}"#;
        assert!(of(&[("root/main.tf.json", json)], &[]).unwrap().names_workspace);
        let json = r#"{"terraform": {}, "resource": {"terraform_data": {"x": {"count": 3}}}}"#;
        let found = of(&[("root/main.tf.json", json)], &[]).unwrap();
        assert_eq!(found, Extent { instances: 3, names_workspace: false });
        let not = "terraform {}\nresource \"terraform_data\" \"x\" {}\ndata \"terraform_remote_state\" \"y\" { workspace = \"a\" }\n";
        assert!(!of(&[("root/main.tf", not)], &[]).unwrap().names_workspace);
    }

    #[test]
    fn of_code_that_does_not_parse_nothing_is_told() {
        assert_eq!(of(&[("root/main.tf", "resource {")], &[]), None);
    }
}
