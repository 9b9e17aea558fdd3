//! A database as slow and as plain as can be, to test the real one against.
//!
//! It keeps lists of messages and computes every answer from scratch with the
//! [naive evaluator](crate::rules::naive). It refuses what the database refuses, except where limits of
//! memory are reached: it has none.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::base::time::Time;
use crate::db::applying::identifier;
use crate::db::catalog::Catalog;
use crate::engine::typed_message::{Content, Misfits};
use crate::model::ids::{AttributeId, EventId, SegmentId};
use crate::model::message::Message;
use crate::model::refusal::{Refusal, RefusalReason};
use crate::model::value::Value;
use crate::rules::definitions::{Definitions, PersonalizationDefinition};
use crate::rules::expression::Function;
use crate::rules::naive::{Moment, Naive, Said, Told};
use crate::rules::template::Template;
use crate::store::profile::Identifier;

/// How much a decayed score is moved to see whether an answer hangs on its last digits.
const NUDGE: f64 = 1e-12;

/// The yardstick: what every answer should be.
///
/// ```
/// use habitue::{Catalog, Message, Reference, Time};
///
/// let catalog = Catalog::from_toml(r#"
///     schema = 1
///     [events.Visit]
///     [segments]
///     back = 'events("Visit").within("1h").count() >= 2'
/// "#)?;
/// let mut reference = Reference::new(catalog);
/// let now = Time::parse("2026-01-01T09:00:00Z")?;
/// for id in ["m1", "m2"] {
///     reference.apply(Message::track("ana", "Visit").with_id(id).with_timestamp(now), now)?;
/// }
/// assert!(reference.answers("ana", now).segments["back"]);
/// let later = Time::parse("2026-01-01T10:00:00Z")?;
/// assert!(!reference.answers("ana", later).segments["back"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Reference {
    catalog: Catalog,
    /// By id, those of users (true) and of visitors apart.
    customers: HashMap<(bool, String), Customer>,
    fingerprints: HashMap<String, u128>,
}

/// The messages of one customer, sorted by time and message id, as they were and as the catalog reads them.
#[derive(Debug, Default)]
struct Customer {
    messages: Vec<Message>,
    told: Vec<Told>,
}

/// What should be known of one customer at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// Whether a message of this customer has taken effect.
    pub known: bool,
    /// Attributes and computed attributes; a missing one has no value.
    pub attributes: BTreeMap<String, Option<Value>>,
    /// Whether the customer is a member of each segment.
    pub segments: BTreeMap<String, bool>,
    /// What each personalization shows.
    pub decisions: BTreeMap<String, Shown>,
    /// Segments, computed attributes and personalizations whose answer hangs on the last digits of a
    /// decayed score, so that another order of additions may give another answer.
    pub close_calls: BTreeSet<String>,
}

/// What a personalization should show.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The names of the chosen offers, or of the fallback, each with its text.
    pub offers: Vec<(String, Option<String>)>,
    /// The attributes asked for.
    pub attributes: Vec<(String, Option<Value>)>,
}

impl Reference {
    /// Nothing known yet, under this catalog.
    pub fn new(catalog: Catalog) -> Reference {
        Reference { catalog, customers: HashMap::new(), fingerprints: HashMap::new() }
    }

    /// Accepts a message, which has to have an id, at `now`; says whether it is new.
    ///
    /// # Errors
    /// If the message is refused.
    pub fn apply(&mut self, message: Message, now: Time) -> Result<bool, Refusal> {
        message.check()?;
        let profile = match identifier(&message)? {
            Identifier::User(id) => (true, id.to_owned()),
            Identifier::Anonymous(id) => (false, id.to_owned()),
        };
        let Some(message_id) = message.message_id().map(str::to_owned) else {
            return Err(Refusal::new(RefusalReason::Schema, "messageId", "the reference gives no ids"));
        };
        let fingerprint = message.fingerprint();
        match self.fingerprints.get(&message_id) {
            Some(known) if *known == fingerprint => return Ok(false),
            Some(_) => {
                return Err(Refusal::new(RefusalReason::Conflict, "messageId", "known with other content"));
            }
            None => {}
        }
        let time = message.timestamp().unwrap_or(now);
        let definitions = &self.catalog.definitions;
        if time > now + definitions.max_skew {
            return Err(Refusal::new(RefusalReason::Skew, "timestamp", "too far ahead"));
        }
        let said = Said::from(Content::of(&message, definitions, Misfits::Refuse)?);
        self.fingerprints.insert(message_id.clone(), fingerprint);
        let Customer { messages, told } = self.customers.entry(profile).or_default();
        let place = told.partition_point(|known| (known.time, &known.message_id) < (time, &message_id));
        messages.insert(place, message);
        told.insert(place, Told { time, message_id, said });
        Ok(true)
    }

    /// Replaces the catalog, as if it had been there from the start.
    pub fn replace_catalog(&mut self, catalog: Catalog) {
        for Customer { messages, told } in self.customers.values_mut() {
            for (message, told) in messages.iter().zip(told) {
                told.said = Content::of(message, &catalog.definitions, Misfits::LeaveOut)
                    .map_or(Said::Presence, Said::from);
            }
        }
        self.catalog = catalog;
    }

    /// Everything that can be asked of the customer `id` at `now`.
    pub fn answers(&self, id: &str, now: Time) -> Answers {
        self.answered(id, now, None)
    }

    /// The same, where personalizations on the event of `message` see its properties.
    pub fn answers_after(&self, message: &Message, now: Time) -> Answers {
        let id = message.user_id().or(message.anonymous_id()).unwrap_or_default();
        self.answered(id, now, Some(message))
    }

    fn answered(&self, id: &str, now: Time, trigger: Option<&Message>) -> Answers {
        let customer =
            [true, false].iter().find_map(|is_user| self.customers.get(&(*is_user, id.to_owned())));
        let messages = customer.map_or(&[][..], |customer| &customer.told);
        let definitions = &self.catalog.definitions;
        let typed = trigger.and_then(|message| Content::of(message, definitions, Misfits::LeaveOut).ok());
        let trigger = typed.and_then(|content| match Said::from(content) {
            Said::Event { event, properties } => Some((event?, properties)),
            Said::Attributes(_) | Said::Presence => None,
        });
        let asked = |nudge: f64| {
            let naive = Naive::new(definitions, id, messages).with_scores_times(nudge);
            answer(definitions, &naive.at(now), trigger.as_ref())
        };
        let mut answers = asked(1.0);
        if definitions
            .aggregates
            .iter()
            .any(|aggregate| matches!(aggregate.function, Function::Decayed { .. }))
        {
            for nudge in [1.0 - NUDGE, 1.0 + NUDGE] {
                let close = close_calls(&answers, &asked(nudge));
                answers.close_calls.extend(close);
            }
        }
        answers
    }
}

impl From<Content> for Said {
    fn from(content: Content) -> Said {
        match content {
            Content::Attributes(set) => Said::Attributes(set),
            Content::Event { event, properties } => Said::Event { event, properties },
            Content::Presence => Said::Presence,
        }
    }
}

fn answer(
    definitions: &Definitions,
    moment: &Moment<'_>,
    trigger: Option<&(EventId, Arc<[Option<Value>]>)>,
) -> Answers {
    let mut attributes = BTreeMap::new();
    for (number, name) in definitions.attribute_names.iter().enumerate() {
        attributes.insert(name.to_owned(), moment.set_value(AttributeId::from_index(number)));
    }
    for (name, computed) in definitions.computed_names.iter().zip(&definitions.computed) {
        attributes.insert(name.to_owned(), moment.value(&computed.value));
    }
    let segments = definitions.segment_names.iter().enumerate();
    let segments = segments
        .map(|(number, name)| (name.to_owned(), moment.is_member(SegmentId::from_index(number))))
        .collect();
    let personalizations = definitions.personalization_names.iter().zip(&definitions.personalizations);
    let decisions = personalizations.map(|(name, definition)| {
        let just_now =
            trigger.filter(|(event, _)| definition.on == Some(*event)).map(|(_, properties)| &**properties);
        let last = || definition.on.and_then(|event| moment.last_properties(event));
        let moment = moment.with_trigger(just_now.or_else(last).unwrap_or_default());
        (name.to_owned(), shown(definitions, definition, &moment))
    });
    let decisions = decisions.collect();
    Answers { known: moment.is_known(), attributes, segments, decisions, close_calls: BTreeSet::new() }
}

fn shown(definitions: &Definitions, definition: &PersonalizationDefinition, moment: &Moment<'_>) -> Shown {
    let text = |template: Option<&Template>| {
        template.and_then(|template| {
            template
                .render(|name| match definitions.value_named(name) {
                    Some(value) => moment.value(&value),
                    None => moment.trigger_map(definition.on?),
                })
                .ok()
        })
    };
    let winners = moment.winners(definition);
    let offers = match &definition.fallback {
        Some(fallback) if winners.is_empty() => {
            vec![(fallback.name.to_string(), text(fallback.text.as_ref()))]
        }
        _ => winners.iter().map(|offer| (offer.name.to_string(), text(offer.text.as_ref()))).collect(),
    };
    let attributes = definition.attributes.iter();
    let attributes = attributes.map(|asked| (asked.name.to_string(), moment.value(&asked.value))).collect();
    Shown { offers, attributes }
}

/// What differs in more than the digits of floats.
fn close_calls(a: &Answers, b: &Answers) -> Vec<String> {
    let mut names = Vec::new();
    for (name, value) in &a.segments {
        if b.segments.get(name) != Some(value) {
            names.push(name.clone());
        }
    }
    for (name, shown) in &a.decisions {
        if b.decisions.get(name).is_none_or(|other| other.offers != shown.offers) {
            names.push(name.clone());
        }
    }
    for (name, value) in &a.attributes {
        let same = match (value, b.attributes.get(name)) {
            (Some(Value::Float(_)), Some(Some(Value::Float(_)))) => true,
            (value, other) => other == Some(value),
        };
        if !same {
            names.push(name.clone());
        }
    }
    names
}
