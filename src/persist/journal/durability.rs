//! How safe a record is when it counts as taken.

use std::time::Duration;

/// How safe an accepted message is when the call that brought it returns.
///
/// Whatever is chosen, after a crash the database opens by itself and holds a prefix of what was
/// accepted, in order: never a hole, never half a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Durability {
    /// It survives power loss. Calls of several threads share one wait for the disk.
    Sync,
    /// It survives the end of the process, and power loss after at most this long.
    Group(Duration),
    /// Nothing is promised. It is written about every second, and brought to stable storage when the
    /// database is closed or asked to.
    Memory,
}
