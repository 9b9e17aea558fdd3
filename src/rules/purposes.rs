//! The purposes of a catalog: what they are called, what needs them, and where their state is kept.
//!
//! What a customer has said to a purpose is kept like an attribute, of the number after all that are
//! declared, whose value is the name of the state. So a condition on it is an ordinary comparison, with
//! all that follows: it is kept up to date, explained, held, and written to disk. No name leads to such
//! an attribute but `consent("…")`.
//!
//! Invariants:
//! 1. The states' numbers are those after the declared attributes, in the order of the purposes.
//! 2. `by_attribute` and `by_event` are empty if nothing needs a purpose, which costs nothing then.

use crate::base::names::Names;
use crate::model::consent::ConsentState;
use crate::model::ids::{AttributeId, EventId, PurposeId};
use crate::model::value::Value;
use crate::rules::expression::{Comparison, Expr};

/// The purposes of a catalog.
#[derive(Debug, Default)]
pub(crate) struct Purposes {
    pub(crate) names: Names,
    /// How many attributes are declared.
    declared: u32,
    /// Of each attribute, the purposes that it needs.
    by_attribute: Vec<Vec<PurposeId>>,
    /// Of each event, the purposes that it needs.
    by_event: Vec<Vec<PurposeId>>,
}

impl Purposes {
    /// Purposes that nothing needs yet, beside so many declared attributes.
    pub(crate) fn new(names: Names, declared: usize) -> Purposes {
        let declared = AttributeId::from_index(declared).0;
        Purposes { names, declared, by_attribute: Vec::new(), by_event: Vec::new() }
    }

    /// Says that an attribute needs a purpose.
    pub(crate) fn need_for_attribute(&mut self, attribute: AttributeId, purpose: PurposeId) {
        add(&mut self.by_attribute, attribute.index(), purpose);
    }

    /// Says that an event needs a purpose.
    pub(crate) fn need_for_event(&mut self, event: EventId, purpose: PurposeId) {
        add(&mut self.by_event, event.index(), purpose);
    }

    /// Whether the catalog has none.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = PurposeId> + use<> {
        (0..self.names.len()).map(PurposeId::from_index)
    }

    /// Whether anything needs one.
    pub(crate) fn are_needed(&self) -> bool {
        !self.by_attribute.is_empty() || !self.by_event.is_empty()
    }

    /// Whether anything needs this one.
    pub(crate) fn is_needed(&self, purpose: PurposeId) -> bool {
        self.by_attribute.iter().chain(&self.by_event).any(|needed| needed.contains(&purpose))
    }

    /// What an attribute needs.
    pub(crate) fn of_attribute(&self, attribute: AttributeId) -> &[PurposeId] {
        self.by_attribute.get(attribute.index()).map_or(&[], Vec::as_slice)
    }

    /// What an event needs; one that the catalog does not know needs nothing.
    pub(crate) fn of_event(&self, event: Option<EventId>) -> &[PurposeId] {
        event.and_then(|event| self.by_event.get(event.index())).map_or(&[], Vec::as_slice)
    }

    /// The attribute that keeps the state of a purpose.
    pub(crate) fn state_of(&self, purpose: PurposeId) -> AttributeId {
        AttributeId(self.declared + purpose.0)
    }

    /// The purpose whose state an attribute keeps, if it is such a one.
    pub(crate) fn kept_in(&self, attribute: AttributeId) -> Option<PurposeId> {
        let purpose = attribute.0.checked_sub(self.declared)?;
        ((purpose as usize) < self.names.len()).then_some(PurposeId(purpose))
    }

    /// The condition that a purpose is granted.
    pub(crate) fn is_granted(&self, purpose: PurposeId) -> Expr {
        let state = Box::new(Expr::Attribute(self.state_of(purpose)));
        let granted = Box::new(Expr::Constant(Value::string(ConsentState::Granted.as_str())));
        Expr::Compare(Comparison::Equal, state, granted)
    }

    /// The purpose that such a condition asks for, or whose state an expression reads.
    pub(crate) fn asked_by(&self, expr: &Expr) -> Option<PurposeId> {
        match expr {
            Expr::Attribute(attribute) => self.kept_in(*attribute),
            Expr::Compare(Comparison::Equal, state, granted) => match (&**state, &**granted) {
                (Expr::Attribute(attribute), Expr::Constant(_)) => self.kept_in(*attribute),
                _ => None,
            },
            _ => None,
        }
    }
}

/// What gives the purposes their numbers and their meaning.
impl Purposes {
    /// All that an image of a profile depends on.
    pub(crate) fn identity(&self) -> impl std::fmt::Debug + '_ {
        (self.names.iter().collect::<Vec<_>>(), &self.by_attribute, &self.by_event)
    }
}

fn add(needs: &mut Vec<Vec<PurposeId>>, place: usize, purpose: PurposeId) {
    if needs.len() <= place {
        needs.resize(place + 1, Vec::new());
    }
    if !needs[place].contains(&purpose) {
        needs[place].push(purpose);
    }
}
