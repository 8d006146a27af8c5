//! `workspace.NAME.outputs.OUTPUT`: a variable's value that is an output of another workspace.
//!
//! Absent: whether there are such a workspace and output, and the value.

use hcl_edit::Span;
use hcl_edit::expr::{Expression, TraversalOperator};

use crate::diagnostic::{Place, Text};

/// An output of another workspace, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputReference {
    /// The workspace.
    pub workspace: String,
    /// Its output.
    pub output: String,
    /// The way from the output's value to the part that is meant; empty for all of it.
    pub path: Vec<Step>,
    /// Where it is written.
    pub place: Place,
    /// Byte range of it in that file.
    pub(crate) span: Option<std::ops::Range<usize>>,
}

/// One step into a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// An attribute of an object, or a key of a map.
    Key(String),
    /// An element of a list, from 0.
    Index(u64),
}

impl std::fmt::Display for OutputReference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "workspace.{}.outputs.{}", self.workspace, self.output)?;
        for step in &self.path {
            match step {
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// The reference, when an expression is nothing but one.
pub(super) fn read(expression: &Expression, text: &Text) -> Option<OutputReference> {
    let Expression::Traversal(traversal) = expression else { return None };
    let Expression::Variable(first) = &traversal.expr else { return None };
    if first.as_str() != "workspace" {
        return None;
    }
    let mut steps = traversal.operators.iter().map(|operator| step(operator.value()));
    let mut key = || match steps.next()?? {
        Step::Key(key) => Some(key),
        Step::Index(_) => None,
    };
    let (workspace, outputs, output) = (key()?, key()?, key()?);
    if outputs != "outputs" {
        return None;
    }
    let path = steps.collect::<Option<Vec<Step>>>()?;
    let span = expression.span();
    Some(OutputReference { workspace, output, path, place: text.place(span.as_ref()), span })
}

fn step(operator: &TraversalOperator) -> Option<Step> {
    match operator {
        TraversalOperator::GetAttr(name) => Some(Step::Key(name.as_str().to_owned())),
        TraversalOperator::Index(Expression::String(key)) => Some(Step::Key(key.value().clone())),
        TraversalOperator::Index(Expression::Number(index)) => index.value().as_u64().map(Step::Index),
        TraversalOperator::LegacyIndex(index) => Some(Step::Index(*index.value())),
        _ => None,
    }
}
