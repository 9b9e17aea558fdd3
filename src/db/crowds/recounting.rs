//! Counting what was accepted before a table was there: after opening, and under a catalog that counts
//! otherwise.
//!
//! In memory that is done when somebody first asks, with all profiles at hand. In a folder a thread does it from
//! base and journal, beside everything else: with the gate closed for a moment the table begins empty, and the
//! last record of that moment divides what this counts from what is counted as it comes. Order does not matter
//! to weights that decay forward, so both go into one table.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use ahash::AHashSet;
use parking_lot::Mutex;

use crate::base::error::{Error, ErrorKind};
use crate::base::time::Time;
use crate::crowd::tally::Crowd;
use crate::db::database::Database;
use crate::db::durable::customers::{Customer, Truth};
use crate::db::durable::upkeep::Upkeep;
use crate::engine::consents::Told as _;
use crate::engine::program::Program;
use crate::engine::retelling::heard_until;
use crate::engine::typed_message::{Content, Misfits, event_of};
use crate::facts::identity::ties::Home;
use crate::facts::stamp::HistoryPlace;
use crate::model::ids::EventId;
use crate::model::message::Message;
use crate::store::crowds::{Counted, Crowds, Progress};
use crate::store::history::History;
use crate::store::holds::Holder;

/// The thread of a database in a folder that counts what was there before.
#[derive(Debug, Default)]
pub(crate) struct Recounting {
    thread: Mutex<Option<JoinHandle<()>>>,
    is_stopped: Arc<AtomicBool>,
}

impl Recounting {
    /// Sees to it that a thread counts what is not counted yet.
    pub(crate) fn begin(&self, upkeep: &Arc<Upkeep>, crowds: &Arc<Crowds>) {
        let mut thread = self.thread.lock();
        let is_complete = crowds.in_force().iter().all(|counted| counted.progress() == Progress::Complete);
        // One that is about to end may not have seen what there is to do now: it is waited for.
        if is_complete || self.is_stopped.load(Ordering::Acquire) {
            return;
        }
        let (upkeep, crowds, is_stopped) =
            (Arc::clone(upkeep), Arc::clone(crowds), Arc::clone(&self.is_stopped));
        let before = thread.take();
        let run = move || {
            // A panic there has been reported where it happened; nothing is left to do here.
            let _ = before.map(JoinHandle::join);
            if let Err(error) = recount(&upkeep, &crowds, &is_stopped)
                && !is_stopped.load(Ordering::Acquire)
            {
                upkeep.folder.warn(format!("what all customers do could not be counted anew: {error}"));
            }
        };
        // Without a thread, whoever asks for it does it.
        *thread = std::thread::Builder::new().name("habitue-crowds".to_owned()).spawn(run).ok();
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
        let thread = self.thread.lock().take();
        // As above.
        let _ = thread.map(JoinHandle::join);
    }
}

impl Database {
    /// Waits until everything that is kept is counted in all crowds, which after opening, and after a new
    /// catalog, is done beside other calls. Until then lists say that they are not complete.
    ///
    /// # Errors
    /// If messages cannot be read from disk.
    pub fn finish_crowds(&self) -> Result<(), Error> {
        match &self.upkeep {
            Some(upkeep) => recount(upkeep, &self.crowds, &AtomicBool::new(false)),
            None => self.recount_in_memory(),
        }
    }

    /// Counts what a thread has to count anew.
    pub(crate) fn begin_recounting(&self) {
        if let Some(upkeep) = &self.upkeep {
            self.recounting.begin(upkeep, &self.crowds);
        }
    }

    /// Counts what the profiles in memory hold, which are all there are.
    pub(crate) fn recount_in_memory(&self) -> Result<(), Error> {
        if incomplete(&self.crowds.in_force()).is_empty() {
            return Ok(());
        }
        let mut locked = self.shards.lock(0..self.shards.len(), Holder::Swap);
        let program = locked.program();
        // All shards are held, so nobody passes the gate who waits for this.
        let held = self.held.lock();
        let _gate = self.crowds.close_gate();
        let wanted = incomplete(&self.crowds.in_force());
        wanted.iter().for_each(begin);
        let recount = Recount { program: &program, crowds: &self.crowds, wanted: &wanted };
        for shard in locked.all() {
            shard.profiles().for_each(|(_, profile)| recount.history(&profile.history));
        }
        held.iter().for_each(|held| recount.unasked(&held.incoming.message, held.incoming.time));
        end(&wanted);
        Ok(())
    }
}

/// Counts what base and journal hold, and is not counted yet.
fn recount(upkeep: &Upkeep, crowds: &Crowds, is_stopped: &AtomicBool) -> Result<(), Error> {
    let _alone = crowds.recounting.lock();
    let folder = &upkeep.folder;
    loop {
        let program = upkeep.shards.program();
        let in_force = crowds.in_force();
        let wanted = incomplete(&in_force);
        if wanted.is_empty() {
            return Ok(());
        }
        if !is_of(&program, &in_force) {
            // A catalog is being put in force in this very moment.
            std::thread::yield_now();
            continue;
        }
        // Nobody lets go of records that are still to be read.
        let building = folder.building.lock();
        let up_to = {
            let _gate = crowds.close_gate();
            wanted.iter().for_each(begin);
            folder.journal.last().0
        };
        folder.journal.sync()?;
        let (manifest, base) = {
            let state = folder.state.lock();
            (state.manifest.clone(), state.base.clone())
        };
        let tail = folder.tail(&manifest, Some(up_to))?;
        drop(building);
        let rules = &program.definitions.identifiers;
        let truth = Truth { base: base.as_ref(), tail: &tail, rules, now: upkeep.time.now() };
        let recount = Recount { program: &program, crowds, wanted: &wanted };
        let later = truth.for_each_customer(&mut |customer| {
            if is_stopped.load(Ordering::Acquire) {
                return Err(Error::new(ErrorKind::Busy, "the database is being closed"));
            }
            recount.customer(customer);
            Ok(())
        })?;
        later.iter().for_each(|(_, entry)| recount.unasked(&entry.message, entry.time));
        end(&wanted);
    }
}

/// Those that have not counted everything.
fn incomplete(in_force: &[Counted]) -> Vec<Counted> {
    in_force.iter().filter(|counted| counted.progress() != Progress::Complete).cloned().collect()
}

/// Whether the definitions in force are those of a program.
fn is_of(program: &Program, in_force: &[Counted]) -> bool {
    let crowds = &program.definitions.crowds;
    let is_same = |(counted, definition): (&Counted, _)| Arc::ptr_eq(&counted.definition, definition);
    in_force.len() == crowds.len() && in_force.iter().zip(crowds).all(is_same)
}

/// Begins to count in an empty table.
fn begin(counted: &Counted) {
    let mut table = counted.table.write();
    table.progress = Progress::Counting;
    table.crowd = Crowd::new(&counted.definition);
}

/// Says that everything is counted, but for those that have to be counted again.
fn end(wanted: &[Counted]) {
    for counted in wanted {
        let mut table = counted.table.write();
        if table.progress == Progress::Counting {
            table.progress = Progress::Complete;
        }
    }
}

/// What is counted anew, and by which rules.
struct Recount<'a> {
    program: &'a Program,
    crowds: &'a Crowds,
    wanted: &'a [Counted],
}

impl Recount<'_> {
    fn customer(&self, customer: Customer<'_>) {
        let mut history = History::default();
        customer.messages.iter().for_each(|(_, entry)| history.push(entry.pack()));
        self.history(&history);
    }

    /// Counts a customer's messages, those that count.
    fn history(&self, history: &History) {
        let mut granted: Option<AHashSet<HistoryPlace>> = None;
        for (stamp, packed) in history.iter() {
            let entry = packed.unpack();
            let Some(content) = self.content(&entry.message) else { continue };
            if self.needs_consent(&content) {
                let granted = granted.get_or_insert_with(|| self.granted(history));
                if !granted.contains(&stamp.place) {
                    continue;
                }
            }
            self.count(&entry.message, &content, entry.time);
        }
    }

    /// Counts a message that is nobody's yet, unless it needs what nobody has granted.
    fn unasked(&self, message: &Message, time: Time) {
        if let Some(content) = self.content(message).filter(|content| !self.needs_consent(content)) {
            self.count(message, &content, time);
        }
    }

    fn count(&self, message: &Message, content: &Content, time: Time) {
        let home = Home::of_accepted(message, &self.program.definitions.identifiers);
        if let Some(uncounted) = self.crowds.says(self.wanted, home.identifier(), content, time) {
            uncounted.count();
        }
    }

    /// What a message says, if it is an event that somebody counts.
    fn content(&self, message: &Message) -> Option<Content> {
        let name = event_of(message.kind())?;
        let event = self.program.definitions.event_names.get(name).map(EventId)?;
        if self.wanted.iter().all(|wanted| wanted.definition.event != event) {
            return None;
        }
        Content::of(message, &self.program.definitions, Misfits::LeaveOut).ok()
    }

    fn needs_consent(&self, content: &Content) -> bool {
        let Content::Event { event, .. } = content.rest() else { return false };
        !self.program.definitions.purposes.of_event(*event).is_empty()
    }

    /// The places of the events that count.
    fn granted(&self, history: &History) -> AHashSet<HistoryPlace> {
        let definitions = &self.program.definitions;
        let (heard, _) = heard_until(Time::NEVER, history.told(definitions), &definitions.purposes);
        let events = heard.iter().filter(|message| matches!(message.content, Content::Event { .. }));
        events.map(|message| message.stamp.place).collect()
    }
}
