//! Erasing: out of memory first, then out of every file.
//!
//! 1. Whoever is asked for, and all who ever had to do with them, are brought to memory, and their shards
//!    locked; what is to go is decided (`planning.rs`).
//! 2. The book of tombstones is written, with what is still to be taken out of the files. From here on the
//!    erasure happens, whatever comes.
//! 3. The tombstones are in force, the customers are gone from memory and from what the live store shows, and
//!    the shards are free again: nobody sees them, and no message brings them back.
//! 4. The files are written anew (`db/durable/rewriting.rs`). Questions are answered and messages taken
//!    meanwhile; who needs something of the disk waits while a copy takes the live store's place.
//!
//! Locks: `erasing`, `settling`, upkeep, the shards, the messages of the future. While shards are held no id of a message
//! is claimed: others hold such a claim and wait for a shard.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::base::error::{Error, ErrorKind};
use crate::base::keyed_hash::HashKey;
use crate::base::time::Time;
use crate::db::applied::{Cause, Transition};
use crate::db::applying::Incoming;
use crate::db::database::Database;
use crate::db::durable::checkpoint::history_entry;
use crate::db::durable::rebuild::OldStore;
use crate::db::durable::upkeep::Upkeep;
use crate::db::erasing::erased::Erased;
use crate::db::erasing::planning::{Erasure, Touched};
use crate::db::erasing::sieve::{hash_of_home, hash_of_message};
use crate::db::erasing::tombstones::tombstone;
use crate::db::held::Heldback;
use crate::db::subscribing::stream::Patience;
use crate::db::subscribing::watch::WatchedGroup;
use crate::db::tied::{Concerned, name_shown_turns};
use crate::model::erasure_receipt::ErasureReceipt;
use crate::model::identifier::OwnedIdentifier;
use crate::model::message::Message;
use crate::model::refusal::{Refusal, RefusalReason};
use crate::persist::live::changes::ProfileChange;
use crate::persist::live::distrust::Distrust;
use crate::persist::message_runs::merging::Revised;
use crate::persist::record::erasure_book::{ErasureBook, Pending};
use crate::persist::record::store_meta::StoreMeta;
use crate::rules::identifiers::IdentifierRules;
use crate::store::history::Entry;
use crate::store::message_index::MessageIndex;
use crate::store::regroup::regroup;
use crate::store::shard::AsOf;

/// How often customers are looked at while messages change who is who, before giving up.
const MOST_TRIES: usize = 1_000;

/// Customers who are out of memory.
struct Begun {
    receipt: ErasureReceipt,
    transitions: Vec<Transition>,
    touched: Vec<Touched>,
    anonymous: Vec<Entry>,
    identifiers: BTreeSet<OwnedIdentifier>,
}

/// Customers who are gone.
pub(crate) struct TakenAway {
    pub(crate) receipt: ErasureReceipt,
    pub(crate) transitions: Vec<Transition>,
    /// The anonymous ids under which their messages go on.
    pub(crate) anonymous_ids: Vec<OwnedIdentifier>,
}

impl Database {
    /// Erases the customer `id`: every message, attribute and identifier, whatever was concluded of them,
    /// here and in all files. When the call returns, nothing in the folder holds their ids any more. A
    /// message of theirs of before that, which comes later, is refused; one of a later time begins a new
    /// profile from nothing.
    ///
    /// Whoever shared something with them keeps what is their own. The receipt says how much was erased, and
    /// of whom it does not say.
    ///
    /// ```
    /// use habitue::{Catalog, Database, ErrorKind, Message, RefusalReason, Time};
    ///
    /// let database = Database::in_memory(Catalog::from_toml("schema = 1")?);
    /// database.apply(Message::page("browser-7", "Boots").anonymous())?;
    /// database.apply(Message::identify("ana").with_anonymous_id("browser-7"))?;
    /// let erased = database.erase("ana")?;
    /// assert_eq!((erased.receipt.messages, erased.receipt.identifiers), (2, 2));
    /// assert!(!database.profile("browser-7")?.known);
    ///
    /// let late = Message::track("ana", "Order Completed").with_timestamp(Time::parse("2026-01-01T09:00:00Z")?);
    /// assert_eq!(database.apply(late).unwrap_err().reason, RefusalReason::Erased);
    /// assert_eq!(database.erase("ana").unwrap_err().kind(), ErrorKind::NotFound);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `NotFound` if nobody has this id. `Io` or `Damaged` if files cannot be read or written: if that was
    /// before it began, nothing has changed; else the customer is gone from every answer, and the next
    /// erasure, or the next opening, finishes what is left to do in the files.
    pub fn erase(&self, id: &str) -> Result<Erased, Error> {
        self.erase_all([id])
    }

    /// Erases several customers, and writes the files anew once for all of them.
    ///
    /// # Errors
    /// As [`Database::erase`]; `NotFound` only if nobody has any of these ids.
    pub fn erase_all<I: AsRef<str>>(&self, ids: impl IntoIterator<Item = I>) -> Result<Erased, Error> {
        let (TakenAway { receipt, transitions, .. }, unknown) = self.take_away(ids, |_| Ok(Vec::new()))?;
        Ok(Erased { receipt, unknown, transitions })
    }

    /// Takes customers out of memory and files. Their messages go on under the anonymous ids that are given for
    /// as many of them. Gives also the ids that nobody has.
    pub(crate) fn take_away<I: AsRef<str>>(
        &self,
        ids: impl IntoIterator<Item = I>,
        anonymous_ids: impl FnOnce(usize) -> Result<Vec<OwnedIdentifier>, Error>,
    ) -> Result<(TakenAway, Vec<String>), Error> {
        self.check_changeable()?;
        let _alone = self.erasing.lock();
        if self.tombstones.is_pending() {
            self.rewrite_files()?;
        }
        let now = self.now();
        let (mut known, mut unknown) = (BTreeSet::new(), Vec::new());
        for id in ids {
            match self.identifier_of(id.as_ref(), now) {
                Ok(identifier) => drop(known.insert(identifier)),
                Err(error) if error.kind() == ErrorKind::NotFound => unknown.push(id.as_ref().to_owned()),
                Err(error) => return Err(error),
            }
        }
        if known.is_empty() {
            let named: Vec<String> = unknown.iter().map(|id| format!("`{id}`")).collect();
            return Err(Error::new(ErrorKind::NotFound, format!("nobody is known as {}", named.join(", "))));
        }
        let mut anonymous_ids = anonymous_ids(known.len())?;
        // What is in the live store need not be made again of messages.
        self.checkpoint()?;
        let known: Vec<OwnedIdentifier> = known.into_iter().collect();
        let Begun { receipt, transitions, touched, anonymous, identifiers } =
            self.begin_erasing(&known, &anonymous_ids, now)?;
        // What of theirs is on its way is counted before.
        drop(self.crowds.close_gate());
        self.crowds.forget(identifiers.iter().map(OwnedIdentifier::borrowed));
        self.reports.hand_on(Patience::Never);
        self.revise_ids(&touched, &anonymous);
        self.rewrite_files()?;
        // Two of the ids may have been one customer's.
        anonymous_ids.truncate(receipt.customers as usize);
        let receipts = self.tombstones.receipts();
        let receipt = receipts.into_iter().find(|known| known.id == receipt.id).unwrap_or(receipt);
        Ok((TakenAway { receipt, transitions, anonymous_ids }, unknown))
    }

    /// The receipts of all erasures, in their order. They name nobody.
    pub fn erasures(&self) -> Vec<ErasureReceipt> {
        self.tombstones.receipts()
    }

    /// Refuses a message that is of an erased customer.
    pub(crate) fn refuse_erased(&self, incoming: &Incoming, rules: &IdentifierRules) -> Result<(), Refusal> {
        let covered = self.tombstones.covering(&incoming.message, incoming.time, rules);
        let Some(first) = covered.first() else { return Ok(()) };
        let detail = "it is of a customer who was erased, and of before that";
        Err(Refusal::new(RefusalReason::Erased, &first.field, detail))
    }

    /// Takes customers out of memory, and sees to it that they stay away.
    fn begin_erasing(
        &self,
        known: &[OwnedIdentifier],
        anonymous_ids: &[OwnedIdentifier],
        now: Time,
    ) -> Result<Begun, Error> {
        let named = [known, anonymous_ids].concat();
        // No message of the future is on its way from those held back to a profile.
        let _settling = self.settling.lock();
        for _ in 0..MOST_TRIES {
            let surroundings = self.surroundings(&named, true, now)?;
            // No checkpoint comes between what is decided and what is written.
            let upkeep = self.upkeep.as_ref().map(|upkeep| upkeep.folder.upkeep.lock());
            let locked = match self.lock(&surroundings, &Incoming::question("", now)) {
                Ok(locked) => locked,
                Err(error) => {
                    drop(upkeep);
                    self.mend(error)?;
                    continue;
                }
            };
            let Some(mut concerned) = locked else { continue };
            if anonymous_ids.iter().any(|id| concerned.profile_of(id.borrowed()).is_some()) {
                return Err(Error::new(
                    ErrorKind::InvalidCall,
                    "an anonymous id must be nobody's; try again",
                ));
            }
            let mut held = self.held.lock();
            if let Some(erasure) = concerned.without(known, anonymous_ids, &held, now) {
                return self.take_out(&mut concerned, erasure, &mut held, anonymous_ids, now);
            }
        }
        Err(Error::new(ErrorKind::Busy, "who is who changes faster than it can be erased; try again"))
    }

    fn take_out(
        &self,
        concerned: &mut Concerned<'_>,
        mut erasure: Erasure,
        held: &mut Vec<Heldback>,
        anonymous_ids: &[OwnedIdentifier],
        now: Time,
    ) -> Result<Begun, Error> {
        let program = concerned.locked.program();
        let (book, receipt) = self.book_with(&erasure, &program.definitions.identifiers, now)?;
        if let Some(upkeep) = &self.upkeep {
            upkeep.folder.begin_erasing(&book)?;
        }
        self.tombstones.replace(book);
        let transitions = self.forget(concerned, &mut erasure, held, anonymous_ids, now);
        let Erasure { touched, anonymous, identifiers, .. } = erasure;
        Ok(Begun { receipt, transitions, touched, anonymous, identifiers })
    }

    /// The book with one erasure more, and its receipt.
    fn book_with(
        &self,
        erasure: &Erasure,
        rules: &IdentifierRules,
        now: Time,
    ) -> Result<(ErasureBook, ErasureReceipt), Error> {
        let empty = |key| ErasureBook { key, receipts: Vec::new(), tombstones: Vec::new(), pending: None };
        let mut book = match self.tombstones.book() {
            Some(book) => book,
            None => empty(HashKey::random()?),
        };
        let count = |is_anothers| {
            erasure.touched.iter().filter(|touched| touched.is_anothers == is_anothers).count() as u64
        };
        let name = HashKey::random()?.0;
        let receipt = ErasureReceipt {
            id: name[..16].iter().map(|byte| format!("{byte:02x}")).collect(),
            number: book.receipts.len() as u32 + 1,
            at: now,
            customers: erasure.customers,
            messages: count(false),
            anonymous: erasure.anonymous.len() as u64,
            changed: count(true),
            identifiers: erasure.identifiers.len() as u64,
            shared: erasure.periods.shared(),
            bytes: 0,
            finished: self.upkeep.is_none(),
        };
        let theirs = erasure.periods.theirs(erasure.cut_off);
        book.tombstones.extend(
            theirs
                .map(|(identifier, period)| tombstone(&book.key, identifier, period, rules, receipt.number)),
        );
        book.receipts.push(receipt.clone());
        if self.upkeep.is_some() {
            let homes: BTreeSet<_> = erasure
                .touched
                .iter()
                .map(|touched| hash_of_home(&book.key, &touched.home.borrowed().key()))
                .collect();
            let messages = erasure
                .touched
                .iter()
                .map(|touched| (hash_of_message(&book.key, &touched.message_id), touched.fate.clone()));
            let messages = messages.collect();
            let anonymous = erasure.anonymous.iter().map(|entry| history_entry(&entry.pack())).collect();
            book.pending = Some(Pending { homes: homes.into_iter().collect(), messages, anonymous });
        }
        Ok((book, receipt))
    }

    /// Takes customers out of memory, and out of what the live store shows.
    fn forget(
        &self,
        concerned: &mut Concerned<'_>,
        erasure: &mut Erasure,
        held: &mut Vec<Heldback>,
        anonymous_ids: &[OwnedIdentifier],
        now: Time,
    ) -> Vec<Transition> {
        let program = concerned.locked.program();
        let plan = std::mem::take(&mut erasure.plan);
        let at = AsOf { sequence: 0, stamp: 0, making: self.shards.next_making() };
        let watched = WatchedGroup::begin(&self.reports, &mut concerned.locked, &plan.old, now);
        let regrouped = regroup(&mut concerned.locked, plan, now, at);
        held.retain_mut(|held| {
            let of_it = |touched: &&Touched| touched.message_id == held.incoming.message_id;
            match erasure.touched.iter().find(of_it).map(|touched| &touched.left) {
                None => true,
                Some(None) => false,
                Some(Some(left)) => {
                    held.incoming.message = left.clone();
                    true
                }
            }
        });
        let alone: BTreeSet<&str> = erasure
            .identifiers
            .iter()
            .filter(|identifier| !erasure.periods.is_anothers(identifier))
            .map(|identifier| identifier.borrowed().value())
            .collect();
        let mut transitions = self.reports.take_of(|shown| alone.contains(shown));
        if let Some(upkeep) = &self.upkeep {
            let left = regrouped.left_on_disk.len() as u64;
            let stored = &upkeep.stored_profiles;
            stored.store(stored.load(Ordering::Relaxed).saturating_sub(left), Ordering::Relaxed);
            let keys = erasure.identifiers.iter().map(|identifier| identifier.borrowed().key());
            let keys: BTreeSet<Vec<u8>> = keys.chain(regrouped.left_on_disk).collect();
            hide(upkeep, keys, held);
        }
        let turned = name_shown_turns(&program, regrouped.turns, &Cause::Erasure);
        let (of_them, of_others): (Vec<Transition>, Vec<Transition>) =
            turned.into_iter().partition(|transition| alone.contains(&*transition.profile));
        self.reports.keep(&of_others);
        if let Some(watched) = watched {
            watched.look(&mut concerned.locked, anonymous_ids, now, &Cause::Erasure, &self.reports);
        }
        transitions.extend(of_them);
        transitions
    }

    /// Forgets what is at hand, the ids of messages that are gone, and what changed ones said, in memory and in
    /// the files of ids; knows those of anonymous ones.
    fn revise_ids(&self, touched: &[Touched], anonymous: &[Entry]) {
        self.shards.answers.begin_anew();
        // No id goes from memory to the files meanwhile: one that is used again now stays.
        let _alone = self.upkeep.as_ref().map(|upkeep| upkeep.folder.upkeep.lock());
        let mut revised = Revised::new();
        for Touched { message_id, left, .. } in touched {
            let content = left.as_ref().map(Message::fingerprint);
            self.messages.revise(message_id, content);
            revised.insert(MessageIndex::hash_of(message_id), content);
        }
        for Entry { message_id, message, .. } in anonymous {
            self.messages.claim(message_id).accept(message.fingerprint());
        }
        if let Some(upkeep) = &self.upkeep {
            upkeep.folder.or_in_doubt(|folder| folder.messages.revise(&revised));
        }
    }

    /// Takes what is erased out of every file.
    fn rewrite_files(&self) -> Result<(), Error> {
        let Some(upkeep) = &self.upkeep else { return Ok(()) };
        let rewritten = upkeep.folder.rewrite().and_then(|bytes| {
            let _alone = upkeep.folder.upkeep.lock();
            let copied = upkeep.checkpoint_alone().and_then(|()| upkeep.folder.copy_live());
            if copied.is_err() {
                upkeep.make_live_anew(OldStore::Outdated)?;
            }
            upkeep.folder.end_erasing(bytes + upkeep.folder.bytes_made_anew())
        });
        rewritten.map_err(|error| {
            let message = format!(
                "the customers are erased from every answer, but not yet from the files: {error}; the next \
                 erasure, or the next opening, goes on with it"
            );
            Error::new(error.kind(), message).caused_by(error)
        })
    }
}

/// Takes customers out of what the live store shows; what sled still has in its files goes with them later.
fn hide(upkeep: &Arc<Upkeep>, keys: BTreeSet<Vec<u8>>, held: &[Heldback]) {
    let removed = |key| ProfileChange { key, record: None, deadline_ms: None, history: Vec::new() };
    let changes: Vec<ProfileChange> = keys.into_iter().map(removed).collect();
    upkeep.folder.or_in_doubt(|folder| {
        folder.ask(|live| {
            let meta = StoreMeta::read(&live.meta());
            let mut meta = meta.ok_or_else(|| Distrust::new("its checkpoint cannot be read"))?;
            meta.profiles = StoreMeta::NOT_COUNTED;
            meta.held.retain(|known| held.iter().any(|held| held.incoming.message_id == known.message_id));
            live.checkpoint(live.sequence(), &meta.write(), changes)
        })
    });
}
