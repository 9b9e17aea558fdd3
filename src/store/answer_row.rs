//! What a row of answers says of one profile, and where.
//!
//! Attributes are in lines of seven words and one that says which of them are there; then there is a bit for
//! each segment; then two words for each personalization, what is shown and until when. Numbers, times, truths
//! and texts of a declared list have room; for others one asks under the lock. What is shown is known by its
//! number among [`Choices`].

use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::row_cache::Row;
use crate::base::time::Time;
use crate::derived::view::Known as _;
use crate::engine::decision::Choice;
use crate::engine::program::Program;
use crate::model::declaration::FieldDeclaration;
use crate::model::ids::{AttributeId, PersonalizationId, SegmentId};
use crate::model::value::{Type, Value};
use crate::store::choices::Choices;
use crate::store::profile::Profile;

/// Values in a line, beside the word that says which of them are there.
const VALUES: usize = 7;
/// Words in a line.
const WORDS: usize = 8;
/// Bits in a word.
const BITS: usize = 64;
/// Decisions in a line.
const DECISIONS: usize = 4;

/// An attribute is missing.
const MISSING: u64 = 0;
/// Its value is in the row.
const HERE: u64 = 1;
/// Its value is of a kind that rows do not hold.
const ELSEWHERE: u64 = 2;

/// Which lines say what, under one program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// The first one of segments.
    segments: usize,
    /// The first one of decisions.
    decisions: usize,
    /// How many there are.
    pub(crate) lines: usize,
}

/// What a row says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeptAnswers<'a, 'r> {
    pub(crate) row: Row<'r>,
    pub(crate) layout: Layout,
    pub(crate) program: &'a Program,
    pub(crate) choices: &'a Choices,
    pub(crate) now: Time,
}

impl Layout {
    /// The layout under a program.
    pub(crate) fn new(program: &Program) -> Layout {
        let definitions = &program.definitions;
        let segments = definitions.attributes.len().div_ceil(VALUES);
        let decisions = segments + definitions.segments.len().div_ceil(BITS * WORDS);
        Layout {
            segments,
            decisions,
            lines: decisions + definitions.personalizations.len().div_ceil(DECISIONS),
        }
    }

    /// Writes what a profile says, which is under the program.
    pub(crate) fn write(self, row: Row<'_>, program: &Program, choices: &Choices, profile: &Profile) {
        let standing = profile.standing();
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
        for (place, segments) in program.graph.segments.chunks(BITS).enumerate() {
            let is_member = |bit: usize| u64::from(standing.is_true(segments[bit])) << bit;
            let word: u64 = (0..segments.len()).map(is_member).sum();
            word_at(row, self.segments, place).store(word, Ordering::Relaxed);
        }
        for number in 0..program.definitions.personalizations.len() {
            let decision = profile.decisions.last(PersonalizationId::from_index(number), standing.stamp());
            let (which, until) = match decision.map(|decision| (choices.number(decision), decision)) {
                Some((Some(which), decision)) => (1 + u64::from(which), decision.valid_until.millis()),
                _ => (0, 0),
            };
            word_at(row, self.decisions, 2 * number).store(which, Ordering::Relaxed);
            word_at(row, self.decisions, 2 * number + 1).store(until as u64, Ordering::Relaxed);
        }
    }

    /// Whether a row has the decisions that were made for a profile, which is under the program.
    pub(crate) fn has_decisions(self, row: Row<'_>, program: &Program, profile: &Profile) -> bool {
        let stamp = profile.standing().stamp();
        (0..program.definitions.personalizations.len()).all(|number| {
            let word = |place| word_at(row, self.decisions, place).load(Ordering::Relaxed);
            let decision = profile.decisions.last(PersonalizationId::from_index(number), stamp);
            decision.is_none_or(|decision| {
                word(2 * number) != 0 && word(2 * number + 1) == decision.valid_until.millis() as u64
            })
        })
    }
}

impl<'a> KeptAnswers<'a, '_> {
    /// An attribute's value, if there is one; nothing if the row does not say.
    pub(crate) fn attribute(&self, attribute: AttributeId) -> Option<Option<Value>> {
        let (line, lane) = (attribute.index() / VALUES, attribute.index() % VALUES);
        let words = self.row.line(line);
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
        let (place, bit) = (segment.index() / BITS, segment.index() % BITS);
        word_at(self.row, self.layout.segments, place).load(Ordering::Relaxed) >> bit & 1 == 1
    }

    /// What is shown to the customer; nothing if the row does not say.
    pub(crate) fn choice(&self, personalization: PersonalizationId) -> Option<&'a Choice> {
        let word = |place| word_at(self.row, self.layout.decisions, place).load(Ordering::Relaxed);
        let number = word(2 * personalization.index()).checked_sub(1)?;
        let until = Time::from_raw(word(2 * personalization.index() + 1) as i64);
        (self.now < until).then(|| self.choices.get(number as u32)).flatten()
    }
}

fn word_at(row: Row<'_>, first_line: usize, place: usize) -> &AtomicU64 {
    &row.line(first_line + place / WORDS)[place % WORDS]
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
