//! The trial from first to last: read the catalogs and the messages, decide, print.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use habitue::Catalog;
use habitue::backtest::{
    Backtest, BacktestReport, BacktestRun, ChangedDecisions, ComparedDecisions, TriedDecision, TriedOffer,
    TriedPersonalization,
};
use serde::Serialize;
use serde_json::json;

use super::arguments::Arguments;
use crate::console::Console;
use crate::failure::{Exit, Failure};
use crate::log::reading;
use crate::progress;

/// An offer, for programs.
#[derive(Serialize)]
struct Offered<'a> {
    personalization: &'a str,
    #[serde(flatten)]
    offer: &'a TriedOffer,
}

/// What became what, for programs.
#[derive(Serialize)]
struct Changed<'a> {
    personalization: &'a str,
    compared_with: &'a str,
    #[serde(flatten)]
    changed: &'a ChangedDecisions,
}

/// What came of a personalization, for programs.
#[derive(Serialize)]
struct Figures<'a> {
    personalization: &'a str,
    decisions: u64,
    profiles: u64,
    triggers: u64,
    exposures: u64,
    recorded: Agreement,
    old: Option<Agreement>,
}

#[derive(Serialize)]
struct Agreement {
    same: u64,
    other: u64,
}

/// Where decisions are written one by one.
struct Decisions<'a> {
    path: &'a Path,
    file: BufWriter<File>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let backtest = Backtest::new(Catalog::load(&arguments.catalog)?).examples(arguments.examples);
    let backtest = match &arguments.old {
        Some(old) => backtest.old(Catalog::load(old)?),
        None => backtest,
    };
    let backtest = arguments.from.into_iter().fold(backtest, Backtest::from);
    let backtest = arguments.until.into_iter().fold(backtest, Backtest::until);
    let backtest = if arguments.expose { backtest.expose() } else { backtest };
    let mut decisions = arguments.decisions.as_deref().map(Decisions::new).transpose()?;
    let mut run = match arguments.data.is_dir() {
        true => backtest.of_folder(&arguments.data)?,
        false => reading(&arguments.data, |messages| backtest.of_messages(messages))?,
    };
    follow(&mut run, decisions.as_mut())?;
    decisions.map_or(Ok(()), Decisions::finish)?;
    let report = run.finish()?;
    if arguments.json {
        print_lines(&report, console)?;
    } else {
        console.line(&report.to_string())?;
    }
    Ok(Exit::Ok)
}

/// Goes through all messages.
fn follow(run: &mut BacktestRun, mut decisions: Option<&mut Decisions<'_>>) -> Result<(), Failure> {
    let total = run.remaining();
    let bar = progress::counting("messages", total as u64);
    while let Some(tried) = run.next() {
        bar.set_position((total - run.remaining()) as u64);
        let tried = tried?;
        decisions.as_mut().map_or(Ok(()), |decisions| decisions.write(&tried))?;
    }
    bar.finish_and_clear();
    Ok(())
}

impl Decisions<'_> {
    fn new(path: &Path) -> Result<Decisions<'_>, Failure> {
        match File::create(path) {
            Ok(file) => Ok(Decisions { path, file: BufWriter::new(file) }),
            Err(error) => Err(cannot_write(path, error)),
        }
    }

    fn write(&mut self, tried: &TriedDecision) -> Result<(), Failure> {
        let written = serde_json::to_writer(&mut self.file, tried).map_err(io::Error::from);
        written.and_then(|()| writeln!(self.file)).map_err(|error| cannot_write(self.path, error))
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|error| cannot_write(self.path, error))
    }
}

fn cannot_write(path: &Path, error: io::Error) -> Failure {
    Failure::Stopped(format!("cannot write `{}`: {error}", path.display()))
}

fn print_lines(report: &BacktestReport, console: &mut Console) -> Result<(), Failure> {
    for tried in &report.personalizations {
        let personalization = &*tried.personalization;
        tried.offers.iter().try_for_each(|offer| console.json(&Offered { personalization, offer }))?;
        print_changes(personalization, "recorded", Some(&tried.recorded), console)?;
        print_changes(personalization, "old", tried.old.as_ref(), console)?;
        console.json(&figures(tried))?;
    }
    console.json(&json!({ "summary": {
        "first": report.first,
        "last": report.last,
        "messages": report.messages,
        "duplicates": report.duplicates,
        "later": report.later,
        "summaries": report.summaries,
        "refused": report.refused.refused,
        "new": report.new,
        "old": report.old,
        "unknown": report.unknown,
    }}))
}

fn print_changes(
    personalization: &str,
    compared_with: &str,
    compared: Option<&ComparedDecisions>,
    console: &mut Console,
) -> Result<(), Failure> {
    let mut changes = compared.into_iter().flat_map(|compared| &compared.changes);
    changes.try_for_each(|changed| console.json(&Changed { personalization, compared_with, changed }))
}

fn figures(tried: &TriedPersonalization) -> Figures<'_> {
    let both = |compared: &ComparedDecisions| Agreement { same: compared.same, other: compared.other };
    Figures {
        personalization: &tried.personalization,
        decisions: tried.decisions,
        profiles: tried.profiles,
        triggers: tried.triggers,
        exposures: tried.exposures,
        recorded: both(&tried.recorded),
        old: tried.old.as_ref().map(both),
    }
}
