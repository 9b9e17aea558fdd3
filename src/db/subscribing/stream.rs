//! The way of changes to one subscriber: what is kept under a shard's lock, and what was handed on.
//!
//! Whoever changes a profile keeps what turned in the outbox while the profile's shard is locked, so that the
//! order is that of the changes. Once no shard is held, it is handed on: moved to a bounded channel, as far
//! as there is room. Who has patience then waits until there was room for the rest. Rejected: sending right
//! where a profile changes (a full channel would keep its shard locked), and a thread for each subscriber.
//!
//! Invariants:
//! 1. Whatever is put into the channel or taken out of it, is while the outbox is locked: it is only ever
//!    locked for a moment, and nobody waits meanwhile.
//! 2. What is in the channel was kept before what is in the outbox.
//! 3. Whoever waits holds nothing but a sender.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crossbeam_channel::{Receiver, Select, Sender, TrySendError, bounded};
use parking_lot::Mutex;

use crate::db::subscribing::change::Change;
use crate::db::subscribing::options::{SubscribeOptions, WhenFull};

/// How many changes may be kept beside a full channel before work that has time is put off.
const MOST_KEPT: usize = 10_000;

/// The way to one subscriber.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(super) options: SubscribeOptions,
    outbox: Mutex<Outbox>,
    channel: Receiver<Change>,
    /// Disconnected once nobody is to wait any more.
    patience: Receiver<Infallible>,
    dropped: AtomicU64,
}

/// What is not in the channel yet.
#[derive(Debug)]
struct Outbox {
    kept: VecDeque<Change>,
    /// How many changes were ever kept, and how many of them are no longer.
    all: u64,
    gone: u64,
    /// Into the channel, until the database is closed or the subscriber gone.
    sender: Option<Sender<Change>>,
    /// While it is there, whoever has patience waits for room.
    patience: Option<Sender<Infallible>>,
}

/// Whether somebody waits until there was room for what they brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    Waits,
    Never,
}

/// What a subscriber finds.
#[derive(Debug)]
pub(super) enum Found {
    Change(Change),
    Nothing,
    /// And there will be nothing more.
    End,
}

impl Stream {
    /// A stream without changes.
    pub(super) fn new(options: SubscribeOptions) -> Stream {
        let (sender, channel) = bounded(options.capacity);
        let (keeps_waiting, patience) = bounded(0);
        let (sender, keeps_waiting) = (Some(sender), Some(keeps_waiting));
        let outbox = Outbox { kept: VecDeque::new(), all: 0, gone: 0, sender, patience: keeps_waiting };
        Stream { options, outbox: Mutex::new(outbox), channel, patience, dropped: AtomicU64::new(0) }
    }

    /// Keeps those of some changes that were subscribed to.
    pub(crate) fn keep(&self, changes: &[Change]) {
        let mut outbox = self.outbox.lock();
        if outbox.sender.is_none() {
            return;
        }
        let before = outbox.kept.len();
        outbox.kept.extend(changes.iter().filter(|change| self.options.want(change)).cloned());
        outbox.all += (outbox.kept.len() - before) as u64;
    }

    /// Hands on what was kept so far. No shard may be held.
    pub(crate) fn hand_on(&self, patience: Patience) {
        let up_to = {
            let mut outbox = self.outbox.lock();
            self.fill(&mut outbox);
            outbox.all
        };
        if patience == Patience::Never {
            return;
        }
        loop {
            let sender = {
                let mut outbox = self.outbox.lock();
                self.fill(&mut outbox);
                match (&outbox.sender, &outbox.patience) {
                    (Some(sender), Some(_)) if outbox.gone < up_to => sender.clone(),
                    _ => return,
                }
            };
            let mut room = Select::new();
            room.send(&sender);
            room.recv(&self.patience);
            room.ready();
        }
    }

    /// Whether so much waits for room that what has time should be put off.
    pub(crate) fn is_behind(&self) -> bool {
        let outbox = self.outbox.lock();
        outbox.patience.is_some() && outbox.kept.len() >= MOST_KEPT
    }

    /// Moves to the channel what there is room for.
    fn fill(&self, outbox: &mut Outbox) {
        let Outbox { kept, gone, sender: Some(sender), .. } = outbox else { return };
        while let Some(change) = kept.pop_front() {
            match sender.try_send(change) {
                Ok(()) => *gone += 1,
                Err(TrySendError::Full(change) | TrySendError::Disconnected(change)) => {
                    kept.push_front(change);
                    if self.options.when_full == WhenFull::Block {
                        return;
                    }
                    self.dropped.fetch_add(u64::from(self.channel.try_recv().is_ok()), Ordering::Relaxed);
                }
            }
        }
    }

    /// The next change, if it is there.
    pub(super) fn find(&self) -> Found {
        let mut outbox = self.outbox.lock();
        self.fill(&mut outbox);
        match self.channel.try_recv() {
            Ok(change) => Found::Change(change),
            Err(_) if outbox.sender.is_some() => Found::Nothing,
            // What there was no room for when the database was closed.
            Err(_) => outbox.kept.pop_front().map_or(Found::End, Found::Change),
        }
    }

    /// Waits until there may be something to find; says whether that was before the deadline.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut something = Select::new();
        something.recv(&self.channel);
        match deadline {
            None => {
                something.ready();
                true
            }
            Some(deadline) => something.ready_deadline(deadline).is_ok(),
        }
    }

    /// How many changes were dropped because the subscriber had not taken them.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Takes out what is of those whom `is_asked` names.
    pub(crate) fn forget(&self, is_asked: &dyn Fn(&str) -> bool) {
        let mut outbox = self.outbox.lock();
        let waiting: Vec<Change> = self.channel.try_iter().collect();
        let left = waiting.into_iter().filter(|change| !is_asked(change.profile()));
        if let Some(sender) = &outbox.sender {
            // Those that stay had room before.
            left.for_each(|change| drop(sender.try_send(change)));
        }
        let before = outbox.kept.len();
        outbox.kept.retain(|change| !is_asked(change.profile()));
        outbox.gone += (before - outbox.kept.len()) as u64;
    }

    /// Lets whoever waits for room go on without, now and from now on.
    pub(crate) fn wait_no_more(&self) {
        self.outbox.lock().patience = None;
    }

    /// Ends the stream after what was kept so far.
    pub(crate) fn close(&self) {
        let mut outbox = self.outbox.lock();
        self.fill(&mut outbox);
        (outbox.sender, outbox.patience) = (None, None);
    }

    /// Ends the stream with all that is in it.
    pub(super) fn leave(&self) {
        let mut outbox = self.outbox.lock();
        (outbox.sender, outbox.patience) = (None, None);
        outbox.kept = VecDeque::new();
        self.channel.try_iter().for_each(drop);
    }
}
