//! Which messages were accepted: of each its id and what it said, both as 128-bit hashes.
//!
//! A shard of the index stays locked from the look-up until the message is applied or refused, so two
//! threads that bring the same message cannot both apply it. Locks are taken in this order: a shard of
//! this index, then a shard of profiles.

use ahash::AHashMap;
use parking_lot::{Mutex, MutexGuard};

use crate::base::frozen_hash::Fingerprint;
use crate::store::memory_use::table_bytes;

/// How many parts the index has; a power of two. They are many because a part that is full is made anew at one
/// go, while a message waits.
const SHARDS: usize = 1_024;

/// The index.
#[derive(Debug)]
pub(crate) struct MessageIndex {
    shards: Box<[Mutex<IndexShard>]>,
}

/// A part of the index: ids and contents of messages that are on disk nowhere else yet.
#[derive(Debug, Default)]
struct IndexShard {
    recent: AHashMap<u128, u128>,
    /// Those that are being written to disk.
    leaving: AHashMap<u128, u128>,
}

/// The place of one message id, kept for the caller alone.
pub(crate) struct Claim<'a> {
    shard: MutexGuard<'a, IndexShard>,
    id: u128,
}

/// What is known of a message id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    New,
    /// A message of the same content was accepted.
    Same,
    /// A message of other content was accepted.
    Other,
}

impl MessageIndex {
    /// An empty index.
    pub(crate) fn new() -> MessageIndex {
        MessageIndex { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// The hash of a message id.
    pub(crate) fn hash_of(message_id: &str) -> u128 {
        let mut fingerprint = Fingerprint::default();
        fingerprint.field(message_id.as_bytes());
        fingerprint.finish()
    }

    /// Takes hold of a message id.
    pub(crate) fn claim(&self, message_id: &str) -> Claim<'_> {
        let id = MessageIndex::hash_of(message_id);
        Claim { shard: self.shards[id as usize % SHARDS].lock(), id }
    }

    /// How many messages are in the index; of a database on disk, others are there.
    pub(crate) fn len(&self) -> usize {
        let len = |shard: &Mutex<IndexShard>| {
            let shard = shard.lock();
            shard.recent.len() + shard.leaving.len()
        };
        self.shards.iter().map(len).sum()
    }

    /// About how many bytes it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        let bytes = |shard: &Mutex<IndexShard>| {
            let shard = shard.lock();
            size_of::<Mutex<IndexShard>>() + table_bytes(&shard.recent) + table_bytes(&shard.leaving)
        };
        self.shards.iter().map(bytes).sum()
    }

    /// All that is in the index, to be written to disk. It stays until [`MessageIndex::forget_left`].
    pub(crate) fn begin_leaving(&self) -> Vec<(u128, u128)> {
        let mut leaving = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.lock();
            let recent = std::mem::take(&mut shard.recent);
            shard.leaving.extend(recent);
            leaving.extend(shard.leaving.iter().map(|(id, content)| (*id, *content)));
        }
        leaving
    }

    /// Forgets a message, or that it said something else; of a database on disk, what is there is not
    /// touched.
    pub(crate) fn revise(&self, message_id: &str, content: Option<u128>) {
        let id = MessageIndex::hash_of(message_id);
        let mut shard = self.shards[id as usize % SHARDS].lock();
        let IndexShard { recent, leaving } = &mut *shard;
        for part in [recent, leaving] {
            match (part.get_mut(&id), content) {
                (Some(known), Some(content)) => *known = content,
                (Some(_), None) => drop(part.remove(&id)),
                (None, _) => {}
            }
        }
    }

    /// Forgets what was written to disk.
    pub(crate) fn forget_left(&self) {
        self.shards.iter().for_each(|shard| shard.lock().leaving = AHashMap::new());
    }
}

impl Claim<'_> {
    /// The hash of the message id.
    pub(crate) fn id(&self) -> u128 {
        self.id
    }

    /// The content under which a message of this id is in the index.
    pub(crate) fn content(&self) -> Option<u128> {
        let IndexShard { recent, leaving } = &*self.shard;
        recent.get(&self.id).or_else(|| leaving.get(&self.id)).copied()
    }

    /// Remembers that the message was accepted.
    pub(crate) fn accept(mut self, content: u128) {
        self.shard.recent.insert(self.id, content);
    }
}

impl Known {
    /// What a message that says `content` is, if one that said `known` has its id.
    pub(crate) fn of(known: Option<u128>, content: u128) -> Known {
        match known {
            None => Known::New,
            Some(known) if known == content => Known::Same,
            Some(_) => Known::Other,
        }
    }
}
