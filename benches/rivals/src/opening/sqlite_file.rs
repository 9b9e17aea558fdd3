//! SQLite: a table with a column for each attribute.

use std::path::Path;

use rusqlite::{Connection, params_from_iter};

use crate::Outcome;
use crate::customers::{ATTRIBUTES, id, is_high, values};

pub(crate) fn load(folder: &Path, profiles: u64) -> Outcome<()> {
    let mut connection = Connection::open(folder.join("profiles.sqlite"))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    let columns: Vec<String> = (0..ATTRIBUTES).map(|number| format!("a{number} REAL")).collect();
    let columns = columns.join(", ");
    connection
        .execute_batch(&format!("CREATE TABLE profile (id TEXT PRIMARY KEY, {columns}) WITHOUT ROWID"))?;
    let transaction = connection.transaction()?;
    let marks = vec!["?"; ATTRIBUTES].join(", ");
    let mut insert = transaction.prepare(&format!("INSERT INTO profile VALUES ('' || ?, {marks})"))?;
    for number in 0..profiles {
        let id = [rusqlite::types::Value::from(id(number))];
        let values = values(number).into_iter().map(rusqlite::types::Value::from);
        insert.execute(params_from_iter(id.into_iter().chain(values)))?;
    }
    drop(insert);
    Ok(transaction.commit()?)
}

pub(crate) fn decide(folder: &Path, id: &str) -> Outcome<bool> {
    let connection = Connection::open(folder.join("profiles.sqlite"))?;
    let first: f64 = connection.query_row("SELECT a0 FROM profile WHERE id = ?", [id], |row| row.get(0))?;
    std::mem::forget(connection);
    Ok(is_high(first))
}
