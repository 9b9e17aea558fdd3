//! SQLite in memory: one connection behind a mutex, because a memory database that connections share locks
//! whole tables, and a statement that is prepared once (rusqlite's cache of statements).

use parking_lot::Mutex;
use rusqlite::Connection;

use super::sqlite_file::{READING, WRITING, fill};
use super::store::{Reader, Store, Writer};
use crate::Outcome;

pub(crate) struct SqliteMemory(Mutex<Connection>);

impl SqliteMemory {
    pub(crate) fn new(profiles: u64) -> Outcome<SqliteMemory> {
        let mut connection = Connection::open_in_memory()?;
        connection.pragma_update(None, "page_size", 8_192)?;
        connection.pragma_update(None, "journal_mode", "off")?;
        fill(&mut connection, profiles)?;
        Ok(SqliteMemory(Mutex::new(connection)))
    }
}

impl Store for SqliteMemory {
    fn reader(&self) -> Outcome<Reader<'_>> {
        Ok(Box::new(|id| {
            let connection = self.0.lock();
            let mut statement = connection.prepare_cached(READING)?;
            Ok(statement.query_row([id], |row| row.get(0))?)
        }))
    }

    fn writer(&self) -> Outcome<Writer<'_>> {
        Ok(Box::new(|id, value| {
            let connection = self.0.lock();
            connection.prepare_cached(WRITING)?.execute((value, id))?;
            Ok(())
        }))
    }
}
