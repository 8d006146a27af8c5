//! What a person is told about their code: errors that stop the reading ([`Diagnostic`]) and remarks that do not
//! ([`Notice`]), both with the place they are about.
//!
//! Absent: printing. [`Diagnostic`] is a `miette::Diagnostic`, the command line renders it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use domain::problem::Problem;
use miette::{LabeledSpan, NamedSource, SourceCode};

/// An error in Terraform code or in `multispace.hcl`, with the text it is about.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// Stable code, `configuration/...`.
    pub code: &'static str,
    /// One sentence that says what is wrong.
    pub message: String,
    /// One sentence that says what to do; empty where there is nothing to do.
    pub advice: String,
    /// The file, relative to the folder that was read; `None` when it is about the folder as a whole.
    pub file: Option<String>,
    /// The text of that file.
    pub source: Option<NamedSource<Arc<String>>>,
    /// Byte range in `source`.
    pub span: Option<Range<usize>>,
    /// Line and column, both from 1.
    pub position: Option<(usize, usize)>,
}

impl Diagnostic {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            advice: String::new(),
            file: None,
            source: None,
            span: None,
            position: None,
        }
    }

    pub(crate) fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    #[must_use]
    pub(crate) fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }
}

impl From<Diagnostic> for Problem {
    /// The same in the words of every other room; the text of the file is left behind.
    fn from(diagnostic: Diagnostic) -> Self {
        Problem::invalid(diagnostic.code, diagnostic.to_string()).advice(diagnostic.advice)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.position) {
            (Some(file), Some((line, column))) => write!(f, "{file}:{line}:{column}: {}", self.message),
            (Some(file), None) => write!(f, "{file}: {}", self.message),
            (None, _) => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.advice.is_empty()).then(|| Box::new(&self.advice) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.span.clone()?;
        Some(Box::new(std::iter::once(LabeledSpan::new(Some("here".to_owned()), span.start, span.len()))))
    }
}

/// A remark about the stack that does not stop anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What sort of remark.
    pub kind: NoticeKind,
    /// Name of the workspace it is about.
    pub workspace: String,
    /// One sentence.
    pub message: String,
    /// Where.
    pub place: Place,
}

/// The sorts of [`Notice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// A reference to another workspace cannot be worked out from the code alone: there may be an edge that is not known.
    Unresolved,
    /// The code reads a workspace or a state that is not in this stack.
    Outside,
    /// The code reads its own workspace's outputs; no edge comes of it.
    SelfRead,
    /// One `data` block of a module reads different workspaces, depending on which `module` block calls it. The order
    /// is known, but an override file can answer the block for one of them only.
    Ambiguous,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, relative to the folder that was read, with `/`.
    pub file: String,
    /// Line, from 1; JSON files have line 1 throughout.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// The text of one file, and the way from byte offsets to lines.
#[derive(Clone)]
pub(crate) struct Text {
    /// As shown to people: relative to the folder that was read.
    pub(crate) name: String,
    pub(crate) text: Arc<String>,
    lines: Arc<Vec<usize>>,
}

impl Text {
    pub(crate) fn new(name: String, text: String) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name, text: Arc::new(text), lines: Arc::new(lines) }
    }

    /// The place where a span begins; the top of the file without one.
    pub(crate) fn place(&self, span: Option<&Range<usize>>) -> Place {
        let offset = span.map_or(0, |span| span.start).min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= offset);
        let before = self.text.get(self.lines[line - 1]..offset).unwrap_or_default();
        Place { file: self.name.clone(), line, column: before.chars().count() + 1 }
    }

    pub(crate) fn diagnostic(
        &self,
        code: &'static str,
        message: impl Into<String>,
        span: Option<Range<usize>>,
    ) -> Diagnostic {
        let place = self.place(span.as_ref());
        Diagnostic {
            code,
            message: message.into(),
            advice: String::new(),
            file: Some(self.name.clone()),
            source: Some(NamedSource::new(&self.name, self.text.clone()).with_language("terraform")),
            position: span.is_some().then_some((place.line, place.column)),
            span,
        }
    }
}
