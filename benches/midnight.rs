//! Who waits when the windows of all customers close at the same instant?
//!
//! `cargo bench --bench midnight -- 1000000` prints its findings line by line; the number is how many profiles
//! (100,000), in memory. Each has ten attributes, and purchases of a day and of a week before midnight, so that
//! three windows end with it. One thread brings everybody forward; another asks and
//! applies messages meanwhile, of customers at random, and demands the right answers. Times are of the wall
//! clock, so that waiting counts.

#![expect(
    clippy::print_stdout,
    clippy::panic,
    reason = "a bench prints what it finds and stops when it is wrong"
)]

#[path = "workload/random.rs"]
mod random;
#[path = "workload/right.rs"]
mod right;
#[path = "workload/said.rs"]
mod said;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use habitue::{Catalog, Clock, Database, ManualClock, Message, Time};
use random::Random;
use right::right;
use said::{say, say_holds, say_memory};

const CATALOG: &str = r#"
    schema = 1
    [events.Purchased]
    total = "float"
    [events.Added]
    [segments]
    today = 'events("Purchased").within("24h").count() >= 1'
    this_week = 'events("Purchased").within("7d").sum(total) > 10.5'
    cart = 'events("Added").within("24h").count() >= 1'
    [attributes]
"#;
const HOUR_MS: i64 = 3_600_000;
const MIDNIGHT_MS: i64 = 1_767_225_600_000;
const CALLS: usize = 200_000;
/// One call in so many is a message.
const MESSAGES: usize = 10;

fn main() {
    let profiles = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let attributes = (0..10).map(|number| format!("a{number} = \"float\"\n"));
    let catalog = attributes.fold(CATALOG.to_owned(), |catalog, attribute| catalog + &attribute);
    let clock = ManualClock::new(time(-8 * 24 * HOUR_MS));
    let catalog = right(Catalog::from_toml(&catalog));
    let database = Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone()));
    for hours in [-7 * 24, -24] {
        clock.set(time(hours * HOUR_MS));
        right(database.advance());
        (0..profiles).for_each(|number| come(&database, number, hours));
    }
    clock.set(time(-1));
    right(database.advance());
    drop(database.take_transitions());
    // Looked up for the second time, it is kept; and again after the table has grown.
    (0..3 * profiles).for_each(|number| _ = ask(&database, number % profiles, true));
    let mut random = Random(7);
    let mut messages = 0;
    // The allocator sorts what was let go of, at the cost of whoever asks it next.
    drop(calls(&database, profiles, &mut random, &mut messages, true, |calls| calls < CALLS / 10));
    let before = calls(&database, profiles, &mut random, &mut messages, true, |calls| calls < CALLS);
    before.say("before midnight");

    clock.set(time(0));
    let is_over = AtomicBool::new(false);
    let beside = std::thread::scope(|scope| {
        scope.spawn(|| {
            let begun = Instant::now();
            right(database.advance());
            println!("all {profiles} were brought forward in {:?}", begun.elapsed());
            is_over.store(true, Ordering::Relaxed);
        });
        calls(&database, profiles, &mut random, &mut messages, false, |_| !is_over.load(Ordering::Relaxed))
    });
    beside.say("while they are brought forward");
    let after = calls(&database, profiles, &mut random, &mut messages, false, |calls| calls < CALLS);
    after.say("after midnight");
    println!("{} transitions", database.take_transitions().len());
    say_memory(&database);
    say_holds(&database);
}

/// How long calls took.
#[derive(Debug, Default)]
struct Calls {
    reads: Vec<Duration>,
    messages: Vec<Duration>,
}

impl Calls {
    fn say(self, when: &str) {
        say(&format!("reads {when}"), self.reads);
        say(&format!("messages {when}"), self.messages);
    }
}

/// Asks and applies messages for as long as `goes_on` says after so many calls.
fn calls(
    database: &Database,
    profiles: u64,
    random: &mut Random,
    messages: &mut u64,
    is_today: bool,
    goes_on: impl Fn(usize) -> bool,
) -> Calls {
    let mut calls = Calls::default();
    for number in 0.. {
        if !goes_on(number) {
            break;
        }
        let customer = random.below(profiles);
        if number % MESSAGES > 0 {
            calls.reads.push(ask(database, customer, is_today));
            continue;
        }
        *messages += 1;
        let message = Message::identify(id(customer)).with_trait("a7", *messages as f64);
        let begun = Instant::now();
        right(database.apply(message));
        calls.messages.push(begun.elapsed());
    }
    calls
}

fn time(ms: i64) -> Time {
    Time::from_millis(MIDNIGHT_MS + ms).unwrap_or_default()
}

fn id(number: u64) -> String {
    format!("customer-{number:07}")
}

/// What a customer does a week and a day before midnight.
fn come(database: &Database, number: u64, hours: i64) {
    if hours < -24 {
        let attributes = (0..10).fold(Message::identify(id(number)), |message, attribute| {
            message.with_trait(format!("a{attribute}"), (number * 37 + attribute) as f64)
        });
        right(database.apply(attributes));
    }
    right(database.apply(Message::track(id(number), "Purchased").with_property("total", 6.0)));
    right(database.apply(Message::track(id(number), "Added")));
}

/// Asks for one membership, which has to be right.
fn ask(database: &Database, number: u64, is_today: bool) -> Duration {
    let id = id(number);
    let begun = Instant::now();
    let answer = right(database.is_member(&id, "today"));
    let took = begun.elapsed();
    assert_eq!(answer, is_today, "customer {number}");
    took
}
