//! Whether what some code reads of files lies in the code itself, so that it is the same whenever it is read.
//!
//! Absent: what providers and programs read. A function of a provider counts as one that reads elsewhere, and so does one whose path is put together
//! of anything but the folder of its module and plain text.

use std::fs;
use std::path::{Component, Path, PathBuf};

use hcl_edit::expr::{Expression, FuncCall, Traversal, TraversalOperator};
use hcl_edit::template::{Element, ForTemplateExpr, StringTemplate};
use hcl_edit::visit::{self, Visit};

use crate::module;

/// Functions that read files.
///
/// Source: <https://developer.hashicorp.com/terraform/language/functions>
const READING: [&str; 12] = [
    "file",
    "filebase64",
    "filebase64sha256",
    "filebase64sha512",
    "fileexists",
    "filemd5",
    "fileset",
    "filesha1",
    "filesha256",
    "filesha512",
    "templatefile",
    "templatestring",
];

/// Whether the functions in the code of the modules in `folders`, the root first, read no files but those beside it. `false` where a file of them
/// cannot be read as Terraform code.
pub fn reads_its_own_files(folders: &[PathBuf]) -> bool {
    let Some(root) = folders.first() else { return true };
    folders.iter().all(|folder| {
        module::configuration_files(folder).into_iter().all(|name| {
            let Some((text, body)) = module::parse(&folder.join(&name), String::new(), &mut Vec::new()) else {
                return false;
            };
            if name.ends_with(".json") {
                return !may_read(&text.text);
            }
            let mut search = Search { root, module: folder, found: false };
            search.visit_body(&body);
            !search.found
        })
    })
}

/// Whether something in a text looks like a call of such a function: in JSON, where an expression is text in a string, or in a template.
fn may_read(text: &str) -> bool {
    let calls = |function: &&str| {
        text.match_indices(*function).any(|(at, word)| text[at + word.len()..].trim_start().starts_with('('))
    };
    READING.iter().any(calls) || text.contains("provider::")
}

/// Looks for a call that may read something else.
struct Search<'a> {
    /// Folder of the root.
    root: &'a Path,
    /// Folder of the module that is looked through.
    module: &'a Path,
    found: bool,
}

impl Search<'_> {
    /// Whether a call of one of the functions reads a file that is there, and what that may read is there too.
    fn is_own(&self, call: &FuncCall) -> bool {
        let mut arguments = call.args.iter();
        let Some(path) = arguments.next().and_then(|first| self.path(first)) else { return false };
        match call.name.name.as_str() {
            "fileset" => matches!(arguments.next(), Some(Expression::String(pattern)) if is_below(pattern.value())),
            "templatefile" => fs::read_to_string(path).is_ok_and(|template| !may_read(&template)),
            "templatestring" => false,
            _ => true,
        }
    }

    /// Where a path leads, if it is a plain one below the folder of the module or, where it begins with none, of the root.
    fn path(&self, path: &Expression) -> Option<PathBuf> {
        match path {
            Expression::String(text) if is_below(text.value()) => Some(self.root.join(text.value())),
            Expression::StringTemplate(template) => below_module(template).map(|rest| self.module.join(rest)),
            Expression::Traversal(traversal) if is_module(traversal) => Some(self.module.to_owned()),
            Expression::Parenthesis(inner) => self.path(inner.inner()),
            _ => None,
        }
    }
}

impl Visit for Search<'_> {
    fn visit_func_call(&mut self, call: &FuncCall) {
        let is_of_provider = call.name.namespace.first().is_some_and(|first| first.as_str() == "provider");
        let reads = READING.contains(&call.name.name.as_str());
        self.found |= is_of_provider || (reads && !self.is_own(call));
        visit::visit_func_call(self, call);
    }

    fn visit_for_template_expr(&mut self, directive: &ForTemplateExpr) {
        // The visitor of the crate passes over what is gone through.
        self.visit_expr(&directive.collection_expr);
        visit::visit_for_template_expr(self, directive);
    }
}

/// The `a/b` of `"${path.module}/a/b"`.
fn below_module(template: &StringTemplate) -> Option<&str> {
    let mut elements = template.iter();
    match elements.next()? {
        Element::Interpolation(first) if matches!(&first.expr, Expression::Traversal(it) if is_module(it)) => {}
        _ => return None,
    }
    match (elements.next(), elements.next()) {
        (None, _) => Some(""),
        (Some(Element::Literal(rest)), None) => rest.strip_prefix('/').filter(|rest| is_below(rest)),
        _ => None,
    }
}

/// `path.module`.
fn is_module(traversal: &Traversal) -> bool {
    let is_path = matches!(&traversal.expr, Expression::Variable(name) if name.as_str() == "path");
    match traversal.operators.as_slice() {
        [only] => matches!(only.value(), TraversalOperator::GetAttr(name) if is_path && name.as_str() == "module"),
        _ => false,
    }
}

fn is_below(path: &str) -> bool {
    // Terraform puts the home folder in the place of a tilde.
    !path.starts_with('~')
        && Path::new(path).components().all(|it| matches!(it, Component::Normal(_) | Component::CurDir))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads_its_own(name: &str, text: &str) -> bool {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), text).unwrap();
        fs::write(folder.path().join("plain.tftpl"), "${x}, a file of mine").unwrap();
        fs::write(folder.path().join("reads.tftpl"), "${file (x)}").unwrap();
        reads_its_own_files(&[folder.path().to_owned()])
    }

    #[test]
    fn files_beside_the_code_are_its_own() {
        for expression in [
            "1",
            "filename",
            "file(\"a/b.txt\")",
            "file(\"./b.txt\")",
            "file((\"b.txt\"))",
            "fileset(path.module, \"**/*.json\")",
            "templatefile(\"${path.module}/plain.tftpl\", { x = var.x })",
            "upper(filesha256(\"${path.module}/a\"))",
        ] {
            assert!(reads_its_own("main.tf", &format!("locals {{\n  a = {expression}\n}}\n")), "{expression}");
        }
        assert!(reads_its_own("main.tf.json", r#"{"locals": {"file": "a file of mine", "b": "${fileish(1)}"}}"#));
    }

    #[test]
    fn what_may_lie_elsewhere_is_found_wherever_it_is_read() {
        for expression in [
            "file(\"/etc/hostname\")",
            "file(\"../a\")",
            "fileset(path.module, \"../*\")",
            "fileset(path.module, var.x)",
            "templatefile(\"reads.tftpl\", {})",
            "templatefile(\"none.tftpl\", {})",
            "templatestring(local.x, {})",
            "file(\"~/.kube/config\")",
            "file(var.x)",
            "core::file(\"/a\")",
            "file(\"${path.module}/../a\")",
            "file(\"${path.module}/${var.x}\")",
            "file(\"${path.module}a\")",
            "file(\"${path.cwd}/a\")",
            "file(path.cwd)",
            "provider::local::direxists(\"a\")",
            "\"%{ for it in fileset(\"/a\", \"*\") }${it}%{ endfor }\"",
            "\"${jsondecode(filebase64(abspath(\"a\")))}\"",
            "[for it in [1] : fileexists(\"/a\")]",
        ] {
            assert!(!reads_its_own("main.tf", &format!("locals {{\n  a = {expression}\n}}\n")), "{expression}");
        }
        assert!(!reads_its_own("main.tf.json", r#"{"locals": {"a": "${file (\"b.txt\")}"}}"#));
        assert!(!reads_its_own("main.tf.json", r#"{"locals": {"a": "${provider::local::direxists(\"b\")}"}}"#));
        assert!(!reads_its_own("main.tf", "locals {"), "code that cannot be read");
    }
}
