//! An erasure whose process is killed: the people are whole, or gone from every answer and every file once
//! the folder is opened again; and whatever was promised holds without that.
//!
//! Kills are spread evenly over the time that an erasure takes. In every other round the process that opens
//! the folder next, and goes on with the erasure, is killed as well. In two rounds of four the people are made
//! anonymous: what they did is counted once, before and after. `HABITUE_CRASH_PEOPLE` says how many people
//! there are; each hundredth is erased.

#[path = "../erase/people.rs"]
mod people;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use habitue::{Clock, Database, ManualClock};
use people::{Person, answers, catalog, find_in_files, options, time};

use crate::story::Folder;

/// The variable that makes this program a child: what it does, and the folder.
pub(crate) const CHILD: &str = "HABITUE_CRASH_ERASER";
/// How many people there are.
fn people() -> u64 {
    crate::variable("HABITUE_CRASH_PEOPLE", 300)
}

fn everybody() -> Vec<Person> {
    (0..people()).map(Person).collect()
}

fn erased() -> Vec<Person> {
    everybody().into_iter().filter(Person::is_erased).collect()
}

fn living() -> Vec<Person> {
    everybody().into_iter().filter(|person| !person.is_erased()).collect()
}

fn clock() -> ManualClock {
    ManualClock::new(time(people::END))
}

/// Opens the folder, and erases people or makes them anonymous until it is killed.
pub(crate) fn child(task: &str) {
    let (act, folder) = task.split_once(';').unwrap_or_default();
    say("opening");
    let done = options(&clock()).open(folder).and_then(|database| {
        say("open");
        let users = erased().iter().map(Person::user).collect::<Vec<_>>();
        match act {
            "erase" => drop(database.erase_all(users)?),
            "anonymise" => drop(database.anonymise_all(users)?),
            _ => return Ok(database),
        }
        say("done");
        Ok(database)
    });
    if let Err(error) = &done {
        say(&format!("error: {error}"));
    }
    // Killed here, if not before.
    std::thread::sleep(Duration::from_secs(60));
}

fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{what}").and_then(|()| out.flush());
}

/// Starts a child and waits until it says something; gives what it says after that, and the time to it.
fn start(
    act: &str,
    folder: &Path,
    until: &str,
) -> Result<(Child, BufReader<std::process::ChildStdout>), String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let task = format!("{act};{}", folder.display());
    let mut child = Command::new(this)
        .env(CHILD, task)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut said = BufReader::new(child.stdout.take().ok_or("no output")?);
    wait_for(&mut said, until)?;
    Ok((child, said))
}

fn wait_for(said: &mut impl BufRead, until: &str) -> Result<(), String> {
    let mut line = String::new();
    while line.trim_end() != until {
        line.clear();
        let count = said.read_line(&mut line).map_err(|error| error.to_string())?;
        if count == 0 || line.starts_with("error") {
            return Err(format!("the child said `{line}` instead of `{until}`"));
        }
    }
    Ok(())
}

/// Whether an answer is about one customer.
fn is_of_one(answer: &str) -> bool {
    ["user-", "visitor-", "device-", "Person.", "[{"].iter().any(|begin| answer.starts_with(begin))
}

/// That everybody is there, under a name or without one, and every order is counted once.
fn counts_once(database: &Database) -> Result<(), String> {
    let members = database.members("everybody").map_err(|error| error.to_string())?;
    let orders = |id: &String| {
        let exported = database.export(id).map_err(|error| error.to_string())?;
        Ok(exported.messages.iter().filter(|told| told.message.event() == Some("Order Completed")).count()
            as u64)
    };
    let orders = members.iter().map(orders).sum::<Result<u64, String>>()?;
    let people = people();
    match (members.len() as u64, orders) == (people, 2 * people) {
        true => Ok(()),
        false => Err(format!("{} customers with {orders} orders, of {people} with two each", members.len())),
    }
}

fn kill(mut child: Child) -> Result<(), String> {
    child.kill().and_then(|()| child.wait()).map(drop).map_err(|error| error.to_string())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() { copy(&path, &target)? } else { std::fs::copy(&path, &target).map(drop)? }
    }
    Ok(())
}

/// What people were told before and after, and a folder from before.
struct Story {
    folder: Folder,
    whole: Vec<String>,
    left: Vec<String>,
}

impl Story {
    fn new() -> Result<Story, habitue::Error> {
        let folder = Folder::new("crash-erasing");
        let database = options(&clock()).open(folder.path().join("before"))?;
        let reference = Database::in_memory_with_clock(catalog(), Clock::Manual(clock()));
        for message in everybody().iter().flat_map(Person::messages) {
            database.apply(message.clone())?;
            reference.apply(message)?;
        }
        database.compact()?;
        for message in everybody().iter().flat_map(Person::later_messages) {
            database.apply(message.clone())?;
            reference.apply(message)?;
        }
        database.close()?;
        let whole = answers(&reference, &everybody());
        reference.erase_all(erased().iter().map(Person::user))?;
        let left = answers(&reference, &living());
        Ok(Story { folder, whole, left })
    }

    /// Kills an erasure after a time; says whether it was whole afterwards.
    fn round(&self, number: u64, after: Duration) -> Result<bool, String> {
        let folder = self.folder.path().join(format!("round-{number}"));
        copy(&self.folder.path().join("before"), &folder).map_err(|error| error.to_string())?;
        let act = if number % 4 < 2 { "erase" } else { "anonymise" };
        let (child, mut said) = start(act, &folder, "open")?;
        std::thread::sleep(after);
        kill(child)?;
        let is_done = wait_for(&mut said, "done").is_ok();
        self.finds_nothing_if(is_done, &folder)?;
        if number % 2 == 1 {
            let (child, _) = start("open", &folder, "opening")?;
            std::thread::sleep(after / 2);
            kill(child)?;
        }
        let database = options(&clock()).open(&folder).map_err(|error| format!("opening: {error}"))?;
        let known = |person: &Person| database.profile(&person.user()).is_ok_and(|profile| profile.known);
        let is_whole = erased().iter().all(known);
        if is_done && is_whole {
            return Err("who was erased is back".to_owned());
        }
        let (expected, people) = match is_whole {
            true => (&self.whole, everybody()),
            false => (&self.left, living()),
        };
        let mut found = answers(&database, &people);
        let mut expected = expected.clone();
        if act == "anonymise" {
            // How many there are, and who, differs by those who have no name.
            [&mut found, &mut expected]
                .into_iter()
                .for_each(|answers| answers.retain(|answer| is_of_one(answer)));
        }
        if let Some((expected, found)) =
            expected.iter().zip(&found).find(|(expected, found)| expected != found)
        {
            return Err(format!("expected {expected}\nfound    {found}"));
        }
        if act == "anonymise" || is_whole {
            counts_once(&database)?;
        }
        self.finds_nothing_if(!is_whole, &folder)?;
        let flaws = database.verify().map_err(|error| error.to_string())?.flaws;
        if !flaws.is_empty() {
            return Err(format!("{flaws:?}"));
        }
        for message in erased().iter().filter(|_| !is_whole).flat_map(Person::messages) {
            if database.apply(message).is_ok() {
                return Err("a late message was taken".to_owned());
            }
        }
        drop(database);
        std::fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
        Ok(is_whole)
    }

    fn finds_nothing_if(&self, is_gone: bool, folder: &Path) -> Result<(), String> {
        let found = if is_gone { find_in_files(folder, &erased()) } else { Vec::new() };
        if found.is_empty() { Ok(()) } else { Err(format!("{found:?}")) }
    }

    /// How long an erasure takes that nobody kills.
    fn duration(&self) -> Result<Duration, String> {
        let folder = self.folder.path().join("measured");
        copy(&self.folder.path().join("before"), &folder).map_err(|error| error.to_string())?;
        let (child, mut said) = start("erase", &folder, "open")?;
        let begun = Instant::now();
        wait_for(&mut said, "done")?;
        let took = begun.elapsed();
        kill(child)?;
        self.finds_nothing_if(true, &folder)?;
        std::fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
        Ok(took)
    }
}

/// Kills erasures, and looks.
pub(crate) fn parent(rounds: u64) -> Result<(), String> {
    let story = Story::new().map_err(|error| error.to_string())?;
    let took = story.duration()?;
    let mut whole = 0;
    for number in 0..rounds {
        let after = took * number as u32 / rounds.max(1) as u32;
        let is_whole =
            story.round(number, after).map_err(|error| format!("round {number}, {after:?}: {error}"))?;
        whole += u64::from(is_whole);
    }
    let mut out = std::io::stdout();
    let _ = writeln!(
        out,
        "{rounds} erasures of {took:?} killed: {whole} had not begun, {} were finished later",
        rounds - whole
    );
    Ok(())
}
