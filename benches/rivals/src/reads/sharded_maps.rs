//! 64 hash maps with ahash behind read-write locks (parking_lot), keys and rows in the maps themselves: that
//! ids have 16 bytes saves them the look at a text elsewhere.

use std::collections::HashMap;

use parking_lot::RwLock;

use super::store::{READ, Reader, Store, WRITTEN, Writer};
use crate::Outcome;
use crate::customers::{Row, id, key, values};

const MAPS: usize = 64;

type Map<T> = HashMap<u128, T, ahash::RandomState>;

pub(crate) struct ShardedMaps<T = Row> {
    hasher: ahash::RandomState,
    maps: Vec<RwLock<Map<T>>>,
}

impl ShardedMaps {
    pub(crate) fn new(profiles: u64) -> ShardedMaps {
        ShardedMaps::of((0..profiles).map(|number| (id(number), values(number))))
    }
}

impl<T> ShardedMaps<T> {
    pub(crate) fn of(customers: impl Iterator<Item = (String, T)>) -> ShardedMaps<T> {
        let maps = (0..MAPS).map(|_| RwLock::default()).collect();
        let maps = ShardedMaps { hasher: ahash::RandomState::new(), maps };
        for (id, value) in customers {
            maps.map(key(&id)).write().insert(key(&id), value);
        }
        maps
    }

    /// Asks what is kept of a customer, under its lock.
    pub(crate) fn ask<A>(&self, id: &str, ask: impl FnOnce(&T) -> A) -> Outcome<A> {
        let key = key(id);
        let map = self.map(key).read();
        Ok(ask(map.get(&key).ok_or("there is no such customer")?))
    }

    fn map(&self, key: u128) -> &RwLock<Map<T>> {
        &self.maps[self.hasher.hash_one(key) as usize % MAPS]
    }
}

impl Store for ShardedMaps {
    fn reader(&self) -> Outcome<Reader<'_>> {
        Ok(Box::new(|id| self.ask(id, |row| row[READ])))
    }

    fn writer(&self) -> Outcome<Writer<'_>> {
        Ok(Box::new(|id, value| {
            let key = key(id);
            let mut map = self.map(key).write();
            map.get_mut(&key).ok_or("there is no such customer")?[WRITTEN] = value;
            Ok(())
        }))
    }
}
