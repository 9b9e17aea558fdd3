//! What does a new catalog cost: the call, the first read of each customer, the sweep, and the reads beside
//! it? What do the members of a list, when they are published? And how long was what others wait for held, by
//! whom?
//!
//! `cargo bench --bench swap` prints its findings line by line. Numbers after `--` are how many profiles
//! (100,000), and the memory budget in megabytes of a database in a folder; without one, it is in memory.
//! Profiles have ten attributes and three purchases. Reads go over all of them at random: a membership by
//! a string id and a name. Their times are of the wall clock, so that waiting counts.

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

use habitue::{Catalog, Clock, Database, Durability, ManualClock, Message, OpenOptions, Time};

use random::Random;
use right::right;
use said::{say, say_holds};

const READS: usize = 200_000;
const FIRST_READS: u64 = 2_000;
const DAY_MS: i64 = 86_400_000;
const BEGIN_MS: i64 = 1_767_225_600_000;

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let profiles = numbers.first().copied().unwrap_or(100_000);
    let folder = std::env::temp_dir().join(format!("habitue-bench-swap-{}", std::process::id()));
    let clock = ManualClock::new(time(3 * DAY_MS));
    let database = match numbers.get(1) {
        None => Database::in_memory_with_clock(catalog(1), Clock::Manual(clock.clone())),
        Some(budget) => right(
            OpenOptions::new()
                .catalog(catalog(1))
                .clock(Clock::Manual(clock.clone()))
                .durability(Durability::Group(Duration::from_millis(50)))
                .memory_budget(budget * 1024 * 1024)
                .open(&folder),
        ),
    };
    for number in 0..profiles {
        messages(number).into_iter().for_each(|message| drop(right(database.apply(message))));
    }
    clock.set(time(4 * DAY_MS));
    right(database.advance());
    let mut random = Random(7);
    let id = |random: &mut Random| random.below(profiles);
    let alone: Vec<Duration> = (0..READS).map(|_| read(&database, id(&mut random), 1)).collect();
    say("reads before", alone);
    for swap in 2..=4 {
        let call = Instant::now();
        right(database.replace_catalog(catalog(swap)));
        println!("swap {swap}: the call took {:?} with {profiles} profiles", call.elapsed());
        let first = (0..FIRST_READS).map(|number| read(&database, number * profiles / FIRST_READS, swap));
        say("first reads", first.collect());
        let is_over = AtomicBool::new(false);
        let beside = std::thread::scope(|scope| {
            scope.spawn(|| {
                right(database.advance());
                println!("the sweep was over {:?} after the call", call.elapsed());
                is_over.store(true, Ordering::Relaxed);
            });
            let mut beside = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                beside.push(read(&database, id(&mut random), swap));
            }
            beside
        });
        say("reads beside the sweep", beside);
        say("reads after it", (0..READS).map(|_| read(&database, id(&mut random), swap)).collect());
    }
    for round in 1..=2 {
        publish(&database, profiles, round);
    }
    say_holds(&database);
    drop(database);
    let _ = std::fs::remove_dir_all(&folder);
}

fn time(ms: i64) -> Time {
    Time::from_millis(BEGIN_MS + ms).unwrap_or_default()
}

/// Publishes a list of every other customer: in each round of those who were not on it before.
fn publish(database: &Database, profiles: u64, round: u64) {
    let listed = (round..profiles).step_by(2).map(|number| format!("customer-{number:07}"));
    let listed: Vec<String> = listed.collect();
    let (expected, call) = (listed.len() as u64, Instant::now());
    right(database.replace_list("listed", listed));
    println!("list {round}: the call took {:?} with {expected} ids", call.elapsed());
    right(database.advance());
    println!("the sweep was over {:?} after the call", call.elapsed());
    let sizes = right(database.segment_sizes());
    assert!(sizes.contains(&("listed".to_owned(), expected)), "{sizes:?}");
}

/// A catalog in which the rich have spent more than so much.
fn catalog(number: u64) -> Catalog {
    let mut text = String::from("schema = 1\n[attributes]\n");
    (0..10).for_each(|number| text.push_str(&format!("a{number} = \"float\"\n")));
    text.push_str("[events.Purchased]\ntotal = \"float\"\n[segments]\n");
    text.push_str(&format!(
        "rich = 'events(\"Purchased\").within(\"30d\").sum(total) > {}.5'\n",
        number * 20
    ));
    text.push_str("listed = { list = true }\n");
    text.push_str("recent = 'events(\"Purchased\").within(\"7d\").count() >= 3'\n");
    (0..10).for_each(|number| text.push_str(&format!("high{number} = 'a{number} > {number}00.0'\n")));
    right(Catalog::from_toml(&text))
}

fn messages(number: u64) -> [Message; 4] {
    let id = format!("customer-{number:07}");
    let purchase = |day: u64| {
        let message = Message::track(&id, "Purchased").with_property("total", ((number + day) % 40) as f64);
        message.with_id(format!("{number}-{day}")).with_timestamp(time(day as i64 * DAY_MS))
    };
    let identify = (0..10).fold(Message::identify(&id), |message, attribute| {
        message.with_trait(format!("a{attribute}"), ((number * 37 + attribute) % 1_000) as f64)
    });
    [identify.with_id(format!("{number}")).with_timestamp(time(0)), purchase(1), purchase(2), purchase(3)]
}

/// Asks one membership, which has to be right under the catalog of that number.
fn read(database: &Database, number: u64, catalog: u64) -> Duration {
    let id = format!("customer-{number:07}");
    let begun = Instant::now();
    let is_rich = right(database.is_member(&id, "rich"));
    let took = begun.elapsed();
    let spent: u64 = (1..=3).map(|day| (number + day) % 40).sum();
    assert_eq!(is_rich, spent > catalog * 20, "customer {number}, catalog {catalog}");
    took
}
