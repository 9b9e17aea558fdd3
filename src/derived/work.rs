//! How much work was done, counted, so that tests can assert what did *not* happen.

use std::ops::AddAssign;

use serde::Serialize;

/// Counts of work since the database was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Work {
    /// Messages applied, duplicates and refused ones not counted.
    pub messages: u64,
    /// Events compared with the filter of a source.
    pub filters: u64,
    /// Subjects (measured expressions) evaluated.
    pub subjects: u64,
    /// Predicates (tests) whose truth changed.
    pub predicates: u64,
    /// Conjunctions visited because something below them changed.
    pub gates: u64,
    /// Deadlines at which a customer was advanced.
    pub deadlines: u64,
    /// Customers rebuilt from their history.
    pub rebuilds: u64,
    /// Decisions evaluated, because none was cached or the cached one had lapsed.
    pub decisions: u64,
    /// Conditions and scores evaluated for decisions.
    pub conditions: u64,
}

impl AddAssign for Work {
    fn add_assign(&mut self, other: Work) {
        self.messages += other.messages;
        self.filters += other.filters;
        self.subjects += other.subjects;
        self.predicates += other.predicates;
        self.gates += other.gates;
        self.deadlines += other.deadlines;
        self.rebuilds += other.rebuilds;
        self.decisions += other.decisions;
        self.conditions += other.conditions;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_added_part_by_part() {
        let work = |by: u64| Work {
            messages: by,
            filters: 2 * by,
            subjects: 3 * by,
            predicates: 4 * by,
            gates: 5 * by,
            deadlines: 6 * by,
            rebuilds: 7 * by,
            decisions: 8 * by,
            conditions: 9 * by,
        };
        let mut sum = Work::default();
        sum += work(1);
        sum += work(10);
        assert_eq!(sum, work(11));
    }
}
