//! The product: a database of customers that takes messages and answers questions.

pub(crate) mod catalog;
pub(crate) mod database_time;
pub(crate) mod database;
pub(crate) mod durable;
pub(crate) mod applying;
pub(crate) mod tied;
pub(crate) mod replaying;
pub(crate) mod held;
pub(crate) mod identity;
pub(crate) mod export;
pub(crate) mod erasing;
pub(crate) mod sweep;
pub(crate) mod catalog_swap;
pub(crate) mod reports;
pub(crate) mod applied;
pub(crate) mod answers;
pub(crate) mod stats;
pub(crate) mod questions;
#[cfg(feature = "workbench")]
pub mod workbench;
pub(crate) mod explanations;
pub(crate) mod naive_identity;
pub(crate) mod reference;
pub(crate) mod summary;
pub mod simulate;
pub mod diff;
