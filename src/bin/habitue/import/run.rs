//! The import from first to last: open, find where to begin, read and apply side by side, close, summary.

use std::sync::atomic::AtomicU64;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use habitue::{Catalog, Database, Durability, ImportKind, OpenOptions};

use super::arguments::Arguments;
use super::columns::Plan;
use super::list::Members;
use super::load::Load;
use super::mark::{Marks, Saved, identity};
use super::reading::{Files, MOST_BATCHES, Start};
use super::summary::Summary;
use crate::console::{Console, Output};
use crate::data::warn;
use crate::failure::{Exit, Failure};
use crate::ingest::rejects::Rejects;
use crate::ingest::source;
use crate::rows;

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let total = source::total_bytes(&arguments.files)?;
    let is_there = arguments.opening.is_there();
    let catalog = match &arguments.catalog {
        Some(path) => Some(Catalog::load(path)?),
        None if is_there => None,
        None => {
            return Err(Failure::Usage(format!(
                "`{}` holds no database yet: give its catalog with --catalog FILE",
                arguments.opening.data.display()
            )));
        }
    };
    // What is wrong with the mapping is said before anything is made.
    let early = match &catalog {
        Some(catalog) => Some(planned(arguments, Plan::new(arguments, catalog.declared())?, console)?),
        None => None,
    };
    let started = Instant::now();
    let database = open(arguments, catalog, console)?;
    let plan = match early {
        Some(plan) => plan,
        None => planned(arguments, Plan::new(arguments, database.declared())?, console)?,
    };
    if let ImportKind::List(list) = &plan.mapping.kind {
        let summary = Members { list, arguments, plan: &plan, total }.load(database, console)?;
        let summary = summary.after(started.elapsed());
        match Output::of(arguments.json) {
            Output::Programs => console.json(&summary)?,
            Output::People => console.line(&summary.to_string())?,
        }
        return Ok(Exit::Ok);
    }
    let times = arguments.files.iter().map(|path| plan.time_of(path, arguments.at));
    let times = times.collect::<Result<_, _>>()?;
    let files = Files { paths: &arguments.files, format: arguments.format, times, plan: &plan };
    let summary = load(arguments, &files, database, total, console)?.after(started.elapsed());
    match Output::of(arguments.json) {
        Output::Programs => console.json(&summary)?,
        Output::People => console.line(&summary.to_string())?,
    }
    Ok(Exit::Ok)
}

/// The database: with `--dry-run` one that is not written to.
fn open(arguments: &Arguments, catalog: Option<Catalog>, console: &mut Console) -> Result<Database, Failure> {
    let mut options = OpenOptions::new().durability(arguments.durability.durability());
    if let Some(bytes) = arguments.memory_budget {
        options = options.memory_budget(bytes);
    }
    match (arguments.dry_run, catalog) {
        (true, Some(catalog)) => Ok(Database::in_memory(catalog)),
        (true, None) => arguments.opening.open_existing(options.questions_only(), console),
        (false, Some(catalog)) => arguments.opening.open(options.catalog(catalog), console),
        (false, None) => arguments.opening.open(options, console),
    }
}

/// The plan, held against what the files say of their columns. Standard input is looked at when its turn comes.
fn planned(arguments: &Arguments, plan: Plan, console: &mut Console) -> Result<Plan, Failure> {
    for path in arguments.files.iter().filter(|path| !source::is_standard_input(path)) {
        let bytes = AtomicU64::new(0);
        let name = path.display();
        let reading = rows::open(path, arguments.format, plan.mapping.delimiter, &bytes)
            .map_err(|problem| Failure::Stopped(format!("cannot read `{name}`: {problem}")))?;
        let words = plan.check_file(&reading);
        for word in words.map_err(|problem| Failure::Usage(format!("`{name}`: {problem}")))? {
            console.say(&format!("{name}: {word}\n"));
        }
    }
    Ok(plan)
}

/// Reads and applies, and closes the database.
fn load(
    arguments: &Arguments,
    files: &Files<'_>,
    database: Database,
    total: Option<u64>,
    console: &mut Console,
) -> Result<Summary, Failure> {
    let said = database.warnings().len();
    let marks = marks(arguments, files, &database);
    let saved = marks.as_ref().and_then(|marks| believed(arguments, marks, files, &database));
    let start = saved.as_ref().map_or_else(Start::default, Saved::start);
    let kept = saved.as_ref().map_or(0, |saved| saved.rejects_bytes);
    let rejects = Rejects::from(arguments.rejects.as_deref(), kept)?;
    let skipped = saved.map_or(0, |saved| saved.all_rows);
    let summary = Summary { skipped, dry_run: arguments.dry_run, ..Summary::default() };
    let mut load = Load { files, database: &database, rejects, summary, marks };
    let loaded = thread::scope(|scope| {
        let (sender, receiver) = sync_channel(MOST_BATCHES);
        scope.spawn(move || files.read_all(start, &sender));
        load.take_all(receiver, total, console)
    });
    let finished = load.rejects.finish();
    let Load { summary, marks, .. } = load;
    if loaded.is_ok() {
        marks.iter().for_each(Marks::remove);
    }
    warn(&database, said, console);
    // Also what an import that failed has brought is brought to stable storage.
    let closed = if arguments.dry_run { Ok(()) } else { database.close() };
    loaded?;
    finished?;
    closed?;
    Ok(summary)
}

/// Where marks are set: not for what cannot be read again, nor where nothing is written.
fn marks(arguments: &Arguments, files: &Files<'_>, database: &Database) -> Option<Marks> {
    if arguments.dry_run {
        return None;
    }
    let settles = match arguments.durability.durability() {
        Durability::Sync => Some(Duration::ZERO),
        Durability::Group(interval) => Some(2 * interval),
        Durability::Memory => None,
    };
    let revision = database.stats().revision;
    let means = format!("{:?}\0{:?}\0{:?}\0{revision}", files.plan.mapping, files.format, arguments.rejects);
    let identities =
        files.paths.iter().zip(&files.times).map(|(path, at)| match source::is_standard_input(path) {
            true => None,
            false => identity(path, *at, &means).ok(),
        });
    Some(Marks::new(&arguments.opening.data, identities.collect::<Option<Vec<_>>>()?, settles))
}

/// The mark, if there is one of this import, and what it says is in the database and in the file of refused
/// rows.
fn believed(arguments: &Arguments, marks: &Marks, files: &Files<'_>, database: &Database) -> Option<Saved> {
    let saved = marks.saved()?;
    let is_known = files
        .message_at(saved.start())
        .is_some_and(|message| database.check(&message).is_ok_and(|checked| checked.duplicate));
    let has_rejects = match &arguments.rejects {
        Some(path) => std::fs::metadata(path).is_ok_and(|about| about.len() >= saved.rejects_bytes),
        None => true,
    };
    if is_known && has_rejects {
        return Some(saved);
    }
    marks.remove();
    None
}
