//! Since when the past of a membership can be told.
//!
//! A summary knows what aggregates had made of the messages it stands for when it was made, and not how they
//! came there. So of a segment that reads events nothing is told up to the last message of a summary; with a
//! window, up to when the window has moved past what is gone; and where `held` asks about the past, for as much
//! longer. Attributes, consents and lists are in no summary: their past is whole.

use crate::base::time::Time;
use crate::model::ids::{AggregateId, SegmentId};
use crate::rules::definitions::{Definitions, SegmentDefinition};
use crate::rules::expression::Expr;
use crate::rules::horizon::Horizon;

/// What of a customer's past is gone.
#[derive(Debug)]
pub(crate) struct Gone<'a> {
    pub(crate) definitions: &'a Definitions,
    /// The last message that a summary stands for.
    pub(crate) until: Time,
    /// Aggregates that lack what was up to a time.
    pub(crate) lacking: &'a [(AggregateId, Time)],
}

impl Gone<'_> {
    /// After which time memberships of a segment can be told; nothing if they always can.
    pub(crate) fn told_since(&self, segment: SegmentId) -> Option<Time> {
        match &self.definitions.segments[segment.index()] {
            SegmentDefinition::Condition(condition) => self.of(condition),
            SegmentDefinition::Members(_) => None,
        }
    }

    fn of(&self, expr: &Expr) -> Option<Time> {
        let mut since = match expr {
            Expr::Aggregate(id) => Some(self.of_aggregate(*id)),
            Expr::Segment(id) => self.told_since(*id),
            _ => None,
        };
        expr.for_each_part(&mut |part| since = since.max(self.of(part)));
        match expr {
            Expr::Held(_, duration) => since.map(|since| since + *duration),
            _ => since,
        }
    }

    fn of_aggregate(&self, id: AggregateId) -> Time {
        let lacking = self.lacking.iter().find(|(lacking, _)| *lacking == id);
        let moved_past =
            lacking.and_then(|(_, until)| match self.definitions.aggregates[id.index()].horizon() {
                Horizon::Within(window) => Some(*until + window),
                Horizon::Nothing | Horizon::Everything => None,
            });
        moved_past.map_or(self.until, |moved_past| moved_past.max(self.until))
    }
}
