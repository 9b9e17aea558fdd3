//! Opening: lock, manifest, base, live store, journal; then either what the journal holds beyond the live
//! store is applied, or the live store is made anew.
//!
//! Nothing here grows with the number of profiles unless the live store is in doubt, or a checkpoint was
//! cut short and profiles have to be counted.

use std::error::Error as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use parking_lot::{Condvar, Mutex, RwLock};

use crate::base::error::{Error, ErrorKind};
use crate::base::time::Time;
use crate::catalog::CatalogText;
use crate::db::applying::Incoming;
use crate::db::catalog::Catalog;
use crate::db::database::Database;
use crate::db::durable::base::{Base, base_path, remove_others};
use crate::db::durable::catalogs;
use crate::db::durable::completeness;
use crate::db::durable::erasure_file;
use crate::db::durable::folder::{
    Access, Folder, FolderState, in_doubt, journal_folder, live_options, messages_folder,
};
use crate::db::durable::manifest::{Manifest, new_lineage};
use crate::db::durable::open_options::OpenOptions;
use crate::db::durable::rebuild::OldStore;
use crate::db::durable::upkeep::{LastCheckpoint, Upkeep, UpkeepThread};
use crate::db::erasing::tombstones::Tombstones;
use crate::db::held::Heldback;
use crate::engine::program::Program;
use crate::model::message::Message;
use crate::persist::disk::failure::failed;
use crate::persist::disk::file_calls::Disk;
use crate::persist::disk::folder_lock::FolderLock;
use crate::persist::journal::journal::{Journal, JournalOptions};
use crate::persist::journal::recovery::{Recovered, Salvage};
use crate::persist::journal::sequence::Sequence;
use crate::persist::live::distrust::Distrust;
use crate::persist::live::live_store::Live;
use crate::persist::message_runs::runs::MessageRuns;
use crate::persist::record::erasure_book::ErasureBook;
use crate::persist::record::journal_record::JournalRecord;
use crate::persist::record::store_meta::StoreMeta;
use crate::rules::exposure_counts::ExposureCounts;
use crate::store::programs::{Past, Programs};

/// The live store's cache of pages, without a memory budget.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Its part of a budget, and the least that it gets.
const CACHE_PART: u64 = 16;
const LEAST_CACHE_BYTES: u64 = 4 * 1024 * 1024;
/// The part of a budget that profiles may take. The rest is for what grows with the number of profiles
/// on disk (the live store's tables: some 200 bytes for each), and for messages on their way.
const PROFILES_PART: u64 = 3;

/// A folder whose files are open, and what they say.
struct Opened {
    folder: Arc<Folder>,
    /// The catalog in force at the live store's checkpoint, packed.
    packed: String,
    /// The least that the database's time can be.
    began_at: Time,
    /// The live store, if it is to be believed, and the programs that profiles in it are under.
    live: Result<(Live, StoreMeta, Programs), Distrust>,
    /// Records of the journal after its checkpoint.
    records: Vec<(u64, Vec<u8>)>,
    /// How often offers were shown.
    exposures: ExposureCounts,
}

/// What the journal said while it was opened.
#[derive(Default)]
struct Replay {
    /// Records after the live store's last checkpoint.
    records: Vec<(u64, Vec<u8>)>,
    /// The last catalog up to that checkpoint, and how many there were after the base.
    catalog: Option<String>,
    catalogs: u64,
    /// The time of the last record.
    now: Option<Time>,
    /// How often offers were shown, by all of the journal.
    exposures: ExposureCounts,
}

impl OpenOptions {
    /// Opens the database in a folder, or makes one there.
    ///
    /// # Errors
    /// `Busy` if it is open already, `Damaged`, `Incompatible`, `Io`; `InvalidCall` if the folder is new
    /// and no catalog is given.
    pub fn open(self, folder: impl AsRef<Path>) -> Result<Database, Error> {
        let opened = self.open_files(folder.as_ref())?;
        let Opened { folder, packed, began_at, live, records, exposures } = opened;
        folder.note_newer_tombstones()?;
        if folder.is_erasing() {
            drop(live);
            let database = self.end_erasing(folder, began_at)?;
            return self.finish(database, &exposures);
        }
        let counted = live.map_err(in_doubt).and_then(|(live, meta, programs)| {
            *folder.live.write() = Some(live);
            let opened = folder.messages.open(&meta.runs);
            folder.ask(|_| opened.map_err(|error| Distrust::new(error.to_string())))?;
            folder.messages.remove_unused();
            Ok((folder.counted(meta, &programs)?, programs))
        });
        let replayed = counted.and_then(|(meta, programs)| {
            let mut database = self.assemble(Arc::clone(&folder), programs, packed, meta, began_at)?;
            database.replay(&records).inspect_err(|_| {
                // What was replayed in part must not be taken for everything when it is dropped.
                database.upkeep = None;
            })?;
            Ok(database)
        });
        let database = match replayed {
            Err(error) if folder.was_in_doubt(&error) => {
                let doubt = error.source().and_then(|source| source.downcast_ref::<Distrust>());
                let why = doubt.map_or_else(|| error.to_string(), |doubt| doubt.reason.clone());
                self.made_anew(folder, began_at, OldStore::InDoubt(&why))?
            }
            replayed => replayed?,
        };
        self.finish(database, &exposures)
    }

    fn open_files(&self, path: &Path) -> Result<Opened, Error> {
        let disk = Arc::clone(&self.disk);
        disk.create_folder(path).map_err(|error| failed("make", path, error))?;
        let lock = FolderLock::take(&*disk, path)?;
        let mut manifest = self.manifest(path)?;
        let book = self.book(path, &mut manifest)?;
        let is_journal_gone = completeness::is_journal_gone(&*disk, path, &manifest)?;
        if is_journal_gone && !self.salvage {
            return Err(completeness::gone(path));
        }
        remove_others(&*disk, path, manifest.base);
        let base = match manifest.base {
            0 => None,
            number => Some(Arc::new(Base::open(&*disk, base_path(path, number), manifest.base_sequence)?)),
        };
        manifest = manifest.counted(base.as_ref())?;
        let cache_bytes = self.cache_bytes();
        let live = Live::open(live_options(path, cache_bytes)).and_then(|live| {
            let meta = StoreMeta::read(&live.meta());
            meta.map(|meta| (live, meta)).ok_or_else(|| Distrust::new("its checkpoint cannot be read"))
        });
        let after = live.as_ref().map_or(manifest.base_sequence, |(live, _)| live.sequence());
        let mut replay = Replay::default();
        let (journal, recovered) = self.journal(path, &manifest, after, &mut replay)?;
        let is_ours = live.as_ref().is_ok_and(|(_, meta)| meta.lineage == manifest.lineage);
        let reached = manifest.journal_reached.max(if is_ours { after } else { 0 });
        let ends_early = reached > recovered.last.0;
        if ends_early && !self.salvage {
            return Err(completeness::shortened(path, reached, recovered.last.0));
        }
        let gives_up = ends_early || is_journal_gone || recovered.given_up.is_some();
        if gives_up {
            manifest.lineage = new_lineage();
            manifest.journal_reached = recovered.last.0;
        }
        if gives_up || !manifest.has_journal {
            manifest.has_journal = true;
            manifest.write(&*disk, path)?;
        }
        let packed = replay.catalog.take().unwrap_or_else(|| manifest.catalog.clone());
        let revision = manifest.revision + replay.catalogs;
        let program = program_of(&packed, revision)?;
        let began_at = replay.now.unwrap_or(Time::MIN).max(manifest.now());
        let live = live.and_then(|(live, meta)| {
            believed(&live, &meta, &manifest, &program)?;
            let programs = programs_of(&*disk, path, &meta, program)?;
            Ok((live, meta, programs))
        });
        let mut exposures = manifest.exposures.clone().unwrap_or_default();
        exposures.add_all(&replay.exposures);
        let folder = Arc::new(Folder {
            messages: MessageRuns::none(Arc::clone(&disk), messages_folder(path)),
            disk,
            path: path.to_owned(),
            journal,
            live: RwLock::new(None),
            state: Mutex::new(FolderState { manifest, base }),
            tombstones: Arc::new(Tombstones::of(book)),
            upkeep: Mutex::new(()),
            looking: RwLock::default(),
            given_up: Mutex::default(),
            building: Mutex::new(()),
            warnings: Mutex::default(),
            cache_bytes,
            segment_bytes: self.segment_bytes,
            access: self.access,
            listener: self.listener.clone(),
            _lock: lock,
        });
        tell(&folder, &recovered, is_journal_gone);
        Ok(Opened { folder, packed, began_at, live, records: replay.records, exposures })
    }

    /// The database over a live store that is made anew, with everything that the journal holds.
    fn made_anew(&self, folder: Arc<Folder>, began_at: Time, old: OldStore<'_>) -> Result<Database, Error> {
        let manifest = {
            let manifest = folder.state.lock().manifest.clone();
            folder.tail(&manifest, None)?.carried_over(&manifest)
        };
        let program = program_of(&manifest.catalog, manifest.revision)?;
        let meta = folder.rebuild_live(&program, began_at, old, &|_| false)?.meta;
        self.assemble(folder, Programs::only(program), manifest.catalog, meta, began_at)
    }

    /// Finishes an erasure that was cut short, or that came with a newer book than the files.
    fn end_erasing(&self, folder: Arc<Folder>, began_at: Time) -> Result<Database, Error> {
        let bytes = folder.rewrite()?;
        folder.warn("an erasure was finished: the files were written anew".to_owned());
        let database = self.made_anew(Arc::clone(&folder), began_at, OldStore::Outdated)?;
        folder.end_erasing(bytes + folder.bytes_made_anew())?;
        Ok(database)
    }

    fn cache_bytes(&self) -> u64 {
        self.memory_budget.map_or(CACHE_BYTES, |budget| (budget / CACHE_PART).max(LEAST_CACHE_BYTES))
    }

    fn manifest(&self, path: &Path) -> Result<Manifest, Error> {
        if let Some(manifest) = Manifest::read(&*self.disk, path)? {
            return Ok(manifest);
        }
        completeness::is_new(&*self.disk, path)?;
        let Some(catalog) = &self.catalog else {
            let message =
                format!("`{}` holds no database yet: give a catalog to make one there", path.display());
            return Err(Error::new(ErrorKind::InvalidCall, message));
        };
        let manifest = Manifest::new(catalog.text.pack());
        manifest.write(&*self.disk, path)?;
        Ok(manifest)
    }

    /// The book of erasures. Salvage goes on without one that cannot be read.
    fn book(&self, path: &Path, manifest: &mut Manifest) -> Result<Option<ErasureBook>, Error> {
        match erasure_file::read(&*self.disk, path) {
            Ok(None) if manifest.erasures.is_some() && !self.salvage => Err(erasure_file::gone(path)),
            Err(error) if error.kind() == ErrorKind::Damaged && self.salvage => {
                manifest.erasures = None;
                Ok(None)
            }
            read => read,
        }
    }

    fn journal(
        &self,
        path: &Path,
        manifest: &Manifest,
        after: u64,
        replay: &mut Replay,
    ) -> Result<(Journal, Recovered), Error> {
        let options = JournalOptions { segment_bytes: self.segment_bytes, durability: self.durability };
        let salvage = if self.salvage { Salvage::Allowed } else { Salvage::No };
        Journal::open(
            Arc::clone(&self.disk),
            &journal_folder(path),
            options,
            Sequence(manifest.base_sequence),
            salvage,
            &mut |sequence, bytes| replay.add(sequence.0, bytes, after),
        )
    }

    fn assemble(
        &self,
        folder: Arc<Folder>,
        programs: Programs,
        packed: String,
        meta: StoreMeta,
        began_at: Time,
    ) -> Result<Database, Error> {
        let since = meta.now.max(began_at);
        let mut database =
            Database::empty(programs, self.clock.clone(), since, Some(Arc::clone(&folder) as _));
        database.tombstones = Arc::clone(&folder.tombstones);
        database.catalogs.lock().insert(meta.revision, packed);
        database.shards[0].write().add_sizes(&meta.sizes);
        for held in &meta.held {
            let incoming = Incoming {
                message: Message::parse(&held.json)?,
                message_id: held.message_id.clone(),
                time: held.time,
                now: held.now,
            };
            database.hold_back(Heldback { sequence: held.sequence, incoming });
        }
        let sequence = folder.ask(|live| Ok(live.sequence()))?;
        let upkeep = Arc::new(Upkeep {
            shards: Arc::clone(&database.shards),
            messages: Arc::clone(&database.messages),
            time: Arc::clone(&database.time),
            held: Arc::clone(&database.held),
            moving: RwLock::default(),
            budget: self.memory_budget.map(|budget| budget / PROFILES_PART),
            resident_bytes: AtomicU64::new(0),
            loaded: AtomicU64::new(0),
            stored_profiles: meta.profiles.into(),
            last: Mutex::new(LastCheckpoint { sequence, at: Instant::now() }),
            stop: Mutex::new(false),
            wake: Condvar::new(),
            keeping: AtomicU64::new(0),
            replayed: Mutex::new(None),
            folder,
        });
        database.set_upkeep(upkeep);
        Ok(database)
    }

    /// Takes over a new catalog, and starts the upkeep.
    fn finish(self, mut database: Database, exposures: &ExposureCounts) -> Result<Database, Error> {
        database.shards.exposed.add_all(exposures);
        let Some(upkeep) = database.upkeep.clone() else { return Ok(database) };
        if let Some(catalog) = self.catalog
            && !unpack_text(&database.packed_catalog())?.has_files_of(&catalog.text)
        {
            database.replace_catalog(catalog)?;
        }
        if upkeep.folder.access == Access::Questions {
            return Ok(database);
        }
        database.crowds.open();
        database.begin_recounting();
        database.sweep.begin();
        let path = upkeep.folder.path.clone();
        let thread =
            UpkeepThread::start(upkeep).map_err(|error| failed("start a thread for", &path, error))?;
        database.thread = Some(thread);
        Ok(database)
    }
}

/// That the live store is one of this database, and not older than the base.
fn believed(live: &Live, meta: &StoreMeta, manifest: &Manifest, program: &Program) -> Result<(), Distrust> {
    let why = if meta.program != program.fingerprint {
        "it was made under another catalog or by another version"
    } else if meta.lineage != manifest.lineage {
        "it knows messages that were given up, or is another database's"
    } else if live.sequence() < manifest.base_sequence {
        "it is older than the base"
    } else {
        return Ok(());
    };
    Err(Distrust::new(why))
}

/// The programs that profiles in the live store are under.
fn programs_of(
    disk: &dyn Disk,
    folder: &Path,
    meta: &StoreMeta,
    current: Arc<Program>,
) -> Result<Programs, Distrust> {
    let mut past = Vec::new();
    for behind in &meta.behind {
        let read = catalogs::read(disk, folder, behind.revision);
        let catalog = read.and_then(|packed| packed.map(|packed| unpack(&packed)).transpose());
        let program = catalog.map(|catalog| {
            let catalog = catalog.filter(|catalog| !catalog.text.published.without_lists)?;
            Some(Arc::new(Program::new(catalog.definitions, behind.revision)))
        });
        let program = program.map_err(|error| Distrust::new(error.to_string()))?;
        let program = program.filter(|program| program.fingerprint == behind.program);
        let program = program.ok_or_else(|| {
            Distrust::new(format!(
                "the catalog of revision {}, of which it has profiles, is gone",
                behind.revision
            ))
        })?;
        past.push(Past { program, until: behind.until });
    }
    Ok(Programs { current, past: past.into() })
}

impl Replay {
    fn add(&mut self, sequence: u64, bytes: &[u8], after: u64) -> Result<(), Error> {
        let record = JournalRecord::read(bytes)?;
        let (JournalRecord::Message { now, .. } | JournalRecord::Catalog { now, .. }) = record;
        self.now = Some(now);
        if let JournalRecord::Message { json, .. } = record {
            self.exposures.count_written(json)?;
        }
        if sequence > after {
            self.records.push((sequence, bytes.to_vec()));
        } else if let JournalRecord::Catalog { text, .. } = record {
            self.catalog = Some(text.to_owned());
            self.catalogs += 1;
        }
        Ok(())
    }
}

/// Says what opening the journal found.
fn tell(folder: &Folder, recovered: &Recovered, is_journal_gone: bool) {
    if is_journal_gone {
        folder.warn("the journal was gone; what came after the base is given up".to_owned());
    }
    if let Some(given_up) = &recovered.given_up {
        let kept: Vec<String> = given_up.kept.iter().map(|path| format!("`{}`", path.display())).collect();
        folder.warn(format!(
            "{}; what follows the damage is given up, and kept in {}",
            given_up.damage,
            kept.join(", ")
        ));
    }
}

/// The program of a catalog that was packed.
///
/// # Errors
/// `Damaged` if it is none.
pub(crate) fn program_of(packed: &str, revision: u64) -> Result<Arc<Program>, Error> {
    Ok(Arc::new(Program::new(unpack(packed)?.definitions, revision)))
}

/// The catalog that was packed.
///
/// # Errors
/// `Damaged` if it is none.
pub(crate) fn unpack(packed: &str) -> Result<Catalog, Error> {
    Ok(Catalog::from_text(unpack_text(packed)?)?)
}

/// Its text.
///
/// # Errors
/// `Damaged` if it is none.
pub(crate) fn unpack_text(packed: &str) -> Result<CatalogText, Error> {
    CatalogText::unpack(packed).ok_or_else(|| {
        Error::new(ErrorKind::Damaged, "the catalog in the folder cannot be read; restore a backup")
    })
}
