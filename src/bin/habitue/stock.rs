//! `habitue stock`: what is left of offers of which there are only so many.

use clap::Args;

use crate::console::Console;
use crate::data::Asking;
use crate::failure::{Exit, Failure};

/// What is left of the offers that have a stock
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) asking: Asking,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let stocks = arguments.asking.open(console)?.stocks();
    if arguments.asking.json {
        for stock in &stocks {
            console.json(stock)?;
        }
        return Ok(Exit::Ok);
    }
    let named = |stock: &habitue::OfferStock| format!("{}: {}", stock.personalization, stock.offer);
    let width = stocks.iter().map(|stock| named(stock).chars().count()).max().unwrap_or_default();
    for stock in &stocks {
        let (name, left, of, shown) = (named(stock), stock.left, stock.stock, stock.shown);
        console.line(&format!("{name:width$}  {left} of {of} left, shown {shown} times"))?;
    }
    Ok(Exit::Ok)
}
