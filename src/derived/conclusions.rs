//! All that is concluded of one customer and kept up to date.

use crate::base::time::Time;
use crate::derived::graph::Graph;
use crate::derived::held::Streak;
use crate::derived::truths::Truths;
use crate::derived::watches::{Watched, Watches};

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

    /// About how many bytes they take on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let watches = self.watches.iter().count() * size_of::<(Watched, Time)>();
        self.truths.words().len() * 8 + watches + self.streaks.len() * size_of::<Streak>()
    }
}
