//! What tombstones take out of messages that came without passing them: those of a backup that is older than
//! an erasure.
//!
//! Nobody knows any more who was erased, so each message is judged by itself: one of a time at which its id
//! was an erased customer's goes, and so does an `alias` that names such an id; an `identify` of another
//! customer stays, without the id.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::error::Error;
use crate::base::keyed_hash::{HashKey, KeyedHash};
use crate::db::durable::base::Base;
use crate::db::durable::everything::{Everything, Tail, for_each};
use crate::db::durable::folder::{entry_of, in_doubt};
use crate::db::erasing::sieve::{hash_of_home, hash_of_message};
use crate::db::erasing::tombstones::Tombstones;
use crate::facts::identity::named::Role;
use crate::persist::record::erasure_book::{Fate, Pending};
use crate::rules::identifiers::IdentifierRules;
use crate::store::history::Entry;

/// What has to be taken out of base and journal; nothing if all of it may stay.
///
/// # Errors
/// `Damaged` or `Io` for what cannot be read.
pub(crate) fn sweep(
    base: Option<&Arc<Base>>,
    tail: &Tail,
    tombstones: &Tombstones,
    rules: &IdentifierRules,
    key: &HashKey,
) -> Result<Option<Pending>, Error> {
    let mut homes: BTreeSet<KeyedHash> = BTreeSet::new();
    let mut messages = Vec::new();
    for_each(base, tail, &mut |everything: Everything<'_>| {
        for message in everything.messages(base)? {
            let entry = entry_of(&message).map_err(in_doubt)?;
            if let Some(fate) = fate(&entry, tombstones, rules) {
                homes.insert(hash_of_home(key, everything.key));
                messages.push((hash_of_message(key, &entry.message_id), fate));
            }
        }
        Ok(())
    })?;
    let homes = homes.into_iter().collect();
    Ok((!messages.is_empty()).then_some(Pending { homes, messages, anonymous: Vec::new() }))
}

/// What tombstones leave of a message, if not all.
fn fate(entry: &Entry, tombstones: &Tombstones, rules: &IdentifierRules) -> Option<Fate> {
    let covered = tombstones.covering(&entry.message, entry.time, rules);
    if covered.is_empty() {
        return None;
    }
    match covered.iter().all(|covered| covered.role == Role::Claimed) {
        true => Some(Fate::Without(covered.into_iter().map(|covered| covered.field).collect())),
        false => Some(Fate::Gone),
    }
}
