//! Writing the files anew without what an erasure takes out of them.
//!
//! In this order, and whoever is killed in between does all of it again: the journal goes on in a new
//! file; a base of everything before that is written, through the sieve; the journal's old files, the old
//! base, and every copy that was put aside are removed. A copy takes the place of the live store
//! (`copying.rs`), or it is made anew from what is left, with the ids of messages. Only then the book says
//! that it is done. Nothing is emptied to be used again.

use std::path::Path;
use std::sync::Arc;

use crate::base::error::Error;
use crate::db::durable::base::{Base, base_path, is_base};
use crate::db::durable::erasure_file;
use crate::db::durable::everything::Tail;
use crate::db::durable::folder::{Folder, FolderState, journal_folder, live_options};
use crate::db::durable::manifest::Manifest;
use crate::db::durable::opening::program_of;
use crate::db::erasing::sweeping::sweep;
use crate::persist::disk::failure::failed;
use crate::persist::journal::sequence::Sequence;
use crate::persist::live::set_aside::{remove, remove_all};
use crate::persist::record::erasure_book::ErasureBook;

impl Folder {
    /// Writes what is erased, and is still to be taken out of the files, for good.
    ///
    /// # Errors
    /// `Io`; then nothing has begun.
    pub(crate) fn begin_erasing(&self, book: &ErasureBook) -> Result<(), Error> {
        erasure_file::write(&*self.disk, &self.path, book)
    }

    /// Looks whether tombstones have come that base and journal have not been through, as they do with a
    /// backup; and notes what has to be taken out.
    ///
    /// # Errors
    /// `Io`, and `Damaged` if base or journal cannot be read.
    pub(crate) fn note_newer_tombstones(&self) -> Result<(), Error> {
        let Some(book) = self.tombstones.book() else { return Ok(()) };
        let (base, manifest) = {
            let state = self.state.lock();
            (state.base.clone(), state.manifest.clone())
        };
        if book.pending.is_some() || manifest.erasures == Some(book.mark()) {
            return Ok(());
        }
        let tail = self.tail(&manifest, None)?;
        let carried = tail.carried_over(&manifest);
        let program = program_of(&carried.catalog, carried.revision)?;
        let rules = &program.definitions.identifiers;
        match sweep(base.as_ref(), &tail, &self.tombstones, rules, &book.key)? {
            Some(pending) => {
                let book = ErasureBook { pending: Some(pending), ..book };
                self.begin_erasing(&book)?;
                self.tombstones.replace(book);
                Ok(())
            }
            None => {
                let mut state = self.state.lock();
                state.manifest.erasures = Some(book.mark());
                state.manifest.write(&*self.disk, &self.path)
            }
        }
    }

    /// What the journal holds after the base, as far as erasures leave it.
    ///
    /// # Errors
    /// `Io`, `Damaged`.
    pub(crate) fn tail(&self, manifest: &Manifest, up_to: Option<u64>) -> Result<Tail, Error> {
        Tail::read(&*self.disk, &journal_folder(&self.path), manifest, up_to, self.tombstones.sieve())
    }

    /// Writes base and journal anew. Gives how many bytes that were.
    ///
    /// # Errors
    /// `Io`, and `Damaged` if base or journal cannot be read; then it has to be done again.
    pub(crate) fn rewrite(&self) -> Result<u64, Error> {
        let _building = self.building.lock();
        let up_to = self.journal.begin_afresh()?.0;
        let (manifest, old) = {
            let state = self.state.lock();
            (state.manifest.clone(), state.base.clone())
        };
        let tail = self.tail(&manifest, Some(up_to))?;
        let number = manifest.base + 1;
        let path = base_path(&self.path, number);
        let new = self.write_base(&path, old.as_ref(), tail, &manifest)?;
        let erasures = self.tombstones.book().as_ref().map(ErasureBook::mark);
        let new = Manifest { base: number, erasures, ..new };
        let base = Arc::new(Base::open(&*self.disk, path, up_to)?);
        let bytes = base.file.file_bytes();
        new.write(&*self.disk, &self.path)?;
        *self.state.lock() = FolderState { manifest: new, base: Some(base) };
        self.journal.remove(Sequence(up_to))?;
        Ok(bytes)
    }

    /// Removes the live store, whatever it is, and a copy of it; nobody has them open.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn remove_live(&self) -> Result<(), Error> {
        self.remove_copy()?;
        let options = live_options(&self.path, self.cache_bytes);
        remove(&options.folder, &options.witness).map_err(|error| failed("remove", &options.folder, error))
    }

    /// Removes every file that may hold what was taken out, and says that the erasure is done, in which
    /// so many bytes were written anew.
    ///
    /// # Errors
    /// `Io`; then it has to be done again.
    pub(crate) fn end_erasing(&self, bytes: u64) -> Result<(), Error> {
        let live = live_options(&self.path, self.cache_bytes).folder;
        remove_all(&live).map_err(|error| failed("remove what was set aside of", &live, error))?;
        self.messages.remove_others()?;
        let used = self.state.lock().base.as_ref().map(|base| base.path.clone());
        let names = self.disk.list(&self.path).map_err(|error| failed("list", &self.path, error))?;
        for path in names.iter().filter(|name| is_base(name)).map(|name| self.path.join(name)) {
            if Some(&path) != used.as_ref() {
                self.disk.remove(&path).map_err(|error| failed("remove", &path, error))?;
            }
        }
        self.disk.sync_folder(&self.path).map_err(|error| failed("sync", &self.path, error))?;
        let Some(book) = self.tombstones.book() else { return Ok(()) };
        let mut book = book;
        for receipt in book.receipts.iter_mut().filter(|receipt| !receipt.finished) {
            receipt.bytes = bytes;
        }
        let book = book.settled();
        self.begin_erasing(&book)?;
        self.tombstones.replace(book);
        Ok(())
    }

    /// How many bytes are in the files that an erasure makes beside the base.
    pub(crate) fn bytes_made_anew(&self) -> u64 {
        let live = self.live.read().as_ref().and_then(|live| live.size_on_disk().ok());
        live.unwrap_or_default() + self.messages.file_bytes()
    }

    /// Whether the folder has anything that an unfinished erasure has still to take out.
    pub(crate) fn is_erasing(&self) -> bool {
        self.tombstones.is_pending()
    }

    /// Takes the book of erasures of a database along to another folder.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn copy_book(&self, to: &Path) -> Result<(), Error> {
        match self.tombstones.book() {
            Some(book) => erasure_file::write(&*self.disk, to, &book.settled()),
            None => Ok(()),
        }
    }
}
