//! What is wrong with a catalog, in a form that both people and programs can read.
//!
//! Findings are collected, not thrown: one run over a catalog reports everything it can. An error's
//! text says what is wrong and, in `help`, what to do about it.

use std::fmt;

use serde::Serialize;

use super::source_text::{SourceFile, Span};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The catalog cannot be used.
    Error,
    /// The catalog can be used, but something in it is probably not meant.
    Warning,
}

/// One finding, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// A stable name of the kind of finding, such as `unknown_name`.
    pub code: &'static str,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do about it, if that can be said.
    pub help: Option<String>,
    /// Where.
    pub span: Span,
}

/// Everything found in one run over a catalog, in the order of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    files: Vec<SourceFile>,
    findings: Vec<Finding>,
}

/// A finding with its place spelt out, as it is written in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LocatedFinding<'a> {
    /// How bad it is.
    pub severity: Severity,
    /// A stable name of the kind of finding.
    pub code: &'a str,
    /// What is wrong.
    pub message: &'a str,
    /// What to do about it.
    pub help: Option<&'a str>,
    /// The file's name.
    pub file: &'a str,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters are meant, at least 1 and all on one line.
    pub length: usize,
}

impl Finding {
    /// An error.
    pub(crate) fn error(code: &'static str, span: Span, message: impl Into<String>) -> Finding {
        Finding { severity: Severity::Error, code, message: message.into(), help: None, span }
    }

    /// A warning.
    pub(crate) fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Finding {
        Finding { severity: Severity::Warning, ..Finding::error(code, span, message) }
    }

    /// The same finding, with a word on what to do.
    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Finding {
        self.help = Some(help.into());
        self
    }
}

impl Report {
    /// A report on `files`, with nothing found yet.
    pub(crate) fn new(files: Vec<SourceFile>) -> Report {
        Report { files, findings: Vec::new() }
    }

    /// Adds a finding.
    pub(crate) fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Puts the findings into the order of the text, without repetitions.
    pub(crate) fn sort(&mut self) {
        self.findings.sort_by_key(|finding| (finding.span.file, finding.span.start, finding.severity as u8));
        self.findings.dedup();
    }

    /// Whether one of the findings is an error.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// The files that were read.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// The findings, in the order of the text.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The findings with their places spelt out.
    pub fn located(&self) -> impl Iterator<Item = LocatedFinding<'_>> {
        self.findings.iter().map(|finding| self.locate(finding))
    }

    fn locate<'a>(&'a self, finding: &'a Finding) -> LocatedFinding<'a> {
        let Span { file, start, end } = finding.span;
        let (name, line, column, length) = match self.files.get(file as usize) {
            Some(source) => {
                let (line, column) = source.line_and_column(start);
                let meant = source.text.get(start as usize..end as usize).unwrap_or("");
                let length = meant.lines().next().unwrap_or("").chars().count().max(1);
                (source.name.as_str(), line, column, length)
            }
            None => ("<catalog>", 1, 1, 1),
        };
        LocatedFinding {
            severity: finding.severity,
            code: finding.code,
            message: &finding.message,
            help: finding.help.as_deref(),
            file: name,
            line,
            column,
            length,
        }
    }

    fn source_line(&self, finding: &Finding, line: usize) -> Option<&str> {
        self.files.get(finding.span.file as usize)?.text.lines().nth(line - 1)
    }
}

/// One finding per paragraph: place, message, the line with a caret under it, help.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let at = self.locate(finding);
            let severity = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            writeln!(f, "{}:{}:{}: {severity}: {}", at.file, at.line, at.column, at.message)?;
            if let Some(text) = self.source_line(finding, at.line) {
                let gap = " ".repeat(at.column - 1);
                let carets = "^".repeat(at.length);
                writeln!(f, "    {text}\n    {gap}{carets}")?;
            }
            if let Some(help) = at.help {
                writeln!(f, "    help: {help}")?;
            }
        }
        Ok(())
    }
}
