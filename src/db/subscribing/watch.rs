//! Decisions that somebody subscribed to: compared before and after each change of a profile.
//!
//! What was last told of a profile is kept with its shard, as fingerprints of what was shown, for as long as
//! the profile is in memory and somebody is subscribed. Of a profile that nothing was told of, what it was
//! shown before the change counts as told; of one that is new, what somebody unknown is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::frozen_hash::Fingerprint;
use crate::base::time::{Duration, Time};
use crate::db::applied::Cause;
use crate::db::reports::Reports;
use crate::db::subscribing::change::{Change, DecisionChange};
use crate::db::subscribing::stream::Stream;
use crate::engine::cell::Cell;
use crate::engine::decide::{Deciding, Decisions};
use crate::engine::decision::Decision;
use crate::engine::standing::Standing;
use crate::facts::stamp::NoMessages;
use crate::model::identifier::OwnedIdentifier;
use crate::model::ids::PersonalizationId;
use crate::rules::definitions::Definitions;
use crate::store::profile::Profile;
use crate::store::shard::Shard;
use crate::store::shards::{Locked, Place};
use crate::store::told::Told;

/// The decisions that somebody subscribed to.
#[derive(Debug)]
pub(crate) struct Watch {
    number: u64,
    /// Their names, unless they are all.
    names: Option<BTreeSet<Arc<str>>>,
}

/// A change of decisions as it is told: from when on it holds, and why.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub(crate) at: Time,
    pub(crate) cause: Cause,
}

/// Customers who are about to become others: what was told of them.
#[derive(Debug)]
pub(crate) struct WatchedGroup {
    watch: Arc<Watch>,
    identifiers: BTreeSet<OwnedIdentifier>,
    /// By the ids that they are shown under.
    told: BTreeMap<Arc<str>, Told>,
}

impl Watch {
    /// What these subscribers want; nothing if that is no decision.
    pub(crate) fn of(streams: &[Arc<Stream>], number: u64) -> Option<Watch> {
        let mut chosen = streams.iter().map(|stream| &stream.options.personalizations).peekable();
        let wants_any = streams.iter().any(|stream| !stream.options.personalizations.is_none());
        chosen.peek().filter(|_| wants_any)?;
        let mut names = Some(BTreeSet::new());
        for chosen in chosen {
            match &mut names {
                Some(names) if !chosen.is_all() => names.extend(chosen.names().cloned()),
                _ => names = None,
            }
        }
        Some(Watch { number, names })
    }

    fn personalizations(&self, definitions: &Definitions) -> Vec<PersonalizationId> {
        match &self.names {
            None => (0..definitions.personalizations.len()).map(PersonalizationId::from_index).collect(),
            Some(names) => {
                let known = names.iter().filter_map(|name| definitions.personalization_names.get(name));
                known.map(PersonalizationId).collect()
            }
        }
    }

    /// Sees to it that something counts as told of a profile, which is about to change at `now` or before.
    pub(crate) fn begin(&self, shard: &mut Shard, slot: u32, now: Time) {
        if shard.told.get(&slot).is_some_and(|told| told.watch == self.number) {
            return;
        }
        let deadline = shard.profile(slot).standing().deadline();
        let before = now.min(deadline - Duration::MILLISECOND);
        let shown = self.decisions(shard, slot, before);
        let shown =
            shown.iter().map(|decision| (Arc::clone(&decision.personalization), fingerprint(decision)));
        let told = Told { watch: self.number, shown: shown.collect() };
        shard.told.insert(slot, told);
    }

    /// The same of a profile that nobody knew before.
    pub(crate) fn begin_unknown(&self, shard: &mut Shard, slot: u32, now: Time) {
        let program = Arc::clone(&shard.program);
        let shown =
            self.personalizations(&program.definitions).into_iter().map(|personalization| {
                let exposures = &*Arc::clone(&shard.exposed);
                let work = shard.work_mut();
                let decided =
                    Deciding { program: &program, exposures, order: &NoMessages, cause: None, now, work }
                        .decide(Standing::Cell(&Cell::new()), &mut Decisions::default(), personalization);
                (Arc::clone(&decided.decision.personalization), fingerprint(&decided.decision))
            });
        let told = Told { watch: self.number, shown: shown.collect() };
        shard.told.insert(slot, told);
    }

    /// Tells what a profile is shown that is something else than was told last. It stands as at `now`.
    pub(crate) fn look(&self, shard: &mut Shard, slot: u32, now: Time, moment: &Moment, reports: &Reports) {
        let decisions = self.decisions(shard, slot, now);
        let profile = Arc::clone(&shard.profile(slot).name);
        let Some(told) = shard.told.get_mut(&slot) else { return };
        let changes = decisions.into_iter().filter_map(|decision| {
            let is_another = told.note(&decision.personalization, fingerprint(&decision));
            let Moment { at, cause } = moment.clone();
            is_another.then(|| {
                Change::Decision(DecisionChange { profile: Arc::clone(&profile), decision, at, cause })
            })
        });
        reports.keep_changes(changes.collect::<Vec<Change>>());
    }

    /// What a profile is shown at `now`, under the program that it is under.
    fn decisions(&self, shard: &mut Shard, slot: u32, now: Time) -> Vec<Arc<Decision>> {
        let program = Arc::clone(shard.program_of(shard.profile(slot)));
        let personalizations = self.personalizations(&program.definitions);
        let (_, exposures, profile, work) = shard.deciding(slot);
        let cause = profile.cause();
        let Profile { body, decisions, history, .. } = profile;
        let mut deciding = Deciding { program: &program, exposures, order: history, cause, now, work };
        let standing = body.standing();
        let decided =
            personalizations.into_iter().map(|id| deciding.decide(standing, decisions, id).decision);
        decided.collect()
    }
}

impl WatchedGroup {
    /// Notes what was told of customers who are about to become others.
    pub(crate) fn begin(
        reports: &Reports,
        locked: &mut Locked<'_>,
        places: &[Place],
        now: Time,
    ) -> Option<WatchedGroup> {
        let watch = reports.watch()?;
        let (mut identifiers, mut all) = (BTreeSet::new(), BTreeMap::new());
        for place in places {
            let Some(shard) = locked.shard(place.shard as usize) else { continue };
            if shard.at(place.slot).is_none() {
                continue;
            }
            watch.begin(shard, place.slot, now);
            let profile = shard.profile(place.slot);
            identifiers.extend(profile.identifiers().cloned());
            if let Some(told) = shard.told.get(&place.slot) {
                all.insert(Arc::clone(&profile.name), told.clone());
            }
        }
        Some(WatchedGroup { watch, identifiers, told: all })
    }

    /// Tells what they are shown now, and those of these identifiers beside.
    pub(crate) fn look(
        mut self,
        locked: &mut Locked<'_>,
        others: &[OwnedIdentifier],
        now: Time,
        cause: &Cause,
        reports: &Reports,
    ) {
        let identifiers = self.identifiers.iter().chain(others);
        let places: BTreeSet<Place> =
            identifiers.filter_map(|identifier| locked.find(identifier.borrowed())).collect();
        let moment = Moment { at: now, cause: cause.clone() };
        for place in places {
            let Some(shard) = locked.shard(place.shard as usize) else { continue };
            match self.told.remove(&shard.profile(place.slot).name) {
                Some(told) => drop(shard.told.insert(place.slot, told)),
                None => self.watch.begin_unknown(shard, place.slot, now),
            }
            self.watch.look(shard, place.slot, now, &moment, reports);
        }
    }
}

/// What a decision shows: which offers, and their texts.
fn fingerprint(decision: &Decision) -> u128 {
    let mut fingerprint = Fingerprint::default();
    for offer in &decision.offers {
        fingerprint.field(offer.name.as_bytes());
        fingerprint.field(&[u8::from(offer.text.is_some())]);
        fingerprint.field(offer.text.as_deref().unwrap_or_default().as_bytes());
    }
    fingerprint.finish()
}
