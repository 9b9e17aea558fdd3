//! The findings of a catalog: for people with the line and a caret, for programs as lines of JSON.

use std::fmt;

use habitue::{Finding, Report, Severity};
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity as Level,
    SourceCode,
};

/// Widest line of a finding, columns.
const WIDTH: usize = 100;

/// All findings of a report.
pub(crate) struct Findings<'a> {
    report: &'a Report,
    sources: Vec<NamedSource<String>>,
}

/// One finding, as the renderer reads it.
struct Rendered<'a> {
    finding: &'a Finding,
    source: Option<&'a NamedSource<String>>,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(report: &'a Report) -> Findings<'a> {
        let sources = report.files().iter().map(|file| NamedSource::new(&file.name, file.text.clone()));
        Findings { report, sources: sources.collect() }
    }

    /// The findings as text, one paragraph each.
    pub(crate) fn for_people(&self, colours: bool) -> String {
        let theme = if colours { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(WIDTH).without_cause_chain();
        let mut text = String::new();
        for finding in self.report.findings() {
            let source = self.sources.get(finding.span.file as usize);
            let rendered = Rendered { finding, source };
            if handler.render_report(&mut text, &rendered).is_err() {
                // A place that the renderer cannot show must not hide what is wrong.
                text.push_str(&finding.message);
            }
            text.push('\n');
        }
        text
    }
}

impl fmt::Debug for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.finding.fmt(f)
    }
}

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.finding.message)
    }
}

impl std::error::Error for Rendered<'_> {}

impl Diagnostic for Rendered<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.finding.code))
    }

    fn severity(&self) -> Option<Level> {
        Some(match self.finding.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.finding.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display + 'a>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.source?;
        let span = self.finding.span;
        let (start, length) = (span.start as usize, span.end.saturating_sub(span.start) as usize);
        Some(Box::new(std::iter::once(LabeledSpan::underline((start, length)))))
    }
}
