//! All that is concluded of one customer and kept up to date.

use crate::derived::graph::Graph;
use crate::derived::held::Streak;
use crate::derived::truths::Truths;
use crate::derived::watches::Watches;

/// The conclusions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Conclusions {
    pub(crate) truths: Truths,
    pub(crate) watches: Watches,
    /// One for each `held` of the catalog.
    pub(crate) streaks: Box<[Streak]>,
}

impl Conclusions {
    /// What holds of every customer without facts, before the clock is asked.
    pub(crate) fn new(graph: &Graph) -> Conclusions {
        Conclusions {
            truths: graph.template.clone(),
            watches: Watches::default(),
            streaks: vec![Streak::default(); graph.held.len()].into(),
        }
    }
}
