//! sled, and nothing else: the one file that names it.
//!
//! What sled 0.34.7 does, from its source, where it matters here:
//!
//! - `apply_batch` takes the one lock of the process, writes a batch manifest into the log (the place of
//!   the batch's end, filled in last), then each change. Recovery stops before a manifest whose end lies
//!   behind the last whole message: so after a crash a batch is there or not, *if* the log before it is.
//! - `flush` waits until the log has been handed to the disk by `sync_file_range`, which orders nothing:
//!   no file length, no drive cache. Hence our own `fdatasync` after it (`files.rs`).
//! - Files: `db` is the log and all pages, in segments of 512 KiB that are used again; `conf` three lines
//!   and a checksum; `snap.<lsn>` the table of pages, written at each opening (synced; its folder is not);
//!   `blobs/<lsn>` pages and links longer than an eighth or so of a segment, created and never synced.
//! - Opening reads the table of pages and the headers of all segments, and replays the log written since
//!   the table was: its cost grows with the number of pages (one for about ten records) although nothing
//!   here asks for it. It also *writes*: it overwrites what it takes for the torn end of the log. So a
//!   damaged store is more damaged after an opening.
//! - A read may write too: who comes upon a page of more than 16 entries splits it. No entry changes.
//! - A segment of the log is free again once all pages that had a part in it were written anew elsewhere.
//!   From half empty on, sled moves the rest out of it: one page whenever some page is *replaced*, which is
//!   every eleventh change of a page; the others are appended to it. With changes all over the tree that is
//!   too seldom, and the file grows without end. So after each batch a page of its own is changed as often
//!   as the batch changed something, at a tenth of the cost. After 20 rewrites of all profiles the store
//!   was 2.2 times its entries with it, 3.0 without; ten times as many brought no more.
//! - Its cache lets go of pages by what it has counted, and counts a page's part of the cache (its number
//!   modulo 256) once there were 64 accesses in that part: so it keeps up to 16,384 pages more than it may,
//!   400 MB with pages of 25 KB. Hence the empty trees, two pages each, that are made first and so lie in
//!   all parts. For each page that is touched, some of them are asked in turn (0.3 us each): sled has
//!   counted everything after 512 pages.
//! - Dropping the store flushes. Without `flush_every_ms` there is no thread in the background; with it
//!   there is one that rewrites sparse segments, and whose panic makes dropping wait for ever. It is off:
//!   under rewriting at random the file grew the same with it.
//! - Its pool of threads holds on to the store's file for a moment after the store was dropped, and with it
//!   to the lock on the file; opening again in that moment is refused. Hence the wait in [`Tree::open`].
//! - Opening creates what is missing: a missing `db` is an empty store.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sled::{Batch, Config, Db, IVec, Mode};

use super::distrust::Distrust;

/// How long a store that was closed may keep its file.
const RELEASE_LIMIT: Duration = Duration::from_secs(10);

/// Two pages of each are in two of the 256 parts of sled's cache.
const COUNTERS: usize = 128;
/// 64 times all of them in 512 pages.
const ASKED_FOR_A_PAGE: usize = 16;
/// A page has up to 16 entries and is on average not full.
const ENTRIES_OF_A_PAGE: usize = 10;

/// The store's one tree.
pub(crate) struct Tree {
    db: Db,
    /// One page of one entry, changed so that sled cleans up: see the header.
    cleaner: sled::Tree,
    /// Empty trees, asked so that sled lets go of pages: see the header.
    counters: Vec<sled::Tree>,
    /// Which of them is asked next.
    next_counter: AtomicUsize,
}

/// Bytes of the store: a handle, cheap to copy, that holds on to what sled read.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Bytes {
    whole: IVec,
    length: usize,
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.whole[..self.length]
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl Bytes {
    fn new(whole: IVec) -> Bytes {
        let length = whole.len();
        Bytes { whole, length }
    }

    /// The first `length` of these bytes.
    pub(crate) fn first(self, length: usize) -> Bytes {
        Bytes { length: length.min(self.length), ..self }
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tree")
    }
}

impl Tree {
    /// Whether there is a store in the folder, as far as its files' names tell.
    pub(crate) fn is_there(folder: &Path) -> bool {
        folder.join("db").is_file()
    }

    /// Opens the store in the folder, or creates it.
    pub(crate) fn open(folder: &Path, cache_bytes: u64) -> Result<Tree, Distrust> {
        wait_for_release(&folder.join("db"));
        let config = Config::new()
            .path(folder)
            .mode(Mode::HighThroughput)
            .cache_capacity(cache_bytes)
            .flush_every_ms(None);
        let db = config.open().map_err(|error| doubt(&error))?;
        let cleaner = db.open_tree("cleaner").map_err(|error| doubt(&error))?;
        let counter = |number| db.open_tree(format!("counter {number}")).map_err(|error| doubt(&error));
        let counters = (0..COUNTERS).map(counter).collect::<Result<_, _>>()?;
        Ok(Tree { db, cleaner, counters, next_counter: AtomicUsize::new(0) })
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Distrust> {
        let value = self.db.get(key).map_err(|error| doubt(&error))?;
        self.count_pages(1)?;
        Ok(value.map(Bytes::new))
    }

    /// The first entries of a range, at most so many, in the order of their keys.
    pub(crate) fn entries(
        &self,
        range: Range<Vec<u8>>,
        most: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, Distrust> {
        let entry = |entry: sled::Result<(IVec, IVec)>| {
            let (key, value) = entry.map_err(|error| doubt(&error))?;
            Ok((Bytes::new(key), Bytes::new(value)))
        };
        let entries: Vec<_> = self.db.range(range).take(most).map(entry).collect::<Result<_, _>>()?;
        self.count_pages(entries.len() / ENTRIES_OF_A_PAGE)?;
        Ok(entries)
    }

    /// Makes all changes, or none: a value is put, no value removes.
    pub(crate) fn apply(&self, changes: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Result<(), Distrust> {
        let count = changes.len();
        let mut batch = Batch::default();
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        self.db.apply_batch(batch).map_err(|error| doubt(&error))?;
        for number in 0..count as u32 {
            // A value that is there already would change nothing.
            self.cleaner.insert(b"", &number.to_le_bytes()).map_err(|error| doubt(&error))?;
        }
        self.count_pages(count / ENTRIES_OF_A_PAGE)
    }

    /// Makes sled count some pages that were just touched, so that it lets go of others.
    fn count_pages(&self, pages: usize) -> Result<(), Distrust> {
        let first = self.next_counter.fetch_add(pages * ASKED_FOR_A_PAGE, Ordering::Relaxed);
        for number in first..first + pages * ASKED_FOR_A_PAGE {
            self.counters[number % COUNTERS].get(b"").map_err(|error| doubt(&error))?;
        }
        Ok(())
    }

    /// Hands everything to the operating system. It is not on the disk then.
    pub(crate) fn flush(&self) -> Result<(), Distrust> {
        self.db.flush().map(drop).map_err(|error| doubt(&error))
    }
}

/// Waits until nobody has the file, but not for ever: then sled says what is wrong. Other processes are
/// kept out by the folder's lock, so who has it is a store that this process has just closed.
fn wait_for_release(file: &Path) {
    let Ok(file) = File::open(file) else { return };
    let start = Instant::now();
    while start.elapsed() < RELEASE_LIMIT {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(1)),
            // It lets go by itself when it is closed, but see `DiskFile::unlock`.
            Ok(()) => return drop(file.unlock()),
            Err(TryLockError::Error(_)) => return,
        }
    }
}

fn doubt(error: &sled::Error) -> Distrust {
    match error {
        sled::Error::Io(error) if error.kind() == ErrorKind::StorageFull => Distrust::full(),
        _ => Distrust::new(format!("sled says: {error}")),
    }
}
