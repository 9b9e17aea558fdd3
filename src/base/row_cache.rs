//! Rows of words under short texts, which many threads read without a lock.
//!
//! A table with open addressing, of a fixed number of rows of equal width. A row is found from the hash of its
//! text alone, and what is read of it is at a known distance, so a look-up waits for memory about once. A
//! row is a cache of what is known elsewhere under a lock: a reader who finds none, or one that changes,
//! asks there; he never waits here.
//!
//! Each row is a sequence lock made of atomics (H.-J. Boehm, "Can seqlocks get along with programming
//! language memory models?", 2012): the state before and after reading the words is the same, or what was
//! read does not count. Whoever changes what is cached *forgets* the text first, and may *renew* its row once
//! the change is done. Whoever looked a thing up under its lock may *keep* it. They meet in this order:
//!
//! - keeping and renewing: take a ticket; look the thing up; lock the row and write its text; fence; look
//!   whether the ticket still holds; let the row count, unless somebody has touched its state;
//! - forgetting: make tickets void; fence; touch the state of each row that may have the text.
//!
//! So either the one who keeps sees that the ticket is void, or the one who forgets sees the row.
//!
//! Texts that differ only in the case of ASCII letters, or in blanks, are forgotten together, because rules
//! for identifiers may read them as one.
//!
//! Invariants:
//! 1. Only a row that counts is read: its state has `COUNTS` and not `LOCKED`.
//! 2. A state that was ever set is never 0 again, and no text is in a row after one whose state is 0.
//! 3. A state grows with each change, so that an equal one is the same one.

use std::hash::{BuildHasher as _, Hasher as _};

use ahash::RandomState;

use crate::base::sync::{AtomicU64, Line, Ordering, TICKETS, fence, lines};

/// Words in a line.
const LINE: usize = 8;
/// Words of a text.
const TEXT_WORDS: usize = 5;
/// Bytes of the longest text.
const TEXT_BYTES: usize = TEXT_WORDS * 8;
/// How many rows a text may be in, from that of its hash on.
const WINDOW: usize = 8;

/// The row may be read.
const COUNTS: u64 = 1;
/// Somebody writes the row.
const LOCKED: u64 = 2;
/// What a change adds.
const CHANGE: u64 = 4;

/// Beside the length of a row's text: somebody has read the row since it was written.
const READ: u64 = 1 << 32;

/// A short text, ready to be looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text {
    words: [u64; TEXT_WORDS],
    length: u64,
    /// In small letters, without blanks.
    folded: [u64; TEXT_WORDS],
    hash: u64,
}

/// Rows.
#[derive(Debug)]
pub(crate) struct RowCache {
    lines: Box<[Line]>,
    /// Lines of a row.
    width: usize,
    rows: usize,
}

/// What has changed, so that nothing is kept that was looked up before.
#[derive(Debug)]
pub(crate) struct Tickets {
    hasher: RandomState,
    counters: Box<[Line]>,
}

/// A row: the line with its state and its text, and lines for the caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a>(&'a [Line]);

/// What became of a row that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Yes,
    /// In the place of another one.
    InsteadOfAnother,
    /// What was looked up may have changed meanwhile, or somebody else writes the row.
    No,
}

/// What became of a row that was to be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Renewed {
    /// There is none, or it is not to be had now.
    No,
    Unread,
    /// It was read since it was written before.
    Wanted,
}

impl Tickets {
    /// No ticket is taken yet.
    pub(crate) fn new(hasher: RandomState) -> Tickets {
        Tickets { hasher, counters: lines(TICKETS / LINE) }
    }

    /// A text as it is looked up; nothing if it is too long to be kept.
    pub(crate) fn text(&self, text: &str) -> Option<Text> {
        let words = words_of(text.as_bytes())?;
        let length = text.len() as u64;
        let folded = folded(words, length);
        let mut hasher = self.hasher.build_hasher();
        // What comes after the end is zero, and most texts are short.
        let end = folded.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1);
        folded[..end].iter().for_each(|word| hasher.write_u64(*word));
        Some(Text { words, length, folded, hash: hasher.finish() })
    }

    /// A ticket for what is looked up now.
    pub(crate) fn take(&self, text: &Text) -> u64 {
        self.counter(text).load(Ordering::Acquire)
    }

    /// Makes the tickets of a text void.
    fn void(&self, text: &Text) {
        self.counter(text).fetch_add(1, Ordering::AcqRel);
    }

    fn holds(&self, text: &Text, ticket: u64) -> bool {
        self.counter(text).load(Ordering::Relaxed) == ticket
    }

    fn counter(&self, text: &Text) -> &AtomicU64 {
        let place = text.hash as usize % TICKETS;
        &self.counters[place / LINE].0[place % LINE]
    }
}

impl RowCache {
    /// So many rows, each with so many lines for the caller.
    pub(crate) fn new(rows: usize, lines_of_row: usize) -> RowCache {
        debug_assert!(rows > 0, "there is a first row to look at");
        let width = lines_of_row + 1;
        RowCache { lines: lines(rows * width), width, rows }
    }

    /// How many bytes a row with so many lines for the caller takes.
    pub(crate) fn bytes_of_row(lines_of_row: usize) -> usize {
        (lines_of_row + 1) * size_of::<Line>()
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Reads the row of a text; nothing if it is not kept, or changes meanwhile, or has no answer.
    pub(crate) fn read<T>(&self, text: &Text, read: impl FnOnce(Row<'_>) -> Option<T>) -> Option<T> {
        for row in self.window(text) {
            let state = row.state().load(Ordering::Acquire);
            if state == 0 {
                return None;
            }
            if state & (COUNTS | LOCKED) == COUNTS && row.has(text) {
                let answer = read(row)?;
                let was_read = row.words()[1].load(Ordering::Relaxed) & READ != 0;
                fence(Ordering::Acquire);
                if row.state().load(Ordering::Relaxed) != state {
                    return None;
                }
                if !was_read {
                    // Only a hint, so it does no harm in a row that is another one by now.
                    row.words()[1].fetch_or(READ, Ordering::Relaxed);
                }
                return Some(answer);
            }
        }
        None
    }

    /// Brings the first row near that may have a text.
    pub(crate) fn touch(&self, text: &Text) -> u64 {
        self.window(text).next().map_or(0, |row| row.state().load(Ordering::Relaxed))
    }

    /// Keeps what was looked up since the ticket was taken. What it is of must not change until this returns,
    /// unless whoever changes it forgets the text afterwards.
    pub(crate) fn keep(
        &self,
        text: &Text,
        tickets: &Tickets,
        ticket: u64,
        write: impl FnOnce(Row<'_>),
    ) -> Kept {
        let Some((row, state)) = self.row_for(text) else { return Kept::No };
        let was_anothers = state & COUNTS != 0 && !row.has(text);
        match (row.fill(state, text, || tickets.holds(text, ticket), write), was_anothers) {
            (false, _) => Kept::No,
            (true, false) => Kept::Yes,
            (true, true) => Kept::InsteadOfAnother,
        }
    }

    /// Writes what was forgotten of a text, if it still has a row. What it is of must not change until this
    /// returns.
    pub(crate) fn renew(&self, text: &Text, tickets: &Tickets, write: impl FnOnce(Row<'_>)) -> Renewed {
        let ticket = tickets.take(text);
        let had = |row: &Row<'_>| {
            let state = row.state().load(Ordering::Acquire);
            (state & (COUNTS | LOCKED) == 0 && state != 0 && row.has(text)).then_some(state)
        };
        let Some((row, state)) = self.window(text).find_map(|row| Some((row, had(&row)?))) else {
            return Renewed::No;
        };
        let was_read = row.words()[1].load(Ordering::Relaxed) & READ != 0;
        match (row.fill(state, text, || tickets.holds(text, ticket), write), was_read) {
            (false, _) => Renewed::No,
            (true, true) => Renewed::Wanted,
            (true, false) => Renewed::Unread,
        }
    }

    /// Forgets a text, and those that may be read as the same: what was known of them has changed.
    pub(crate) fn forget(&self, text: &Text, tickets: &Tickets) {
        tickets.void(text);
        fence(Ordering::SeqCst);
        for row in self.window(text) {
            let mut state = row.state().load(Ordering::Relaxed);
            // A row that is being written may be about to have the text.
            while state != 0 && (state & LOCKED != 0 || (state & COUNTS != 0 && row.may_be(text))) {
                let touched = (state & !COUNTS).wrapping_add(CHANGE);
                match row.state().compare_exchange(state, touched, Ordering::AcqRel, Ordering::Relaxed) {
                    Ok(_) => break,
                    Err(other) => state = other,
                }
            }
            if state == 0 {
                return;
            }
        }
    }

    /// The row to keep a text in, and its state; nothing if others write all of them.
    fn row_for(&self, text: &Text) -> Option<(Row<'_>, u64)> {
        let mut free = None;
        let mut counting = None;
        for row in self.window(text) {
            let state = row.state().load(Ordering::Acquire);
            if state & LOCKED != 0 {
                continue;
            }
            if state != 0 && row.has(text) {
                return Some((row, state));
            }
            match state & COUNTS {
                0 => free = free.or(Some((row, state))),
                _ => counting = counting.or(Some((row, state))),
            }
            if state == 0 {
                break;
            }
        }
        free.or(counting)
    }

    fn window(&self, text: &Text) -> impl Iterator<Item = Row<'_>> {
        // By the upper bits: the lower ones choose the ticket.
        let first = ((u128::from(text.hash) * self.rows as u128) >> 64) as usize;
        let around = |place| if place < self.rows { place } else { place - self.rows };
        let places = (first..first + WINDOW.min(self.rows)).map(around);
        places.map(|place| Row(&self.lines[place * self.width..(place + 1) * self.width]))
    }
}

impl<'a> Row<'a> {
    /// Its state, the length of its text with `READ` beside, a word for the caller, and the text.
    fn words(self) -> &'a [AtomicU64; LINE] {
        &self.0[0].0
    }

    fn state(self) -> &'a AtomicU64 {
        &self.words()[0]
    }

    /// A word for the caller, beside the text.
    pub(crate) fn head(self) -> &'a AtomicU64 {
        &self.words()[2]
    }

    /// A line for the caller.
    pub(crate) fn line(self, number: usize) -> &'a [AtomicU64; LINE] {
        &self.0[1 + number].0
    }

    fn length(self) -> u64 {
        self.words()[1].load(Ordering::Relaxed) & !READ
    }

    fn text(self) -> [u64; TEXT_WORDS] {
        std::array::from_fn(|place| self.words()[3 + place].load(Ordering::Relaxed))
    }

    fn has(self, text: &Text) -> bool {
        self.length() == text.length && self.text() == text.words
    }

    fn may_be(self, text: &Text) -> bool {
        folded(self.text(), self.length()) == text.folded
    }

    fn set_text(self, text: &Text) {
        self.words()[1].store(text.length, Ordering::Relaxed);
        for (place, word) in text.words.into_iter().enumerate() {
            self.words()[3 + place].store(word, Ordering::Relaxed);
        }
    }

    /// Writes the row if its state still is this one; whether it counts then.
    fn fill(
        self,
        state: u64,
        text: &Text,
        ticket_holds: impl FnOnce() -> bool,
        write: impl FnOnce(Row<'_>),
    ) -> bool {
        let locked = (state & !COUNTS | LOCKED).wrapping_add(CHANGE);
        if self.state().compare_exchange(state, locked, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return false;
        }
        // Who reads a word of what follows also sees that the row is locked.
        fence(Ordering::Release);
        self.set_text(text);
        write(self);
        fence(Ordering::SeqCst);
        let counting = locked & !LOCKED | COUNTS;
        let counts = ticket_holds()
            && self.state().compare_exchange(locked, counting, Ordering::Release, Ordering::Relaxed).is_ok();
        if !counts {
            self.state().fetch_and(!LOCKED, Ordering::Release);
        }
        counts
    }
}

fn words_of(text: &[u8]) -> Option<[u64; TEXT_WORDS]> {
    let mut bytes = [0; TEXT_BYTES];
    bytes.get_mut(..text.len())?.copy_from_slice(text);
    Some(std::array::from_fn(|place| {
        let word = bytes[place * 8..].first_chunk().expect("there are eight bytes for each word");
        u64::from_le_bytes(*word)
    }))
}

/// A text in small letters, without blanks and what is below them.
fn folded(words: [u64; TEXT_WORDS], length: u64) -> [u64; TEXT_WORDS] {
    let mut bytes = [0; TEXT_BYTES];
    for (place, word) in words.into_iter().enumerate() {
        bytes[place * 8..(place + 1) * 8].copy_from_slice(&word.to_le_bytes());
    }
    bytes.make_ascii_lowercase();
    let length = (length as usize).min(TEXT_BYTES);
    // Counted in all bytes, which takes a few instructions; what is after the end is zero.
    let blanks = bytes.iter().map(|byte| u8::from(*byte <= b' ')).sum::<u8>();
    if usize::from(blanks) > TEXT_BYTES - length {
        let mut left = 0;
        for place in 0..length {
            bytes[left] = bytes[place];
            left += usize::from(bytes[place] > b' ');
        }
        bytes[left..].fill(0);
    }
    words_of(&bytes).expect("it is no longer than before")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Cached {
        tickets: Tickets,
        rows: RowCache,
    }

    impl Cached {
        fn of_rows(rows: usize) -> Cached {
            let tickets = Tickets::new(RandomState::with_seeds(1, 2, 3, 4));
            Cached { tickets, rows: RowCache::new(rows, 2) }
        }

        fn text(&self, text: &str) -> Text {
            self.tickets.text(text).unwrap_or_else(|| panic!("{text} is too long"))
        }

        fn keep(&self, text: &str, number: u64) -> Kept {
            let text = self.text(text);
            self.rows.keep(&text, &self.tickets, self.tickets.take(&text), |row| {
                row.head().store(number, Ordering::Relaxed);
                row.line(1)[7].store(number, Ordering::Relaxed);
            })
        }

        fn forget(&self, text: &str) {
            self.rows.forget(&self.text(text), &self.tickets);
        }

        fn read(&self, text: &str) -> Option<u64> {
            let read = |row: Row<'_>| Some(row.line(1)[7].load(Ordering::Relaxed));
            self.rows.read(&self.text(text), read)
        }
    }

    #[test]
    fn what_is_kept_is_read_until_it_is_forgotten() {
        let cached = Cached::of_rows(64);
        assert_eq!(cached.read("ana"), None);
        assert_eq!(cached.keep("ana", 7), Kept::Yes);
        assert_eq!(cached.keep("bob", 8), Kept::Yes);
        assert_eq!((cached.read("ana"), cached.read("bob"), cached.read("an")), (Some(7), Some(8), None));
        cached.forget("ana");
        assert_eq!((cached.read("ana"), cached.read("bob")), (None, Some(8)));
        assert_eq!(cached.keep("ana", 9), Kept::Yes);
        assert_eq!(cached.read("ana"), Some(9));
    }

    #[test]
    fn texts_that_may_be_read_as_one_are_forgotten_together() {
        let cached = Cached::of_rows(64);
        for text in ["ana", "Ana", " a\tna ", "anna"] {
            assert_eq!(cached.keep(text, text.len() as u64), Kept::Yes);
        }
        assert_eq!(cached.read("Ana"), Some(3), "they are read one by one");
        cached.forget("ANA");
        assert_eq!(["ana", "Ana", " a\tna "].map(|text| cached.read(text)), [None; 3]);
        assert_eq!(cached.read("anna"), Some(4));
    }

    #[test]
    fn a_ticket_of_before_a_change_keeps_nothing() {
        let cached = Cached::of_rows(64);
        let text = cached.text("ana");
        let ticket = cached.tickets.take(&text);
        cached.forget("ANA");
        assert_eq!(cached.rows.keep(&text, &cached.tickets, ticket, |_| {}), Kept::No);
        assert_eq!(cached.read("ana"), None);
    }

    #[test]
    fn a_table_that_is_full_gives_room() {
        let cached = Cached::of_rows(16);
        let texts: Vec<String> = (0..40).map(|number| format!("customer-{number:04}")).collect();
        let kept: Vec<Kept> =
            texts.iter().enumerate().map(|(number, text)| cached.keep(text, number as u64)).collect();
        assert!(kept.contains(&Kept::InsteadOfAnother));
        assert!(!kept.contains(&Kept::No));
        let found: Vec<(usize, u64)> = texts
            .iter()
            .enumerate()
            .filter_map(|(number, text)| Some((number, cached.read(text)?)))
            .collect();
        assert!(found.iter().all(|(number, read)| *number as u64 == *read), "{found:?}");
        assert!(found.len() > 8 && found.len() <= 16, "{found:?}");
    }

    #[test]
    fn long_texts_are_not_kept() {
        let cached = Cached::of_rows(16);
        assert!(cached.tickets.text(&"x".repeat(TEXT_BYTES)).is_some());
        assert!(cached.tickets.text(&"x".repeat(TEXT_BYTES + 1)).is_none());
    }
}
