//! The report as one HTML file that needs nothing else: `page.html`, filled in.

use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

use super::outcome::Outcome;
use super::plot;
use super::printed::{grouped, percent};

/// The segments of the large plot, in the order of their colours.
const LARGE: [&str; 5] = ["bought_this_week", "weekly_regular", "lapsed", "lost", "new_customer"];

/// What the template reads.
#[derive(Serialize)]
struct Page<'a> {
    outcome: &'a Outcome,
    /// The plot of each customer's year.
    years: Vec<String>,
    /// The share of decisions from the cache.
    cached: String,
    version: &'static str,
    large: String,
    chapters: Vec<Chapter<'a>>,
}

/// Some segments under the title that the catalog gives them.
#[derive(Serialize)]
struct Chapter<'a> {
    title: &'a str,
    segments: Vec<Card<'a>>,
}

#[derive(Serialize)]
struct Card<'a> {
    name: &'a str,
    description: &'a str,
    condition: &'a str,
    size: u64,
    plot: String,
}

/// The whole page.
///
/// # Errors
/// If the template does not fit the outcome, which is a fault of the build.
pub(super) fn html(outcome: &Outcome) -> Result<String, String> {
    let mut environment = Environment::new();
    environment.add_filter("grouped", |number: f64| grouped(number.round() as u64));
    environment.add_template("page.html", include_str!("page.html")).map_err(|error| error.to_string())?;
    let template = environment.get_template("page.html").map_err(|error| error.to_string())?;
    let page = Page {
        outcome,
        years: outcome.customers.iter().map(plot::stays).collect(),
        cached: percent(outcome.lookups.cached_decisions, outcome.lookups.decisions),
        version: env!("CARGO_PKG_VERSION"),
        large: plot::lines(outcome, &LARGE),
        chapters: chapters(outcome),
    };
    template.render(Serde(&page)).map_err(|error| format!("{error:#}"))
}

fn chapters(outcome: &Outcome) -> Vec<Chapter<'_>> {
    let mut chapters: Vec<Chapter<'_>> = Vec::new();
    for segment in &outcome.segments {
        let text = &segment.text;
        if chapters.last().is_none_or(|chapter| chapter.title != text.chapter) {
            chapters.push(Chapter { title: &text.chapter, segments: Vec::new() });
        }
        let card = Card {
            name: &text.name,
            description: &text.description,
            condition: &text.condition,
            size: segment.last(),
            plot: plot::small(outcome, segment),
        };
        if let Some(chapter) = chapters.last_mut() {
            chapter.segments.push(card);
        }
    }
    chapters
}
