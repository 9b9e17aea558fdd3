//! What a message says that tells of something shown.
//!
//! Exposures are events like any other: whoever shows an offer may tell of it, and conditions may read it.

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
