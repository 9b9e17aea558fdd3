//! Which messages were accepted: of each its id and what it said, both as 128-bit hashes.
//!
//! A shard of the index stays locked from the look-up until the message is applied or refused, so two
//! threads that bring the same message cannot both apply it. Locks are taken in this order: a shard of
//! this index, then a shard of profiles.

use ahash::AHashMap;
use parking_lot::{Mutex, MutexGuard};

use crate::base::frozen_hash::Fingerprint;

/// How many parts the index has; a power of two.
const SHARDS: usize = 64;

/// The index.
#[derive(Debug)]
pub(crate) struct MessageIndex {
    shards: Box<[Mutex<AHashMap<u128, u128>>]>,
}

/// The place of one message id, kept for the caller alone.
pub(crate) struct Claim<'a> {
    shard: MutexGuard<'a, AHashMap<u128, u128>>,
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

    /// Takes hold of a message id.
    pub(crate) fn claim(&self, message_id: &str) -> Claim<'_> {
        let mut fingerprint = Fingerprint::default();
        fingerprint.field(message_id.as_bytes());
        let id = fingerprint.finish();
        Claim { shard: self.shards[id as usize % SHARDS].lock(), id }
    }

    /// How many messages were accepted.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }
}

impl Claim<'_> {
    /// Whether a message of this id was accepted, and whether it said the same.
    pub(crate) fn known(&self, content: u128) -> Known {
        match self.shard.get(&self.id) {
            None => Known::New,
            Some(known) if *known == content => Known::Same,
            Some(_) => Known::Other,
        }
    }

    /// Remembers that the message was accepted.
    pub(crate) fn accept(mut self, content: u128) {
        self.shard.insert(self.id, content);
    }
}
