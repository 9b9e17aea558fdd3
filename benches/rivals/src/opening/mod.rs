//! From closed to the first correct decision, with all profiles on disk.
//!
//! The folder keeps the loaded stores for the next run. Each opening is a process of its own; the stores
//! take turns; what is printed are medians. The files are in the system's cache by then.
//!
//! "Flat file" is the floor of everything that reads all: one file of bare numbers, deserialised into one
//! hash map. "Habitue all read" makes every profile of the same folder from its messages before it answers
//! (`open_read_only`).

mod comparing;
mod flat_file;
mod habitue_folder;
mod redb_file;
mod redis_snapshot;
mod sqlite_file;

pub(crate) use self::comparing::{CHILD, compare, open_once};
