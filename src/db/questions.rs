//! The questions that a database answers, each at its time of asking.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::base::error::{Error, ErrorKind};
use crate::base::names::{Names, nearest};
use crate::base::time::Time;
use crate::db::answers::Snapshot;
use crate::db::applied::Applied;
use crate::db::database::{Database, Reading, Writing};
use crate::db::subscribing::stream::Patience;
use crate::derived::view::{Known as _, View};
use crate::engine::cell::Cell;
use crate::engine::decide::{Deciding, Decisions};
use crate::engine::decision::{Decided, Decision};
use crate::engine::program::Program;
use crate::engine::standing::Standing;
use crate::engine::summary::completeness::Completeness;
use crate::engine::transition::Trigger;
use crate::engine::typed_message::{Content, Misfits};
use crate::facts::identity::ties::Home;
use crate::facts::stamp::{MessageOrder, NoMessages};
use crate::model::consent::{Consent, ConsentState};
use crate::model::ids::{AttributeId, EventId, PersonalizationId, SegmentId};
use crate::model::message::Message;
use crate::model::refusal::Refusal;
use crate::model::value::Value;
use crate::rules::at_call::{AlreadyShown, AtCall};
use crate::rules::definitions::Definitions;
use crate::rules::evaluate::evaluate;
use crate::rules::expression::Expr;
use crate::store::answer_row::KeptAnswers;
use crate::store::holds::Holder;
use crate::store::profile::Profile;
use crate::store::shard::Shard;

impl Database {
    /// The value of an attribute or computed attribute of the customer `id`; `None` is missing.
    ///
    /// # Errors
    /// If the catalog has no such attribute.
    pub fn attribute(&self, id: &str, name: &str) -> Result<Option<Value>, Error> {
        let now = self.now();
        let at_hand = |kept: KeptAnswers<'_, '_>| {
            kept.attribute(AttributeId(kept.program.definitions.attribute_names.get(name)?))
        };
        self.look(id, now, at_hand, |program, standing, order| {
            let definitions = &program.definitions;
            if let Some(number) = definitions.attribute_names.get(name) {
                return Ok(standing.attribute(AttributeId(number)));
            }
            let computed = resolve(&definitions.computed_names, "attribute", name)?;
            let value = &definitions.computed[computed as usize].value;
            let now = now.max(standing.as_of());
            Ok(evaluate(value, &view(program, standing, order, now)).value)
        })
    }

    /// Whether the customer `id` is a member of a segment.
    ///
    /// # Errors
    /// If the catalog has no such segment.
    pub fn is_member(&self, id: &str, segment: &str) -> Result<bool, Error> {
        let at_hand = |kept: KeptAnswers<'_, '_>| {
            let segments = &kept.program.definitions.segment_names;
            Some(kept.is_member(SegmentId(segments.get(segment)?)))
        };
        self.look(id, self.now(), at_hand, |program, standing, _| {
            let segment = resolve(&program.definitions.segment_names, "segment", segment)?;
            Ok(is_member(program, standing, SegmentId(segment)))
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
        if let Some(Reading { shard, place }) = self.read(id, now)? {
            let personalization = resolve_personalization(&shard.program, personalization)?;
            let profile = shard.profile(place);
            let cached = profile.decisions.cached(personalization, profile.standing().stamp(), now);
            if let Some(decision) = cached {
                return Ok(self.until_ties(Decided { decision: Arc::clone(decision), cached: true }));
            }
        }
        match self.write(id, now)? {
            Some(Writing { mut shard, place }) => {
                let personalization = resolve_personalization(&shard.program, personalization)?;
                let decided = decide(&mut shard, place, personalization, now);
                drop(shard);
                Ok(self.until_ties(decided))
            }
            None => self.decide_for_unknown(personalization, now),
        }
    }

    /// Applies a message and decides every personalization that its event triggers; the decisions see
    /// the message, and its properties as `event.x`.
    ///
    /// # Errors
    /// If the message is refused; then nothing has changed.
    pub fn apply_and_decide(&self, message: Message) -> Result<(Applied, Vec<Decided>), Refusal> {
        let applied = self.apply(message.clone())?;
        let decisions = self.decide_triggered(&message, &applied.message_id)?;
        Ok((applied, decisions))
    }

    /// The decisions of every personalization that a message triggers, which was applied under an id.
    pub(crate) fn decide_triggered(
        &self,
        message: &Message,
        message_id: &str,
    ) -> Result<Vec<Decided>, Refusal> {
        let now = self.now();
        let program = self.shards.program();
        let home = Home::of_accepted(message, &program.definitions.identifiers);
        let Some(Writing { mut shard, place }) = self.write_one(home.identifier(), now)? else {
            return Ok(Vec::new());
        };
        let program = Arc::clone(&shard.program);
        let content = Content::of(message, &program.definitions, Misfits::LeaveOut)?;
        let Content::Event { event: Some(event), properties } = content.rest() else {
            return Ok(Vec::new());
        };
        let event = *event;
        let needs_purpose = !program.definitions.purposes.of_event(Some(event)).is_empty();
        if needs_purpose && !shard.counts_event(place, (message_id, event), now)? {
            return Ok(Vec::new());
        }
        let personalizations = program.definitions.personalizations.iter().enumerate();
        let triggered = personalizations.filter(|(_, personalization)| personalization.on == Some(event));
        let decisions = triggered.map(|(number, _)| {
            let personalization = PersonalizationId::from_index(number);
            decide_after(&mut shard, place, personalization, event, properties, now)
        });
        Ok(decisions.collect())
    }

    /// Everything that can be asked of the customer `id`, at one instant.
    ///
    /// # Errors
    /// If the profile cannot be read from disk.
    pub fn profile(&self, id: &str) -> Result<Snapshot, Error> {
        let now = self.now();
        let Some(Writing { mut shard, place }) = self.write(id, now)? else {
            let program = self.shards.program();
            let decisions = (0..program.definitions.personalizations.len())
                .map(|place| self.unknown_decision(&program, PersonalizationId::from_index(place), now))
                .collect();
            let cell = Cell::new();
            let standing = Standing::Cell(&cell);
            let snapshot = snapshot(&program, id, standing, &NoMessages, now, decisions);
            let valid_until = snapshot.valid_until.min(self.next_tie());
            return Ok(Snapshot { valid_until, ..snapshot });
        };
        let program = Arc::clone(&shard.program);
        let decisions = (0..program.definitions.personalizations.len())
            .map(|number| decide(&mut shard, place, PersonalizationId::from_index(number), now))
            .collect();
        let profile = shard.profile(place);
        let snapshot =
            snapshot(&program, &profile.name, profile.standing(), &profile.history, now, decisions);
        let valid_until = snapshot.valid_until.min(self.next_tie());
        Ok(Snapshot { valid_until, ..snapshot })
    }

    /// The members of a segment by the ids they are shown under, sorted.
    ///
    /// # Errors
    /// If the catalog has no such segment.
    pub fn members(&self, segment: &str) -> Result<Vec<String>, Error> {
        self.of_everybody(|program| {
            let segment = SegmentId(resolve(&program.definitions.segment_names, "segment", segment)?);
            let name = |profile: &Profile| {
                is_member(program, profile.standing(), segment).then(|| profile.name.to_string())
            };
            let Some(members) = self.pick(program, name)? else { return Ok(None) };
            let mut names: Vec<String> = members.into_values().collect();
            names.sort_unstable();
            Ok(Some(names))
        })
    }

    /// What `take` takes of all profiles, by their keys. Nothing if some are not under the program.
    pub(crate) fn pick<T>(
        &self,
        program: &Program,
        take: impl Fn(&Profile) -> Option<T>,
    ) -> Result<Option<BTreeMap<Vec<u8>, T>>, Error> {
        let Some(mut picked) = self.pick_on_disk(program, &take)? else { return Ok(None) };
        for shard in self.shards.iter() {
            let shard = shard.read();
            for (_, profile) in shard.profiles() {
                if profile.revision != program.revision {
                    return Ok(None);
                }
                // One that came from disk meanwhile is asked here.
                let key = profile.key().key();
                profile.on_disk.replaced.iter().chain([&key]).for_each(|key| drop(picked.remove(key)));
                picked.extend(take(profile).map(|taken| (key, taken)));
            }
        }
        Ok(Some(picked))
    }

    /// How many members each segment has, in the order of the catalog.
    ///
    /// # Errors
    /// If a profile whose time has come cannot be read from disk.
    pub fn segment_sizes(&self) -> Result<Vec<(String, u64)>, Error> {
        self.of_everybody(|program| {
            let mut sizes = vec![0; program.definitions.segments.len()];
            for shard in self.shards.iter() {
                let shard = shard.read();
                if !Arc::ptr_eq(&shard.program, program) {
                    return Ok(None);
                }
                sizes.iter_mut().zip(shard.sizes()).for_each(|(total, size)| *total += size);
            }
            let sizes = sizes.into_iter().map(|size| u64::try_from(size).unwrap_or_default());
            let names = program.definitions.segment_names.iter().map(str::to_owned);
            Ok(Some(names.zip(sizes).collect()))
        })
    }

    /// Asks of everybody, once all are under the program in force; again, if that was replaced meanwhile,
    /// which the question answers with nothing.
    pub(crate) fn of_everybody<T>(
        &self,
        ask: impl Fn(&Arc<Program>) -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        loop {
            self.advance_all(Patience::Never)?;
            let program = self.shards.program();
            if self.shards.all_caught_up(&program)
                && let Some(answer) = ask(&program)?
            {
                return Ok(answer);
            }
        }
    }

    /// A decision that holds no longer than until a message of the future says who is who.
    pub(crate) fn until_ties(&self, decided: Decided) -> Decided {
        let until = self.next_tie();
        if decided.decision.valid_until <= until {
            return decided;
        }
        let decision = Decision { valid_until: until, ..(*decided.decision).clone() };
        Decided { decision: Arc::new(decision), ..decided }
    }

    /// When the next message that was held back takes effect.
    fn next_tie(&self) -> Time {
        Time::from_raw(self.held_until.load(Ordering::SeqCst))
    }

    /// Asks how the customer `id` stands at `now`: what is at hand, or else the profile; somebody unknown
    /// stands at the beginning.
    fn look<T>(
        &self,
        id: &str,
        now: Time,
        at_hand: impl FnOnce(KeptAnswers<'_, '_>) -> Option<T>,
        ask: impl FnOnce(&Program, Standing<'_>, &dyn MessageOrder) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let answers = &self.shards.answers;
        let look_up = self.look_up(id);
        let known = look_up.as_ref().and_then(|look_up| answers.table().read(look_up, now, at_hand));
        if let Some(answer) = known {
            return Ok(answer);
        }
        match self.read(id, now)? {
            Some(Reading { shard, place }) => {
                let profile = shard.profile(place);
                look_up.iter().for_each(|look_up| answers.keep(look_up, profile, &shard.program));
                let answer = ask(&shard.program, profile.standing(), &profile.history);
                drop(shard);
                answers.grow_if_crowded();
                answer
            }
            None => {
                let program = self.shards.program();
                ask(&program, Standing::Cell(&Cell::new()), &NoMessages)
            }
        }
    }

    fn decide_for_unknown(&self, personalization: &str, now: Time) -> Result<Decided, Error> {
        let program = self.shards.program();
        let personalization = resolve_personalization(&program, personalization)?;
        Ok(self.unknown_decision(&program, personalization, now))
    }

    pub(crate) fn unknown_decision(
        &self,
        program: &Program,
        personalization: PersonalizationId,
        now: Time,
    ) -> Decided {
        let mut shard = self.shards.hold(0, Holder::Read);
        let work = shard.work_mut();
        let exposures = &*self.shards.exposed;
        Deciding { program, exposures, order: &NoMessages, cause: None, now, work }.decide(
            Standing::Cell(&Cell::new()),
            &mut Decisions::default(),
            personalization,
        )
    }
}

impl Profile {
    /// The id of the message that changed the profile last, if it was one.
    pub(crate) fn cause(&self) -> Option<Arc<str>> {
        match self.standing().last_cause() {
            Trigger::Message(place) => self.history.message_id(place).map(Arc::from),
            Trigger::Time | Trigger::Catalog => None,
        }
    }

    /// The names of the segments that the profile is a member of.
    pub(crate) fn memberships(&self, program: &Program) -> Vec<String> {
        let names = program.definitions.segment_names.iter().enumerate();
        let of_profile =
            names.filter(|(place, _)| is_member(program, self.standing(), SegmentId::from_index(*place)));
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

/// A customer as expressions read it.
pub(crate) fn view<'a, K>(
    program: &'a Program,
    known: K,
    order: &'a dyn MessageOrder,
    now: Time,
) -> View<'a, K> {
    View { compiled: program.compiled(), known, order, now, call: AtCall::default() }
}

pub(crate) fn is_member(program: &Program, standing: Standing<'_>, segment: SegmentId) -> bool {
    standing.is_true(program.graph.segments[segment.index()])
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
    let (program, exposures, profile, work) = shard.deciding(place);
    let now = now.max(profile.standing().as_of());
    let last = profile.standing().trigger(event);
    if last.is_some_and(|last| *last == *properties) {
        return decide(shard, place, personalization, now);
    }
    let (order, cause) = (&profile.history, profile.cause());
    let mut deciding = Deciding { program, exposures, order, cause, now, work };
    let call = AtCall::triggered(properties);
    let decision = deciding.make(profile.standing(), personalization, call, &AlreadyShown::default());
    Decided { decision: Arc::new(decision), cached: false }
}

pub(crate) fn decide(
    shard: &mut Shard,
    place: u32,
    personalization: PersonalizationId,
    now: Time,
) -> Decided {
    let (program, exposures, profile, work) = shard.deciding(place);
    // Somebody may have brought it further since the clock was read.
    let now = now.max(profile.standing().as_of());
    let cause = profile.cause();
    let Profile { body, decisions, history, .. } = profile;
    let mut deciding = Deciding { program, exposures, order: history, cause, now, work };
    deciding.decide(body.standing(), decisions, personalization)
}

fn snapshot(
    program: &Program,
    id: &str,
    standing: Standing<'_>,
    order: &dyn MessageOrder,
    now: Time,
    decisions: Vec<Decided>,
) -> Snapshot {
    let definitions = &program.definitions;
    let now = now.max(standing.as_of());
    let view = view(program, standing, order, now);
    let mut attributes = BTreeMap::new();
    for (number, name) in definitions.attribute_names.iter().enumerate() {
        let attribute = AttributeId::from_index(number);
        attributes.insert(name.to_owned(), standing.attribute(attribute));
    }
    let mut valid_until =
        decisions.iter().fold(standing.deadline(), |until, decided| until.min(decided.decision.valid_until));
    for (name, computed) in definitions.computed_names.iter().zip(&definitions.computed) {
        let reading = evaluate(&computed.value, &view);
        valid_until = valid_until.min(reading.until);
        attributes.insert(name.to_owned(), reading.value);
    }
    let consents = definitions.purposes.all().map(|purpose| {
        let kept = definitions.purposes.state_of(purpose);
        let state = ConsentState::of(standing.attribute(kept).as_ref());
        let name = definitions.purposes.names.name(purpose.0).to_owned();
        (name, Consent { state, since: standing.set_at(kept) })
    });
    let lacking = standing.lacking();
    let completeness = Completeness::of_customer(program, &lacking, now);
    let valid_until = valid_until.min(completeness.next_change());
    let segments = definitions.segment_names.iter().enumerate();
    let segments = segments
        .map(|(number, name)| (name.to_owned(), is_member(program, standing, SegmentId::from_index(number))));
    let names = definitions.personalization_names.iter().map(str::to_owned);
    Snapshot {
        id: id.to_owned(),
        known: standing.is_known(),
        at: now,
        valid_until,
        attributes,
        consents: consents.collect(),
        segments: segments.collect(),
        decisions: names.zip(decisions).collect(),
        complete_since: complete_since(definitions, &completeness),
    }
}

/// Of computed attributes and segments that lack something, after which time they count everything.
fn complete_since(definitions: &Definitions, completeness: &Completeness<'_>) -> BTreeMap<String, Time> {
    let of_computed = definitions.computed_names.iter().zip(&definitions.computed);
    let of_computed = of_computed.map(|(name, computed)| (name, completeness.of(&computed.value)));
    let of_segments = definitions.segment_names.iter().enumerate();
    let of_segments = of_segments
        .map(|(number, name)| (name, completeness.of(&Expr::Segment(SegmentId::from_index(number)))));
    let all = of_computed.chain(of_segments);
    all.filter_map(|(name, since)| Some((name.to_owned(), since?))).collect()
}
