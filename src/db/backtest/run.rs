//! The run of a catalog over messages that are on record.
//!
//! Invariants:
//! 1. Messages are heard in the order of (time, message id), with a clock that stands at the time of each.
//! 2. At a trigger the catalog is asked after the message was heard; at an exposure before, as the exposure
//!    tells of what was decided.
//! 3. The same messages and catalogs give the same decisions in the same order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

use ahash::AHashSet;

use super::report::BacktestReport;
use super::side::{Hearing, Side};
use super::tally::Tally;
use super::timeline::{Happened, Timeline};
use super::tried_decision::{DecisionPoint, TriedDecision, short_form};
use crate::base::clock::{Clock, ManualClock};
use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::catalog::Catalog;
use crate::db::durable::open_options::OpenOptions;
use crate::engine::decision::Decision;
use crate::model::message::Message;
use crate::model::refusal::Refusal;

/// How many examples of each change are kept, unless the caller says otherwise.
const EXAMPLES: usize = 5;

/// A catalog that is tried on messages of the past: who would have been offered what, and when.
///
/// The messages are heard again in the order of time. At each *decision point* the catalog is asked what
/// it decides at that very moment: at each message that triggers a personalization, and at each recorded
/// exposure of one, which says what really was shown. Everything is done in memory.
///
/// ```
/// use habitue::backtest::Backtest;
/// use habitue::{Catalog, Message};
///
/// let catalog = Catalog::from_toml(r#"
///     schema = 1
///     [attributes]
///     tier = "string"
///     [personalizations.home]
///     fallback = { name = "plain" }
///     [[personalizations.home.offers]]
///     name = "gold-offer"
///     when = 'tier == "gold"'
/// "#)?;
/// let log = r#"{"type":"identify","messageId":"m1","userId":"ana","traits":{"tier":"gold"},"timestamp":"2026-01-01T09:00:00Z"}
/// {"type":"track","messageId":"x1","userId":"ana","event":"$exposure","properties":{"personalization":"home","offers":["plain"]},"timestamp":"2026-01-01T09:00:01Z"}"#;
///
/// let report = Backtest::new(catalog).of_messages(log.lines().map(Message::parse)).finish()?;
/// let home = &report.personalizations[0];
/// assert_eq!((home.decisions, home.offers[0].offered), (1, 1));
/// assert_eq!((home.recorded.same, home.recorded.other), (0, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Backtest {
    new: Catalog,
    old: Option<Catalog>,
    from: Option<Time>,
    until: Option<Time>,
    exposes: bool,
    examples: usize,
}

/// A catalog on its way through the messages: each decision as it is made, and then the report.
pub struct BacktestRun {
    happened: std::vec::IntoIter<Happened>,
    new: Side,
    old: Option<Side>,
    from: Option<Time>,
    /// If decisions are put on record in the place of the exposures: the personalizations that have some.
    exposed: Option<AHashSet<String>>,
    ready: VecDeque<TriedDecision>,
    tally: Tally,
    report: BacktestReport,
}

impl Backtest {
    /// A catalog to be tried.
    pub fn new(catalog: Catalog) -> Backtest {
        Backtest { new: catalog, old: None, from: None, until: None, exposes: false, examples: EXAMPLES }
    }

    /// Compares each decision with that of another catalog at the same moment. That one hears the
    /// exposures as they are recorded.
    #[must_use]
    pub fn old(mut self, catalog: Catalog) -> Backtest {
        self.old = Some(catalog);
        self
    }

    /// Begins to decide at an instant; what happened before is only heard.
    #[must_use]
    pub fn from(mut self, from: Time) -> Backtest {
        self.from = Some(from);
        self
    }

    /// Ends at an instant; what happened later does not count.
    #[must_use]
    pub fn until(mut self, until: Time) -> Backtest {
        self.until = Some(until);
        self
    }

    /// Puts the catalog's own decisions on record as shown, in the place of the recorded exposures, so that
    /// caps count what it would have shown. Of a personalization that has recorded exposures, its decisions
    /// at these count as shown; of one that has none, its decisions at triggers.
    #[must_use]
    pub fn expose(mut self) -> Backtest {
        self.exposes = true;
        self
    }

    /// How many examples are given of each change; 5 otherwise.
    #[must_use]
    pub fn examples(mut self, examples: usize) -> Backtest {
        self.examples = examples;
        self
    }

    /// Tries the catalog on the messages of a log, each of them new to it. Their order does not matter, but
    /// that one without a timestamp happens at the latest time before it; one without an id is known by its
    /// place.
    pub fn of_messages(self, messages: impl IntoIterator<Item = Result<Message, Refusal>>) -> BacktestRun {
        let timeline = Timeline::of_messages(messages, self.until);
        self.run(timeline, Hearing::New)
    }

    /// Tries the catalog on the messages of the database in a folder, which is only read. They were accepted
    /// before; what of them does not fit a catalog is left out.
    ///
    /// # Errors
    /// `NotFound` if there is no database, `Damaged`, `Incompatible`, `Io`.
    pub fn of_folder(self, folder: impl AsRef<Path>) -> Result<BacktestRun, Error> {
        let stands_still = Clock::Manual(ManualClock::new(Time::MIN));
        let database = OpenOptions::new().clock(stands_still).open_read_only(folder)?;
        let timeline = Timeline::of_database(&database, self.until)?;
        drop(database);
        Ok(self.run(timeline, Hearing::Accepted))
    }

    fn run(self, timeline: Timeline, hearing: Hearing) -> BacktestRun {
        let exposed = self.exposes.then(|| timeline.exposed());
        let Timeline { happened, duplicates, later, summaries, refused } = timeline;
        let report = BacktestReport {
            first: happened.first().map(|first| first.time),
            last: happened.last().map(|last| last.time),
            messages: happened.len() as u64,
            duplicates,
            later,
            summaries,
            refused,
            new: Default::default(),
            old: None,
            personalizations: Vec::new(),
            unknown: BTreeMap::new(),
        };
        BacktestRun {
            happened: happened.into_iter(),
            new: Side::new(self.new, hearing),
            old: self.old.map(|old| Side::new(old, hearing)),
            from: self.from,
            exposed,
            ready: VecDeque::new(),
            tally: Tally::new(self.examples),
            report,
        }
    }
}

/// The decisions in the order of time.
impl Iterator for BacktestRun {
    type Item = Result<TriedDecision, Error>;

    fn next(&mut self) -> Option<Result<TriedDecision, Error>> {
        loop {
            if let Some(tried) = self.ready.pop_front() {
                self.tally.add(&tried);
                return Some(Ok(tried));
            }
            let happened = self.happened.next()?;
            if let Err(error) = self.hear(&happened) {
                return Some(Err(error));
            }
        }
    }
}

impl BacktestRun {
    /// How many messages are still to be heard.
    pub fn remaining(&self) -> usize {
        self.happened.len()
    }

    /// Goes on to the end, and says what came of it all.
    ///
    /// # Errors
    /// None that messages can cause.
    pub fn finish(mut self) -> Result<BacktestReport, Error> {
        for tried in self.by_ref() {
            tried?;
        }
        Ok(BacktestReport {
            personalizations: self.tally.finish(&self.new)?,
            new: self.new.intake,
            old: self.old.map(|old| old.intake),
            ..self.report
        })
    }

    fn hear(&mut self, happened: &Happened) -> Result<(), Error> {
        self.new.reach(happened.time);
        self.old.iter_mut().for_each(|old| old.reach(happened.time));
        match happened.exposed() {
            Some(personalization) => self.hear_exposure(happened, personalization),
            None => self.hear_message(happened),
        }
    }

    /// What was shown is compared with what would have been decided, and then counts.
    fn hear_exposure(&mut self, happened: &Happened, personalization: &str) -> Result<(), Error> {
        let decision = self.new.decide(happened, personalization)?;
        let old = self.asked_of_old(happened, personalization)?;
        let is_reported = self.is_reported(happened);
        match &decision {
            Some(decision) if is_reported => {
                let recorded = short_form(happened.shown(), decision);
                let tried = TriedDecision {
                    recorded: Some(recorded),
                    old: old.map(|old| old.to_json()),
                    ..self.tried(happened, decision, DecisionPoint::Exposure)
                };
                self.ready.push_back(tried);
            }
            None if is_reported => *self.report.unknown.entry(personalization.to_owned()).or_default() += 1,
            _ => {}
        }
        match decision.filter(|_| self.exposed.is_some()) {
            Some(decision) => self.new.expose(happened, &decision)?,
            None => drop(self.new.hear(happened)?),
        }
        self.old.as_mut().map_or(Ok(()), |old| old.hear(happened).map(drop))
    }

    /// A message is heard, and then what it triggers under either catalog is decided.
    fn hear_message(&mut self, happened: &Happened) -> Result<(), Error> {
        let mut triggered = self.new.hear_and_decide(happened)?;
        let mut of_old = match &mut self.old {
            Some(old) => old.hear_and_decide(happened)?,
            None => Vec::new(),
        };
        let names: BTreeSet<Arc<str>> =
            triggered.iter().chain(&of_old).map(|decision| Arc::clone(&decision.personalization)).collect();
        for name in names {
            let decision = match take(&mut triggered, &name) {
                Some(decision) => decision,
                None => match self.new.decide(happened, &name)? {
                    Some(decision) => decision,
                    // Only the old catalog has it.
                    None => continue,
                },
            };
            let old = match take(&mut of_old, &name) {
                Some(old) => Some(old),
                None => self.asked_of_old(happened, &name)?,
            };
            if self.is_reported(happened) {
                let tried = self.tried(happened, &decision, DecisionPoint::Trigger);
                self.ready.push_back(TriedDecision { old: old.map(|old| old.to_json()), ..tried });
            }
            if self.exposed.as_ref().is_some_and(|exposed| !exposed.contains(&*name)) {
                self.new.expose(happened, &decision)?;
            }
        }
        Ok(())
    }

    fn asked_of_old(&self, happened: &Happened, name: &str) -> Result<Option<Arc<Decision>>, Error> {
        self.old.as_ref().map_or(Ok(None), |old| old.decide(happened, name))
    }

    fn is_reported(&self, happened: &Happened) -> bool {
        self.from.is_none_or(|from| happened.time >= from)
    }

    fn tried(&self, happened: &Happened, decision: &Decision, point: DecisionPoint) -> TriedDecision {
        TriedDecision {
            at: happened.time,
            user: happened.user().to_owned(),
            personalization: Arc::clone(&decision.personalization),
            point,
            message: happened.message_id.clone(),
            decision: decision.to_json(),
            reason: decision.reason,
            recorded: None,
            old: None,
            home: self.new.home(happened),
            offers: decision.offers.iter().map(|chosen| Arc::clone(&chosen.name)).collect(),
        }
    }
}

/// Takes the decision of a personalization out of a list.
fn take(decisions: &mut Vec<Arc<Decision>>, personalization: &str) -> Option<Arc<Decision>> {
    let place = decisions.iter().position(|decision| *decision.personalization == *personalization)?;
    Some(decisions.swap_remove(place))
}
