//! redb: a table from 16 bytes to 40 numbers of 8, all of it in its cache. Each write is a transaction that
//! is not made durable.

use std::path::Path;
use std::sync::Arc;

use redb::{Database, Durability, ReadOnlyTable, ReadableDatabase, ReadableTable, TableDefinition};

use super::store::{READ, Reader, Store, WRITTEN, Writer};
use crate::Outcome;
use crate::customers::{ATTRIBUTES, bytes, id, packed, unpacked};

type Key = &'static [u8; 16];
type Packed = &'static [u8; ATTRIBUTES * 8];

const PROFILES: TableDefinition<'_, Key, Packed> = TableDefinition::new("profiles");
/// Customers written in one transaction when it is filled.
const BATCH: u64 = 10_000;

#[derive(Clone)]
pub(crate) struct Redb {
    database: Arc<Database>,
    /// Reads of one transaction.
    kept: usize,
}

impl Redb {
    pub(crate) fn new(profiles: u64, folder: &Path, kept: usize) -> Outcome<Redb> {
        let database = Database::builder().set_cache_size(4 << 30).create(folder.join("profiles.redb"))?;
        for first in (0..profiles).step_by(BATCH as usize) {
            let transaction = database.begin_write()?;
            {
                let mut table = transaction.open_table(PROFILES)?;
                for number in first..profiles.min(first + BATCH) {
                    table.insert(&bytes(&id(number)), &packed(number))?;
                }
            }
            transaction.commit()?;
        }
        Ok(Redb { database: Arc::new(database), kept })
    }

    /// The same with a transaction for each read.
    pub(crate) fn fresh(&self) -> Redb {
        Redb { kept: 1, ..self.clone() }
    }

    /// The table as a new transaction sees it; the table keeps the transaction.
    fn table(&self) -> Outcome<ReadOnlyTable<Key, Packed>> {
        Ok(self.database.begin_read()?.open_table(PROFILES)?)
    }
}

impl Store for Redb {
    fn reader(&self) -> Outcome<Reader<'_>> {
        let (mut table, mut left) = (self.table()?, self.kept);
        Ok(Box::new(move |id| {
            if left == 0 {
                (table, left) = (self.table()?, self.kept);
            }
            left -= 1;
            let found = table.get(&bytes(id))?.ok_or("there is no such customer")?;
            Ok(unpacked(found.value(), READ).ok_or("a record is short")?)
        }))
    }

    fn writer(&self) -> Outcome<Writer<'_>> {
        Ok(Box::new(|id, value| {
            let mut transaction = self.database.begin_write()?;
            transaction.set_durability(Durability::None)?;
            {
                let mut table = transaction.open_table(PROFILES)?;
                let mut row = *table.get(&bytes(id))?.ok_or("there is no such customer")?.value();
                row[WRITTEN * 8..][..8].copy_from_slice(&value.to_le_bytes());
                table.insert(&bytes(id), &row)?;
            }
            Ok(transaction.commit()?)
        }))
    }
}
