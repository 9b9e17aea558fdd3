//! Putting a copy of the live store in its place, after an erasure.
//!
//! The live store shows nothing of who was erased, but sled's files still hold it: in pages that were
//! replaced, and in segments that wait to be used again. A copy of what it shows holds nothing else. That
//! takes a small part of the time that making it anew from messages does, and as the copy says the same,
//! nobody in memory has to know of it: profiles are read from the old one until the new one is in its place.
//!
//! A crash before the book says that the erasure is done leaves either store, or none: the next opening
//! believes neither, and makes it anew.

use std::fs;

use crate::base::error::Error;
use crate::db::durable::folder::{Folder, in_doubt, live_options};
use crate::persist::disk::failure::failed;
use crate::persist::live::files::sync_folder;
use crate::persist::live::live_store::{Live, LiveOptions};
use crate::persist::live::set_aside::{remove, set_aside};

impl Folder {
    /// Where a copy of the live store is made.
    fn copy_options(&self) -> LiveOptions {
        LiveOptions {
            folder: self.path.join("live.copy"),
            witness: self.path.join("live.copy.witness"),
            ..live_options(&self.path, self.cache_bytes)
        }
    }

    /// Writes what the live store shows anew, and sets the old one aside. Only for one who holds the lock of
    /// upkeep.
    ///
    /// # Errors
    /// If the live store is in doubt, or a file cannot be written; it may be in doubt afterwards.
    pub(crate) fn copy_live(&self) -> Result<(), Error> {
        let (options, copy) = (live_options(&self.path, self.cache_bytes), self.copy_options());
        self.remove_copy()?;
        self.ask(|live| live.copy_to(copy.clone()))?;
        let mut place = self.live.write();
        // Closed before it is moved.
        drop(place.take());
        let moved = set_aside(&options.folder, &options.witness).and_then(|_| {
            fs::rename(&copy.witness, &options.witness)?;
            fs::rename(&copy.folder, &options.folder)?;
            sync_folder(&self.path)
        });
        moved.map_err(|error| failed("put a copy in the place of", &options.folder, error))?;
        *place = Some(Live::open(options).map_err(in_doubt)?);
        Ok(())
    }

    /// Removes a copy that did not get to its place.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn remove_copy(&self) -> Result<(), Error> {
        let LiveOptions { folder, witness, .. } = self.copy_options();
        remove(&folder, &witness).map_err(|error| failed("remove", &folder, error))
    }
}
