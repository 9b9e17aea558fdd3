//! Answers that are read without a lock: attributes and memberships of profiles that somebody asked for
//! before, under the ids that they were asked by.
//!
//! Each has a row in a [`RowCache`]: the time until which it holds, attributes in lines of seven values and a
//! word that says which of them are there, and a bit for each segment. Numbers, times, truths and texts of a
//! declared list are there; for others one asks under the lock.
//!
//! Invariants:
//! 1. A row is written by one who has the profile's shard locked for reading, and forgotten by whoever may
//!    change the profile, or what an id leads to, with the shard locked for writing. So a row says what the
//!    profile says, except while it is being changed.
//! 2. A table is of one program. With another in force there is another table, from the same step on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ahash::RandomState;
use arc_swap::ArcSwap;
use parking_lot::Mutex;

use crate::base::row_cache::{Kept, Row, RowCache, Text, Tickets};
use crate::base::time::Time;
use crate::derived::view::Known as _;
use crate::engine::program::Program;
use crate::engine::standing::Standing;
use crate::model::declaration::FieldDeclaration;
use crate::model::ids::{AttributeId, SegmentId};
use crate::model::value::{Type, Value};
use crate::store::profile::Profile;

/// Rows of the first table.
const FIRST_ROWS: usize = 1_024;
/// By how many times a table grows.
const GROWTH: usize = 2;
/// A table grows when one row of so many took the place of another.
const CROWDED: usize = 64;
/// Most bytes that a table takes.
const MOST_BYTES: usize = 2 << 30;
/// Values in a line, beside the word that says which of them are there.
const VALUES: usize = 7;
/// Bits in a line.
const BITS: usize = 512;
/// Most lines of a row: of larger catalogs nothing is kept.
const MOST_LINES: usize = 64;

/// An attribute is missing.
const MISSING: u64 = 0;
/// Its value is in the row.
const HERE: u64 = 1;
/// Its value is of a kind that rows do not hold.
const ELSEWHERE: u64 = 2;

/// The answers that are at hand.
#[derive(Debug)]
pub(crate) struct AnswerCache {
    tickets: Tickets,
    table: ArcSwap<Table>,
    growing: Mutex<()>,
}

/// The answers under one program.
#[derive(Debug)]
pub(crate) struct Table {
    program: Arc<Program>,
    /// Nothing is kept of a catalog that is too large.
    rows: Option<RowCache>,
    /// How many rows took the place of others.
    crowded: AtomicUsize,
}

/// An id that is looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LookUp {
    text: Text,
    ticket: u64,
}

/// What a row says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answers<'a> {
    row: Row<'a>,
    program: &'a Program,
}

impl AnswerCache {
    /// Nothing is known yet.
    pub(crate) fn new(program: &Arc<Program>) -> AnswerCache {
        let table = ArcSwap::from_pointee(Table::new(program, FIRST_ROWS));
        AnswerCache { tickets: Tickets::new(RandomState::new()), table, growing: Mutex::default() }
    }

    /// Puts a program in force; all shards are locked. Gives what was known under the one before, which takes
    /// long to let go of.
    pub(crate) fn replace_program(&self, program: &Arc<Program>) -> Arc<Table> {
        let _alone = self.growing.lock();
        let rows = self.table.load().rows.as_ref().map_or(FIRST_ROWS, RowCache::rows);
        self.table.swap(Arc::new(Table::new(program, rows)))
    }

    /// Begins to look an id up; nothing if its answers cannot be kept.
    pub(crate) fn look_up(&self, id: &str) -> Option<LookUp> {
        // Rules that fold case fold other letters in ways of their own.
        let may_be_kept = id.is_ascii() || self.table.load().program.definitions.identifiers.keep_all();
        let text = self.tickets.text(id).filter(|_| may_be_kept)?;
        Some(LookUp { ticket: self.tickets.take(&text), text })
    }

    /// Reads what is kept under an id, if that still holds at `now`, and `read` finds what it wants there.
    pub(crate) fn read<T>(
        &self,
        look_up: &LookUp,
        now: Time,
        read: impl FnOnce(Answers<'_>) -> Option<T>,
    ) -> Option<T> {
        let table = self.table.load();
        table.rows.as_ref()?.read(&look_up.text, |row| {
            let until = Time::from_raw(row.head().load(Ordering::Relaxed) as i64);
            if now < until { read(Answers { row, program: &table.program }) } else { None }
        })
    }

    /// Keeps what a profile says, which was found under an id and is locked for reading, with its program. Of
    /// one who is asked for the first time since it changed, nothing is kept: many are asked once.
    pub(crate) fn keep(&self, look_up: &LookUp, profile: &Profile, program: &Arc<Program>) {
        let table = self.table.load();
        let Some(rows) = table.rows.as_ref().filter(|_| Arc::ptr_eq(&table.program, program)) else { return };
        if !profile.is_asked_again() {
            return;
        }
        let write = |row: Row<'_>| write(row, program, profile.standing());
        if rows.keep(&look_up.text, &self.tickets, look_up.ticket, write) == Kept::InsteadOfAnother {
            let crowded = 1 + table.crowded.fetch_add(1, Ordering::Relaxed);
            if crowded > rows.rows() / CROWDED {
                self.grow(&table);
            }
        }
    }

    /// Forgets what is kept under an identifier.
    pub(crate) fn forget(&self, value: &str) {
        let table = self.table.load();
        if let (Some(rows), Some(text)) = (&table.rows, self.tickets.text(value)) {
            rows.forget(&text, &self.tickets);
        }
    }

    /// Begins a larger table in the place of one that is crowded.
    fn grow(&self, table: &Arc<Table>) {
        let Some(_alone) = self.growing.try_lock() else { return };
        let rows = table.rows.as_ref().map_or(0, RowCache::rows);
        let is_in_force = Arc::ptr_eq(&self.table.load(), table);
        if is_in_force && rows < most_rows(&table.program) {
            self.table.store(Arc::new(Table::new(&table.program, rows * GROWTH)));
        }
    }
}

impl Table {
    /// A table of so many rows, or as many as may be.
    fn new(program: &Arc<Program>, rows: usize) -> Table {
        let lines = lines_of_row(program);
        let rows = (lines <= MOST_LINES).then(|| RowCache::new(rows.min(most_rows(program)), lines));
        Table { program: Arc::clone(program), rows, crowded: AtomicUsize::new(0) }
    }
}

fn lines_of_attributes(program: &Program) -> usize {
    program.definitions.attributes.len().div_ceil(VALUES)
}

fn lines_of_row(program: &Program) -> usize {
    lines_of_attributes(program) + program.definitions.segments.len().div_ceil(BITS)
}

/// The greatest power of two of rows that are within bounds.
fn most_rows(program: &Program) -> usize {
    1 << (MOST_BYTES / RowCache::bytes_of_row(lines_of_row(program))).ilog2()
}

fn write(row: Row<'_>, program: &Program, standing: Standing<'_>) {
    row.head().store(standing.deadline().millis() as u64, Ordering::Relaxed);
    for (line, declared) in program.definitions.attributes.chunks(VALUES).enumerate() {
        let words = row.line(line);
        let mut there = 0;
        for (lane, declared) in declared.iter().enumerate() {
            let attribute = AttributeId::from_index(line * VALUES + lane);
            let found = match standing.attribute(attribute) {
                None => MISSING,
                Some(value) => encode(&value, declared).map_or(ELSEWHERE, |word| {
                    words[1 + lane].store(word, Ordering::Relaxed);
                    HERE
                }),
            };
            there |= found << (2 * lane);
        }
        words[0].store(there, Ordering::Relaxed);
    }
    let first = lines_of_attributes(program);
    for (place, segments) in program.graph.segments.chunks(64).enumerate() {
        let is_member = |bit: usize| u64::from(standing.is_true(segments[bit])) << bit;
        let word: u64 = (0..segments.len()).map(is_member).sum();
        row.line(first + place / 8)[place % 8].store(word, Ordering::Relaxed);
    }
}

/// A value in one word, if that holds it.
fn encode(value: &Value, declared: &FieldDeclaration) -> Option<u64> {
    match (value, &declared.ty) {
        (Value::Bool(value), Type::Bool) => Some(u64::from(*value)),
        (Value::Int(value), Type::Int) => Some(*value as u64),
        (Value::Float(value), Type::Float) => Some(value.to_bits()),
        (Value::Time(value), Type::Time) => Some(value.millis() as u64),
        (Value::String(_), Type::String) => {
            Some(declared.values.iter().position(|listed| listed == value)? as u64)
        }
        _ => None,
    }
}

fn decode(word: u64, declared: &FieldDeclaration) -> Option<Value> {
    match declared.ty {
        Type::Bool => Some(Value::Bool(word != 0)),
        Type::Int => Some(Value::Int(word as i64)),
        Type::Float => Some(Value::Float(f64::from_bits(word))),
        Type::Time => Some(Value::Time(Time::from_raw(word as i64))),
        Type::String => declared.values.get(word as usize).cloned(),
        _ => None,
    }
}

impl Answers<'_> {
    /// The program that names what is asked for.
    pub(crate) fn program(&self) -> &Program {
        self.program
    }

    /// An attribute's value, if there is one; nothing if the row does not say.
    pub(crate) fn attribute(&self, attribute: AttributeId) -> Option<Option<Value>> {
        let (line, lane) = (attribute.index() / VALUES, attribute.index() % VALUES);
        let words: &[AtomicU64; 8] = self.row.line(line);
        match words[0].load(Ordering::Relaxed) >> (2 * lane) & 3 {
            MISSING => Some(None),
            HERE => {
                let declared = &self.program.definitions.attributes[attribute.index()];
                decode(words[1 + lane].load(Ordering::Relaxed), declared).map(Some)
            }
            _ => None,
        }
    }

    /// Whether the profile is a member of a segment.
    pub(crate) fn is_member(&self, segment: SegmentId) -> bool {
        let (place, bit) = (segment.index() / 64, segment.index() % 64);
        let line = self.row.line(lines_of_attributes(self.program) + place / 8);
        line[place % 8].load(Ordering::Relaxed) >> bit & 1 == 1
    }
}
