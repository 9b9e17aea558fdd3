//! One record as bytes: 32 bytes of head, the payload, zeros up to the next multiple of 8.
//!
//! ```text
//!  0  8  check of bytes 12 to the payload's end: XXH3, 64 bits, seeded with the segment's salt
//!  8  4  check of bytes 12 to 32: the low half of XXH3, seeded with the salt
//! 12  4  length of the payload; the highest bit is set in a mark, whose length is 0
//! 16  8  sequence of the record; of a mark, that of the last record before it
//! 24  8  durable: the highest sequence known to be on stable storage when this was written
//! 32     payload
//! ```
//!
//! The head has a check of its own, so that a length is believed only if it is right, and the frame
//! after a damaged payload is found. Checks are seeded with a salt that each use of a file has of its
//! own: what a recycled file held before never verifies, and nobody who writes payloads can forge a
//! frame inside one.
//!
//! A frame is *laid out* when its record is appended, and *sealed* just before it is written: only then
//! is it known which segment it falls into and what is durable, and the thread that writes has time.
//!
//! Invariants:
//! 1. Frames start at multiples of 8 in their segment.
//! 2. `durable` is below the sequence in a record, and at most the sequence in a mark.

use crate::base::frozen_hash::seeded_hash64;
use crate::base::limits::MAX_RECORD_BYTES;
use crate::persist::journal::sequence::Sequence;
use crate::persist::little_endian::{number32, number64};

/// Bytes of a frame before its payload; also the bytes of a mark.
pub(super) const HEAD_BYTES: usize = 32;
/// What frames start at a multiple of.
pub(super) const ALIGNMENT: usize = 8;
const MARK: u32 = 1 << 31;
const CHECKED_FROM: usize = 12;

/// The bytes of a frame with a payload of this length.
pub(super) const fn frame_bytes(payload: usize) -> usize {
    HEAD_BYTES + payload.next_multiple_of(ALIGNMENT)
}

/// Appends a frame that still has to be sealed.
pub(super) fn lay_out(buffer: &mut Vec<u8>, sequence: Sequence, pieces: &[&[u8]], length: usize) {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; CHECKED_FROM]);
    buffer.extend_from_slice(&(length as u32).to_le_bytes());
    buffer.extend_from_slice(&sequence.0.to_le_bytes());
    buffer.extend_from_slice(&[0; 8]);
    for piece in pieces {
        buffer.extend_from_slice(piece);
    }
    buffer.resize(start + frame_bytes(length), 0);
}

/// A frame that was laid out: how long it is, and whose.
pub(super) fn laid_out(bytes: &[u8]) -> (usize, Sequence) {
    (frame_bytes(number32(bytes, 12) as usize), Sequence(number64(bytes, 16)))
}

/// Makes a frame that was laid out valid in a segment.
pub(super) fn seal(frame: &mut [u8], salt: u64, durable: Sequence) {
    let payload = (number32(frame, 12) & !MARK) as usize;
    frame[24..32].copy_from_slice(&durable.0.to_le_bytes());
    let head_check = seeded_hash64(&frame[CHECKED_FROM..HEAD_BYTES], salt) as u32;
    let check = seeded_hash64(&frame[CHECKED_FROM..HEAD_BYTES + payload], salt);
    frame[8..12].copy_from_slice(&head_check.to_le_bytes());
    frame[..8].copy_from_slice(&check.to_le_bytes());
}

/// A mark: says that everything up to `last` is durable.
pub(super) fn mark(salt: u64, last: Sequence) -> [u8; HEAD_BYTES] {
    let mut frame = [0; HEAD_BYTES];
    frame[12..16].copy_from_slice(&MARK.to_le_bytes());
    frame[16..24].copy_from_slice(&last.0.to_le_bytes());
    seal(&mut frame, salt, last);
    frame
}

/// A valid frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) sequence: Sequence,
    pub(super) durable: Sequence,
    /// The record; none in a mark.
    pub(super) payload: Option<&'a [u8]>,
    /// The bytes of the whole frame.
    pub(super) length: usize,
}

/// Why there is no valid frame at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoFrame {
    /// There is nothing that looks like a frame of this segment.
    Nothing,
    /// There is the head of one, but the payload is not what was written.
    BrokenPayload,
}

impl<'a> Frame<'a> {
    /// The frame that the bytes begin with.
    pub(super) fn read(bytes: &'a [u8], salt: u64) -> Result<Frame<'a>, NoFrame> {
        let head = bytes.get(..HEAD_BYTES).ok_or(NoFrame::Nothing)?;
        let (word, sequence) = (number32(head, 12), number64(head, 16));
        // The usual case behind the end of a journal, told apart without computing a hash.
        if word == 0 && sequence == 0 {
            return Err(NoFrame::Nothing);
        }
        if seeded_hash64(&head[CHECKED_FROM..], salt) as u32 != number32(head, 8) {
            return Err(NoFrame::Nothing);
        }
        let payload = (word & !MARK) as usize;
        if payload > MAX_RECORD_BYTES {
            return Err(NoFrame::Nothing);
        }
        let checked = bytes.get(CHECKED_FROM..HEAD_BYTES + payload).ok_or(NoFrame::BrokenPayload)?;
        if seeded_hash64(checked, salt) != number64(head, 0) {
            return Err(NoFrame::BrokenPayload);
        }
        Ok(Frame {
            sequence: Sequence(sequence),
            durable: Sequence(number64(head, 24)),
            payload: (word & MARK == 0).then(|| &bytes[HEAD_BYTES..HEAD_BYTES + payload]),
            length: frame_bytes(payload),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(payload: &[u8], salt: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        lay_out(&mut bytes, Sequence(7), &[payload], payload.len());
        seal(&mut bytes, salt, Sequence(5));
        bytes
    }

    #[test]
    fn what_was_sealed_is_read_and_anything_else_is_not() {
        for payload in [&b""[..], b"a", b"12345678", &[0; 100]] {
            let bytes = sealed(payload, 99);
            assert_eq!(bytes.len() % ALIGNMENT, 0);
            let frame = Frame::read(&bytes, 99).unwrap();
            assert_eq!(
                (frame.sequence, frame.durable, frame.payload),
                (Sequence(7), Sequence(5), Some(payload))
            );
            assert_eq!((frame.length, laid_out(&bytes)), (bytes.len(), (bytes.len(), Sequence(7))));
            assert_eq!(Frame::read(&bytes, 98), Err(NoFrame::Nothing));
            for at in 0..HEAD_BYTES + payload.len() {
                for bit in 0..8 {
                    let mut flipped = bytes.clone();
                    flipped[at] ^= 1 << bit;
                    assert!(Frame::read(&flipped, 99).is_err(), "byte {at} bit {bit}");
                }
            }
            for length in 0..HEAD_BYTES + payload.len() {
                assert!(Frame::read(&bytes[..length], 99).is_err(), "length {length}");
            }
        }
    }

    #[test]
    fn a_mark_is_a_frame_without_a_record() {
        let bytes = mark(3, Sequence(12));
        let frame = Frame::read(&bytes, 3).unwrap();
        assert_eq!((frame.sequence, frame.durable, frame.payload), (Sequence(12), Sequence(12), None));
        assert_eq!(frame.length, HEAD_BYTES);
        assert_eq!(Frame::read(&[0; 64], 3), Err(NoFrame::Nothing));
    }

    #[test]
    fn the_bytes_of_a_frame_never_change() {
        let expected = "5939d3229df5a05c897f878f02000000070000000000000005000000000000006869000000000000";
        let hex: String = sealed(b"hi", 1).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
    }
}
