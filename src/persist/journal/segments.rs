//! The segment files of an open journal: made ahead, put to use, emptied and used again.
//!
//! A file is really filled with zeros when it is made, so that writing a record later changes neither
//! its length nor where its blocks lie, and a sync has only the record to write: measured, 123 µs
//! instead of several milliseconds in 99 of 100 calls.
//!
//! The order of calls, on which reading relies:
//! 1. The segment before is synced. 2. The header is written and synced, while the file still has the
//!    name of a spare. 3. The file is renamed to be a segment. 4. The folder is synced. Only then are
//!    frames written.
//! 5. A covered segment is renamed to be a spare and the folder synced before its header is written
//!    again; or else, after a power cut, an old name could lead to a new header.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::folder::{put_aside, segment_path, spare_path};
use super::frame::HEAD_BYTES;
use super::segment_header::{FRAMES_FROM, SegmentHeader};
use super::sequence::Sequence;
use crate::base::error::Error;
use crate::base::limits::MAX_SPARE_SEGMENTS;
use crate::persist::disk::failure::failed;
use crate::persist::disk::file_calls::{Disk, DiskFile};

/// Zeros are written in pieces of this many bytes.
const PIECE: usize = 256 * 1024;
/// Files are as long as a multiple of this, bytes.
const PAGE: u64 = 4096;

/// A segment that is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SegmentFile {
    pub(super) number: u64,
    pub(super) path: PathBuf,
    pub(super) first: Sequence,
    pub(super) file_bytes: u64,
}

/// The segment that is written to.
#[derive(Clone, Debug)]
pub(super) struct OpenSegment {
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) path: PathBuf,
    pub(super) number: u64,
    pub(super) salt: u64,
    /// Where the next frame goes.
    pub(super) offset: u64,
    pub(super) file_bytes: u64,
}

impl OpenSegment {
    /// Bytes left for records. Room for one mark is kept, so that the last record can be marked too.
    pub(super) fn room(&self) -> u64 {
        self.file_bytes.saturating_sub(self.offset + HEAD_BYTES as u64)
    }
}

#[derive(Debug)]
pub(super) struct Segments {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) folder: PathBuf,
    segment_bytes: u64,
    journal: u64,
    files: Mutex<Files>,
    /// Held while a segment is synced; whether one failed.
    syncing: Mutex<bool>,
}

#[derive(Debug)]
struct Files {
    /// The last is the one written to.
    live: VecDeque<SegmentFile>,
    spares: Vec<PathBuf>,
    next_spare: u64,
}

/// A number that no use of a file had before.
pub(super) fn fresh_number() -> u64 {
    RandomState::new().build_hasher().finish()
}

impl Segments {
    /// Of a journal with this number; `spares` are ready for use.
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        folder: &Path,
        segment_bytes: u64,
        journal: u64,
        live: VecDeque<SegmentFile>,
        spares: Vec<(u64, PathBuf)>,
    ) -> Segments {
        let next_spare = spares.last().map_or(1, |(number, _)| number + 1);
        let spares = spares.into_iter().map(|(_, path)| path).collect();
        let files = Mutex::new(Files { live, spares, next_spare });
        let folder = folder.to_owned();
        Segments { disk, folder, segment_bytes, journal, files, syncing: Mutex::new(false) }
    }

    /// How many segments and how many spares there are.
    pub(super) fn counts(&self) -> (usize, usize) {
        let files = self.files.lock();
        (files.live.len(), files.spares.len())
    }

    /// Syncs a segment, unless a sync of one has failed before: one that succeeds after that would not
    /// say that everything is there.
    pub(super) fn sync(&self, segment: &OpenSegment) -> Result<(), Error> {
        let mut failed_before = self.syncing.lock();
        let synced = if *failed_before {
            Err(std::io::Error::other("an earlier sync failed"))
        } else {
            segment.file.sync_data()
        };
        *failed_before = synced.is_err();
        synced.map_err(|error| failed("sync", &segment.path, error))
    }

    /// Makes a spare if there is none.
    pub(super) fn prepare(&self) -> Result<(), Error> {
        if self.files.lock().spares.is_empty() {
            let path = self.make(self.segment_bytes)?;
            self.files.lock().spares.push(path);
        }
        Ok(())
    }

    /// A new file of zeros, stable, under the name of a spare.
    fn make(&self, file_bytes: u64) -> Result<PathBuf, Error> {
        let path = {
            let mut files = self.files.lock();
            files.next_spare += 1;
            spare_path(&self.folder, files.next_spare - 1)
        };
        let file = self.disk.create(&path).map_err(|error| failed("make", &path, error))?;
        zero(&*file, 0, file_bytes).and_then(|()| file.sync_data()).map_err(|error| {
            // Half a file must not keep the room that others need. If this fails too, the next opening
            // does it.
            let _ = self.disk.remove(&path);
            failed("make room in", &path, error)
        })?;
        Ok(path)
    }

    /// Puts a file to use, with room for a frame of these bytes. Everything before is synced.
    pub(super) fn start(&self, number: u64, first: Sequence, frame: u64) -> Result<OpenSegment, Error> {
        let needed = FRAMES_FROM + frame + HEAD_BYTES as u64;
        let ready = if needed <= self.segment_bytes { self.files.lock().spares.pop() } else { None };
        let file_bytes = needed.next_multiple_of(PAGE).max(self.segment_bytes);
        let spare = match ready {
            Some(path) => path,
            None => self.make(file_bytes)?,
        };
        let header = SegmentHeader { journal: self.journal, number, first, file_bytes, salt: fresh_number() };
        let file = self.disk.open(&spare).map_err(|error| failed("open", &spare, error))?;
        file.write_at(0, &header.to_bytes())
            .and_then(|()| file.sync_data())
            .map_err(|error| failed("write", &spare, error))?;
        let path = segment_path(&self.folder, number);
        self.disk.rename(&spare, &path).map_err(|error| failed("rename", &spare, error))?;
        self.sync_folder()?;
        self.files.lock().live.push_back(SegmentFile { number, path: path.clone(), first, file_bytes });
        let file = Arc::from(file);
        Ok(OpenSegment { file, path, number, salt: header.salt, offset: FRAMES_FROM, file_bytes })
    }

    pub(super) fn sync_folder(&self) -> Result<(), Error> {
        self.disk.sync_folder(&self.folder).map_err(|error| failed("sync", &self.folder, error))
    }

    /// Empties the segments in which every record is covered by a base: keeps a few for use, removes
    /// the rest. The one written to stays.
    pub(super) fn recycle(&self, covered: Sequence) -> Result<(), Error> {
        let mut emptied = Vec::new();
        let mut changed = false;
        while let Some(segment) = self.take_covered(covered) {
            let kept = self.empty(&segment, emptied.len()).inspect_err(|_| {
                self.files.lock().live.push_front(segment.clone());
            })?;
            emptied.extend(kept);
            changed = true;
        }
        if changed {
            self.sync_folder()?;
            self.files.lock().spares.append(&mut emptied);
        }
        Ok(())
    }

    /// Removes the segments in which every record is covered by a base, for good. The one written to stays.
    pub(super) fn remove_covered(&self, covered: Sequence) -> Result<(), Error> {
        while let Some(segment) = self.take_covered(covered) {
            self.disk.remove(&segment.path).map_err(|error| {
                let failed = failed("remove", &segment.path, error);
                self.files.lock().live.push_front(segment);
                failed
            })?;
        }
        self.sync_folder()
    }

    /// Removes the files that wait to become segments: they may hold what segments held before.
    pub(super) fn remove_spares(&self) -> Result<(), Error> {
        loop {
            let spare = self.files.lock().spares.pop();
            let Some(path) = spare else { return self.sync_folder() };
            self.disk.remove(&path).map_err(|error| {
                let failed = failed("remove", &path, error);
                self.files.lock().spares.push(path);
                failed
            })?;
        }
    }

    /// Removes what salvage has put aside.
    pub(super) fn remove_put_aside(&self) -> Result<(), Error> {
        for path in put_aside(&*self.disk, &self.folder)? {
            self.disk.remove(&path).map_err(|error| failed("remove", &path, error))?;
        }
        self.sync_folder()
    }

    fn take_covered(&self, covered: Sequence) -> Option<SegmentFile> {
        let mut files = self.files.lock();
        let next = files.live.get(1)?;
        if next.first <= covered.next() { files.live.pop_front() } else { None }
    }

    /// Takes a segment's name away; returns the name of the spare that it became.
    fn empty(&self, segment: &SegmentFile, emptied: usize) -> Result<Option<PathBuf>, Error> {
        let spare = {
            let mut files = self.files.lock();
            let keep =
                segment.file_bytes == self.segment_bytes && files.spares.len() + emptied < MAX_SPARE_SEGMENTS;
            files.next_spare += u64::from(keep);
            keep.then(|| spare_path(&self.folder, files.next_spare - 1))
        };
        let done = match &spare {
            Some(spare) => self.disk.rename(&segment.path, spare),
            None => self.disk.remove(&segment.path),
        };
        done.map_err(|error| failed("recycle", &segment.path, error))?;
        Ok(spare)
    }
}

/// Writes zeros over a part of a file.
pub(super) fn zero(file: &dyn DiskFile, from: u64, until: u64) -> std::io::Result<()> {
    let zeros = vec![0; PIECE.min(until.saturating_sub(from) as usize)];
    let mut at = from;
    while at < until {
        let count = zeros.len().min((until - at) as usize);
        file.write_at(at, &zeros[..count])?;
        at += count as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persist::disk::simulated_disk::{Fault, SimulatedDisk};

    const SEGMENT: u64 = 8192;

    fn segments(disk: &SimulatedDisk) -> Segments {
        let folder = Path::new("/j");
        disk.create_folder(folder).unwrap();
        Segments::new(disk.process(), folder, SEGMENT, 1, VecDeque::new(), Vec::new())
    }

    #[test]
    fn after_a_failed_sync_no_other_is_tried() {
        let disk = SimulatedDisk::new();
        let segments = segments(&disk);
        let open = segments.start(1, Sequence(1), 0).unwrap();
        segments.sync(&open).unwrap();
        disk.plan(1, Fault::Fails(std::io::ErrorKind::Other));
        assert!(segments.sync(&open).is_err());
        let calls = disk.calls();
        let again = segments.sync(&open).unwrap_err();
        assert!(again.to_string().contains("an earlier sync failed"), "{again}");
        assert_eq!(disk.calls(), calls);
    }

    #[test]
    fn what_is_removed_leaves_no_file_behind() {
        let disk = SimulatedDisk::new();
        let segments = segments(&disk);
        for number in [1, 2, 3] {
            let open = segments.start(number, Sequence(number), 0).unwrap();
            open.file.write_at(FRAMES_FROM, b"somebody").unwrap();
        }
        segments.recycle(Sequence(1)).unwrap();
        disk.put(Path::new("/j/00000001.journal.damaged-2"), b"somebody".to_vec());
        segments.remove_covered(Sequence(1)).unwrap();
        segments.remove_spares().unwrap();
        segments.remove_put_aside().unwrap();
        assert_eq!(disk.list(Path::new("/j")).unwrap(), ["00000002.journal", "00000003.journal"]);
        segments.remove_covered(Sequence(9)).unwrap();
        assert_eq!(disk.list(Path::new("/j")).unwrap(), ["00000003.journal"]);
        assert_eq!(segments.counts(), (1, 0));
    }

    #[test]
    fn a_recycled_name_is_stable_and_its_file_gets_another_salt() {
        for seed in 0..20 {
            let disk = SimulatedDisk::new();
            let segments = segments(&disk);
            let salts = [1, 2, 3].map(|number| {
                let open = segments.start(number, Sequence(number), 0).unwrap();
                segments.recycle(Sequence(number)).unwrap();
                open.salt
            });
            assert_eq!(segments.counts(), (1, 1));
            assert!(salts[0] != salts[1] && salts[1] != salts[2] && salts[0] != salts[2]);
            let names = disk.list(Path::new("/j")).unwrap();
            disk.power_cut(seed);
            assert_eq!(disk.list(Path::new("/j")).unwrap(), names, "seed {seed}");
        }
    }
}
