//! Messages told anew, as far as they count with the consent there is.
//!
//! What needs a purpose counts if the purpose is granted at the end, and was granted at the message's own
//! place. Both are known of each message once all have been heard, so no message changes what counts of
//! others any more: a cell that is made of retold messages only takes them.
//!
//! Invariants:
//! 1. What counts of a message and what is withheld of it are together what it says beside its consents.

use crate::base::time::Time;
use crate::engine::typed_message::{Content, TypedMessage};
use crate::facts::stamp::Stamp;
use crate::model::consent::ConsentState;
use crate::model::ids::{AttributeId, PurposeId};
use crate::model::value::Value;
use crate::rules::purposes::Purposes;

/// What does not count of a message.
#[derive(Debug)]
pub(crate) struct WithheldMessage {
    pub(crate) stamp: Stamp,
    pub(crate) content: Content,
    /// The purposes without which it does not.
    pub(crate) lacking: Vec<PurposeId>,
}

/// The states of all purposes, while messages are heard in their order.
struct Hearing<'a> {
    purposes: &'a Purposes,
    /// At the message that was heard last.
    here: Vec<ConsentState>,
    /// At the end.
    last: Vec<ConsentState>,
}

/// A message in two parts.
struct Dealt {
    consents: Vec<(AttributeId, Option<Value>)>,
    counts: Content,
    withheld: Content,
}

impl<'a> Hearing<'a> {
    /// Nothing heard yet of these messages, which are all there are up to now, in their order.
    fn of(told: &[TypedMessage], purposes: &'a Purposes) -> Hearing<'a> {
        let here = vec![ConsentState::NotAsked; purposes.names.len()];
        let mut last = here.clone();
        for (purpose, is_granted) in told.iter().flat_map(|message| message.content.consents()) {
            let state = &mut last[purpose.index()];
            *state = state.after(*is_granted);
        }
        Hearing { purposes, here, last }
    }

    /// Hears the next message.
    fn deal(&mut self, content: Content) -> Dealt {
        let (said, rest) = match content {
            Content::Consenting(consenting) => (consenting.consents, consenting.rest),
            other => (Vec::new(), other),
        };
        let mut consents = Vec::new();
        for (purpose, is_granted) in said {
            let state = &mut self.here[purpose.index()];
            let after = state.after(is_granted);
            if after != *state {
                consents.push((self.purposes.state_of(purpose), after.value()));
                *state = after;
            }
        }
        let (counts, withheld) = match rest {
            Content::Attributes(set) => {
                let counts =
                    |(attribute, _): &(AttributeId, _)| self.counts(self.purposes.of_attribute(*attribute));
                let (counting, withheld): (Vec<_>, Vec<_>) = set.into_iter().partition(counts);
                let withheld = match withheld.is_empty() {
                    true => Content::Presence,
                    false => Content::Attributes(withheld),
                };
                (Content::Attributes(counting), withheld)
            }
            Content::Event { event, .. } if !self.counts(self.purposes.of_event(event)) => {
                (Content::Presence, rest)
            }
            rest => (rest, Content::Presence),
        };
        Dealt { consents, counts, withheld }
    }

    fn counts(&self, needed: &[PurposeId]) -> bool {
        needed.iter().all(|purpose| self.is_granted(*purpose))
    }

    fn is_granted(&self, purpose: PurposeId) -> bool {
        let is_granted = |states: &[ConsentState]| states[purpose.index()] == ConsentState::Granted;
        is_granted(&self.here) && is_granted(&self.last)
    }
}

/// What counts of messages, which are all there are up to now, in their order.
fn retold(told: Vec<TypedMessage>, purposes: &Purposes) -> Vec<TypedMessage> {
    if purposes.is_empty() {
        return told;
    }
    let mut hearing = Hearing::of(&told, purposes);
    let mut retold = Vec::with_capacity(told.len());
    for TypedMessage { stamp, content } in told {
        let Dealt { mut consents, counts, .. } = hearing.deal(content);
        let counts = match counts {
            Content::Attributes(mut set) => {
                consents.append(&mut set);
                Content::Presence
            }
            other => other,
        };
        let has_set = !consents.is_empty();
        if has_set {
            retold.push(TypedMessage { stamp, content: Content::Attributes(consents) });
        }
        if !has_set || counts != Content::Presence {
            retold.push(TypedMessage { stamp, content: counts });
        }
    }
    retold
}

/// The messages up to `now`, as far as they count then, and the later ones as they are.
pub(crate) fn heard_until(
    now: Time,
    mut told: Vec<TypedMessage>,
    purposes: &Purposes,
) -> (Vec<TypedMessage>, Vec<TypedMessage>) {
    let later = told.split_off(told.partition_point(|message| message.stamp.time <= now));
    (retold(told, purposes), later)
}

/// What does not count at `now` of the messages up to then.
pub(crate) fn withheld_until(
    now: Time,
    mut told: Vec<TypedMessage>,
    purposes: &Purposes,
) -> Vec<WithheldMessage> {
    if !purposes.are_needed() {
        return Vec::new();
    }
    told.truncate(told.partition_point(|message| message.stamp.time <= now));
    let mut hearing = Hearing::of(&told, purposes);
    let mut all = Vec::new();
    for TypedMessage { stamp, content } in told {
        let content = hearing.deal(content).withheld;
        let mut lacking: Vec<PurposeId> = content.needs(purposes).collect();
        lacking.retain(|purpose| !hearing.is_granted(*purpose));
        if !lacking.is_empty() {
            lacking.sort_unstable();
            lacking.dedup();
            all.push(WithheldMessage { stamp, content, lacking });
        }
    }
    all
}
