//! What the demo prints for people.

use std::fmt::{self, Write};

use habitue::CatalogSummary;
use indicatif::HumanBytes;

use super::catalog_text::SegmentText;
use super::customers::Customer;
use super::latency::Latency;
use super::outcome::{Outcome, SegmentYear};
use super::restart::Restart;

/// Heights of one character's column, lowest first.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The customer whose decision is explained, and the personalization.
const EXPLAINED: (usize, &str) = (2, "homepage");

/// What the catalog holds, to be read before the long work.
pub(super) fn catalog(summary: &CatalogSummary) -> String {
    // The memory of each aggregate is what `habitue check` prints; here the counts are enough.
    let text = summary.to_string();
    let counts = text.lines().next().unwrap_or_default();
    format!("The grocer's catalog: {counts}, {} aggregates.", summary.aggregates.len())
}

/// Everything else.
pub(super) fn outcome(outcome: &Outcome) -> String {
    let mut text = String::new();
    let parts: [fn(&Outcome, &mut String) -> fmt::Result; 5] = [speed, sizes, customers, latencies, restart];
    let printed = parts.iter().try_for_each(|part| part(outcome, &mut text));
    debug_assert!(printed.is_ok(), "text can always be appended to a string");
    text + &format!("\nThe year as plots, and all explanations: {}\n", outcome.report)
}

fn speed(outcome: &Outcome, out: &mut String) -> fmt::Result {
    let Outcome { messages, households, transitions, .. } = outcome;
    writeln!(
        out,
        "\nReplayed {} messages of {households} households in {:.1} s; {} messages a second inside `apply`.",
        grouped(*messages as u64),
        outcome.replay_seconds,
        grouped(outcome.messages_per_second as u64),
    )?;
    writeln!(
        out,
        "Households entered a segment {} times and left one {} times, {} of these by the passing of time alone.",
        grouped(transitions.entered as u64),
        grouped(transitions.left as u64),
        grouped(transitions.by_time as u64),
    )?;
    if let Some(first) = outcome.refused.first() {
        writeln!(out, "{} messages were refused, the first: {first}", outcome.refused.len())?;
    }
    Ok(())
}

fn sizes(outcome: &Outcome, out: &mut String) -> fmt::Result {
    let columns = outcome.three_weeks();
    let days = columns.map(|week| outcome.weeks.get(week).map_or("", String::as_str));
    writeln!(out, "\n{:22} {:>12} {:>12} {:>12}   through the year", "Segment", days[0], days[1], days[2])?;
    let mut chapter = "";
    for SegmentYear { text: SegmentText { name, chapter: its_chapter, .. }, sizes } in &outcome.segments {
        if its_chapter != chapter {
            chapter = its_chapter;
            writeln!(out, "{chapter}")?;
        }
        let [start, middle, end] = columns.map(|week| sizes.get(week).copied().unwrap_or(0));
        writeln!(out, "  {name:20} {start:>12} {middle:>12} {end:>12}   {}", sparkline(sizes))?;
    }
    Ok(())
}

fn customers(outcome: &Outcome, out: &mut String) -> fmt::Result {
    for Customer { character, id, attributes, segments, decisions, .. } in &outcome.customers {
        let told: Vec<String> = attributes.iter().map(|(name, value)| format!("{name} {value}")).collect();
        writeln!(out, "\n{id}: {}", character.to_lowercase())?;
        writeln!(out, "  is        {}", wrapped(&told.join(", ")))?;
        writeln!(out, "  belongs   {}", wrapped(&segments.join(", ")))?;
        for answer in decisions {
            let offers: Vec<String> = answer
                .offers
                .iter()
                .map(|(name, text)| if text.is_empty() { name.clone() } else { format!("{name}: “{text}”") })
                .collect();
            let offers =
                if offers.is_empty() { "nothing".to_owned() } else { offers.join("\n                 ") };
            writeln!(out, "  {:14} {offers}", answer.personalization)?;
        }
    }
    let (place, personalization) = EXPLAINED;
    let Some(customer) = outcome.customers.get(place) else { return Ok(()) };
    let answer = customer.decisions.iter().find(|answer| answer.personalization == personalization);
    let Some(answer) = answer else { return Ok(()) };
    writeln!(out, "\nWhy {} gets this on the {personalization}:", customer.id)?;
    without_refused_offers(&answer.explanation).try_for_each(|line| writeln!(out, "  {line}"))?;
    writeln!(out, "  (why not the others: in the report)")
}

/// The lines of the explanation of a decision, without those on offers that do not qualify.
fn without_refused_offers(explanation: &str) -> impl Iterator<Item = &str> {
    let mut refused = None;
    explanation.lines().filter(move |line| {
        let indent = line.len() - line.trim_start().len();
        if refused.is_some_and(|level| indent <= level) {
            refused = None;
        }
        if line.trim_start().starts_with("✗ offer") {
            refused = Some(indent);
        }
        // The explanation is cut where it would be too long; here it ends before that.
        refused.is_none() && !line.starts_with('…')
    })
}

fn latencies(outcome: &Outcome, out: &mut String) -> fmt::Result {
    let lookups = &outcome.lookups;
    writeln!(out, "\n{:34} {:>10} {:>10} {:>10}", "In nanoseconds", "average", "p50", "p99")?;
    for Latency { what, mean_ns, p50_ns, p99_ns, .. } in lookups.reads.iter().chain([&outcome.apply]) {
        writeln!(out, "{what:34} {mean_ns:>10.0} {p50_ns:>10} {p99_ns:>10}")?;
    }
    writeln!(
        out,
        "({} calls of each lookup, one thread, all households, names looked up in each call; p50 and p99 hold \
         two\nreadings of the clock, which alone take {} and {}; {} of the decisions came from the cache)",
        grouped(lookups.clock.calls as u64),
        lookups.clock.p50_ns,
        lookups.clock.p99_ns,
        percent(lookups.cached_decisions, lookups.decisions),
    )
}

fn restart(outcome: &Outcome, out: &mut String) -> fmt::Result {
    let Restart { opened_in_ms, households, bytes_on_disk, data } = &outcome.restart;
    writeln!(
        out,
        "\nClosed, and opened again in {opened_in_ms:.0} ms: {households} households answer as before, in every \
         attribute,\nsegment and decision. {} on disk.",
        HumanBytes(*bytes_on_disk),
    )?;
    if let Some(data) = data {
        let at = outcome.week_times.last().map_or(String::new(), ToString::to_string);
        let customer = outcome.customers.first().map_or("", |customer| &customer.id);
        writeln!(out, "Ask it: habitue get {} {customer} --at {at}", data.display())?;
    }
    Ok(())
}

/// A column for every second week, as high as the largest one at most.
fn sparkline(sizes: &[u64]) -> String {
    let largest = sizes.iter().copied().max().unwrap_or(0).max(1);
    let bar = |size: &u64| BARS[(size * (BARS.len() as u64 - 1)).div_ceil(largest) as usize];
    sizes.iter().skip(1).step_by(2).map(bar).collect()
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in percent.
pub(super) fn percent(part: usize, whole: usize) -> String {
    format!("{:.0} %", part as f64 * 100.0 / whole.max(1) as f64)
}

/// Breaks a list of names into lines that stand below its label.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        if lines.last().is_some_and(|line| line.chars().count() + word.chars().count() > 90) {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    lines.join("\n            ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn refused_offers_are_left_out() {
        let lines: Vec<_> = without_refused_offers("a\n  ✗ offer b\n    c\n  ✓ offer d\n    ✗ e").collect();
        assert_eq!(lines, ["a", "  ✓ offer d", "    ✗ e"]);
    }

    #[test]
    fn sparklines_reach_from_nothing_to_the_largest() {
        assert_eq!(sparkline(&[9, 0, 9, 1, 9, 100, 9, 50]), "▁▂█▅");
        assert_eq!(sparkline(&[0, 0]), "▁");
    }
}
