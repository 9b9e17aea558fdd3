//! What lies behind the place where the journal cannot be read on.
//!
//! It decides between a crash and damage: frames that are still valid say what was stable when they
//! were written. To find them, every multiple of 8 is tried; heads have a check seeded with the salt,
//! so almost every try ends after one hash of 20 bytes.

use super::frame::{ALIGNMENT, Frame};
use super::sequence::Sequence;

/// The valid frames behind a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Beyond {
    /// The highest record that one of them knew to be stable.
    pub(super) durable: Sequence,
    /// The highest record among them or that a mark is after.
    pub(super) highest: Sequence,
    /// Records among them with a sequence higher than asked.
    pub(super) records: u64,
    /// Where the last of them ends; 0 if there is none.
    pub(super) until: u64,
}

/// The first valid frame from a place on, and its place.
pub(super) fn next_frame(bytes: &[u8], from: u64, salt: u64) -> Option<(u64, Frame<'_>)> {
    let from = (from as usize).next_multiple_of(ALIGNMENT);
    (from..bytes.len())
        .step_by(ALIGNMENT)
        .find_map(|at| Some((at as u64, Frame::read(&bytes[at..], salt).ok()?)))
}

impl Beyond {
    /// Looks at all frames from a place on, and counts the records above a sequence.
    pub(super) fn look(bytes: &[u8], from: u64, salt: u64, above: Sequence) -> Beyond {
        let mut beyond = Beyond::default();
        let mut at = from;
        while let Some((place, frame)) = next_frame(bytes, at, salt) {
            at = place + frame.length as u64;
            beyond.durable = beyond.durable.max(frame.durable);
            beyond.highest = beyond.highest.max(frame.sequence);
            beyond.records += u64::from(frame.payload.is_some() && frame.sequence > above);
            beyond.until = at;
        }
        beyond
    }
}
