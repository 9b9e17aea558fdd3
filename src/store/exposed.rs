//! How often each offer was shown, to all customers together, and what is taken of those of which there are
//! only so many.
//!
//! Whoever decides and records takes one of each chosen offer before that is put on record, and decides again if
//! the last one is gone by then; so nothing is given out that is not there, and nobody waits for anybody. What is
//! left is the catalog's number without the counter: there is more of an offer once the catalog says so.
//!
//! Invariants:
//! 1. A counter counts every exposure that was accepted, and those that are just being put on record.
//! 2. It goes down only if one that was taken could not be put on record.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ahash::AHashMap;
use parking_lot::RwLock;

use crate::rules::definitions::OfferDefinition;
use crate::rules::exposure_counts::ExposureCounts;
use crate::rules::exposures::Exposures;

/// The counters, by the names of personalization and offer.
#[derive(Debug, Default)]
pub(crate) struct Exposed(RwLock<AHashMap<Box<str>, Counters>>);

/// By the names of offers.
type Counters = AHashMap<Box<str>, Arc<AtomicU64>>;

/// One of each of some offers, taken. It goes back unless it is kept.
#[derive(Debug, Default)]
pub(crate) struct Taken(Vec<Arc<AtomicU64>>);

impl Exposed {
    /// Adds exposures of an offer.
    pub(crate) fn add(&self, personalization: &str, offer: &str, count: u64) {
        // Counters stand for themselves: nothing else has to be seen in their order.
        self.counter(personalization, offer).fetch_add(count, Ordering::Relaxed);
    }

    /// Adds what was counted before.
    pub(crate) fn add_all(&self, counts: &ExposureCounts) {
        counts.iter().for_each(|(personalization, offer, count)| self.add(personalization, offer, count));
    }

    /// Takes one of each of some offers of a personalization; nothing if one of them is no longer there.
    pub(crate) fn take<'d>(
        &self,
        personalization: &str,
        offers: impl Iterator<Item = &'d OfferDefinition>,
    ) -> Option<Taken> {
        let mut taken = Taken::default();
        for offer in offers {
            let counter = self.counter(personalization, &offer.name);
            let stock = offer.stock.unwrap_or(u64::MAX);
            let one_more = |shown: u64| (shown < stock).then_some(shown + 1);
            counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
            taken.0.push(counter);
        }
        Some(taken)
    }

    fn known(&self, personalization: &str, offer: &str) -> Option<Arc<AtomicU64>> {
        self.0.read().get(personalization)?.get(offer).map(Arc::clone)
    }

    fn counter(&self, personalization: &str, offer: &str) -> Arc<AtomicU64> {
        self.known(personalization, offer).unwrap_or_else(|| {
            let mut counters = self.0.write();
            let offers = counters.entry(personalization.into()).or_default();
            Arc::clone(offers.entry(offer.into()).or_default())
        })
    }
}

impl Exposures for Exposed {
    fn shown(&self, personalization: &str, offer: &str) -> u64 {
        self.known(personalization, offer).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }
}

impl Taken {
    /// They are shown now.
    pub(crate) fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        for counter in &self.0 {
            counter.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
