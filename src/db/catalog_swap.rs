//! Replacing the catalog.
//!
//! One step for everybody: with all shards locked, the new program is put in force. No profile is touched
//! in it, so it takes the same time however many there are; each catches up when it is next touched, or
//! when the sweep comes by (`db/sweep.rs`). Only when a catalog reads identifiers otherwise, so that other
//! messages may say who is who, all profiles come to memory and are made anew in that step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::error::Error;
use crate::base::source_text::SourceFile;
use crate::base::time::Time;
use crate::db::applied::{Cause, Transition};
use crate::db::applying::Incoming;
use crate::db::catalog::Catalog;
use crate::db::changing::advance_due;
use crate::db::database::Database;
use crate::db::durable::catalogs;
use crate::db::durable::folder::Access;
use crate::db::durable::opening::unpack_text;
use crate::db::durable::upkeep::Kept;
use crate::db::hearing_anew::waits;
use crate::db::held::Heldback;
use crate::db::publishing::{carried_over, without_lists};
use crate::db::subscribing::stream::Patience;
use crate::db::tied::Concerned;
use crate::engine::program::Program;
use crate::model::identifier::Identifier;
use crate::rules::identifiers::IdentifierRules;
use crate::store::history::Entry;
use crate::store::holds::Holder;
use crate::store::profile::Profile;
use crate::store::shard::Shard;

/// Most catalogs that profiles may be behind the one in force; before another one, all catch up.
const MOST_BEHIND: usize = 16;

impl Database {
    /// Replaces the catalog, and returns the new revision. From then on every answer is exact under the
    /// new catalog, as if it had been there from the start.
    ///
    /// The call takes the same time however many profiles there are, but for a catalog with other rules
    /// for identifiers, under which all profiles are made anew at once. Otherwise each is when it is next
    /// asked or changed, and a thread sees to the rest; [`Database::members`],
    /// [`Database::segment_sizes`] and [`Database::advance`] wait for it.
    ///
    /// What is published beside the catalog ([`Database::replace_list`]) stays, as far as the new catalog
    /// still declares it.
    ///
    /// # Errors
    /// If the catalog cannot be written to disk, or profiles that have to be made anew cannot be read
    /// from there; then the catalog is the old one.
    pub fn replace_catalog(&self, catalog: Catalog) -> Result<u64, Error> {
        self.put_in_force(|in_force| carried_over(catalog, in_force).map(Some))
    }

    /// Replaces the catalog by one that is made of the one in force, unless it is to stay.
    pub(crate) fn put_in_force(
        &self,
        make: impl FnOnce(&str) -> Result<Option<Catalog>, Error>,
    ) -> Result<u64, Error> {
        let now = self.now();
        let revision = self.swap_catalog(make, now, |packed| match &self.upkeep {
            Some(upkeep) => upkeep.folder.record_catalog(now, packed),
            None => Ok(0),
        })?;
        if let Some(upkeep) = &self.upkeep {
            upkeep.folder.journal.sync()?;
        }
        self.sweep.begin();
        self.begin_recounting();
        self.reports.hand_on(Patience::Never);
        Ok(revision)
    }

    /// The files of the catalog with a revision: the one in force, or one that it replaced. Nothing if the
    /// database does not know it.
    ///
    /// # Errors
    /// If it cannot be read from disk.
    pub fn catalog_files(&self, revision: u64) -> Result<Option<Vec<SourceFile>>, Error> {
        let known = self.catalogs.lock().get(&revision).cloned();
        let packed = match (known, &self.upkeep) {
            (None, Some(upkeep)) => catalogs::read(&*upkeep.folder.disk, &upkeep.folder.path, revision)?,
            (known, _) => known,
        };
        packed.map(|packed| Ok(unpack_text(&packed)?.into_files())).transpose()
    }

    /// The same as [`Database::put_in_force`] at a certain time, without a thread; `make` is given the catalog
    /// in force, packed, and nobody replaces that meanwhile; `record` puts the new one on record.
    pub(crate) fn swap_catalog(
        &self,
        make: impl FnOnce(&str) -> Result<Option<Catalog>, Error>,
        now: Time,
        record: impl FnOnce(&str) -> Result<u64, Error>,
    ) -> Result<u64, Error> {
        let mut catalogs = self.catalogs.lock();
        let old = self.shards.programs();
        let (_, in_force) = catalogs.last_key_value().expect("a catalog is in force");
        let Some(catalog) = make(in_force)? else { return Ok(old.current.revision) };
        let packed = catalog.text.pack();
        let revision = old.current.revision + 1;
        let new = Arc::new(Program::new(catalog.definitions, revision));
        let makes_anew = old.current.definitions.identifiers != new.definitions.identifiers;
        if makes_anew || old.past.len() >= MOST_BEHIND {
            self.trusting(|| self.sweep.finish())?;
        }
        if let (Some(upkeep), Some((revision, packed))) = (&self.upkeep, catalogs.last_key_value())
            && upkeep.folder.access == Access::Everything
        {
            let (disk, folder) = (&*upkeep.folder.disk, upkeep.folder.path.as_path());
            catalogs::write(disk, folder, *revision, packed)?;
            let needed = old.past.first().map_or(*revision, |past| past.program.revision);
            catalogs::let_go_of_lists(disk, folder, needed)?;
        }
        if makes_anew {
            self.put_in_force_anew(new, now, || record(&packed))?;
        } else {
            let mut locked = self.shards.lock(0..self.shards.len(), Holder::Swap);
            record(&packed)?;
            self.crowds.replace(&new.definitions);
            let known_before = locked.replace_program(new, now);
            drop(locked);
            drop(known_before);
        }
        if let Some((_, replaced)) = catalogs.iter_mut().next_back()
            && let Some(smaller) = without_lists(replaced)?
        {
            *replaced = smaller;
        }
        catalogs.insert(revision, packed);
        Ok(revision)
    }

    /// Puts a program in force under which other messages may say who is who. All have caught up with the
    /// one before.
    fn put_in_force_anew(
        &self,
        new: Arc<Program>,
        now: Time,
        record: impl FnOnce() -> Result<u64, Error>,
    ) -> Result<(), Error> {
        let _everything = self.upkeep.as_ref().map(Kept::of);
        // Whoever is evicting now, finishes.
        self.upkeep.iter().for_each(|upkeep| drop(upkeep.folder.upkeep.lock()));
        self.load_everything(now)?;
        // A checkpoint sees one catalog.
        let _alone = self.upkeep.as_ref().map(|upkeep| upkeep.folder.upkeep.lock());
        let mut locked = self.shards.lock(0..self.shards.len(), Holder::Swap);
        for shard in locked.all() {
            shard.complete_all()?;
        }
        record()?;
        let mut before = Memberships::new();
        for shard in locked.all() {
            (0..shard.count_due(now)).for_each(|_| advance_due(shard, now, &self.reports));
            note_memberships(shard, &mut before);
            if let Some(watch) = self.reports.watch() {
                let slots: Vec<u32> = shard.profiles().map(|(slot, _)| slot).collect();
                slots.into_iter().for_each(|slot| watch.begin(shard, slot, now));
            }
        }
        self.crowds.replace(&new.definitions);
        let known_before = locked.replace_program(Arc::clone(&new), now);
        for shard in locked.all() {
            // What turned is told below, of who they are then.
            shard.catch_up_all()?;
        }
        let mut concerned = Concerned::all(locked);
        let rules = &new.definitions.identifiers;
        let later: Vec<Heldback> =
            concerned.profiles().flat_map(|profile| waiting(profile, now, rules)).collect();
        let plan = concerned.heard_anew(None, now, rules);
        let (_, watched) = self.make_anew(&mut concerned, plan.plan, now, 0);
        let mut after = Memberships::new();
        for shard in concerned.locked.all() {
            note_memberships(shard, &mut after);
        }
        self.reports.keep(&moves(&before, &after, now));
        if let Some(watched) = watched {
            watched.look(&mut concerned.locked, &[], now, &Cause::Catalog, &self.reports);
        }
        drop(concerned);
        drop(known_before);
        later.into_iter().for_each(|held| self.hold_back(held));
        self.sweep.all_caught_up(&new);
        Ok(())
    }

    /// Brings every profile into memory.
    fn load_everything(&self, now: Time) -> Result<(), Error> {
        let Some(upkeep) = &self.upkeep else { return Ok(()) };
        let keys = self.trusting(|| upkeep.folder.keys())?;
        keys.iter()
            .filter_map(|key| Identifier::of_key(key))
            .try_for_each(|key| self.load(key, now).map(drop))
    }
}

/// The messages of a profile's future that tie identifiers by these rules.
fn waiting<'a>(
    profile: &'a Profile,
    now: Time,
    rules: &'a IdentifierRules,
) -> impl Iterator<Item = Heldback> + 'a {
    let later = profile.history.iter().filter(move |(stamp, _)| stamp.time > now);
    let entries = later.map(|(_, packed)| packed.unpack());
    entries.filter(move |entry| waits(&entry.heard(), now, rules)).map(move |entry| {
        let Entry { time, message_id, message } = entry;
        let incoming = Incoming { message, message_id: message_id.into(), time, now };
        Heldback { sequence: profile.sequence, incoming }
    })
}

/// Of each shown id, the names of the segments that its profile is a member of.
type Memberships = BTreeMap<Arc<str>, BTreeSet<String>>;

fn note_memberships(shard: &Shard, memberships: &mut Memberships) {
    for (_, profile) in shard.profiles() {
        // A user and a visitor may be shown under the same text.
        memberships.entry(Arc::clone(&profile.name)).or_default().extend(profile.memberships(&shard.program));
    }
}

/// Who entered and left what, because the catalog is another one.
fn moves(before: &Memberships, after: &Memberships, now: Time) -> Vec<Transition> {
    let none = BTreeSet::new();
    let shown: BTreeSet<&Arc<str>> = before.keys().chain(after.keys()).collect();
    let mut moves = Vec::new();
    for shown in shown {
        let (was, is) = (before.get(shown).unwrap_or(&none), after.get(shown).unwrap_or(&none));
        let left = was.difference(is).map(|segment| (segment, false));
        let turned = left.chain(is.difference(was).map(|segment| (segment, true)));
        moves.extend(turned.map(|(segment, entered)| Transition {
            profile: Arc::clone(shown),
            segment: Arc::from(segment.as_str()),
            entered,
            at: now,
            cause: Cause::Catalog,
        }));
    }
    moves
}
