//! Making explanations: the answer's own evaluator, asked for each part of a condition.
//!
//! Nothing here knows what a condition means. Truths and values are those that
//! [`evaluate`](crate::rules::evaluate) gives for a part over the same view of the same cell as the
//! fast path; what lies ahead is found by letting time pass on a copy of the cell with the engine's
//! own step; and which messages an aggregate takes is asked of its source's filter and its window.

pub(crate) mod past;
pub(crate) mod parts;
pub(crate) mod wording;
pub(crate) mod nearest_miss;
pub(crate) mod future;
pub(crate) mod limits;
pub(crate) mod segment;
pub(crate) mod decision;
pub(crate) mod tree;
