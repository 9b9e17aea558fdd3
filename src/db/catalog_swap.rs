//! Replacing the catalog.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::applied::{Cause, Transition};
use crate::db::catalog::Catalog;
use crate::db::database::Database;
use crate::db::durable::loading::Loaded;
use crate::db::durable::upkeep::Kept;
use crate::db::tied::Concerned;
use crate::engine::program::Program;
use crate::model::identifier::Identifier;
use crate::store::shard::Shard;

impl Database {
    /// Replaces the catalog, and returns the new revision. From then on every answer is exact under the
    /// new catalog, as if it had been there from the start.
    ///
    /// # Errors
    /// If the messages of a profile cannot be read from disk, or the catalog cannot be written there;
    /// then the catalog is the old one.
    pub fn replace_catalog(&self, catalog: Catalog) -> Result<u64, Error> {
        let now = self.now();
        let revision = self.swap_catalog(catalog, now, |packed| match &self.upkeep {
            Some(upkeep) => upkeep.folder.record_catalog(now, packed),
            None => Ok(0),
        })?;
        if let Some(upkeep) = &self.upkeep {
            upkeep.folder.journal.sync()?;
        }
        self.checkpoint()?;
        Ok(revision)
    }

    /// The same at a certain time; `record` puts the new catalog on record.
    pub(crate) fn swap_catalog(
        &self,
        catalog: Catalog,
        now: Time,
        record: impl FnOnce(&str) -> Result<u64, Error>,
    ) -> Result<u64, Error> {
        // A new catalog makes a profile from its messages, so all of them come to memory.
        let _everything = self.upkeep.as_ref().map(Kept::of);
        // Whoever is evicting now, finishes.
        self.upkeep.iter().for_each(|upkeep| drop(upkeep.folder.upkeep.lock()));
        self.load_everything(now)?;
        // A checkpoint sees one catalog.
        let _alone = self.upkeep.as_ref().map(|upkeep| upkeep.folder.upkeep.lock());
        let mut locked = self.shards.lock(0..self.shards.len());
        let old = locked.program();
        let packed = catalog.text.pack();
        let revision = old.revision + 1;
        for shard in locked.all() {
            shard.complete_all()?;
        }
        record(&packed)?;
        let program = Arc::new(Program::new(catalog.definitions, revision));
        let mut before = Memberships::new();
        for shard in locked.all() {
            self.advance_shard(shard, now);
            note_memberships(shard, &mut before);
            shard.replace_program(Arc::clone(&program), now);
        }
        self.shards.set_program(&program);
        if old.definitions.identifiers != program.definitions.identifiers {
            // Messages may tie other identifiers now.
            let mut concerned = Concerned::all(locked);
            let plan = concerned.heard_anew(None, &program.definitions.identifiers);
            self.carry_out(&mut concerned, plan.plan, "", now, 0);
            locked = concerned.locked;
        }
        let mut after = Memberships::new();
        for shard in locked.all() {
            note_memberships(shard, &mut after);
        }
        self.reports.keep(&moves(&before, &after, now));
        if let Some(upkeep) = &self.upkeep {
            *upkeep.catalog.lock() = packed;
        }
        Ok(revision)
    }

    /// Brings every profile into memory.
    fn load_everything(&self, now: Time) -> Result<(), Error> {
        let Some(upkeep) = &self.upkeep else { return Ok(()) };
        let keys = self.trusting(|| upkeep.folder.keys())?;
        for identifier in keys.iter().filter_map(|key| Identifier::of_key(key)) {
            let loaded = self.load(identifier, now)?;
            debug_assert_eq!(loaded, Loaded::Present, "what the live store lists is in it");
        }
        Ok(())
    }
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
