//! The folder of a story that is told to a database on disk.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use habitue::{Catalog, Clock, Database, Durability, ManualClock, OpenOptions};

use crate::copying::copy;

/// How many there were in this process.
static FOLDERS: AtomicU64 = AtomicU64::new(0);

/// A folder for the database, and for the copies that kills leave. It goes when this goes.
pub(crate) struct Folder {
    path: PathBuf,
    kills: u64,
    budget: u64,
    clock: ManualClock,
}

impl Folder {
    /// A new one, of a database that may take so many bytes of memory.
    pub(crate) fn new(budget: u64, clock: &ManualClock) -> Folder {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let name = format!("habitue-oracle-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        Folder { path, kills: 0, budget, clock: clock.clone() }
    }

    fn data(&self) -> PathBuf {
        self.path.join(self.kills.to_string())
    }

    /// Opens the database; a new one with a catalog.
    pub(crate) fn open(&self, catalog: Option<Catalog>) -> Result<Database, String> {
        let options = OpenOptions::new().clock(Clock::Manual(self.clock.clone()));
        let options = options.durability(Durability::Group(Duration::from_millis(5)));
        let options = options.memory_budget(self.budget).journal_segment_bytes(16 * 1024);
        let options = catalog.into_iter().fold(options, OpenOptions::catalog);
        options.open(self.data()).map_err(|error| format!("open: {error}"))
    }

    /// Goes on with a copy of what is there now. Nobody writes meanwhile.
    pub(crate) fn leave_as_it_is(&mut self) {
        let before = self.data();
        self.kills += 1;
        copy(&before, &self.data());
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
