//! `habitue simulate`: runs scripts, each on an empty database with a virtual clock.

use std::path::PathBuf;

use clap::Args;
use habitue::Catalog;
use habitue::simulate::{Answer, DecisionReport, Script, Simulation};

use crate::console::Console;
use crate::failure::{Exit, Failure};
use crate::junit::Junit;
use crate::progress;

/// Run scripts of messages and expectations on an empty database with a virtual clock
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The catalog: a TOML or JSON file, or a folder of them
    catalog: PathBuf,
    /// The scripts, one JSON object per line; each runs on a database of its own
    #[arg(required = true)]
    scripts: Vec<PathBuf>,
    /// Also write the answers as a JUnit file: a suite for each script, a case for each line that expects
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Also say of each offer how often it was an answer, and to how many profiles it is shown in the end
    #[arg(long)]
    report: bool,
    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
}

/// What came of all scripts so far.
#[derive(Default)]
struct Outcome {
    junit: Junit,
    report: DecisionReport,
}

/// How many expectations held, and how many lines failed.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let mut catalog = Some(Catalog::load(&arguments.catalog)?);
    let scripts = arguments.scripts.iter().map(Script::read).collect::<Result<Vec<_>, _>>()?;
    let mut total = Tally::default();
    let mut outcome = Outcome::default();
    for script in &scripts {
        let catalog = match catalog.take() {
            Some(catalog) => catalog,
            None => Catalog::load(&arguments.catalog)?,
        };
        let tally = run_script(script, catalog, arguments, &mut outcome, console)?;
        total.passed += tally.passed;
        total.failed += tally.failed;
        if !arguments.json && scripts.len() > 1 {
            console.line(&format!("{}: {tally}", script.name()))?;
        }
    }
    if !arguments.json {
        console.line(&total.to_string())?;
    }
    if arguments.report {
        print_report(&outcome.report, arguments.json, console)?;
    }
    if let Some(path) = &arguments.junit {
        outcome.junit.write(path)?;
    }
    Ok(if total.failed == 0 { Exit::Ok } else { Exit::Failed })
}

fn run_script(
    script: &Script,
    catalog: Catalog,
    arguments: &Arguments,
    outcome: &mut Outcome,
    console: &mut Console,
) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    let mut simulation = Simulation::new(catalog);
    outcome.junit.begin(script.name());
    let bar = progress::bytes(script.name(), script.text().len() as u64);
    for line in script.lines() {
        let answer = simulation.follow(&line);
        bar.inc(line.text.len() as u64 + 1);
        let Some(answer) = answer else { continue };
        outcome.junit.add(&line, &answer);
        match &answer {
            Answer::Passed { .. } => tally.passed += 1,
            Answer::Failed(_) => tally.failed += 1,
            Answer::Printed(_) => {}
        }
        bar.suspend(|| match &answer {
            answer if arguments.json => console.line(&answer.to_json_line()),
            Answer::Failed(failure) => console.line(&format!("{}, {failure}", script.name())),
            Answer::Printed(text) => console.line(text),
            Answer::Passed { .. } => Ok(()),
        })?;
    }
    bar.finish_and_clear();
    if arguments.report {
        outcome.report = std::mem::take(&mut outcome.report).and(simulation.decision_report()?);
    }
    Ok(tally)
}

fn print_report(report: &DecisionReport, json: bool, console: &mut Console) -> Result<(), Failure> {
    match json {
        true => report.offers.iter().try_for_each(|offer| console.json(offer)),
        false if report.offers.is_empty() => Ok(()),
        false => console.line(&format!("\n{report}")),
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}
