//! `habitue goal`: what became of everything that was shown.

use clap::Args;
use habitue::Conversions;

use crate::console::Console;
use crate::data::Asking;
use crate::failure::{Exit, Failure};

/// Count how many reached a goal after they were shown something, by offer and by variant
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// The goal's name in the catalog
    goal: String,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let database = arguments.asking.open(console)?;
    let report = database.goal(&arguments.goal)?;
    if arguments.asking.json {
        console.json(&report)?;
        return Ok(Exit::Ok);
    }
    let offers =
        report.offers.iter().map(|row| (format!("{}: {}", row.personalization, row.offer), &row.conversions));
    let variants =
        report.variants.iter().map(|row| (format!("{}: {}", row.experiment, row.variant), &row.conversions));
    let rows: Vec<(String, &Conversions)> = offers.chain(variants).collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let heads = ["shown", "customers", "converted", "rate", "times", "value"];
    let [shown, customers, converted, rate, times, value] = heads;
    console.line(&format!(
        "{:width$}  {shown:>9}  {customers:>9}  {converted:>9}  {rate:>7}  {times:>9}  {value:>12}",
        report.goal
    ))?;
    for (name, Conversions { exposures, exposed, converted, conversions, value }) in &rows {
        let rate = match exposed {
            0 => String::new(),
            _ => format!("{:.2} %", 100.0 * *converted as f64 / *exposed as f64),
        };
        console.line(&format!(
            "{name:width$}  {exposures:>9}  {exposed:>9}  {converted:>9}  {rate:>7}  {conversions:>9}  {value:>12.2}"
        ))?;
    }
    Ok(Exit::Ok)
}
