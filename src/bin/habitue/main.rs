//! The command line `habitue`: one file per command, each on the library's public facade only.
//!
//! Its flags, JSON lines and exit codes are a contract that others script against. Results go to
//! standard output, everything else to standard error.

mod backtest;
mod backup;
mod calling;
mod check;
mod compact;
mod console;
mod crowd;
mod data;
mod decide;
mod demo;
mod diff;
mod erase;
mod explain;
mod export;
mod failure;
mod findings;
mod get;
mod goal;
mod identity;
mod import;
mod ingest;
mod junit;
mod log;
mod members;
mod persona;
mod rows;
mod progress;
mod publish;
mod segments;
mod simulate;
mod stats;
mod stock;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::console::{Console, Output};
use crate::failure::{Exit, Failure};

/// An embedded customer-profile database: check a catalog, try it on a script, load messages into a data
/// folder and ask about customers.
#[derive(Debug, Parser)]
#[command(name = "habitue", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 ok, 1 the operation failed or an expectation did not hold, 2 usage,\n\
    3 catalog invalid, 4 store damaged or incompatible, 5 not found.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Arguments),
    Simulate(simulate::Arguments),
    Persona(persona::Arguments),
    Diff(diff::Arguments),
    Backtest(backtest::Arguments),
    Ingest(ingest::Arguments),
    Import(Box<import::Arguments>),
    Get(get::Arguments),
    Segments(segments::Arguments),
    Members(members::Arguments),
    Goal(goal::Arguments),
    Stock(stock::Arguments),
    Decide(decide::Arguments),
    Crowd(crowd::Arguments),
    Explain(explain::Arguments),
    Publish(publish::Arguments),
    Export(export::Arguments),
    /// Erase customers from a data folder for good: every message and identifier, in every file
    Erase(erase::Arguments),
    /// Make customers of a data folder anonymous for good: what they did goes on counting, nothing names them
    Anonymise(erase::Arguments),
    /// List the receipts of all erasures; they name nobody
    Erasures(data::Whole),
    /// Let go of what need not be kept: old messages, by the catalog's `[history]`, and the journal
    Compact(data::Whole),
    /// Show how much a data folder holds, and what it takes on disk
    Stats(data::Whole),
    /// Read everything in a data folder, and compare what is said twice
    Verify(data::Whole),
    Backup(backup::Arguments),
    Restore(backup::RestoreArguments),
    Demo(demo::Arguments),
}

impl Command {
    /// For whom the command writes.
    fn output(&self) -> Output {
        match self {
            Command::Check(arguments) => Output::of(arguments.json),
            Command::Simulate(arguments) => Output::of(arguments.json),
            Command::Persona(arguments) => Output::of(arguments.json),
            Command::Diff(arguments) => Output::of(arguments.json),
            Command::Backtest(arguments) => Output::of(arguments.json),
            Command::Ingest(arguments) => Output::of(arguments.json),
            Command::Import(arguments) => Output::of(arguments.json),
            Command::Get(arguments) => Output::of(arguments.asking.json),
            Command::Segments(arguments) => Output::of(arguments.asking.json),
            Command::Members(arguments) => Output::of(arguments.asking.json),
            Command::Goal(arguments) => Output::of(arguments.asking.json),
            Command::Stock(arguments) => Output::of(arguments.asking.json),
            Command::Crowd(arguments) => Output::of(arguments.asking.json),
            Command::Decide(arguments) => Output::of(arguments.asking.json),
            Command::Explain(arguments) => Output::of(arguments.asking.json),
            Command::Publish(arguments) => Output::of(arguments.asking.json),
            Command::Export(_) => Output::Programs,
            Command::Erase(arguments) => Output::of(arguments.json),
            Command::Anonymise(arguments) => Output::of(arguments.json),
            Command::Erasures(arguments) => Output::of(arguments.json),
            Command::Compact(arguments) => Output::of(arguments.json),
            Command::Stats(arguments) => Output::of(arguments.json),
            Command::Verify(arguments) => Output::of(arguments.json),
            Command::Backup(arguments) => Output::of(arguments.json),
            Command::Restore(arguments) => Output::of(arguments.json),
            Command::Demo(arguments) => Output::of(arguments.json),
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut console = Console::new();
    let ended = match &arguments.command {
        Command::Check(arguments) => check::run(arguments, &mut console),
        Command::Simulate(arguments) => simulate::run(arguments, &mut console),
        Command::Persona(arguments) => persona::run(arguments, &mut console),
        Command::Diff(arguments) => diff::run(arguments, &mut console),
        Command::Backtest(arguments) => backtest::run(arguments, &mut console),
        Command::Ingest(arguments) => ingest::run(arguments, &mut console),
        Command::Import(arguments) => import::run(arguments, &mut console),
        Command::Get(arguments) => get::run(arguments, &mut console),
        Command::Segments(arguments) => segments::run(arguments, &mut console),
        Command::Members(arguments) => members::run(arguments, &mut console),
        Command::Goal(arguments) => goal::run(arguments, &mut console),
        Command::Stock(arguments) => stock::run(arguments, &mut console),
        Command::Crowd(arguments) => crowd::run(arguments, &mut console),
        Command::Decide(arguments) => decide::run(arguments, &mut console),
        Command::Explain(arguments) => explain::run(arguments, &mut console),
        Command::Publish(arguments) => publish::run(arguments, &mut console),
        Command::Export(arguments) => export::run(arguments, &mut console),
        Command::Erase(arguments) => erase::run(arguments, &mut console),
        Command::Anonymise(arguments) => erase::anonymise(arguments, &mut console),
        Command::Erasures(arguments) => erase::list(arguments, &mut console),
        Command::Compact(arguments) => compact::run(arguments, &mut console),
        Command::Stats(arguments) => stats::run(arguments, &mut console),
        Command::Verify(arguments) => verify::run(arguments, &mut console),
        Command::Backup(arguments) => backup::run(arguments, &mut console),
        Command::Restore(arguments) => backup::restore(arguments, &mut console),
        Command::Demo(arguments) => demo::run(arguments, &mut console),
    };
    match ended.and_then(|exit| console.finish().map(|()| exit)) {
        Ok(exit) => exit.into(),
        // Whoever reads the results has seen enough.
        Err(Failure::ReaderGone) => Exit::Ok.into(),
        Err(failure) => {
            console.report(&failure, arguments.command.output());
            failure.exit().into()
        }
    }
}
