//! A database whose process is killed, again and again: it opens by itself, and everything that was
//! acknowledged is there, once.
//!
//! This program starts itself as a child, which opens a database, writes with one or several threads
//! while another makes checkpoints and bases, and prints each message once `apply` has returned. The
//! parent kills it at a random instant, while it opens as well, and then asks everything. Rounds go on in
//! one folder for a while, so that what one crash left is found by the next.
//!
//! In another story (`crash/erasing.rs`) the child erases people, or makes them anonymous.
//!
//! `HABITUE_CRASH_ROUNDS` says how many rounds, `HABITUE_CRASH_SEED` from which seed.

#[path = "crash/erasing.rs"]
mod erasing;
#[path = "crash/story.rs"]
mod story;

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use habitue::Database;
use libtest_mimic::{Arguments, Failed, Trial};
use story::{Folder, How, answers, chance, difference, message, open};

/// The variable that makes this program a child: what to do.
const CHILD: &str = "HABITUE_CRASH_CHILD";
/// Rounds in one folder.
const ROUNDS_OF_A_FOLDER: u64 = 15;

/// What one round does.
#[derive(Clone, Copy, Debug)]
struct Round {
    seed: u64,
    writers: u64,
    how: How,
    /// When the child is killed.
    after_ms: u64,
}

impl Round {
    fn of(seed: u64) -> Round {
        let chance = chance(seed);
        let how = How {
            sync: chance.is_multiple_of(2),
            budget: (chance >> 8).is_multiple_of(3).then_some(30_000),
            salvage: false,
        };
        let writers = [1, 1, 3, 6][(chance >> 16) as usize % 4];
        // Some are killed while they open.
        let most = if (chance >> 24).is_multiple_of(4) { 60 } else { 700 };
        Round { seed, writers, how, after_ms: (chance >> 32) % most }
    }
}

fn main() {
    if let Ok(task) = std::env::var(CHILD) {
        return child(&task);
    }
    if let Ok(task) = std::env::var(erasing::CHILD) {
        return erasing::child(&task);
    }
    let arguments = Arguments::from_args();
    let rounds = variable("HABITUE_CRASH_ROUNDS", 6);
    let trials = vec![
        Trial::test("nothing_acknowledged_is_lost", || parent().map_err(Failed::from)),
        Trial::test("the_erased_are_whole_or_gone", move || erasing::parent(rounds).map_err(Failed::from)),
    ];
    libtest_mimic::run(&arguments, trials).exit()
}

fn variable(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.replace('_', "").parse().ok()).unwrap_or(usual)
}

fn parent() -> Result<(), String> {
    let rounds = variable("HABITUE_CRASH_ROUNDS", 6);
    let first = variable("HABITUE_CRASH_SEED", 1);
    let mut done = 0;
    let mut acknowledged = 0;
    let mut rebuilt = 0;
    while done < rounds {
        let mut story = Story::new(&format!("crash-{first}"));
        for _ in 0..ROUNDS_OF_A_FOLDER.min(rounds - done) {
            let round = Round::of(first + done);
            acknowledged += story.round(round).map_err(|error| {
                std::mem::forget(std::mem::replace(&mut story.folder, Folder::new("crash-none")));
                format!("seed {} ({round:?}): {error}", round.seed)
            })?;
            done += 1;
        }
        rebuilt += story.rebuilt;
    }
    let mut out = std::io::stdout();
    let _ = writeln!(
        out,
        "{done} rounds from seed {first}: {acknowledged} messages acknowledged, {rebuilt} live stores made anew"
    );
    Ok(())
}

/// What is known of one folder.
struct Story {
    folder: Folder,
    reference: Database,
    /// Of each writer, how many messages the database holds.
    held: [u64; 6],
    opened: bool,
    /// How often the live store was made anew.
    rebuilt: u64,
}

impl Story {
    fn new(name: &str) -> Story {
        Story {
            folder: Folder::new(name),
            reference: story::reference(),
            held: [0; 6],
            opened: false,
            rebuilt: 0,
        }
    }

    /// Lets a child write, kills it, and looks. Returns how many messages were acknowledged.
    fn round(&mut self, round: Round) -> Result<u64, String> {
        let acknowledged = self.kill_a_child(round)?;
        let database = open(self.folder.path(), round.how).map_err(|error| format!("opening: {error}"))?;
        let warnings = database.warnings();
        // The first opening may have been killed before the live store was whole, and sled, about once in
        // some hundred kills, does not read what it left. Then the live store is made anew.
        let is_sled = |warning: &String| warning.contains("sled says") || warning.contains("sled panicked");
        if self.opened && !warnings.iter().all(is_sled) {
            return Err(format!("a process that was killed damages nothing: {warnings:?}"));
        }
        self.rebuilt += u64::from(self.opened && !warnings.is_empty());
        self.opened = true;
        let accepted = database.stats().accepted;
        let found = answers(&database).map_err(|error| error.to_string())?;
        let mut new = 0;
        for (writer, &printed) in acknowledged.iter().enumerate() {
            let writer = writer as u64;
            // One more may have been on its way.
            for number in self.held[writer as usize]..=printed {
                let applied = database.apply(message(writer, number)).map_err(|error| error.to_string())?;
                if number < printed && !applied.duplicate {
                    return Err(format!("message {number} of writer {writer} was acknowledged, and is gone"));
                }
                if applied.duplicate {
                    self.reference.apply(message(writer, number)).map_err(|error| error.to_string())?;
                }
            }
            new += printed - self.held[writer as usize];
        }
        let expected = answers(&self.reference).map_err(|error| error.to_string())?;
        if let Some(difference) = difference(&expected, &found) {
            return Err(difference);
        }
        if accepted != self.reference.stats().accepted {
            let expected = self.reference.stats().accepted;
            return Err(format!("{accepted} messages are counted, {expected} are there"));
        }
        for (writer, printed) in acknowledged.into_iter().enumerate() {
            // The one on its way is there by now.
            let _ = self.reference.apply(message(writer as u64, printed));
            self.held[writer] = printed + 1;
        }
        if story::members(&database).ok() != story::members(&self.reference).ok() {
            return Err("the members of a segment are other ones".to_owned());
        }
        let (found, expected) = (answers(&database), answers(&self.reference));
        match difference(&expected.unwrap_or_default(), &found.unwrap_or_default()) {
            Some(difference) => return Err(format!("after writing on: {difference}")),
            None if round.seed.is_multiple_of(3) => drop(database),
            None => database.close().map_err(|error| format!("closing: {error}"))?,
        }
        Ok(new)
    }

    /// Of each writer, how many messages were acknowledged so far.
    fn kill_a_child(&self, round: Round) -> Result<[u64; 6], String> {
        let held = self.held.map(|held| held.to_string()).join(",");
        let task = format!(
            "{};{};{};{};{};{held}",
            self.folder.path().display(),
            round.seed,
            round.writers,
            round.how.sync,
            round.how.budget.unwrap_or(0)
        );
        let this = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut child = Command::new(this)
            .env(CHILD, task)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        thread::sleep(Duration::from_millis(round.after_ms));
        let ended = child.try_wait().map_err(|error| error.to_string())?;
        child.kill().map_err(|error| error.to_string())?;
        let mut printed = String::new();
        if let Some(mut out) = child.stdout.take() {
            out.read_to_string(&mut printed).map_err(|error| error.to_string())?;
        }
        let _ = child.wait();
        if let Some(status) = ended {
            return Err(format!("the child ended by itself, {status}: {printed}"));
        }
        let mut acknowledged = self.held;
        // A line that the kill has torn is none.
        for line in printed.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            let (writer, number) = line.split_once(' ').ok_or(line)?;
            let (writer, number): (usize, u64) =
                (writer.parse().map_err(|_| line)?, number.parse().map_err(|_| line)?);
            acknowledged[writer] = number + 1;
        }
        Ok(acknowledged)
    }
}

/// Opens the database and writes until it is killed.
fn child(task: &str) {
    let mut parts = task.split(';');
    let mut part = || parts.next().unwrap_or_default();
    let folder = part().to_owned();
    let number = |text: &str| text.parse::<u64>().unwrap_or_default();
    let (seed, writers) = (number(part()), number(part()));
    let sync = part() == "true";
    let budget = Some(number(part())).filter(|bytes| *bytes > 0);
    let held: Vec<u64> = part().split(',').map(number).collect();
    let how = How { sync, budget, salvage: false };
    let database = match open(Path::new(&folder), how) {
        Ok(database) => database,
        Err(error) => return complain(&error.to_string()),
    };
    let turn = AtomicU64::new(0);
    thread::scope(|scope| {
        for writer in 0..writers {
            let (database, from) = (&database, held[writer as usize]);
            scope.spawn(move || write(database, writer, from));
        }
        scope.spawn(|| keep_house(&database, seed, &turn));
    });
}

fn write(database: &Database, writer: u64, from: u64) {
    for number in from.. {
        match database.apply(message(writer, number)) {
            Ok(applied) if applied.duplicate => complain("it was new"),
            Ok(_) => {
                let line = format!("{writer} {number}\n");
                let mut out = std::io::stdout().lock();
                let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
            }
            Err(error) => complain(&error.to_string()),
        }
        if chance(number).is_multiple_of(40)
            && let Err(error) = database.segment_sizes()
        {
            complain(&error.to_string());
        }
    }
}

fn keep_house(database: &Database, seed: u64, turn: &AtomicU64) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        let chance = chance(seed << 20 | turn.fetch_add(1, Ordering::Relaxed));
        thread::sleep(Duration::from_millis(chance % 40));
        let done = match (chance >> 8) % 3 {
            0 => database.compact().map(|_| ()),
            _ => database.checkpoint(),
        };
        if let Err(error) = done {
            complain(&error.to_string());
        }
    }
}

/// Ends the child; the parent reads what it said.
fn complain(what: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "child: {what}");
    let _ = out.flush();
    std::process::exit(1);
}
