//! Answers to scripts as a JUnit file, which build servers show as tests.
//!
//! There is no one standard of it. What is written is what GitLab, Jenkins and the reporters of GitHub
//! actions have in common: a suite for each script, a case for each line that expects something. GitLab
//! tells cases apart by class and name, and shows a failure's text but not its attributes; so the class
//! is the script, names begin with the line's number, and the text says everything. No times are
//! written, so that the same answers make the same file.

use std::fs;
use std::path::Path;

use habitue::simulate::{self, Answer, Line};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::failure::Failure;

/// Most characters of a name.
const MAX_NAME: usize = 200;

/// The cases so far, a suite for each script.
#[derive(Default)]
pub(crate) struct Junit {
    suites: Vec<TestSuite>,
}

impl Junit {
    /// Begins the suite of a script.
    pub(crate) fn begin(&mut self, script: &str) {
        self.suites.push(TestSuite::new(script));
    }

    /// Adds the answer to a line of the script begun last, if it is one that holds or fails.
    pub(crate) fn add(&mut self, line: &Line<'_>, answer: &Answer) {
        let status = match answer {
            Answer::Printed(_) => return,
            Answer::Passed { .. } => TestCaseStatus::success(),
            Answer::Failed(failure) => failed(failure),
        };
        let Some(suite) = self.suites.last_mut() else { return };
        let mut case = TestCase::new(name(line), status);
        case.set_classname(suite.name.as_str());
        case.extra.insert("file".into(), suite.name.clone());
        case.extra.insert("line".into(), line.number.to_string().into());
        suite.add_test_case(case);
    }

    /// Writes the file.
    pub(crate) fn write(self, path: &Path) -> Result<(), Failure> {
        let mut report = Report::new("habitue simulate");
        report.add_test_suites(self.suites);
        let cannot =
            |problem: String| Failure::Stopped(format!("cannot write `{}`: {problem}", path.display()));
        let text = report.to_string().map_err(|error| cannot(error.to_string()))?;
        fs::write(path, text).map_err(|error| cannot(error.to_string()))
    }
}

/// An expectation that does not hold, or a line that could not be followed.
fn failed(failure: &simulate::Failure) -> TestCaseStatus {
    let is_followed = !failure.expected.is_null() || !failure.actual.is_null();
    let (kind, ty, message) = match is_followed {
        true => {
            let message = format!("expected {}, actual {}", failure.expected, failure.actual);
            (NonSuccessKind::Failure, "expectation", message)
        }
        false => (NonSuccessKind::Error, "script", failure.why.lines().next().unwrap_or_default().to_owned()),
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(ty).set_message(message).set_description(failure.to_string());
    status
}

/// The line's number, and what it expects.
fn name(line: &Line<'_>) -> String {
    let name = format!("line {}: {}", line.number, line.title());
    match name.char_indices().nth(MAX_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name,
    }
}
