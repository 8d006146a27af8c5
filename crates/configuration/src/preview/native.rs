//! One file of native syntax: references, blocks and settings replaced at their places, everything else byte for byte.

use std::ops::Range;

use hcl_edit::Span;
use hcl_edit::expr::{Expression, ObjectKey, Traversal, TraversalOperator};
use hcl_edit::structure::{Attribute, Block};
use hcl_edit::template::{ForTemplateExpr, Template};
use hcl_edit::visit::{self, Visit};

use super::{Found, TFE, Targets};
use crate::module::ReadKind;

/// What stands at a place in the text instead.
pub(super) type Edit = (Range<usize>, String);

/// The file as it is to be; `None` when it cannot be parsed.
pub(super) fn rewrite(text: &str, targets: &Targets<'_>, found: &mut Found) -> Option<String> {
    let body = hcl_edit::parser::parse_body(text).ok()?;
    let mut search = Search { text, targets, found, edits: Vec::new() };
    search.visit_body(&body);
    let edits = search.edits;
    for block in body.blocks() {
        take_in(block, text, &edits, targets, found);
    }
    Some(edited(text, 0..text.len(), &edits))
}

/// Notes what the code says about a block that is replaced, with the references in it replaced too.
fn take_in(block: &Block, text: &str, edits: &[Edit], targets: &Targets<'_>, found: &mut Found) {
    let labels: Vec<&str> = block.labels.iter().map(|label| label.as_str()).collect();
    match (block.ident.as_str(), labels.as_slice()) {
        ("data", [kind, name]) => {
            let Some(kind) = ReadKind::of("data", kind) else { return };
            let key = (kind, (*name).to_owned());
            if !targets.blocks.contains_key(&key) {
                return;
            }
            let arguments = block.body.attributes().filter_map(|attribute| {
                let value = edited(text, attribute.value.span()?, edits);
                Some((attribute.key.as_str().to_owned(), format!("({value})")))
            });
            found.arguments.entry(key).or_default().extend(arguments);
        }
        ("variable", [name]) if targets.variables.contains_key(*name) => {
            let argument = |name: &str| block.body.get_attribute(name).map(|attribute| &attribute.value);
            let sensitive = argument("sensitive").and_then(Expression::as_bool);
            found.note_variable(name, argument("type").cloned(), sensitive);
        }
        _ => {}
    }
}

/// The edits of an expression that stands by itself.
pub(super) fn edits_of_expression(
    expression: &Expression,
    text: &str,
    targets: &Targets<'_>,
    found: &mut Found,
) -> Vec<Edit> {
    let mut search = Search { text, targets, found, edits: Vec::new() };
    search.visit_expr(expression);
    search.edits
}

/// The edits of a template that stands by itself, as the strings of JSON syntax do.
pub(super) fn edits_of_template(
    template: &Template,
    text: &str,
    targets: &Targets<'_>,
    found: &mut Found,
) -> Vec<Edit> {
    let mut search = Search { text, targets, found, edits: Vec::new() };
    search.visit_template(template);
    search.edits
}

/// The part of the text in `range`, with the edits within it made.
pub(super) fn edited(text: &str, range: Range<usize>, edits: &[Edit]) -> String {
    let mut within: Vec<&Edit> =
        edits.iter().filter(|(at, _)| range.start <= at.start && at.end <= range.end).collect();
    within.sort_by_key(|(at, _)| (at.start, std::cmp::Reverse(at.end)));
    let mut out = String::with_capacity(range.len());
    let mut from = range.start;
    for (at, instead) in within {
        if at.start < from {
            continue;
        }
        out.push_str(&text[from..at.start]);
        out.push_str(instead);
        from = at.end;
    }
    out.push_str(&text[from..range.end]);
    out
}

struct Search<'a> {
    text: &'a str,
    targets: &'a Targets<'a>,
    found: &'a mut Found,
    /// They may lie within one another: of two such, the outer one counts.
    edits: Vec<Edit>,
}

impl Search<'_> {
    /// Takes a piece away and leaves its lines, so that what follows keeps its line numbers.
    fn blank(&mut self, range: Option<Range<usize>>) {
        if let Some(range) = range {
            let lines = self.text[range.clone()].matches('\n').count();
            self.edits.push((range, "\n".repeat(lines)));
        }
    }

    fn is_gone(&self, block: &Block) -> bool {
        let labels: Vec<&str> = block.labels.iter().map(|label| label.as_str()).collect();
        match (block.ident.as_str(), labels.as_slice()) {
            ("data", [kind, name]) => ReadKind::of("data", kind)
                .is_some_and(|kind| self.targets.blocks.contains_key(&(kind, (*name).to_owned()))),
            ("variable", [name]) => self.targets.variables.contains_key(*name),
            ("provider", [TFE]) => self.targets.without_tfe,
            _ => false,
        }
    }
}

impl Visit for Search<'_> {
    fn visit_block(&mut self, block: &Block) {
        if self.is_gone(block) {
            // What is kept of the block, as its `for_each`, may refer to others: they are replaced as well.
            self.blank(block.span());
        }
        if self.targets.without_tfe && block.ident.as_str() == "required_providers" {
            for attribute in block.body.attributes().filter(|attribute| attribute.key.as_str() == TFE) {
                self.blank(attribute.span());
            }
        }
        visit::visit_block(self, block);
    }

    fn visit_attr(&mut self, attribute: &Attribute) {
        if self.targets.without_tfe
            && attribute.key.as_str() == "providers"
            && let Expression::Object(entries) = &attribute.value
        {
            let kept: Vec<String> = entries
                .iter()
                .filter(|(key, _)| !is_tfe(key))
                .filter_map(|(key, value)| {
                    let (key, value) = (key.span()?, value.expr().span()?);
                    Some(format!("{} = {}", &self.text[key], &self.text[value]))
                })
                .collect();
            if kept.len() < entries.len()
                && let Some(span) = attribute.value.span()
            {
                let lines = "\n".repeat(self.text[span.clone()].matches('\n').count());
                self.edits.push((span, format!("{{{lines}{}}}", kept.join(", "))));
                return;
            }
        }
        visit::visit_attr(self, attribute);
    }

    fn visit_for_template_expr(&mut self, directive: &ForTemplateExpr) {
        // The visitor of the crate passes over what is gone through.
        self.visit_expr(&directive.collection_expr);
        visit::visit_for_template_expr(self, directive);
    }

    fn visit_traversal(&mut self, traversal: &Traversal) {
        if let Some((edit, argument)) = reference(traversal, self.targets) {
            self.edits.push(edit);
            self.found.read.extend(argument);
        }
        visit::visit_traversal(self, traversal);
    }
}

fn is_tfe(key: &ObjectKey) -> bool {
    match key {
        ObjectKey::Ident(name) => name.as_str() == TFE,
        ObjectKey::Expression(Expression::Variable(name)) => name.as_str() == TFE,
        ObjectKey::Expression(Expression::Traversal(alias)) => {
            matches!(&alias.expr, Expression::Variable(name) if name.as_str() == TFE)
        }
        ObjectKey::Expression(_) => false,
    }
}

/// The argument of a block that is read like an attribute.
type Read = (ReadKind, String, String);

/// The beginning of a traversal that names what is replaced: `data.terraform_remote_state.NAME`, `var.NAME`; and what of
/// the block is read there, when it is none of its outputs.
fn reference(traversal: &Traversal, targets: &Targets<'_>) -> Option<(Edit, Option<Read>)> {
    let Expression::Variable(first) = &traversal.expr else { return None };
    let attribute = |index: usize| match traversal.operators.get(index)?.value() {
        TraversalOperator::GetAttr(name) => Some((name.as_str(), name.span()?.end)),
        _ => None,
    };
    let start = first.span()?.start;
    match first.as_str() {
        "data" => {
            let (kind, (name, end)) = (attribute(0)?.0, attribute(1)?);
            let kind = ReadKind::of("data", kind)?;
            let local = &targets.blocks.get(&(kind, name.to_owned()))?.local;
            let argument = attribute(2)
                .filter(|(name, _)| matches!(*name, "backend" | "config" | "workspace" | "defaults" | "organization"))
                .map(|(argument, _)| (kind, name.to_owned(), argument.to_owned()));
            Some(((start..end, format!("local.{local}")), argument))
        }
        "var" => {
            let (name, end) = attribute(0)?;
            let local = targets.variables.get(name)?;
            Some(((start..end, format!("local.{local}")), None))
        }
        _ => None,
    }
}
