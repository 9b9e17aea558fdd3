//! The one small file that says what a data folder is: its format, its catalog, its base.
//!
//! It is replaced as a whole, and ends in a checksum.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorKind};
use crate::base::time::Time;
use crate::db::durable::base::Base;
use crate::persist::disk::file_calls::Disk;
use crate::persist::disk::sealed_text;
use crate::rules::exposure_counts::ExposureCounts;

/// The version of the folder's format.
const FORMAT: u32 = 1;
/// The same of a folder that remembers erasures: a release that does not would bring people back.
const FORMAT_WITH_ERASURES: u32 = 2;
/// The same of a folder that may hold summaries: a release that does not know them would count twice.
const FORMAT_WITH_SUMMARIES: u32 = 3;
const NAME: &str = "habitue.manifest";

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The version of the format.
    pub(crate) format: u32,
    /// The revision of the catalog.
    pub(crate) revision: u64,
    /// The number of the base file; 0 if there is none.
    pub(crate) base: u64,
    /// The last record of the journal that the base holds.
    pub(crate) base_sequence: u64,
    /// The database's time when the base was made: no image in it is of a later one.
    pub(crate) now_ms: Option<i64>,
    /// The catalog, packed.
    pub(crate) catalog: String,
    /// Whether the journal was begun; from then on there is one.
    pub(crate) has_journal: bool,
    /// The last record when the database was closed last: the journal was that long at least.
    #[serde(default)]
    pub(crate) journal_reached: u64,
    /// A number for the messages that are held: another one whenever some were given up, so that a live
    /// store that knows them is not taken for one of what came after.
    pub(crate) lineage: u64,
    /// The state of the book of erasures that base and journal have been through; nothing if nobody was
    /// erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) erasures: Option<String>,
    /// Whether summaries may stand for messages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) summaries: bool,
    /// How often offers were shown by what came up to the base, whatever of that is no longer in it. Nothing
    /// after a release that did not count; what the base has is counted then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exposures: Option<ExposureCounts>,
}

/// What every version's manifest says.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl Manifest {
    /// The manifest of a new folder.
    pub(crate) fn new(catalog: String) -> Manifest {
        Manifest {
            format: FORMAT,
            revision: 1,
            base: 0,
            base_sequence: 0,
            now_ms: None,
            catalog,
            has_journal: false,
            journal_reached: 0,
            lineage: new_lineage(),
            erasures: None,
            summaries: false,
            exposures: Some(ExposureCounts::default()),
        }
    }

    /// The same with what the base was shown counted, if a release that did not count has written it.
    ///
    /// # Errors
    /// `Damaged` and `Io`, if the base cannot be read.
    pub(crate) fn counted(mut self, base: Option<&Arc<Base>>) -> Result<Manifest, Error> {
        if self.exposures.is_none() {
            self.exposures =
                Some(base.map_or_else(|| Ok(ExposureCounts::default()), |base| base.exposures())?);
        }
        Ok(self)
    }

    /// The least that the database's time can be.
    pub(crate) fn now(&self) -> Time {
        self.now_ms.map_or(Time::MIN, Time::from_raw)
    }

    /// Where the manifest of a folder is.
    pub(crate) fn path(folder: &Path) -> PathBuf {
        folder.join(NAME)
    }

    /// Reads the manifest of a folder; `None` if there is none.
    ///
    /// # Errors
    /// `Io`, `Damaged`, `Incompatible`.
    pub(crate) fn read(disk: &dyn Disk, folder: &Path) -> Result<Option<Manifest>, Error> {
        let path = Manifest::path(folder);
        let remedy = "restore a backup, or put the file back from one";
        let Some(json) = sealed_text::read(disk, &path, remedy)? else { return Ok(None) };
        let damaged = |error: serde_json::Error| {
            let message = format!("`{}` is damaged: {error}; {remedy}", path.display());
            Error::new(ErrorKind::Damaged, message)
        };
        let Format { format } = serde_json::from_str(&json).map_err(damaged)?;
        if !(FORMAT..=FORMAT_WITH_SUMMARIES).contains(&format) {
            let message = format!(
                "`{}` is of format {format}, and this version reads formats {FORMAT} to \
                 {FORMAT_WITH_SUMMARIES}; use the release that wrote it, or a newer one",
                folder.display()
            );
            return Err(Error::new(ErrorKind::Incompatible, message));
        }
        serde_json::from_str(&json).map(Some).map_err(damaged)
    }

    /// Replaces the manifest of a folder.
    ///
    /// # Errors
    /// `Io`; then the old one is still there.
    pub(crate) fn write(&self, disk: &dyn Disk, folder: &Path) -> Result<(), Error> {
        let format = match (self.summaries, &self.erasures) {
            (true, _) => FORMAT_WITH_SUMMARIES,
            (false, Some(_)) => FORMAT_WITH_ERASURES,
            (false, None) => FORMAT,
        };
        let json = serde_json::to_string_pretty(&Manifest { format, ..self.clone() })
            .map_err(|error| Error::new(ErrorKind::Io, error.to_string()).caused_by(error))?;
        sealed_text::write(disk, &Manifest::path(folder), &json)
    }
}

/// A number that no other lineage has.
pub(crate) fn new_lineage() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::catalog::Catalog;
    use crate::db::database::Database;
    use crate::db::durable::open_options::OpenOptions;
    use crate::model::message::Message;
    use crate::persist::disk::real_disk::RealDisk;

    #[test]
    fn what_an_older_release_has_shown_is_counted_at_opening() {
        let folder = std::env::temp_dir().join(format!("habitue-older-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let text = "schema = 1\n[personalizations.home]\noffers = [{ name = \"bag\", stock = 9 }]";
        let open = || OpenOptions::new().catalog(Catalog::from_toml(text).unwrap()).open(&folder).unwrap();
        let show = |database: &Database| drop(database.decide_and_record("ana", "home").unwrap());
        let database = open();
        database.apply(Message::identify("ana")).unwrap();
        show(&database);
        show(&database);
        database.compact().unwrap();
        show(&database);
        database.close().unwrap();
        let disk = RealDisk;
        let written = Manifest::read(&disk, &folder).unwrap().unwrap();
        let counts = vec![("home".to_owned(), "bag".to_owned(), 2)];
        assert_eq!(written.exposures, Some(counts.into()));
        Manifest { exposures: None, ..written.clone() }.write(&disk, &folder).unwrap();
        let database = open();
        assert_eq!(database.stocks()[0].shown, 3, "two from the base, one from the journal");
        database.compact().unwrap();
        database.close().unwrap();
        let counts = vec![("home".to_owned(), "bag".to_owned(), 3)];
        let written = Manifest::read(&disk, &folder).unwrap().unwrap();
        assert_eq!(written.exposures, Some(counts.into()));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
