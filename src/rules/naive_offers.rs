//! Which offers a personalization chooses, the slow way.

use std::cmp::Ordering;

use crate::model::declaration::Strategy;
use crate::rules::at_call::{AlreadyShown, shown_of};
use crate::rules::definitions::{OfferDefinition, PersonalizationDefinition};
use crate::rules::evaluate::is_true;
use crate::rules::exposures::Exposures;
use crate::rules::naive::Moment;

impl Moment<'_> {
    /// The offers chosen by a personalization, best first, after what was shown to whomever.
    pub(crate) fn winners<'d>(
        &self,
        (name, definition): (&str, &'d PersonalizationDefinition),
        exposures: &dyn Exposures,
        already: &AlreadyShown,
    ) -> Vec<&'d OfferDefinition> {
        if definition.holdout.as_ref().is_some_and(|holdout| is_true(holdout, self)) {
            return Vec::new();
        }
        let mut qualified: Vec<&OfferDefinition> =
            definition.offers.iter().filter(|offer| is_true(&offer.when, self)).collect();
        qualified.retain(|offer| offer.is_left(name, exposures));
        qualified.sort_by_key(|offer| std::cmp::Reverse(offer.priority));
        if definition.strategy == Strategy::Best {
            let score = |offer: &OfferDefinition| offer.score.as_ref().and_then(|score| self.value(score));
            // A stable sort: equal scores stay in the order of priority, then as written.
            qualified.sort_by(|a, b| match (score(a), score(b)) {
                (Some(a), Some(b)) => b.compare(&a).unwrap_or(Ordering::Equal),
                (a, b) => b.is_some().cmp(&a.is_some()),
            });
        }
        shown_of(definition, qualified.into_iter(), already)
    }
}
