//! The product: a database of customers that takes messages and answers questions.

pub(crate) mod catalog;
pub(crate) mod database;
pub(crate) mod applied;
pub(crate) mod answers;
pub(crate) mod stats;
pub(crate) mod questions;
pub(crate) mod reference;
