//! What an erasure or an anonymising did, in numbers: it names nobody.

use serde::Serialize;

use crate::base::time::Time;

/// The receipt of an erasure, or of an anonymising, which is one whose messages go on. It holds nothing of whom
/// it is about, and not the anonymous ids either.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ErasureReceipt {
    /// The receipt's own id, drawn by chance.
    pub id: String,
    /// The number of the erasure in this database, from 1.
    pub number: u32,
    /// When it was asked for.
    pub at: Time,
    /// How many customers were erased.
    pub customers: u64,
    /// How many messages.
    pub messages: u64,
    /// How many of these messages go on counting under anonymous ids: none of an erasure.
    pub anonymous: u64,
    /// From how many messages of other customers an identifier was taken out.
    pub changed: u64,
    /// How many identifiers they had.
    pub identifiers: u64,
    /// How many identifiers that they had, now or before, stay in messages of other customers, who had them
    /// too: a device that changed hands.
    pub shared: u64,
    /// How many bytes of files were written anew; nothing of a database in memory.
    pub bytes: u64,
    /// Whether all files are rewritten. Until then nobody sees the customers, and the next opening goes on.
    pub finished: bool,
}
