//! Where everybody stands in one database at one instant: memberships and decisions, packed small.
//!
//! A bit for each segment and four bytes for each personalization is all that is kept of a customer, so
//! that a database can be let go of, or be given another catalog, before it is compared.
//!
//! Invariants:
//! 1. `profiles` are the known ones, sorted by name, a user before a visitor of the same name.
//! 2. Two choices are equal if and only if the names of the offers are, in this order.

use std::sync::Arc;

use ahash::AHashMap;

use crate::base::bits::Bits;
use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::database::Database;
use crate::db::questions::is_member;
use crate::derived::work::Work;
use crate::engine::cell::Cell;
use crate::engine::decide::{Deciding, Decisions};
use crate::engine::decision::Decision;
use crate::engine::program::Program;
use crate::engine::standing::Standing;
use crate::facts::stamp::{MessageOrder, NoMessages};
use crate::model::identifier::IdentifierKind;
use crate::model::ids::{PersonalizationId, SegmentId};
use crate::rules::exposures::Exposures;
use crate::store::profile::Profile;

/// What stands between the names of an experiment and of a variant.
const BETWEEN: char = '\0';

/// Where everybody stands.
#[derive(Debug)]
pub(in crate::db) struct Standings {
    pub(in crate::db) program: Arc<Program>,
    pub(in crate::db) profiles: Vec<Stands>,
    /// What somebody is shown of whom nothing is known, by personalization.
    pub(super) unknown: Box<[Shown]>,
    /// How many messages count, and how many will only later.
    pub(super) messages: u64,
    pub(super) later: u64,
}

/// Where one customer stands.
#[derive(Debug)]
pub(in crate::db) struct Stands {
    pub(super) name: Arc<str>,
    is_visitor: bool,
    /// By the numbers of the segments.
    pub(super) memberships: Bits,
    /// By the numbers of the personalizations.
    pub(in crate::db) shown: Box<[Shown]>,
}

/// What a personalization shows a customer.
#[derive(Clone, Copy, Debug)]
pub(in crate::db) struct Shown {
    /// The offers.
    pub(in crate::db) offers: Choice,
    /// The variants given by experiments that the offers ask for, each as [`variant_name`] writes it.
    pub(super) variants: Choice,
}

/// The number of a list of offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::db) struct Choice(u32);

/// All lists of offers that anybody is shown, under either catalog.
#[derive(Debug)]
pub(in crate::db) struct Choices {
    numbers: AHashMap<Vec<Arc<str>>, Choice>,
    lists: Vec<Vec<Arc<str>>>,
}

/// What deciding for one customer after the other needs.
struct Chooser<'a> {
    exposures: &'a dyn Exposures,
    program: &'a Program,
    now: Time,
    work: Work,
    choices: &'a mut Choices,
}

impl Standings {
    /// Where everybody in a database in memory stands now.
    ///
    /// # Errors
    /// If a profile whose time has come cannot be read.
    pub(in crate::db) fn of(database: &Database, choices: &mut Choices) -> Result<Standings, Error> {
        debug_assert!(database.upkeep.is_none(), "profiles on disk are not seen");
        database.advance()?;
        let now = database.now();
        let program = database.shards.program();
        let exposures = &*database.shards.exposed;
        let mut chooser = Chooser { program: &program, exposures, now, work: Work::default(), choices };
        let unknown = chooser.choose(Standing::Cell(&Cell::new()), &NoMessages);
        let (mut profiles, mut messages) = (Vec::new(), 0);
        // Of those held back, nobody can say yet whose they are.
        let mut later = database.held.lock().len() as u64;
        for shard in database.shards.iter() {
            for (_, profile) in shard.read().profiles() {
                let (past, future) = count(profile, now);
                messages += past;
                later += future;
                if profile.standing().is_known() {
                    profiles.push(Stands::of(profile, &mut chooser));
                }
            }
        }
        profiles.sort_unstable_by(|a, b| a.key().cmp(&b.key()));
        Ok(Standings { program, profiles, unknown, messages, later })
    }
}

impl Stands {
    fn of(profile: &Profile, chooser: &mut Chooser<'_>) -> Stands {
        let standing = profile.standing();
        let segments = chooser.program.definitions.segments.len();
        let mut memberships = Bits::new(segments);
        for place in 0..segments {
            memberships.set(place, is_member(chooser.program, standing, SegmentId::from_index(place)));
        }
        Stands {
            name: Arc::clone(&profile.name),
            is_visitor: profile.key().kind != IdentifierKind::User,
            memberships,
            shown: chooser.choose(standing, &profile.history),
        }
    }

    /// What tells customers apart, and orders them.
    pub(super) fn key(&self) -> (&str, bool) {
        (&self.name, self.is_visitor)
    }
}

impl Chooser<'_> {
    /// What a customer is shown, by personalization.
    fn choose(&mut self, standing: Standing<'_>, order: &dyn MessageOrder) -> Box<[Shown]> {
        let Chooser { program, exposures, now, work, choices } = self;
        let mut decisions = Decisions::default();
        let mut deciding = Deciding { program, exposures: *exposures, order, cause: None, now: *now, work };
        let personalizations = 0..program.definitions.personalizations.len();
        let chosen = personalizations.map(|place| {
            let decided = deciding.decide(standing, &mut decisions, PersonalizationId::from_index(place));
            let Decision { offers, variants, .. } = &*decided.decision;
            let variants = variants.iter().map(|(experiment, variant)| variant_name(experiment, variant));
            Shown {
                offers: choices.number(offers.iter().map(|chosen| Arc::clone(&chosen.name)).collect()),
                variants: choices.number(variants.collect()),
            }
        });
        chosen.collect()
    }
}

impl Choice {
    /// No offer.
    const NOTHING: Choice = Choice(0);
}

impl Shown {
    /// No offer, and no variant.
    pub(super) const NOTHING: Shown = Shown { offers: Choice::NOTHING, variants: Choice::NOTHING };
}

impl Choices {
    pub(in crate::db) fn new() -> Choices {
        let mut choices = Choices { numbers: AHashMap::new(), lists: Vec::new() };
        let nothing = choices.number(Vec::new());
        debug_assert_eq!(nothing, Choice::NOTHING, "it is the first");
        choices
    }

    /// The names of the offers of a choice.
    pub(in crate::db) fn offers(&self, choice: Choice) -> &[Arc<str>] {
        &self.lists[choice.0 as usize]
    }

    fn number(&mut self, offers: Vec<Arc<str>>) -> Choice {
        if let Some(known) = self.numbers.get(&offers) {
            return *known;
        }
        let choice =
            Choice(u32::try_from(self.lists.len()).expect("catalogs have far fewer than 2^32 offers"));
        self.lists.push(offers.clone());
        self.numbers.insert(offers, choice);
        choice
    }
}

/// A variant and its experiment as one name.
fn variant_name(experiment: &str, variant: &str) -> Arc<str> {
    Arc::from(format!("{experiment}{BETWEEN}{variant}"))
}

/// The experiment and the variant of such a name.
pub(super) fn variant_of(name: &str) -> (&str, &str) {
    name.split_once(BETWEEN).unwrap_or((name, ""))
}

/// How many messages of a profile count, and how many will only later.
fn count(profile: &Profile, now: Time) -> (u64, u64) {
    let all = profile.history.iter().count() as u64;
    let past = profile.history.iter().filter(|(_, entry)| entry.time <= now).count() as u64;
    (past, all - past)
}
