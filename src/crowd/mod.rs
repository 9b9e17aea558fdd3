//! What is known of all customers together: which items they are drawn to lately, where, and with which others.
//!
//! Nothing here names anybody. Items and contexts come in with a time, lists of items with scores go out; who
//! counts, when, and what is kept on disk is decided above. Everything is of bounded size, and says by how
//! much it may be wrong for that.

pub(crate) mod weight;
pub(crate) mod item;
pub(crate) mod least;
pub(crate) mod space_saving;
pub(crate) mod people;
pub(crate) mod contexts;
pub(crate) mod occurrence;
pub(crate) mod tally;
pub(crate) mod lists;

#[cfg(test)]
mod tests;
