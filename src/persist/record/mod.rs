//! What the records on disk say: of the journal, of a profile, of its history. Byte by byte they are in
//! `docs/file-format.md`.
//!
//! Messages are kept as the JSON that they came as: it is what every later version can read, and it
//! compresses well. What is searched or compared without parsing stands in front of it.

pub(crate) mod fields;
pub(crate) mod erasure_book;
pub(crate) mod history_chunk;
pub(crate) mod journal_record;
pub(crate) mod profile_record;
pub(crate) mod store_meta;
