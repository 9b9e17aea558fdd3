//! The texts by which a message names customers, before any rule has read them: so that they can be read by
//! the rules of another day.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::facts::identity::ties::{Home, trait_text};
use crate::model::identifier::{Identifier, IdentifierKind, OwnedIdentifier};
use crate::model::message::{Message, MessageKind};
use crate::rules::identifiers::{Form, IdentifierRules};

/// A text that names a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named<'a> {
    pub(crate) kind: IdentifierKind,
    /// The attribute, of a declared identifier.
    attribute: &'a str,
    text: Cow<'a, str>,
    pub(crate) role: Role,
}

/// What a text is to its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The message is of whoever has it.
    Home,
    /// It is claimed for that customer.
    Claimed,
    /// It is joined with that customer.
    Joined,
}

/// All texts by which a message names its customer and ties others to it.
pub(crate) fn named<'a>(message: &'a Message, rules: &'a IdentifierRules) -> SmallVec<[Named<'a>; 3]> {
    let mut named = SmallVec::new();
    let mut add = |kind, attribute, text, role| named.push(Named { kind, attribute, text, role });
    let is_visitors = Home::of_accepted(message, rules).identifier().kind == IdentifierKind::Anonymous;
    let (user, visitor) = (message.user_id().map(Cow::Borrowed), message.anonymous_id().map(Cow::Borrowed));
    let (user, visitor) = if is_visitors { (None, visitor) } else { (user, visitor) };
    let claims = *message.kind() == MessageKind::Identify;
    match (user, visitor) {
        (None, Some(visitor)) => add(IdentifierKind::Anonymous, "", visitor, Role::Home),
        (None, None) => {}
        (Some(user), visitor) => {
            add(IdentifierKind::User, "", user, Role::Home);
            if let Some(visitor) = visitor.filter(|_| claims) {
                add(IdentifierKind::Anonymous, "", visitor, Role::Claimed);
            }
        }
    }
    if claims {
        for (attribute, _) in &rules.declared {
            if let Some(text) = trait_text(message, attribute) {
                add(IdentifierKind::Declared, attribute, text, Role::Claimed);
            }
        }
    }
    if let MessageKind::Alias { previous_id } = message.kind() {
        for kind in [IdentifierKind::User, IdentifierKind::Anonymous] {
            add(kind, "", Cow::Borrowed(previous_id.as_str()), Role::Joined);
        }
    }
    named
}

impl Named<'_> {
    /// The identifier that it is, read in this form.
    pub(crate) fn read_as(&self, form: Form) -> OwnedIdentifier {
        let text = form.read(&self.text);
        match self.kind {
            IdentifierKind::User => Identifier::user(&text).to_owned(),
            IdentifierKind::Anonymous => Identifier::anonymous(&text).to_owned(),
            IdentifierKind::Declared => OwnedIdentifier::declared(self.attribute, &text),
        }
    }

    /// The field of the message that says it.
    pub(crate) fn field(&self) -> String {
        match (self.kind, self.role) {
            (_, Role::Joined) => "previousId".to_owned(),
            (IdentifierKind::User, _) => "userId".to_owned(),
            (IdentifierKind::Anonymous, _) => "anonymousId".to_owned(),
            (IdentifierKind::Declared, _) => format!("traits.{}", self.attribute),
        }
    }
}
