//! The runs in force.
//!
//! A checkpoint first prepares the runs that are to be, then says in the live store which they are, and
//! then adopts them. Whatever happens in between, the live store names runs that are there: files are
//! removed only by [`MessageRuns::remove_unused`], once a checkpoint that names those in force is safe.
//!
//! Invariants:
//! 1. Runs are in descending order of their size, each more than twice as large as the next.
//! 2. A run in force is whole on stable storage.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;

use super::merging::{Merging, Revised};
use super::run::{Run, RunName, path_of};
use crate::base::error::Error;
use crate::persist::disk::failure::failed;
use crate::persist::disk::file_calls::Disk;
use crate::persist::disk::stable_folder;
use crate::persist::disk::unfinished::UNFINISHED;

/// Runs as large as this many times a new one are not merged with it.
const GROWTH: u64 = 2;

/// The ids of accepted messages that are on disk.
#[derive(Debug)]
pub(crate) struct MessageRuns {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    in_force: RwLock<Runs>,
}

type Runs = Arc<[Arc<Run>]>;

/// Runs that are on disk and not in force yet.
#[derive(Debug)]
pub(crate) struct Prepared(Runs);

impl MessageRuns {
    /// No runs, in a folder that need not exist yet.
    pub(crate) fn none(disk: Arc<dyn Disk>, folder: PathBuf) -> MessageRuns {
        MessageRuns { disk, folder, in_force: RwLock::new(Arc::new([])) }
    }

    /// Takes over the runs that a checkpoint names.
    ///
    /// # Errors
    /// `Damaged`, `Incompatible` or `Io`; then those in force before still are.
    pub(crate) fn open(&self, names: &[RunName]) -> Result<(), Error> {
        let open = |name: &RunName| Run::named(&*self.disk, &self.folder, *name).map(Arc::new);
        *self.in_force.write() = names.iter().map(open).collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Lets go of all runs.
    pub(crate) fn clear(&self) {
        *self.in_force.write() = Arc::new([]);
    }

    /// The content under which an id was accepted, if it was.
    ///
    /// # Errors
    /// `Damaged`, `Io`.
    pub(crate) fn find(&self, id: u128) -> Result<Option<u128>, Error> {
        for run in &*self.in_force() {
            if let Some(content) = run.find(id)? {
                return Ok(Some(content));
            }
        }
        Ok(None)
    }

    /// What a checkpoint has to say of the runs in force.
    pub(crate) fn names(&self) -> Vec<RunName> {
        Prepared(self.in_force()).names()
    }

    /// How many ids there are.
    pub(crate) fn entries(&self) -> u64 {
        self.in_force().iter().map(|run| run.name.entries).sum()
    }

    /// How large the files are together.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.in_force().iter().map(|run| run.file_bytes()).sum()
    }

    /// Writes the runs that there are to be with more ids, one call at a time. Ids that are known already
    /// are left out.
    ///
    /// # Errors
    /// `Io`, and `Damaged` if a run that is merged is.
    pub(crate) fn prepare(&self, mut batch: Vec<(u128, u128)>) -> Result<Prepared, Error> {
        let in_force = self.in_force();
        batch.sort_unstable();
        let mut new = Vec::with_capacity(batch.len());
        for (id, content) in batch {
            if self.find(id)?.is_none() {
                new.push((id, content));
            }
        }
        if new.is_empty() {
            return Ok(Prepared(in_force));
        }
        let mut entries = new.len() as u64;
        let mut kept = in_force.len();
        while kept > 0 && in_force[kept - 1].name.entries <= GROWTH * entries {
            kept -= 1;
            entries += in_force[kept].name.entries;
        }
        let (kept, merged) = in_force.split_at(kept);
        let merging = Merging::new(new, merged.iter().map(|run| &**run))?;
        stable_folder::make(&*self.disk, &self.folder)?;
        let run = Run::write(&*self.disk, &self.folder, self.new_number()?, entries, merging)?;
        Ok(Prepared(kept.iter().cloned().chain([Arc::new(run)]).collect()))
    }

    /// Forgets some ids, or takes them for other contents, in a run that takes the place of all. The live
    /// store still names those before, until the next checkpoint.
    ///
    /// # Errors
    /// `Io`, and `Damaged` if a run cannot be read; then nothing has changed.
    pub(crate) fn revise(&self, revised: &Revised) -> Result<(), Error> {
        let in_force = self.in_force();
        if in_force.is_empty() {
            return Ok(());
        }
        let merging = Merging::new(Vec::new(), in_force.iter().map(|run| &**run))?.revised(revised);
        let run = Run::write(&*self.disk, &self.folder, self.new_number()?, self.entries(), merging)?;
        self.adopt(Prepared(Arc::new([Arc::new(run)])));
        Ok(())
    }

    /// Puts prepared runs in force.
    pub(crate) fn adopt(&self, prepared: Prepared) {
        *self.in_force.write() = prepared.0;
    }

    /// Removes files that no run in force has. They are only in the way, so that one cannot be removed is
    /// no fault.
    pub(crate) fn remove_unused(&self) {
        for path in self.unused().unwrap_or_default() {
            let _ = self.disk.remove(&path);
        }
    }

    /// The same for one who must be sure that they are gone.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn remove_others(&self) -> Result<(), Error> {
        if !self.disk.exists(&self.folder).map_err(|error| failed("look for", &self.folder, error))? {
            return Ok(());
        }
        for path in self.unused().map_err(|error| failed("list", &self.folder, error))? {
            self.disk.remove(&path).map_err(|error| failed("remove", &path, error))?;
        }
        self.disk.sync_folder(&self.folder).map_err(|error| failed("sync", &self.folder, error))
    }

    fn unused(&self) -> io::Result<Vec<PathBuf>> {
        let used: Vec<PathBuf> =
            self.in_force().iter().map(|run| path_of(&self.folder, run.name.number)).collect();
        let names = self.disk.list(&self.folder)?.into_iter().filter(|name| is_run(name));
        Ok(names.map(|name| self.folder.join(name)).filter(|path| !used.contains(path)).collect())
    }

    /// Reads everything and compares what is said twice.
    ///
    /// # Errors
    /// `Damaged`, `Io`.
    pub(crate) fn verify(&self) -> Result<(), Error> {
        self.in_force().iter().try_for_each(|run| run.verify())
    }

    fn in_force(&self) -> Runs {
        Arc::clone(&self.in_force.read())
    }

    /// A number that no file has.
    fn new_number(&self) -> Result<u64, Error> {
        let names = self.disk.list(&self.folder).map_err(|error| failed("list", &self.folder, error))?;
        let number = |name: &String| name.strip_suffix(".run")?.parse::<u64>().ok();
        Ok(names.iter().filter_map(number).max().map_or(1, |last| last + 1))
    }
}

impl Prepared {
    /// What a checkpoint has to say of them.
    pub(crate) fn names(&self) -> Vec<RunName> {
        self.0.iter().map(|run| run.name).collect()
    }
}

fn is_run(name: &str) -> bool {
    name.ends_with(".run") || name.ends_with(UNFINISHED)
}
