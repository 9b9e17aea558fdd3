//! Reading everything that is on disk, and comparing what is said twice.
//!
//! The journal is scanned, the base and the live store are read whole, each against its own checks. Then
//! each profile of the live store is compared with its messages in base and journal: the history word
//! for word, the ids of its messages, and the image with a cell that is made of the messages anew, both
//! brought to now.
//!
//! Meanwhile messages are taken and questions answered; checkpoints and bases wait.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::base::error::{Error, ErrorKind};
use crate::base::time::{Duration, Time};
use crate::db::database::Database;
use crate::db::durable::base::Base;
use crate::db::durable::customers::{Customer, Truth};
use crate::db::durable::everything::Tail;
use crate::db::durable::folder::{Access, Folder, journal_folder, live_options};
use crate::db::durable::manifest::Manifest;
use crate::derived::graph::Literal;
use crate::derived::propagation::Scratch;
use crate::derived::view::Known as _;
use crate::engine::cell::Cell;
use crate::engine::image::Image;
use crate::engine::program::Program;
use crate::engine::standing::Standing;
use crate::engine::step::Step;
use crate::engine::summary::coverage::messages_stood_for;
use crate::facts::identity::known_as::KnownAs;
use crate::facts::identity::named::Role;
use crate::model::identifier::OwnedIdentifier;
use crate::model::ids::AttributeId;
use crate::persist::block_file::fault::Fault;
use crate::persist::journal::scan::scan;
use crate::persist::journal::sequence::Sequence;
use crate::persist::record::journal_record::JournalRecord;
use crate::persist::record::profile_record::{ProfileRecord, read_lead};
use crate::persist::record::store_meta::StoreMeta;
use crate::store::history::{Archive, Entry, History, Stored};
use crate::store::message_index::MessageIndex;
use crate::store::packed_message::PackedMessage;
use crate::store::profile::{Ids, ids};
use crate::store::programs::Programs;
use crate::store::rebuilding::{Identified, rebuild};

/// What was read, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Records of the journal after the base.
    pub journal_records: u64,
    /// Profiles of the base.
    pub base_profiles: u64,
    /// Profiles of the live store.
    pub live_profiles: u64,
    /// Profiles of base and journal together, compared with the live store if all three can be read.
    pub profiles: u64,
    /// Their messages.
    pub messages: u64,
    /// Everything that is wrong.
    pub flaws: Vec<Flaw>,
}

/// Something on disk that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flaw {
    /// Where it is.
    pub part: FlawedPart,
    /// The file or folder, if one can be named.
    pub file: Option<PathBuf>,
    /// The byte of the file, if one can be named.
    pub offset: Option<u64>,
    /// The id of the profile, if it is about one.
    pub profile: Option<String>,
    /// What is wrong.
    pub reason: String,
}

/// A part of a data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FlawedPart {
    /// The messages since the base: restore a backup, or open with salvage.
    Journal,
    /// The messages before: restore a backup.
    Base,
    /// Made anew from the other two when it is in doubt: open the database again, or remove the folder
    /// `live` first.
    Live,
}

/// A verification under way.
struct Verification<'a> {
    folder: &'a Folder,
    base: Option<Arc<Base>>,
    program: &'a Program,
    /// With those that profiles may be under.
    programs: &'a Programs,
    scratch: Scratch,
    now: Time,
    /// What the live store was brought up to; nothing if it cannot be read.
    live: Option<u64>,
    /// How many messages summaries stand for.
    gone: u64,
    verified: Verified,
}

impl Database {
    /// Reads everything that is on disk and compares what is said twice. In memory there is nothing to
    /// verify.
    ///
    /// # Errors
    /// `Io` if reading fails, `Incompatible`, and `Busy` if the catalog is being replaced. What is
    /// damaged is in the answer.
    pub fn verify(&self) -> Result<Verified, Error> {
        let Some(upkeep) = &self.upkeep else { return Ok(Verified::default()) };
        let folder = &*upkeep.folder;
        if folder.access == Access::Everything {
            // What is behind could be told of the catalog it is of only.
            self.trusting(|| self.sweep.finish())?;
            self.checkpoint()?;
        }
        // Before any lock: what was held back until now takes effect, which may need upkeep.
        let now = self.now();
        let _upkeep = folder.upkeep.lock();
        let _building = folder.building.lock();
        let programs = self.shards.programs();
        let program = Arc::clone(&programs.current);
        let (base, manifest) = {
            let state = folder.state.lock();
            (state.base.clone(), state.manifest.clone())
        };
        let up_to = folder.journal.sync()?.0;
        let mut verification = Verification {
            folder,
            base,
            program: &program,
            programs: &programs,
            scratch: Scratch::default(),
            now,
            live: None,
            gone: 0,
            verified: Verified::default(),
        };
        for program in programs.all() {
            verification.scratch.reserve(&program.graph);
        }
        verification.unfinished();
        verification.journal(manifest.base_sequence, up_to)?;
        verification.base()?;
        let truth_is_whole = verification.verified.flaws.is_empty();
        verification.live()?;
        if truth_is_whole {
            verification.profiles(&manifest, up_to)?;
        }
        Ok(verification.verified)
    }
}

impl Flaw {
    /// A damage of the live store.
    fn of_live(folder: &Folder, profile: Option<&str>, reason: impl Into<String>) -> Flaw {
        let file = Some(live_options(&folder.path, folder.cache_bytes).folder);
        let (profile, reason) = (profile.map(str::to_owned), reason.into());
        Flaw { part: FlawedPart::Live, file, offset: None, profile, reason }
    }
}

impl Verification<'_> {
    fn journal(&mut self, after: u64, up_to: u64) -> Result<(), Error> {
        let path = journal_folder(&self.folder.path);
        let read = &mut |_, bytes: &[u8]| JournalRecord::read(bytes).map(drop);
        let scanned = scan(&*self.folder.disk, &path, Sequence(after), Some(Sequence(up_to)), read);
        match scanned {
            Ok(scan) => {
                self.verified.journal_records = scan.records;
                self.verified.flaws.extend(scan.damage.map(|damage| Flaw {
                    part: FlawedPart::Journal,
                    offset: Some(damage.offset),
                    profile: None,
                    reason: damage.to_string(),
                    file: Some(damage.file),
                }));
                Ok(())
            }
            Err(error) => self.damaged(FlawedPart::Journal, path, error),
        }
    }

    fn base(&mut self) -> Result<(), Error> {
        let Some(base) = self.base.clone() else { return Ok(()) };
        match base.file.verify(&mut |_| Ok(())) {
            Ok(()) => {
                self.verified.base_profiles = base.file.entries();
                Ok(())
            }
            Err(error) => self.damaged(FlawedPart::Base, base.path.clone(), error),
        }
    }

    fn live(&mut self) -> Result<(), Error> {
        let asked = self.folder.ask(|live| {
            let meta = StoreMeta::read(&live.meta());
            live.verify()?;
            let mut profiles = 0;
            live.for_each_profile(|_, record| {
                profiles += u64::from(read_lead(record).is_none());
                Ok(())
            })?;
            Ok((live.sequence(), meta, profiles))
        });
        let (sequence, meta, profiles) = match asked {
            Ok(answer) => answer,
            Err(error) => {
                self.verified.flaws.push(Flaw::of_live(self.folder, None, error.to_string()));
                return Ok(());
            }
        };
        if meta.is_none_or(|meta| self.programs.of_image(meta.program).is_none()) {
            let message = "the catalog is being replaced; verify when that is done";
            return Err(Error::new(ErrorKind::Busy, message));
        }
        if let Err(error) = self.folder.messages.verify() {
            self.verified.flaws.push(Flaw::of_live(self.folder, None, error.to_string()));
        }
        self.verified.live_profiles = profiles;
        self.live = Some(sequence);
        Ok(())
    }

    /// Notes an error that is a damage; others end the verification.
    fn damaged(&mut self, part: FlawedPart, path: PathBuf, error: Error) -> Result<(), Error> {
        if error.kind() != ErrorKind::Damaged {
            return Err(error);
        }
        let place = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<Fault>());
        let (file, offset) = place.map_or((path, None), |fault| (fault.path.clone(), Some(fault.offset)));
        let reason = error.to_string();
        self.verified.flaws.push(Flaw { part, file: Some(file), offset, profile: None, reason });
        Ok(())
    }

    fn profiles(&mut self, manifest: &Manifest, up_to: u64) -> Result<(), Error> {
        let (journal, sieve) = (journal_folder(&self.folder.path), self.folder.tombstones.sieve());
        let tail = Tail::read(&*self.folder.disk, &journal, manifest, Some(up_to), sieve)?;
        let base = self.base.clone();
        let path = base.as_ref().map_or_else(|| self.folder.path.clone(), |base| base.path.clone());
        let program = self.program;
        let truth = Truth {
            base: base.as_ref(),
            tail: &tail,
            rules: &program.definitions.identifiers,
            now: self.now,
        };
        let visited = truth.for_each_customer(&mut |customer| {
            self.verified.profiles += 1;
            self.verified.messages += customer.messages.len() as u64;
            let messages = customer.messages.iter();
            self.gone += messages.map(|(_, entry)| messages_stood_for(&entry.message)).sum::<u64>();
            self.erased(&customer);
            let Some(sequence) = self.live else { return Ok(()) };
            let name = customer.key.borrowed().value().to_owned();
            if let Err(reason) = self.profile(customer, sequence) {
                self.verified.flaws.push(Flaw::of_live(self.folder, Some(&name), reason));
            }
            Ok(())
        });
        match visited {
            Ok(later) => self.verified.messages += later.len() as u64,
            Err(error) => return self.damaged(FlawedPart::Base, path, error),
        }
        // Of those that became one since the last checkpoint, the live store still has all.
        let is_up_to_date = self.live.is_some_and(|sequence| sequence >= up_to);
        if is_up_to_date && self.verified.live_profiles > self.verified.profiles {
            let extra = self.verified.live_profiles - self.verified.profiles;
            let reason = format!("it holds {extra} profiles that base and journal do not know");
            self.verified.flaws.push(Flaw::of_live(self.folder, None, reason));
        }
        let ids = self.folder.messages.entries();
        // Messages that summaries stand for stay known, until all ids are found anew. Of an unfinished erasure,
        // ids of messages go last.
        let most = self.verified.messages + self.gone;
        if self.live.is_some() && ids > most && !self.folder.is_erasing() {
            let extra = ids - most;
            let reason = format!("{extra} ids of messages are known that base and journal do not hold");
            self.verified.flaws.push(Flaw::of_live(self.folder, None, reason));
        }
        Ok(())
    }

    /// Notes that files may still hold customers who are erased from every answer.
    fn unfinished(&mut self) {
        if self.folder.is_erasing() {
            let reason = "an erasure is not finished; erase anybody, or open the database again".to_owned();
            let part = FlawedPart::Base;
            self.verified.flaws.push(Flaw { part, file: None, offset: None, profile: None, reason });
        }
    }

    /// Looks whether messages are there of a time at which their customer was one who is erased by now.
    fn erased(&mut self, customer: &Customer<'_>) {
        let rules = &self.program.definitions.identifiers;
        let tombstones = &self.folder.tombstones;
        let is_of_the_erased = |entry: &Entry| {
            // At the very instant at which a device changed hands it was of both.
            let around = [-1, 0, 1].map(|ms| entry.time + Duration::from_millis(ms));
            around.into_iter().all(|time| {
                let covered = tombstones.covering(&entry.message, time, rules);
                covered.iter().any(|covered| covered.role == Role::Home)
            })
        };
        let count = customer.messages.iter().filter(|(_, entry)| is_of_the_erased(entry)).count();
        if count > 0 {
            let reason = format!("{count} messages are there of somebody who was erased");
            let (part, file) = (FlawedPart::Base, self.base.as_ref().map(|base| base.path.clone()));
            self.verified.flaws.push(Flaw { part, file, offset: None, profile: None, reason });
        }
    }

    /// Compares a profile with its messages; the live store holds everything up to `sequence`.
    fn profile(&mut self, customer: Customer<'_>, sequence: u64) -> Result<(), String> {
        let Customer { key, known_as, messages, waiting, sequence: last, .. } = customer;
        let is_due = last <= sequence;
        let bytes = self.folder.ask(|live| live.profile(&key.borrowed().key()));
        let Some(bytes) = bytes.map_err(|error| error.to_string())? else {
            return if is_due { Err("the profile is missing".to_owned()) } else { Ok(()) };
        };
        if !is_due && read_lead(&bytes).is_some() {
            return Ok(());
        }
        let record = ProfileRecord::read(&bytes).ok_or("the record cannot be read")?;
        if !is_due && (known_as.is_some() || record.known_as.is_some()) {
            // Who is who may have changed since the last checkpoint; the next one is verified.
            return Ok(());
        }
        let count = record.history.messages as usize;
        if count > messages.len() + waiting.len() || (is_due && count < messages.len()) {
            let known = messages.len();
            return Err(format!("it knows {count} messages, base and journal know {known}"));
        }
        let stored = Stored { messages: record.history.messages, hash: record.history.hash };
        let archived = self.folder.messages(key.borrowed(), stored).map_err(|error| error.to_string())?;
        let id_of = |entry: &Entry| (entry.time, entry.message_id.clone(), entry.message.fingerprint());
        let (mut here, mut there): (Vec<_>, Vec<_>) = (
            archived.iter().map(|message| id_of(&message.unpack())).collect(),
            messages.iter().take(count).map(|(_, entry)| id_of(entry)).collect(),
        );
        here.sort_unstable();
        there.sort_unstable();
        let waiting: Vec<_> = waiting.iter().map(id_of).collect();
        here.retain(|message| there.binary_search(message).is_ok() || !waiting.contains(message));
        if here != there {
            return Err("its messages are not those of base and journal".to_owned());
        }
        if is_due {
            self.identifiers(&key, known_as.as_ref(), record.known_as.as_ref())?;
            for entry in archived.iter().map(PackedMessage::unpack) {
                let id = MessageIndex::hash_of(&entry.message_id);
                let known = self.folder.content_of(id).map_err(|error| error.to_string())?;
                let contents = [entry.message.fingerprint(), entry.message.former_fingerprint()];
                if !known.is_some_and(|known| contents.contains(&known)) {
                    return Err(format!("the id of its message `{}` is not known", entry.message_id));
                }
            }
        }
        let mut history = History::default();
        archived.into_iter().for_each(|message| history.push(message));
        let image = Image::load(record.image, |fingerprint| self.programs.of_image(fingerprint));
        let (image, program) = image.map_err(|error| error.to_string())?;
        let ids = ids(&key, known_as.as_ref());
        let rebuilt = rebuild(program, ids, &history, &mut self.scratch, self.now);
        let mut cell = image.to_cell(program);
        self.advance(program, &mut cell, ids, &history);
        compare(program, &cell, &rebuilt)
    }

    /// Compares who a customer is with what is stored, and where the identifiers lead to.
    fn identifiers(
        &self,
        key: &OwnedIdentifier,
        is: Option<&KnownAs>,
        stored: Option<&KnownAs>,
    ) -> Result<(), String> {
        let sorted = |known_as: Option<&KnownAs>| {
            let mut identifiers: Vec<OwnedIdentifier> = match known_as {
                None => vec![key.clone()],
                Some(known_as) => known_as.identifiers.iter().map(|known| known.identifier.clone()).collect(),
            };
            identifiers.sort_unstable();
            identifiers
        };
        let identifiers = sorted(is);
        if identifiers != sorted(stored) {
            return Err("it is not known by the identifiers that its messages give it".to_owned());
        }
        for identifier in identifiers.iter().filter(|identifier| *identifier != key) {
            let identifier = identifier.borrowed();
            let bytes = self.folder.ask(|live| live.profile(&identifier.key()));
            let bytes = bytes.map_err(|error| error.to_string())?;
            if bytes.as_deref().and_then(read_lead) != Some(&key.borrowed().key()) {
                return Err(format!("its {identifier} does not lead to it"));
            }
        }
        Ok(())
    }

    fn advance(&mut self, program: &Program, cell: &mut Cell, ids: Ids<'_>, history: &History) {
        let mut turns = Vec::new();
        let identity = &Identified { program, ids };
        let scratch = &mut self.scratch;
        let mut step = Step { program, past: history, identity, scratch, turns: &mut turns };
        step.advance(cell, self.now);
    }
}

/// Compares the answers of two cells.
fn compare(program: &Program, stored: &Cell, rebuilt: &Cell) -> Result<(), String> {
    let (stored, rebuilt) = (Standing::Cell(stored), Standing::Cell(rebuilt));
    let (definitions, graph) = (&program.definitions, &program.graph);
    let differs = |literal: Literal| stored.truth(literal) != rebuilt.truth(literal);
    let segments = definitions.segment_names.iter().zip(&graph.segments);
    let mut differing: Vec<String> =
        segments.filter(|(_, literal)| differs(**literal)).map(|(name, _)| name.to_owned()).collect();
    let conditions = graph.conditions.iter().filter(|literal| differs(**literal)).count();
    if conditions > 0 {
        differing.push(format!("{conditions} conditions of offers"));
    }
    for (number, name) in definitions.attribute_names.iter().enumerate() {
        let attribute = AttributeId::from_index(number);
        if stored.attribute(attribute) != rebuilt.attribute(attribute) {
            differing.push(name.to_owned());
        }
    }
    for purpose in definitions.purposes.all() {
        let state = definitions.purposes.state_of(purpose);
        if (stored.attribute(state), stored.set_at(state))
            != (rebuilt.attribute(state), rebuilt.set_at(state))
        {
            differing.push(format!("the consent to {}", definitions.purposes.names.name(purpose.0)));
        }
    }
    if differing.is_empty() {
        return Ok(());
    }
    Err(format!("the stored answers are not those of its messages: {}", differing.join(", ")))
}
