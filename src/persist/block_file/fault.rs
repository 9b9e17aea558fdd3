//! What is said of a block file that is not as it should be.

use std::path::Path;

use super::layout::{LayoutFault, VERSION};
use crate::base::error::{Error, ErrorKind};

pub(super) fn damaged(path: &Path, offset: u64, what: &str) -> Error {
    let message = format!(
        "`{}` is damaged at byte {offset}: {what}; run `habitue verify`, or restore a backup",
        path.display()
    );
    Error::new(ErrorKind::Damaged, message)
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
