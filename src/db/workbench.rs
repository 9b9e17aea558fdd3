//! The engine's step without the database around it, for benches and for counting work.
//!
//! No message index, no history (so neither consent that comes and goes, nor late messages under `held`),
//! no locks, no names: what is left is what a message costs the engine.
//! Only in builds with the feature `workbench`; not part of the stable interface.

use std::cmp::Ordering;

use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::catalog::Catalog;
use crate::db::database::Database;
use crate::db::questions::view;
use crate::db::summarising::Summarised;
use crate::derived::propagation::Scratch;
use crate::derived::work::Work;
use crate::engine::cell::Cell;
use crate::engine::consents::Told;
use crate::engine::program::Program;
use crate::engine::step::Step;
use crate::engine::transition::Turn;
use crate::engine::typed_message::{Content, Misfits, TypedMessage};
use crate::facts::stamp::{HistoryPlace, MessageOrder, Stamp};
use crate::facts::units::Nobody;
use crate::model::message::Message;
use crate::model::refusal::Refusal;
use crate::rules::definitions::{Definitions, SegmentDefinition};
use crate::rules::evaluate::is_true;

/// Profiles known by number, and a clock that the caller keeps.
#[derive(Debug)]
pub struct Workbench {
    program: Program,
    cells: Vec<Cell>,
    scratch: Scratch,
    turns: Vec<Turn>,
    messages: u32,
}

/// A message with its names resolved and its values typed.
#[derive(Debug)]
pub struct Prepared(Content);

/// Messages in the order of their numbers.
struct ByNumber;

impl Told for ByNumber {
    fn told(&self, _: &Definitions) -> Vec<TypedMessage> {
        Vec::new()
    }
}

impl MessageOrder for ByNumber {
    fn compare_ids(&self, a: HistoryPlace, b: HistoryPlace) -> Ordering {
        a.0.cmp(&b.0)
    }
}

impl Database {
    /// Puts summaries in the place of all messages that are older than the catalog keeps them, however few.
    ///
    /// # Errors
    /// As [`Database::summarise_history`].
    pub fn summarise_all(&self) -> Result<Summarised, Error> {
        self.summarise_at_least(1)
    }

    /// Lets no thread bring profiles under a new catalog: each does when it is touched, or when all are
    /// asked for. So what happens does not hang on threads.
    pub fn sweep_only_when_asked(&self) {
        self.sweep.stop();
    }
}

impl Workbench {
    /// `profiles` profiles without messages.
    pub fn new(catalog: Catalog, profiles: usize) -> Workbench {
        let program = Program::new(catalog.definitions, 1);
        let mut scratch = Scratch::default();
        scratch.reserve(&program.graph);
        Workbench { program, cells: vec![Cell::new(); profiles], scratch, turns: Vec::new(), messages: 0 }
    }

    /// Resolves and types a message.
    ///
    /// # Errors
    /// If the catalog refuses it.
    pub fn prepare(&self, message: &Message) -> Result<Prepared, Refusal> {
        Content::of(message, &self.program.definitions, Misfits::Refuse).map(Prepared)
    }

    /// Applies a message to a profile at the time it happened, after everything that time itself brings
    /// about until then; returns how many memberships turned.
    pub fn apply(&mut self, profile: usize, message: &Prepared, now: Time) -> usize {
        let stamp = Stamp { time: now, place: HistoryPlace(self.messages) };
        self.messages += 1;
        self.step(profile, |step, cell| {
            step.apply(cell, TypedMessage { stamp, content: message.0.clone() }, now);
        })
    }

    /// Lets time pass for a profile; returns how many memberships turned.
    pub fn advance(&mut self, profile: usize, now: Time) -> usize {
        self.step(profile, |step, cell| step.advance(cell, now))
    }

    /// When something about a profile changes next by itself.
    pub fn deadline(&self, profile: usize) -> Time {
        self.cells[profile].deadline
    }

    /// Evaluates the condition of every segment for a profile, from the same facts and by the same
    /// evaluator as the engine, but without its graph; returns how many hold.
    pub fn recompute(&self, profile: usize, now: Time) -> usize {
        let view = view(&self.program, self.cells[profile].live(), &ByNumber, now);
        let segments = self.program.definitions.segments.iter();
        let holds = segments.filter(|segment| match segment {
            SegmentDefinition::Condition(condition) => is_true(condition, &view),
            SegmentDefinition::Members(_) => false,
        });
        holds.count()
    }

    /// How many segments a profile is a member of.
    pub fn memberships(&self, profile: usize) -> usize {
        let truths = self.cells[profile].conclusions.as_ref().map(|conclusions| &conclusions.truths);
        let literals = self.program.graph.segments.iter();
        literals.filter(|literal| truths.is_some_and(|truths| truths.get(**literal))).count()
    }

    /// The work done so far.
    pub fn work(&self) -> Work {
        self.scratch.work
    }

    fn step(&mut self, profile: usize, act: impl FnOnce(&mut Step<'_>, &mut Cell)) -> usize {
        let Workbench { program, cells, scratch, turns, .. } = self;
        turns.clear();
        let mut step = Step { program, past: &ByNumber, identity: &Nobody, scratch, turns };
        act(&mut step, &mut cells[profile]);
        self.turns.len()
    }
}
