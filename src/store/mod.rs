//! Profiles in memory: shards of them behind locks, who is who, and whose time comes next.

pub(crate) mod choices;
pub(crate) mod kept;
pub(crate) mod answer_row;
pub(crate) mod answer_cache;
pub(crate) mod history;
pub(crate) mod memory_use;
pub(crate) mod message_index;
pub(crate) mod programs;
pub(crate) mod packed_message;
pub(crate) mod profile;
pub(crate) mod timer_wheel;
pub(crate) mod rebuilding;
pub(crate) mod summarising;
pub(crate) mod slots;
pub(crate) mod shard;
pub(crate) mod holds;
pub(crate) mod shards;
pub(crate) mod told;
pub(crate) mod crowds;
pub(crate) mod exposed;
pub(crate) mod regroup;
#[cfg(test)]
mod sizes;
