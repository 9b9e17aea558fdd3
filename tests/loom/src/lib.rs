//! Models of protocols of our own, each with faults planted that it has to find: `cargo test --release models`.
//! The unit tests of the files that are included here are not for loom's atomics.
//!
//! Miri runs the same models with the standard library's atomics, in another order for each seed: loom takes
//! some orderings for stronger than they are.

/// What runs the threads of a model.
mod checker {
    #[cfg(not(miri))]
    pub(crate) use loom::{sync, thread};
    #[cfg(miri)]
    pub(crate) use std::{sync, thread};
}

mod base {
    pub(crate) mod sync;
    #[path = "../../../../src/base/row_cache.rs"]
    #[expect(dead_code, reason = "the models use a part of it")]
    pub(crate) mod row_cache;
    #[path = "../../../../src/base/in_force.rs"]
    #[cfg_attr(not(test), expect(dead_code, reason = "the models use it"))]
    pub(crate) mod in_force;

    /// Puts something else in force in the wrong order.
    #[cfg(all(test, not(miri)))]
    pub(crate) fn replace_before_its_number<T>(in_force: &in_force::InForce<T>, number: u64, next: T) {
        drop(in_force.current.swap(std::sync::Arc::new(next)));
        in_force.number.store(number, sync::Ordering::Release);
    }
}

#[path = "../../../src/store/kept.rs"]
#[cfg_attr(not(test), expect(dead_code, reason = "the models use it"))]
mod kept;

#[cfg(test)]
mod in_force_models;
#[cfg(test)]
mod models;
#[cfg(test)]
mod row_cache_models;
#[cfg(test)]
mod shard_models;
