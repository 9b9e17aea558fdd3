//! LMDB, by `lmdb-rkv`, which opens without unsafe code and can renew a reader's transaction instead of
//! beginning another one. The map is read in place from the system's cache; nothing is synced, and there is
//! no read-ahead. Each write is a transaction.

use std::path::Path;
use std::sync::Arc;

use lmdb::{Database, DatabaseFlags, Environment, EnvironmentFlags, RoTransaction, Transaction, WriteFlags};

use super::store::{READ, Reader, Store, WRITTEN, Writer};
use crate::Outcome;
use crate::customers::{bytes, id, packed, unpacked};

/// Customers written in one transaction when it is filled.
const BATCH: u64 = 10_000;

#[derive(Clone)]
pub(crate) struct Lmdb {
    environment: Arc<Environment>,
    database: Database,
    /// Reads of one transaction.
    kept: usize,
}

impl Lmdb {
    pub(crate) fn new(profiles: u64, folder: &Path, kept: usize) -> Outcome<Lmdb> {
        let folder = folder.join("lmdb");
        std::fs::create_dir_all(&folder)?;
        let flags = EnvironmentFlags::NO_SYNC | EnvironmentFlags::NO_READAHEAD | EnvironmentFlags::WRITE_MAP;
        let mut builder = Environment::new();
        let environment = builder.set_flags(flags).set_map_size(8 << 30).open(&folder)?;
        let database = environment.create_db(None, DatabaseFlags::empty())?;
        for first in (0..profiles).step_by(BATCH as usize) {
            let mut transaction = environment.begin_rw_txn()?;
            for number in first..profiles.min(first + BATCH) {
                transaction.put(database, &bytes(&id(number)), &packed(number), WriteFlags::APPEND)?;
            }
            transaction.commit()?;
        }
        Ok(Lmdb { environment: Arc::new(environment), database, kept })
    }

    /// The same with a transaction for each read.
    pub(crate) fn fresh(&self) -> Lmdb {
        Lmdb { kept: 1, ..self.clone() }
    }
}

/// The transaction of a reader, renewed every so many reads.
struct Renewed<'a> {
    transaction: Option<RoTransaction<'a>>,
    left: usize,
    kept: usize,
}

impl<'a> Renewed<'a> {
    fn current(&mut self) -> Outcome<&RoTransaction<'a>> {
        if self.left == 0 {
            self.left = self.kept;
            let stale = self.transaction.take().ok_or("a transaction could not be renewed")?;
            self.transaction = Some(stale.reset().renew()?);
        }
        self.left -= 1;
        Ok(self.transaction.as_ref().ok_or("a transaction could not be renewed")?)
    }
}

impl Store for Lmdb {
    fn reader(&self) -> Outcome<Reader<'_>> {
        let transaction = Some(self.environment.begin_ro_txn()?);
        let mut renewed = Renewed { transaction, left: self.kept, kept: self.kept };
        Ok(Box::new(move |id| {
            let found = renewed.current()?.get(self.database, &id.as_bytes())?;
            Ok(unpacked(found, READ).ok_or("a record is short")?)
        }))
    }

    fn writer(&self) -> Outcome<Writer<'_>> {
        Ok(Box::new(|id, value| {
            let mut transaction = self.environment.begin_rw_txn()?;
            let mut row = transaction.get(self.database, &id.as_bytes())?.to_vec();
            row[WRITTEN * 8..][..8].copy_from_slice(&value.to_le_bytes());
            transaction.put(self.database, &id.as_bytes(), &row, WriteFlags::empty())?;
            Ok(transaction.commit()?)
        }))
    }
}
