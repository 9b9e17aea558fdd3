//! The ids by which experiments know a customer.
//!
//! Each is the first one seen, so that who becomes known, or is found to be somebody known longer, keeps a
//! variant as far as that is possible: of two who are joined, the one seen first keeps it.

use std::sync::Arc;

use crate::facts::identity::known_as::{Known, KnownAs};
use crate::model::identifier::{Identifier, IdentifierKind};
use crate::model::ids::SegmentId;
use crate::rules::expression::UnitKind;

/// What beside its messages makes a cell: whose it is.
pub(crate) trait Identity {
    /// Whether one of the customer's ids is on a static segment's list.
    fn is_listed(&self, segment: SegmentId) -> bool;

    /// The ids by which experiments know the customer.
    fn units(&self) -> Units;
}

/// Nobody, for steps in which nobody becomes known.
pub(crate) struct Nobody;

impl Identity for Nobody {
    fn is_listed(&self, _: SegmentId) -> bool {
        false
    }

    fn units(&self) -> Units {
        Units { user: None, visitor: None, visitor_first: false }
    }
}

/// The ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Units {
    pub(crate) user: Option<Arc<str>>,
    pub(crate) visitor: Option<Arc<str>>,
    /// Whether the visitor's id was seen before the user's.
    pub(crate) visitor_first: bool,
}

impl Units {
    /// Those of a customer known under one identifier.
    pub(crate) fn of_one(identifier: Identifier<'_>) -> Units {
        let id = Some(Arc::from(identifier.text));
        match identifier.kind {
            IdentifierKind::User => Units { user: id, visitor: None, visitor_first: false },
            IdentifierKind::Anonymous => Units { user: None, visitor: id, visitor_first: true },
            IdentifierKind::Declared => Units { user: None, visitor: None, visitor_first: false },
        }
    }

    /// Those of a customer known by several.
    pub(crate) fn of_many(known_as: &KnownAs) -> Units {
        let (user, visitor) =
            (known_as.first_seen(IdentifierKind::User), known_as.first_seen(IdentifierKind::Anonymous));
        let visitor_first = match (user, visitor) {
            (Some(user), Some(visitor)) => visitor.first_seen < user.first_seen,
            (user, _) => user.is_none(),
        };
        let id = |known: Option<&Known>| known.map(|known| Arc::clone(&known.identifier.text));
        Units { user: id(user), visitor: id(visitor), visitor_first }
    }

    /// One of them.
    pub(crate) fn get(&self, kind: UnitKind) -> Option<Arc<str>> {
        match kind {
            UnitKind::User => self.user.clone(),
            UnitKind::Visitor => self.visitor.clone(),
            UnitKind::Profile if self.visitor_first => self.visitor.clone(),
            UnitKind::Profile => self.user.clone(),
        }
    }
}
