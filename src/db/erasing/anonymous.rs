//! What a person's messages become when they go on without the person.
//!
//! Of each message stays that something happened, when, and what the catalog declares of it and calls neither
//! an identifier nor sensitive. What is not declared goes, because nobody can say what it is. So everything
//! that is concluded from what stays is what it was:
//!
//! 1. Of each message there is one that counts as it did: `track`, `page` and `screen` stay what they are, and
//!    any other becomes an `identify`, which sets the attributes that are left, or only makes known.
//! 2. Times stay, and messages of one millisecond keep their order: it hangs on message ids, and the new ones
//!    ascend as the old ones did.
//! 3. What is said of the purposes of the catalog stays, since what counts hangs on it.
//!
//! Ids are drawn by chance. Nothing is kept that leads from them to the person, or back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::base::error::Error;
use crate::base::keyed_hash::HashKey;
use crate::engine::summary::stripped::{named_ids, stripped};
use crate::engine::typed_message::{PAGE_EVENT, SCREEN_EVENT, event_of};
use crate::facts::identity::resolution::Heard;
use crate::model::declaration::FieldDeclaration;
use crate::model::identifier::{Identifier, OwnedIdentifier};
use crate::model::message::{Message, MessageKind};
use crate::model::value::{Type, Value};
use crate::rules::definitions::Definitions;
use crate::store::history::Entry;

/// How many bytes of chance are in an id.
const CHANCE_BYTES: usize = 16;

/// An id that nobody has, and nobody can guess.
///
/// # Errors
/// `Io` if the system gives no random numbers.
pub(crate) fn new_anonymous_id() -> Result<OwnedIdentifier, Error> {
    let chance = HashKey::random()?.0;
    let digits: String = chance[..CHANCE_BYTES].iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Identifier::anonymous(&format!("anon-{digits}")).to_owned())
}

/// The ids that a person's messages get. They ascend as the old ones do: those of messages that are there, and
/// those that summaries speak of, because events of both kinds may be of one millisecond.
#[derive(Debug)]
pub(crate) struct NewIds<'a> {
    person: &'a str,
    places: BTreeMap<&'a str, usize>,
}

impl<'a> NewIds<'a> {
    /// The ids for these messages under an anonymous id.
    pub(crate) fn of(person: Identifier<'a>, messages: &[Heard<'a>]) -> NewIds<'a> {
        let old = messages.iter().flat_map(|heard| named_ids(heard.message).chain([heard.message_id]));
        let old: BTreeSet<&str> = old.collect();
        let places = old.into_iter().enumerate().map(|(place, old)| (old, place));
        NewIds { person: person.text, places: places.collect() }
    }

    fn new_id(&self, old: &str) -> String {
        let place = self.places.get(old).expect("it is one of those that this is made of");
        format!("{}-{place:010}", self.person)
    }
}

/// What becomes of one of a person's messages.
pub(crate) fn anonymous(
    Heard { time, message_id, message }: &Heard<'_>,
    ids: &NewIds<'_>,
    definitions: &Definitions,
) -> Entry {
    let id = ids.person;
    let message_id = ids.new_id(message_id);
    let kind = match message.kind() {
        MessageKind::Track { .. } => message.kind().clone(),
        MessageKind::Page { name, category } => {
            let [name, category] = declared_names(PAGE_EVENT, name, category, definitions);
            MessageKind::Page { name, category }
        }
        MessageKind::Screen { name, category } => {
            let [name, category] = declared_names(SCREEN_EVENT, name, category, definitions);
            MessageKind::Screen { name, category }
        }
        MessageKind::Summary => MessageKind::Summary,
        _ => MessageKind::Identify,
    };
    let mut left = Message::new(kind, id).anonymous().with_id(&message_id).with_timestamp(*time);
    if *message.kind() == MessageKind::Summary {
        let properties = stripped(message, &|old| ids.new_id(old), definitions);
        left = left.with_properties(properties);
    }
    for (name, value) in message.properties() {
        let declared = event_of(message.kind()).and_then(|event| property(event, name, definitions));
        if let Some(value) = declared.and_then(|declared| left_of(value, declared)) {
            left = left.with_property(name, value);
        }
    }
    for (name, value) in message.traits().iter().filter(|_| *message.kind() == MessageKind::Identify) {
        if let Some(value) = attribute(name, definitions).and_then(|declared| left_of(value, declared)) {
            left = left.with_trait(name, value);
        }
    }
    let said = message.consent_preferences().and_then(Json::as_object);
    for (purpose, is_granted) in said.into_iter().flatten() {
        if let Some(is_granted) =
            is_granted.as_bool().filter(|_| definitions.purposes.names.get(purpose).is_some())
        {
            left = left.with_consent(purpose, is_granted);
        }
    }
    Entry { time: *time, message_id: message_id.into(), message: left }
}

/// Name and category of a page or screen, which count as properties of its event.
fn declared_names(
    event: &str,
    name: &Option<String>,
    category: &Option<String>,
    definitions: &Definitions,
) -> [Option<String>; 2] {
    [("name", name), ("category", category)].map(|(key, text)| {
        let is_left = property(event, key, definitions).is_some_and(|declared| !declared.sensitive);
        text.clone().filter(|_| is_left)
    })
}

/// What is declared of a property; those that conditions only name are not.
fn property<'d>(event: &str, name: &str, definitions: &'d Definitions) -> Option<&'d FieldDeclaration> {
    let event = &definitions.events[definitions.event_names.get(event)? as usize];
    let declared = &event.properties[event.property_names.get(name)? as usize];
    (declared.ty != Type::Any).then_some(declared)
}

fn attribute<'d>(name: &str, definitions: &'d Definitions) -> Option<&'d FieldDeclaration> {
    Some(&definitions.attributes[definitions.attribute_names.get(name)? as usize])
}

/// What is left of a value; nothing where it does not count, or must not stay.
fn left_of(json: &Json, declared: &FieldDeclaration) -> Option<Json> {
    if declared.identifier || declared.sensitive {
        return None;
    }
    let value = Value::from_json(json, &declared.ty).ok()?;
    Some(value.map_or(Json::Null, |_| declared_fields(json, &declared.ty)))
}

/// A value without the fields that are not declared.
fn declared_fields(json: &Json, ty: &Type) -> Json {
    match (json, ty) {
        (Json::Object(fields), Type::Record(declared)) => {
            let left = declared.iter().filter_map(|(name, ty)| {
                fields.get(&**name).map(|value| ((**name).to_owned(), declared_fields(value, ty)))
            });
            Json::Object(left.collect())
        }
        (Json::Object(fields), Type::Map(element)) => {
            let left = fields.iter().map(|(name, value)| (name.clone(), declared_fields(value, element)));
            Json::Object(left.collect())
        }
        (Json::Array(items), Type::List(element)) => {
            Json::Array(items.iter().map(|item| declared_fields(item, element)).collect())
        }
        _ => json.clone(),
    }
}
