//! The story that is told to databases which are killed or damaged: every message follows from who
//! writes it and its number, so what a database must know follows from which it holds.
//!
//! Several writers write about the same customers. Messages are late, of equal times, of users and of
//! visitors, and some say who is who. All of them are before [`now`], so that the order of arrival changes no answer.

#[path = "shop.rs"]
mod shop;

use std::path::Path;
use std::time::Duration;

use habitue::{Clock, Database, Durability, Error, ManualClock, Message, MessageKind, OpenOptions, Time};
pub(crate) use shop::{Folder, catalog};

/// How many customers there are.
const CUSTOMERS: u64 = 40;

/// How a database is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    /// Wait for the disk with every message.
    pub(crate) sync: bool,
    /// Bytes of memory.
    pub(crate) budget: Option<u64>,
    /// Give up what cannot be read.
    pub(crate) salvage: bool,
}

/// A number that looks random (SplitMix64).
pub(crate) fn chance(seed: u64) -> u64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// The instant at which everything is asked: behind all messages.
pub(crate) fn now() -> Time {
    Time::from_millis(1_767_225_600_000 + 40 * 86_400_000).expect("it is a time")
}

/// Message `number` of a writer. All writers but the first, whose messages are in frozen files, also say
/// who is who.
pub(crate) fn message(writer: u64, number: u64) -> Message {
    let chance = chance(writer << 32 | number);
    let customer = format!("c{}", chance % CUSTOMERS);
    let neighbour = format!("c{}", chance % CUSTOMERS / 4 * 4 + (chance >> 4) % 4);
    let category = ["hats", "shoes", "belts"][(chance >> 8) as usize % 3];
    let message = match (chance >> 16) % 6 {
        0 | 1 if writer > 0 && (chance >> 30).is_multiple_of(3) => match (chance >> 32) % 12 {
            0 => Message::alias(&customer, &neighbour),
            1 => Message::unmerge(&customer),
            2 => Message::unmerge(&customer).anonymous(),
            _ => Message::identify(&customer).with_anonymous_id(&neighbour),
        },
        0 => Message::identify(&customer).with_trait("points", number).with_trait("tier", "gold"),
        1 => Message::identify(&customer).with_trait("tier", category),
        2 => {
            Message::track(&customer, "Order Completed").with_property("total", (chance >> 24) as f64 % 90.0)
        }
        3 => Message::new(MessageKind::Track { event: "Product Viewed".into() }, &customer)
            .anonymous()
            .with_property("category", category),
        _ => Message::track(&customer, "Product Viewed").with_property("category", category),
    };
    // Steps of ten minutes, three messages of one instant, and one in seven late by days.
    let late = if (chance >> 40).is_multiple_of(7) { (chance >> 44) % 300_000 } else { 0 };
    let seconds = (number / 3 * 600 % (38 * 86_400)).saturating_sub(late);
    let time = Time::from_millis(1_767_225_600_000 + seconds as i64 * 1_000).expect("it is a time");
    message.with_id(format!("w{writer}-{number}")).with_timestamp(time)
}

/// Opens the story's database.
pub(crate) fn open(folder: &Path, how: How) -> Result<Database, Error> {
    let durability = if how.sync { Durability::Sync } else { Durability::Group(Duration::from_millis(5)) };
    let mut options = OpenOptions::new()
        .catalog(catalog())
        .clock(Clock::Manual(ManualClock::new(now())))
        .durability(durability)
        .journal_segment_bytes(32 * 1024);
    if let Some(bytes) = how.budget {
        options = options.memory_budget(bytes);
    }
    if how.salvage {
        options = options.salvage();
    }
    options.open(folder)
}

/// An empty database in memory.
pub(crate) fn reference() -> Database {
    Database::in_memory_with_clock(catalog(), Clock::Manual(ManualClock::new(now())))
}

/// Everything that can be asked. What changed a profile last is left out: for messages that came at the
/// same instant it depends on who came first.
pub(crate) fn answers(database: &Database) -> Result<Vec<String>, Error> {
    let mut answers = Vec::new();
    for number in 0..=CUSTOMERS {
        let mut profile = database.profile(&format!("c{number}"))?.to_json();
        without_cause(&mut profile);
        answers.push(profile.to_string());
    }
    for (segment, size) in database.segment_sizes()? {
        answers.push(format!("{segment}: {size}"));
    }
    Ok(answers)
}

/// The members of a segment. All profiles are gone through for it, which is slow.
pub(crate) fn members(database: &Database) -> Result<Vec<String>, Error> {
    database.members("gold")
}

fn without_cause(json: &mut serde_json::Value) {
    match json {
        serde_json::Value::Object(fields) => {
            fields.remove("cause");
            fields.values_mut().for_each(without_cause);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(without_cause),
        _ => {}
    }
}

/// Where two lists of answers differ first.
pub(crate) fn difference(expected: &[String], found: &[String]) -> Option<String> {
    if expected == found {
        return None;
    }
    let place = expected.iter().zip(found).position(|(expected, found)| expected != found);
    let place = place.unwrap_or_else(|| expected.len().min(found.len()));
    let line = |lines: &[String]| lines.get(place).cloned().unwrap_or_default();
    Some(format!("expected {}\nfound    {}", line(expected), line(found)))
}
