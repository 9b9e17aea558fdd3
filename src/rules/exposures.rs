//! What a message says that tells of something shown.
//!
//! Exposures are events like any other: whoever shows an offer may tell of it, and conditions may read it.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::base::limits::MAX_NAME_BYTES;
use crate::model::message::Message;

/// The event.
pub(crate) const EXPOSURE: &str = "$exposure";
/// The personalization that chose what was shown.
pub(crate) const PERSONALIZATION: &str = "personalization";
/// The names of what was shown, a list.
pub(crate) const OFFERS: &str = "offers";
/// Why it was: as decisions say it.
pub(crate) const REASON: &str = "reason";
/// Of these, what was shown was not chosen.
pub(crate) const UNCHOSEN: [&str; 2] = ["fallback", "held_out"];
/// The variants that the customer was given by the experiments that the offers ask for, by their names.
pub(crate) const VARIANTS: &str = "variants";
/// What the call said, as far as the catalog has it recorded.
pub(crate) const SAID: &str = "context";

/// How often offers were shown, to all customers together.
pub(crate) trait Exposures {
    /// How many exposures there were of an offer, by the names of personalization and offer.
    fn shown(&self, personalization: &str, offer: &str) -> u64;
}

/// Of no offer with a stock there is anything left.
pub(crate) struct NothingLeft;

impl Exposures for NothingLeft {
    fn shown(&self, _personalization: &str, _offer: &str) -> u64 {
        u64::MAX
    }
}

/// The personalization and the offers that a message tells of as chosen and shown; nothing if it is no
/// exposure, or one of what was not chosen. What is too long to be the name of any is passed over.
pub(crate) fn chosen_in(message: &Message) -> Option<(&str, BTreeSet<&str>)> {
    if message.event() != Some(EXPOSURE) {
        return None;
    }
    let said = |name: &str| message.properties().get(name);
    let reason = said(REASON).and_then(Json::as_str);
    if reason.is_some_and(|reason| UNCHOSEN.contains(&reason)) {
        return None;
    }
    let is_name = |name: &&str| name.len() <= MAX_NAME_BYTES;
    let personalization = said(PERSONALIZATION)?.as_str().filter(is_name)?;
    let offers = said(OFFERS)?.as_array()?.iter().filter_map(Json::as_str).filter(is_name);
    Some((personalization, offers.collect()))
}
