//! What is said of a block file that is not as it should be.

use std::fmt;
use std::path::{Path, PathBuf};

use super::layout::{LayoutFault, VERSION};
use crate::base::error::{Error, ErrorKind};

/// A place of a file that is not as it was written: the source of its error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) path: PathBuf,
    pub(crate) offset: u64,
    pub(crate) what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {} of `{}`: {}", self.offset, self.path.display(), self.what)
    }
}

impl std::error::Error for Fault {}

pub(super) fn damaged(path: &Path, offset: u64, what: &str) -> Error {
    let message = format!(
        "`{}` is damaged at byte {offset}: {what}; run `habitue verify`, or restore a backup",
        path.display()
    );
    let fault = Fault { path: path.to_owned(), offset, what: what.to_owned() };
    Error::new(ErrorKind::Damaged, message).caused_by(fault)
}

/// A file without its end. It is never left so under its own name.
pub(super) fn unfinished(path: &Path) -> Error {
    let message = format!(
        "`{}` is unfinished: it was not written to its end, or was cut; remove it and restore a backup",
        path.display()
    );
    Error::new(ErrorKind::Damaged, message)
}

pub(super) fn layout(path: &Path, fault: LayoutFault) -> Error {
    match fault {
        LayoutFault::Foreign => {
            damaged(path, 0, "it is no file of this database, or its first bytes are damaged")
        }
        LayoutFault::Damaged => damaged(path, 0, "its header is not what was written"),
        LayoutFault::Version(version) => {
            let message = format!(
                "`{}` has version {version} of the format, and this release knows version {VERSION}; use the \
                 release that wrote it, or a newer one",
                path.display()
            );
            Error::new(ErrorKind::Incompatible, message)
        }
    }
}
