//! How far an import has come, kept in the data folder, so that one that was killed goes on from there.
//!
//! A mark is only worth something for the same files under the same mapping and catalog, and it is never
//! believed by itself: the row that it names must be found in the database. A database holds what it accepted
//! up to some message and nothing after, so then it holds all rows before that one, too. So a mark that is
//! ahead of what a power cut has left, or of a restored backup, costs time and nothing else. It names no
//! customer and no message.
//!
//! Invariants:
//! 1. The row of a mark was accepted, or was there before.
//! 2. The file of refused rows was as long as the mark says when all rows up to it had been looked at.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use habitue::Time;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::failure::Failure;

use super::reading::Start;

const NAME: &str = "habitue.import";
/// How often a mark is set.
const INTERVAL: Duration = Duration::from_secs(1);
/// How much of a file's beginning and end is looked at to know it again.
const LOOKED_AT: u64 = 64 * 1024;

/// The mark of the import under way.
pub(super) struct Marks {
    folder: PathBuf,
    files: Vec<String>,
    /// How long it takes until what is accepted survives a power cut; nothing if that is not promised.
    settles: Option<Duration>,
    /// What will be written, and since when it is true.
    waiting: Option<(Instant, Saved)>,
    last: Instant,
}

/// A mark, as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Saved {
    /// The files of the import, each by a hash of all that has to be the same.
    files: Vec<String>,
    /// Which of them, and how many of its rows are done.
    pub(super) file: usize,
    pub(super) rows: u64,
    /// Rows of all files that were done.
    pub(super) all_rows: u64,
    /// The length of the file of refused rows.
    pub(super) rejects_bytes: u64,
}

impl Saved {
    pub(super) fn start(&self) -> Start {
        Start { file: self.file, rows: self.rows }
    }
}

impl Marks {
    /// Marks in `folder` of an import of these files.
    pub(super) fn new(folder: &Path, files: Vec<String>, settles: Option<Duration>) -> Marks {
        Marks { folder: folder.to_owned(), files, settles, waiting: None, last: Instant::now() }
    }

    /// The mark that is there, if it is of the same import.
    pub(super) fn saved(&self) -> Option<Saved> {
        let text = fs::read(self.folder.join(NAME)).ok()?;
        let saved: Saved = serde_json::from_slice(&text).ok()?;
        (saved.files == self.files && saved.rows > 0).then_some(saved)
    }

    /// Whether it is time for a mark.
    pub(super) fn is_due(&self) -> bool {
        self.settles.is_some() && self.last.elapsed() >= INTERVAL
    }

    /// Takes note of how far the import has come, and writes down what is safe by now.
    pub(super) fn set(&mut self, start: Start, all_rows: u64, rejects_bytes: u64) -> Result<(), Failure> {
        let Some(settles) = self.settles else { return Ok(()) };
        self.last = Instant::now();
        let files = self.files.clone();
        let next = Saved { files, file: start.file, rows: start.rows, all_rows, rejects_bytes };
        match &self.waiting {
            Some((since, saved)) if since.elapsed() >= settles => self.write(&saved.clone())?,
            Some(_) => return Ok(()),
            None if settles.is_zero() => return self.write(&next),
            None => {}
        }
        self.waiting = Some((self.last, next));
        Ok(())
    }

    fn write(&self, saved: &Saved) -> Result<(), Failure> {
        let (path, beside) = (self.folder.join(NAME), self.folder.join(format!("{NAME}.new")));
        let text = serde_json::to_vec(saved).map_err(std::io::Error::from);
        let written =
            text.and_then(|text| fs::write(&beside, text)).and_then(|()| fs::rename(&beside, &path));
        written.map_err(|error| Failure::Stopped(format!("cannot write `{}`: {error}", path.display())))
    }

    /// Removes the mark: all is done, or nothing of it is true.
    pub(super) fn remove(&self) {
        for name in [NAME.to_owned(), format!("{NAME}.new")] {
            let _was_not_there = fs::remove_file(self.folder.join(name));
        }
    }
}

/// A hash of all that has to be the same for a mark to be worth something: the file, as far as that can be
/// seen without reading all of it, and what is done with it.
pub(super) fn identity(path: &Path, at: Option<Time>, means: &str) -> std::io::Result<String> {
    let about = fs::metadata(path)?;
    let mut hash = Xxh3::new();
    let mut file = File::open(path)?;
    let mut look = |from: u64, file: &mut File| -> std::io::Result<()> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        file.take(LOOKED_AT).read_to_end(&mut bytes)?;
        hash.update(&bytes);
        Ok(())
    };
    look(0, &mut file)?;
    look(about.len().saturating_sub(LOOKED_AT), &mut file)?;
    let modified = about.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    hash.update(format!("{}\0{}\0{at:?}\0{means}", about.len(), modified.as_nanos()).as_bytes());
    Ok(format!("{:032x}", hash.digest128()))
}
