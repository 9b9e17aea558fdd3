//! Whose message it is, and which other identifiers it ties to that customer.

use std::borrow::Cow;

use serde_json::Value as Json;
use smallvec::{SmallVec, smallvec};

use crate::base::limits::MAX_ID_BYTES;
use crate::model::identifier::{Identifier, IdentifierKind, OwnedIdentifier};
use crate::model::message::{Message, MessageKind};
use crate::rules::identifiers::IdentifierRules;

/// The identifier under which a message came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Home<'a> {
    kind: IdentifierKind,
    text: Cow<'a, str>,
}

/// What a message says of identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ties {
    pub(crate) kind: TieKind,
    /// The identifiers beside the message's home.
    pub(crate) others: SmallVec<[OwnedIdentifier; 2]>,
}

/// What becomes of the identifiers that a message names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TieKind {
    /// The others are the customer's from now on; anonymous customers are joined, known ones are not.
    Claim,
    /// Those who are named are one customer.
    Join,
    /// What tied the customer to others until now does not count.
    Part,
}

impl<'a> Home<'a> {
    /// The identifier under which a message counts; nothing if its ids identify nobody.
    pub(crate) fn of(message: &'a Message, rules: &IdentifierRules) -> Option<Home<'a>> {
        let user = message.user_id().and_then(|id| rules.user.read(id));
        if let Some(text) = user {
            return Some(Home { kind: IdentifierKind::User, text });
        }
        let text = rules.anonymous.read(message.anonymous_id()?)?;
        Some(Home { kind: IdentifierKind::Anonymous, text })
    }

    /// The same of a message that was accepted: one that identifies nobody by now stays under its id.
    pub(crate) fn of_accepted(message: &'a Message, rules: &IdentifierRules) -> Home<'a> {
        Home::of(message, rules).unwrap_or_else(|| {
            let Identifier { kind, text } = written_home(message);
            Home { kind, text: Cow::Borrowed(text) }
        })
    }

    /// The identifier.
    pub(crate) fn identifier(&self) -> Identifier<'_> {
        Identifier { kind: self.kind, text: &self.text }
    }
}

/// The id under which a message came as it is written, whatever a catalog says: where files group messages
/// by.
pub(crate) fn written_home(message: &Message) -> Identifier<'_> {
    match (message.user_id(), message.anonymous_id()) {
        (Some(user), _) => Identifier::user(user),
        (None, visitor) => Identifier::anonymous(visitor.unwrap_or_default()),
    }
}

impl Ties {
    /// What a message says of identifiers; nothing for nearly all messages.
    pub(crate) fn of(message: &Message, rules: &IdentifierRules) -> Option<Ties> {
        match message.kind() {
            MessageKind::Identify => {
                let others = claimed(message, rules);
                (!others.is_empty()).then_some(Ties { kind: TieKind::Claim, others })
            }
            MessageKind::Alias { previous_id } => {
                // Nothing says which kind of id it is, so it is both.
                let user = rules.user.read(previous_id);
                let visitor = rules.anonymous.read(previous_id);
                let user = user.iter().map(|id| Identifier::user(id).to_owned());
                let others = user.chain(visitor.iter().map(|id| Identifier::anonymous(id).to_owned()));
                Some(Ties { kind: TieKind::Join, others: others.collect() })
            }
            MessageKind::Unmerge => Some(Ties { kind: TieKind::Part, others: smallvec![] }),
            MessageKind::Track { .. }
            | MessageKind::Page { .. }
            | MessageKind::Screen { .. }
            | MessageKind::Group { .. }
            | MessageKind::Summary => None,
        }
    }
}

/// The identifiers that an `identify` claims for its customer.
fn claimed(message: &Message, rules: &IdentifierRules) -> SmallVec<[OwnedIdentifier; 2]> {
    let mut claimed = SmallVec::new();
    let user = message.user_id().and_then(|id| rules.user.read(id));
    if user.is_some()
        && let Some(visitor) = message.anonymous_id().and_then(|id| rules.anonymous.read(id))
    {
        claimed.push(Identifier::anonymous(&visitor).to_owned());
    }
    for (name, rule) in &rules.declared {
        let Some(text) = trait_text(message, name) else { continue };
        if let Some(value) = rule.read(&text).filter(|value| value.len() <= MAX_ID_BYTES) {
            claimed.push(OwnedIdentifier::declared(name, &value));
        }
    }
    claimed
}

/// The trait of an attribute as a text that can identify.
pub(super) fn trait_text<'a>(message: &'a Message, attribute: &str) -> Option<Cow<'a, str>> {
    match message.traits().get(attribute) {
        Some(Json::String(text)) => Some(Cow::Borrowed(text.as_str())),
        Some(Json::Number(number)) if !number.is_f64() => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}
