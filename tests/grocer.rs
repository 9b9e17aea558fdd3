//! The grocer's year against an independent reference: who is in each segment at 12 month ends.
//!
//! `examples/grocer/reference.py` states the 44 segments a second time, by hand, as scans of sorted
//! lists; nothing of the library is in it. It wrote `tests/grocer/reference.json.gz`. The year is
//! replayed here as it happened, and for some households once more, shuffled, with nearly every message
//! late.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

#[path = "../src/bin/habitue/demo/sample.rs"]
mod sample;

use std::collections::{BTreeMap, BTreeSet};

use flate2::read::GzDecoder;
use habitue::{Catalog, Clock, Database, ManualClock, Message, Time};
use sample::Sample;

/// Instant -> segment -> sorted ids of its members.
type Reference = BTreeMap<String, BTreeMap<String, Vec<String>>>;

fn reference() -> Reference {
    let packed: &[u8] = include_bytes!("grocer/reference.json.gz");
    serde_json::from_reader(GzDecoder::new(packed)).unwrap()
}

fn database(start: Time) -> (Database, ManualClock) {
    let clock = ManualClock::new(start);
    let catalog = Catalog::from_toml(sample::CATALOG).unwrap();
    (Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone())), clock)
}

/// How the members differ from the expected ones, a line per segment.
fn differences(database: &Database, expected: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let sizes: BTreeMap<String, u64> = database.segment_sizes().unwrap().into_iter().collect();
    assert_eq!(sizes.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    let mut differences = Vec::new();
    for (segment, expected) in expected {
        let actual = database.members(segment).unwrap();
        assert_eq!(sizes[segment], actual.len() as u64, "the size of {segment}");
        if actual != *expected {
            let extra: Vec<_> = actual.iter().filter(|id| !expected.contains(id)).collect();
            let missing: Vec<_> = expected.iter().filter(|id| !actual.contains(id)).collect();
            differences.push(format!("{} {segment}: extra {extra:?}, missing {missing:?}", database.now()));
        }
    }
    differences
}

#[test]
fn members_at_each_month_end_are_those_of_the_reference() {
    let reference = reference();
    assert_eq!(reference.len(), 12);
    let mut month_ends = reference.iter().map(|(at, members)| (Time::parse(at).unwrap(), members)).peekable();
    let sample = Sample::read().unwrap();
    assert_eq!(sample.len(), 267_408);
    let (database, clock) = database(Time::parse("2016-11-01T00:00:00Z").unwrap());
    let mut found = Vec::new();
    for (time, message) in sample.messages() {
        while let Some((at, expected)) = month_ends.next_if(|(at, _)| *at < time) {
            clock.set(at);
            found.extend(differences(&database, expected));
        }
        clock.set(time);
        database.apply(message).unwrap();
    }
    assert!(month_ends.next().is_none());
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_order_of_arrival_changes_nothing() {
    let reference = reference();
    let (at, expected) = reference.last_key_value().unwrap();
    let at = Time::parse(at).unwrap();
    let sample = Sample::read().unwrap();
    let few = households_of_few_messages(&sample);
    let is_one = |id: &str| few.contains(id);
    let expected = expected.iter().map(|(segment, members)| {
        (segment.clone(), members.iter().filter(|id| is_one(id)).cloned().collect())
    });
    let mut messages: Vec<Message> = sample
        .messages()
        .filter(|(time, message)| *time <= at && message.user_id().is_some_and(is_one))
        .map(|(_, message)| message)
        .collect();
    assert!(few.len() > 50 && messages.len() > 2_000, "{} of {}", messages.len(), few.len());
    shuffle(&mut messages);
    let (database, _clock) = database(at);
    for message in messages {
        database.apply(message).unwrap();
    }
    assert_eq!(differences(&database, &expected.collect()), Vec::<String>::new());
}

/// Most messages of a household that is shuffled: a late message replays the history of its customer.
const MOST_MESSAGES: usize = 100;

fn households_of_few_messages(sample: &Sample) -> BTreeSet<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, message) in sample.messages() {
        *counts.entry(message.user_id().unwrap().to_owned()).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count <= MOST_MESSAGES).map(|(id, _)| id).collect()
}

/// Fisher and Yates's shuffle, driven by Marsaglia's xorshift: the same on every machine.
fn shuffle<T>(items: &mut [T]) {
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    for last in (1..items.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        items.swap(last, (state % (last as u64 + 1)) as usize);
    }
}
