//! The slots of a shard's profiles. What is kept of a profile's answers is forgotten before it is changed, and
//! may be renewed once the change is done.
//!
//! Slots lie in pieces: one list of them would be copied as it grows, with the shard held, and be half empty
//! after that.

use std::sync::Arc;

use crate::engine::program::Program;
use crate::store::answer_cache::AnswerCache;
use crate::store::profile::Profile;

/// How many slots there are in a piece.
const PIECE: usize = 32;

type Piece = Box<[Option<Profile>; PIECE]>;

/// Slots, taken or free.
#[derive(Debug)]
pub(crate) struct Slots {
    pieces: Vec<Piece>,
    /// How many slots are, or were, taken.
    len: usize,
    answers: Arc<AnswerCache>,
}

impl Slots {
    /// No slots yet.
    pub(super) fn new(answers: Arc<AnswerCache>) -> Slots {
        Slots { pieces: Vec::new(), len: 0, answers }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// How many bytes they take, taken or free.
    pub(super) fn bytes(&self) -> usize {
        self.pieces.len() * size_of::<[Option<Profile>; PIECE]>()
    }

    /// The profile in a slot, if it is taken.
    pub(super) fn get(&self, place: u32) -> Option<&Profile> {
        self.pieces.get(place as usize / PIECE)?[place as usize % PIECE].as_ref()
    }

    /// The same, to be changed.
    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut Profile> {
        let profile = slot(&mut self.pieces, place)?.as_mut()?;
        forget(&self.answers, profile);
        Some(profile)
    }

    /// The profile in a slot that is taken, to be changed.
    pub(super) fn taken(&mut self, place: u32) -> &mut Profile {
        self.get_mut(place).expect("a place that was found is occupied")
    }

    /// Renews what was kept of the profile in a slot, under the program in force.
    pub(super) fn renew(&mut self, place: u32, program: &Arc<Program>) {
        if let Some(profile) = slot(&mut self.pieces, place).and_then(Option::as_mut) {
            self.answers.renew(profile, program);
        }
    }

    /// The profile in a slot, of which nothing is changed that can be asked.
    pub(super) fn quietly(&mut self, place: u32) -> Option<&mut Profile> {
        slot(&mut self.pieces, place)?.as_mut()
    }

    /// All profiles, with their places.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Profile)> {
        let slots = self.pieces.iter().flat_map(|piece| &**piece).enumerate();
        slots.filter_map(|(place, profile)| Some((place as u32, profile.as_ref()?)))
    }

    /// All profiles, of which nothing is changed that can be asked.
    pub(super) fn all_quietly(&mut self) -> impl Iterator<Item = &mut Profile> {
        self.pieces.iter_mut().flat_map(|piece| &mut **piece).flatten()
    }

    /// Puts a profile into a slot: a free one, or the next.
    pub(super) fn put(&mut self, place: u32, profile: Profile) {
        if place as usize == PIECE * self.pieces.len() {
            self.pieces.push(Box::new([const { None }; PIECE]));
        }
        *slot(&mut self.pieces, place).expect("places are given in their order") = Some(profile);
        self.len = self.len.max(place as usize + 1);
        self.answers.count(1);
    }

    /// Takes a profile out.
    pub(super) fn take(&mut self, place: u32) -> Option<Profile> {
        let mut profile = slot(&mut self.pieces, place)?.take()?;
        forget(&self.answers, &mut profile);
        self.answers.count(-1);
        Some(profile)
    }
}

fn slot(pieces: &mut [Piece], place: u32) -> Option<&mut Option<Profile>> {
    Some(&mut pieces.get_mut(place as usize / PIECE)?[place as usize % PIECE])
}

fn forget(answers: &AnswerCache, profile: &mut Profile) {
    if profile.kept.take() {
        profile.identifiers().for_each(|identifier| answers.forget(identifier.borrowed().value()));
    }
}
