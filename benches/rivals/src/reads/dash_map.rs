//! DashMap 6 with ahash, keys and rows in the map itself, as many shards as it takes by itself.

use dashmap::DashMap;

use super::store::{READ, Reader, Store, WRITTEN, Writer};
use crate::Outcome;
use crate::customers::{Row, id, key, values};

pub(crate) struct DashMapStore(DashMap<u128, Row, ahash::RandomState>);

impl DashMapStore {
    pub(crate) fn new(profiles: u64) -> DashMapStore {
        let map = DashMap::with_hasher(ahash::RandomState::new());
        for number in 0..profiles {
            map.insert(key(&id(number)), values(number));
        }
        DashMapStore(map)
    }
}

impl Store for DashMapStore {
    fn reader(&self) -> Outcome<Reader<'_>> {
        Ok(Box::new(|id| Ok(self.0.get(&key(id)).ok_or("there is no such customer")?[READ])))
    }

    fn writer(&self) -> Outcome<Writer<'_>> {
        Ok(Box::new(|id, value| {
            self.0.get_mut(&key(id)).ok_or("there is no such customer")?[WRITTEN] = value;
            Ok(())
        }))
    }
}
