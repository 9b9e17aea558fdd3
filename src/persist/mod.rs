//! What is on disk: files, the journal of what was accepted, sorted files of blocks, the ids of messages,
//! and the live store of profiles.
//!
//! Files, journal, block files and live store know no customer and no message: records, keys and values
//! are bytes to them, so each can be tested by itself, on a disk that fails and loses power as told.
//! What the bytes say is in `record`.

pub(crate) mod little_endian;
pub(crate) mod record;
pub(crate) mod disk;
pub(crate) mod journal;
pub(crate) mod block_file;
pub(crate) mod message_runs;
pub(crate) mod live;
