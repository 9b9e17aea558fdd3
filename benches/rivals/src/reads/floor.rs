//! The floor: keys and rows in one hash map with ahash and no lock; a value is an atomic number. Customers cannot
//! be added while somebody reads. The bytes by which the map finds a place fit into the processor's caches, so
//! that a read waits for memory once. A table of our own with open addressing, as `benches/latency.rs` has,
//! waits oftener, and took longer here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::store::{READ, Reader, Store, WRITTEN, Writer};
use crate::Outcome;
use crate::customers::{ATTRIBUTES, id, key, values};

/// Nobody: what choosing a customer and reading the clock cost.
pub(crate) struct Nothing;

impl Store for Nothing {
    fn reader(&self) -> Outcome<Reader<'_>> {
        Ok(Box::new(|id| Ok(f64::from(id.as_bytes()[0]))))
    }

    fn writer(&self) -> Outcome<Writer<'_>> {
        Ok(Box::new(|_, _| Ok(())))
    }

    fn right(&self, _: u64) -> f64 {
        f64::from(b'c')
    }
}

pub(crate) struct Floor(HashMap<u128, [AtomicU64; ATTRIBUTES], ahash::RandomState>);

impl Floor {
    pub(crate) fn new(profiles: u64) -> Floor {
        let row = |number| values(number).map(|value| AtomicU64::new(value.to_bits()));
        Floor((0..profiles).map(|number| (key(&id(number)), row(number))).collect())
    }

    fn attribute(&self, id: &str, attribute: usize) -> Outcome<&AtomicU64> {
        Ok(&self.0.get(&key(id)).ok_or("there is no such customer")?[attribute])
    }
}

impl Store for Floor {
    fn reader(&self) -> Outcome<Reader<'_>> {
        Ok(Box::new(|id| Ok(f64::from_bits(self.attribute(id, READ)?.load(Ordering::Relaxed)))))
    }

    fn writer(&self) -> Outcome<Writer<'_>> {
        Ok(Box::new(|id, value| {
            self.attribute(id, WRITTEN)?.store(value.to_bits(), Ordering::Relaxed);
            Ok(())
        }))
    }
}
