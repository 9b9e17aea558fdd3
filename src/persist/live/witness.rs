//! The witness: a file beside the store's folder that says what must be in the store.
//!
//! It has two slots at fixed places, written in turn, each before the checkpoint that it describes: so
//! at every moment one of them describes the last checkpoint that the store is known to hold. A crash
//! while a slot is written damages only that one, and the store then still holds the other's checkpoint.
//!
//! Whoever brings back an older copy of folder and witness *together* brings back a store that was right
//! once. That shows in its sequence only: the caller compares it with what its journal still holds.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::distrust::Distrust;
use super::files::sync_folder;
use super::slot::{MAX_SLOT_BYTES, Slot};

/// Where the second slot begins: at a whole page, behind the longest first one.
const STRIDE: u64 = MAX_SLOT_BYTES.next_multiple_of(4096) as u64;

/// The witness, open for writing.
#[derive(Debug)]
pub(crate) struct Witness {
    file: File,
}

impl Witness {
    /// A new witness with one slot.
    ///
    /// # Errors
    ///
    /// If there is one already, or it cannot be written.
    pub(crate) fn create(path: &Path, slot: &Slot) -> io::Result<(Witness, u64)> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        let mut witness = Witness { file };
        let check = witness.write(slot)?;
        witness.file.sync_all()?;
        sync_folder(path.parent().unwrap_or(Path::new(".")))?;
        Ok((witness, check))
    }

    /// The witness at `path`, and its whole slots with their hashes.
    pub(crate) fn open(path: &Path) -> Result<(Witness, Vec<(Slot, u64)>), Distrust> {
        let doubt = |error: io::Error| {
            let what = if error.kind() == ErrorKind::NotFound { "is missing" } else { "could not be read" };
            Distrust::new(format!("the witness {} {what}: {error}", path.display()))
        };
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(doubt)?;
        let mut slots = Vec::new();
        for place in [0, STRIDE] {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(place)).map_err(doubt)?;
            Read::by_ref(&mut file).take(STRIDE).read_to_end(&mut bytes).map_err(doubt)?;
            slots.extend(Slot::read(&bytes));
        }
        if slots.is_empty() {
            return Err(Distrust::new(format!("the witness {} is damaged", path.display())));
        }
        Ok((Witness { file }, slots))
    }

    /// Writes a slot over the older one, and waits until it is on the disk. Returns its hash.
    pub(crate) fn write(&mut self, slot: &Slot) -> io::Result<u64> {
        let (bytes, check) = slot.write();
        let place = if slot.number.is_multiple_of(2) { 0 } else { STRIDE };
        self.file.seek(SeekFrom::Start(place))?;
        self.file.write_all(&bytes)?;
        self.file.sync_data()?;
        Ok(check)
    }
}
