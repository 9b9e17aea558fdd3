//! What must not matter, does not: the order of delivery, repetition, delay, ticks, the epoch, and the name.
//!
//! Each test tells one random set of messages in two ways to two databases, and compares all answers at
//! the end, or all transitions.

#[path = "oracle/catalogs.rs"]
mod catalogs;
#[path = "oracle/random.rs"]
mod random;
#[path = "oracle/stories.rs"]
mod stories;

use std::collections::BTreeMap;
use std::sync::Arc;

use catalogs::{CatalogParts, USERS, VISITORS, catalog};
use habitue::{Catalog, Clock, Database, ManualClock, Message, Time, Transition, Value};
use random::Random;
use stories::{BEGIN_MS, Manner, message, pause, time};

/// How many random sets each test tells.
const CASES: u64 = 150;

/// An entry of a map, a score to its first digits.
fn rounded((key, value): &(Arc<str>, Value)) -> String {
    match value {
        Value::Float(number) => format!("{key} {number:.6e}"),
        other => format!("{key} {other:?}"),
    }
}

/// What is delivered when.
type Deliveries = Vec<(i64, Message)>;

/// A database on a clock of its own.
struct Shop {
    clock: ManualClock,
    database: Database,
}

impl Shop {
    fn new(catalog: &str) -> Shop {
        let clock = ManualClock::new(time(BEGIN_MS));
        let catalog = Catalog::from_toml(catalog).expect("a sound catalog");
        Shop { database: Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone())), clock }
    }

    fn deliver(&self, deliveries: &[(i64, Message)]) {
        for (at_ms, message) in deliveries {
            self.clock.set(time(*at_ms));
            // Refused ones are refused in every order.
            let _ = self.database.apply(message.clone());
        }
    }

    /// All answers at an instant.
    fn answers(&self, at_ms: i64) -> Vec<String> {
        self.clock.set(time(at_ms));
        let ids = USERS.into_iter().chain(VISITORS);
        ids.map(|id| format!("{id} {}", self.answer(id, &[]))).collect()
    }

    /// What is said of one customer now, but for some attributes.
    fn answer(&self, id: &str, without: &[&str]) -> String {
        let snapshot = self.database.profile(id).expect("memory can be read");
        let decisions: BTreeMap<&String, String> = snapshot
            .decisions
            .iter()
            .map(|(name, decided)| (name, format!("{:?}", decided.decision.offers)))
            .collect();
        // Scores may differ in their last digits.
        let attributes: BTreeMap<&String, String> = snapshot
            .attributes
            .iter()
            .filter(|(name, _)| !without.contains(&name.as_str()))
            .map(|(name, value)| {
                (
                    name,
                    match value {
                        Some(Value::Float(number)) => format!("{number:.6e}"),
                        Some(Value::Map(entries)) => {
                            format!("{:?}", entries.iter().map(rounded).collect::<Vec<_>>())
                        }
                        other => format!("{other:?}"),
                    },
                )
            })
            .collect();
        format!("{} {attributes:?} {:?} {decisions:?}", snapshot.known, snapshot.segments)
    }
}

/// Messages with ids and times, all of which are accepted at whatever later time they come.
fn told(random: &mut Random) -> (String, Deliveries, i64) {
    let parts: CatalogParts = catalog(random);
    let mut now_ms = BEGIN_MS;
    let mut deliveries = Vec::new();
    for number in 0..25 {
        now_ms += pause(random);
        let message = message(random, now_ms, number, Manner::Anyhow);
        let at = message.timestamp();
        if message.message_id().is_some() && at.is_some_and(|at| at.millis() <= now_ms) {
            deliveries.push((now_ms, message));
        }
    }
    (parts.to_toml(), deliveries, now_ms)
}

fn shuffle<T>(random: &mut Random, things: &mut [T]) {
    for place in (1..things.len()).rev() {
        things.swap(place, random.below(place + 1));
    }
}

/// Tells random sets of messages as they come and as `change` wants them; at a few later times all
/// answers must be the same.
fn must_not_matter(seed: u64, change: impl Fn(&mut Random, Deliveries, i64) -> Deliveries) {
    let mut delivered = 0;
    for case in 0..CASES {
        let mut random = Random::new(seed << 32 | case);
        let (catalog, deliveries, end_ms) = told(&mut random);
        delivered += deliveries.len();
        let (first, second) = (Shop::new(&catalog), Shop::new(&catalog));
        first.deliver(&deliveries);
        second.deliver(&change(&mut random, deliveries, end_ms));
        for later_ms in [0, 1, 2_000, 5_000, 86_400_000] {
            let (expected, actual) = (first.answers(end_ms + later_ms), second.answers(end_ms + later_ms));
            assert_eq!(actual, expected, "case {case}, {later_ms} ms later\n{catalog}");
        }
    }
    assert!(delivered as u64 > CASES * 10, "too few messages: {delivered}");
}

#[test]
fn the_order_of_delivery() {
    must_not_matter(1, |random, mut deliveries, end_ms| {
        shuffle(random, &mut deliveries);
        deliveries.into_iter().map(|(_, message)| (end_ms, message)).collect()
    });
}

#[test]
fn delay() {
    must_not_matter(2, |random, deliveries, end_ms| {
        let late = |random: &mut Random, at_ms: i64| at_ms.max(end_ms - random.pick(&[0, 1_000, 60_000]));
        let mut delayed: Deliveries =
            deliveries.into_iter().map(|(at_ms, message)| (late(random, at_ms), message)).collect();
        delayed.sort_by_key(|(at_ms, _)| *at_ms);
        delayed
    });
}

#[test]
fn repetition() {
    must_not_matter(3, |random, deliveries, end_ms| {
        let mut repeated = Vec::new();
        for (at_ms, message) in &deliveries {
            repeated.push((*at_ms, message.clone()));
            if random.chance(50) {
                repeated.push((*at_ms, message.clone()));
            }
        }
        let mut again: Deliveries = deliveries.into_iter().map(|(_, message)| (end_ms, message)).collect();
        shuffle(random, &mut again);
        repeated.extend(again);
        repeated
    });
}

/// How often timers run and who is read in between changes neither answers nor transitions.
#[test]
fn ticks_and_reads() {
    let mut transitions = 0;
    for case in 0..CASES {
        let mut random = Random::new(4 << 32 | case);
        let (catalog, deliveries, end_ms) = told(&mut random);
        // A late message is answered for from when it comes, so these come when they happen.
        let deliveries: Deliveries = deliveries
            .into_iter()
            .filter_map(|(_, message)| Some((message.timestamp()?.millis(), message)))
            .filter(|(at_ms, _)| *at_ms >= BEGIN_MS)
            .collect::<BTreeMap<i64, Message>>()
            .into_iter()
            .collect();
        let (lazy, eager) = (Shop::new(&catalog), Shop::new(&catalog));
        lazy.deliver(&deliveries);
        for (at_ms, message) in deliveries {
            let mut now_ms = eager.clock.now().millis();
            for _ in 0..200 {
                // At the instant of the message itself a question would be answered without it.
                now_ms = (at_ms - 1)
                    .max(now_ms)
                    .min(now_ms + random.pick(&[1, 7, 1_000, 4_999, 60_000, 86_400_000]));
                eager.clock.set(time(now_ms));
                if random.chance(50) {
                    eager.database.advance().unwrap();
                } else {
                    drop(eager.database.profile(USERS[0]).unwrap());
                }
            }
            eager.deliver(&[(at_ms, message)]);
        }
        assert_eq!(eager.answers(end_ms), lazy.answers(end_ms), "case {case}\n{catalog}");
        let (lazy, eager) = (sorted(&lazy.database), sorted(&eager.database));
        assert_eq!(eager, lazy, "case {case}\n{catalog}");
        transitions += lazy.len() as u64;
    }
    assert!(transitions > CASES, "too few transitions: {transitions}");
}

fn sorted(database: &Database) -> Vec<String> {
    let line = |turn: Transition| {
        format!("{} {} {} {} {:?}", turn.profile, turn.at, turn.segment, turn.entered, turn.cause)
    };
    let mut transitions: Vec<String> = database.take_transitions().into_iter().map(line).collect();
    transitions.sort();
    transitions
}

/// A catalog that names no instant answers the same a week or a century later.
#[test]
fn the_epoch() {
    for shift_ms in [1, 604_800_000, -3_155_760_000_000, 86_399_999] {
        let mut told_cases = 0;
        for case in 0..4 * CASES {
            let mut random = Random::new(5 << 32 | case);
            let (catalog, deliveries, end_ms) = told(&mut random);
            let names_times = |(_, message): &(i64, Message)| {
                message.traits().contains_key("seen") || message.properties().contains_key("until")
            };
            let deliveries: Deliveries =
                deliveries.into_iter().filter(|delivery| !names_times(delivery)).collect();
            let absolute = [
                "timestamp(",
                " = 'now'",
                ".first(until)",
                ".previous()'",
                "seen'",
                "from = \"2",
                "until = \"2",
                "until = 2",
                "calendar_days",
                "hours(",
            ];
            if absolute.iter().any(|part| catalog.contains(part)) {
                continue;
            }
            if told_cases == 12 {
                break;
            }
            told_cases += 1;
            let shifted = deliveries.iter().map(|(at_ms, message)| {
                let at: Time = message.timestamp().unwrap_or(time(*at_ms));
                (at_ms + shift_ms, message.clone().with_timestamp(time(at.millis() + shift_ms)))
            });
            let shifted: Deliveries = shifted.collect();
            let (first, second) = (Shop::new(&catalog), Shop::new(&catalog));
            second.clock.set(time(BEGIN_MS + shift_ms));
            first.deliver(&deliveries);
            second.deliver(&shifted);
            for later_ms in [0, 1, 5_000] {
                let (expected, actual) =
                    (first.answers(end_ms + later_ms), second.answers(end_ms + later_ms + shift_ms));
                assert_eq!(
                    actual, expected,
                    "case {case}, {later_ms} ms later, shifted {shift_ms} ms\n{catalog}"
                );
            }
        }
        assert_eq!(told_cases, 12, "too few catalogs name no instant");
    }
}

/// Who is made anonymous is what they were, also when time passes. Left out are catalogs whose conditions read
/// what must go: identifiers, and events that are not declared.
#[test]
fn becoming_anonymous() {
    let mut anonymous = 0;
    for case in 0..CASES {
        let mut random = Random::new(6 << 32 | case);
        // Experiments know customers by their ids.
        let parts =
            std::iter::repeat_with(|| catalog(&mut random)).find(|parts| parts.experiments.is_empty());
        let parts = parts.expect("half of them are");
        let text = parts.to_toml().replace(r#"["ana", "nobody", "v1"]"#, r#"["nobody"]"#);
        let conditions = text.trim_start_matches(&parts.head);
        let identifiers: &[&str] =
            if parts.head.contains("identifier = true") { &["email", "card"] } else { &[] };
        if identifiers.iter().chain(&["Ping"]).any(|name| conditions.contains(name)) {
            continue;
        }
        let (first, second) = (Shop::new(&text), Shop::new(&text));
        let mut now_ms = BEGIN_MS;
        for number in 0..40 {
            now_ms += pause(&mut random);
            let message = message(&mut random, now_ms, number, Manner::Joined);
            if message.message_id().is_some() {
                first.deliver(&[(now_ms, message.clone())]);
                second.deliver(&[(now_ms, message)]);
            }
        }
        // What was of the future has said who is who.
        now_ms += 120_000;
        second.clock.set(time(now_ms));
        let id = random.pick(&USERS);
        if !second.database.profile(id).expect("memory can be read").known {
            continue;
        }
        let made = second.database.anonymise(id).expect("somebody is there").anonymous_ids;
        anonymous += 1;
        for later_ms in [0, 1, 2_000, 5_000, 86_400_000] {
            first.clock.set(time(now_ms + later_ms));
            second.clock.set(time(now_ms + later_ms));
            let (expected, actual) = (first.answer(id, identifiers), second.answer(&made[0], identifiers));
            assert_eq!(actual, expected, "case {case}, {id}, {later_ms} ms later\n{text}");
        }
    }
    assert!(anonymous > CASES / 4, "too few were made anonymous: {anonymous}");
}
