//! What is counted over all customers, beside their profiles: a table for each definition in force.
//!
//! A message is counted when it is accepted, before the call that brought it returns, by whoever brings it. What
//! an event says is worked out before, so a table is locked for the counting alone; a list is copied out of it
//! under a lock for reading.
//!
//! Invariants:
//! 1. Whoever accepts a message passes the gate before it is put on record, and is through once it is counted.
//!    So whoever has the gate alone sees every message on record counted, and none that is not.
//! 2. A table that counts or is complete has every message accepted since it began.
//! 3. Locks are taken in this order: shards, the gate, a table. Whoever closes the gate holds nothing that
//!    somebody may wait for who passes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::base::frozen_hash::seeded_hash64;
use crate::base::time::Time;
use crate::crowd::occurrence::Occurrence;
use crate::crowd::tally::Crowd;
use crate::engine::typed_message::Content;
use crate::model::identifier::Identifier;
use crate::model::ids::EventId;
use crate::rules::crowds::CrowdDefinition;
use crate::rules::definitions::Definitions;

/// How far a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It counts nothing yet.
    Waiting,
    /// It counts what comes; what was there before is being counted.
    Counting,
    /// It has everything that is kept.
    Complete,
}

/// A table, and how far it is.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) progress: Progress,
    pub(crate) crowd: Crowd,
}

/// A definition in force with its table, which it may have had under another catalog.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    pub(crate) definition: Arc<CrowdDefinition>,
    pub(crate) table: Arc<RwLock<Table>>,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Crowds {
    in_force: RwLock<Arc<[Counted]>>,
    gate: RwLock<()>,
    /// By what ids of customers are hashed.
    pub(crate) seed: u64,
    /// Whether messages that come are new: not while a journal is replayed.
    is_open: AtomicBool,
    /// Held by whoever counts what was there before.
    pub(crate) recounting: Mutex<()>,
}

/// An event on its way, which some tables count.
#[derive(Debug)]
pub(crate) struct Uncounted {
    pub(crate) event: EventId,
    pub(crate) time: Time,
    who: u64,
    says: Vec<(Arc<RwLock<Table>>, Arc<CrowdDefinition>, Occurrence)>,
}

/// The passage of one message.
pub(crate) type Passage<'a> = RwLockReadGuard<'a, ()>;

impl Crowds {
    /// Tables in which nothing was counted; `progress` says whether there was anything to count.
    pub(crate) fn new(definitions: &Definitions, seed: u64, progress: Progress) -> Crowds {
        let counted = definitions.crowds.iter().map(|definition| Counted::new(definition, progress));
        Crowds {
            in_force: RwLock::new(counted.collect()),
            gate: RwLock::default(),
            seed,
            is_open: AtomicBool::new(progress == Progress::Complete),
            recounting: Mutex::default(),
        }
    }

    /// Puts the definitions of a new catalog in force, while all shards are locked. What means the same goes on
    /// with its table.
    pub(crate) fn replace(&self, definitions: &Definitions) {
        let mut in_force = self.in_force.write();
        if in_force.is_empty() && definitions.crowds.is_empty() {
            return;
        }
        let counted = definitions.crowds.iter().map(|definition| {
            let is_same = |known: &&Counted| {
                known.definition.name == definition.name && known.definition.meaning == definition.meaning
            };
            match in_force.iter().find(is_same) {
                Some(known) => {
                    Counted { definition: Arc::clone(definition), table: Arc::clone(&known.table) }
                }
                None => Counted::new(definition, Progress::Waiting),
            }
        });
        let counted = counted.collect();
        *in_force = counted;
    }

    /// The definitions in force, with their tables.
    pub(crate) fn in_force(&self) -> Arc<[Counted]> {
        Arc::clone(&self.in_force.read())
    }

    /// From now on messages that come are new.
    pub(crate) fn open(&self) {
        self.is_open.store(true, Ordering::Release);
    }

    /// What a new message says that some tables count; nothing of nearly all messages. The program that it was
    /// read under is in force, and stays so until it is counted.
    pub(crate) fn uncounted(
        &self,
        definitions: &Definitions,
        home: Identifier<'_>,
        content: &Content,
        time: Time,
    ) -> Option<Uncounted> {
        if definitions.crowds.is_empty() || !self.is_open.load(Ordering::Acquire) {
            return None;
        }
        self.says(&self.in_force.read(), home, content, time)
    }

    /// What a message says to tables.
    pub(crate) fn says(
        &self,
        wanted: &[Counted],
        home: Identifier<'_>,
        content: &Content,
        time: Time,
    ) -> Option<Uncounted> {
        let Content::Event { event: Some(event), properties } = content.rest() else { return None };
        let counted = wanted.iter().filter(|counted| counted.definition.event == *event);
        let says = counted.filter_map(|counted| {
            let occurrence = Occurrence::of(&counted.definition, properties, time)?;
            Some((Arc::clone(&counted.table), Arc::clone(&counted.definition), occurrence))
        });
        let says: Vec<_> = says.collect();
        (!says.is_empty()).then(|| Uncounted { event: *event, time, who: self.who(home), says })
    }

    /// The number of a customer, by the id under which a message came.
    pub(crate) fn who(&self, home: Identifier<'_>) -> u64 {
        seeded_hash64(&home.key(), self.seed)
    }

    /// Lets a message pass that is going to be put on record, until it is counted.
    pub(crate) fn pass(&self) -> Passage<'_> {
        self.gate.read()
    }

    /// Lets nobody pass, and waits until all who passed are through.
    pub(crate) fn close_gate(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write()
    }

    /// Forgets that somebody who is erased is behind any list.
    pub(crate) fn forget<'a>(&self, ids: impl IntoIterator<Item = Identifier<'a>>) {
        let in_force = self.in_force();
        if in_force.is_empty() {
            return;
        }
        for who in ids.into_iter().map(|id| self.who(id)) {
            in_force.iter().for_each(|counted| counted.table.write().crowd.forget(who));
        }
        // What is being counted anew may be counted of files that still had them.
        for counted in in_force.iter() {
            let mut table = counted.table.write();
            if table.progress == Progress::Counting {
                table.progress = Progress::Waiting;
            }
        }
    }

    /// Has everything counted again, because something could not be read.
    pub(crate) fn begin_again(&self) {
        let in_force = self.in_force();
        in_force.iter().for_each(|counted| counted.table.write().progress = Progress::Waiting);
    }

    /// Its bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.in_force().iter().map(|counted| counted.table.read().crowd.bytes()).sum()
    }
}

impl Counted {
    fn new(definition: &Arc<CrowdDefinition>, progress: Progress) -> Counted {
        let table = Table { progress, crowd: Crowd::new(definition) };
        Counted { definition: Arc::clone(definition), table: Arc::new(RwLock::new(table)) }
    }

    /// How far its table is.
    pub(crate) fn progress(&self) -> Progress {
        self.table.read().progress
    }
}

impl Uncounted {
    /// Counts it, in tables that have begun to count.
    pub(crate) fn count(&self) {
        for (table, definition, occurrence) in &self.says {
            let mut table = table.write();
            if table.progress != Progress::Waiting {
                table.crowd.count(definition, self.who, occurrence);
            }
        }
    }
}
