//! `habitue stats`: how much a data folder holds, and what it takes.

use std::time::Instant;

use habitue::{DiskStats, HoldTimes, OpenOptions};
use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;

use crate::console::Console;
use crate::data::Whole;
use crate::failure::{Exit, Failure};

/// The answer, for programs.
#[derive(Serialize)]
struct Figures {
    profiles: u64,
    messages: u64,
    revision: u64,
    time: String,
    disk: DiskStats,
    bytes_per_message: Option<f64>,
    bytes_per_profile: Option<f64>,
    opened_in_ms: f64,
    warnings: Vec<String>,
    holds: Vec<HoldTimes>,
}

pub(crate) fn run(arguments: &Whole, console: &mut Console) -> Result<Exit, Failure> {
    let started = Instant::now();
    let database = arguments.opening.open_existing(OpenOptions::new().questions_only(), console)?;
    let opened_in_ms = started.elapsed().as_secs_f64() * 1e3;
    let stats = database.stats();
    let disk = stats.disk.unwrap_or_default();
    let each = |number: u64| (number > 0).then(|| disk.total_bytes() as f64 / number as f64);
    let figures = Figures {
        profiles: stats.profiles,
        messages: stats.accepted,
        revision: stats.revision,
        time: database.now().to_string(),
        disk,
        bytes_per_message: each(stats.accepted),
        bytes_per_profile: each(stats.profiles),
        opened_in_ms,
        warnings: database.warnings(),
        holds: stats.holds,
    };
    if arguments.json {
        console.json(&figures)?;
    } else {
        console.line(figures.for_people().trim_end())?;
    }
    Ok(Exit::Ok)
}

impl Figures {
    fn for_people(&self) -> String {
        let mut text = String::new();
        let mut row = |name: &str, value: String| text.push_str(&format!("{name:<20}  {value}\n"));
        let bytes = |number: u64| HumanBytes(number).to_string();
        row("profiles", HumanCount(self.profiles).to_string());
        row("messages", HumanCount(self.messages).to_string());
        row("catalog's revision", self.revision.to_string());
        row("journal", bytes(self.disk.journal_bytes));
        row("base", bytes(self.disk.base_bytes));
        row("live store", bytes(self.disk.live_bytes));
        row("message ids", bytes(self.disk.messages_bytes));
        if self.disk.set_aside_bytes > 0 {
            row("set aside", bytes(self.disk.set_aside_bytes));
        }
        row("all together", bytes(self.disk.total_bytes()));
        for (name, each) in
            [("bytes per message", self.bytes_per_message), ("bytes per profile", self.bytes_per_profile)]
        {
            row(name, each.map_or("-".to_owned(), |each| format!("{each:.0}")));
        }
        row("opened in", format!("{:.1} ms", self.opened_in_ms));
        for held in &self.holds {
            let (most, longest) = (held.within_ns(990), held.longest_ns);
            let times = HumanCount(held.holds);
            row(
                &format!("held by {}", held.by),
                format!("{times} times, 99 of 100 below {}, longest {}", duration(most), duration(longest)),
            );
        }
        text
    }
}

/// A time for people.
fn duration(nanoseconds: u64) -> String {
    match nanoseconds {
        0..1_000 => format!("{nanoseconds} ns"),
        1_000..1_000_000 => format!("{:.1} µs", nanoseconds as f64 / 1e3),
        _ => format!("{:.1} ms", nanoseconds as f64 / 1e6),
    }
}
