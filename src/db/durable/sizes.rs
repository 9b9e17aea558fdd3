//! How large the parts of a data folder are.

use std::fs;
use std::io;

use crate::db::durable::folder::{Folder, journal_folder};
use crate::db::stats::DiskStats;
use crate::persist::live::files::size_of_folder;
use crate::persist::live::live_store::Live;

impl Folder {
    /// The sizes now. Files come and go while the database works, so they are those of one moment each.
    ///
    /// # Errors
    /// If the folder cannot be listed.
    pub(crate) fn sizes(&self) -> io::Result<DiskStats> {
        let live_bytes = self.live.read().as_ref().map(Live::size_on_disk).transpose()?;
        let mut sizes = DiskStats {
            journal_bytes: size_of_folder(&journal_folder(&self.path))?,
            base_bytes: self.state.lock().base.as_ref().map_or(0, |base| base.file.file_bytes()),
            live_bytes: live_bytes.unwrap_or(0),
            messages_bytes: self.messages.file_bytes(),
            set_aside_bytes: 0,
        };
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("live.set-aside-") {
                sizes.set_aside_bytes += size_of_folder(&entry.path())?;
            }
        }
        Ok(sizes)
    }
}
