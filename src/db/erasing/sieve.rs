//! What of the files an unfinished erasure takes out, and what it puts in: everything that reads messages from
//! base and journal reads them through this.

use std::borrow::Cow;

use ahash::{AHashMap, AHashSet};

use crate::base::error::Error;
use crate::base::keyed_hash::{HashKey, KeyedHash};
use crate::model::message::Message;
use crate::persist::record::erasure_book::{ErasureBook, Fate, Pending};
use crate::persist::record::history_chunk::HistoryEntry;

/// The messages that are not to be there, or not as they are; usually none.
#[derive(Debug)]
pub(crate) struct Sieve {
    key: HashKey,
    homes: AHashSet<KeyedHash>,
    messages: AHashMap<KeyedHash, Fate>,
    anonymous: Vec<HistoryEntry<'static>>,
    /// What the manifest says once the base holds the anonymous messages.
    mark: Option<String>,
}

impl Sieve {
    /// Lets everything through.
    pub(crate) fn open() -> Sieve {
        Sieve {
            key: HashKey([0; 32]),
            homes: AHashSet::new(),
            messages: AHashMap::new(),
            anonymous: Vec::new(),
            mark: None,
        }
    }

    /// What a book says is still to be taken out.
    pub(crate) fn of(book: &ErasureBook) -> Sieve {
        let Some(Pending { homes, messages, anonymous }) = &book.pending else { return Sieve::open() };
        let (homes, messages) = (homes.iter().copied().collect(), messages.iter().cloned().collect());
        Sieve { key: book.key, homes, messages, anonymous: anonymous.clone(), mark: Some(book.mark()) }
    }

    /// The messages that count and that base and journal do not hold; `erasures` is what the manifest says
    /// they have been through.
    pub(crate) fn missing(&self, erasures: Option<&str>) -> &[HistoryEntry<'static>] {
        if self.mark.as_deref() == erasures { &[] } else { &self.anonymous }
    }

    /// Whether something may be taken out of what came under an id, given as its key.
    pub(crate) fn concerns(&self, home: &[u8]) -> bool {
        !self.homes.is_empty() && self.homes.contains(&hash_of_home(&self.key, home))
    }

    /// What is left of a message that came under an id, if anything is.
    ///
    /// # Errors
    /// If it is changed and cannot be read.
    pub(crate) fn pass<'a>(
        &self,
        home: &[u8],
        entry: HistoryEntry<'a>,
    ) -> Result<Option<HistoryEntry<'a>>, Error> {
        if !self.concerns(home) {
            return Ok(Some(entry));
        }
        match self.messages.get(&hash_of_message(&self.key, &entry.message_id)) {
            None => Ok(Some(entry)),
            Some(Fate::Gone) => Ok(None),
            Some(Fate::Without(fields)) => {
                let message = Message::parse(&entry.json)?.without(fields);
                Ok(Some(HistoryEntry { json: Cow::Owned(message.json_text()), ..entry }))
            }
        }
    }
}

/// The hash of an id under which messages came.
pub(crate) fn hash_of_home(key: &HashKey, home: &[u8]) -> KeyedHash {
    key.hash(&[b"home", home])
}

/// The hash of a message's id.
pub(crate) fn hash_of_message(key: &HashKey, message_id: &str) -> KeyedHash {
    key.hash(&[b"message", message_id.as_bytes()])
}
