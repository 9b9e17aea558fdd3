//! The demo from first to last: catalog, year, customers, latencies, report.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use habitue::{Catalog, ManualClock, Time};

use super::customers;
use super::latency;
use super::outcome::Outcome;
use super::restart::DataFolder;
use super::sample::{CATALOG, Sample};
use super::{catalog_text, page, printed, year};
use crate::console::{Console, Output};
use crate::failure::{Exit, Failure};

/// Replay a grocer's year of purchases, and show what became of it
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where to write the report, one HTML file
    #[arg(long, value_name = "PATH", default_value = "habitue-demo.html")]
    report: PathBuf,
    /// Where to keep the database, to ask it afterwards; a new or empty folder [default: it is removed]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Runs the demo, writes the report, and prints what was found.
pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let (report, output) = (&arguments.report, Output::of(arguments.json));
    let folder = DataFolder::new(arguments.data.as_deref())?;
    // A place that takes no file is found out before the work, not after it.
    write_report(report, "")?;
    let catalog = Catalog::from_toml(CATALOG)?;
    let summary = catalog.summary();
    if output == Output::People {
        console.line(&printed::catalog(&summary))?;
        console.finish()?;
    }
    let sample = Sample::read().map_err(Failure::Stopped)?;
    let clock = ManualClock::new(Time::BEFORE_ALL);
    let database = folder.open(Some(catalog), &clock)?;
    let year = year::replay(&sample, &database, &clock)?;
    drop(sample);
    let customers = customers::choose(&database, &year, &catalog_text::personalizations(CATALOG))?;
    let lookups = latency::measure(&database, &year.households);
    let restart = folder.restart(database, &clock, &year.households)?;
    let texts = catalog_text::segments(CATALOG).map_err(Failure::Stopped)?;
    let path = fs::canonicalize(report).unwrap_or_else(|_| report.clone()).display().to_string();
    let outcome = Outcome::new(summary, texts, year, customers, lookups, restart, path);
    write_report(report, &page::html(&outcome).map_err(Failure::Stopped)?)?;
    match output {
        Output::People => console.line(printed::outcome(&outcome).trim_end())?,
        Output::Programs => console.json(&outcome)?,
    }
    Ok(Exit::Ok)
}

fn write_report(path: &Path, html: &str) -> Result<(), Failure> {
    let failed = |error| format!("cannot write the report to `{}`: {error}", path.display());
    fs::write(path, html).map_err(|error| Failure::Stopped(failed(error)))
}
