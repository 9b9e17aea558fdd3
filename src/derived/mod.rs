//! Conclusions kept up to date from changes: which conditions are true, who is in which segment,
//! and when that changes by itself.
//!
//! A condition is compiled into a graph shared by the whole catalog: *subjects* (expressions whose
//! value is measured against sorted thresholds), *tests* on them, and *gates* over tests. A change of
//! a fact updates its subjects; each moves past the thresholds between its old and new value; the
//! tests that flip wake the gates above them, and gates that flip wake theirs. Nothing else is visited.

pub(crate) mod subject;
pub(crate) mod graph;
pub(crate) mod numbering;
pub(crate) mod graph_builder;
pub(crate) mod truths;
pub(crate) mod watches;
pub(crate) mod held;
pub(crate) mod view;
pub(crate) mod conclusions;
pub(crate) mod work;
pub(crate) mod propagation;
