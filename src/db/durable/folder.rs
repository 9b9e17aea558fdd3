//! The open data folder: its journal, its base, its live store.
//!
//! Invariants:
//! 1. The live store holds every profile as of the journal's record `live.sequence()`, or newer.
//! 2. Base and journal together hold every accepted message.
//! 3. Only one thread at a time checkpoints, evicts, builds a base or replaces the live store
//!    (`upkeep`).

use std::collections::BTreeSet;
use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use crate::base::error::{Error, ErrorKind};
use crate::base::time::Time;
use crate::db::durable::base::Base;
use crate::db::durable::manifest::Manifest;
use crate::db::durable::recovery::Listener;
use crate::db::erasing::tombstones::Tombstones;
use crate::engine::image::{Image, ImageError};
use crate::engine::program::Program;
use crate::model::identifier::{Identifier, OwnedIdentifier};
use crate::model::message::Message;
use crate::persist::disk::file_calls::Disk;
use crate::persist::disk::folder_lock::FolderLock;
use crate::persist::journal::journal::Journal;
use crate::persist::journal::sequence::Sequence;
use crate::persist::live::distrust::Distrust;
use crate::persist::live::live_store::{Live, LiveOptions};
use crate::persist::message_runs::runs::MessageRuns;
use crate::persist::record::history_chunk::{self, HistoryEntry};
use crate::persist::record::journal_record::JournalRecord;
use crate::persist::record::profile_record::{HistoryInfo, ProfileRecord, read_lead};
use crate::store::history::{Archive, Entry, History, Stored};
use crate::store::packed_message::PackedMessage;
use crate::store::profile::{Body, OnDisk, Profile};
use crate::store::programs::Programs;

/// How long opening the live store may take before it counts as hanging.
const OPEN_LIMIT: Duration = Duration::from_secs(120);
/// The same for a call on it.
const CALL_LIMIT: Duration = Duration::from_secs(60);

/// What may be done with an open folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Everything,
    /// Only questions: how far time goes for them leaves no trace.
    Questions,
}

/// An open folder.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) path: PathBuf,
    pub(crate) journal: Journal,
    /// The live store; nothing while it is being made anew.
    pub(crate) live: RwLock<Option<Live>>,
    /// The ids of the accepted messages that are on disk.
    pub(crate) messages: MessageRuns,
    pub(crate) state: Mutex<FolderState>,
    /// Who was erased.
    pub(crate) tombstones: Arc<Tombstones>,
    /// Held by whoever writes to the live store or takes profiles out of memory.
    pub(crate) upkeep: Mutex<()>,
    /// Held for reading by whoever looks a profile up, who has no shard.
    pub(crate) looking: RwLock<()>,
    /// Keys in the live store that are nobody's by now; the next checkpoint removes what is there.
    pub(crate) given_up: Mutex<BTreeSet<Vec<u8>>>,
    /// Held by whoever makes a base.
    pub(crate) building: Mutex<()>,
    pub(crate) warnings: Mutex<Vec<String>>,
    pub(crate) cache_bytes: u64,
    /// The length of the journal's files.
    pub(crate) segment_bytes: u64,
    pub(crate) access: Access,
    /// Who is told of long work.
    pub(crate) listener: Listener,
    pub(crate) _lock: FolderLock,
}

/// What the manifest says, and the base it names.
#[derive(Debug)]
pub(crate) struct FolderState {
    pub(crate) manifest: Manifest,
    pub(crate) base: Option<Arc<Base>>,
}

/// Where the journal of a folder is.
pub(crate) fn journal_folder(folder: &Path) -> PathBuf {
    folder.join("journal")
}

/// Where the ids of accepted messages are.
pub(crate) fn messages_folder(folder: &Path) -> PathBuf {
    folder.join("messages")
}

/// Where the live store of a folder is, and what it may use.
pub(crate) fn live_options(folder: &Path, cache_bytes: u64) -> LiveOptions {
    LiveOptions {
        folder: folder.join("live"),
        witness: folder.join("live.witness"),
        cache_bytes,
        open_limit: OPEN_LIMIT,
        call_limit: CALL_LIMIT,
    }
}

impl Folder {
    /// Says that summaries may be in the journal from here on.
    ///
    /// # Errors
    /// `Io`; then none may be.
    pub(crate) fn expect_summaries(&self) -> Result<(), Error> {
        let mut state = self.state.lock();
        if state.manifest.summaries {
            return Ok(());
        }
        let manifest = Manifest { summaries: true, ..state.manifest.clone() };
        manifest.write(&*self.disk, &self.path)?;
        state.manifest = manifest;
        Ok(())
    }

    /// Puts an accepted message on record, in memory; [`Folder::commit`] makes it safe.
    ///
    /// # Errors
    /// If writing failed before.
    pub(crate) fn record(&self, now: Time, message: &PackedMessage) -> Result<u64, Error> {
        self.check_changeable()?;
        let (time, message_id, json) = (message.time, message.message_id(), message.json());
        let record = JournalRecord::Message { now, time, message_id, json };
        Ok(self.journal.append(&record.write())?.0)
    }

    /// Puts a new catalog on record.
    ///
    /// # Errors
    /// If writing failed before.
    pub(crate) fn record_catalog(&self, now: Time, packed: &str) -> Result<u64, Error> {
        self.check_changeable()?;
        Ok(self.journal.append(&JournalRecord::Catalog { now, text: packed }.write())?.0)
    }

    /// That the database may be changed.
    ///
    /// # Errors
    /// `ReadOnly` if it was opened for questions only.
    pub(crate) fn check_changeable(&self) -> Result<(), Error> {
        match self.access {
            Access::Everything => Ok(()),
            Access::Questions => {
                let message = "the database was opened for questions only; open it without that to change it";
                Err(Error::new(ErrorKind::ReadOnly, message))
            }
        }
    }

    /// Notes how long the journal is, so that its end cannot get lost without a trace while the database is
    /// closed.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn note_end(&self) -> Result<(), Error> {
        let mut state = self.state.lock();
        let last = self.journal.last().0;
        if last == state.manifest.journal_reached {
            return Ok(());
        }
        state.manifest.journal_reached = last;
        state.manifest.write(&*self.disk, &self.path)
    }

    /// The keys of all profiles in the live store.
    ///
    /// # Errors
    /// If the live store is in doubt.
    pub(crate) fn keys(&self) -> Result<Vec<Vec<u8>>, Error> {
        let mut keys = Vec::new();
        self.ask(|live| {
            live.for_each_profile(|key, _| {
                keys.push(key.to_vec());
                Ok(())
            })
        })?;
        Ok(self.without_given_up(keys))
    }

    /// The keys of the profiles in a bucket of the live store that are under another program.
    ///
    /// # Errors
    /// If the live store is in doubt.
    pub(crate) fn keys_behind(&self, bucket: u16, program: &Program) -> Result<Vec<Vec<u8>>, Error> {
        let mut keys = Vec::new();
        self.ask(|live| {
            live.for_each_profile_of(bucket, &mut |key, record| {
                let record = ProfileRecord::read(record);
                if record.is_some_and(|record| Image::load_of(record.image, program).is_err()) {
                    keys.push(key.to_vec());
                }
                Ok(())
            })
        })?;
        Ok(self.without_given_up(keys))
    }

    fn without_given_up(&self, mut keys: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let given_up = self.given_up.lock();
        keys.retain(|key| !given_up.contains(key));
        keys
    }

    /// Waits until a record is as safe as the durability asks.
    ///
    /// # Errors
    /// If writing failed.
    pub(crate) fn commit(&self, sequence: u64) -> Result<(), Error> {
        self.journal.commit(Sequence(sequence))
    }

    /// Asks the live store.
    ///
    /// # Errors
    /// If it is in doubt; [`Folder::is_in_doubt`] says so from then on.
    pub(crate) fn ask<T>(&self, ask: impl FnOnce(&Live) -> Result<T, Distrust>) -> Result<T, Error> {
        match &*self.live.read() {
            Some(live) => ask(live).inspect_err(|distrust| live.doubt(distrust)).map_err(in_doubt),
            None => Err(in_doubt(Distrust::new("it is being made anew"))),
        }
    }

    /// Does what the live store and the ids of messages have to say from now on. If it cannot be done, they are
    /// believed no longer, whatever the reason, and are made anew.
    pub(crate) fn or_in_doubt(&self, change: impl FnOnce(&Folder) -> Result<(), Error>) {
        if let Err(error) = change(self) {
            // The doubt is what is wanted.
            let _ = self.ask(|_| Err::<(), _>(Distrust::new(error.to_string())));
        }
    }

    /// Whether the live store has to be made anew.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.live.read().as_ref().is_none_or(|live| live.distrusted().is_some())
    }

    /// Whether an error came of a doubt in the live store.
    pub(crate) fn was_in_doubt(&self, error: &Error) -> bool {
        error.source().is_some_and(<dyn std::error::Error>::is::<Distrust>)
    }

    /// The content under which a message of this id is on disk.
    ///
    /// # Errors
    /// If what is on disk is in doubt.
    pub(crate) fn content_of(&self, message_id: u128) -> Result<Option<u128>, Error> {
        self.ask(|_| self.messages.find(message_id).map_err(|error| Distrust::new(error.to_string())))
    }

    /// What the live store has under an identifier; a profile is read in place from its image.
    ///
    /// # Errors
    /// If the live store is in doubt.
    pub(crate) fn find(&self, identifier: Identifier<'_>, programs: &Programs) -> Result<Found, Error> {
        let _looking = self.looking.read();
        if self.given_up.lock().contains(&identifier.key()) {
            return Ok(Found::Nothing);
        }
        self.ask(|live| {
            let Some(bytes) = live.profile(&identifier.key())? else { return Ok(Found::Nothing) };
            match read_lead(&bytes) {
                None => Ok(match profile_of(identifier, &bytes, programs)? {
                    Some(profile) => Found::Profile(Box::new(profile)),
                    None => Found::OfAnotherProgram,
                }),
                Some(key) => match Identifier::of_key(key) {
                    Some(other) => Ok(Found::Under(other.to_owned())),
                    None => Err(Distrust::new("an identifier leads nowhere")),
                },
            }
        })
    }
}

/// What is under an identifier.
#[derive(Debug)]
pub(crate) enum Found {
    Profile(Box<Profile>),
    /// Its profile is stored under another one.
    Under(OwnedIdentifier),
    /// A profile under none of the programs: one that was written after the catalog was replaced again.
    OfAnotherProgram,
    Nothing,
}

impl Archive for Folder {
    fn messages(&self, identifier: Identifier<'_>, stored: Stored) -> Result<Vec<PackedMessage>, Error> {
        self.ask(|live| {
            let mut entries = Vec::with_capacity(stored.messages as usize);
            let mut hash = 0;
            for (_, chunk) in live.history(&identifier.key(), 0)? {
                let chunk = history_chunk::read(&chunk).ok_or_else(not_its_history)?;
                for entry in chunk.into_iter().take(stored.messages as usize - entries.len()) {
                    hash = entry.hash_after(hash);
                    entries.push(entry_of(&entry)?.pack());
                }
            }
            if entries.len() != stored.messages as usize || hash != stored.hash {
                return Err(not_its_history());
            }
            Ok(entries)
        })
    }
}

fn not_its_history() -> Distrust {
    Distrust::new("a profile's history is not what its record says")
}

/// The error of a question that the live store cannot answer now.
pub(crate) fn in_doubt(distrust: Distrust) -> Error {
    let message = format!("{distrust}; it is made anew from base and journal: ask again");
    Error::new(ErrorKind::Damaged, message).caused_by(distrust)
}

/// The profile that a record says; nothing if it is under none of the programs.
pub(crate) fn profile_of(
    identifier: Identifier<'_>,
    bytes: &[u8],
    programs: &Programs,
) -> Result<Option<Profile>, Distrust> {
    let record = ProfileRecord::read(bytes).ok_or_else(|| Distrust::new("a profile's record is damaged"))?;
    let image = Image::load(record.image, |fingerprint| programs.of_image(fingerprint));
    let (image, program) = match image {
        Err(ImageError::OtherProgram) => return Ok(None),
        image => image.map_err(|error| Distrust::new(error.to_string()))?,
    };
    let HistoryInfo { messages, hash } = record.history;
    let last_cause = record.last_cause.map(|(place, id)| (place, Box::from(&*id)));
    let history = History::archived(Stored { messages, hash }, last_cause);
    let mut profile =
        Profile::with(identifier, (Body::Image(image), program.revision), history, record.sequence);
    profile.is_stored = true;
    profile.on_disk = OnDisk { is_there: true, replaced: Vec::new(), leads_here: true };
    if let Some(known_as) = record.known_as {
        if !known_as.has(identifier) {
            return Err(Distrust::new("a profile does not know the identifier that it is stored under"));
        }
        profile.set_known_as(known_as);
    }
    Ok(Some(profile))
}

/// A message of a chunk as the engine reads it.
pub(crate) fn entry_of(entry: &HistoryEntry<'_>) -> Result<Entry, Distrust> {
    let message = Message::parse(&entry.json)
        .map_err(|refusal| Distrust::new(format!("a message of a history cannot be read: {refusal}")))?;
    Ok(Entry { time: entry.time, message_id: Box::from(&*entry.message_id), message })
}
