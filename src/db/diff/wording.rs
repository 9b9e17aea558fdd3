//! The differences as text for people: what changes, with examples; what stays the same in one line.

use std::fmt;

use super::catalog_diff::{CatalogDiff, Change, Intake, PersonalizationDiff, SegmentDiff, VariantDiff};
use crate::db::phrases::{counted, examples, shown};

impl fmt::Display for CatalogDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, at {}", counted(self.profiles, "profile"), self.at)?;
        if self.later > 0 {
            let verb = if self.later == 1 { "happens later and does" } else { "happen later and do" };
            write!(f, "\n{} {verb} not count", counted(self.later, "message"))?;
        }
        refused(f, "old", &self.old)?;
        refused(f, "new", &self.new)?;
        let width = self.segments.iter().filter(|segment| segment.change != Change::Same);
        let width = width.map(|segment| segment.segment.chars().count()).max();
        if let Some(width) = width {
            write!(f, "\n\nsegments")?;
            self.segments.iter().try_for_each(|segment| segment.write(f, width))?;
        }
        if self.personalizations.iter().any(|decided| decided.change != Change::Same) {
            write!(f, "\n\ndecisions")?;
            self.personalizations.iter().try_for_each(|decided| decided.write(f))?;
        }
        let same = |change: &Change| *change == Change::Same;
        let segments = self.segments.iter().filter(|segment| same(&segment.change)).count();
        let decided = self.personalizations.iter().filter(|decided| same(&decided.change)).count();
        let which = if self.differs() { "the same" } else { "nothing differs" };
        let segments = counted(segments as u64, "segment");
        write!(f, "\n\n{which}: {segments}, {}", counted(decided as u64, "personalization"))
    }
}

impl SegmentDiff {
    fn write(&self, f: &mut fmt::Formatter<'_>, width: usize) -> fmt::Result {
        if self.change == Change::Same {
            return Ok(());
        }
        let (before, after) = (self.before.unwrap_or_default(), self.after.unwrap_or_default());
        write!(f, "\n  {:<width$}  +{} -{} ", self.segment, self.entered, self.left)?;
        write!(f, "({before} -> {after}){}", mark(self.change))?;
        for (sign, count, ids) in
            [('+', self.entered, &self.entered_examples), ('-', self.left, &self.left_examples)]
        {
            if !ids.is_empty() {
                write!(f, "\n  {:<width$}  {sign} {}", "", examples(ids, count))?;
            }
        }
        Ok(())
    }
}

impl PersonalizationDiff {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.change == Change::Same {
            return Ok(());
        }
        let verb = if self.profiles == 1 { "changes" } else { "change" };
        write!(f, "\n  {}  {} {verb}", self.personalization, counted(self.profiles, "profile"))?;
        f.write_str(mark(self.change))?;
        for diff in &self.decisions {
            write!(f, "\n    {} -> {}  {}", shown(&diff.old), shown(&diff.new), diff.profiles)?;
            if !diff.examples.is_empty() {
                write!(f, ": {}", examples(&diff.examples, diff.profiles))?;
            }
        }
        self.write_counts(f)
    }

    /// A line for each offer and variant that somebody gains or loses, or that only one catalog has.
    fn write_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offers = self.offers.iter().filter(|offer| offer.change != Change::Same).map(|offer| {
            let name = offer.offer.as_deref().unwrap_or("nothing").to_owned();
            let counts = (offer.before.unwrap_or_default(), offer.after.unwrap_or_default());
            (name, counts, (offer.gained, offer.lost), mark(offer.change))
        });
        let variants = self.variants.iter().filter(|variant| variant.gained + variant.lost > 0);
        let variants = variants.map(|VariantDiff { experiment, variant, before, after, gained, lost }| {
            (format!("{experiment}: {variant}"), (*before, *after), (*gained, *lost), "")
        });
        let rows: Vec<_> = offers.chain(variants).collect();
        let width = rows.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or_default();
        for (name, (before, after), (gained, lost), mark) in rows {
            write!(f, "\n    {name:<width$}  +{gained} -{lost} ({before} -> {after}){mark}")?;
        }
        Ok(())
    }
}

/// A line for each reason that a catalog refuses messages for.
fn refused(f: &mut fmt::Formatter<'_>, which: &str, intake: &Intake) -> fmt::Result {
    intake.refused.iter().try_for_each(|refused| {
        let messages = counted(refused.messages, "message");
        write!(f, "\nthe {which} catalog refuses {messages}; the first: {}", refused.first)
    })
}

/// What becomes of what only one catalog has.
fn mark(change: Change) -> &'static str {
    match change {
        Change::New => ", new",
        Change::Removed => ", removed",
        Change::Same | Change::Changed => "",
    }
}
