//! A disk in memory that fails and loses power as it is told, the same way for the same seed.
//!
//! It is harsher than real ones: after a power cut any subset of the unsynced sectors and of the
//! unsynced changes of names is there, in whatever order they were made; and after a sync that failed,
//! what it should have written is readable but lost, which is what Linux does.
//!
//! Invariants:
//! 1. The stable names, with all pending changes of names applied in order, are the seen names.
//! 2. A handle, and a process, that was there when the power went off fails for ever after.
//! 3. Calls that change something are counted from 1; reading is not, and does not fail by plan.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::file_calls::{Disk, DiskFile};
use super::simulated_file::SimulatedFile;

/// Numbers by seed; and how likely a change is to survive.
#[derive(Debug)]
pub(crate) struct Chance {
    state: u64,
    /// Of 256.
    keeping: u64,
}

impl Chance {
    /// Each seed has its own likelihood, and some lose or keep all.
    pub(crate) fn new(seed: u64) -> Chance {
        let mut chance = Chance { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d, keeping: 0 };
        chance.keeping = [0, 32, 128, 128, 224, 250, 256, 128][(chance.next() % 8) as usize];
        chance
    }

    /// The next number (SplitMix64).
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound, which is not 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Whether the next change survives.
    pub(super) fn keeps(&mut self) -> bool {
        self.next() % 256 < self.keeping
    }
}

/// What goes wrong at a planned call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The call fails with this error; of a write, the first half is done.
    Fails(io::ErrorKind),
    /// The power goes off in the middle of it, by this seed; nothing works until `power_on`.
    PowerCut(u64),
}

fn gone() -> io::Error {
    io::Error::other("the process is gone")
}

/// A disk in memory, as a process sees it.
#[derive(Clone, Debug, Default)]
pub(crate) struct SimulatedDisk {
    shared: Arc<Mutex<State>>,
    /// The epoch in which the process began; the test itself is of no epoch.
    process: Option<u64>,
}

#[derive(Debug, Default)]
struct State {
    files: Vec<SimulatedFile>,
    seen: BTreeMap<PathBuf, usize>,
    stable: BTreeMap<PathBuf, usize>,
    pending: Vec<NameChange>,
    folders: Vec<PathBuf>,
    calls: u64,
    plan: BTreeMap<u64, Fault>,
    read_only: bool,
    off: bool,
    /// How often handles have been cut off.
    epoch: u64,
}

#[derive(Clone, Debug)]
enum NameChange {
    Made(PathBuf, usize),
    Renamed(PathBuf, PathBuf, usize),
    Removed(PathBuf),
}

impl NameChange {
    fn folder(&self) -> Option<&Path> {
        match self {
            NameChange::Made(path, _) | NameChange::Renamed(path, ..) | NameChange::Removed(path) => {
                path.parent()
            }
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            NameChange::Made(path, file) => {
                names.insert(path.clone(), *file);
            }
            NameChange::Renamed(from, to, file) => {
                // Without the file's first name on disk, there is nothing that could have been renamed
                // from there; the new name is as good as made.
                if names.get(from) == Some(file) {
                    names.remove(from);
                }
                names.insert(to.clone(), *file);
            }
            NameChange::Removed(path) => {
                names.remove(path);
            }
        }
    }
}

impl State {
    /// Whether a changing call may go on; what is to be done of it first, if it fails.
    fn begin(&mut self) -> Result<(), (io::Error, Option<Fault>)> {
        if self.off {
            return Err((io::Error::other("the power is off"), None));
        }
        if self.read_only {
            return Err((io::ErrorKind::ReadOnlyFilesystem.into(), None));
        }
        self.calls += 1;
        match self.plan.remove(&self.calls) {
            None => Ok(()),
            Some(fault @ Fault::Fails(kind)) => Err((kind.into(), Some(fault))),
            Some(fault @ Fault::PowerCut(_)) => Err((io::Error::other("the power is off"), Some(fault))),
        }
    }

    /// A changing call that is done whole or not at all.
    fn begin_whole(&mut self) -> io::Result<()> {
        self.begin().map_err(|(error, fault)| {
            self.end(fault);
            error
        })
    }

    /// What comes after a call that failed as planned.
    fn end(&mut self, fault: Option<Fault>) {
        if let Some(Fault::PowerCut(seed)) = fault {
            self.lose_power(seed);
            self.off = true;
        }
    }

    fn lose_power(&mut self, seed: u64) {
        let mut chance = Chance::new(seed);
        self.epoch += 1;
        for change in std::mem::take(&mut self.pending) {
            if chance.keeps() {
                change.apply(&mut self.stable);
            }
        }
        for file in &mut self.files {
            file.lose_power(&mut chance);
        }
        self.seen.clone_from(&self.stable);
    }

    fn rename_seen(&mut self, change: NameChange) {
        change.apply(&mut self.seen);
        self.pending.push(change);
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        self.seen.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl SimulatedDisk {
    /// An empty disk.
    pub(crate) fn new() -> SimulatedDisk {
        SimulatedDisk::default()
    }

    /// The same disk for a process that ends with the next power cut or `kill`.
    pub(crate) fn process(&self) -> Arc<dyn Disk> {
        Arc::new(SimulatedDisk { shared: self.shared.clone(), process: Some(self.shared.lock().epoch) })
    }

    /// The disk, if the process is still there.
    fn alive(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.shared.lock();
        match self.process {
            Some(epoch) if epoch != state.epoch => Err(gone()),
            _ => Ok(state),
        }
    }

    /// Cuts the power and gives it back: all handles are dead, and of what was not synced only what
    /// the seed keeps is there.
    pub(crate) fn power_cut(&self, seed: u64) {
        self.shared.lock().lose_power(seed);
    }

    /// Ends the process: all handles are dead, what was written is there.
    pub(crate) fn kill(&self) {
        let mut state = self.shared.lock();
        state.epoch += 1;
        for file in &mut state.files {
            file.locked = false;
        }
    }

    /// After a planned power cut: the disk works again. Returns whether it was off.
    pub(crate) fn power_on(&self) -> bool {
        let mut state = self.shared.lock();
        state.plan.clear();
        std::mem::take(&mut state.off)
    }

    /// Plans a fault for the n-th changing call from now on, from 1.
    pub(crate) fn plan(&self, call: u64, fault: Fault) {
        let mut state = self.shared.lock();
        let at = state.calls + call;
        state.plan.insert(at, fault);
    }

    /// How many changing calls there were.
    pub(crate) fn calls(&self) -> u64 {
        self.shared.lock().calls
    }

    /// Refuses or takes changes from now on.
    pub(crate) fn set_read_only(&self, read_only: bool) {
        self.shared.lock().read_only = read_only;
    }

    /// The bytes of a file, as readers see them.
    pub(crate) fn bytes(&self, path: &Path) -> io::Result<Vec<u8>> {
        let state = self.shared.lock();
        Ok(state.files[state.find(path)?].seen().to_vec())
    }

    /// Puts a file with these bytes in the place of what is there, all of it stable.
    pub(crate) fn put(&self, path: &Path, bytes: Vec<u8>) {
        let mut state = self.shared.lock();
        state.files.push(SimulatedFile::of(bytes));
        let change = NameChange::Made(path.to_owned(), state.files.len() - 1);
        change.apply(&mut state.stable);
        change.apply(&mut state.seen);
    }

    /// Turns bits of one byte of a file.
    pub(crate) fn flip(&self, path: &Path, offset: usize, bits: u8) -> io::Result<()> {
        let mut bytes = self.bytes(path)?;
        bytes[offset] ^= bits;
        self.put(path, bytes);
        Ok(())
    }

    /// Cuts a file short.
    pub(crate) fn cut(&self, path: &Path, length: usize) -> io::Result<()> {
        let mut bytes = self.bytes(path)?;
        bytes.truncate(length);
        self.put(path, bytes);
        Ok(())
    }

    /// A disk of its own with the same files, all of them stable.
    pub(crate) fn copy(&self) -> SimulatedDisk {
        let copy = SimulatedDisk::new();
        let state = self.shared.lock();
        copy.shared.lock().folders.clone_from(&state.folders);
        for (path, file) in &state.seen {
            copy.put(path, state.files[*file].seen().to_vec());
        }
        drop(state);
        copy
    }

    fn handle(&self, state: &State, file: usize, writable: bool) -> Box<dyn DiskFile> {
        Box::new(Handle {
            disk: self.shared.clone(),
            file,
            writable,
            epoch: state.epoch,
            locks: Mutex::new(false),
        })
    }
}

impl Disk for SimulatedDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let state = self.alive()?;
        if state.read_only {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        Ok(self.handle(&state, state.find(path)?, true))
    }

    fn open_read_only(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let state = self.alive()?;
        Ok(self.handle(&state, state.find(path)?, false))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.alive()?;
        state.begin_whole()?;
        if state.seen.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if !path.parent().is_some_and(|folder| state.folders.iter().any(|known| known == folder)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.files.push(SimulatedFile::default());
        let file = state.files.len() - 1;
        state.rename_seen(NameChange::Made(path.to_owned(), file));
        Ok(self.handle(&state, file, true))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let state = self.alive()?;
        if !state.folders.iter().any(|known| known == folder) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = state.seen.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect())
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.alive()?;
        if !state.folders.iter().any(|known| known == folder) {
            state.begin_whole()?;
            state.folders.extend(folder.ancestors().map(Path::to_owned));
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.alive()?;
        state.begin_whole()?;
        let file = state.find(from)?;
        state.rename_seen(NameChange::Renamed(from.to_owned(), to.to_owned(), file));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.alive()?;
        state.begin_whole()?;
        state.find(path)?;
        state.rename_seen(NameChange::Removed(path.to_owned()));
        Ok(())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let state = self.alive()?;
        Ok(state.seen.contains_key(path) || state.folders.iter().any(|known| known == path))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.alive()?;
        state.begin_whole()?;
        let pending = std::mem::take(&mut state.pending);
        let (now, later): (Vec<_>, Vec<_>) =
            pending.into_iter().partition(|change| change.folder() == Some(folder));
        for change in now {
            change.apply(&mut state.stable);
        }
        state.pending = later;
        Ok(())
    }
}

/// An open file of the simulated disk.
#[derive(Debug)]
struct Handle {
    disk: Arc<Mutex<State>>,
    file: usize,
    writable: bool,
    epoch: u64,
    /// Whether this handle holds the file's lock.
    locks: Mutex<bool>,
}

impl Handle {
    fn alive(&self, state: &State) -> io::Result<()> {
        if state.epoch == self.epoch { Ok(()) } else { Err(gone()) }
    }

    /// Does a change of the file, or the part of it that the plan leaves.
    fn change(&self, change: impl FnOnce(&mut SimulatedFile, Option<Fault>)) -> io::Result<()> {
        let mut state = self.disk.lock();
        self.alive(&state)?;
        if !self.writable {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        match state.begin() {
            Ok(()) => {
                change(&mut state.files[self.file], None);
                Ok(())
            }
            Err((error, fault)) => {
                if fault.is_some() {
                    change(&mut state.files[self.file], fault);
                }
                state.end(fault);
                Err(error)
            }
        }
    }
}

impl DiskFile for Handle {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.disk.lock();
        self.alive(&state)?;
        let rest = state.files[self.file].seen().get(offset as usize..).unwrap_or(&[]);
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.change(|file, fault| {
            let part = match fault {
                None | Some(Fault::PowerCut(_)) => bytes,
                Some(Fault::Fails(_)) => &bytes[..bytes.len() / 2],
            };
            file.write(offset as usize, part);
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(|file, fault| match fault {
            None => file.sync(),
            // Which sectors a failed sync has written is a matter of chance, by what it had to write.
            Some(Fault::Fails(_)) => file.sync_in_vain(&mut Chance::new(file.seen().len() as u64)),
            Some(Fault::PowerCut(_)) => {}
        })
    }

    fn len(&self) -> io::Result<u64> {
        let state = self.disk.lock();
        self.alive(&state)?;
        Ok(state.files[self.file].seen().len() as u64)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.change(|file, fault| {
            if !matches!(fault, Some(Fault::Fails(_))) {
                file.set_len(length as usize);
            }
        })
    }

    fn try_lock(&self) -> io::Result<bool> {
        let mut state = self.disk.lock();
        self.alive(&state)?;
        let file = &mut state.files[self.file];
        let free = !file.locked;
        if free {
            file.locked = true;
            *self.locks.lock() = true;
        }
        Ok(free)
    }

    fn unlock(&self) -> io::Result<()> {
        let mut state = self.disk.lock();
        if std::mem::take(&mut *self.locks.lock()) && state.epoch == self.epoch {
            state.files[self.file].locked = false;
        }
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Closing lets go too.
        let _ = self.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk_with_file() -> (SimulatedDisk, Box<dyn DiskFile>) {
        let disk = SimulatedDisk::new();
        disk.create_folder(Path::new("/d")).unwrap();
        let file = disk.create(Path::new("/d/a")).unwrap();
        (disk, file)
    }

    #[test]
    fn a_power_cut_keeps_what_was_synced_and_any_part_of_the_rest() {
        let (mut torn, mut unnamed) = (0, 0);
        for seed in 0..400 {
            let (disk, file) = disk_with_file();
            file.write_at(0, &[1; 2048]).unwrap();
            file.sync_data().unwrap();
            if seed % 2 == 0 {
                disk.sync_folder(Path::new("/d")).unwrap();
            }
            file.write_at(100, &[2; 1500]).unwrap();
            disk.rename(Path::new("/d/a"), Path::new("/d/b")).unwrap();
            disk.power_cut(seed);
            assert!(file.write_at(0, &[3]).is_err(), "seed {seed}");
            let names = disk.list(Path::new("/d")).unwrap();
            assert!(names.len() <= 1, "seed {seed}: {names:?}");
            let Some(name) = names.first() else {
                assert!(seed % 2 == 1, "seed {seed}");
                unnamed += 1;
                continue;
            };
            let bytes = disk.bytes(&Path::new("/d").join(name)).unwrap();
            assert!(bytes.iter().all(|byte| [1, 2].contains(byte)) && bytes.len() == 2048, "seed {seed}");
            for (from, to) in [(100, 512), (512, 1024), (1024, 1536), (1536, 1600)] {
                assert!(bytes[from..to].iter().all(|byte| *byte == bytes[from]), "seed {seed}");
            }
            torn += usize::from(bytes[100] != bytes[1599]);
        }
        assert!(torn > 50 && unnamed > 20, "{torn} {unnamed}");
    }

    #[test]
    fn planned_calls_fail_and_leave_parts() {
        let (disk, file) = disk_with_file();
        disk.plan(2, Fault::Fails(io::ErrorKind::StorageFull));
        file.write_at(0, &[1; 10]).unwrap();
        assert_eq!(file.write_at(10, &[2; 10]).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(disk.bytes(Path::new("/d/a")).unwrap().len(), 15);
        file.write_at(10, &[3; 10]).unwrap();
        disk.plan(1, Fault::PowerCut(7));
        assert!(file.sync_data().is_err() && disk.create(Path::new("/d/b")).is_err());
        assert!(disk.power_on() && !disk.power_on());
        disk.create(Path::new("/d/b")).unwrap();
        disk.set_read_only(true);
        assert!(disk.create(Path::new("/d/c")).is_err());
    }

    #[test]
    fn a_process_ends_and_files_can_be_spoiled() {
        let (disk, _) = disk_with_file();
        let path = Path::new("/d/a");
        let process = disk.process();
        let file = process.open(path).unwrap();
        file.write_at(0, b"abcd").unwrap();
        assert!(file.try_lock().unwrap());
        disk.kill();
        assert!(process.list(Path::new("/d")).is_err() && file.len().is_err());
        assert!(disk.process().open(path).unwrap().try_lock().unwrap());
        let calls = disk.calls();
        disk.flip(path, 1, 3).unwrap();
        disk.cut(path, 3).unwrap();
        assert_eq!((disk.bytes(path).unwrap(), disk.calls()), (b"aac".to_vec(), calls));
        let copy = disk.copy();
        copy.put(path, b"new".to_vec());
        copy.power_cut(Chance::new(5).below(100));
        assert_eq!(
            (copy.bytes(path).unwrap(), disk.bytes(path).unwrap()),
            (b"new".to_vec(), b"aac".to_vec())
        );
    }

    #[test]
    fn a_failed_sync_is_not_made_good_by_the_next() {
        let (disk, file) = disk_with_file();
        disk.sync_folder(Path::new("/d")).unwrap();
        file.write_at(0, &[1; 64 * 512]).unwrap();
        disk.plan(1, Fault::Fails(io::ErrorKind::Other));
        assert!(file.sync_data().is_err());
        assert_eq!(disk.bytes(Path::new("/d/a")).unwrap(), vec![1; 64 * 512]);
        file.sync_data().unwrap();
        disk.power_cut(6);
        assert_ne!(disk.bytes(Path::new("/d/a")).unwrap(), vec![1; 64 * 512]);
    }
}
