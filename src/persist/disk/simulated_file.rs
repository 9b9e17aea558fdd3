//! One file of the simulated disk: what is stable of it, and what was only written.
//!
//! Invariants:
//! 1. `stable` with all of `pending` applied in order is `seen`.
//! 2. A sector is written whole or not at all; that, and that a sector keeps what other sectors'
//!    writes do not name, is all that is asked of a disk.

use super::simulated_disk::Chance;

/// What a disk writes whole or not at all, bytes.
const SECTOR: usize = 512;

/// A change that is not stable yet.
#[derive(Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write { offset, bytes } => write(content, *offset, bytes),
            Change::Length(length) => content.resize(*length, 0),
        }
    }

    /// Applies what chance lets of this change reach the disk, sector by sector.
    fn tear(&self, content: &mut Vec<u8>, chance: &mut Chance) {
        let Change::Write { offset, bytes } = self else {
            if chance.keeps() {
                self.apply(content);
            }
            return;
        };
        let mut done = 0;
        while done < bytes.len() {
            let until = ((offset + done) / SECTOR + 1) * SECTOR - offset;
            let piece = &bytes[done..until.min(bytes.len())];
            if chance.keeps() {
                write(content, offset + done, piece);
            }
            done += piece.len();
        }
    }
}

fn write(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

/// The content of one file.
#[derive(Debug, Default)]
pub(super) struct SimulatedFile {
    stable: Vec<u8>,
    seen: Vec<u8>,
    pending: Vec<Change>,
    pub(super) locked: bool,
}

impl SimulatedFile {
    /// A file whose bytes are all stable.
    pub(super) fn of(bytes: Vec<u8>) -> SimulatedFile {
        SimulatedFile { stable: bytes.clone(), seen: bytes, pending: Vec::new(), locked: false }
    }

    /// The bytes that a reader sees.
    pub(super) fn seen(&self) -> &[u8] {
        &self.seen
    }

    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        self.change(Change::Write { offset, bytes: bytes.to_vec() });
    }

    pub(super) fn set_len(&mut self, length: usize) {
        self.change(Change::Length(length));
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        self.pending.push(change);
    }

    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.stable);
        }
    }

    /// A sync that fails: some sectors reached the disk, and the system has forgotten which are to be
    /// written still. Readers see all of them.
    pub(super) fn sync_in_vain(&mut self, chance: &mut Chance) {
        for change in self.pending.drain(..) {
            change.tear(&mut self.stable, chance);
        }
    }

    /// What is left after a power cut.
    pub(super) fn lose_power(&mut self, chance: &mut Chance) {
        self.sync_in_vain(chance);
        self.seen.clone_from(&self.stable);
        self.locked = false;
    }
}
