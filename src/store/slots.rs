//! The slots of a shard's profiles. What is kept of a profile's answers is forgotten before it is changed, and
//! may be renewed once the change is done.

use std::sync::Arc;

use crate::engine::program::Program;
use crate::store::answer_cache::AnswerCache;
use crate::store::profile::Profile;

/// Slots, taken or free.
#[derive(Debug)]
pub(crate) struct Slots {
    slots: Vec<Option<Profile>>,
    answers: Arc<AnswerCache>,
}

impl Slots {
    /// No slots yet.
    pub(super) fn new(answers: Arc<AnswerCache>) -> Slots {
        Slots { slots: Vec::new(), answers }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The profile in a slot, if it is taken.
    pub(super) fn get(&self, place: u32) -> Option<&Profile> {
        self.slots.get(place as usize)?.as_ref()
    }

    /// The same, to be changed.
    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut Profile> {
        let profile = self.slots.get_mut(place as usize)?.as_mut()?;
        forget(&self.answers, profile);
        Some(profile)
    }

    /// The profile in a slot that is taken, to be changed.
    pub(super) fn taken(&mut self, place: u32) -> &mut Profile {
        self.get_mut(place).expect("a place that was found is occupied")
    }

    /// Renews what was kept of the profile in a slot, under the program in force.
    pub(super) fn renew(&mut self, place: u32, program: &Arc<Program>) {
        if let Some(profile) = self.slots.get_mut(place as usize).and_then(Option::as_mut) {
            self.answers.renew(profile, program);
        }
    }

    /// The profile in a slot, of which nothing is changed that can be asked.
    pub(super) fn quietly(&mut self, place: u32) -> Option<&mut Profile> {
        self.slots.get_mut(place as usize)?.as_mut()
    }

    /// All profiles, with their places.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Profile)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(place, profile)| Some((place as u32, profile.as_ref()?)))
    }

    /// All profiles, of which nothing is changed that can be asked.
    pub(super) fn all_quietly(&mut self) -> impl Iterator<Item = &mut Profile> {
        self.slots.iter_mut().flatten()
    }

    /// Puts a profile into a slot: a free one, or the next.
    pub(super) fn put(&mut self, place: u32, profile: Profile) {
        if place as usize == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[place as usize] = Some(profile);
        self.answers.count(1);
    }

    /// Takes a profile out.
    pub(super) fn take(&mut self, place: u32) -> Option<Profile> {
        let mut profile = self.slots.get_mut(place as usize)?.take()?;
        forget(&self.answers, &mut profile);
        self.answers.count(-1);
        Some(profile)
    }
}

fn forget(answers: &AnswerCache, profile: &mut Profile) {
    if profile.kept.take() {
        profile.identifiers().for_each(|identifier| answers.forget(identifier.borrowed().value()));
    }
}
