//! `habitue check`: whether a catalog can be used, what in it is probably not meant, and what it costs.

use std::path::{Path, PathBuf};

use clap::Args;
use habitue::{Catalog, CatalogError, Report};
use serde_json::json;

use crate::console::{Console, colours};
use crate::failure::{Exit, Failure, counts};
use crate::findings::Findings;

/// Check a catalog: everything that is wrong with it, and what it declares
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The catalog: a TOML or JSON file, or a folder of them
    #[arg(required_unless_present = "schema")]
    catalog: Option<PathBuf>,
    /// Print one JSON object per finding, then the summary if the catalog can be used
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the JSON Schema of catalogs, and check none
    #[arg(long, conflicts_with = "catalog")]
    schema: bool,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    match &arguments.catalog {
        Some(path) => check(path, arguments, console),
        None => print_schema(console),
    }
}

fn check(path: &Path, arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    match Catalog::load(path) {
        Ok(catalog) if arguments.json => {
            print_findings(catalog.report(), console)?;
            console.json(&json!({ "summary": catalog.summary() }))?;
            Ok(Exit::Ok)
        }
        Ok(catalog) => {
            let report = catalog.report();
            console.say(&Findings::new(report).for_people(colours()));
            console.line(&format!("{}: ok, {}", path.display(), counts(report)))?;
            console.line(&catalog.summary().to_string())?;
            Ok(Exit::Ok)
        }
        Err(CatalogError::Invalid(report)) if arguments.json => {
            print_findings(&report, console)?;
            Ok(Exit::CatalogInvalid)
        }
        Err(error) => Err(error.into()),
    }
}

fn print_findings(report: &Report, console: &mut Console) -> Result<(), Failure> {
    report.located().try_for_each(|finding| console.json(&finding))
}

fn print_schema(console: &mut Console) -> Result<Exit, Failure> {
    console.line(&format!("{:#}", habitue::json_schema()))?;
    Ok(Exit::Ok)
}
