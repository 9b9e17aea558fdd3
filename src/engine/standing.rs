//! How a customer stands: a cell in memory, or its image, read the same way.

use std::borrow::Cow;
use std::sync::Arc;

use crate::base::time::Time;
use crate::derived::graph::Literal;
use crate::derived::view::Known;
use crate::engine::cell::Cell;
use crate::engine::image::Image;
use crate::engine::transition::Trigger;
use crate::facts::customer::Sources;
use crate::facts::source_state::SourceState;
use crate::model::ids::{AggregateId, AttributeId, EventId, SourceId};
use crate::model::value::Value;
use crate::rules::expression::UnitKind;

/// A cell or an image.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Standing<'a> {
    Cell(&'a Cell),
    Image(&'a Image),
}

impl<'a> Standing<'a> {
    /// Aggregates that lack what was up to a time, by their numbers.
    pub(crate) fn lacking(self) -> Cow<'a, [(AggregateId, Time)]> {
        match self {
            Standing::Cell(cell) => Cow::Borrowed(cell.customer.lacking()),
            Standing::Image(image) => Cow::Owned(image.lacking()),
        }
    }
}

impl Standing<'_> {
    /// Until when what is concluded holds.
    pub(crate) fn deadline(self) -> Time {
        match self {
            Standing::Cell(cell) => cell.deadline,
            Standing::Image(image) => image.deadline(),
        }
    }

    /// As of when this is: what it was before is not to be asked any more.
    pub(crate) fn as_of(self) -> Time {
        match self {
            Standing::Cell(cell) => cell.as_of,
            Standing::Image(image) => image.as_of(),
        }
    }

    /// The number of the last change.
    pub(crate) fn stamp(self) -> u64 {
        match self {
            Standing::Cell(cell) => cell.stamp,
            Standing::Image(image) => image.stamp(),
        }
    }

    /// When the customer changed last.
    pub(crate) fn last_change(self) -> Time {
        match self {
            Standing::Cell(cell) => cell.last_change,
            Standing::Image(image) => image.last_change(),
        }
    }

    /// Whether there are messages of the future.
    pub(crate) fn has_pending(self) -> bool {
        match self {
            Standing::Cell(cell) => !cell.pending.is_empty(),
            Standing::Image(image) => image.has_pending(),
        }
    }

    /// What changed the customer last.
    pub(crate) fn last_cause(self) -> Trigger {
        match self {
            Standing::Cell(cell) => cell.last_cause,
            Standing::Image(image) => image.last_cause(),
        }
    }

    /// The properties of the last event of a name that triggers a personalization.
    pub(crate) fn trigger(self, event: EventId) -> Option<Arc<[Option<Value>]>> {
        match self {
            Standing::Cell(cell) => Some(Arc::clone(&cell.customer.trigger(event)?.properties)),
            Standing::Image(image) => image.trigger(event),
        }
    }

    /// The time of the message that set an attribute, or removed it, last.
    pub(crate) fn set_at(self, attribute: AttributeId) -> Option<Time> {
        match self {
            Standing::Cell(cell) => Some(cell.customer.attributes.slot(attribute)?.stamp.time),
            Standing::Image(image) => image.set_at(attribute),
        }
    }

    /// Whether a message has become effective.
    pub(crate) fn is_known(self) -> bool {
        self.truth(Literal::TRUE).is_some()
    }

    /// Whether a literal is true, and somebody is known of whom it is.
    pub(crate) fn is_true(self, literal: Literal) -> bool {
        self.truth(literal) == Some(true)
    }
}

impl Sources for Standing<'_> {
    fn source(&self, source: SourceId) -> Option<Cow<'_, SourceState>> {
        match self {
            Standing::Cell(cell) => cell.customer.source(source),
            Standing::Image(image) => image.source(source),
        }
    }
}

impl Known for Standing<'_> {
    fn attribute(&self, attribute: AttributeId) -> Option<Value> {
        match self {
            Standing::Cell(cell) => cell.customer.attributes.get(attribute),
            Standing::Image(image) => image.attribute(attribute),
        }
    }

    fn unit(&self, kind: UnitKind) -> Option<Arc<str>> {
        match self {
            Standing::Cell(cell) => cell.customer.units()?.get(kind),
            Standing::Image(image) => image.unit(kind),
        }
    }

    fn truth(&self, literal: Literal) -> Option<bool> {
        match self {
            Standing::Cell(cell) => Some(cell.conclusions.as_ref()?.truths.get(literal)),
            Standing::Image(image) => image.truth(literal),
        }
    }
}
