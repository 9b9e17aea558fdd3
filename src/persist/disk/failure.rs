//! From the system's error to ours: which file, what was tried, and what to do about it.

use std::io;
use std::path::Path;

use crate::base::error::{Error, ErrorKind};

/// The error of a call that could not `action` (as in "write") the file or folder at `path`.
pub(crate) fn failed(action: &str, path: &Path, error: io::Error) -> Error {
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on the disk",
        io::ErrorKind::PermissionDenied => "let this user read and write it",
        io::ErrorKind::ReadOnlyFilesystem => "mount the disk for writing, or open for reading only",
        io::ErrorKind::NotFound => "check the path, and that no other program moves files there",
        io::ErrorKind::AlreadyExists => "check that no other program writes there",
        _ => "check the disk and the system's log",
    };
    let message = format!("cannot {action} `{}`: {error}; {advice}", path.display());
    Error::new(ErrorKind::Io, message).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_file_and_what_to_do() {
        let full = failed("write", Path::new("/data/1.journal"), io::ErrorKind::StorageFull.into());
        assert_eq!(full.kind(), ErrorKind::Io);
        assert_eq!(
            full.to_string(),
            "cannot write `/data/1.journal`: no storage space; make room on the disk"
        );
    }
}
