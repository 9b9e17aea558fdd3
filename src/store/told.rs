//! What was last told of a profile's decisions, while somebody wants to be told.

use std::sync::Arc;

/// What was last told of one profile.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// Who was told: another number whenever others are.
    pub(crate) watch: u64,
    /// Of each personalization, a fingerprint of what it showed.
    pub(crate) shown: Vec<(Arc<str>, u128)>,
}

impl Told {
    /// Notes what a personalization shows; says whether that was something else.
    pub(crate) fn note(&mut self, personalization: &Arc<str>, fingerprint: u128) -> bool {
        match self.shown.iter_mut().find(|(known, _)| known == personalization) {
            Some((_, known)) => std::mem::replace(known, fingerprint) != fingerprint,
            None => {
                self.shown.push((Arc::clone(personalization), fingerprint));
                true
            }
        }
    }
}
