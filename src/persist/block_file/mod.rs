//! A sorted file of keys and values, written once: the base that a journal goes on from, and what a
//! backup is. Its bytes are in `docs/file-format.md`.

mod compression;
mod layout;
mod entries;
pub(crate) mod fault;
pub(crate) mod writer;
pub(crate) mod reader;
pub(crate) mod iteration;
#[cfg(test)]
mod tests;
