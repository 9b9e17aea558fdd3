//! What is said of a damaged journal.

use std::fmt;
use std::path::PathBuf;

use super::sequence::Sequence;
use crate::base::error::{Error, ErrorKind};

/// A place where the journal should go on and does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) file: PathBuf,
    /// Byte of the file.
    pub(crate) offset: u64,
    /// What is wrong there, in words.
    pub(crate) what: String,
    /// The last record before the damage.
    pub(crate) last: Sequence,
    /// Records after the base and before the damage.
    pub(crate) readable_before: u64,
    /// Records known to have been there that cannot be read.
    pub(crate) lost: u64,
    /// Records behind the damage that can be read, but not used, because those before are missing.
    pub(crate) readable_after: u64,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Damage { offset, what, readable_before, lost, readable_after, .. } = self;
        write!(
            f,
            "the journal is damaged in `{}` at byte {offset}: {what}; records readable before it: \
             {readable_before}, known to be lost: {lost}, readable after it: {readable_after}",
            self.file.display(),
        )
    }
}

impl Damage {
    /// As an error.
    pub(crate) fn into_error(self) -> Error {
        let advice = "run `habitue verify`, restore a backup, or open with salvage, which gives up what is \
                      after the damage";
        Error::new(ErrorKind::Damaged, format!("{self}; {advice}"))
    }
}
