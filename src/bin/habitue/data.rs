//! The data folder that a command works on: its arguments, opening it, and what it warns of.

use std::path::{Path, PathBuf};

use clap::Args;
use habitue::{Clock, Database, ManualClock, OpenOptions, Snapshot, Time};

use crate::console::Console;
use crate::failure::Failure;
use crate::progress;

/// The arguments of every command that opens a data folder.
#[derive(Debug, Args)]
pub(crate) struct Opening {
    /// The data folder
    pub(crate) data: PathBuf,
    /// Open a damaged journal by giving up what follows the damage; it is kept beside
    #[arg(long)]
    salvage: bool,
}

/// The arguments of a command about a whole folder.
#[derive(Debug, Args)]
pub(crate) struct Whole {
    #[command(flatten)]
    pub(crate) opening: Opening,
    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
}

/// The arguments of a command that asks.
#[derive(Debug, Args)]
pub(crate) struct Asking {
    #[command(flatten)]
    opening: Opening,
    /// When to ask for, such as `2026-01-01T09:00:00Z`: not before the database's own time [default: now]
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    at: Option<Time>,
    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
}

impl Opening {
    /// Whether there is a database, or what is left of one.
    pub(crate) fn is_there(&self) -> bool {
        ["habitue.manifest", "journal"].iter().any(|name| self.data.join(name).exists())
    }

    /// Opens a database that must be there already.
    pub(crate) fn open_existing(
        &self,
        options: OpenOptions,
        console: &mut Console,
    ) -> Result<Database, Failure> {
        if !self.is_there() {
            return Err(no_database(&self.data));
        }
        self.open(options, console)
    }

    /// Opens a database, or makes one, and says what it warns of.
    pub(crate) fn open(&self, options: OpenOptions, console: &mut Console) -> Result<Database, Failure> {
        let options = if self.salvage { options.salvage() } else { options };
        let bar = progress::recovery();
        let told = bar.clone();
        let options = options.on_recovery(move |recovery| progress::show(&told, recovery));
        let database = options.open(&self.data)?;
        bar.finish_and_clear();
        warn(&database, 0, console);
        Ok(database)
    }
}

impl Asking {
    /// Opens the database for questions, at the time that was asked for.
    pub(crate) fn open(&self, console: &mut Console) -> Result<Database, Failure> {
        self.open_for(OpenOptions::new().questions_only(), console)
    }

    /// The same with other options, on a clock that stands still, so that all answers are of one instant.
    pub(crate) fn open_still(
        &self,
        options: OpenOptions,
        console: &mut Console,
    ) -> Result<Database, Failure> {
        if self.at.is_some() {
            return self.open_for(options, console);
        }
        let now = Clock::Manual(ManualClock::new(Clock::System.now()));
        self.opening.open_existing(options.clock(now), console)
    }

    /// The same with other options.
    pub(crate) fn open_for(&self, options: OpenOptions, console: &mut Console) -> Result<Database, Failure> {
        let clock = self.at.map_or(Clock::System, |at| Clock::Manual(ManualClock::new(at)));
        let options = options.clock(clock);
        let database = self.opening.open_existing(options, console)?;
        match self.at {
            Some(at) if at < database.now() => Err(Failure::Usage(format!(
                "the database's own time is {}, so it cannot tell how things stood at {at}; ask for a later time",
                database.now()
            ))),
            _ => Ok(database),
        }
    }
}

/// Everything of a customer who must be known.
pub(crate) fn known(database: &Database, id: &str) -> Result<Snapshot, Failure> {
    let snapshot = database.profile(id)?;
    if snapshot.known {
        return Ok(snapshot);
    }
    let message =
        format!("no customer `{id}` is known at {}; ids are compared letter by letter", snapshot.at);
    Err(Failure::NotFound(message))
}

/// Says the warnings of a database after the first `said`; returns how many there are.
pub(crate) fn warn(database: &Database, said: usize, console: &mut Console) -> usize {
    let warnings = database.warnings();
    for warning in warnings.iter().skip(said) {
        console.say(&format!("warning: {warning}\n"));
    }
    warnings.len()
}

/// That a folder holds no database.
pub(crate) fn no_database(folder: &Path) -> Failure {
    Failure::NotFound(format!(
        "there is no database in `{0}`; make one with `habitue ingest {0} FILE --catalog CATALOG`",
        folder.display()
    ))
}

/// A time, or null if it never comes.
pub(crate) fn unless_never(time: Time) -> Option<String> {
    (time != Time::NEVER).then(|| time.to_string())
}
