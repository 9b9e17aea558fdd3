//! redb: a table from id to 40 numbers of 8 bytes.

use std::path::Path;

use redb::{Database, ReadableDatabase, TableDefinition};

use crate::Outcome;
use crate::customers::{id, is_high, packed, unpacked};

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
                table.insert(&*id(number), &packed(number)[..])?;
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
    let first = unpacked(found.value(), 0).ok_or("a record is short")?;
    drop(found);
    drop(transaction);
    std::mem::forget(database);
    Ok(is_high(first))
}
