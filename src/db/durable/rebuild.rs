//! Making the live store anew from base and journal.

use std::sync::Arc;

use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::durable::building::{chunks, info};
use crate::db::durable::customers::{Customer, Truth};
use crate::db::durable::folder::{Folder, in_doubt, live_options};
use crate::db::durable::recovery::RecoveryWork;
use crate::derived::propagation::Scratch;
use crate::engine::image::Image;
use crate::engine::program::Program;
use crate::engine::standing::Standing;
use crate::engine::transition::Trigger;
use crate::persist::disk::failure::failed;
use crate::persist::live::changes::ProfileChange;
use crate::persist::live::distrust::Distrust;
use crate::persist::live::live_store::{Live, LiveOptions};
use crate::persist::live::set_aside::set_aside;
use crate::persist::message_runs::runs::MessageRuns;
use crate::persist::record::history_chunk::FULL;
use crate::persist::record::profile_record::{ProfileRecord, read_lead, write_lead};
use crate::persist::record::store_meta::{HeldRecord, StoreMeta};
use crate::store::history::{Entry, History};
use crate::store::message_index::MessageIndex;
use crate::store::profile::ids;
use crate::store::programs::Programs;
use crate::store::rebuilding::rebuild;

/// How many profiles are written at once.
const BATCH: usize = 1_000;
/// Most warnings that are kept.
const MAX_WARNINGS: usize = 1_000;
/// How many ids of messages: 8 MB.
const BATCH_OF_MESSAGES: usize = 256 * 1024;

/// What was made.
pub(crate) struct Rebuilt {
    pub(crate) meta: StoreMeta,
    /// Of each segment, how many members are not in memory.
    pub(crate) not_in_memory: Vec<u64>,
}

/// What becomes of the live store that there was.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OldStore<'a> {
    /// It is in doubt, for this reason, and set aside for people to look at.
    InDoubt(&'a str),
    /// It holds what is not to be there any more, and is removed.
    Outdated,
}

/// The making of a live store.
struct Making<'a> {
    program: &'a Program,
    is_in_memory: &'a dyn Fn(&[u8]) -> bool,
    not_in_memory: Vec<u64>,
    now: Time,
    live: Live,
    meta: StoreMeta,
    changes: Vec<ProfileChange>,
    /// Ids and contents of messages that are not in a run yet.
    messages: Vec<(u128, u128)>,
    runs: &'a MessageRuns,
    scratch: Scratch,
}

impl Folder {
    /// Puts the live store away, whatever it is, and makes a new one from base and journal, as of the
    /// journal's last record. `now` is the least that the database's time can be. Profiles in memory are
    /// counted apart.
    ///
    /// # Errors
    /// `Io`, and `Damaged` if base or journal cannot be read.
    pub(crate) fn rebuild_live(
        &self,
        program: &Program,
        now: Time,
        old: OldStore<'_>,
        is_in_memory: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Rebuilt, Error> {
        let options = live_options(&self.path, self.cache_bytes);
        // A base in the making lets go of segments of the journal that are read here.
        let _building = self.building.lock();
        // Closed before it is moved.
        let mut place = self.live.write();
        let is_full = place.as_ref().and_then(Live::distrusted).is_some_and(|distrust| distrust.is_full);
        drop(place.take());
        let (base, manifest) = {
            let state = self.state.lock();
            (state.base.clone(), state.manifest.clone())
        };
        let (lineage, began_at) = (manifest.lineage, manifest.now());
        let up_to = self.journal.sync()?.0;
        self.put_away(&options, old, is_full, up_to)?;
        self.messages.clear();
        let tail = self.tail(&manifest, Some(up_to))?;
        let now = now.max(tail.now.unwrap_or(now)).max(began_at);
        let sizes = vec![0; program.graph.segments.len()];
        let mut scratch = Scratch::default();
        scratch.reserve(&program.graph);
        let mut making = Making {
            program,
            is_in_memory,
            not_in_memory: sizes.clone(),
            now,
            live: Live::create(options)?,
            // Of no program, until it is finished.
            meta: StoreMeta {
                lineage,
                program: 0,
                revision: program.revision,
                now,
                profiles: 0,
                runs: Vec::new(),
                held: Vec::new(),
                behind: Vec::new(),
                sizes,
            },
            changes: Vec::new(),
            messages: Vec::new(),
            runs: &self.messages,
            scratch,
        };
        let all = base.as_ref().map_or(0, |base| base.file.entries()) + tail.profiles();
        self.listener.tell(RecoveryWork::MakingAnew, 0, all);
        let truth = Truth { base: base.as_ref(), tail: &tail, rules: &program.definitions.identifiers, now };
        let later = truth.for_each_customer(&mut |customer| {
            making.add(customer)?;
            self.listener.tell(RecoveryWork::MakingAnew, making.meta.profiles, all);
            Ok(())
        })?;
        later.iter().for_each(|(sequence, entry)| making.hold(*sequence, entry));
        making.write_messages()?;
        making.meta.runs = self.messages.names();
        making.meta.program = program.fingerprint;
        making.write(up_to)?;
        *place = Some(making.live);
        Ok(Rebuilt { meta: making.meta, not_in_memory: making.not_in_memory })
    }

    /// Puts away the live store that there was, and says so.
    fn put_away(
        &self,
        options: &LiveOptions,
        old: OldStore<'_>,
        is_full: bool,
        up_to: u64,
    ) -> Result<(), Error> {
        let is_there = options.folder.exists() || options.witness.exists();
        match old {
            OldStore::Outdated => self.remove_live()?,
            OldStore::InDoubt(_) if is_full && options.folder.exists() => {
                self.remove_live()?;
                self.warn("the disk was full: the live store is made anew from base and journal".to_owned());
            }
            OldStore::InDoubt(why) if is_there => {
                let aside = set_aside(&options.folder, &options.witness)
                    .map_err(|error| failed("set aside", &options.folder, error))?;
                self.warn(format!(
                    "the live store was not to be trusted ({why}) and is made anew from base and journal; \
                     the old one is in `{}` and can be removed",
                    aside.display()
                ));
            }
            OldStore::InDoubt(_) if up_to > 0 => {
                self.warn("the live store was missing and is made anew from base and journal".to_owned());
            }
            OldStore::InDoubt(_) => {}
        }
        Ok(())
    }

    /// What is true of all profiles: counted, if a checkpoint was not finished.
    ///
    /// # Errors
    /// If the live store is in doubt.
    pub(crate) fn counted(&self, mut meta: StoreMeta, programs: &Programs) -> Result<StoreMeta, Error> {
        if meta.profiles != StoreMeta::NOT_COUNTED {
            return Ok(meta);
        }
        self.ask(|live| {
            live.verify()?;
            meta.profiles = 0;
            let current = &programs.current;
            meta.sizes = vec![0; current.graph.segments.len()];
            live.for_each_profile(|_, record| {
                if read_lead(record).is_some() {
                    return Ok(());
                }
                meta.profiles += 1;
                let record = ProfileRecord::read(record);
                let find = |fingerprint| programs.of_image(fingerprint);
                let image = record.and_then(|record| Image::load(record.image, find).ok());
                let (image, program) =
                    image.ok_or_else(|| Distrust::new("a profile's record cannot be read"))?;
                if Arc::ptr_eq(program, current) {
                    count(&mut meta.sizes, &image, program);
                }
                Ok(())
            })
        })?;
        Ok(meta)
    }

    /// Remembers something to be told, once: a disk that stays full is said again at every try.
    pub(crate) fn warn(&self, warning: String) {
        let mut warnings = self.warnings.lock();
        if warnings.len() < MAX_WARNINGS && !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
}

/// Counts a profile among the members of its segments.
fn count(sizes: &mut [u64], image: &Image, program: &Program) {
    for (size, literal) in sizes.iter_mut().zip(&program.graph.segments) {
        *size += u64::from(Standing::Image(image).is_true(*literal));
    }
}

impl Making<'_> {
    fn add(&mut self, customer: Customer<'_>) -> Result<(), Error> {
        let Customer { key, known_as, messages, sequence, only, .. } = customer;
        let (messages, entries): (Vec<_>, Vec<_>) = messages.into_iter().unzip();
        entries.iter().for_each(|entry| self.note_id(entry));
        if self.messages.len() >= BATCH_OF_MESSAGES {
            self.write_messages()?;
        }
        self.meta.profiles += 1;
        let kept = only.filter(|only| only.later.is_none()).and_then(|only| only.base.as_ref());
        let kept = kept.map(|base| &base.record);
        let image = kept.and_then(|record| Image::load_of(record.image, self.program).ok());
        let (image, last_cause) = match (image, kept) {
            (Some(image), Some(record)) => (image, record.last_cause.clone()),
            _ => {
                let mut history = History::default();
                entries.iter().for_each(|entry| history.push(entry.pack()));
                let ids = ids(&key, known_as.as_ref());
                let cell = rebuild(self.program, ids, &history, &mut self.scratch, self.now);
                let cause = match cell.last_cause {
                    Trigger::Message(place) => {
                        history.message_id(place).map(|id| (place, id.to_owned().into()))
                    }
                    Trigger::Time | Trigger::Catalog => None,
                };
                (Image::of(&cell, self.program), cause)
            }
        };
        count(&mut self.meta.sizes, &image, self.program);
        if !(self.is_in_memory)(&key.borrowed().key()) {
            count(&mut self.not_in_memory, &image, self.program);
        }
        let places = (0..).step_by(FULL as usize);
        for known in known_as.iter().flat_map(|known_as| &known_as.identifiers) {
            if known.identifier != key {
                let record = Some(write_lead(&key.borrowed().key()));
                let other = known.identifier.borrowed().key();
                self.changes.push(ProfileChange {
                    key: other,
                    record,
                    deadline_ms: None,
                    history: Vec::new(),
                });
            }
        }
        let record =
            ProfileRecord { sequence, history: info(&messages), last_cause, known_as, image: image.bytes() };
        self.changes.push(ProfileChange {
            key: key.borrowed().key(),
            record: Some(record.write()),
            deadline_ms: (image.deadline() != Time::NEVER).then(|| image.deadline().millis()),
            history: places.zip(chunks(&messages)).collect(),
        });
        if self.changes.len() >= BATCH { self.write(0) } else { Ok(()) }
    }

    fn note_id(&mut self, entry: &Entry) {
        let id = MessageIndex::hash_of(&entry.message_id);
        self.messages.push((id, entry.message.fingerprint()));
    }

    /// Holds back a message that ties identifiers later.
    fn hold(&mut self, sequence: u64, entry: &Entry) {
        self.note_id(entry);
        self.meta.held.push(HeldRecord {
            sequence,
            now: self.now,
            time: entry.time,
            message_id: entry.message_id.to_string(),
            json: entry.message.json_text(),
        });
    }

    fn write_messages(&mut self) -> Result<(), Error> {
        let prepared = self.runs.prepare(std::mem::take(&mut self.messages))?;
        self.runs.adopt(prepared);
        // No checkpoint names any run yet.
        self.runs.remove_unused();
        Ok(())
    }

    fn write(&mut self, sequence: u64) -> Result<(), Error> {
        let changes = std::mem::take(&mut self.changes);
        self.live.checkpoint(sequence, &self.meta.write(), changes).map_err(in_doubt)
    }
}
