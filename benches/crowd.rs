//! What does counting over all customers add to a message, and how fast is a list?
//!
//! `cargo bench --bench crowd` applies the same orders to databases in memory, in turn: without `[crowd]`, with
//! popular items by store, with trends, and with what is bought together. Times are the thread's own time on the
//! processor, medians of rounds. Items are chosen with a long tail, 30,000 of them in 100 stores.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints its table and stops when it is wrong"
)]

#[path = "workload/processor_time.rs"]
mod processor_time;

use std::time::{Duration, Instant};

use habitue::{Catalog, Clock, Database, Durability, ManualClock, Message, OpenOptions, Time, Value};
use processor_time::processor_time;

const CUSTOMERS: u64 = 20_000;
const STORES: u64 = 100;
const ITEMS: u64 = 30_000;
const ROUNDS: usize = 9;
const ORDERS: usize = 4_000;

const CROWDS: [(&str, &str); 4] = [
    ("without", ""),
    ("popular", "[crowd.c]\n"),
    ("and trending", "[crowd.c]\ntrending = \"1d\"\n"),
    ("and together", "[crowd.c]\ntrending = \"1d\"\ntogether = true\n"),
];

struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }

    /// The number of an item: each is chosen about as often as its number is low.
    fn item(&mut self) -> u64 {
        let part = self.below(1 << 52) as f64 / (1_u64 << 52) as f64;
        (ITEMS as f64).powf(part) as u64
    }
}

fn catalog(crowd: &str) -> String {
    let rest = "event = \"Order Completed\"\nitem = \"items\"\nby = [\"store\"]\nhalf_life = \"7d\"\n";
    let crowd = if crowd.is_empty() { String::new() } else { format!("{crowd}{rest}") };
    format!(
        "schema = 1\n[events.\"Order Completed\"]\nstore = \"int\"\nitems = {{ type = \"list\", of = \"int\" }}\n{crowd}"
    )
}

fn database(crowd: &str, clock: &ManualClock) -> Database {
    let catalog = Catalog::from_toml(&catalog(crowd)).unwrap();
    Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone()))
}

fn orders(chance: &mut Chance, items: usize, time: Time) -> Vec<Message> {
    (0..ORDERS)
        .map(|_| {
            let products: Vec<u64> = (0..items).map(|_| chance.item()).collect();
            Message::track(format!("c{}", chance.below(CUSTOMERS)), "Order Completed")
                .with_property("store", chance.below(STORES))
                .with_property("items", products)
                .with_timestamp(time)
        })
        .collect()
}

fn main() {
    println!("ns per order, medians of {ROUNDS} rounds of {ORDERS}");
    println!("items  {:>12} {:>12} {:>12} {:>12}", CROWDS[0].0, CROWDS[1].0, CROWDS[2].0, CROWDS[3].0);
    for items in [1, 5, 20] {
        let clock = ManualClock::new(Time::parse("2026-01-01T00:00:00Z").unwrap());
        let databases = CROWDS.map(|(_, crowd)| database(crowd, &clock));
        let mut chance = Chance(42);
        let mut times: [Vec<Duration>; 4] = Default::default();
        for _ in 0..ROUNDS + 3 {
            clock.set(clock.now() + habitue::Duration::from_millis(3_600_000));
            let round = orders(&mut chance, items, clock.now());
            for (database, times) in databases.iter().zip(&mut times) {
                let round = round.clone();
                let start = processor_time();
                round.into_iter().for_each(|order| drop(database.apply(order).unwrap()));
                times.push((processor_time() - start) / ORDERS as u32);
            }
        }
        let medians = times.map(|times| {
            let mut times = times[3..].to_vec();
            times.sort();
            times[times.len() / 2].as_nanos()
        });
        println!("{items:>5}  {:>12} {:>12} {:>12} {:>12}", medians[0], medians[1], medians[2], medians[3]);
        if items == 20 {
            asked(&databases[3]);
        }
    }
    counted_anew(50);
}

/// What counting anew costs when a folder is opened.
fn counted_anew(rounds: usize) {
    let folder = std::env::temp_dir().join(format!("habitue-bench-crowd-{}", std::process::id()));
    let clock = ManualClock::new(Time::parse("2026-01-01T00:00:00Z").unwrap());
    let open = || {
        let options = OpenOptions::new().clock(Clock::Manual(clock.clone())).durability(Durability::Memory);
        options.catalog(Catalog::from_toml(&catalog(CROWDS[3].1)).unwrap()).open(&folder).unwrap()
    };
    let (database, mut chance) = (open(), Chance(7));
    for _ in 0..rounds {
        let round = orders(&mut chance, 5, clock.now());
        round.into_iter().for_each(|order| drop(database.apply(order).unwrap()));
    }
    database.compact().unwrap();
    database.close().unwrap();
    let start = Instant::now();
    let database = open();
    let opened = start.elapsed();
    database.finish_crowds().unwrap();
    println!(
        "a folder of {} orders of 5 items is open after {} ms, and counted anew after {} ms",
        rounds * ORDERS,
        opened.as_millis(),
        start.elapsed().as_millis()
    );
    drop(database);
    std::fs::remove_dir_all(&folder).unwrap();
}

fn asked(database: &Database) {
    let store = [("store", Value::Int(7))];
    let lists: [(&str, &dyn Fn() -> usize); 3] = [
        ("popular", &|| database.popular("c", &store, 10).unwrap().items.len()),
        ("trending", &|| database.trending("c", &store, 10).unwrap().items.len()),
        ("together", &|| database.together("c", &Value::Int(1), 10).unwrap().items.len()),
    ];
    for (name, ask) in lists {
        let start = processor_time();
        let items: usize = (0..1_000).map(|_| ask()).sum();
        println!(
            "{name}: {} ns for a list of {}",
            (processor_time() - start).as_nanos() / 1_000,
            items / 1_000
        );
    }
    println!("crowds take {} bytes", database.memory_use().crowd_bytes);
}
