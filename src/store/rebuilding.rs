//! Making a profile's state of its messages.

use crate::base::time::Time;
use crate::derived::propagation::Scratch;
use crate::engine::cell::Cell;
use crate::engine::program::Program;
use crate::engine::standing::Standing;
use crate::engine::step::Step;
use crate::engine::transition::{Trigger, Turn};
use crate::facts::units::{Identity, Units};
use crate::model::ids::SegmentId;
use crate::rules::definitions::SegmentDefinition;
use crate::store::history::History;
use crate::store::profile::Ids;

/// Whose a profile is, under a program.
#[derive(Clone, Copy)]
pub(crate) struct Identified<'a> {
    pub(crate) program: &'a Program,
    pub(crate) ids: Ids<'a>,
}

impl Identity for Identified<'_> {
    fn is_listed(&self, segment: SegmentId) -> bool {
        match &self.program.definitions.segments[segment.index()] {
            SegmentDefinition::Members(members) => self.ids.any_in(members),
            SegmentDefinition::Condition(_) => false,
        }
    }

    fn units(&self) -> Units {
        self.ids.units()
    }
}

/// The cell that a profile's messages make under a program, at `now`; the history is whole.
pub(crate) fn rebuild(
    program: &Program,
    ids: Ids<'_>,
    history: &History,
    scratch: &mut Scratch,
    now: Time,
) -> Cell {
    let identity = &Identified { program, ids };
    Step { program, past: history, identity, scratch, turns: &mut Vec::new() }.made_anew(now)
}

/// The cell that the facts of another program's cell make under this one, at `now`.
pub(crate) fn conclude(
    program: &Program,
    ids: Ids<'_>,
    history: &History,
    scratch: &mut Scratch,
    (cell, now): (&mut Cell, Time),
) -> Cell {
    let identity = &Identified { program, ids };
    Step { program, past: history, identity, scratch, turns: &mut Vec::new() }.concluded_anew(cell, now)
}

/// The cell that a profile's messages make under a program, at `now`, and what turned at each instant until
/// then, as a whole; in the order of instants, and at one in that of the segments. The history is whole.
pub(crate) fn retold(
    program: &Program,
    ids: Ids<'_>,
    history: &History,
    scratch: &mut Scratch,
    now: Time,
) -> (Cell, Vec<Turn>) {
    let identity = &Identified { program, ids };
    let mut turns = Vec::new();
    let cell = Step { program, past: history, identity, scratch, turns: &mut turns }.retold(now);
    turns.sort_by_key(|turn| (turn.at, turn.segment));
    let instants = turns.chunk_by(|one, next| (one.at, one.segment) == (next.at, next.segment));
    // Whoever entered and left again within one instant did neither.
    let net = instants.filter(|instant| instant.len() % 2 == 1);
    (cell, net.filter_map(|instant| instant.last().copied()).collect())
}

/// The memberships that differ between a profile's states under a program and under the one that replaced
/// it: those that are left, by the old one's numbers, and those that are entered, by the new one's. A
/// segment is the same if it has the same name.
pub(crate) fn compare_by_name(
    (old, was): (&Program, &Cell),
    (new, is): (&Program, &Cell),
    at: Time,
    (left, entered): (&mut Vec<Turn>, &mut Vec<Turn>),
) {
    let of = |program: &Program, cell, name: &str| {
        let segment = program.definitions.segment_names.get(name)?;
        let is_member = Standing::Cell(cell).is_true(program.graph.segments[segment as usize]);
        is_member.then_some(SegmentId(segment))
    };
    let turn = |segment, entered| Turn { segment, entered, at, cause: Trigger::Catalog };
    for name in old.definitions.segment_names.iter() {
        if let (Some(segment), None) = (of(old, was, name), of(new, is, name)) {
            left.push(turn(segment, false));
        }
    }
    for name in new.definitions.segment_names.iter() {
        if let (None, Some(segment)) = (of(old, was, name), of(new, is, name)) {
            entered.push(turn(segment, true));
        }
    }
}
