//! moka with ahash and room for everybody, so that nobody is ever evicted; rows are shared, because a read
//! clones what it finds, and a write replaces the row.

use std::sync::Arc;

use moka::sync::Cache;

use super::store::{READ, Reader, Store, WRITTEN, Writer};
use crate::Outcome;
use crate::customers::{Row, id, key, values};

pub(crate) struct MokaCache(Cache<u128, Arc<Row>, ahash::RandomState>);

impl MokaCache {
    pub(crate) fn new(profiles: u64) -> MokaCache {
        let cache = Cache::builder().max_capacity(profiles * 2).initial_capacity(profiles as usize);
        let cache = cache.build_with_hasher(ahash::RandomState::new());
        for number in 0..profiles {
            cache.insert(key(&id(number)), Arc::new(values(number)));
        }
        cache.run_pending_tasks();
        MokaCache(cache)
    }
}

impl Store for MokaCache {
    fn reader(&self) -> Outcome<Reader<'_>> {
        Ok(Box::new(|id| Ok(self.0.get(&key(id)).ok_or("there is no such customer")?[READ])))
    }

    fn writer(&self) -> Outcome<Writer<'_>> {
        Ok(Box::new(|id, value| {
            let mut row = *self.0.get(&key(id)).ok_or("there is no such customer")?;
            row[WRITTEN] = value;
            self.0.insert(key(id), Arc::new(row));
            Ok(())
        }))
    }
}
