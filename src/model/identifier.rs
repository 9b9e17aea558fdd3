//! What names a customer: a user's id, an anonymous visitor's id, or the value of an attribute that is
//! declared an identifier.
//!
//! A text says nothing by itself: a user and a visitor may have the same text as their id. So an
//! identifier is a kind and a text, and two of different kinds are never the same.

use std::fmt;
use std::sync::Arc;

/// An identifier, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Identifier<'a> {
    pub(crate) kind: IdentifierKind,
    /// The id; of a declared identifier the attribute's name, a zero byte, and the value.
    pub(crate) text: &'a str,
}

/// An identifier.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct OwnedIdentifier {
    pub(crate) kind: IdentifierKind,
    pub(crate) text: Arc<str>,
}

/// What an identifier is; users come first wherever identifiers are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum IdentifierKind {
    User,
    Anonymous,
    Declared,
}

/// What stands between an attribute's name and its value.
const BETWEEN: char = '\0';

impl IdentifierKind {
    /// All kinds, in the order in which a bare text is looked up.
    pub(crate) const ALL: [IdentifierKind; 3] =
        [IdentifierKind::User, IdentifierKind::Anonymous, IdentifierKind::Declared];

    fn tag(self) -> u8 {
        match self {
            IdentifierKind::User => b'u',
            IdentifierKind::Anonymous => b'a',
            IdentifierKind::Declared => b'i',
        }
    }
}

impl<'a> Identifier<'a> {
    /// A user's id.
    pub(crate) fn user(text: &'a str) -> Identifier<'a> {
        Identifier { kind: IdentifierKind::User, text }
    }

    /// A visitor's id.
    pub(crate) fn anonymous(text: &'a str) -> Identifier<'a> {
        Identifier { kind: IdentifierKind::Anonymous, text }
    }

    /// The identifier as one piece of bytes: its kind, and its text.
    pub(crate) fn key(self) -> Vec<u8> {
        let mut key = Vec::with_capacity(1 + self.text.len());
        key.push(self.kind.tag());
        key.extend_from_slice(self.text.as_bytes());
        key
    }

    /// The identifier of which [`Identifier::key`] gave these bytes.
    pub(crate) fn of_key(key: &'a [u8]) -> Option<Identifier<'a>> {
        let (tag, text) = key.split_first()?;
        let text = std::str::from_utf8(text).ok()?;
        let kind = IdentifierKind::ALL.into_iter().find(|kind| kind.tag() == *tag)?;
        Some(Identifier { kind, text })
    }

    /// What people call its kind: `userId`, `anonymousId`, or the attribute's name.
    pub(crate) fn kind_name(self) -> &'a str {
        match self.kind {
            IdentifierKind::User => "userId",
            IdentifierKind::Anonymous => "anonymousId",
            IdentifierKind::Declared => self.text.split(BETWEEN).next().unwrap_or_default(),
        }
    }

    /// The id itself, or the attribute's value.
    pub(crate) fn value(self) -> &'a str {
        match self.kind {
            IdentifierKind::User | IdentifierKind::Anonymous => self.text,
            IdentifierKind::Declared => self.text.split_once(BETWEEN).map_or(self.text, |(_, value)| value),
        }
    }

    /// The same, kept.
    pub(crate) fn to_owned(self) -> OwnedIdentifier {
        OwnedIdentifier { kind: self.kind, text: Arc::from(self.text) }
    }
}

impl OwnedIdentifier {
    /// The value of an attribute that is declared an identifier.
    pub(crate) fn declared(attribute: &str, value: &str) -> OwnedIdentifier {
        let text = format!("{attribute}{BETWEEN}{value}");
        OwnedIdentifier { kind: IdentifierKind::Declared, text: text.into() }
    }

    /// The same, borrowed.
    pub(crate) fn borrowed(&self) -> Identifier<'_> {
        Identifier { kind: self.kind, text: &self.text }
    }
}

impl fmt::Display for Identifier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind_name(), self.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back() {
        let email = OwnedIdentifier::declared("email", "a@x.test");
        for identifier in [Identifier::user("7"), Identifier::anonymous("7"), email.borrowed()] {
            assert_eq!(Identifier::of_key(&identifier.key()), Some(identifier));
        }
        assert_eq!(Identifier::of_key(b"x7"), None);
        assert_eq!(Identifier::of_key(b""), None);
        assert_eq!(Identifier::of_key(b"u\xff"), None);
        assert_eq!((email.borrowed().kind_name(), email.borrowed().value()), ("email", "a@x.test"));
        assert_eq!(Identifier::anonymous("7").to_string(), "anonymousId `7`");
    }
}
