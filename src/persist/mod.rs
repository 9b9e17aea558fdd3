//! What is on disk: files, the journal of what was accepted, and sorted files of blocks.
//!
//! Nothing here knows a customer or a message: records are bytes, keys and values are bytes. So each
//! part can be tested by itself, on a disk that fails and loses power as told.

pub(crate) mod disk;
pub(crate) mod journal;
pub(crate) mod block_file;
