//! Replacing the catalog.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::RwLock;

use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::applied::{Cause, Transition};
use crate::db::catalog::Catalog;
use crate::db::database::Database;
use crate::db::durable::loading::Loaded;
use crate::db::durable::upkeep::Upkeep;
use crate::engine::program::Program;
use crate::store::profile::Identifier;

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
        let _everything = self.upkeep.as_deref().map(KeepsEverything::new);
        self.load_everything(now)?;
        // A checkpoint sees one catalog.
        let _alone = self.upkeep.as_ref().map(|upkeep| upkeep.folder.upkeep.lock());
        let mut shards: Vec<_> = self.shards.iter().map(RwLock::write).collect();
        for shard in &mut shards {
            shard.complete_all()?;
        }
        let packed = catalog.text.pack();
        record(&packed)?;
        let revision = shards[0].program.revision + 1;
        let program = Arc::new(Program::new(catalog.definitions, revision));
        for shard in &mut shards {
            self.advance_shard(shard, now);
            let before = Arc::clone(&shard.program);
            let members: Vec<_> = shard.profiles().map(|(_, profile)| profile.memberships(&before)).collect();
            shard.replace_program(Arc::clone(&program), now);
            for ((_, profile), before) in shard.profiles().zip(members) {
                let after = profile.memberships(&program);
                let left = before.iter().filter(|name| !after.contains(*name)).map(|name| (name, false));
                let entered = after.iter().filter(|name| !before.contains(*name)).map(|name| (name, true));
                let turned = left.chain(entered).map(|(segment, entered)| Transition {
                    profile: Arc::clone(&profile.name),
                    segment: Arc::from(segment.as_str()),
                    entered,
                    at: now,
                    cause: Cause::Catalog,
                });
                self.keep(&turned.collect::<Vec<_>>());
            }
        }
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

/// While it is there, no profile leaves memory.
struct KeepsEverything<'a>(&'a Upkeep);

impl KeepsEverything<'_> {
    fn new(upkeep: &Upkeep) -> KeepsEverything<'_> {
        upkeep.keeps_everything.store(true, Ordering::SeqCst);
        // Whoever is evicting now, finishes.
        drop(upkeep.folder.upkeep.lock());
        KeepsEverything(upkeep)
    }
}

impl Drop for KeepsEverything<'_> {
    fn drop(&mut self) {
        self.0.keeps_everything.store(false, Ordering::SeqCst);
    }
}
