//! `habitue ingest`: messages from files into a data folder.
//!
//! One thread reads and parses, another applies, in the order of the lines: the order of a customer's
//! messages is kept, and the same files give the same database. Reading a file again changes nothing, as
//! what was accepted is known by its message id; so a load that was killed is started again.

mod arguments;
pub(crate) mod lines;
pub(crate) mod rejects;
mod run;
pub(crate) mod source;
mod tally;
pub(crate) mod zstd;

pub(crate) use arguments::{Arguments, Safety, bytes};
pub(crate) use run::run;
