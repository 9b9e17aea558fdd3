//! What a database remembers of those it has erased: receipts, and tombstones that name nobody.
//!
//! A tombstone is a keyed hash of an identifier, and from when until when it was theirs. While an erasure
//! is under way the book also says, in such hashes, which messages are not to be there any more; so a
//! process that comes after a crash can finish without knowing who it is about. What people leave behind who
//! are made anonymous stands in it too, until base and journal hold it.

use std::borrow::Cow;

use crate::base::frozen_hash::hash64;
use crate::base::keyed_hash::{HashKey, KeyedHash};
use crate::base::time::Time;
use crate::model::erasure_receipt::ErasureReceipt;
use crate::persist::record::fields::{Fields, put_short_text, put_text};
use crate::persist::record::history_chunk::HistoryEntry;

const MAGIC: &[u8; 8] = b"HABITERA";
/// Without anonymous messages.
const FIRST: u32 = 1;
const VERSION: u32 = 2;
const CHECK_BYTES: usize = 8;

const GONE: u8 = 0;
const WITHOUT: u8 = 1;

/// The book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ErasureBook {
    pub(crate) key: HashKey,
    /// One for each erasure, in their order.
    pub(crate) receipts: Vec<ErasureReceipt>,
    pub(crate) tombstones: Vec<Tombstone>,
    /// What is still to be taken out of the files.
    pub(crate) pending: Option<Pending>,
}

/// An identifier that was an erased customer's for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tombstone {
    /// How texts were read as identifiers then.
    pub(crate) form: u8,
    pub(crate) hash: KeyedHash,
    /// The first and the last instant at which it was theirs.
    pub(crate) from: Time,
    pub(crate) until: Time,
    /// The number of the erasure.
    pub(crate) erasure: u32,
}

/// Messages that are not to be there, or not as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pending {
    /// The ids under which they came, as files group messages.
    pub(crate) homes: Vec<KeyedHash>,
    /// Their own ids.
    pub(crate) messages: Vec<(KeyedHash, Fate)>,
    /// Messages that are to be there, of nobody that anything leads to; those of one id in their order.
    pub(crate) anonymous: Vec<HistoryEntry<'static>>,
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Gone,
    /// It stays without these: `anonymousId`, or traits.
    Without(Vec<String>),
}

/// Why bytes are no book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BookFault {
    Damaged,
    /// Another version of the format.
    Version(u32),
}

impl ErasureBook {
    /// The book for files that hold nothing of what is pending.
    pub(crate) fn settled(mut self) -> ErasureBook {
        self.pending = None;
        self.receipts.iter_mut().for_each(|receipt| receipt.finished = true);
        self
    }

    /// What tells one state of the book from another, in the manifest of a folder that has been through all
    /// of it.
    pub(crate) fn mark(&self) -> String {
        format!("{:016x}-{}", hash64(&self.key.0), self.receipts.len())
    }

    /// The bytes.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.key.0);
        put_number(&mut bytes, self.receipts.len() as u64);
        self.receipts.iter().for_each(|receipt| put_receipt(&mut bytes, receipt));
        put_number(&mut bytes, self.tombstones.len() as u64);
        for Tombstone { form, hash, from, until, erasure } in &self.tombstones {
            bytes.push(*form);
            bytes.extend_from_slice(hash);
            bytes.extend_from_slice(&from.millis().to_le_bytes());
            bytes.extend_from_slice(&until.millis().to_le_bytes());
            bytes.extend_from_slice(&erasure.to_le_bytes());
        }
        bytes.push(u8::from(self.pending.is_some()));
        self.pending.iter().for_each(|pending| put_pending(&mut bytes, pending));
        let check = hash64(&bytes);
        bytes.extend_from_slice(&check.to_le_bytes());
        bytes
    }

    /// The book in these bytes.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn read(bytes: &[u8]) -> Result<ErasureBook, BookFault> {
        let (body, check) = bytes.split_last_chunk::<CHECK_BYTES>().ok_or(BookFault::Damaged)?;
        if u64::from_le_bytes(*check) != hash64(body) {
            return Err(BookFault::Damaged);
        }
        let mut fields = Fields(body);
        let (magic, version) = (fields.bytes(MAGIC.len()), fields.u32());
        let version = match (magic == Some(MAGIC), version) {
            (true, Some(version)) if (FIRST..=VERSION).contains(&version) => version,
            (true, Some(other)) => return Err(BookFault::Version(other)),
            _ => return Err(BookFault::Damaged),
        };
        let book = ErasureBook::read_fields(&mut fields, version);
        book.filter(|_| fields.0.is_empty()).ok_or(BookFault::Damaged)
    }

    fn read_fields(fields: &mut Fields<'_>, version: u32) -> Option<ErasureBook> {
        fields.u32()?;
        let key = HashKey(fields.bytes(32)?.try_into().ok()?);
        let mut receipts = Vec::new();
        for _ in 0..fields.u64()? {
            receipts.push(read_receipt(fields, version)?);
        }
        let mut tombstones = Vec::new();
        for _ in 0..fields.u64()? {
            tombstones.push(Tombstone {
                form: fields.u8()?,
                hash: read_hash(fields)?,
                from: Time::from_raw(fields.i64()?),
                until: Time::from_raw(fields.i64()?),
                erasure: fields.u32()?,
            });
        }
        let pending = if fields.u8()? == 0 { None } else { Some(read_pending(fields, version)?) };
        Some(ErasureBook { key, receipts, tombstones, pending })
    }
}

fn put_number(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

fn put_receipt(bytes: &mut Vec<u8>, receipt: &ErasureReceipt) {
    let ErasureReceipt {
        id,
        number,
        at,
        customers,
        messages,
        changed,
        identifiers,
        shared,
        bytes: written,
        ..
    } = receipt;
    put_short_text(bytes, id);
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.extend_from_slice(&at.millis().to_le_bytes());
    for count in [customers, messages, changed, identifiers, shared, written, &receipt.anonymous] {
        put_number(bytes, *count);
    }
    bytes.push(u8::from(receipt.finished));
}

fn read_receipt(fields: &mut Fields<'_>, version: u32) -> Option<ErasureReceipt> {
    Some(ErasureReceipt {
        id: fields.short_text()?.to_owned(),
        number: fields.u32()?,
        at: Time::from_raw(fields.i64()?),
        customers: fields.u64()?,
        messages: fields.u64()?,
        changed: fields.u64()?,
        identifiers: fields.u64()?,
        shared: fields.u64()?,
        bytes: fields.u64()?,
        anonymous: if version == FIRST { 0 } else { fields.u64()? },
        finished: fields.u8()? != 0,
    })
}

fn put_pending(bytes: &mut Vec<u8>, Pending { homes, messages, anonymous }: &Pending) {
    put_number(bytes, homes.len() as u64);
    homes.iter().for_each(|home| bytes.extend_from_slice(home));
    put_number(bytes, messages.len() as u64);
    for (message, fate) in messages {
        bytes.extend_from_slice(message);
        match fate {
            Fate::Gone => bytes.push(GONE),
            Fate::Without(fields) => {
                bytes.push(WITHOUT);
                put_number(bytes, fields.len() as u64);
                fields.iter().for_each(|field| put_short_text(bytes, field));
            }
        }
    }
    put_number(bytes, anonymous.len() as u64);
    for HistoryEntry { time, message_id, json } in anonymous {
        bytes.extend_from_slice(&time.millis().to_le_bytes());
        put_short_text(bytes, message_id);
        put_text(bytes, json);
    }
}

fn read_pending(fields: &mut Fields<'_>, version: u32) -> Option<Pending> {
    let mut pending = Pending::default();
    for _ in 0..fields.u64()? {
        pending.homes.push(read_hash(fields)?);
    }
    for _ in 0..fields.u64()? {
        let message = read_hash(fields)?;
        let fate = match fields.u8()? {
            GONE => Fate::Gone,
            WITHOUT => {
                let mut names = Vec::new();
                for _ in 0..fields.u64()? {
                    names.push(fields.short_text()?.to_owned());
                }
                Fate::Without(names)
            }
            _ => return None,
        };
        pending.messages.push((message, fate));
    }
    for _ in 0..if version == FIRST { 0 } else { fields.u64()? } {
        pending.anonymous.push(HistoryEntry {
            time: Time::from_raw(fields.i64()?),
            message_id: Cow::Owned(fields.short_text()?.to_owned()),
            json: Cow::Owned(fields.text()?.to_owned()),
        });
    }
    Some(pending)
}

fn read_hash(fields: &mut Fields<'_>) -> Option<KeyedHash> {
    fields.bytes(size_of::<KeyedHash>())?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(pending: Option<Pending>) -> ErasureBook {
        let receipt = ErasureReceipt {
            id: "e7".into(),
            number: 1,
            messages: 9,
            anonymous: 4,
            ..ErasureReceipt::default()
        };
        let (from, until) = (Time::from_raw(i64::MIN), Time::from_raw(7));
        let tombstone = Tombstone { form: 3, hash: [9; 16], from, until, erasure: 1 };
        ErasureBook { key: HashKey([1; 32]), receipts: vec![receipt], tombstones: vec![tombstone], pending }
    }

    #[test]
    fn books_read_back_and_nothing_else_does() {
        let fates = [Fate::Gone, Fate::Without(vec!["anonymousId".to_owned(), "email".to_owned()])];
        let messages = fates.into_iter().enumerate().map(|(number, fate)| ([number as u8; 16], fate));
        let json = Cow::Borrowed(r#"{"type":"page"}"#);
        let anonymous = vec![HistoryEntry { time: Time::from_raw(7), message_id: "m1".into(), json }];
        let pending = Pending { homes: vec![[2; 16]], messages: messages.collect(), anonymous };
        for book in [book(None), book(Some(pending))] {
            let bytes = book.write();
            assert_eq!(ErasureBook::read(&bytes), Ok(book));
            for len in 0..bytes.len() {
                assert_eq!(ErasureBook::read(&bytes[..len]), Err(BookFault::Damaged));
            }
            for place in 0..bytes.len() {
                let mut turned = bytes.clone();
                turned[place] ^= 1;
                assert_eq!(ErasureBook::read(&turned), Err(BookFault::Damaged));
            }
        }
    }

    #[test]
    fn another_version_is_told_from_damage() {
        let mut bytes = book(None).write();
        bytes[8] = 3;
        let end = bytes.len() - CHECK_BYTES;
        let check = hash64(&bytes[..end]);
        bytes[end..].copy_from_slice(&check.to_le_bytes());
        assert_eq!(ErasureBook::read(&bytes), Err(BookFault::Version(3)));
    }
}
