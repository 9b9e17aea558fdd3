//! The report as text for people.

use std::fmt;

use super::report::{BacktestReport, ComparedDecisions, ShownTo, TriedOffer, TriedPersonalization};
use crate::db::diff::Intake;
use crate::db::phrases::{counted, shown};

impl fmt::Display for BacktestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", counted(self.messages, "message"))?;
        if let (Some(first), Some(last)) = (self.first, self.last) {
            write!(f, ", from {first} to {last}")?;
        }
        if self.duplicates > 0 {
            write!(f, "\n{} left out", counted(self.duplicates, "duplicate"))?;
        }
        if self.later > 0 {
            let verb = if self.later == 1 { "happens later and does" } else { "happen later and do" };
            write!(f, "\n{} {verb} not count", counted(self.later, "message"))?;
        }
        if self.summaries > 0 {
            let of = counted(self.summaries, "summary").replace("summarys", "summaries");
            write!(f, "\n{of} of messages no longer kept: what those told is not known here")?;
        }
        refused(f, "refused under either catalog", &self.refused)?;
        refused(f, "refused by the catalog", &self.new)?;
        self.old.iter().try_for_each(|old| refused(f, "refused by the old catalog", old))?;
        self.personalizations.iter().try_for_each(|tried| tried.write(f))?;
        self.unknown.iter().try_for_each(|(name, exposures)| {
            let exposures = counted(*exposures, "exposure");
            write!(f, "\n\n{name}: not in the catalog, {exposures}")
        })
    }
}

impl TriedPersonalization {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n\n{}: ", self.personalization)?;
        if self.decisions == 0 {
            return f.write_str("no decision point");
        }
        let (decisions, profiles) = (counted(self.decisions, "decision"), counted(self.profiles, "profile"));
        let points = [(self.triggers, "trigger"), (self.exposures, "exposure")];
        let points = points.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| counted(*count, noun));
        let points: Vec<String> = points.collect();
        write!(f, "{decisions} for {profiles}, at {}", points.join(" and "))?;
        let width = self.offers.iter().map(|offer| offer.name().chars().count()).max().unwrap_or_default();
        self.offers.iter().try_for_each(|offer| offer.write(f, width))?;
        if self.exposures > 0 {
            self.recorded.write(f, "what was shown")?;
        }
        self.old.iter().try_for_each(|old| old.write(f, "the old catalog's"))
    }
}

impl TriedOffer {
    fn name(&self) -> String {
        let name = self.offer.as_deref().unwrap_or("nothing");
        if self.fallback { format!("{name} (the fallback)") } else { name.to_owned() }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, width: usize) -> fmt::Result {
        write!(f, "\n  {:<width$}  ", self.name())?;
        match (self.first, self.last) {
            (Some(first), Some(last)) => {
                let (times, profiles) = (counted(self.offered, "time"), counted(self.profiles, "profile"));
                write!(f, "{times} to {profiles}, ")?;
                if first == last { write!(f, "at {first}") } else { write!(f, "{first} to {last}") }
            }
            _ => f.write_str("never"),
        }
    }
}

impl ComparedDecisions {
    fn write(&self, f: &mut fmt::Formatter<'_>, with: &str) -> fmt::Result {
        write!(f, "\n  compared with {with}: {} the same, {} other", self.same, self.other)?;
        self.changes.iter().try_for_each(|changed| {
            let (old, new) = (shown(&changed.old), shown(&changed.new));
            let profiles = counted(changed.profiles, "profile");
            write!(f, "\n    {old} -> {new}  {}, {profiles}", counted(changed.decisions, "time"))?;
            if !changed.examples.is_empty() {
                write!(f, ": {}", examples(&changed.examples, changed.decisions))?;
            }
            Ok(())
        })
    }
}

/// Some of so many: `ana at 2026-01-01T09:00:00Z, ben at … and 3 more`.
fn examples(examples: &[ShownTo], count: u64) -> String {
    let named: Vec<String> = examples.iter().map(|ShownTo { user, at }| format!("{user} at {at}")).collect();
    crate::db::phrases::examples(&named, count)
}

/// A line for each reason for which messages are refused.
fn refused(f: &mut fmt::Formatter<'_>, by: &str, intake: &Intake) -> fmt::Result {
    intake.refused.iter().try_for_each(|refused| {
        write!(f, "\n{} {by}; the first: {}", counted(refused.messages, "message"), refused.first)
    })
}
