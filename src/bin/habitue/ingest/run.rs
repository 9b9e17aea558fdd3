//! The load from first to last: open, read and apply side by side, close, summary.

use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Instant;

use habitue::{Catalog, Clock, Database, ManualClock, Message, OpenOptions, RefusalReason, Time};
use indicatif::HumanCount;

use super::arguments::{Arguments, ClockSource};
use super::lines::{Batch, Content, Line, MOST_BATCHES, Sent, read_all};
use super::rejects::{Reject, Rejects};
use super::source;
use super::tally::Tally;
use crate::console::Console;
use crate::data::warn;
use crate::failure::{Exit, Failure};
use crate::progress;

/// A load under way.
struct Load<'a> {
    arguments: &'a Arguments,
    database: &'a Database,
    /// The clock, if it follows the messages.
    clock: Option<ManualClock>,
    rejects: Rejects,
    tally: Tally,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let total = source::total_bytes(&arguments.files)?;
    if arguments.catalog.is_none() && !arguments.opening.is_there() {
        return Err(Failure::Usage(format!(
            "`{}` holds no database yet: give its catalog with --catalog FILE",
            arguments.opening.data.display()
        )));
    }
    let clock = (arguments.clock == ClockSource::Message).then(|| ManualClock::new(Time::MIN));
    let mut options = OpenOptions::new().durability(arguments.durability.durability());
    if let Some(clock) = &clock {
        options = options.clock(Clock::Manual(clock.clone()));
    }
    if let Some(path) = &arguments.catalog {
        options = options.catalog(Catalog::load(path)?);
    }
    if let Some(bytes) = arguments.memory_budget {
        options = options.memory_budget(bytes);
    }
    let rejects = Rejects::new(arguments.rejects.as_deref())?;
    let started = Instant::now();
    let database = arguments.opening.open(options, console)?;
    let said = database.warnings().len();
    let mut load = Load { arguments, database: &database, clock, rejects, tally: Tally::default() };
    let loaded = thread::scope(|scope| {
        let (sender, receiver) = sync_channel(MOST_BATCHES);
        scope.spawn(move || read_all(&arguments.files, &sender));
        load.take_all(receiver, total, console)
    });
    let finished = load.rejects.finish();
    let tally = load.tally;
    warn(&database, said, console);
    // Also what a load that failed has brought is brought to stable storage.
    let closed = database.close();
    loaded?;
    finished?;
    closed?;
    let tally = tally.after(started.elapsed());
    if arguments.json {
        console.json(&tally)?;
    } else {
        console.line(&tally.to_string())?;
    }
    Ok(Exit::Ok)
}

impl Load<'_> {
    /// Takes everything that is read, until the end or a failure.
    fn take_all(
        &mut self,
        batches: Receiver<Sent>,
        total: Option<u64>,
        console: &mut Console,
    ) -> Result<(), Failure> {
        let bar = progress::reading(total);
        for batch in batches {
            let Batch { file, lines, bytes_read } = batch.map_err(|problem| {
                Failure::Stopped(format!("{problem}; what was read before it is stored"))
            })?;
            let path = &*self.arguments.files[file];
            for line in lines {
                self.take(path, line, console)?;
            }
            // Nobody here asks who entered which segment.
            drop(self.database.take_transitions());
            bar.set_position(bytes_read);
            bar.set_message(format!("{} lines", HumanCount(self.tally.lines)));
        }
        bar.finish_and_clear();
        Ok(())
    }

    fn take(&mut self, path: &Path, line: Line, console: &mut Console) -> Result<(), Failure> {
        self.tally.lines += 1;
        let Line { number, text, content } = line;
        self.tally.line_bytes += text.len() as u64;
        let refusal = match content {
            Content::Unreadable(detail) => {
                return self.reject(&Reject::unreadable(path, number, &text, detail), console);
            }
            Content::Refused(refusal) => refusal,
            Content::Message(message) => {
                self.set_clock(&message);
                match self.database.apply(*message) {
                    Ok(applied) if applied.duplicate => {
                        self.tally.duplicates += 1;
                        return Ok(());
                    }
                    Ok(_) => {
                        self.tally.accepted += 1;
                        return Ok(());
                    }
                    Err(refusal) => refusal,
                }
            }
        };
        if refusal.reason == RefusalReason::Storage {
            let place = format!("{}, line {number}", path.display());
            return Err(Failure::Stopped(format!("{place}: cannot be stored: {}", refusal.detail)));
        }
        self.reject(&Reject::new(path, number, &text, &refusal), console)
    }

    fn reject(&mut self, reject: &Reject<'_>, console: &mut Console) -> Result<(), Failure> {
        self.tally.rejected += 1;
        self.rejects.add(reject, console)
    }

    /// Brings a clock that follows the messages to this one, unless that is later than the system's time:
    /// one wrong year must not move the database's time for ever.
    fn set_clock(&self, message: &Message) {
        let Some(clock) = &self.clock else { return };
        let started = clock.now() > Time::MIN;
        let latest = Clock::System.now();
        let named = message.timestamp().filter(|time| *time <= latest);
        match (named, started) {
            (Some(time), true) => clock.set(time.max(clock.now())),
            (Some(time), false) => clock.set(time),
            (None, true) => {}
            (None, false) => clock.set(Time::default()),
        }
    }
}
