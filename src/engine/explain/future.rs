//! When an answer changes by itself: found by letting time pass on a copy of the cell.
//!
//! The copy takes the engine's own steps from deadline to deadline, so what is found is what will happen
//! if no message comes. A catalog has deadlines that do not matter to one answer, and scores that
//! move at every instant; so the number of steps is bounded, and beyond it the answer is a lower bound.

use serde_json::Value as Json;

use crate::base::time::Time;
use crate::derived::propagation::Scratch;
use crate::engine::cell::Cell;
use crate::engine::consents::Told;
use crate::engine::explain::past::Past;
use crate::engine::explanation::NextChange;
use crate::engine::program::Program;
use crate::engine::step::Step;
use crate::engine::transition::Trigger;
use crate::facts::units::Identity;

/// How many deadlines are passed before giving up.
const MAX_STEPS: usize = 1_000;

/// What looking ahead needs beside the cell.
#[derive(Clone, Copy)]
pub(crate) struct Future<'a> {
    pub(crate) program: &'a Program,
    pub(crate) order: &'a dyn Told,
    pub(crate) past: &'a Past,
    pub(crate) identity: &'a dyn Identity,
}

impl Future<'_> {
    /// When the answer that `ask` gives of the cell first becomes another one. `ask` gets the cell at
    /// an instant, and says also until when its answer holds if no deadline of the cell passes.
    pub(crate) fn next_change(
        &self,
        cell: &Cell,
        now: Time,
        mut ask: impl FnMut(&Cell, Time) -> (Json, Time),
    ) -> NextChange {
        let mut cell = cell.clone();
        let mut scratch = Scratch::default();
        scratch.reserve(&self.program.graph);
        let (answer, until) = ask(&cell, now);
        let mut at = cell.deadline.min(until);
        for _ in 0..MAX_STEPS {
            if at == Time::NEVER {
                return NextChange::Never;
            }
            let mut turns = Vec::new();
            let Future { program, order, identity, .. } = *self;
            Step { program, past: order, identity, scratch: &mut scratch, turns: &mut turns }
                .advance(&mut cell, at);
            let (then, until) = ask(&cell, at);
            if then != answer {
                let message = match cell.last_cause {
                    Trigger::Message(place) if cell.last_change == at => self.past.id(place),
                    _ => None,
                };
                return NextChange::At { at, becomes: then, message };
            }
            at = cell.deadline.min(until);
        }
        NextChange::NotBefore { at }
    }
}
