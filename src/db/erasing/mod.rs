//! Erasing a person: what is theirs, what remembers that they are gone, and who refuses what comes of them
//! later; and making one anonymous, whose messages go on.
//!
//! What an erasure means is in `docs/semantics.md`; what it does to files, in which order, in
//! `docs/durability.md`.

pub(crate) mod sieve;
pub(crate) mod tombstones;
pub(crate) mod anonymous;
pub(crate) mod planning;
pub(crate) mod periods;
pub(crate) mod sweeping;
pub(crate) mod erased;
pub(crate) mod erase;
pub(crate) mod anonymise;

#[cfg(test)]
mod tests;
