//! What differs between the answers under two catalogs, at one instant.
//!
//! Invariants:
//! 1. Of a segment that both catalogs have, `after` is `before + entered - left`; of one that only one
//!    has, everybody in it has entered, or left.
//! 2. Segments and personalizations are in the order of their names, changes of decisions in that of how
//!    many they concern. Examples are the first ids of those concerned, sorted.

use serde::Serialize;
use serde_json::Value as Json;

use crate::base::time::Time;
use crate::model::refusal::{Refusal, RefusalReason};

/// Who would enter or leave which segment, and whose decision would be another one, if a new catalog
/// replaced an old one. [`Rehearsal`](super::Rehearsal) makes it; its text is for people.
///
/// ```
/// use habitue::diff::Rehearsal;
/// use habitue::{Catalog, Message, Time};
///
/// let catalog = |segment: &str| {
///     Catalog::from_toml(&format!("schema = 1\n[attributes]\npoints = \"int\"\n[segments]\n{segment}"))
/// };
/// let now = Time::parse("2026-01-01T09:00:00Z")?;
/// let ana = Message::identify("ana").with_trait("points", 7).with_timestamp(now);
/// let diff = Rehearsal::new(catalog("vip = 'points > 5'")?, catalog("vip = 'points > 8'")?).of_messages([Ok(ana)])?;
/// assert_eq!(
///     diff.to_string(),
///     "1 profile, at 2026-01-01T09:00:00Z\n\nsegments\n  vip  +0 -1 (1 -> 0)\n       - ana\n\n\
///      the same: 0 segments, 0 personalizations"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CatalogDiff {
    /// The instant that all answers are of.
    pub at: Time,
    /// The customers known then, under either catalog.
    pub profiles: u64,
    /// Messages left out because they happened after that instant.
    pub later: u64,
    /// What became of the messages under the old catalog.
    pub old: Intake,
    /// What became of the messages under the new catalog.
    pub new: Intake,
    /// Each segment of either catalog, also if nothing changes.
    pub segments: Vec<SegmentDiff>,
    /// Each personalization of either catalog, also if nothing changes.
    pub personalizations: Vec<PersonalizationDiff>,
}

/// What became of the messages under one catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Intake {
    /// Different messages that count.
    pub messages: u64,
    /// Messages that were refused, by the reason's text. Those of a database were accepted before, and are
    /// not refused again.
    pub refused: Vec<RefusedMessages>,
}

/// Messages refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedMessages {
    /// The reason.
    pub reason: RefusalReason,
    /// How many.
    pub messages: u64,
    /// The first of them.
    pub first: Refusal,
}

/// What becomes of something that catalogs declare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Both catalogs have it, and nobody's answer differs.
    Same,
    /// Both catalogs have it, and somebody's answer differs.
    Changed,
    /// The new catalog has it, the old one has not.
    New,
    /// The old catalog has it, the new one has not.
    Removed,
}

/// Who would enter or leave a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SegmentDiff {
    /// The segment.
    pub segment: String,
    /// What becomes of it.
    pub change: Change,
    /// How many members it has under the old catalog, if that has it.
    pub before: Option<u64>,
    /// How many members it has under the new catalog, if that has it.
    pub after: Option<u64>,
    /// How many would enter.
    pub entered: u64,
    /// How many would leave.
    pub left: u64,
    /// Ids of some who would enter.
    pub entered_examples: Vec<String>,
    /// Ids of some who would leave.
    pub left_examples: Vec<String>,
}

/// Whose decision of a personalization would be another one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PersonalizationDiff {
    /// The personalization.
    pub personalization: String,
    /// What becomes of it.
    pub change: Change,
    /// How many customers would be shown something else.
    pub profiles: u64,
    /// What they would be shown.
    pub decisions: Vec<DecisionDiff>,
    /// Each offer and fallback of either catalog, also if nothing changes: those of the new catalog in its
    /// order, then those of the old one only; last nothing, if somebody is shown nothing.
    pub offers: Vec<OfferDiff>,
    /// Each variant that somebody is given by an experiment that the offers ask for.
    pub variants: Vec<VariantDiff>,
}

/// How many customers are shown an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfferDiff {
    /// The offer or fallback; none for those who are shown nothing.
    pub offer: Option<String>,
    /// What becomes of it.
    pub change: Change,
    /// How many are shown it under the old catalog, if that has it.
    pub before: Option<u64>,
    /// How many under the new catalog, if that has it.
    pub after: Option<u64>,
    /// How many are shown it under the new catalog only.
    pub gained: u64,
    /// How many are shown it under the old catalog only.
    pub lost: u64,
}

/// How many customers are given a variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VariantDiff {
    /// The experiment.
    pub experiment: String,
    /// The variant.
    pub variant: String,
    /// How many are given it under the old catalog.
    pub before: u64,
    /// How many under the new catalog.
    pub after: u64,
    /// How many are given it under the new catalog only.
    pub gained: u64,
    /// How many are given it under the old catalog only.
    pub lost: u64,
}

/// Customers who were shown one thing, and would be shown another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DecisionDiff {
    /// The decision under the old catalog, in the short form of
    /// [`Decision::to_json`](crate::Decision::to_json); null if it has no such personalization.
    pub old: Json,
    /// The same under the new catalog.
    pub new: Json,
    /// How many customers.
    pub profiles: u64,
    /// Ids of some of them.
    pub examples: Vec<String>,
}

impl CatalogDiff {
    /// Whether anything differs: a segment, a personalization, or what is refused.
    pub fn differs(&self) -> bool {
        let segments = self.segments.iter().map(|segment| segment.change);
        let personalizations = self.personalizations.iter().map(|decided| decided.change);
        segments.chain(personalizations).any(|change| change != Change::Same)
            || self.old.counts().ne(self.new.counts())
    }
}

impl Intake {
    /// Counts a refused message.
    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        let reason = refusal.reason;
        match self.refused.binary_search_by(|known| known.reason.as_str().cmp(reason.as_str())) {
            Ok(place) => self.refused[place].messages += 1,
            Err(place) => self.refused.insert(place, RefusedMessages { reason, messages: 1, first: refusal }),
        }
    }

    fn counts(&self) -> impl Iterator<Item = (RefusalReason, u64)> {
        self.refused.iter().map(|refused| (refused.reason, refused.messages))
    }
}

impl Change {
    /// What becomes of something that is in these catalogs; `moved` says how many answers differ.
    pub(super) fn of(in_old: bool, in_new: bool, moved: u64) -> Change {
        match (in_old, in_new) {
            (false, _) => Change::New,
            (_, false) => Change::Removed,
            _ if moved > 0 => Change::Changed,
            _ => Change::Same,
        }
    }
}
