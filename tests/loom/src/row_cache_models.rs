//! Whoever reads a row sees one version of it, and nothing that was forgotten before he began.

use ahash::RandomState;

use crate::base::row_cache::{RowCache, Text, Tickets};
use crate::base::sync::Ordering;
#[cfg(not(miri))]
use crate::base::sync::leave_out;
use crate::checker::sync::{Arc, Mutex};
use crate::checker::thread;
use crate::models::{READS, model};

/// Rows, and what is cached in them: a number, written twice.
struct Cached {
    tickets: Tickets,
    rows: RowCache,
    truth: Mutex<u64>,
}

impl Cached {
    fn new() -> Arc<Cached> {
        let tickets = Tickets::new(RandomState::with_seeds(1, 2, 3, 4));
        Arc::new(Cached { tickets, rows: RowCache::new(1, 1), truth: Mutex::new(1) })
    }

    fn text(&self, text: &str) -> Text {
        self.tickets.text(text).expect("it is short")
    }

    /// Looks the number up, and keeps it once it is no longer locked.
    fn keep(&self, text: &str) {
        let text = self.text(text);
        let ticket = self.tickets.take(&text);
        let truth = *self.truth.lock().expect("nobody panics");
        self.rows.keep(&text, &self.tickets, ticket, |row| {
            row.head().store(truth, Ordering::Relaxed);
            row.line(0)[3].store(truth, Ordering::Relaxed);
        });
    }

    fn change(&self, text: &str, to: u64) {
        let mut truth = self.truth.lock().expect("nobody panics");
        *truth = to;
        self.rows.forget(&self.text(text), &self.tickets);
    }

    /// Changes the number, and writes the row anew.
    fn change_and_renew(&self, text: &str, to: u64) {
        let mut truth = self.truth.lock().expect("nobody panics");
        let text = self.text(text);
        self.rows.forget(&text, &self.tickets);
        *truth = to;
        self.rows.renew(&text, &self.tickets, |row| {
            row.head().store(to, Ordering::Relaxed);
            row.line(0)[3].store(to, Ordering::Relaxed);
        });
    }

    /// Both copies of the number, if they are there.
    fn read(&self, text: &str) -> Option<(u64, u64)> {
        self.rows.read(&self.text(text), |row| {
            Some((row.head().load(Ordering::Relaxed), row.line(0)[3].load(Ordering::Relaxed)))
        })
    }
}

/// Does something in another thread.
fn beside(cached: &Arc<Cached>, act: fn(&Cached)) -> thread::JoinHandle<()> {
    let cached = Arc::clone(cached);
    thread::spawn(move || act(&cached))
}

fn what_is_read_is_of_one_version() {
    model(|| {
        let cached = Cached::new();
        cached.keep("ana");
        let writer = beside(&cached, |cached| {
            cached.change("ana", 2);
            cached.keep("ana");
        });
        for _ in 0..READS {
            if let Some((one, other)) = cached.read("ana") {
                assert_eq!(one, other, "two versions in one answer");
            }
            thread::yield_now();
        }
        writer.join().expect("it ends");
        assert_eq!(cached.read("ana"), Some((2, 2)));
    });
}

fn what_was_looked_up_before_a_change_is_not_kept_after_it() {
    model(|| {
        let cached = Cached::new();
        let keeper = beside(&cached, |cached| cached.keep("ana"));
        cached.change("ana", 2);
        assert!(cached.read("ana").is_none_or(|read| read == (2, 2)), "forgotten before");
        keeper.join().expect("it ends");
        assert!(cached.read("ana").is_none_or(|read| read == (2, 2)), "kept after it was forgotten");
    });
}

fn a_renewed_row_is_of_one_version() {
    model(|| {
        let cached = Cached::new();
        cached.keep("ana");
        let writer = beside(&cached, |cached| cached.change_and_renew("ana", 2));
        for _ in 0..READS {
            if let Some((one, other)) = cached.read("ana") {
                assert_eq!(one, other, "two versions in one answer");
            }
            thread::yield_now();
        }
        writer.join().expect("it ends");
        assert_eq!(cached.read("ana"), Some((2, 2)), "it is renewed");
    });
}

fn what_was_looked_up_before_a_change_does_not_replace_what_was_renewed() {
    model(|| {
        let cached = Cached::new();
        cached.keep("ana");
        let keeper = beside(&cached, |cached| cached.keep("ana"));
        cached.change_and_renew("ana", 2);
        assert!(cached.read("ana").is_none_or(|read| read == (2, 2)), "forgotten before");
        keeper.join().expect("it ends");
        assert!(cached.read("ana").is_none_or(|read| read == (2, 2)), "kept after it was forgotten");
    });
}

#[test]
fn a_reader_sees_one_version() {
    what_is_read_is_of_one_version();
}

#[cfg(not(miri))]
#[test]
#[should_panic(expected = "two versions in one answer")]
fn a_reader_without_a_fence_sees_two() {
    leave_out(Ordering::Acquire);
    what_is_read_is_of_one_version();
}

#[cfg(not(miri))]
#[test]
#[should_panic(expected = "two versions in one answer")]
fn a_writer_without_a_fence_shows_two() {
    leave_out(Ordering::Release);
    what_is_read_is_of_one_version();
}

#[test]
fn what_is_forgotten_stays_forgotten() {
    what_was_looked_up_before_a_change_is_not_kept_after_it();
}

#[cfg(not(miri))]
#[test]
#[should_panic(expected = "kept after it was forgotten")]
fn without_fences_it_comes_back() {
    leave_out(Ordering::SeqCst);
    what_was_looked_up_before_a_change_is_not_kept_after_it();
}

#[test]
fn two_texts_take_turns_in_one_row() {
    model(|| {
        let cached = Cached::new();
        let other = beside(&cached, |cached| cached.keep("bob"));
        cached.keep("ana");
        let (ana, bob) = (cached.read("ana"), cached.read("bob"));
        assert!([ana, bob].into_iter().flatten().all(|read| read == (1, 1)));
        other.join().expect("it ends");
    });
}

#[test]
fn a_reader_sees_one_version_of_what_is_renewed() {
    a_renewed_row_is_of_one_version();
}

#[cfg(not(miri))]
#[test]
#[should_panic(expected = "two versions in one answer")]
fn a_reader_without_a_fence_sees_two_of_what_is_renewed() {
    leave_out(Ordering::Acquire);
    a_renewed_row_is_of_one_version();
}

#[test]
fn what_is_renewed_stays() {
    what_was_looked_up_before_a_change_does_not_replace_what_was_renewed();
}
