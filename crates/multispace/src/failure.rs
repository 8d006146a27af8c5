//! [`Failure`]: why a command could not do what it was asked to.

use configuration::Diagnostic;
use domain::Problem;

/// Why a command gave up.
#[derive(Debug)]
pub(crate) enum Failure {
    /// One problem.
    Problem(Problem),
    /// Everything that is wrong in the code of a stack, with the places.
    Code(Vec<Diagnostic>),
    /// Somebody pressed Ctrl-C before there was anything to undo.
    Interrupted,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Vec<Diagnostic>> for Failure {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Self::Code(diagnostics)
    }
}
