//! What another catalog would change, before it is put in place: who would enter or leave each segment,
//! and whose decision would be another one.
//!
//! `messages -> a database under each catalog -> everybody's standings -> differences`. The answers are
//! those of the database itself; nothing here knows what a rule means. The program `habitue diff` prints
//! the differences, and adds nothing to them.

mod catalog_diff;
mod wording;
pub(in crate::db) mod standings;
mod moves;
mod comparing;
mod rehearsal;

pub use catalog_diff::{
    CatalogDiff, Change, DecisionDiff, Intake, OfferDiff, PersonalizationDiff, RefusedMessages, SegmentDiff,
    VariantDiff,
};
pub use rehearsal::Rehearsal;
