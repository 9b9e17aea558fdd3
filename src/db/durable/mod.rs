//! A database in a folder: how it opens, what it writes when, and how it is made whole again.
//!
//! Every accepted message is in the journal before it is acknowledged. A *checkpoint* brings what changed
//! in memory to the live store, all at once. A *base* takes over what the journal holds, so that the
//! journal stays short. The live store is a convenience: whenever it is in doubt it is set aside and
//! made anew from base and journal. What guarantees what is in `docs/durability.md`.

pub(crate) mod manifest;
pub(crate) mod erasure_file;
pub(crate) mod base;
pub(crate) mod everything;
pub(crate) mod customers;
pub(crate) mod recovery;
pub(crate) mod folder;
pub(crate) mod building;
pub(crate) mod rewriting;
pub(crate) mod rebuild;
pub(crate) mod copying;
pub(crate) mod catalogs;
pub(crate) mod upkeep;
pub(crate) mod checkpoint;
pub(crate) mod loading;
pub(crate) mod sizes;
pub(crate) mod backup;
pub(crate) mod verify;
pub(crate) mod completeness;
pub(crate) mod open_options;
pub(crate) mod opening;
pub(crate) mod calls;
pub(crate) mod read_only;

#[cfg(test)]
mod tests;
