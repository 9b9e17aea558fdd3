//! A catalog is replaced while two threads ask, each with a table of its own: who was told what another one read
//! under the new table does not read under the old one.

use crate::base::in_force::InForce;
#[cfg(not(miri))]
use crate::base::replace_before_its_number;
use crate::base::sync::{AtomicU64, Ordering};
use crate::checker::sync::Arc;
use crate::checker::thread;
use crate::models::model;

struct Shared {
    /// Tables, which are their own numbers.
    tables: InForce<u64>,
    told: AtomicU64,
}

/// The table of a thread that had one, as [`AnswerCache`] finds it.
///
/// [`AnswerCache`]: ../../../src/store/answer_cache.rs
fn table(shared: &Shared, last: u64) -> u64 {
    if shared.tables.has(last) { last } else { *shared.tables.load_full() }
}

fn nobody_falls_behind_who_was_told(replace: fn(&InForce<u64>)) {
    model(move || {
        let shared = Arc::new(Shared { tables: InForce::new(1, 1), told: AtomicU64::new(1) });
        let beside = |act: Box<dyn Fn(&Shared) + Send>| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || act(&shared))
        };
        let swap = beside(Box::new(move |shared| replace(&shared.tables)));
        // This one had no table yet.
        let other = beside(Box::new(|shared| {
            shared.told.store(*shared.tables.load(), Ordering::Release);
        }));
        let told = shared.told.load(Ordering::Acquire);
        assert!(table(&shared, 1) >= told, "an older table than somebody had");
        swap.join().expect("it ends");
        other.join().expect("it ends");
        assert_eq!(table(&shared, 1), 2);
    });
}

#[test]
fn a_new_catalog_is_seen_by_all() {
    nobody_falls_behind_who_was_told(|tables| drop(tables.replace(2, 2)));
}

#[cfg(not(miri))]
#[test]
#[should_panic(expected = "an older table than somebody had")]
fn a_table_before_its_number_is_seen_by_some() {
    nobody_falls_behind_who_was_told(|tables| replace_before_its_number(tables, 2, 2));
}
