//! The demo from first to last: catalog, year, customers, latencies, report.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use habitue::{Catalog, Clock, Database, ManualClock, Time};

use super::customers;
use super::latency;
use super::outcome::Outcome;
use super::sample::{CATALOG, Sample};
use super::{catalog_text, page, printed, year};

/// Where the report goes if nobody says.
const REPORT: &str = "habitue-demo.html";

/// Runs the demo, writes the report to `report`, and prints what it found: for people, or as one JSON object.
///
/// # Errors
/// With a sentence for people, if the report cannot be written, or if the sample built into the program
/// does not fit the library.
pub(crate) fn run(report: Option<PathBuf>, json: bool) -> Result<(), String> {
    let report = report.unwrap_or_else(|| PathBuf::from(REPORT));
    // A place that takes no file is found out before the work, not after it.
    write_report(&report, "")?;
    let catalog = Catalog::from_toml(CATALOG).map_err(|error| error.to_string())?;
    let summary = catalog.summary();
    if !json {
        printed(|out| printed::catalog(&summary, out))?;
    }
    let sample = Sample::read()?;
    let clock = ManualClock::new(Time::BEFORE_ALL);
    let database = Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone()));
    let year = year::replay(&sample, &database, &clock);
    drop(sample);
    let customers = customers::choose(&database, &year, &catalog_text::personalizations(CATALOG))?;
    let lookups = latency::measure(&database, &year.households);
    let texts = catalog_text::segments(CATALOG)?;
    let path = fs::canonicalize(&report).unwrap_or_else(|_| report.clone()).display().to_string();
    let outcome = Outcome::new(summary, texts, year, customers, lookups, path);
    write_report(&report, &page::html(&outcome)?)?;
    if json {
        let line = serde_json::to_string(&outcome).map_err(|error| error.to_string())?;
        printed(|out| writeln!(out, "{line}"))
    } else {
        printed(|out| printed::print(&outcome, out))
    }
}

fn write_report(path: &Path, html: &str) -> Result<(), String> {
    fs::write(path, html)
        .map_err(|error| format!("the report can not be written to `{}`: {error}", path.display()))
}

/// Prints to standard output. That nobody reads it any more is no error.
fn printed(
    print: impl FnOnce(&mut io::BufWriter<io::StdoutLock<'_>>) -> io::Result<()>,
) -> Result<(), String> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match print(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(()),
    }
}
