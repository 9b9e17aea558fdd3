//! What changed, kept until somebody takes it, and on its way to subscribers.
//!
//! Changes are kept where they happen, with the shard of their profile locked: so those of one profile are
//! in their order, for whoever takes them and for each subscriber. They are handed on to subscribers once no
//! shard is held ([`stream`](crate::db::subscribing::stream)).
//!
//! Invariants:
//! 1. Whoever keeps something under a shard's lock hands it on after letting go of it, before the call
//!    returns.
//! 2. While an instant is open, everything that is kept waits for its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ahash::AHashMap;
use parking_lot::{Mutex, RwLock};

use crate::base::piece_queue::PieceQueue;
use crate::db::applied::Transition;
use crate::db::subscribing::change::Change;
use crate::db::subscribing::stream::{Patience, Stream};
use crate::db::subscribing::watch::Watch;

/// Most transitions kept until somebody takes them; then the oldest are dropped, and counted.
const MAX_TRANSITIONS: usize = 1_000_000;

/// What was reported and is not taken yet, and who subscribed.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    kept: Mutex<Kept>,
    subscribed: RwLock<Subscribed>,
    /// Whether anybody subscribed, and to decisions.
    is_subscribed: AtomicBool,
    is_watched: AtomicBool,
    /// Whether something may wait to be handed on.
    is_untold: AtomicBool,
    /// Whether nothing is kept: what happens was told long ago.
    is_deaf: AtomicBool,
    watches: AtomicU64,
    all: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Kept {
    /// Until somebody takes them.
    waiting: PieceQueue<Transition>,
    /// What is kept while an instant is open.
    instant: Option<Vec<Change>>,
}

#[derive(Clone, Debug, Default)]
struct Subscribed {
    streams: Arc<[Arc<Stream>]>,
    watch: Option<Arc<Watch>>,
}

/// While it is there, an instant is open: what is kept counts as a whole.
#[derive(Debug)]
pub(crate) struct OpenInstant<'a>(&'a Reports);

impl Drop for OpenInstant<'_> {
    fn drop(&mut self) {
        let mut kept = self.0.kept.lock();
        let changes = as_wholes(kept.instant.take().unwrap_or_default());
        self.0.pass_on(&mut kept, changes);
    }
}

impl Reports {
    /// Keeps transitions until they are taken and handed on.
    pub(crate) fn keep(&self, transitions: &[Transition]) {
        if !transitions.is_empty() {
            self.keep_changes(transitions.iter().cloned().map(Change::Transition).collect());
        }
    }

    /// Keeps changes until they are taken and handed on.
    pub(crate) fn keep_changes(&self, changes: Vec<Change>) {
        if self.is_deaf.load(Ordering::Relaxed) {
            return;
        }
        let mut kept = self.kept.lock();
        match &mut kept.instant {
            Some(instant) => instant.extend(changes),
            None => self.pass_on(&mut kept, changes),
        }
    }

    fn pass_on(&self, kept: &mut Kept, changes: Vec<Change>) {
        let before = kept.waiting.len();
        let transition = |change| match change {
            Change::Transition(transition) => Some(transition),
            Change::Decision(_) => None,
        };
        if self.is_subscribed.load(Ordering::SeqCst) {
            self.subscribed.read().streams.iter().for_each(|stream| stream.keep(&changes));
            self.is_untold.store(true, Ordering::SeqCst);
        }
        kept.waiting.extend(changes.into_iter().filter_map(transition));
        self.all.fetch_add((kept.waiting.len() - before) as u64, Ordering::Relaxed);
        let surplus = kept.waiting.len().saturating_sub(MAX_TRANSITIONS);
        (0..surplus).for_each(|_| drop(kept.waiting.pop()));
        self.dropped.fetch_add(surplus as u64, Ordering::Relaxed);
    }

    /// Opens an instant: whoever enters and leaves again before it ends does neither.
    pub(crate) fn open_instant(&self) -> OpenInstant<'_> {
        self.kept.lock().instant.get_or_insert_default();
        OpenInstant(self)
    }

    /// Whether nothing is kept from now on.
    pub(crate) fn set_deaf(&self, is_deaf: bool) {
        self.is_deaf.store(is_deaf, Ordering::Relaxed);
    }

    /// Takes all that wait.
    pub(crate) fn take(&self) -> Vec<Transition> {
        let taken = std::mem::take(&mut self.kept.lock().waiting);
        taken.into_iter().collect()
    }

    /// Takes those of whoever was shown under one of these ids, and out of what no subscriber has taken yet.
    pub(crate) fn take_of(&self, is_asked: impl Fn(&str) -> bool) -> Vec<Transition> {
        let mut kept = self.kept.lock();
        self.subscribed.read().streams.iter().for_each(|stream| stream.forget(&is_asked));
        let all = std::mem::take(&mut kept.waiting);
        let (taken, left): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|transition| is_asked(&transition.profile));
        kept.waiting.extend(left);
        taken
    }

    /// How many transitions there were, and how many of them were dropped because nobody took them.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.all.load(Ordering::Relaxed), self.dropped.load(Ordering::Relaxed))
    }

    /// Whether something was kept that was not handed on yet.
    pub(crate) fn is_untold(&self) -> bool {
        self.is_untold.load(Ordering::SeqCst)
    }

    /// Hands on what was kept. No shard may be held.
    pub(crate) fn hand_on(&self, patience: Patience) {
        if !self.is_subscribed.load(Ordering::SeqCst) {
            return;
        }
        self.is_untold.store(false, Ordering::SeqCst);
        let streams = Arc::clone(&self.subscribed.read().streams);
        streams.iter().for_each(|stream| stream.hand_on(patience));
    }

    /// Whether so much waits for a subscriber that what has time should be put off.
    pub(crate) fn is_behind(&self) -> bool {
        self.is_subscribed.load(Ordering::SeqCst)
            && self.subscribed.read().streams.iter().any(|stream| stream.is_behind())
    }

    /// The decisions that somebody subscribed to.
    pub(crate) fn watch(&self) -> Option<Arc<Watch>> {
        if !self.is_watched.load(Ordering::SeqCst) {
            return None;
        }
        self.subscribed.read().watch.clone()
    }

    /// Begins a subscription.
    pub(crate) fn admit(&self, stream: &Arc<Stream>) {
        self.subscribe(|streams| streams.push(Arc::clone(stream)));
    }

    /// Ends a subscription.
    pub(crate) fn dismiss(&self, stream: &Arc<Stream>) {
        self.subscribe(|streams| streams.retain(|known| !Arc::ptr_eq(known, stream)));
    }

    /// Lets whoever waits for a subscriber go on without, now and from now on.
    pub(crate) fn wait_no_more(&self) {
        self.subscribed.read().streams.iter().for_each(|stream| stream.wait_no_more());
    }

    /// Ends all subscriptions after what was kept so far.
    pub(crate) fn close(&self) {
        self.subscribe(|streams| streams.drain(..).for_each(|stream| stream.close()));
    }

    fn subscribe(&self, change: impl FnOnce(&mut Vec<Arc<Stream>>)) {
        let mut subscribed = self.subscribed.write();
        let mut streams = subscribed.streams.to_vec();
        change(&mut streams);
        let watch = Watch::of(&streams, 1 + self.watches.fetch_add(1, Ordering::Relaxed));
        self.is_subscribed.store(!streams.is_empty(), Ordering::SeqCst);
        self.is_watched.store(watch.is_some(), Ordering::SeqCst);
        *subscribed = Subscribed { streams: streams.into(), watch: watch.map(Arc::new) };
    }
}

/// What turned at each instant as a whole: whoever entered and left again within one instant did neither.
fn as_wholes(changes: Vec<Change>) -> Vec<Change> {
    let key = |Transition { profile, segment, at, .. }: &Transition, entered: bool| {
        (Arc::clone(profile), Arc::clone(segment), *at, entered)
    };
    let mut places: AHashMap<_, Vec<usize>> = AHashMap::new();
    let mut whole: Vec<Option<Change>> = Vec::with_capacity(changes.len());
    for change in changes {
        if let Change::Transition(turn) = &change {
            if let Some(undone) = places.get_mut(&key(turn, !turn.entered)).and_then(Vec::pop) {
                whole[undone] = None;
                continue;
            }
            places.entry(key(turn, turn.entered)).or_default().push(whole.len());
        }
        whole.push(Some(change));
    }
    whole.into_iter().flatten().collect()
}
