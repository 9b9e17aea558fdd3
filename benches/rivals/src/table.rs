//! A table: who, how long, and how many times the floor, which stands first.

use crate::times::Summary;

/// The sides of one question and what they took.
pub(crate) struct Table {
    pub title: String,
    pub rows: Vec<(String, Summary)>,
    /// What has to be said beside.
    pub notes: Vec<String>,
}

impl Table {
    pub(crate) fn new(title: String) -> Table {
        Table { title, rows: Vec::new(), notes: Vec::new() }
    }

    /// How many times as long as the floor, by the median of single calls.
    pub(crate) fn against_floor(&self, summary: Summary) -> f64 {
        summary.median / self.rows.first().map_or(f64::NAN, |(_, floor)| floor.median)
    }

    pub(crate) fn print(&self) {
        println!("\n### {}\n", self.title);
        println!("| who | median | of the floor | p99 | p99.9 | at one go | processor | of the floor |");
        println!("|---|---|---|---|---|---|---|---|");
        let floor = self.rows.first().map_or(f64::NAN, |(_, floor)| floor.processor);
        for (name, summary) in &self.rows {
            let Summary { median, p99, p999, wall, processor } = *summary;
            println!(
                "| {name} | {} | {:.2} | {} | {} | {} | {} | {:.2} |",
                time(median),
                self.against_floor(*summary),
                time(p99),
                time(p999),
                time(wall),
                time(processor),
                processor / floor
            );
        }
        self.notes.iter().for_each(|note| println!("\n{note}"));
    }
}

/// A time with three digits.
pub(crate) fn time(nanoseconds: f64) -> String {
    let (number, unit) = match nanoseconds {
        small if small < 1e3 => return format!("{small:.0} ns"),
        medium if medium < 1e6 => (medium / 1e3, "µs"),
        large => (large / 1e6, "ms"),
    };
    let digits = if number < 10.0 { 2 } else { usize::from(number < 100.0) };
    format!("{number:.digits$} {unit}")
}
