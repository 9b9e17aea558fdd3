//! Models of protocols of our own, each with faults planted that it has to find: `cargo test --release models`.
//! The unit tests of the files that are included here are not for loom's atomics.

mod base {
    pub(crate) mod sync;
    #[path = "../../../../src/base/row_cache.rs"]
    #[expect(dead_code, reason = "the models use a part of it")]
    pub(crate) mod row_cache;
}

#[cfg(test)]
mod row_cache_models;
