//! The live store: profiles that are not in memory, their histories, and whose time comes next. It is
//! never the only copy of anything.
//!
//! The journal and the base hold the truth. What is here can be rebuilt from them, and is whenever there
//! is any doubt about it. So the one thing that this part must get right is to notice: every answer is
//! either that of the last checkpoint, or it is [`Distrust`].
//!
//! The store itself is sled 0.34.7, which is quick, and which panics on damaged files, may open silently
//! empty, lose records or bring old ones back. Three things stand around it:
//!
//! - `guarded.rs`: panics are caught, and calls that could hang run in a thread with a limit of time.
//! - `witness.rs`: a small file beside the folder says what must be in the store: which checkpoint, and
//!   the sum of the hashes of each bucket of records. It is written before each checkpoint.
//! - `live_store.rs`: nothing of a bucket is believed before the whole bucket has been read and its sum is the
//!   witness's. That happens at the first touch, so that opening costs the same however much there is.
//!
//! Why sums of buckets, and not one hash of all: opening would read everything. Why not a hash of each
//! file: sled rewrites its files in places of its own choosing. Why not only a checksum of each record:
//! that finds damaged records, but no missing, stale or extra ones.
//!
//! Invariants:
//! 1. Only `checkpoint` changes the store, by one atomic batch, after the witness has been written.
//! 2. The batch holds the record `M`, which names the witness's slot by its checksum. A store whose `M`
//!    names neither slot is not believed.
//! 3. A record is believed if its bucket's sum was right at its first touch, and its own checksum at
//!    each reading; a history if all its chunks together are what its profile's record says.
//! 4. After the first doubt every call of the handle says [`Distrust`].

pub(crate) mod distrust;
pub(crate) mod guarded;
pub(crate) mod keys;
pub(crate) mod sealed;
pub(crate) mod sums;
pub(crate) mod slot;
pub(crate) mod witness;
pub(crate) mod meta;
pub(crate) mod tree;
pub(crate) mod files;
pub(crate) mod reader;
pub(crate) mod changes;
pub(crate) mod draft;
pub(crate) mod verified;
pub(crate) mod survey;
pub(crate) mod live_store;
pub(crate) mod set_aside;

#[cfg(test)]
mod tests;
