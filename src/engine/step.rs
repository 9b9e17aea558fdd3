//! The step: a message or the passing of time, and what it makes of a cell.
//!
//! Time advances from instant to instant. At each, what is due is collected (pending messages, the
//! message being applied, watches that run out) and settled together, so that only the state *at* an
//! instant is ever concluded from, never one between two of its messages.
//!
//! A late message is taken at its own time where nothing has changed since; further back, it changes
//! the facts but not what was reported of the past. Only `held` and consent ask about the past itself:
//! then the cell is made anew from its history, whichever way time or messages brought it there.

use std::borrow::Cow;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::base::time::Time;
use crate::derived::conclusions::Conclusions;
use crate::derived::propagation::{Propagation, Scratch};
use crate::derived::subject::SubjectId;
use crate::derived::watches::Watched;
use crate::engine::cell::Cell;
use crate::engine::consents::{Told, are_granted, disturbs, event_counts, spoken};
use crate::engine::program::Program;
use crate::engine::retelling::heard_until;
use crate::engine::standing::Standing;
use crate::engine::summary::digest::Digest;
use crate::engine::transition::{Trigger, Turn};
use crate::engine::typed_message::{Content, TypedMessage};
use crate::facts::customer::Customer;
use crate::facts::plan::Keeping;
use crate::facts::source_state::SourceState;
use crate::facts::stamp::Stamp;
use crate::facts::units::Identity;
use crate::model::ids::{AttributeId, EventId, SegmentId, SourceId};
use crate::model::refusal::{Refusal, RefusalReason};
use crate::model::value::Value;
use crate::rules::evaluate::is_true;
use crate::rules::expression::Source;
use crate::rules::one_event::OneEvent;

/// What steps need beside the cell.
pub(crate) struct Step<'a> {
    pub(crate) program: &'a Program,
    /// The profile's messages, the one being applied included.
    pub(crate) past: &'a dyn Told,
    /// Whose the messages are.
    pub(crate) identity: &'a dyn Identity,
    pub(crate) scratch: &'a mut Scratch,
    /// Changes of membership, in the order of time.
    pub(crate) turns: &'a mut Vec<Turn>,
}

/// Subjects to measure anew.
type Touched = SmallVec<[SubjectId; 32]>;

impl Step<'_> {
    /// Applies a message at `now`.
    pub(crate) fn apply(&mut self, cell: &mut Cell, message: TypedMessage, now: Time) {
        // Another thread may have brought the cell further already.
        let now = now.max(cell.as_of);
        let time = message.stamp.time;
        if time > now {
            let place = cell.pending.partition_point(|pending| pending.stamp.time <= time);
            cell.pending.insert(place, message);
            cell.deadline = cell.deadline.min(time);
            return self.advance(cell, now);
        }
        if time < cell.last_change && self.program.has_held() {
            self.advance(cell, now);
            let made = self.made_anew(now);
            compare(self.program, cell, &made, now, Trigger::Message(message.stamp.place), self.turns);
            // What was reported just now stays the last word on the time before it.
            *cell = Cell { stamp: cell.stamp + 1, last_change: now, ..made };
            return;
        }
        let at = effective_at(cell, time);
        while cell.deadline < at {
            self.instant(cell, cell.deadline, None);
        }
        self.instant(cell, at, Some(message));
        self.advance(cell, now);
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
        let Content::Event { event, properties } = message.content.rest() else { return Ok(()) };
        let Program { plan, definitions, .. } = self.program;
        if definitions.purposes.are_needed() && !event_counts(cell, &message.content, &definitions.purposes) {
            return Ok(());
        }
        let limit = definitions.entries_per_aggregate as usize;
        let settled = effective_at(cell, message.stamp.time);
        for source in self.sources_of(*event, properties) {
            let known = cell.customer.source_state(source);
            let source = &plan.sources[source.index()];
            // One event is one entry, of which there may be one, but for an affinity it may be many.
            let state = match known {
                Some(state) => Cow::Borrowed(state),
                None if source.has_items(plan) => {
                    Cow::Owned(SourceState::new(message.stamp, source, plan, definitions))
                }
                None => continue,
            };
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

    /// Whether a message that is not there yet will be applied by telling all of them anew, now or when its
    /// time comes.
    pub(crate) fn needs_the_past(&self, cell: &Cell, message: &TypedMessage, now: Time) -> bool {
        let is_alone = message.stamp.time <= now && cell.pending.is_empty();
        let purposes = &self.program.definitions.purposes;
        !message.content.consents().is_empty() && (!is_alone || disturbs(cell, message, purposes, self.past))
    }

    /// The cell that the profile's messages make at `now`.
    pub(crate) fn made_anew(&mut self, now: Time) -> Cell {
        let definitions = &self.program.definitions;
        let (heard, later) = heard_until(now, self.past.told(definitions), &definitions.purposes);
        let mut turns = Vec::new();
        let mut cell = self.made_of(heard, now, &mut turns);
        let Step { program, past, identity, .. } = *self;
        let mut step = Step { program, past, identity, scratch: self.scratch, turns: &mut turns };
        later.into_iter().for_each(|message| step.apply(&mut cell, message, now));
        cell
    }

    /// The cell that the profile's messages up to `now` make, with everything that turned on the way: as if
    /// each had come at its own time. What turned together may turn back within one instant.
    pub(crate) fn retold(&mut self, now: Time) -> Cell {
        let definitions = &self.program.definitions;
        let (heard, _) = heard_until(now, self.past.told(definitions), &definitions.purposes);
        let mut turns = Vec::new();
        let cell = self.made_of(heard, now, &mut turns);
        self.turns.append(&mut turns);
        cell
    }

    /// The cell that the facts of another program's cell at `now` make, which are all that this program
    /// [concludes from](Program::concludes_from_facts_of); they are taken out of it.
    pub(crate) fn concluded_anew(&mut self, of: &mut Cell, now: Time) -> Cell {
        let (customer, pending) = (std::mem::take(&mut of.customer), std::mem::take(&mut of.pending));
        let mut cell = Cell { customer, pending, as_of: now, ..Cell::new() };
        cell.deadline = cell.next_due();
        if !of.is_known() {
            return cell;
        }
        let graph = &self.program.graph;
        self.scratch.reserve(graph);
        cell.conclusions = Some(Conclusions::new(graph));
        let mut touched = Touched::new();
        for attribute in (0..self.program.definitions.attributes.len()).map(AttributeId::from_index) {
            if cell.customer.attributes.slot(attribute).is_some() {
                touched.extend_from_slice(graph.subjects_of_attribute(attribute));
            }
        }
        for (source, _) in cell.customer.sources() {
            touched.extend_from_slice(graph.subjects_of_source(*source));
        }
        touched.sort_unstable();
        touched.dedup();
        self.settle(&mut cell, now, &touched, true);
        self.scratch.turned.clear();
        cell.deadline = cell.next_due();
        cell
    }

    /// What is known of a customer of whom there is nothing but these messages.
    pub(crate) fn taken_in(&mut self, messages: &[TypedMessage], now: Time) -> Customer {
        let mut cell = Cell { last_change: now, ..Cell::new() };
        for message in messages {
            self.take(&mut cell, message.stamp, &message.content, &mut Touched::new());
        }
        cell.customer
    }

    /// The cell that retold messages up to `now` make.
    fn made_of(&mut self, messages: Vec<TypedMessage>, now: Time, turns: &mut Vec<Turn>) -> Cell {
        self.scratch.work.rebuilds += 1;
        let mut cell = Cell::new();
        let Step { program, past, identity, .. } = *self;
        let mut step = Step { program, past, identity, scratch: self.scratch, turns };
        for message in messages {
            let at = now.min(message.stamp.time.max(cell.as_of));
            step.apply(&mut cell, message, at);
        }
        step.advance(&mut cell, now);
        cell
    }

    /// One instant at which what counts of the past changes.
    fn turning_point(&mut self, cell: &mut Cell, at: Time, cause: Trigger) {
        let definitions = &self.program.definitions;
        let (heard, _) = heard_until(at, self.past.told(definitions), &definitions.purposes);
        let made = self.made_of(heard, at, &mut Vec::new());
        compare(self.program, cell, &made, at, cause, self.turns);
        let pending = std::mem::take(&mut cell.pending);
        let stamp = cell.stamp + 1;
        *cell = Cell { stamp, pending, last_change: at, last_cause: cause, ..made };
        cell.deadline = cell.next_due();
    }

    /// One instant: all that happens at it, and what follows from that.
    fn instant(&mut self, cell: &mut Cell, at: Time, message: Option<TypedMessage>) {
        cell.as_of = at;
        let due_pending = cell.pending.partition_point(|pending| pending.stamp.time <= at);
        let mut messages: SmallVec<[TypedMessage; 1]> = cell.pending.drain(..due_pending).collect();
        messages.extend(message);
        let cause = messages.last().map_or(Trigger::Time, |message| Trigger::Message(message.stamp.place));
        let becomes_known = cell.conclusions.is_none() && !messages.is_empty();
        if self.is_turning_point(cell, &messages) {
            self.scratch.work.messages += messages.len() as u64;
            return self.turning_point(cell, at, cause);
        }
        let mut touched = SmallVec::new();
        for message in &messages {
            self.scratch.work.messages += 1;
            cell.last_change = cell.last_change.max(at);
            self.take(cell, message.stamp, &message.content, &mut touched);
        }
        touched.sort_unstable();
        touched.dedup();
        if becomes_known {
            self.scratch.reserve(&self.program.graph);
            cell.conclusions = Some(Conclusions::new(&self.program.graph));
            if self.program.definitions.reads_ids {
                cell.customer.set_units(self.identity.units());
            }
        }
        let changed = self.settle(cell, at, &touched, becomes_known);
        if changed || !messages.is_empty() {
            cell.last_change = cell.last_change.max(at);
            cell.last_cause = cause;
            cell.stamp += 1;
        }
        self.report(cell, at, cause, becomes_known);
        cell.deadline = cell.next_due();
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
            order: self.past,
            now: at,
            conclusions,
            scratch: self.scratch,
        };
        if becomes_known {
            propagation.begin(self.identity);
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
    fn take(&mut self, cell: &mut Cell, stamp: Stamp, content: &Content, touched: &mut Touched) {
        let purposes = &self.program.definitions.purposes;
        match content {
            Content::Presence => {}
            Content::Summary(digest) => self.take_digest(cell, digest, touched),
            Content::Attributes(set) => {
                for (attribute, value) in set {
                    if are_granted(cell, purposes, purposes.of_attribute(*attribute)) {
                        self.set(cell, stamp, *attribute, value.clone(), touched);
                    }
                }
            }
            Content::Event { event, properties } => {
                if are_granted(cell, purposes, purposes.of_event(*event)) {
                    self.take_event(cell, stamp, *event, properties, touched);
                }
            }
            Content::Consenting(consenting) => {
                for said in &consenting.consents {
                    if let Some((attribute, state)) = spoken(cell, purposes, *said) {
                        self.set(cell, stamp, attribute, state, touched);
                    }
                }
                self.take(cell, stamp, &consenting.rest, touched);
            }
        }
    }

    fn set(
        &self,
        cell: &mut Cell,
        stamp: Stamp,
        attribute: AttributeId,
        value: Option<Value>,
        touched: &mut Touched,
    ) {
        if cell.customer.attributes.set(attribute, stamp, value, self.past) {
            touched.extend_from_slice(self.program.graph.subjects_of_attribute(attribute));
        }
    }

    /// Whether the messages of an instant change what counts of those before.
    fn is_turning_point(&self, cell: &Cell, messages: &[TypedMessage]) -> bool {
        let purposes = &self.program.definitions.purposes;
        // Of several with words on purposes, those of one instant have to be put in their order.
        !purposes.is_empty()
            && ((messages.len() > 1 && messages.iter().any(|message| !message.content.consents().is_empty()))
                || messages.iter().any(|message| disturbs(cell, message, purposes, self.past)))
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
            cell.customer.take(source, stamp, properties, compiled, cell.last_change, self.past);
            touched.extend_from_slice(program.graph.subjects_of_source(source));
        }
        if let Some(event) = event.filter(|event| program.is_trigger(*event)) {
            cell.customer.remember_trigger(event, stamp, properties, self.past);
        }
    }

    /// Takes in what is left of messages that are gone.
    fn take_digest(&mut self, cell: &mut Cell, digest: &Digest, touched: &mut Touched) {
        let program = self.program;
        let compiled = (&program.plan, &program.definitions);
        for (source, last) in &digest.last {
            cell.customer.absorb_last(*source, *last, compiled, self.past);
            touched.extend_from_slice(program.graph.subjects_of_source(*source));
        }
        for (aggregate, state) in &digest.states {
            let source = program.definitions.aggregates[aggregate.index()].source;
            if let Keeping::Accumulated { slot, .. } = program.plan.aggregates[aggregate.index()].keeping {
                cell.customer.absorb(source, slot, state, self.past);
            }
        }
        digest.lacking.iter().for_each(|(aggregate, until)| cell.customer.lack(*aggregate, *until));
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

/// The memberships that differ between two states of a profile under one program.
fn compare(program: &Program, old: &Cell, new: &Cell, at: Time, cause: Trigger, turns: &mut Vec<Turn>) {
    for (segment, literal) in program.graph.segments.iter().enumerate() {
        let is_member = |cell| Standing::Cell(cell).is_true(*literal);
        let entered = is_member(new);
        if entered != is_member(old) {
            turns.push(Turn { segment: SegmentId::from_index(segment), entered, at, cause });
        }
    }
}

/// Whether a source takes an event with these properties.
pub(crate) fn takes(source: &Source, event: Option<EventId>, properties: &[Option<Value>]) -> bool {
    (source.event.is_none() || source.event == event)
        && source.filter.as_ref().is_none_or(|filter| is_true(filter, &OneEvent(properties)))
}
