//! All messages from base and journal, by the ids under which they came: the truth.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::durable::base::{Base, BaseEntry};
use crate::db::durable::manifest::Manifest;
use crate::db::erasing::sieve::Sieve;
use crate::engine::summary::coverage::{Coverage, ID_PREFIX};
use crate::facts::identity::ties::written_home;
use crate::model::message::Message;
use crate::persist::disk::file_calls::Disk;
use crate::persist::journal::scan::scan;
use crate::persist::journal::sequence::Sequence;
use crate::persist::record::history_chunk::HistoryEntry;
use crate::persist::record::journal_record::JournalRecord;
use crate::rules::exposure_counts::ExposureCounts;

/// What the journal holds after the base, by profile.
#[derive(Debug)]
pub(crate) struct Tail {
    /// Of each profile's key, its messages and the journal's number of the last one.
    profiles: BTreeMap<Vec<u8>, (u64, Vec<HistoryEntry<'static>>)>,
    /// The last catalog, if one was given, and how many were.
    pub(crate) catalog: Option<String>,
    pub(crate) catalogs: u64,
    /// The last record.
    pub(crate) last: u64,
    /// The database's time at the last record.
    pub(crate) now: Option<Time>,
    /// How often offers were shown, also to who is erased.
    exposures: ExposureCounts,
    /// What an unfinished erasure takes out, of the base too.
    sieve: Arc<Sieve>,
}

/// What came under one id.
#[derive(Debug)]
pub(crate) struct Everything<'a> {
    pub(crate) key: &'a [u8],
    /// What the base holds of it.
    pub(crate) base: Option<BaseEntry<'a>>,
    /// What came after the base, and the journal's number of the last one.
    pub(crate) later: Option<&'a (u64, Vec<HistoryEntry<'static>>)>,
    sieve: &'a Sieve,
}

impl Tail {
    /// Reads the journal of a folder after the base that its manifest names, up to `up_to`, through a sieve.
    ///
    /// # Errors
    /// `Damaged`, `Incompatible`, `Io`.
    pub(crate) fn read(
        disk: &dyn Disk,
        journal: &Path,
        manifest: &Manifest,
        up_to: Option<u64>,
        sieve: Arc<Sieve>,
    ) -> Result<Tail, Error> {
        let after = manifest.base_sequence;
        let mut tail = Tail {
            profiles: BTreeMap::new(),
            catalog: None,
            catalogs: 0,
            last: after,
            now: None,
            exposures: ExposureCounts::default(),
            sieve,
        };
        let sieve = Arc::clone(&tail.sieve);
        for entry in sieve.missing(manifest.erasures.as_deref()) {
            let home = written_home(&Message::parse(&entry.json)?).key();
            tail.keep(home, after, entry.clone());
        }
        let scan = scan(disk, journal, Sequence(after), up_to.map(Sequence), &mut |sequence, bytes| {
            tail.add(sequence.0, JournalRecord::read(bytes)?)
        })?;
        let _whole = scan.whole()?;
        Ok(tail)
    }

    /// How many profiles have messages here.
    pub(crate) fn profiles(&self) -> u64 {
        self.profiles.len() as u64
    }

    /// What a manifest becomes when everything up to here is in its base, but for the base's number.
    pub(crate) fn carried_over(&self, manifest: &Manifest) -> Manifest {
        let now = self.now.unwrap_or(Time::MIN).max(manifest.now());
        Manifest {
            revision: manifest.revision + self.catalogs,
            catalog: self.catalog.as_ref().unwrap_or(&manifest.catalog).clone(),
            base_sequence: self.last,
            now_ms: Some(now.millis()),
            exposures: manifest.exposures.clone().map(|mut exposures| {
                exposures.add_all(&self.exposures);
                exposures
            }),
            ..manifest.clone()
        }
    }

    fn add(&mut self, sequence: u64, record: JournalRecord<'_>) -> Result<(), Error> {
        self.last = sequence;
        match record {
            JournalRecord::Catalog { now, text } => {
                self.now = Some(now);
                self.catalog = Some(text.to_owned());
                self.catalogs += 1;
            }
            JournalRecord::Message { now, time, message_id, json } => {
                self.now = Some(now);
                let message = Message::parse(json)?;
                self.exposures.count(&message);
                let home = written_home(&message).key();
                let (message_id, json) = (Cow::Owned(message_id.to_owned()), Cow::Owned(json.to_owned()));
                if let Some(entry) = self.sieve.pass(&home, HistoryEntry { time, message_id, json })? {
                    self.keep(home, sequence, entry);
                }
            }
        }
        Ok(())
    }

    fn keep(&mut self, home: Vec<u8>, sequence: u64, entry: HistoryEntry<'static>) {
        let (last, entries) = self.profiles.entry(home).or_default();
        *last = sequence;
        entries.push(entry);
    }
}

/// Visits everything of base and journal, by the ids under which messages came, in the order of the keys.
///
/// # Errors
/// What `visit` returns, and `Damaged` or `Io` for the base.
pub(crate) fn for_each(
    base: Option<&Arc<Base>>,
    tail: &Tail,
    visit: &mut dyn FnMut(Everything<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let sieve = &*tail.sieve;
    let mut later = tail.profiles.iter().peekable();
    if let Some(base) = base {
        let mut entries = base.file.iterate_from(&[]);
        while let Some((key, value)) = entries.next_entry()? {
            while let Some((key, later)) = later.next_if(|(later, _)| later.as_slice() < key) {
                visit(Everything { key, base: None, later: Some(later), sieve })?;
            }
            let later = later.next_if(|(later, _)| later.as_slice() == key).map(|(_, later)| later);
            visit(Everything { key, base: Some(BaseEntry::read(value, &base.path)?), later, sieve })?;
        }
    }
    later.try_for_each(|(key, later)| visit(Everything { key, base: None, later: Some(later), sieve }))
}

/// Visits what came under one id, if anything did.
///
/// # Errors
/// What `visit` returns, and `Damaged` or `Io` for the base.
pub(crate) fn visit_one<T>(
    base: Option<&Arc<Base>>,
    tail: &Tail,
    key: &[u8],
    visit: impl FnOnce(Everything<'_>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let later = tail.profiles.get(key);
    let value = base.map_or(Ok(None), |base| base.file.get(key))?;
    let entry = match (&value, base) {
        (Some(value), Some(base)) => Some(BaseEntry::read(value, &base.path)?),
        _ => None,
    };
    if entry.is_none() && later.is_none() {
        return Ok(None);
    }
    visit(Everything { key, base: entry, later, sieve: &tail.sieve }).map(Some)
}

/// Messages in the order of their arrival, without those that summaries among them stand for.
fn without_summarised(messages: Vec<HistoryEntry<'static>>) -> Result<Vec<HistoryEntry<'static>>, Error> {
    if !messages.iter().any(|entry| entry.message_id.starts_with(ID_PREFIX)) {
        return Ok(messages);
    }
    let mut left: Vec<(HistoryEntry<'static>, Message)> = Vec::with_capacity(messages.len());
    for entry in messages {
        let message = Message::parse(&entry.json)?;
        if let Some(coverage) = Coverage::of(&message) {
            left.retain(|(earlier, message)| !coverage.covers(earlier.time, &earlier.message_id, message));
        }
        left.push((entry, message));
    }
    Ok(left.into_iter().map(|(entry, _)| entry).collect())
}

impl Everything<'_> {
    /// All messages that are kept, in the order of their arrival.
    ///
    /// # Errors
    /// `Damaged` if those of the base are not what its record says.
    pub(crate) fn messages(&self, base: Option<&Arc<Base>>) -> Result<Vec<HistoryEntry<'static>>, Error> {
        let mut messages = match (&self.base, base) {
            (Some(entry), Some(base)) => {
                let messages = entry.messages(&base.path)?.into_iter();
                let passed = messages.filter_map(|message| self.sieve.pass(self.key, message).transpose());
                passed.collect::<Result<_, Error>>()?
            }
            _ => Vec::new(),
        };
        messages.extend(self.later.iter().flat_map(|(_, later)| later.iter().cloned()));
        without_summarised(messages)
    }

    /// Whether the base holds something under this id that is to be taken out.
    pub(crate) fn is_sieved(&self) -> bool {
        self.sieve.concerns(self.key)
    }

    /// The journal's number of the last message.
    pub(crate) fn sequence(&self) -> u64 {
        let base = self.base.as_ref().map_or(0, |base| base.record.sequence);
        self.later.as_ref().map_or(base, |(last, _)| *last)
    }
}
