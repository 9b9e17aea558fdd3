//! sled 0.34.7: a tree from ids to 40 numbers of 8 bytes, all of it in its cache, written to disk every half
//! second by a thread of its own, as it does by itself.

use std::path::Path;

use super::store::{READ, Reader, Store, WRITTEN, Writer};
use crate::Outcome;
use crate::customers::{id, packed, unpacked};

pub(crate) struct SledTree(sled::Db);

impl SledTree {
    pub(crate) fn new(profiles: u64, folder: &Path) -> Outcome<SledTree> {
        let config = sled::Config::new().path(folder.join("sled")).cache_capacity(4 << 30);
        let tree = config.mode(sled::Mode::HighThroughput).open()?;
        for number in 0..profiles {
            tree.insert(id(number), &packed(number)[..])?;
        }
        tree.flush()?;
        Ok(SledTree(tree))
    }
}

impl Store for SledTree {
    fn reader(&self) -> Outcome<Reader<'_>> {
        Ok(Box::new(|id| {
            let found = self.0.get(id)?.ok_or("there is no such customer")?;
            Ok(unpacked(&found, READ).ok_or("a record is short")?)
        }))
    }

    fn writer(&self) -> Outcome<Writer<'_>> {
        Ok(Box::new(|id, value| {
            let mut row = self.0.get(id)?.ok_or("there is no such customer")?;
            row[WRITTEN * 8..][..8].copy_from_slice(&value.to_le_bytes());
            self.0.insert(id, row)?;
            Ok(())
        }))
    }
}
