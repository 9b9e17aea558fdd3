//! The demo's database is in a folder: it is closed, opened again, and must answer as before.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use habitue::{Catalog, Clock, Database, Durability, Error, ManualClock, OpenOptions};
use serde::Serialize;

use crate::failure::Failure;

/// The folder of the database: one that was named and stays, or one that is removed at the end.
pub(super) struct DataFolder {
    pub(super) path: PathBuf,
    stays: bool,
}

/// What closing and opening again took.
#[derive(Serialize)]
pub(super) struct Restart {
    pub(super) opened_in_ms: f64,
    /// How many households were asked before and after, everything that can be asked.
    pub(super) households: usize,
    pub(super) bytes_on_disk: u64,
    /// The folder, if it stays.
    pub(super) data: Option<PathBuf>,
}

impl DataFolder {
    /// The folder that was named, which must be new or empty, or one of the demo's own.
    pub(super) fn new(named: Option<&Path>) -> Result<DataFolder, Failure> {
        let Some(path) = named else {
            let path = std::env::temp_dir().join(format!("habitue-demo-{}", std::process::id()));
            return Ok(DataFolder { path, stays: false });
        };
        if fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()) {
            let message = format!("`{}` is not empty; name a folder that is new or empty", path.display());
            return Err(Failure::Usage(message));
        }
        Ok(DataFolder { path: path.to_owned(), stays: true })
    }

    /// Opens the database, at the time of `clock`.
    pub(super) fn open(&self, catalog: Option<Catalog>, clock: &ManualClock) -> Result<Database, Error> {
        let options = OpenOptions::new().clock(Clock::Manual(clock.clone()));
        let options = options.durability(Durability::Group(Duration::from_secs(1)));
        match catalog {
            Some(catalog) => options.catalog(catalog),
            None => options,
        }
        .open(&self.path)
    }

    /// Closes the database and opens it again.
    ///
    /// # Errors
    /// If that fails, or an answer is another one afterwards.
    pub(super) fn restart(
        &self,
        database: Database,
        clock: &ManualClock,
        households: &[String],
    ) -> Result<Restart, Failure> {
        let before = answers(&database, households)?;
        database.close()?;
        let started = Instant::now();
        let database = self.open(None, clock)?;
        let opened_in_ms = started.elapsed().as_secs_f64() * 1e3;
        if answers(&database, households)? != before {
            let message = "the database answers otherwise after it was closed and opened again";
            return Err(Failure::Stopped(message.to_owned()));
        }
        let bytes_on_disk = database.stats().disk.unwrap_or_default().total_bytes();
        let data = self.stays.then(|| self.path.clone());
        Ok(Restart { opened_in_ms, households: households.len(), bytes_on_disk, data })
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        if !self.stays {
            // It is in the way of nobody.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Every attribute, segment and decision of every household, and the size of every segment.
fn answers(database: &Database, households: &[String]) -> Result<Vec<String>, Error> {
    let mut answers = vec![format!("{:?}", database.segment_sizes()?)];
    for household in households {
        answers.push(database.profile(household)?.to_json().to_string());
    }
    Ok(answers)
}
