//! A condition that compiles has one answer at each instant, and its negation the other one.
//!
//! Three customers send the same messages in three orders: as they happened, all at the end, and all at
//! the end in reverse. Answers afterwards must not tell which it was. That is the promise everything else
//! rests on, so it is asked of whatever the compiler lets pass.
#![no_main]

mod refusals;

use std::sync::LazyLock;

use habitue::{Clock, Database, Duration, ManualClock, Message, Time};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// Attributes, events and a few definitions; without personalizations, which cost time to compile.
static WORLD: LazyLock<&str> = LazyLock::new(|| {
    let (world, _) = include_str!("../seeds/catalog/world.toml")
        .split_once("[personalizations")
        .expect("the world has personalizations");
    world
});

/// The customers; each is in the world's list of friends.
const CUSTOMERS: [&str; 3] = ["ana", "bea", "cid"];

/// Each customer's messages, in the order of their times.
static MESSAGES: LazyLock<[Vec<Message>; 3]> = LazyLock::new(|| {
    CUSTOMERS.map(|customer| {
        let mut messages: Vec<Message> = include_str!("../seeds/messages.jsonl")
            .replace("ana", customer)
            .replace("\"messageId\":\"", &format!("\"messageId\":\"{customer}-"))
            .lines()
            .map(|line| Message::parse(line).expect("the world is well-formed"))
            .collect();
        messages.sort_by_key(Message::timestamp);
        messages
    })
});

/// How long after the last message questions are asked.
const WAITS: [&str; 6] = ["0", "1ms", "1d", "7d", "48d", "400d"];

fuzz_target!(|condition: &str| {
    let yes = quoted(condition);
    // A comment at the end of the condition must not swallow the parenthesis.
    let no = quoted(&format!("!({condition}\n)"));
    let as_segments = WORLD.replace("[segments]\n", &format!("[segments]\nyes = {yes}\nno = {no}\n"));
    let as_computed = WORLD.replace("[computed]\n", &format!("[computed]\nvalue = {yes}\n"));
    for catalog in [as_segments, as_computed] {
        if let Some(catalog) = refusals::compile(&catalog) {
            let clock = ManualClock::new(Time::MIN);
            let database = Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone()));
            live(&database, &clock);
            ask(&database, &clock);
        }
    }
});

/// Applies each customer's messages in her order.
fn live(database: &Database, clock: &ManualClock) {
    let [as_they_happened, at_the_end, in_reverse] = &*MESSAGES;
    let apply = |message: &Message| {
        database.apply(message.clone()).expect("the world's messages are accepted");
    };
    for message in as_they_happened {
        clock.set(message.timestamp().expect("the world's messages have times"));
        database.advance().expect("memory can be read");
        apply(message);
    }
    at_the_end.iter().for_each(apply);
    in_reverse.iter().rev().for_each(apply);
}

/// Asks for everything that is said of the customers, from the last message on.
fn ask(database: &Database, clock: &ManualClock) {
    let end = clock.now();
    for wait in WAITS {
        clock.set(end + Duration::parse(wait).unwrap_or(Duration::ZERO));
        let [first, second, third] = CUSTOMERS.map(|customer| {
            let mut answer = database.profile(customer).expect("memory can be read").to_json();
            answer["user"] = Value::Null;
            answer
        });
        assert_eq!(first, second, "{wait} after the end: as they happened | all at the end");
        assert_eq!(second, third, "{wait} after the end: all at the end | in reverse");
        let segments = &first["segments"];
        if segments["no"].is_boolean() {
            assert_ne!(segments["yes"], segments["no"], "{wait} after the end, of a known customer");
        }
    }
}

/// Text as a quoted string of TOML.
fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|letter| match letter {
        '"' | '\\' => format!("\\{letter}"),
        letter if letter.is_control() => format!("\\u{:04x}", u32::from(letter)),
        letter => letter.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}
