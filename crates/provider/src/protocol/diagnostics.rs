//! What a person is told: errors and warnings with the attribute they are about.

use domain::Problem;

use super::messages::{AttributePath, Diagnostic, Selector, Severity, Step};

/// A step from a block to an attribute in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// An attribute or a block.
    Name(&'static str),
    /// An element of a list, from 0.
    Index(usize),
}

/// An error.
pub fn error(summary: impl Into<String>, detail: impl Into<String>) -> Diagnostic {
    Diagnostic { severity: Severity::Error.into(), summary: summary.into(), detail: detail.into(), attribute: None }
}

/// A warning.
pub fn warning(summary: impl Into<String>, detail: impl Into<String>) -> Diagnostic {
    Diagnostic { severity: Severity::Warning.into(), ..error(summary, detail) }
}

/// A problem, behind what was tried (`error reading workspace ws-1`).
pub fn of_problem(tried: &str, problem: &Problem) -> Diagnostic {
    let detail = match &problem.cause {
        Some(cause) if problem.fault == domain::Fault::Ours => format!("{} ({cause})", problem.advice),
        _ => problem.advice.clone(),
    };
    error(format!("{tried}: {}", problem.message), detail)
}

/// The same, about this attribute.
pub fn at(mut diagnostic: Diagnostic, path: &[At]) -> Diagnostic {
    diagnostic.attribute = Some(path_of(path));
    diagnostic
}

/// Whether there is an error among them.
pub fn any_error(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|one| one.severity == i32::from(Severity::Error))
}

/// A path as the protocol has it.
pub fn path_of(path: &[At]) -> AttributePath {
    let step = |at: &At| match at {
        At::Name(name) => Selector::AttributeName((*name).to_owned()),
        At::Index(index) => Selector::ElementKeyInt(i64::try_from(*index).unwrap_or(i64::MAX)),
    };
    AttributePath { steps: path.iter().map(|at| Step { selector: Some(step(at)) }).collect() }
}
