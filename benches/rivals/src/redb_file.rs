//! redb: a table from id to 40 numbers of 8 bytes.

use std::path::Path;

use redb::{Database, ReadableDatabase, TableDefinition};

use crate::Outcome;
use crate::workload::{id, is_high, values};

const PROFILES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("profiles");
/// Profiles in one transaction.
const BATCH: u64 = 10_000;

pub(crate) fn load(folder: &Path, profiles: u64) -> Outcome<()> {
    let database = Database::create(folder.join("profiles.redb"))?;
    for first in (0..profiles).step_by(BATCH as usize) {
        let transaction = database.begin_write()?;
        {
            let mut table = transaction.open_table(PROFILES)?;
            for number in first..profiles.min(first + BATCH) {
                let bytes: Vec<u8> = values(number).into_iter().flat_map(f64::to_le_bytes).collect();
                table.insert(&*id(number), &*bytes)?;
            }
        }
        transaction.commit()?;
    }
    Ok(())
}

pub(crate) fn decide(folder: &Path, id: &str) -> Outcome<bool> {
    let database = Database::open(folder.join("profiles.redb"))?;
    let transaction = database.begin_read()?;
    let found = transaction.open_table(PROFILES)?.get(id)?.ok_or("there is no such customer")?;
    let first = found.value().first_chunk().copied().ok_or("a record is short")?;
    drop(found);
    drop(transaction);
    std::mem::forget(database);
    Ok(is_high(f64::from_le_bytes(first)))
}
