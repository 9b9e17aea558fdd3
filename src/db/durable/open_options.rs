//! How a database in a folder is opened.

use std::sync::Arc;

use crate::base::clock::Clock;
use crate::db::catalog::Catalog;
use crate::db::durable::folder::Access;
use crate::db::durable::recovery::{Listener, Recovery};
use crate::persist::disk::file_calls::Disk;
use crate::persist::disk::real_disk::RealDisk;
use crate::persist::journal::durability::Durability;

/// The length of the journal's files, unless the caller says otherwise.
const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;

/// How a database in a folder is opened.
///
/// ```
/// # let folder = std::env::temp_dir().join(format!("habitue-doc-options-{}", std::process::id()));
/// # let _ = std::fs::remove_dir_all(&folder);
/// use habitue::{Catalog, Durability, Message, OpenOptions};
///
/// let catalog = Catalog::from_toml("schema = 1\n[attributes]\npoints = \"int\"\n")?;
/// let database = OpenOptions::new().catalog(catalog).durability(Durability::Sync).open(&folder)?;
/// database.apply(Message::identify("ana").with_trait("points", 7))?;
/// database.close()?;
///
/// let database = OpenOptions::new().open(&folder)?; // the catalog is in the folder
/// assert_eq!(database.attribute("ana", "points")?, Some(habitue::Value::Int(7)));
/// # drop(database);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct OpenOptions {
    pub(super) catalog: Option<Catalog>,
    pub(super) clock: Clock,
    pub(super) durability: Durability,
    pub(super) memory_budget: Option<u64>,
    pub(super) salvage: bool,
    pub(super) access: Access,
    pub(super) segment_bytes: u64,
    pub(super) listener: Listener,
    pub(super) disk: Arc<dyn Disk>,
}

impl Default for OpenOptions {
    fn default() -> OpenOptions {
        OpenOptions::new()
    }
}

impl OpenOptions {
    /// The usual: the folder's own catalog, the system's clock, [`Durability::Sync`], as much memory as
    /// it takes.
    pub fn new() -> OpenOptions {
        OpenOptions {
            catalog: None,
            clock: Clock::System,
            durability: Durability::Sync,
            memory_budget: None,
            salvage: false,
            access: Access::Everything,
            segment_bytes: SEGMENT_BYTES,
            listener: Listener::default(),
            disk: Arc::new(RealDisk),
        }
    }

    /// The catalog: needed the first time, and then kept in the folder. Another one than that in the
    /// folder replaces it.
    #[must_use]
    pub fn catalog(mut self, catalog: Catalog) -> OpenOptions {
        self.catalog = Some(catalog);
        self
    }

    /// Where the time comes from.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> OpenOptions {
        self.clock = clock;
        self
    }

    /// What is promised of a message when [`Database::apply`](crate::Database::apply) returns.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> OpenOptions {
        self.durability = durability;
        self
    }

    /// About how many bytes of memory the database may take. Profiles that nobody asks for are read
    /// from disk when they are needed.
    ///
    /// Some 200 bytes for each profile on disk are always in memory, and some 20 MB at least: with a
    /// budget below that, the process takes more.
    #[must_use]
    pub fn memory_budget(mut self, bytes: u64) -> OpenOptions {
        self.memory_budget = Some(bytes);
        self
    }

    /// Tells how far long work is that a crash, or a damaged live store, made necessary: about every
    /// thousandth message or profile, and at the end. It is called while opening, or by whoever meets the
    /// damage later, and must not ask the database anything.
    ///
    /// ```
    /// # let folder = std::env::temp_dir().join(format!("habitue-doc-recovery-{}", std::process::id()));
    /// # let _ = std::fs::remove_dir_all(&folder);
    /// use habitue::{Catalog, Message, OpenOptions};
    ///
    /// let catalog = Catalog::from_toml("schema = 1\n[attributes]\npoints = \"int\"\n")?;
    /// let database = OpenOptions::new().catalog(catalog).open(&folder)?;
    /// database.apply(Message::identify("ana").with_trait("points", 7))?;
    /// drop(database);
    /// std::fs::remove_dir_all(folder.join("live"))?;
    /// let options = OpenOptions::new().on_recovery(|recovery| {
    ///     eprintln!("{:?}: {} of {}", recovery.work, recovery.done, recovery.all);
    /// });
    /// assert_eq!(options.open(&folder)?.attribute("ana", "points")?, Some(habitue::Value::Int(7)));
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn on_recovery(mut self, tell: impl Fn(Recovery) + Send + Sync + 'static) -> OpenOptions {
        self.listener = Listener::new(tell);
        self
    }

    /// Opens a damaged journal by giving up what follows the damage; [`Database::warnings`](crate::Database::warnings) says what
    /// that was. What is given up is kept beside.
    #[must_use]
    pub fn salvage(mut self) -> OpenOptions {
        self.salvage = true;
        self
    }

    /// Opens the database to be asked only, at any time from its own on: messages and catalogs are
    /// refused, and how far the clock is leaves no trace in the folder. What a crash left is still
    /// mended.
    ///
    /// ```
    /// # let folder = std::env::temp_dir().join(format!("habitue-doc-questions-{}", std::process::id()));
    /// # let _ = std::fs::remove_dir_all(&folder);
    /// use habitue::{Catalog, Clock, Duration, ManualClock, Message, OpenOptions};
    ///
    /// let catalog = Catalog::from_toml(r#"
    ///     schema = 1
    ///     [events.Seen]
    ///     [segments]
    ///     recent = 'events("Seen").within("1h").exists()'
    /// "#)?;
    /// let database = OpenOptions::new().catalog(catalog).open(&folder)?;
    /// database.apply(Message::track("ana", "Seen"))?;
    /// let tomorrow = ManualClock::new(database.now() + Duration::parse("24h")?);
    /// database.close()?;
    ///
    /// let database = OpenOptions::new().questions_only().clock(Clock::Manual(tomorrow)).open(&folder)?;
    /// assert!(!database.is_member("ana", "recent")?);
    /// drop(database);
    /// assert!(OpenOptions::new().open(&folder)?.is_member("ana", "recent")?);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn questions_only(mut self) -> OpenOptions {
        self.access = Access::Questions;
        self
    }

    /// The length of the journal's files, bytes; for small disks.
    #[must_use]
    pub fn journal_segment_bytes(mut self, bytes: u64) -> OpenOptions {
        self.segment_bytes = bytes;
        self
    }

    /// Keeps journal, base and manifest on another disk than the real one.
    #[cfg(test)]
    pub(crate) fn on_disk(mut self, disk: Arc<dyn Disk>) -> OpenOptions {
        self.disk = disk;
        self
    }
}
