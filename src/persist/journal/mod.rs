//! The journal: every record that was accepted since the last base, in order, in files that are only
//! appended to. What it promises is in `docs/durability.md`, its bytes are in `docs/file-format.md`.

pub(crate) mod durability;
pub(crate) mod sequence;
mod frame;
mod segment_header;
mod folder;
pub(crate) mod damage;
mod reading;
mod beyond;
mod segments;
mod writer;
mod salvage;
pub(crate) mod recovery;
pub(crate) mod stats;
mod core;
mod background;
#[expect(clippy::module_inception, reason = "the folder is named after the one thing it makes")]
pub(crate) mod journal;
pub(crate) mod scan;
#[cfg(test)]
mod tests;
