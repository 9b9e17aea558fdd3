//! Members of a list: the ids of all rows, which take the place of those it has once every file was read.
//!
//! Invariants:
//! 1. A file that cannot be read to its end leaves the list as it was; so do files of which no row has an id, but for
//!    those that name their columns and have no row.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use habitue::Database;
use indicatif::ProgressBar;
use serde::Serialize;

use super::arguments::Arguments;
use super::columns::Plan;
use super::summary::Summary;
use crate::console::Console;
use crate::data::warn;
use crate::failure::{Failure, counted};
use crate::ingest::rejects::{Reject, Rejects};
use crate::{progress, rows};

/// An import into a list.
pub(super) struct Members<'a> {
    pub(super) list: &'a str,
    pub(super) arguments: &'a Arguments,
    pub(super) plan: &'a Plan,
    /// The length of all files, if it is known.
    pub(super) total: Option<u64>,
}

/// What became of the rows, and the list.
#[derive(Serialize)]
pub(super) struct ListSummary {
    #[serde(flatten)]
    rows: Summary,
    list: String,
    members: usize,
    /// The revision of the catalog with these members; nothing if nothing was published.
    revision: Option<u64>,
}

/// What was read so far.
struct Read {
    ids: BTreeSet<String>,
    rejects: Rejects,
    summary: Summary,
    /// Whether some file names its columns: without rows it says that nobody is a member.
    has_columns: bool,
}

impl Members<'_> {
    /// Reads all files, publishes, and closes the database.
    pub(super) fn load(self, database: Database, console: &mut Console) -> Result<ListSummary, Failure> {
        let said = database.warnings().len();
        let read = self.read_all(console).and_then(|read| self.publish(read, &database));
        warn(&database, said, console);
        let closed = if self.arguments.dry_run { Ok(()) } else { database.close() };
        let summary = read?;
        closed?;
        Ok(summary)
    }

    fn publish(&self, read: Read, database: &Database) -> Result<ListSummary, Failure> {
        let Read { ids, mut rejects, summary, has_columns } = read;
        rejects.finish()?;
        let list = self.list.to_owned();
        if ids.is_empty() && (summary.rejected > 0 || !has_columns) {
            return Err(Failure::Stopped(format!("no row has an id; `{list}` stays as it was")));
        }
        let members = ids.len();
        let revision = match self.arguments.dry_run {
            true => None,
            false => Some(database.replace_list(&list, ids)?),
        };
        Ok(ListSummary { rows: summary, list, members, revision })
    }

    fn read_all(&self, console: &mut Console) -> Result<Read, Failure> {
        let rejects = Rejects::new(self.arguments.rejects.as_deref())?;
        let summary = Summary { dry_run: self.arguments.dry_run, ..Summary::default() };
        let mut read = Read { ids: BTreeSet::new(), rejects, summary, has_columns: false };
        let (bytes, bar) = (AtomicU64::new(0), progress::reading(self.total));
        for path in &self.arguments.files {
            self.read(path, (&bytes, &bar), &mut read, console)?;
        }
        bar.finish_and_clear();
        Ok(read)
    }

    fn read(
        &self,
        path: &Path,
        (bytes, bar): (&AtomicU64, &ProgressBar),
        read: &mut Read,
        console: &mut Console,
    ) -> Result<(), Failure> {
        let (name, list) = (path.display(), self.list);
        let stopped =
            |problem| Failure::Stopped(format!("cannot read `{name}`: {problem}; `{list}` stays as it was"));
        let delimiter = self.plan.mapping.delimiter;
        let mut rows = rows::open(path, self.arguments.format, delimiter, bytes).map_err(stopped)?;
        self.plan.check_file(&rows).map_err(stopped)?;
        read.has_columns |= rows.columns().is_some();
        let mut roles = self.plan.roles();
        while let Some(row) = rows.next_row().map_err(stopped)? {
            read.summary.rows += 1;
            match self.plan.member(&row, &mut roles) {
                Ok(id) => match read.ids.insert(id) {
                    true => read.summary.accepted += 1,
                    false => read.summary.duplicates += 1,
                },
                Err(refusal) => {
                    read.summary.rejected += 1;
                    read.rejects.add(&Reject::of(path, row.place(), &refusal, row.to_json()), console)?;
                }
            }
            bar.set_position(bytes.load(Ordering::Relaxed));
        }
        Ok(())
    }
}

impl ListSummary {
    /// The same after so long.
    pub(super) fn after(self, elapsed: Duration) -> ListSummary {
        ListSummary { rows: self.rows.after(elapsed), ..self }
    }
}

impl fmt::Display for ListSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ListSummary { rows, list, members, revision } = self;
        let ids = counted(*members, "id");
        match revision {
            Some(revision) => write!(f, "{rows}; `{list}` has {ids}; the catalog has revision {revision}"),
            None => write!(f, "{rows}; `{list}` would have {ids}"),
        }
    }
}
