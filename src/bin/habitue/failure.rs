//! How a command ends: the exit codes of the contract, and what stops a command.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::process::ExitCode;

use habitue::{CatalogError, Error, ErrorKind, Report, Severity};

/// The exit codes; 2 (usage) is mostly given by the reader of arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok = 0,
    Failed = 1,
    Usage = 2,
    CatalogInvalid = 3,
    Damaged = 4,
    NotFound = 5,
}

/// What stops a command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The catalog has errors.
    Catalog(Report),
    /// The library says no.
    Library(Error),
    /// Results could not be written.
    Output(io::Error),
    /// The arguments do not fit what is there.
    Usage(String),
    /// Something named is not there.
    NotFound(String),
    /// The command cannot go on, for the reason said.
    Stopped(String),
    /// The reader of the results has closed them, as `head` does.
    ReaderGone,
}

impl Failure {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Failure::Catalog(_) => Exit::CatalogInvalid,
            Failure::Library(error) => match error.kind() {
                ErrorKind::InvalidCatalog => Exit::CatalogInvalid,
                ErrorKind::NotFound => Exit::NotFound,
                ErrorKind::InvalidCall => Exit::Usage,
                ErrorKind::Damaged | ErrorKind::Incompatible => Exit::Damaged,
                _ => Exit::Failed,
            },
            Failure::Usage(_) => Exit::Usage,
            Failure::NotFound(_) => Exit::NotFound,
            Failure::Output(_) | Failure::Stopped(_) => Exit::Failed,
            Failure::ReaderGone => Exit::Ok,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Failure {
        match error {
            CatalogError::Invalid(report) => Failure::Catalog(report),
            CatalogError::Unreadable(error) => Failure::Library(error),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Library(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ReaderGone,
            _ => Failure::Output(error),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Catalog(report) => write!(f, "the catalog cannot be used: {}", counts(report)),
            Failure::Library(error) => error.fmt(f),
            Failure::Output(error) => write!(f, "cannot write the results: {error}"),
            Failure::Usage(reason) | Failure::NotFound(reason) | Failure::Stopped(reason) => {
                f.write_str(reason)
            }
            Failure::ReaderGone => f.write_str("nobody reads the results"),
        }
    }
}

impl StdError for Failure {}

/// How many findings of each kind: `1 error, 2 warnings`.
pub(crate) fn counts(report: &Report) -> String {
    let errors = report.findings().iter().filter(|finding| finding.severity == Severity::Error).count();
    let warnings = report.findings().len() - errors;
    match (errors, warnings) {
        (0, _) => counted(warnings, "warning"),
        (_, 0) => counted(errors, "error"),
        _ => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
    }
}

/// A number and what it counts: `1 error`, `2 errors`.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}
