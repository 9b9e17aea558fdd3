//! Answers that are read without a lock: attributes, memberships and decisions of profiles that somebody
//! asked for before, under the ids that they were asked by.
//!
//! Each has a row in a [`RowCache`], laid out by [`answer_row`](crate::store::answer_row).
//!
//! Invariants:
//! 1. A row is written by one who has the profile's shard locked, and forgotten by whoever may change the
//!    profile, or what an id leads to, with the shard locked for writing. So a row says what the profile says,
//!    except while it is being changed.
//! 2. A table is of one program. With another in force there is another table, from the same step on.

use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ahash::RandomState;
use parking_lot::Mutex;

use crate::base::in_force::InForce;
use crate::base::row_cache::{Kept, Renewed, Row, RowCache, Text, Tickets};
use crate::base::time::Time;
use crate::engine::program::Program;
use crate::model::identifier::{IdentifierKind, OwnedIdentifier};
use crate::store::answer_row::{KeptAnswers, Layout};
use crate::store::choices::Choices;
use crate::store::profile::Profile;

/// Rows of the first table.
const FIRST_ROWS: usize = 1_024;
/// By how many times a table grows, unless that is more than the profiles need.
const GROWTH: usize = 8;
/// So many rows for each profile in memory, and few are in each other's way.
const ROWS_FOR_EACH: usize = 2;
/// A table grows when one row of so many took the place of another.
const CROWDED: usize = 512;
/// Most bytes that a table takes.
const MOST_BYTES: usize = 2 << 30;
/// Most lines of a row: of larger catalogs nothing is kept.
const MOST_LINES: usize = 64;

/// How many tables there were in this process.
static TABLES: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The table that this thread read last: to read it again writes to nothing that other threads read. It
    /// lives until the thread reads another one, or ends.
    static LAST: RefCell<Option<Rc<OfThread>>> = const { RefCell::new(None) };
}

/// The answers that are at hand.
#[derive(Debug)]
pub(crate) struct AnswerCache {
    tickets: Tickets,
    table: InForce<Table>,
    growing: Mutex<()>,
    /// How many profiles are in memory.
    profiles: AtomicUsize,
}

/// The answers under one program.
#[derive(Debug)]
pub(crate) struct Table {
    /// No other table has it.
    number: u64,
    pub(crate) program: Arc<Program>,
    layout: Layout,
    choices: Choices,
    /// Nothing is kept of a catalog that is too large.
    rows: Option<RowCache>,
    /// How many rows took the place of others.
    crowded: AtomicUsize,
}

/// A table as a thread has it, which counts its own uses of it.
#[derive(Debug)]
pub(crate) struct OfThread(Arc<Table>);

impl Deref for OfThread {
    type Target = Table;

    fn deref(&self) -> &Table {
        &self.0
    }
}

/// An id that is looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LookUp {
    text: Text,
    ticket: u64,
}

impl AnswerCache {
    /// Nothing is known yet.
    pub(crate) fn new(program: &Arc<Program>) -> AnswerCache {
        let table = Table::new(program, FIRST_ROWS);
        AnswerCache {
            tickets: Tickets::new(RandomState::new()),
            table: InForce::new(table.number, table),
            growing: Mutex::default(),
            profiles: AtomicUsize::new(0),
        }
    }

    /// Puts a program in force; all shards are locked. Gives what was known under the one before, which takes
    /// long to let go of.
    pub(crate) fn replace_program(&self, program: &Arc<Program>) -> Arc<Table> {
        let _alone = self.growing.lock();
        let rows = self.table.load().size();
        put_in_force(&self.table, Table::new(program, rows))
    }

    /// Lets go of all that is known, the texts that customers were shown included.
    pub(crate) fn begin_anew(&self) {
        let _alone = self.growing.lock();
        let table = self.table.load();
        put_in_force(&self.table, Table::new(&table.program, table.size()));
    }

    /// What is known now.
    pub(crate) fn table(&self) -> Rc<OfThread> {
        let last = LAST.try_with(|last| last.borrow().clone().filter(|last| self.table.has(last.number)));
        last.ok().flatten().unwrap_or_else(|| {
            let table = Rc::new(OfThread(self.table.load_full()));
            // In a thread that ends, it is not kept.
            let _ended = LAST.try_with(|last| last.replace(Some(Rc::clone(&table))));
            table
        })
    }

    /// Begins to look an id up; nothing if its answers cannot be kept.
    pub(crate) fn look_up(&self, id: &str) -> Option<LookUp> {
        // Rules that fold case fold other letters in ways of their own.
        let may_be_kept = id.is_ascii() || self.table.load().program.definitions.identifiers.keep_all();
        let text = self.tickets.text(id).filter(|_| may_be_kept)?;
        Some(LookUp { ticket: self.tickets.take(&text), text })
    }

    /// Keeps what a profile says, which was found under an id and is locked, with its program. Of one who is
    /// asked for the first time since it changed, nothing is kept: many are asked once.
    pub(crate) fn keep(&self, look_up: &LookUp, profile: &Profile, program: &Arc<Program>) {
        let table = self.table.load();
        // What was asked for may be what rows have no room for.
        if table.rows.as_ref().is_none_or(|rows| rows.read(&look_up.text, |_| Some(())).is_none()) {
            self.write(&table, look_up, profile, program);
        }
    }

    /// The same with the decisions that were made since.
    pub(crate) fn refresh(&self, look_up: &LookUp, profile: &Profile, program: &Arc<Program>) {
        let table = self.table.load();
        let is_all_there = |row: Row<'_>| table.layout.has_decisions(row, program, profile).then_some(());
        let rows = table.rows.as_ref().filter(|_| Arc::ptr_eq(&table.program, program));
        match rows {
            Some(rows) if table.choices.is_full() || rows.read(&look_up.text, is_all_there).is_some() => {
                self.keep(look_up, profile, program);
            }
            Some(_) => self.write(&table, look_up, profile, program),
            None => {}
        }
    }

    fn write(&self, table: &Table, look_up: &LookUp, profile: &Profile, program: &Arc<Program>) {
        let Some(rows) = table.rows.as_ref().filter(|_| Arc::ptr_eq(&table.program, program)) else { return };
        if !profile.kept.is_asked_again() {
            return;
        }
        let kept = rows.keep(&look_up.text, &self.tickets, look_up.ticket, |row| {
            table.layout.write(row, program, &table.choices, profile);
        });
        if kept == Kept::InsteadOfAnother {
            table.crowded.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Forgets what is kept under an identifier.
    pub(crate) fn forget(&self, value: &str) {
        let table = self.table.load();
        if let (Some(rows), Some(text)) = (&table.rows, self.tickets.text(value)) {
            rows.forget(&text, &self.tickets);
        }
    }

    /// Brings the rows up to date that a profile had under its users' ids, now that its change is done. It is
    /// locked for writing. A visitor's id or a declared one may be the text of another customer's id, who is
    /// meant by it then; so what was kept under these is kept again by who asks next.
    pub(crate) fn renew(&self, profile: &mut Profile, program: &Arc<Program>) {
        if !profile.kept.is_to_be_renewed() || profile.revision != program.revision {
            return;
        }
        let table = self.table.load();
        let Some(rows) = table.rows.as_ref().filter(|_| Arc::ptr_eq(&table.program, program)) else { return };
        let renewed = |value: &str| {
            let Some(text) = self.tickets.text(value) else { return Renewed::No };
            rows.renew(&text, &self.tickets, |row| table.layout.write(row, program, &table.choices, profile))
        };
        let identifiers = profile.identifiers().map(OwnedIdentifier::borrowed);
        let users = identifiers.filter(|id| id.kind == IdentifierKind::User && profile.is_meant_by(*id));
        let renewed = users.map(|id| renewed(id.value())).fold(Renewed::No, Renewed::max);
        profile.kept.set_renewed(renewed);
    }

    /// How many bytes the table takes, of which those count that were ever written.
    pub(crate) fn bytes(&self) -> usize {
        let table = self.table.load();
        table.size() * RowCache::bytes_of_row(table.layout.lines)
    }

    /// Counts profiles that came to memory, or left it.
    pub(crate) fn count(&self, profiles: isize) {
        self.profiles.fetch_add(profiles as usize, Ordering::Relaxed);
    }

    /// Begins a larger table in the place of one that is crowded. No shard is locked: to let go of a large
    /// table takes long.
    pub(crate) fn grow_if_crowded(&self) {
        let table = self.table.load();
        let rows = table.size();
        if table.crowded.load(Ordering::Relaxed) <= rows / CROWDED {
            return;
        }
        let Some(_alone) = self.growing.try_lock() else { return };
        let enough = self.profiles.load(Ordering::Relaxed) * ROWS_FOR_EACH;
        let wanted = (rows * GROWTH).min(enough.max(rows * 2)).min(most_rows(table.layout));
        if rows < wanted && Arc::ptr_eq(&self.table.load(), &table) {
            put_in_force(&self.table, Table::new(&table.program, wanted));
        }
    }
}

fn put_in_force(in_force: &InForce<Table>, table: Table) -> Arc<Table> {
    in_force.replace(table.number, table)
}

impl Table {
    /// A table of so many rows, or as many as may be.
    fn new(program: &Arc<Program>, rows: usize) -> Table {
        let layout = Layout::new(program);
        let rows =
            (layout.lines <= MOST_LINES).then(|| RowCache::new(rows.min(most_rows(layout)), layout.lines));
        Table {
            number: TABLES.fetch_add(1, Ordering::Relaxed),
            program: Arc::clone(program),
            layout,
            choices: Choices::default(),
            rows,
            crowded: AtomicUsize::new(0),
        }
    }

    fn size(&self) -> usize {
        self.rows.as_ref().map_or(FIRST_ROWS, RowCache::rows)
    }

    /// Brings the row near that an id would be in.
    pub(crate) fn touch(&self, look_up: &LookUp) -> u64 {
        self.rows.as_ref().map_or(0, |rows| rows.touch(&look_up.text))
    }

    /// Reads what is kept under an id, if that still holds at `now`, and `read` finds what it wants there.
    pub(crate) fn read<'a, T>(
        &'a self,
        look_up: &LookUp,
        now: Time,
        read: impl FnOnce(KeptAnswers<'a, '_>) -> Option<T>,
    ) -> Option<T> {
        self.rows.as_ref()?.read(&look_up.text, |row| {
            let until = Time::from_raw(row.head().load(Ordering::Relaxed) as i64);
            let Table { layout, program, choices, .. } = self;
            (now < until).then(|| read(KeptAnswers { row, layout: *layout, program, choices, now })).flatten()
        })
    }
}

/// The most rows that are within bounds.
fn most_rows(layout: Layout) -> usize {
    MOST_BYTES / RowCache::bytes_of_row(layout.lines)
}
