//! A message as the catalog understands it: names resolved, values of their declared types.
//!
//! What the catalog does not declare is not here; it stays in the history, where a later catalog may
//! find it. A message is typed twice in its life: when it arrives, refusing what does not fit, and
//! when the profile is rebuilt under another catalog, where a value that no longer fits is missing.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::engine::consents::Consenting;
use crate::engine::summary::digest::Digest;
use crate::facts::stamp::Stamp;
use crate::model::declaration::FieldDeclaration;
use crate::model::ids::{AttributeId, EventId, PurposeId};
use crate::model::message::{Message, MessageKind};
use crate::model::refusal::{Refusal, RefusalReason};
use crate::model::value::Value;
use crate::rules::definitions::Definitions;

/// A message with its place in time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TypedMessage {
    pub(crate) stamp: Stamp,
    pub(crate) content: Content,
}

/// What a message changes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    /// Attributes set, or with no value removed.
    Attributes(Vec<(AttributeId, Option<Value>)>),
    /// Something happened; properties by their place among the event's.
    Event { event: Option<EventId>, properties: Arc<[Option<Value>]> },
    /// Nothing but that the customer is known.
    Presence,
    /// What is left of messages that are gone.
    Summary(Arc<Digest>),
    /// One of the above, and words on purposes.
    Consenting(Box<Consenting>),
}

/// Where a message says what the customer consents to.
const PREFERENCES: &str = "context.consent.categoryPreferences";
/// The event that a `page` counts as where the catalog declares it.
pub(crate) const PAGE_EVENT: &str = "Page Viewed";
/// The event that a `screen` counts as where the catalog declares it.
pub(crate) const SCREEN_EVENT: &str = "Screen Viewed";

/// The event that a message is, or counts as where it is declared.
pub(crate) fn event_of(kind: &MessageKind) -> Option<&str> {
    match kind {
        MessageKind::Track { event } => Some(event),
        MessageKind::Page { .. } => Some(PAGE_EVENT),
        MessageKind::Screen { .. } => Some(SCREEN_EVENT),
        MessageKind::Identify
        | MessageKind::Alias { .. }
        | MessageKind::Group { .. }
        | MessageKind::Unmerge
        | MessageKind::Summary => None,
    }
}

/// What to do with what does not fit the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misfits {
    /// Refuse the message: it is new.
    Refuse,
    /// Leave the value out: the message was accepted under another catalog.
    LeaveOut,
}

impl Content {
    /// What a message says in the terms of a catalog.
    pub(crate) fn of(
        message: &Message,
        definitions: &Definitions,
        misfits: Misfits,
    ) -> Result<Content, Refusal> {
        let reader = Reader { definitions, misfits };
        let rest = reader.rest(message)?;
        let consents = reader.consents(message)?;
        match consents.is_empty() {
            true => Ok(rest),
            false => Ok(Content::Consenting(Box::new(Consenting { consents, rest }))),
        }
    }
}

struct Reader<'a> {
    definitions: &'a Definitions,
    misfits: Misfits,
}

impl Reader<'_> {
    fn rest(&self, message: &Message) -> Result<Content, Refusal> {
        match message.kind() {
            MessageKind::Identify => self.attributes(message.traits()),
            MessageKind::Track { event } => self.event(event, message.properties()),
            MessageKind::Page { name, category } => {
                self.view(PAGE_EVENT, name, category, message.properties())
            }
            MessageKind::Screen { name, category } => {
                self.view(SCREEN_EVENT, name, category, message.properties())
            }
            MessageKind::Alias { .. } | MessageKind::Group { .. } | MessageKind::Unmerge => {
                Ok(Content::Presence)
            }
            MessageKind::Summary => Ok(Content::Summary(Arc::new(Digest::read(message, self.definitions)))),
        }
    }

    /// What is said of the purposes that the catalog has.
    fn consents(&self, message: &Message) -> Result<Vec<(PurposeId, bool)>, Refusal> {
        let names = &self.definitions.purposes.names;
        let mut consents = Vec::new();
        let Some(preferences) = message.consent_preferences().filter(|_| !names.is_empty()) else {
            return Ok(consents);
        };
        let Some(preferences) = preferences.as_object() else {
            let detail = "expected an object of purposes, each with true or false";
            return self.wrong_consent(PREFERENCES, preferences, detail).map(|()| consents);
        };
        for (name, said) in preferences {
            match (names.get(name), said.as_bool()) {
                (Some(purpose), Some(is_granted)) => consents.push((PurposeId(purpose), is_granted)),
                (Some(_), None) => {
                    self.wrong_consent(&format!("{PREFERENCES}.{name}"), said, "expected true or false")?;
                }
                (None, _) => {}
            }
        }
        Ok(consents)
    }

    fn wrong_consent(&self, field: &str, said: &Json, detail: &str) -> Result<(), Refusal> {
        match self.misfits {
            Misfits::Refuse => {
                Err(Refusal::new(RefusalReason::Schema, field, detail).with_value(said.clone()))
            }
            Misfits::LeaveOut => Ok(()),
        }
    }

    fn is_strict(&self) -> bool {
        self.definitions.strict && self.misfits == Misfits::Refuse
    }

    fn attributes(&self, traits: &Map<String, Json>) -> Result<Content, Refusal> {
        let mut set = Vec::with_capacity(traits.len());
        for (name, json) in traits {
            match self.definitions.attribute_names.get(name) {
                Some(number) => {
                    let attribute = AttributeId(number);
                    let declared = &self.definitions.attributes[attribute.index()];
                    if let Some(value) = self.value("traits", name, json, declared)? {
                        set.push((attribute, value));
                    }
                }
                None if self.is_strict() => {
                    let known = self.definitions.attribute_names.iter();
                    return Err(undeclared(
                        RefusalReason::UnknownAttribute,
                        "attribute",
                        "traits",
                        name,
                        known,
                    ));
                }
                None => {}
            }
        }
        Ok(Content::Attributes(set))
    }

    fn event(&self, name: &str, properties: &Map<String, Json>) -> Result<Content, Refusal> {
        let Some(event) = self.definitions.event_names.get(name).map(EventId) else {
            if self.is_strict() {
                let known = self.definitions.event_names.iter();
                return Err(undeclared(RefusalReason::UnknownEvent, "event", "event", name, known));
            }
            return Ok(Content::Event { event: None, properties: Arc::default() });
        };
        let declared = self.definitions.event(event);
        let mut values: Vec<Option<Value>> = vec![None; declared.properties.len()];
        for (name, json) in properties {
            match declared.property_names.get(name) {
                Some(number) => {
                    let declaration = &declared.properties[number as usize];
                    let value = self.value("properties", name, json, declaration)?;
                    values[number as usize] = value.flatten();
                }
                None if self.is_strict() => {
                    let known = declared.property_names.iter();
                    return Err(undeclared(
                        RefusalReason::UnknownProperty,
                        "property",
                        "properties",
                        name,
                        known,
                    ));
                }
                None => {}
            }
        }
        if self.misfits == Misfits::Refuse {
            self.require(event, &values)?;
        }
        Ok(Content::Event { event: Some(event), properties: values.into() })
    }

    fn require(&self, event: EventId, values: &[Option<Value>]) -> Result<(), Refusal> {
        let declared = self.definitions.event(event);
        for (place, (declaration, value)) in declared.properties.iter().zip(values).enumerate() {
            if declaration.required && value.is_none() {
                let name = declared.property_names.name(place as u32);
                let detail = "the catalog requires this property: send it with every such event";
                return Err(Refusal::new(RefusalReason::Schema, &format!("properties.{name}"), detail));
            }
        }
        Ok(())
    }

    /// A page or screen: an event where the catalog declares it so, else only a sign of life.
    fn view(
        &self,
        event: &str,
        name: &Option<String>,
        category: &Option<String>,
        properties: &Map<String, Json>,
    ) -> Result<Content, Refusal> {
        let Some(number) = self.definitions.event_names.get(event) else { return Ok(Content::Presence) };
        let declared = &self.definitions.events[number as usize].property_names;
        let mut all = properties.clone();
        for (key, value) in [("name", name), ("category", category)] {
            if let Some(value) = value.as_ref().filter(|_| declared.get(key).is_some()) {
                all.entry(key).or_insert_with(|| Json::from(value.as_str()));
            }
        }
        self.event(event, &all)
    }

    /// The value of a declared name: nothing if it is left out, `Some(None)` if it is null.
    fn value(
        &self,
        group: &str,
        name: &str,
        json: &Json,
        declared: &FieldDeclaration,
    ) -> Result<Option<Option<Value>>, Refusal> {
        let refusal = match Value::from_json(json, &declared.ty) {
            Ok(value) => match declared.refuses(value.as_ref()) {
                None => return Ok(Some(value)),
                Some(detail) => Refusal::new(RefusalReason::Schema, &format!("{group}.{name}"), detail),
            },
            Err(mismatch) => {
                let field = format!("{group}.{name}{}", mismatch.path);
                Refusal::new(RefusalReason::Schema, &field, mismatch.reason)
            }
        };
        match self.misfits {
            Misfits::Refuse => Err(refusal.with_value(json.clone())),
            Misfits::LeaveOut => Ok(None),
        }
    }
}

impl FieldDeclaration {
    /// Why a value of the right type is not allowed, if it is not.
    pub(crate) fn refuses(&self, value: Option<&Value>) -> Option<String> {
        let value = value?;
        if self.values.is_empty() || self.values.contains(value) {
            return None;
        }
        let allowed: Vec<String> = self.values.iter().map(Value::to_string).collect();
        Some(format!("the catalog allows only {}", allowed.join(", ")))
    }
}

fn undeclared<'a>(
    reason: RefusalReason,
    what: &str,
    group: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> Refusal {
    let field = if group == "event" { group.to_owned() } else { format!("{group}.{name}") };
    let detail = match crate::base::names::nearest(name, known) {
        Some(near) => {
            format!("the strict catalog does not declare the {what} `{name}`; did you mean `{near}`?")
        }
        None => format!("the strict catalog does not declare the {what} `{name}`"),
    };
    Refusal::new(reason, &field, detail).with_value(name)
}
