//! The same messages under two catalogs.
//!
//! Messages of a log are new to both catalogs: each side is a database of its own that takes or refuses
//! them, in the order of the log, with a clock that follows them. Messages of a database in a folder were
//! accepted already: there the new catalog replaces the old one, as it would in the database itself. So
//! every answer is one that the database gives, and none is computed here.

use std::path::Path;

use super::catalog_diff::{CatalogDiff, Intake};
use super::comparing::compare;
use super::standings::{Choices, Standings};
use crate::base::clock::{Clock, ManualClock};
use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::catalog::Catalog;
use crate::db::database::Database;
use crate::db::durable::open_options::OpenOptions;
use crate::db::durable::read_only::ReadAs;
use crate::db::publishing::carried_over;
use crate::model::message::Message;
use crate::model::refusal::Refusal;

/// How many examples of each difference are kept, unless the caller says otherwise.
const EXAMPLES: usize = 5;

/// A change of catalogs that is tried before it is made.
///
/// Everything is done in memory. Messages of a log are held twice, once under each catalog; those of a
/// folder once. Beside them a bit for each segment and four bytes for each personalization are kept of
/// every customer. The time is that of applying all messages twice.
///
/// ```
/// use habitue::diff::Rehearsal;
/// use habitue::{Catalog, Message};
///
/// let catalog = |least: u32| {
///     Catalog::from_toml(&format!("schema = 1\n[attributes]\npoints = \"int\"\n[segments]\nvip = 'points >= {least}'"))
/// };
/// let log = r#"{"type":"identify","userId":"ana","traits":{"points":700},"timestamp":"2026-01-01T09:00:00Z"}
/// {"type":"identify","userId":"ben","traits":{"points":400},"timestamp":"2026-01-01T09:01:00Z"}"#;
///
/// let rehearsal = Rehearsal::new(catalog(600)?, catalog(300)?);
/// let diff = rehearsal.of_messages(log.lines().map(Message::parse))?;
/// assert_eq!(diff.at.to_string(), "2026-01-01T09:01:00Z");
/// let vip = &diff.segments[0];
/// assert_eq!((vip.before, vip.after, vip.entered, vip.left), (Some(1), Some(2), 1, 0));
/// assert_eq!(vip.entered_examples, ["ben"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Rehearsal {
    old: Catalog,
    new: Catalog,
    at: Option<Time>,
    examples: usize,
}

/// A database that hears a log.
struct Hearing {
    database: Database,
    intake: Intake,
}

impl Rehearsal {
    /// A change from one catalog to another.
    pub fn new(old: Catalog, new: Catalog) -> Rehearsal {
        Rehearsal { old, new, at: None, examples: EXAMPLES }
    }

    /// The instant to compare answers at; what happened later does not count. Otherwise it is the time of
    /// the latest message of a log, and a database's own time.
    #[must_use]
    pub fn at(mut self, at: Time) -> Rehearsal {
        self.at = Some(at);
        self
    }

    /// How many ids are given as examples of each difference; 5 otherwise.
    #[must_use]
    pub fn examples(mut self, examples: usize) -> Rehearsal {
        self.examples = examples;
        self
    }

    /// What would differ for these messages, each of them new to either catalog.
    ///
    /// They are taken in this order. One without a timestamp happens at the latest time before it; of two
    /// with one id and other content, the second is refused. What a catalog refuses, it does not know;
    /// it is counted, as is an item that could not be read as a message.
    ///
    /// # Errors
    /// None that messages can cause.
    pub fn of_messages(
        self,
        messages: impl IntoIterator<Item = Result<Message, Refusal>>,
    ) -> Result<CatalogDiff, Error> {
        let clock = ManualClock::new(Time::MIN);
        let (mut old, mut new) = (Hearing::new(self.old, &clock), Hearing::new(self.new, &clock));
        let (mut latest, mut later) = (None::<Time>, 0);
        for message in messages {
            let message = match message.and_then(|message| message.check().map(|()| message)) {
                Ok(message) => message,
                Err(refusal) => {
                    old.intake.refuse(refusal.clone());
                    new.intake.refuse(refusal);
                    continue;
                }
            };
            let time = message.timestamp().or(latest).unwrap_or_default();
            let reached = latest.map_or(time, |latest| latest.max(time));
            latest = Some(reached);
            if self.at.is_some_and(|at| time > at) {
                later += 1;
                continue;
            }
            clock.set(self.at.map_or(reached, |at| at.min(reached)));
            old.hear(message.clone());
            new.hear(message);
        }
        let at = self.at.or(latest).unwrap_or_default();
        clock.set(at);
        let mut choices = Choices::new();
        let (was, old) = old.finish(&mut choices)?;
        let (is, new) = new.finish(&mut choices)?;
        Ok(diff(at, later, (&was, old), (&is, new), &choices, self.examples))
    }

    /// What would differ in the database in a folder, which is only read: another process may have it
    /// open.
    ///
    /// Its messages were accepted before; what of them does not fit a catalog is left out, as it is
    /// whenever a catalog is replaced. What is published in the database is so beside both catalogs.
    ///
    /// ```
    /// # let folder = std::env::temp_dir().join(format!("habitue-doc-rehearsal-{}", std::process::id()));
    /// # let _ = std::fs::remove_dir_all(&folder);
    /// use habitue::diff::{Change, Rehearsal};
    /// use habitue::{Catalog, Message, OpenOptions};
    ///
    /// let catalog = |segment: &str| {
    ///     Catalog::from_toml(&format!("schema = 1\n[attributes]\npoints = \"int\"\n[segments]\n{segment}"))
    /// };
    /// let database = OpenOptions::new().catalog(catalog("vip = 'points > 5'")?).open(&folder)?;
    /// database.apply(Message::identify("ana").with_trait("points", 7))?;
    /// database.close()?;
    ///
    /// let rehearsal = Rehearsal::new(catalog("vip = 'points > 5'")?, catalog("regular = 'points > 3'")?);
    /// let diff = rehearsal.of_folder(&folder)?;
    /// let changes: Vec<_> = diff.segments.iter().map(|segment| (&*segment.segment, segment.change)).collect();
    /// assert_eq!(changes, [("regular", Change::New), ("vip", Change::Removed)]);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `NotFound` if there is no database, `Damaged`, `Incompatible`, `Io`.
    pub fn of_folder(self, folder: impl AsRef<Path>) -> Result<CatalogDiff, Error> {
        let reading = ReadAs { catalog: Some(self.old.text), time: self.at };
        let stands_still = Clock::Manual(ManualClock::new(Time::MIN));
        let database = OpenOptions::new().clock(stands_still).read_as(folder.as_ref(), &reading)?;
        let at = database.now();
        let mut choices = Choices::new();
        let was = Standings::of(&database, &mut choices)?;
        database.swap_catalog(|old| carried_over(self.new, old).map(Some), at, |_| Ok(0))?;
        let is = Standings::of(&database, &mut choices)?;
        let intake = |standings: &Standings| Intake { messages: standings.messages, refused: Vec::new() };
        let (old, new) = (intake(&was), intake(&is));
        Ok(diff(at, is.later, (&was, old), (&is, new), &choices, self.examples))
    }
}

impl Hearing {
    fn new(catalog: Catalog, clock: &ManualClock) -> Hearing {
        let database = Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone()));
        Hearing { database, intake: Intake::default() }
    }

    fn hear(&mut self, message: Message) {
        if let Err(refusal) = self.database.apply(message) {
            self.intake.refuse(refusal);
        }
        // Nobody here asks who entered which segment when.
        drop(self.database.take_transitions());
    }

    /// Where everybody stands in the end; the database is let go of.
    fn finish(self, choices: &mut Choices) -> Result<(Standings, Intake), Error> {
        let standings = Standings::of(&self.database, choices)?;
        debug_assert_eq!(standings.later, 0, "messages of the future were left out");
        let intake = Intake { messages: standings.messages, ..self.intake };
        Ok((standings, intake))
    }
}

fn diff(
    at: Time,
    later: u64,
    (was, old): (&Standings, Intake),
    (is, new): (&Standings, Intake),
    choices: &Choices,
    examples: usize,
) -> CatalogDiff {
    let compared = compare(was, is, choices, examples);
    CatalogDiff {
        at,
        profiles: compared.profiles,
        later,
        old,
        new,
        segments: compared.segments,
        personalizations: compared.personalizations,
    }
}
