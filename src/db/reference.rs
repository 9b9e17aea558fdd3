//! A database as slow and as plain as can be, to test the real one against.
//!
//! It keeps lists of messages and computes every answer from scratch with the
//! [naive evaluator](crate::rules::naive). It refuses what the database refuses, except where limits of
//! memory are reached: it has none.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::catalog::Catalog;
use crate::db::naive_erasure::{Grave, Left, erase, is_of_the_erased};
use crate::db::naive_identity::{Everybody, Person, everybody};
use crate::engine::called::Called;
use crate::engine::typed_message::{Content, Misfits};
use crate::facts::identity::ties::Home;
use crate::model::call::Call;
use crate::model::consent::Consent;
use crate::model::identifier::{Identifier, IdentifierKind, OwnedIdentifier};
use crate::model::ids::{AttributeId, EventId, SegmentId};
use crate::model::message::{Message, MessageKind};
use crate::model::refusal::{Refusal, RefusalReason};
use crate::model::value::Value;
use crate::rules::at_call::AlreadyShown;
use crate::rules::definitions::{Definitions, OfferDefinition, PersonalizationDefinition};
use crate::rules::exposure_counts::ExposureCounts;
use crate::rules::expression::Function;
use crate::rules::naive::{Moment, Naive, Said, Told};
use crate::rules::naive_consents::{consent, what_counts};
use crate::rules::template::Template;

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
    /// All accepted messages, sorted by time and message id.
    messages: Vec<Accepted>,
    fingerprints: HashMap<String, u128>,
    /// How often offers were shown, also to who was erased.
    exposures: ExposureCounts,
    /// Who was erased.
    graves: Vec<Grave>,
    /// Who is who, as long as no message comes and no tie takes effect.
    people: RefCell<Option<(usize, Rc<[Customer]>)>>,
}

/// An accepted message, as it was and as the catalog reads it.
#[derive(Debug)]
struct Accepted {
    message: Message,
    told: Told,
}

/// One customer.
#[derive(Debug)]
struct Customer {
    person: Person,
    told: Vec<Told>,
}

/// What should be known of one customer at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// The id that the customer is shown under.
    pub id: String,
    /// Whether a message of this customer has taken effect.
    pub known: bool,
    /// Attributes and computed attributes; a missing one has no value.
    pub attributes: BTreeMap<String, Option<Value>>,
    /// Whether the customer is a member of each segment.
    pub segments: BTreeMap<String, bool>,
    /// What each personalization shows.
    pub decisions: BTreeMap<String, Shown>,
    /// The names of what each placement shows: of each of its personalizations, in their order.
    pub placements: BTreeMap<String, Vec<Vec<String>>>,
    /// What the customer said to each purpose.
    pub consents: BTreeMap<String, Consent>,
    /// Whether the message asked about is an event that counts.
    pub triggers: bool,
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
        let (messages, fingerprints, graves) = (Vec::new(), HashMap::new(), Vec::new());
        Reference {
            catalog,
            messages,
            fingerprints,
            exposures: ExposureCounts::default(),
            graves,
            people: RefCell::default(),
        }
    }

    /// Accepts a message, which has to have an id, at `now`; says whether it is new.
    ///
    /// # Errors
    /// If the message is refused.
    pub fn apply(&mut self, message: Message, now: Time) -> Result<bool, Refusal> {
        message.check()?;
        let rules = &self.catalog.definitions.identifiers;
        if Home::of(&message, rules).is_none() {
            return Err(Refusal::new(RefusalReason::Blocked, "userId", "the ids identify nobody"));
        }
        let Some(message_id) = message.message_id().map(str::to_owned) else {
            return Err(Refusal::new(RefusalReason::Schema, "messageId", "the reference gives no ids"));
        };
        let time = message.timestamp().unwrap_or(now);
        if is_of_the_erased(&message, time, &self.graves, rules) {
            return Err(Refusal::new(RefusalReason::Erased, "userId", "its customer was erased"));
        }
        let fingerprint = message.fingerprint();
        match self.fingerprints.get(&message_id) {
            Some(known) if *known == fingerprint => return Ok(false),
            Some(_) => {
                return Err(Refusal::new(RefusalReason::Conflict, "messageId", "known with other content"));
            }
            None => {}
        }
        let definitions = &self.catalog.definitions;
        if time > now + definitions.max_skew {
            return Err(Refusal::new(RefusalReason::Skew, "timestamp", "too far ahead"));
        }
        let content = Content::of(&message, definitions, Misfits::Refuse)?;
        let place = self
            .messages
            .partition_point(|known| (known.told.time, &known.told.message_id) < (time, &message_id));
        let told = told(time, message_id.clone(), &content);
        let is_alias = matches!(message.kind(), MessageKind::Alias { .. });
        self.messages.insert(place, Accepted { message, told });
        if is_alias && time <= now && self.people_at(now, Some(&message_id)).is_too_much {
            self.messages.remove(place);
            return Err(Refusal::new(RefusalReason::Limit, "previousId", "too many identifiers"));
        }
        self.fingerprints.insert(message_id, fingerprint);
        self.exposures.count(&self.messages[place].message);
        *self.people.borrow_mut() = None;
        Ok(true)
    }

    /// Replaces the catalog, as if it had been there from the start.
    pub fn replace_catalog(&mut self, catalog: Catalog) {
        for Accepted { message, told } in &mut self.messages {
            let content = Content::of(message, &catalog.definitions, Misfits::LeaveOut);
            let content = content.unwrap_or(Content::Presence);
            *told = self::told(told.time, told.message_id.clone(), &content);
        }
        self.catalog = catalog;
        *self.people.borrow_mut() = None;
    }

    /// Erases the customer `id`; says whether there is one.
    pub fn erase(&mut self, id: &str, now: Time) -> bool {
        let customers = self.customers(now);
        let Some(customer) = self.named(&customers, id) else { return false };
        let Some(any) = customer.person.identifiers.keys().next() else { return false };
        let everybody = self.people_at(now, None);
        let has = |identifiers: &BTreeMap<OwnedIdentifier, Option<Time>>| identifiers.contains_key(any);
        let Some(number) = everybody.people.iter().position(|person| has(&person.identifiers)) else {
            return false;
        };
        let definitions = &self.catalog.definitions;
        let messages: Vec<(Time, &Message)> =
            self.messages.iter().map(|accepted| (accepted.told.time, &accepted.message)).collect();
        let (left, graves) = erase(&messages, &everybody, number, &definitions.identifiers, now);
        self.graves.extend(graves);
        let mut kept = Vec::new();
        for (Accepted { message, told }, left) in std::mem::take(&mut self.messages).into_iter().zip(left) {
            let message = match left {
                Left::Nothing => {
                    self.fingerprints.remove(&told.message_id);
                    continue;
                }
                Left::Without(fields) => message.without(&fields),
                Left::Whole => message,
            };
            self.fingerprints.insert(told.message_id.clone(), message.fingerprint());
            let content = Content::of(&message, definitions, Misfits::LeaveOut);
            let content = content.unwrap_or(Content::Presence);
            let told = self::told(told.time, told.message_id, &content);
            kept.push(Accepted { message, told });
        }
        self.messages = kept;
        *self.people.borrow_mut() = None;
        true
    }

    /// Who is who when the ties up to `now` are in effect.
    fn people_at(&self, now: Time, asked: Option<&str>) -> Everybody {
        let heard = self.messages.iter().take_while(|accepted| accepted.told.time <= now);
        let heard: Vec<(Time, &str, &Message)> =
            heard.map(|Accepted { message, told }| (told.time, told.message_id.as_str(), message)).collect();
        everybody(&heard, &self.catalog.definitions.identifiers, asked)
    }

    fn customers(&self, now: Time) -> Rc<[Customer]> {
        let in_effect = self.messages.partition_point(|accepted| accepted.told.time <= now);
        if let Some((known, customers)) = &*self.people.borrow()
            && *known == in_effect
        {
            return Rc::clone(customers);
        }
        let customers = self.people_at(now, None).people.into_iter().map(|person| Customer {
            told: person.messages.iter().map(|place| self.messages[*place].told.clone()).collect(),
            person,
        });
        let customers: Rc<[Customer]> = customers.collect();
        *self.people.borrow_mut() = Some((in_effect, Rc::clone(&customers)));
        customers
    }

    /// The customer whom a bare id names: a user, a visitor, or one with such an identifier.
    fn named<'c>(&self, customers: &'c [Customer], id: &str) -> Option<&'c Customer> {
        let rules = &self.catalog.definitions.identifiers;
        let user = Identifier::user(&rules.user.look_up(id)).to_owned();
        let visitor = Identifier::anonymous(&rules.anonymous.look_up(id)).to_owned();
        let declared = rules.declared.iter();
        let declared =
            declared.filter_map(|(name, rule)| Some(OwnedIdentifier::declared(name, &rule.read(id)?)));
        let has = |identifier: OwnedIdentifier| {
            // A user's id that nobody has used says nothing.
            let is_it = |(id, seen): (&OwnedIdentifier, &Option<Time>)| {
                *id == identifier && (seen.is_some() || id.kind != IdentifierKind::User)
            };
            // Nor is anybody known under ids that were only named.
            let is_known = |customer: &&Customer| customer.person.identifiers.values().any(Option::is_some);
            let mut known = customers.iter().filter(is_known);
            known.find(|customer| customer.person.identifiers.iter().any(is_it))
        };
        [user, visitor].into_iter().chain(declared).find_map(has)
    }

    /// Everything that can be asked of the customer `id` at `now`.
    pub fn answers(&self, id: &str, now: Time) -> Answers {
        let customers = self.customers(now);
        let nothing = Called::default();
        self.answered(id, self.named(&customers, id), now, Asking { trigger: None, called: &nothing })
    }

    /// The same for a call that says more than who asks; attributes and segments do not depend on it.
    ///
    /// # Errors
    /// If what the call says does not fit the catalog.
    pub fn answers_with(&self, id: &str, call: &Call, now: Time) -> Result<Answers, Error> {
        let customers = self.customers(now);
        let called = Called::of(call, &self.catalog.definitions)?;
        Ok(self.answered(id, self.named(&customers, id), now, Asking { trigger: None, called: &called }))
    }

    /// The same, where personalizations on the event of `message` see its properties.
    pub fn answers_after(&self, message: &Message, now: Time) -> Answers {
        let customers = self.customers(now);
        let home = Home::of_accepted(message, &self.catalog.definitions.identifiers);
        let home = home.identifier().to_owned();
        let customer = customers.iter().find(|customer| customer.person.identifiers.contains_key(&home));
        let nothing = Called::default();
        self.answered(&home.text, customer, now, Asking { trigger: Some(message), called: &nothing })
    }

    /// The event that a message is, if it counts among these of the customer; one that needs no purpose
    /// counts whosever it was at its time.
    fn trigger(&self, message: &Message, counting: &[Told]) -> Option<(EventId, Arc<[Option<Value>]>)> {
        let definitions = &self.catalog.definitions;
        let content = Content::of(message, definitions, Misfits::LeaveOut).ok()?;
        let Content::Event { event: Some(event), properties } = content.rest() else { return None };
        let is_it = |told: &Told| {
            message.message_id() == Some(&told.message_id) && matches!(told.said, Said::Event { .. })
        };
        let counts = definitions.purposes.of_event(Some(*event)).is_empty() || counting.iter().any(is_it);
        counts.then(|| (*event, Arc::clone(properties)))
    }

    fn answered(
        &self,
        id: &str,
        customer: Option<&Customer>,
        now: Time,
        Asking { trigger, called }: Asking<'_>,
    ) -> Answers {
        let one = [id.to_owned()];
        let known = customer.map(|customer| {
            let ids = customer.person.identifiers.keys();
            ids.map(|identifier| identifier.borrowed().value().to_owned()).collect::<Vec<_>>()
        });
        let ids = known.as_deref().unwrap_or(&one);
        let first_seen = [IdentifierKind::User, IdentifierKind::Anonymous]
            .map(|kind| customer.and_then(|customer| customer.person.first_seen(kind)));
        let messages = customer.map_or(&[][..], |customer| &customer.told);
        let messages = &messages[..messages.partition_point(|told| told.time <= now)];
        let definitions = &self.catalog.definitions;
        let counting = what_counts(messages, definitions);
        let trigger = trigger.and_then(|message| self.trigger(message, &counting));
        let asked = |nudge: f64| {
            let naive = Naive::new(definitions, (ids, first_seen), &counting).with_scores_times(nudge);
            answer(definitions, &naive.at(now), trigger.as_ref(), (called, &self.exposures))
        };
        let mut answers = asked(1.0);
        let names = definitions.purposes.names.iter().zip(definitions.purposes.all());
        answers.consents =
            names.map(|(name, purpose)| (name.to_owned(), consent(messages, purpose))).collect();
        answers.triggers = trigger.is_some();
        answers.id = customer.map_or(id, |customer| customer.person.shown()).to_owned();
        if definitions.aggregates.iter().any(|aggregate| {
            matches!(aggregate.function, Function::Decayed { .. } | Function::DecayedItems { .. })
        }) {
            for nudge in [1.0 - NUDGE, 1.0 + NUDGE] {
                let close = close_calls(&answers, &asked(nudge));
                answers.close_calls.extend(close);
            }
        }
        answers
    }
}

/// What is asked beside who asks.
#[derive(Clone, Copy)]
struct Asking<'a> {
    /// The event that was just applied.
    trigger: Option<&'a Message>,
    called: &'a Called,
}

/// A message as the naive evaluator knows it.
fn told(time: Time, message_id: String, content: &Content) -> Told {
    let said = match content.rest() {
        Content::Attributes(set) => Said::Attributes(set.clone()),
        Content::Event { event, properties } => {
            Said::Event { event: *event, properties: Arc::clone(properties) }
        }
        Content::Presence | Content::Summary(_) | Content::Consenting(_) => Said::Presence,
    };
    Told { time, message_id, said, consents: content.consents().to_vec() }
}

fn answer(
    definitions: &Definitions,
    moment: &Moment<'_>,
    trigger: Option<&(EventId, Arc<[Option<Value>]>)>,
    (called, exposures): (&Called, &ExposureCounts),
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
    let asked = |definition: &PersonalizationDefinition| {
        let just_now =
            trigger.filter(|(event, _)| definition.on == Some(*event)).map(|(_, properties)| &**properties);
        let last = || definition.on.and_then(|event| moment.last_properties(event));
        moment.at_call(called.at_call(just_now.or_else(last).unwrap_or_default()))
    };
    let personalizations = definitions.personalization_names.iter().zip(&definitions.personalizations);
    let decisions = personalizations
        .map(|(name, definition)| {
            let moment = asked(definition);
            let winners = moment.winners((name, definition), exposures, &AlreadyShown::default());
            (name.to_owned(), shown(definitions, definition, &winners, &moment))
        })
        .collect();
    let placements = definitions.placement_names.iter().zip(&definitions.placements);
    let placements = placements.map(|(name, placement)| {
        let mut already = AlreadyShown::nothing_of(placement.most);
        let each = placement.personalizations.iter().map(|id| {
            let definition = &definitions.personalizations[id.index()];
            let named = (definitions.personalization_names.name(id.0), definition);
            let winners = asked(definition).winners(named, exposures, &already);
            winners.iter().for_each(|offer| already.add(offer));
            let fallback = definition.fallback.as_ref().filter(|_| winners.is_empty());
            let names =
                winners.iter().map(|offer| &offer.name).chain(fallback.map(|fallback| &fallback.name));
            names.map(ToString::to_string).collect()
        });
        (name.to_owned(), each.collect())
    });
    let placements = placements.collect();
    Answers {
        id: String::new(),
        known: moment.is_known(),
        attributes,
        segments,
        decisions,
        placements,
        consents: BTreeMap::new(),
        triggers: false,
        close_calls: BTreeSet::new(),
    }
}

fn shown(
    definitions: &Definitions,
    definition: &PersonalizationDefinition,
    winners: &[&OfferDefinition],
    moment: &Moment<'_>,
) -> Shown {
    let text = |template: Option<&Template>| {
        template.and_then(|template| {
            template
                .render(|name| match definitions.value_named(name) {
                    Some(value) => moment.value(&value),
                    None => definitions.map_of_call(name, definition.on, moment.call()),
                })
                .ok()
        })
    };
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
    let are_close = |a: &Option<Value>, b: &Option<Value>| match (a, b) {
        (Some(a), Some(b)) => are_close(a, b),
        (a, b) => a == b,
    };
    let segments = differing(&a.segments, &b.segments, bool::eq);
    let decisions = differing(&a.decisions, &b.decisions, |a, b| a.offers == b.offers);
    let placements = differing(&a.placements, &b.placements, PartialEq::eq);
    let attributes = differing(&a.attributes, &b.attributes, are_close);
    segments.chain(decisions).chain(placements).chain(attributes).cloned().collect()
}

/// The names under which two maps do not say the same.
fn differing<'m, V>(
    a: &'m BTreeMap<String, V>,
    b: &'m BTreeMap<String, V>,
    same: impl Fn(&V, &V) -> bool + 'm,
) -> impl Iterator<Item = &'m String> {
    let differing =
        move |(name, value): &(&String, &V)| !b.get(*name).is_some_and(|other| same(value, other));
    a.iter().filter(differing).map(|(name, _)| name)
}

/// Whether only numbers that scores moved tell two values apart.
fn are_close(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(_), Value::Float(_)) => true,
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && a.iter().zip(&**b).all(|((a, of_a), (b, of_b))| a == b && are_close(of_a, of_b))
        }
        (a, b) => a == b,
    }
}
