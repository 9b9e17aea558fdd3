//! What profiles and all around them take in memory, by part.

use std::sync::Arc;

use ahash::AHashMap;
use serde::Serialize;

use crate::store::profile::{Body, Profile};

/// What an allocation takes beside what was asked for, on average.
pub(crate) const ALLOCATION: usize = 16;

/// About how many bytes the parts of a database take in memory. The catalog, what is on its way to disk, and
/// what nobody has taken yet are not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemoryUse {
    /// Profiles in memory.
    pub profiles: u64,
    /// What each profile has, whatever is known of it; and places for more.
    pub profile_bytes: u64,
    /// Attributes, and since when they are what they are.
    pub attribute_bytes: u64,
    /// What is kept of events: those that windows may still ask for, counts and sums, messages of the future.
    pub event_bytes: u64,
    /// Memberships, what they are made of, and when each may change by itself.
    pub conclusion_bytes: u64,
    /// Profiles as they came from disk, until they change.
    pub image_bytes: u64,
    /// Which decisions were made, without their texts.
    pub decision_bytes: u64,
    /// Messages; of a database in a folder those since the last checkpoint.
    pub message_bytes: u64,
    /// The ids by which customers are found.
    pub identifier_bytes: u64,
    /// Whose time comes when.
    pub timer_bytes: u64,
    /// Ids and contents of messages, to know those that come again; of a database in a folder those since the
    /// last checkpoint.
    pub message_id_bytes: u64,
    /// What is counted over all customers.
    pub crowd_bytes: u64,
    /// Room for answers at hand, which is taken as customers are asked for again.
    pub at_hand_bytes: u64,
}

impl MemoryUse {
    /// All together.
    pub fn total_bytes(&self) -> u64 {
        let MemoryUse { profile_bytes, attribute_bytes, event_bytes, conclusion_bytes, .. } = self;
        let MemoryUse { image_bytes, decision_bytes, message_bytes, identifier_bytes, .. } = self;
        let MemoryUse { timer_bytes, message_id_bytes, crowd_bytes, at_hand_bytes, .. } = self;
        let facts = profile_bytes + attribute_bytes + event_bytes + message_bytes;
        let conclusions = conclusion_bytes + image_bytes + decision_bytes + timer_bytes;
        facts + conclusions + identifier_bytes + message_id_bytes + crowd_bytes + at_hand_bytes
    }

    /// Adds a profile, but for its slot.
    pub(crate) fn add(&mut self, profile: &Profile) {
        self.profiles += 1;
        match &profile.body {
            Body::Cell(cell) => {
                self.attribute_bytes += cell.customer.attributes.bytes() as u64;
                self.event_bytes += (cell.customer.events_bytes() + cell.pending_bytes()) as u64;
                self.conclusion_bytes += cell.conclusions_bytes() as u64;
            }
            Body::Image(image) => self.image_bytes += (image.bytes().len() + ALLOCATION) as u64,
        }
        self.decision_bytes += profile.decisions.bytes() as u64;
        self.message_bytes += profile.history.bytes() as u64;
        self.identifier_bytes += profile.known_as.as_ref().map_or(0, |known_as| known_as.bytes()) as u64;
    }
}

/// What a table of names takes.
pub(crate) fn names_bytes<T>(names: &AHashMap<Arc<str>, T>) -> usize {
    // Before a text lie its counts.
    let texts = names.keys().map(|name| size_of::<[usize; 2]>() + name.len() + ALLOCATION);
    table_bytes(names) + texts.sum::<usize>()
}

/// What a hash table takes without what its entries name: seven eighths of its places may be taken.
pub(crate) fn table_bytes<K, V>(table: &AHashMap<K, V>) -> usize {
    table.capacity() * 8 / 7 * (size_of::<(K, V)>() + 1)
}
