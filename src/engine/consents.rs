//! Consent: what a message says of it, what counts of a message, and when the past has to be told anew.
//!
//! Enforcement looks at two instants: what needs a purpose counts if the purpose is granted now, and was
//! granted at the message's own place in the order of time and id. So as long as messages come in order,
//! it is enough to look at the state; a grant that follows no revocation changes nothing of the past. What
//! does change it (a revocation, a grant after one, a late word) has the cell made anew from the history, in
//! which messages are [retold](crate::engine::retelling) as far as they count.
//!
//! Of an unbroken run of equal words the first one's stamp is kept with the state. A message later than that
//! finds the state at its own place that there is now.
//!
//! Invariants:
//! 1. A cell that was not disturbed is the one that its retold messages make.
//! 2. A retold message carries no consents: the states they lead to are set like attributes.

use crate::engine::cell::Cell;
use crate::engine::typed_message::{Content, TypedMessage};
use crate::facts::attributes::Slot;
use crate::facts::stamp::{MessageOrder, Stamp};
use crate::model::consent::ConsentState;
use crate::model::ids::{AttributeId, EventId, PurposeId};
use crate::model::value::Value;
use crate::rules::definitions::Definitions;
use crate::rules::purposes::Purposes;

/// A customer's messages, as a catalog understands them.
pub(crate) trait Told: MessageOrder {
    /// All accepted messages, in the order of time and message id. Whoever asks has seen to it that they
    /// are in memory.
    fn told(&self, definitions: &Definitions) -> Vec<TypedMessage>;
}

/// What a message says of purposes, beside the rest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Consenting {
    pub(crate) consents: Vec<(PurposeId, bool)>,
    pub(crate) rest: Content,
}

impl Content {
    /// What the message says of purposes.
    pub(crate) fn consents(&self) -> &[(PurposeId, bool)] {
        match self {
            Content::Consenting(consenting) => &consenting.consents,
            _ => &[],
        }
    }

    /// What it says beside that.
    pub(crate) fn rest(&self) -> &Content {
        match self {
            Content::Consenting(consenting) => &consenting.rest,
            other => other,
        }
    }

    /// The purposes that all of it, or parts of it, need.
    pub(crate) fn needs<'a>(&'a self, purposes: &'a Purposes) -> impl Iterator<Item = PurposeId> + 'a {
        let (attributes, event) = match self.rest() {
            Content::Attributes(set) => (set.as_slice(), None),
            Content::Event { event, .. } => (&[][..], *event),
            Content::Presence | Content::Summary(_) | Content::Consenting(_) => (&[][..], None),
        };
        let of_attributes = attributes.iter().flat_map(|(attribute, _)| purposes.of_attribute(*attribute));
        of_attributes.chain(purposes.of_event(event)).copied()
    }
}

/// The slot in which a cell keeps the state of a purpose.
fn slot(cell: &Cell, purposes: &Purposes, purpose: PurposeId) -> Option<Slot> {
    cell.customer.attributes.slot(purposes.state_of(purpose))
}

fn state(cell: &Cell, purposes: &Purposes, purpose: PurposeId) -> ConsentState {
    ConsentState::of(slot(cell, purposes, purpose).and_then(|slot| slot.value).as_ref())
}

/// Whether all these purposes are granted in the state that a cell is in.
pub(crate) fn are_granted(cell: &Cell, purposes: &Purposes, needed: &[PurposeId]) -> bool {
    needed.iter().all(|purpose| state(cell, purposes, *purpose) == ConsentState::Granted)
}

/// Whether the event of a message counts when the message is heard last.
pub(crate) fn event_counts(cell: &Cell, content: &Content, purposes: &Purposes) -> bool {
    let said = |needed: PurposeId| content.consents().iter().find(|(purpose, _)| *purpose == needed);
    content.needs(purposes).all(|needed| match said(needed) {
        Some((_, is_granted)) => *is_granted,
        None => are_granted(cell, purposes, &[needed]),
    })
}

/// Whether the event of a message that was heard, of this stamp, counts; nothing if what was said before
/// its own place in the order would have to be known.
pub(crate) fn heard_event_counts(
    cell: &Cell,
    (stamp, event): (Stamp, EventId),
    purposes: &Purposes,
) -> Option<bool> {
    let needed = purposes.of_event(Some(event));
    if stamp.time > cell.as_of || !are_granted(cell, purposes, needed) {
        return Some(false);
    }
    // Of a state that is granted, the slot has the stamp of the first word of the run that made it so.
    let mut since = needed.iter().filter_map(|purpose| Some(slot(cell, purposes, *purpose)?.stamp));
    since.all(|since| stamp.time > since.time || stamp == since).then_some(true)
}

/// What a word on a purpose makes of its state: the attribute to set, if it becomes another one.
pub(crate) fn spoken(
    cell: &Cell,
    purposes: &Purposes,
    (purpose, is_granted): (PurposeId, bool),
) -> Option<(AttributeId, Option<Value>)> {
    let before = state(cell, purposes, purpose);
    let after = before.after(is_granted);
    (after != before).then(|| (purposes.state_of(purpose), after.value()))
}

/// Whether a message that is heard now changes what counts of others, or is late enough that the state of
/// now does not say what counts of it.
pub(crate) fn disturbs(
    cell: &Cell,
    message: &TypedMessage,
    purposes: &Purposes,
    order: &dyn MessageOrder,
) -> bool {
    let Stamp { time, .. } = message.stamp;
    let is_in_order = time > cell.last_change;
    let is_before = |slot: &Slot| slot.stamp.is_after(message.stamp, order);
    let by_word = |(purpose, is_granted): &(PurposeId, bool)| {
        let Some(slot) = slot(cell, purposes, *purpose) else {
            // Nobody was heard on it: only a late yes says anything of messages there are.
            return !is_in_order && *is_granted && purposes.is_needed(*purpose);
        };
        let state = ConsentState::of(slot.value.as_ref());
        match (is_in_order, (state == ConsentState::Granted) == *is_granted) {
            (true, true) => false,
            (true, false) => purposes.is_needed(*purpose) && state != ConsentState::Denied,
            (false, true) => is_before(&slot),
            (false, false) => true,
        }
    };
    let by_need = |purpose: PurposeId| {
        let slot = slot(cell, purposes, purpose);
        slot.is_some_and(|slot| {
            ConsentState::of(slot.value.as_ref()) == ConsentState::Granted && is_before(&slot)
        })
    };
    message.content.consents().iter().any(by_word)
        || (!is_in_order && message.content.needs(purposes).any(by_need))
}
