//! The sweep: bringing all profiles under a new catalog, beside the calls.
//!
//! A profile that is asked or changed catches up in that call. The sweep sees to the others, so that what
//! counts everybody can be answered, what the new catalog changed is reported, and the old one can be let
//! go of. It holds a shard for a moment only, and of profiles on disk it has a few in memory at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::base::error::Error;
use crate::db::changing::catch_up;
use crate::db::durable::folder::Access;
use crate::db::durable::loading::Loaded;
use crate::db::durable::upkeep::Upkeep;
use crate::db::reports::Reports;
use crate::db::subscribing::stream::Patience;
use crate::engine::program::Program;
use crate::model::identifier::{Identifier, OwnedIdentifier};
use crate::persist::live::keys::BUCKETS;
use crate::store::holds::Holder;
use crate::store::shards::Shards;

/// How long a shard is held before others get it.
const HOLD: Duration = Duration::from_micros(500);
/// How many profiles are brought from disk before they are written and leave again.
const PIECE: usize = 10_000;
/// How long the thread waits after it failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// What the sweep needs, and its thread while there is one.
#[derive(Debug)]
pub(crate) struct Sweep {
    shards: Arc<Shards>,
    reports: Arc<Reports>,
    upkeep: Option<Arc<Upkeep>>,
    /// Held by whoever sweeps.
    sweeping: Mutex<()>,
    running: Mutex<Running>,
    /// Whether the thread is to end, or not to begin.
    is_stopped: AtomicBool,
    pause: Mutex<()>,
    wake: Condvar,
}

/// The thread.
#[derive(Debug, Default)]
struct Running {
    thread: Option<JoinHandle<()>>,
    /// Whether it will look again whether all have caught up.
    looks_again: bool,
}

impl Sweep {
    /// A sweep of these profiles.
    pub(crate) fn new(shards: Arc<Shards>, reports: Arc<Reports>, upkeep: Option<Arc<Upkeep>>) -> Sweep {
        Sweep {
            shards,
            reports,
            upkeep,
            sweeping: Mutex::default(),
            running: Mutex::default(),
            is_stopped: AtomicBool::new(false),
            pause: Mutex::default(),
            wake: Condvar::new(),
        }
    }

    /// Brings all profiles under the program in force. Whoever calls meanwhile waits.
    ///
    /// # Errors
    /// If a profile cannot be read, or what was brought from disk cannot be written there again.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        self.sweep(&|| false)
    }

    /// Sees to it that a thread finishes the sweep.
    pub(crate) fn begin(self: &Arc<Sweep>) {
        let mut running = self.running.lock();
        if running.looks_again || self.is_stopped() || self.is_done() {
            return;
        }
        let shared = Arc::clone(self);
        let new = std::thread::Builder::new().name("habitue-sweep".to_owned());
        // Without a thread, whoever needs everybody does it.
        running.thread = new.spawn(move || shared.run()).ok();
        running.looks_again = running.thread.is_some();
    }

    /// Ends the thread; from now on only those who need everybody sweep.
    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
        drop(self.pause.lock());
        self.wake.notify_all();
        let thread = self.running.lock().thread.take();
        if let Some(thread) = thread {
            // A panic there has been reported where it happened; nothing is left to do here.
            let _ = thread.join();
        }
    }

    /// Says that all profiles are under a program. Those before it are let go of; on disk, once a
    /// checkpoint has written that.
    pub(crate) fn all_caught_up(&self, program: &Program) {
        self.shards.set_all_caught_up(program);
        if self.upkeep.is_none() {
            self.shards.forget_past(program.revision);
        }
    }

    fn is_done(&self) -> bool {
        self.shards.all_caught_up(&self.shards.program())
    }

    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Acquire)
    }

    fn run(&self) {
        // A subscriber is waited for while nobody waits for the sweep.
        let is_stopped = || self.is_stopped() || self.reports.is_behind();
        loop {
            {
                let mut running = self.running.lock();
                running.looks_again = !self.is_stopped() && !self.is_done();
                if !running.looks_again {
                    return;
                }
            }
            self.reports.hand_on(Patience::Waits);
            let swept = match &self.upkeep {
                Some(upkeep) => upkeep.trusting(|| self.sweep(&is_stopped)),
                None => self.sweep(&is_stopped),
            };
            if let (Err(error), Some(upkeep)) = (swept, &self.upkeep) {
                let warning = format!("bringing all profiles under the new catalog is tried again: {error}");
                upkeep.folder.warn(warning);
                let mut pause = self.pause.lock();
                if !self.is_stopped() {
                    self.wake.wait_for(&mut pause, PAUSE_AFTER_FAILURE);
                }
            }
        }
    }

    /// Sweeps until everybody is under the program in force, or it is to stop.
    fn sweep(&self, is_stopped: &dyn Fn() -> bool) -> Result<(), Error> {
        let _one_at_a_time = self.sweeping.lock();
        while !self.is_done() && !is_stopped() {
            let program = self.shards.program();
            self.in_memory(is_stopped)?;
            if let Some(upkeep) = &self.upkeep {
                self.on_disk(upkeep, &program, is_stopped)?;
            }
            // Those who began since are under it already.
            if !is_stopped() && Arc::ptr_eq(&program, &self.shards.program()) {
                self.all_caught_up(&program);
            }
        }
        Ok(())
    }

    fn in_memory(&self, is_stopped: &dyn Fn() -> bool) -> Result<(), Error> {
        for shard in self.shards.iter() {
            let (mut slot, mut slots) = (0, 1);
            while slot < slots && !is_stopped() {
                let mut shard = self.shards.holds.hold(shard, Holder::Sweep);
                let since = Instant::now();
                slots = shard.slots();
                while slot < slots && since.elapsed() < HOLD {
                    if shard.at(slot).is_some() {
                        catch_up(&mut shard, slot, &self.reports)?;
                    }
                    slot += 1;
                }
                shard.unlock_fair();
                self.reports.hand_on(Patience::Never);
            }
        }
        Ok(())
    }

    /// Brings up those on disk, and those who come from there meanwhile.
    fn on_disk(
        &self,
        upkeep: &Arc<Upkeep>,
        program: &Program,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<(), Error> {
        let mut brought = Vec::new();
        for bucket in 0..BUCKETS as u16 {
            for key in upkeep.folder.keys_behind(bucket, program)? {
                if is_stopped() {
                    return Ok(());
                }
                let Some(identifier) = Identifier::of_key(&key) else { continue };
                if self.one(upkeep, identifier)? {
                    brought.push(identifier.to_owned());
                }
                if brought.len() >= PIECE || upkeep.is_over_budget() {
                    self.let_go(upkeep, std::mem::take(&mut brought))?;
                }
            }
        }
        self.let_go(upkeep, brought)
    }

    /// Brings one profile up; says whether it came from disk for that.
    fn one(&self, upkeep: &Upkeep, identifier: Identifier<'_>) -> Result<bool, Error> {
        let mut came = false;
        loop {
            if let Some((mut shard, slot)) = self.shards.write(identifier, Holder::Sweep) {
                catch_up(&mut shard, slot, &self.reports)?;
                if came {
                    shard.profile(slot).take_asked();
                }
                drop(shard);
                self.reports.hand_on(Patience::Never);
                return Ok(came);
            }
            came = true;
            if upkeep.load(identifier, upkeep.time.now())? != Loaded::Present {
                // It is part of another by now.
                return Ok(false);
            }
        }
    }

    /// Writes profiles that came for the sweep only, and takes them out of memory again.
    fn let_go(&self, upkeep: &Upkeep, brought: Vec<OwnedIdentifier>) -> Result<(), Error> {
        if brought.is_empty() || upkeep.folder.access != Access::Everything {
            return Ok(());
        }
        upkeep.checkpoint()?;
        upkeep.evict_unasked(&brought);
        Ok(())
    }
}
