//! Asking what the database takes in memory.

use crate::db::database::Database;
use crate::store::memory_use::MemoryUse;

/// How many profiles are looked at before others get their shard.
const MOST_AT_ONCE: u32 = 256;

impl Database {
    /// About how many bytes it takes in memory, by part. Every profile in memory is looked at; others go on
    /// meanwhile.
    ///
    /// ```
    /// use habitue::{Catalog, Database, Message};
    ///
    /// let database = Database::in_memory(Catalog::from_toml("schema = 1\n[attributes]\ntier = \"string\"")?);
    /// database.apply(Message::identify("ana").with_trait("tier", "gold"))?;
    /// let used = database.memory_use();
    /// assert_eq!(used.profiles, 1);
    /// assert!(used.attribute_bytes > 0 && used.attribute_bytes < used.total_bytes());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn memory_use(&self) -> MemoryUse {
        let mut used = MemoryUse {
            message_id_bytes: self.messages.bytes() as u64,
            crowd_bytes: self.crowds.bytes() as u64,
            at_hand_bytes: self.shards.answers.bytes() as u64,
            ..MemoryUse::default()
        };
        for shard in self.shards.iter() {
            shard.read().add_memory(&mut used);
            let mut next = 0;
            loop {
                let shard = shard.read();
                let slots = next..shard.slots().min(next + MOST_AT_ONCE);
                if slots.is_empty() {
                    break;
                }
                next = slots.end;
                slots.filter_map(|slot| shard.at(slot)).for_each(|profile| used.add(profile));
            }
        }
        used
    }
}
