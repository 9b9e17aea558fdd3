//! SQLite in a file: write-ahead log, a connection for each thread with statements prepared once, the file
//! mapped into memory, room for all pages, no sync. A table without row ids, so that a look-up goes down one
//! tree only, in pages of 8 KiB, because rows are of 360 bytes.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, params_from_iter};

use super::store::{READ, Reader, Store, WRITTEN, Writer};
use crate::Outcome;
use crate::customers::{ATTRIBUTES, id, values};

const _: () = assert!(READ == 7 && WRITTEN == 9, "the statements name them");
pub(crate) const READING: &str = "SELECT a7 FROM profile WHERE id = ?";
pub(crate) const WRITING: &str = "UPDATE profile SET a9 = ? WHERE id = ?";

#[derive(Clone)]
pub(crate) struct SqliteFile {
    path: PathBuf,
    /// Reads of one transaction; one read needs none of its own.
    kept: usize,
}

/// Makes the table, with so many customers.
pub(crate) fn fill(connection: &mut Connection, profiles: u64) -> Outcome<()> {
    let columns: Vec<String> = (0..ATTRIBUTES).map(|number| format!("a{number} REAL NOT NULL")).collect();
    let columns = columns.join(", ");
    connection.execute_batch(&format!(
        "CREATE TABLE profile (id TEXT NOT NULL PRIMARY KEY, {columns}) STRICT, WITHOUT ROWID"
    ))?;
    let transaction = connection.transaction()?;
    let marks = vec!["?"; ATTRIBUTES + 1].join(", ");
    let mut insert = transaction.prepare(&format!("INSERT INTO profile VALUES ({marks})"))?;
    for number in 0..profiles {
        let id = [rusqlite::types::Value::from(id(number))];
        let values = values(number).into_iter().map(rusqlite::types::Value::from);
        insert.execute(params_from_iter(id.into_iter().chain(values)))?;
    }
    drop(insert);
    transaction.commit()?;
    Ok(connection.execute_batch("ANALYZE")?)
}

impl SqliteFile {
    pub(crate) fn new(profiles: u64, folder: &Path, kept: usize) -> Outcome<SqliteFile> {
        let store = SqliteFile { path: folder.join("profiles.sqlite"), kept };
        let connection = Connection::open(&store.path)?;
        connection.pragma_update(None, "page_size", 8_192)?;
        drop(connection);
        fill(&mut store.connect()?, profiles)?;
        Ok(store)
    }

    /// The same with a transaction for each read.
    pub(crate) fn fresh(&self) -> SqliteFile {
        SqliteFile { kept: 1, ..self.clone() }
    }

    fn connect(&self) -> Outcome<Connection> {
        let connection = Connection::open(&self.path)?;
        connection.execute_batch(
            "PRAGMA page_size = 8192; PRAGMA journal_mode = wal; PRAGMA synchronous = off;
             PRAGMA mmap_size = 8589934592; PRAGMA cache_size = -1048576; PRAGMA busy_timeout = 10000",
        )?;
        Ok(connection)
    }
}

/// A connection that lives as long as the program, because statements borrow it; what a thread leaves behind
/// with it ends with this.
struct Used(&'static Connection);

impl Used {
    fn connection(&self) -> &'static Connection {
        self.0
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            let _ = self.0.execute_batch("COMMIT");
        }
        let _ = self.0.execute_batch("PRAGMA shrink_memory");
    }
}

impl Store for SqliteFile {
    fn reader(&self) -> Outcome<Reader<'_>> {
        let used = Used(Box::leak(Box::new(self.connect()?)));
        let prepare = |statement| used.connection().prepare(statement);
        let (mut begin, mut commit) = (prepare("BEGIN")?, prepare("COMMIT")?);
        let mut reading = prepare(READING)?;
        let mut left = 0;
        Ok(Box::new(move |id| {
            if self.kept > 1 && left == 0 {
                if !used.connection().is_autocommit() {
                    commit.execute([])?;
                }
                begin.execute([])?;
                left = self.kept;
            }
            left = left.saturating_sub(1);
            Ok(reading.query_row([id], |row| row.get(0))?)
        }))
    }

    fn writer(&self) -> Outcome<Writer<'_>> {
        let used = Used(Box::leak(Box::new(self.connect()?)));
        let mut writing = used.connection().prepare(WRITING)?;
        Ok(Box::new(move |id, value| {
            writing.execute((value, id))?;
            debug_assert!(used.connection().is_autocommit(), "each write is a transaction");
            Ok(())
        }))
    }
}
