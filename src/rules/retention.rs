//! How long messages are kept, event by event.
//!
//! By default as long as the catalog's windows reach back, and a margin more, so that a later catalog may ask
//! for somewhat longer windows. What is answered from all events there ever were needs none of them: summaries
//! take their place. Forever are kept the events that something else asks for: a window that has no far end,
//! such as `older_than`; a condition inside `held`, whose past has to be exact; consent, because a revocation
//! changes what counts of the past.

use std::collections::BTreeSet;

use crate::base::limits::DEFAULT_HISTORY_MARGIN;
use crate::base::time::Duration;
use crate::model::declaration::Kept;
use crate::model::ids::{AggregateId, EventId, SourceId};
use crate::rules::definitions::{Definitions, SegmentDefinition};
use crate::rules::expression::Expr;
use crate::rules::horizon::Horizon;

/// How long messages are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Retention {
    /// Of each event, how far back something looks that is answered from its messages.
    needed: Vec<Horizon>,
    /// The same of what looks at any event.
    needed_of_any: Horizon,
    /// How much longer than that.
    margin: Option<Kept>,
    /// What the catalog says of an event.
    keep: Vec<(EventId, Kept)>,
}

impl Retention {
    /// What definitions need, and a catalog says of the margin.
    pub(crate) fn of(definitions: &Definitions, margin: Option<Kept>) -> Retention {
        let events = (0..definitions.event_names.len() as u32).map(EventId);
        let needed = events.map(|event| match definitions.purposes.of_event(Some(event)) {
            [] => Horizon::Nothing,
            _ => Horizon::Everything,
        });
        let needed = needed.collect();
        let mut retention = Retention { needed, needed_of_any: Horizon::Nothing, margin, keep: Vec::new() };
        let held = definitions.aggregates_in_held();
        for (number, aggregate) in definitions.aggregates.iter().enumerate() {
            let horizon = if held.contains(&number) {
                Horizon::Everything
            } else if aggregate.is_of_last_event() || aggregate.fixed_interval().is_some() {
                Horizon::Nothing
            } else {
                aggregate.horizon()
            };
            for source in [Some(aggregate.source), aggregate.function.other()].into_iter().flatten() {
                retention.need(definitions, source, horizon);
            }
        }
        for crowd in &definitions.crowds {
            let needed = &mut retention.needed[crowd.event.index()];
            *needed = Horizon::Within(crowd.counted_anew()).max(*needed);
        }
        retention
    }

    fn need(&mut self, definitions: &Definitions, source: SourceId, horizon: Horizon) {
        let needed = match definitions.sources[source.index()].event {
            Some(event) => &mut self.needed[event.index()],
            None => &mut self.needed_of_any,
        };
        *needed = horizon.max(*needed);
    }

    /// Says how long an event is kept.
    pub(crate) fn keep(&mut self, event: EventId, kept: Kept) {
        self.keep.push((event, kept));
    }

    /// How far back something looks that is answered from the messages of an event; none is one that the
    /// catalog does not know.
    pub(crate) fn needed(&self, event: Option<EventId>) -> Horizon {
        let needed = event.and_then(|event| self.needed.get(event.index()).copied());
        needed.unwrap_or_default().max(self.needed_of_any)
    }

    /// How long messages of an event are kept.
    pub(crate) fn kept(&self, event: Option<EventId>) -> Kept {
        let said = event.and_then(|event| self.keep.iter().find(|(known, _)| *known == event));
        match (said, self.needed(event), self.margin) {
            (Some((_, kept)), _, _) => *kept,
            (None, Horizon::Everything, _) | (None, _, Some(Kept::Forever)) => Kept::Forever,
            (None, needed, margin) => {
                let margin = match margin {
                    Some(Kept::For(margin)) => margin,
                    _ => DEFAULT_HISTORY_MARGIN,
                };
                let needed = match needed {
                    Horizon::Within(needed) => needed,
                    Horizon::Nothing | Horizon::Everything => Duration::ZERO,
                };
                Kept::For(Duration::from_millis(needed.millis().saturating_add(margin.millis())))
            }
        }
    }
}

impl Definitions {
    /// The aggregates that are read by conditions of which something asks how long they have been true.
    fn aggregates_in_held(&self) -> BTreeSet<usize> {
        let of_segments = self.segments.iter().filter_map(|segment| match segment {
            SegmentDefinition::Condition(condition) => Some(condition),
            SegmentDefinition::Members(_) => None,
        });
        let of_computed = self.computed.iter().map(|computed| &computed.value);
        let offers = self.personalizations.iter().flat_map(|personalization| &personalization.offers);
        let of_offers = offers.flat_map(|offer| std::iter::once(&offer.when).chain(&offer.score));
        let mut found = Held { definitions: self, aggregates: BTreeSet::new(), segments: BTreeSet::new() };
        of_segments.chain(of_computed).chain(of_offers).for_each(|expr| found.look_for_held(expr));
        found.aggregates
    }
}

/// What is read inside `held`.
struct Held<'a> {
    definitions: &'a Definitions,
    aggregates: BTreeSet<usize>,
    segments: BTreeSet<usize>,
}

impl Held<'_> {
    fn look_for_held(&mut self, expr: &Expr) {
        match expr {
            Expr::Held(condition, _) => self.add(condition),
            _ => expr.for_each_part(&mut |part| self.look_for_held(part)),
        }
    }

    fn add(&mut self, expr: &Expr) {
        match expr {
            Expr::Aggregate(AggregateId(number)) => drop(self.aggregates.insert(*number as usize)),
            Expr::Segment(segment) if self.segments.insert(segment.index()) => {
                if let SegmentDefinition::Condition(condition) = &self.definitions.segments[segment.index()] {
                    self.add(condition);
                }
            }
            _ => expr.for_each_part(&mut |part| self.add(part)),
        }
    }
}
