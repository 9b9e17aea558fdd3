//! Opening for reading only: everything is read from base and journal into memory, nothing is written.
//!
//! So it needs no lock, and works beside a process that has the database open: it shows the database as
//! of the last record that process had written. What it costs grows with the number of messages.

use std::path::Path;
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind};
use crate::base::time::Time;
use crate::catalog::CatalogText;
use crate::db::applying::Incoming;
use crate::db::catalog::Catalog;
use crate::db::database::Database;
use crate::db::durable::base::{Base, base_path};
use crate::db::durable::completeness;
use crate::db::durable::customers::{Customer, Truth};
use crate::db::durable::erasure_file;
use crate::db::durable::everything::Tail;
use crate::db::durable::folder::journal_folder;
use crate::db::durable::manifest::Manifest;
use crate::db::durable::open_options::OpenOptions;
use crate::db::durable::opening::{program_of, unpack};
use crate::db::erasing::sieve::Sieve;
use crate::db::erasing::sweeping::sweep;
use crate::db::erasing::tombstones::Tombstones;
use crate::db::held::Heldback;
use crate::db::publishing::carried_over;
use crate::derived::propagation::Scratch;
use crate::engine::program::Program;
use crate::model::identifier::OwnedIdentifier;
use crate::persist::disk::file_calls::Disk;
use crate::persist::record::erasure_book::ErasureBook;
use crate::store::history::{Entry, History};
use crate::store::holds::Holder;
use crate::store::profile::{Body, Profile, ids};
use crate::store::programs::Programs;
use crate::store::rebuilding::rebuild;

/// How a folder is read, where not as it is.
#[derive(Debug, Default)]
pub(crate) struct ReadAs {
    /// The catalog, if not the folder's own.
    pub(crate) catalog: Option<CatalogText>,
    /// The least that the time is, if not the database's own; it may be earlier.
    pub(crate) time: Option<Time>,
}

/// How often reading is begun again because the process that has the database open replaced a file.
const TRIES: usize = 5;

impl OpenOptions {
    /// Opens the database in a folder for reading only, also while another process has it open. It
    /// answers as of this moment, and refuses every message.
    ///
    /// # Errors
    /// `NotFound` if there is no database, `Damaged`, `Incompatible`, `Io`.
    pub fn open_read_only(self, folder: impl AsRef<Path>) -> Result<Database, Error> {
        self.read_as(folder.as_ref(), &ReadAs::default())
    }

    /// The same under another catalog, or at another time.
    ///
    /// # Errors
    /// As [`OpenOptions::open_read_only`].
    pub(crate) fn read_as(&self, folder: &Path, reading: &ReadAs) -> Result<Database, Error> {
        let mut tried = 0;
        loop {
            match self.read_everything(folder, reading) {
                // Files of a base that was replaced meanwhile are gone.
                Err(error) if error.kind() == ErrorKind::Io && tried < TRIES => tried += 1,
                read => return read,
            }
        }
    }

    fn read_everything(&self, path: &Path, reading: &ReadAs) -> Result<Database, Error> {
        let disk = &*self.disk;
        // Before the manifest: what a book leaves behind when it is finished, the base of a later manifest has.
        let book = erasure_file::read(disk, path)?;
        let Some(manifest) = Manifest::read(disk, path)? else {
            let message = format!("there is no database in `{}`; check the path", path.display());
            return Err(Error::new(ErrorKind::NotFound, message));
        };
        let base = match manifest.base {
            0 => None,
            number => Some(Arc::new(Base::open(disk, base_path(path, number), manifest.base_sequence)?)),
        };
        // The first one may have come in between.
        let book = match (book, &manifest.erasures) {
            (None, Some(_)) => Some(erasure_file::read(disk, path)?.ok_or_else(|| erasure_file::gone(path))?),
            (book, _) => book,
        };
        let tombstones = Tombstones::of(book);
        let tail = tail_of(disk, path, &manifest, base.as_ref(), &tombstones)?;
        if tail.last < manifest.journal_reached {
            return Err(completeness::shortened(path, manifest.journal_reached, tail.last));
        }
        let manifest = tail.carried_over(&manifest.counted(base.as_ref())?);
        let (catalog, revision) = match &reading.catalog {
            Some(text) => (carried_over(Catalog::from_text(text.clone())?, &manifest.catalog)?, 1),
            None => (unpack(&manifest.catalog)?, manifest.revision),
        };
        let packed = catalog.text.pack();
        let program = Arc::new(Program::new(catalog.definitions, revision));
        let since = reading.time.unwrap_or(manifest.now());
        let mut database =
            Database::empty(Programs::only(Arc::clone(&program)), self.clock.clone(), since, None);
        database.is_read_only = true;
        manifest.exposures.iter().for_each(|exposures| database.shards.exposed.add_all(exposures));
        database.catalogs.lock().insert(revision, packed);
        database.tombstones = Arc::new(tombstones);
        let now = database.now();
        let mut scratch = Scratch::default();
        scratch.reserve(&program.graph);
        let rules = &program.definitions.identifiers;
        let truth = Truth { base: base.as_ref(), tail: &tail, rules, now };
        let later =
            truth.for_each_customer(&mut |Customer { key, known_as, messages, sequence, .. }| {
                let mut history = History::default();
                messages.iter().for_each(|(_, entry)| history.push(entry.pack()));
                let cell = rebuild(&program, ids(&key, known_as.as_ref()), &history, &mut scratch, now);
                let state = (Body::Cell(cell), program.revision);
                let mut profile = Profile::with(key.borrowed(), state, history, sequence);
                known_as.into_iter().for_each(|known_as| profile.set_known_as(known_as));
                let identifiers: Vec<OwnedIdentifier> = profile.identifiers().cloned().collect();
                let all = identifiers.iter().map(OwnedIdentifier::borrowed);
                let mut locked = database.shards.lock_of(all, Holder::Storage);
                if let Some(place) = locked.insert(profile, now)
                    && let Some(shard) = locked.shard(place.shard as usize)
                {
                    shard.begin(place.slot);
                }
                Ok(())
            })?;
        for (sequence, Entry { time, message_id, message }) in later {
            let message_id = message_id.into_string();
            database.hold_back(Heldback { sequence, incoming: Incoming { message, message_id, time, now } });
        }
        Ok(database)
    }
}

/// What the journal holds after the base, without whoever was erased, also where the files still have them.
fn tail_of(
    disk: &dyn Disk,
    path: &Path,
    manifest: &Manifest,
    base: Option<&Arc<Base>>,
    tombstones: &Tombstones,
) -> Result<Tail, Error> {
    let read = |sieve| Tail::read(disk, &journal_folder(path), manifest, None, sieve);
    let tail = read(tombstones.sieve())?;
    let Some(book) = tombstones.book().filter(|book| book.pending.is_none()) else { return Ok(tail) };
    if manifest.erasures == Some(book.mark()) {
        return Ok(tail);
    }
    let carried = tail.carried_over(manifest);
    let program = program_of(&carried.catalog, carried.revision)?;
    match sweep(base, &tail, tombstones, &program.definitions.identifiers, &book.key)? {
        None => Ok(tail),
        pending => read(Arc::new(Sieve::of(&ErasureBook { pending, ..book }))),
    }
}
