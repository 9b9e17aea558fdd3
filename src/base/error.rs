//! The one error of the library, sorted by what the caller can do about it.
//!
//! Each module turns its own error into this one; this file names none of them, so that the lowest
//! layer does not know the higher ones. The cause chain stays reachable through `source`.

use std::error::Error as StdError;
use std::fmt;

/// What the caller can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The catalog has errors: correct it and load it again.
    InvalidCatalog,
    /// The message was refused and changed nothing: correct it or drop it.
    Refused,
    /// Nothing of that name or id exists: check the spelling.
    NotFound,
    /// The call's arguments do not fit together: correct the call.
    InvalidCall,
    /// A file could not be read or written: look at the path and the system's message.
    Io,
    /// Files on disk are damaged, or are not the database's own: run `habitue verify`, and restore a
    /// backup or open with salvage.
    Damaged,
    /// Files on disk were written in another version of the format: use the release that wrote them, or
    /// a newer one.
    Incompatible,
    /// Another process has the database open: close it there, or open for reading only.
    Busy,
    /// Nothing can be written, because it was opened so or because a write failed: correct the cause
    /// and open the database again.
    ReadOnly,
}

/// An error with its kind, a message for people, and the cause if there is one.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` that says `message`.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), source: None }
    }

    /// The same error, caused by `source`.
    pub(crate) fn caused_by(mut self, source: impl StdError + Send + Sync + 'static) -> Error {
        self.source = Some(Box::new(source));
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}
