//! A shard of two profiles, whose answers are kept in rows: whoever has been told something under the lock is not
//! told anything older without it, and once a writer is done, nobody is. Profiles are changed, evicted and brought
//! back, and two customers become one.

use ahash::RandomState;

use crate::base::row_cache::{RowCache, Text, Tickets};
use crate::base::sync::Ordering;
use crate::checker::sync::{Arc, RwLock};
use crate::checker::thread;
use crate::kept::KeptState;
use crate::models::{READS, model};

/// What is answered of a customer: numbers only ever grow.
#[derive(Default)]
struct Profile {
    number: u64,
    kept: KeptState,
}

/// What a shard's lock guards: profiles, and where ids lead.
#[derive(Default)]
struct Slots {
    profiles: [Option<Profile>; 2],
    ana: usize,
    bob: usize,
}

struct Shard {
    tickets: Tickets,
    rows: RowCache,
    slots: RwLock<Slots>,
}

/// What a writer leaves out: the faults that the models have to find.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(miri, expect(dead_code, reason = "Miri does not try every order"))]
enum Fault {
    None,
    /// Rows are forgotten once the lock is let go of.
    ForgetsLate,
    /// A profile that leaves memory leaves its rows.
    LeavesRows,
    /// An id is led elsewhere, and its row stays.
    LeadsQuietly,
}

impl Slots {
    fn place(&self, text: &str) -> usize {
        if text == "ana" { self.ana } else { self.bob }
    }

    fn profile(&mut self, text: &str) -> &mut Profile {
        let place = self.place(text);
        self.profiles[place].as_mut().expect("it is in memory")
    }
}

impl Shard {
    /// Ana and Bob were asked for before; what they answered is kept.
    fn new() -> Arc<Shard> {
        let profile = || Some(Profile { number: 1, kept: KeptState::default() });
        let slots = Slots { profiles: [profile(), profile()], ana: 0, bob: 1 };
        let tickets = Tickets::new(RandomState::with_seeds(1, 2, 3, 4));
        let shard = Shard { tickets, rows: RowCache::new(2, 1), slots: RwLock::new(slots) };
        for text in ["ana", "ana", "bob", "bob"] {
            shard.ask(text);
        }
        assert_eq!((shard.read("ana"), shard.read("bob")), (Some(1), Some(1)));
        Arc::new(shard)
    }

    fn text(&self, text: &str) -> Text {
        self.tickets.text(text).expect("it is short")
    }

    /// Asks under the lock, and keeps the answer.
    fn ask(&self, text: &str) -> u64 {
        let look_up = self.text(text);
        let ticket = self.tickets.take(&look_up);
        let slots = self.slots.read().expect("nobody panics");
        let profile = slots.profiles[slots.place(text)].as_ref().expect("it is in memory");
        if profile.kept.is_asked_again() {
            self.rows.keep(&look_up, &self.tickets, ticket, |row| {
                row.head().store(profile.number, Ordering::Relaxed);
            });
        }
        profile.number
    }

    /// Asks under the lock, and keeps nothing.
    fn look(&self, text: &str) -> u64 {
        self.slots.write().expect("nobody panics").profile(text).number
    }

    /// What is kept.
    fn read(&self, text: &str) -> Option<u64> {
        self.rows.read(&self.text(text), |row| Some(row.head().load(Ordering::Relaxed)))
    }

    fn forget(&self, text: &str) {
        self.rows.forget(&self.text(text), &self.tickets);
    }

    /// Changes Ana's profile, and writes her row anew.
    fn change(&self, fault: Fault) {
        let mut slots = self.slots.write().expect("nobody panics");
        let profile = slots.profile("ana");
        let was_kept = profile.kept.take();
        if was_kept && fault != Fault::ForgetsLate {
            self.forget("ana");
        }
        profile.number += 1;
        if fault == Fault::ForgetsLate {
            drop(slots);
            self.forget("ana");
            return;
        }
        if profile.kept.is_to_be_renewed() {
            let number = profile.number;
            let renewed = self.rows.renew(&self.text("ana"), &self.tickets, |row| {
                row.head().store(number, Ordering::Relaxed);
            });
            profile.kept.set_renewed(renewed);
        }
    }

    /// Lets Ana's profile leave memory and come back, and then changes it.
    fn evict_and_change(&self, fault: Fault) {
        let mut slots = self.slots.write().expect("nobody panics");
        let profile = slots.profile("ana");
        if profile.kept.take() && fault != Fault::LeavesRows {
            self.forget("ana");
        }
        // What comes from disk knows nothing of rows.
        *profile = Profile { number: profile.number, kept: KeptState::default() };
        drop(slots);
        self.change(Fault::None);
    }

    /// Makes Bob one with Ana.
    fn merge(&self, fault: Fault) {
        let mut slots = self.slots.write().expect("nobody panics");
        for text in ["ana", "bob"] {
            let is_forgotten = slots.profile(text).kept.take();
            if is_forgotten && (text, fault) != ("bob", Fault::LeadsQuietly) {
                self.forget(text);
            }
        }
        slots.profiles = [Some(Profile { number: 5, kept: KeptState::default() }), None];
        slots.bob = 0;
    }
}

/// While somebody writes, who asks and reads goes forward only; and once it is written, it is what is read.
fn answers_go_forward(text: &'static str, write: fn(&Shard, Fault), fault: Fault, last: u64) {
    model(move || {
        let shard = Shard::new();
        let writer = {
            let shard = Arc::clone(&shard);
            thread::spawn(move || write(&shard, fault))
        };
        let asker = {
            let shard = Arc::clone(&shard);
            thread::spawn(move || shard.ask(text))
        };
        for _ in 0..READS {
            let told = shard.look(text);
            assert!(shard.read(text).is_none_or(|read| read >= told), "older than what was told");
            thread::yield_now();
        }
        writer.join().expect("it ends");
        asker.join().expect("it ends");
        assert!(shard.read(text).is_none_or(|read| read == last), "kept after it was changed");
        assert_eq!(shard.ask(text), last);
    });
}

#[test]
fn a_change_is_seen() {
    answers_go_forward("ana", Shard::change, Fault::None, 2);
}

#[cfg(not(miri))]
#[test]
#[should_panic(expected = "older than what was told")]
fn forgotten_late_the_old_is_seen_after_the_new() {
    answers_go_forward("ana", Shard::change, Fault::ForgetsLate, 2);
}

#[test]
fn who_left_and_came_back_is_seen() {
    answers_go_forward("ana", Shard::evict_and_change, Fault::None, 2);
}

#[cfg(not(miri))]
#[test]
#[should_panic(expected = "kept after it was changed")]
fn rows_that_are_left_behind_stay() {
    answers_go_forward("ana", Shard::evict_and_change, Fault::LeavesRows, 2);
}

#[test]
fn a_merge_is_seen_under_both_ids() {
    answers_go_forward("ana", Shard::merge, Fault::None, 5);
    answers_go_forward("bob", Shard::merge, Fault::None, 5);
}

#[cfg(not(miri))]
#[test]
#[should_panic(expected = "kept after it was changed")]
fn an_id_that_is_led_elsewhere_quietly_answers_as_before() {
    answers_go_forward("bob", Shard::merge, Fault::LeadsQuietly, 5);
}
