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

/// A number that a text always has.
fn number_of(text: &str) -> u64 {
    text.bytes().fold(7, |sum, byte| (sum * 31 + u64::from(byte)) % 1_000_003)
}

/// Of each household, the identities that its messages come under: its own id, and up to three visitors'.
fn identity(household: &str, store: &str) -> Option<String> {
    let number_of =
        |text: &str| text.bytes().fold(7_u64, |sum, byte| (sum * 31 + u64::from(byte)) % 1_000_003);
    let (number, store) = (number_of(household), number_of(store));
    let identities = 2 + number % 3;
    let one = (store + number) % identities;
    (one > 0).then(|| format!("{household}/{one}"))
}

/// A message that comes under another of its household's identities.
fn under(message: &Message, identity: &str) -> Message {
    let mut json = message.to_json();
    let fields = json.as_object_mut().unwrap();
    fields.remove("userId");
    fields.insert("anonymousId".to_owned(), identity.into());
    Message::from_json(&json).unwrap()
}

#[test]
fn households_split_over_identities_are_joined_exactly() {
    let sample = Sample::read().unwrap();
    let begin = Time::parse("2016-11-01T00:00:00Z").unwrap();
    let ((whole, whole_clock), (split, split_clock)) = (database(begin), database(begin));
    let mut chance: u64 = 0x2545_F491_4F6C_DD1D;
    let mut random = |below: u64| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        chance % below
    };
    // Each identity is joined once, some time after its first message.
    let mut joins: BTreeMap<(i64, String), (String, Time)> = BTreeMap::new();
    let mut apart: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    // All of them with `HABITUE_HOUSEHOLDS=all`, which takes some minutes; else one in four.
    let is_all = std::env::var("HABITUE_HOUSEHOLDS").is_ok_and(|which| which == "all");
    let is_asked = |message: &Message| is_all || number_of(message.user_id().unwrap()).is_multiple_of(4);
    let messages: Vec<(Time, Message)> = sample.messages().filter(|(_, message)| is_asked(message)).collect();
    let mut asked: Vec<usize> = (0..50).map(|_| random(messages.len() as u64) as usize).collect();
    asked.sort_unstable();
    let (mut compared, mut memberships) = (0_usize, 0_usize);
    for (place, (time, message)) in messages.into_iter().enumerate() {
        whole_clock.set(time);
        split_clock.set(time);
        while let Some(entry) = joins.first_entry().filter(|entry| entry.key().0 <= time.millis()) {
            let ((_, identity), (household, at)) = entry.remove_entry();
            // What joins also says that the household is there: it is told to both.
            let said = Message::identify(&household).with_id(format!("join-{identity}")).with_timestamp(at);
            whole.apply(said.clone()).unwrap();
            split.apply(said.with_anonymous_id(&identity)).unwrap();
            *apart.get_mut(&household).unwrap() -= 1;
        }
        let household = message.user_id().unwrap().to_owned();
        let store = message.properties().get("store_id").and_then(serde_json::Value::as_str).unwrap_or("");
        let told = match identity(&household, store) {
            Some(identity) => {
                if seen.insert(identity.clone()) {
                    let at = time.millis() + random(60 * 86_400_000) as i64;
                    let at = Time::from_millis(at).unwrap();
                    joins.insert((at.millis(), identity.clone()), (household.clone(), at));
                    *apart.entry(household).or_default() += 1;
                }
                under(&message, &identity)
            }
            None => message.clone(),
        };
        whole.apply(message).unwrap();
        split.apply(told).unwrap();
        while asked.first() == Some(&place) {
            asked.remove(0);
            for (segment, _) in whole.segment_sizes().unwrap() {
                let joined = |id: &String| !id.contains('/') && apart.get(id).is_none_or(|apart| *apart == 0);
                let members = |database: &Database| -> Vec<String> {
                    database.members(&segment).unwrap().into_iter().filter(joined).collect()
                };
                let (expected, found) = (members(&whole), members(&split));
                assert_eq!(found, expected, "{segment} at {time}");
                compared += 1;
                memberships += found.len();
            }
        }
    }
    assert!(seen.len() > 120 && compared == 50 * 44 && memberships > 10_000, "{} {memberships}", seen.len());
}
