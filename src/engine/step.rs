//! The step: a message or the passing of time, and what it makes of a cell.
//!
//! Time advances from instant to instant. At each, what is due is collected (pending messages, the
//! message being applied, watches that run out) and settled together, so that only the state *at* an
//! instant is ever concluded from, never one between two of its messages.
//!
//! A late message is taken at its own time where nothing has changed since; further back, it changes
//! the facts but not what was reported of the past. Only `held` asks about the past itself: a catalog
//! that uses it has such a profile rebuilt from its history.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::base::time::Time;
use crate::derived::conclusions::Conclusions;
use crate::derived::propagation::{Propagation, Scratch};
use crate::derived::subject::SubjectId;
use crate::derived::watches::Watched;
use crate::engine::cell::Cell;
use crate::engine::program::Program;
use crate::engine::transition::{Trigger, Turn};
use crate::engine::typed_message::{Content, TypedMessage};
use crate::facts::customer::Sources as _;
use crate::facts::stamp::{MessageOrder, Stamp};
use crate::model::ids::{EventId, SegmentId, SourceId};
use crate::model::refusal::{Refusal, RefusalReason};
use crate::model::value::Value;
use crate::rules::evaluate::is_true;
use crate::rules::expression::Source;
use crate::rules::one_event::OneEvent;

/// What steps need beside the cell.
pub(crate) struct Step<'a> {
    pub(crate) program: &'a Program,
    /// The order of the profile's messages.
    pub(crate) order: &'a dyn MessageOrder,
    /// Whether one of the profile's ids is on a static segment's list.
    pub(crate) is_listed: &'a dyn Fn(SegmentId) -> bool,
    pub(crate) scratch: &'a mut Scratch,
    /// Changes of membership, in the order of time.
    pub(crate) turns: &'a mut Vec<Turn>,
}

/// Subjects to measure anew.
type Touched = SmallVec<[SubjectId; 32]>;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is in effect, or will be when its time comes.
    Applied,
    /// It changes the past, and the catalog asks about the past: the cell knows nothing of it yet, and
    /// has to be rebuilt from its history.
    NeedsRebuild,
}

impl Step<'_> {
    /// Applies a message at `now`.
    pub(crate) fn apply(&mut self, cell: &mut Cell, message: TypedMessage, now: Time) -> Taken {
        // Another thread may have brought the cell further already.
        let now = now.max(cell.as_of);
        let time = message.stamp.time;
        if time > now {
            let place = cell.pending.partition_point(|pending| pending.stamp.time <= time);
            cell.pending.insert(place, message);
            cell.deadline = cell.deadline.min(time);
            self.advance(cell, now);
            return Taken::Applied;
        }
        if time < cell.last_change && self.program.has_held() {
            self.advance(cell, now);
            return Taken::NeedsRebuild;
        }
        let at = effective_at(cell, time);
        while cell.deadline < at {
            self.instant(cell, cell.deadline, None);
        }
        self.instant(cell, at, Some(message));
        self.advance(cell, now);
        Taken::Applied
    }

    /// Lets time pass until `now`.
    pub(crate) fn advance(&mut self, cell: &mut Cell, now: Time) {
        while cell.deadline <= now {
            self.scratch.work.deadlines += 1;
            self.instant(cell, cell.deadline, None);
        }
        cell.as_of = cell.as_of.max(now);
    }

    /// Refuses a message that would make an aggregate keep more than the catalog allows.
    pub(crate) fn check_limits(&self, cell: &Cell, message: &TypedMessage) -> Result<(), Refusal> {
        let Content::Event { event, properties } = &message.content else { return Ok(()) };
        let Program { plan, definitions, .. } = self.program;
        let limit = definitions.entries_per_aggregate as usize;
        let settled = effective_at(cell, message.stamp.time);
        for source in self.sources_of(*event, properties) {
            let Some(state) = cell.customer.source(source) else { continue };
            let source = &plan.sources[source.index()];
            if state.is_full(message.stamp, properties, source, plan, settled, limit) {
                let detail = format!(
                    "an aggregate over this event already keeps {limit} entries for this customer; \
                     raise `limits.entries_per_aggregate` in the catalog if this is a person"
                );
                return Err(Refusal::new(RefusalReason::Limit, "event", detail));
            }
        }
        Ok(())
    }

    /// One instant: all that happens at it, and what follows from that.
    fn instant(&mut self, cell: &mut Cell, at: Time, message: Option<TypedMessage>) {
        cell.as_of = at;
        let due_pending = cell.pending.partition_point(|pending| pending.stamp.time <= at);
        let mut messages: SmallVec<[TypedMessage; 1]> = cell.pending.drain(..due_pending).collect();
        messages.extend(message);
        let cause = messages.last().map_or(Trigger::Time, |message| Trigger::Message(message.stamp.place));
        let becomes_known = cell.conclusions.is_none() && !messages.is_empty();
        let mut touched = SmallVec::new();
        for message in &messages {
            self.scratch.work.messages += 1;
            cell.last_change = cell.last_change.max(at);
            self.take(cell, message, &mut touched);
        }
        touched.sort_unstable();
        touched.dedup();
        if becomes_known {
            self.scratch.reserve(&self.program.graph);
            cell.conclusions = Some(Conclusions::new(&self.program.graph));
        }
        let changed = self.settle(cell, at, &touched, becomes_known);
        if changed || !messages.is_empty() {
            cell.last_change = cell.last_change.max(at);
            cell.last_cause = cause;
            cell.stamp += 1;
        }
        self.report(cell, at, cause, becomes_known);
        let watches = cell.conclusions.as_ref().map_or(Time::NEVER, |conclusions| conclusions.watches.next());
        let pending = cell.pending.first().map_or(Time::NEVER, |message| message.stamp.time);
        cell.deadline = watches.min(pending);
        debug_assert!(cell.deadline > at, "an instant leaves nothing due");
    }

    /// Brings the conclusions to the instant; says whether any changed.
    fn settle(&mut self, cell: &mut Cell, at: Time, touched: &[SubjectId], becomes_known: bool) -> bool {
        let Some(conclusions) = &mut cell.conclusions else { return false };
        let before = (self.scratch.work.predicates, self.scratch.work.gates);
        let mut due = std::mem::take(&mut self.scratch.due);
        conclusions.watches.due(at, &mut due);
        let mut propagation = Propagation {
            compiled: self.program.compiled(),
            customer: &cell.customer,
            order: self.order,
            now: at,
            conclusions,
            scratch: self.scratch,
        };
        if becomes_known {
            propagation.begin(self.is_listed);
        }
        for watched in &due {
            match watched {
                Watched::Subject(subject) if touched.contains(subject) => {}
                Watched::Subject(subject) => propagation.touch(*subject),
                Watched::Held(place) => propagation.wake_held(*place),
            }
        }
        touched.iter().for_each(|subject| propagation.touch(*subject));
        propagation.settle();
        self.scratch.due = due;
        before != (self.scratch.work.predicates, self.scratch.work.gates)
    }

    /// Turns what turned into transitions. Of one who just became known, every membership is entered.
    fn report(&mut self, cell: &Cell, at: Time, cause: Trigger, becomes_known: bool) {
        let Some(conclusions) = &cell.conclusions else { return };
        if becomes_known {
            self.scratch.turned.clear();
            for (segment, literal) in self.program.graph.segments.iter().enumerate() {
                if conclusions.truths.get(*literal) {
                    let segment = SegmentId::from_index(segment);
                    self.turns.push(Turn { segment, entered: true, at, cause });
                }
            }
        }
        for (segment, entered) in self.scratch.turned.drain(..) {
            self.turns.push(Turn { segment, entered, at, cause });
        }
    }

    /// Takes a message into the facts, and adds the subjects to measure anew.
    fn take(&mut self, cell: &mut Cell, message: &TypedMessage, touched: &mut Touched) {
        let program = self.program;
        match &message.content {
            Content::Presence => {}
            Content::Attributes(set) => {
                for (attribute, value) in set {
                    let changed =
                        cell.customer.attributes.set(*attribute, message.stamp, value.clone(), self.order);
                    if changed {
                        touched.extend_from_slice(program.graph.subjects_of_attribute(*attribute));
                    }
                }
            }
            Content::Event { event, properties } => {
                self.take_event(cell, message.stamp, *event, properties, touched);
            }
        }
    }

    fn take_event(
        &mut self,
        cell: &mut Cell,
        stamp: Stamp,
        event: Option<EventId>,
        properties: &Arc<[Option<Value>]>,
        touched: &mut Touched,
    ) {
        let program = self.program;
        let compiled = (&program.plan, &program.definitions);
        for source in self.sources_of(event, properties) {
            self.scratch.work.filters += 1;
            cell.customer.take(source, stamp, properties, compiled, cell.last_change, self.order);
            touched.extend_from_slice(program.graph.subjects_of_source(source));
        }
        if let Some(event) = event.filter(|event| program.is_trigger(*event)) {
            cell.customer.remember_trigger(event, stamp, properties, self.order);
        }
    }

    /// The sources that take an event with these properties.
    fn sources_of(
        &self,
        event: Option<EventId>,
        properties: &[Option<Value>],
    ) -> impl Iterator<Item = SourceId> + use<> {
        let sources = &self.program.definitions.sources;
        let mut found = self.program.plan.candidates(event, properties);
        found.retain(|source| takes(&sources[source.index()], event, properties));
        found.into_iter()
    }
}

/// The instant at which a message of that time is taken: its own, unless the cell has changed since.
fn effective_at(cell: &Cell, time: Time) -> Time {
    if time >= cell.last_change { time } else { cell.as_of }
}

/// Whether a source takes an event with these properties.
pub(crate) fn takes(source: &Source, event: Option<EventId>, properties: &[Option<Value>]) -> bool {
    (source.event.is_none() || source.event == event)
        && source.filter.as_ref().is_none_or(|filter| is_true(filter, &OneEvent(properties)))
}
