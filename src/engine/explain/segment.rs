//! Why a customer is a member of a segment, or not.

use serde_json::Value as Json;

use crate::base::time::Time;
use crate::derived::view::View;
use crate::engine::cell::Cell;
use crate::engine::consents::Told;
use crate::engine::decide::Decisions;
use crate::engine::explain::future::Future;
use crate::engine::explain::parts::{Parts, Trigger};
use crate::engine::explain::past::Past;
use crate::engine::explanation::{ExplainedAnswer, ExplainedSegment, Explanation};
use crate::engine::program::Program;
use crate::engine::standing::Standing;
use crate::facts::units::Identity;
use crate::model::ids::SegmentId;
use crate::model::value::Value;
use crate::rules::at_call::AtCall;
use crate::rules::exposures::Exposures;
use crate::rules::expression::Expr;

/// A customer to be explained: a cell that was brought to `now`.
#[derive(Clone, Copy)]
pub(crate) struct Explaining<'a> {
    pub(crate) program: &'a Program,
    pub(crate) user: &'a str,
    pub(crate) exposures: &'a dyn Exposures,
    pub(crate) cell: &'a Cell,
    pub(crate) decisions: &'a Decisions,
    pub(crate) order: &'a dyn Told,
    pub(crate) past: &'a Past,
    pub(crate) identity: &'a dyn Identity,
    /// What the call brings with it, without a trigger event.
    pub(crate) call: AtCall<'a>,
    pub(crate) now: Time,
}

impl<'a> Explaining<'a> {
    /// Why the customer is a member of a segment, or not.
    pub(crate) fn segment(&self, segment: SegmentId) -> Explanation {
        let literal = self.program.graph.segments[segment.index()];
        let is_member = |cell: &Cell| Standing::Cell(cell).is_true(literal);
        let member = is_member(self.cell);
        let parts = self.parts(&[], None);
        let reference = Expr::Segment(segment);
        let condition = parts.condition_of(segment).unwrap_or(&reference);
        let is_true = parts.read(condition).is_true();
        debug_assert!(is_true == member || !self.cell.is_known(), "a part is what the engine says it is");
        let nearest_miss = if is_true { Vec::new() } else { parts.nearest(condition, true).misses };
        self.explanation(ExplainedAnswer::Segment(Box::new(ExplainedSegment {
            segment: self.program.definitions.segment_names.name(segment.0).to_owned(),
            member,
            nearest_miss,
            change: self
                .future()
                .next_change(self.cell, self.now, |cell, _| (Json::Bool(is_member(cell)), Time::NEVER)),
            condition: parts.of(condition),
        })))
    }

    pub(crate) fn explanation(&self, answer: ExplainedAnswer) -> Explanation {
        Explanation {
            user: self.user.to_owned(),
            known: self.cell.is_known(),
            at: self.now,
            revision: self.program.revision,
            answer,
        }
    }

    pub(crate) fn future(&self) -> Future<'a> {
        Future { program: self.program, order: self.order, past: self.past, identity: self.identity }
    }

    /// The cell as conditions read it, with the properties of a trigger event.
    pub(crate) fn parts<'b>(&self, properties: &'b [Option<Value>], trigger: Option<Trigger<'b>>) -> Parts<'b>
    where
        'a: 'b,
    {
        let conclusions = self.cell.conclusions.as_ref();
        let view = View {
            compiled: self.program.compiled(),
            known: self.cell.live(),
            order: self.order,
            now: self.now,
            call: AtCall { trigger: properties, ..self.call },
        };
        let pending = self.cell.pending.first().map_or(Time::NEVER, |message| message.stamp.time);
        Parts { view, conclusions, past: self.past, pending, trigger }
    }
}
