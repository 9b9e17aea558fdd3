//! The questions that a database answers, each at its time of asking.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind};
use crate::base::names::{Names, nearest};
use crate::base::time::Time;
use crate::db::answers::Snapshot;
use crate::db::applied::Applied;
use crate::db::database::Database;
use crate::derived::view::View;
use crate::engine::cell::Cell;
use crate::engine::decide::{Deciding, cached};
use crate::engine::decision::Decided;
use crate::engine::program::Program;
use crate::engine::transition::Trigger;
use crate::engine::typed_message::{Content, Misfits};
use crate::facts::stamp::{MessageOrder, NoMessages};
use crate::model::ids::{AttributeId, EventId, PersonalizationId, SegmentId};
use crate::model::message::Message;
use crate::model::refusal::Refusal;
use crate::model::value::Value;
use crate::rules::evaluate::evaluate;
use crate::store::profile::Profile;
use crate::store::shard::Shard;

impl Database {
    /// The value of an attribute or computed attribute of the customer `id`; `None` is missing.
    ///
    /// # Errors
    /// If the catalog has no such attribute.
    pub fn attribute(&self, id: &str, name: &str) -> Result<Option<Value>, Error> {
        let now = self.now();
        self.with_cell(id, now, |program, cell, order| match program.definitions.attribute_names.get(name) {
            Some(number) => Ok(cell.customer.attributes.get(AttributeId(number)).cloned()),
            None => {
                let names = &program.definitions.computed_names;
                let computed = resolve(names, "attribute", name)?;
                let value = &program.definitions.computed[computed as usize].value;
                Ok(evaluate(value, &view(program, cell, order, now)).value)
            }
        })
    }

    /// Whether the customer `id` is a member of a segment.
    ///
    /// # Errors
    /// If the catalog has no such segment.
    pub fn is_member(&self, id: &str, segment: &str) -> Result<bool, Error> {
        self.with_cell(id, self.now(), |program, cell, _| {
            let segment = resolve(&program.definitions.segment_names, "segment", segment)?;
            Ok(is_member(program, cell, SegmentId(segment)))
        })
    }

    /// What to show the customer `id`.
    ///
    /// A decision that was made before, for a profile that has not changed since, is looked up.
    ///
    /// # Errors
    /// If the catalog has no such personalization.
    pub fn decide(&self, id: &str, personalization: &str) -> Result<Decided, Error> {
        let now = self.now();
        let Some(found) = self.find(id) else {
            return self.decide_for_unknown(personalization, now);
        };
        let shard = self.read_at(found, now);
        let personalization = resolve_personalization(&shard.program, personalization)?;
        if let Some(decision) = cached(&shard.profile(found.place).cell, personalization, now) {
            return Ok(Decided { decision: Arc::clone(decision), cached: true });
        }
        drop(shard);
        Ok(decide(&mut self.write_at(found, now), found.place, personalization, now))
    }

    /// Applies a message and decides every personalization that its event triggers; the decisions see
    /// the message, and its properties as `event.x`.
    ///
    /// # Errors
    /// If the message is refused; then nothing has changed.
    pub fn apply_and_decide(&self, message: Message) -> Result<(Applied, Vec<Decided>), Refusal> {
        let applied = self.apply(message.clone())?;
        let now = self.now();
        let id = message.user_id().or(message.anonymous_id()).unwrap_or_default();
        let Some(found) = self.find(id) else { return Ok((applied, Vec::new())) };
        let mut shard = self.write_at(found, now);
        let program = Arc::clone(&shard.program);
        let content = Content::of(&message, &program.definitions, Misfits::LeaveOut)?;
        let Content::Event { event: Some(event), properties } = content else {
            return Ok((applied, Vec::new()));
        };
        let personalizations = program.definitions.personalizations.iter().enumerate();
        let triggered = personalizations.filter(|(_, personalization)| personalization.on == Some(event));
        let decisions = triggered.map(|(number, _)| {
            let personalization = PersonalizationId::from_index(number);
            decide_after(&mut shard, found.place, personalization, event, &properties, now)
        });
        Ok((applied, decisions.collect()))
    }

    /// Everything that can be asked of the customer `id`, at one instant.
    pub fn profile(&self, id: &str) -> Snapshot {
        let now = self.now();
        match self.find(id) {
            Some(found) => {
                let mut shard = self.write_at(found, now);
                let program = Arc::clone(&shard.program);
                let decisions = (0..program.definitions.personalizations.len())
                    .map(|place| decide(&mut shard, found.place, PersonalizationId::from_index(place), now))
                    .collect();
                let profile = shard.profile(found.place);
                snapshot(&program, &profile.name, &profile.cell, &profile.history, now, decisions)
            }
            None => {
                let program = Arc::clone(&self.shards[0].read().program);
                let decisions = (0..program.definitions.personalizations.len())
                    .map(|place| self.unknown_decision(&program, PersonalizationId::from_index(place), now))
                    .collect();
                snapshot(&program, id, &Cell::new(), &NoMessages, now, decisions)
            }
        }
    }

    /// The members of a segment by the ids they are shown under, sorted.
    ///
    /// # Errors
    /// If the catalog has no such segment.
    pub fn members(&self, segment: &str) -> Result<Vec<String>, Error> {
        let now = self.now();
        let mut members = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.write();
            self.advance_shard(&mut shard, now);
            let segment = SegmentId(resolve(&shard.program.definitions.segment_names, "segment", segment)?);
            let of_shard =
                shard.profiles().iter().filter(|profile| is_member(&shard.program, &profile.cell, segment));
            members.extend(of_shard.map(|profile| profile.name.to_string()));
        }
        members.sort_unstable();
        Ok(members)
    }

    /// How many members each segment has, in the order of the catalog.
    pub fn segment_sizes(&self) -> Vec<(String, u64)> {
        let now = self.now();
        let mut sizes: Vec<(String, u64)> = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.write();
            self.advance_shard(&mut shard, now);
            if sizes.is_empty() {
                sizes =
                    shard.program.definitions.segment_names.iter().map(|name| (name.to_owned(), 0)).collect();
            }
            for ((_, total), size) in sizes.iter_mut().zip(shard.sizes()) {
                *total += size;
            }
        }
        sizes
    }

    /// Asks the cell of `id`, brought to `now`; of a customer nobody knows, an empty one.
    pub(crate) fn with_cell<T>(
        &self,
        id: &str,
        now: Time,
        ask: impl FnOnce(&Program, &Cell, &dyn MessageOrder) -> T,
    ) -> T {
        match self.find(id) {
            Some(found) => {
                let shard = self.read_at(found, now);
                let profile = shard.profile(found.place);
                ask(&shard.program, &profile.cell, &profile.history)
            }
            None => ask(&Arc::clone(&self.shards[0].read().program), &Cell::new(), &NoMessages),
        }
    }

    fn decide_for_unknown(&self, personalization: &str, now: Time) -> Result<Decided, Error> {
        let program = Arc::clone(&self.shards[0].read().program);
        let personalization = resolve_personalization(&program, personalization)?;
        Ok(self.unknown_decision(&program, personalization, now))
    }

    fn unknown_decision(&self, program: &Program, personalization: PersonalizationId, now: Time) -> Decided {
        let mut shard = self.shards[0].write();
        let work = shard.work_mut();
        Deciding { program, order: &NoMessages, cause: None, now, work }
            .decide(&mut Cell::new(), personalization)
    }
}

impl Profile {
    /// The id of the message that changed the profile last, if it was one.
    fn cause(&self) -> Option<Arc<str>> {
        match self.cell.last_cause {
            Trigger::Message(place) => self.history.message_id(place).map(Arc::from),
            Trigger::Time | Trigger::Catalog => None,
        }
    }

    /// The names of the segments that the profile is a member of.
    pub(crate) fn memberships(&self, program: &Program) -> Vec<String> {
        let names = program.definitions.segment_names.iter().enumerate();
        let of_profile =
            names.filter(|(place, _)| is_member(program, &self.cell, SegmentId::from_index(*place)));
        of_profile.map(|(_, name)| name.to_owned()).collect()
    }
}

/// The number of a name, or an error with the nearest one.
pub(crate) fn resolve(names: &Names, what: &str, name: &str) -> Result<u32, Error> {
    names.get(name).ok_or_else(|| {
        let near =
            nearest(name, names.iter()).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        Error::new(ErrorKind::NotFound, format!("the catalog has no {what} `{name}`{near}"))
    })
}

/// The number of a personalization.
pub(crate) fn resolve_personalization(program: &Program, name: &str) -> Result<PersonalizationId, Error> {
    resolve(&program.definitions.personalization_names, "personalization", name).map(PersonalizationId)
}

/// A cell as expressions read it.
pub(crate) fn view<'a>(
    program: &'a Program,
    cell: &'a Cell,
    order: &'a dyn MessageOrder,
    now: Time,
) -> View<'a> {
    View {
        compiled: program.compiled(),
        customer: &cell.customer,
        truths: cell.conclusions.as_ref().map(|conclusions| &conclusions.truths),
        order,
        now,
        trigger: &[],
    }
}

fn is_member(program: &Program, cell: &Cell, segment: SegmentId) -> bool {
    let literal = program.graph.segments[segment.index()];
    cell.conclusions.as_ref().is_some_and(|conclusions| conclusions.truths.get(literal))
}

/// The decision right after a trigger event with these properties: the profile's own, unless a later
/// trigger is known already.
fn decide_after(
    shard: &mut Shard,
    place: u32,
    personalization: PersonalizationId,
    event: EventId,
    properties: &[Option<Value>],
    now: Time,
) -> Decided {
    let (program, profile, work) = shard.deciding(place);
    let last = profile.cell.customer.trigger(event);
    if last.is_some_and(|last| *last.properties == *properties) {
        return decide(shard, place, personalization, now);
    }
    let mut deciding = Deciding { program, order: &profile.history, cause: profile.cause(), now, work };
    let decision = deciding.make(&profile.cell, personalization, properties);
    Decided { decision: Arc::new(decision), cached: false }
}

fn decide(shard: &mut Shard, place: u32, personalization: PersonalizationId, now: Time) -> Decided {
    let (program, profile, work) = shard.deciding(place);
    let cause = profile.cause();
    Deciding { program, order: &profile.history, cause, now, work }.decide(&mut profile.cell, personalization)
}

fn snapshot(
    program: &Program,
    id: &str,
    cell: &Cell,
    order: &dyn MessageOrder,
    now: Time,
    decisions: Vec<Decided>,
) -> Snapshot {
    let definitions = &program.definitions;
    let view = view(program, cell, order, now);
    let mut attributes = BTreeMap::new();
    for (number, name) in definitions.attribute_names.iter().enumerate() {
        let attribute = AttributeId::from_index(number);
        attributes.insert(name.to_owned(), cell.customer.attributes.get(attribute).cloned());
    }
    let mut valid_until =
        decisions.iter().fold(cell.deadline, |until, decided| until.min(decided.decision.valid_until));
    for (name, computed) in definitions.computed_names.iter().zip(&definitions.computed) {
        let reading = evaluate(&computed.value, &view);
        valid_until = valid_until.min(reading.until);
        attributes.insert(name.to_owned(), reading.value);
    }
    let segments = definitions.segment_names.iter().enumerate();
    let segments = segments
        .map(|(number, name)| (name.to_owned(), is_member(program, cell, SegmentId::from_index(number))));
    let names = definitions.personalization_names.iter().map(str::to_owned);
    Snapshot {
        id: id.to_owned(),
        known: cell.is_known(),
        at: now,
        valid_until,
        attributes,
        segments: segments.collect(),
        decisions: names.zip(decisions).collect(),
    }
}
