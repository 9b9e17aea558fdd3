//! What does a look-up cost among many profiles: beside what memory costs, and while somebody writes?
//!
//! `cargo bench --bench latency -- 1000000`. So many profiles (100,000) of 40 float attributes and 100
//! segments, under ids of 16 bytes, chosen uniformly, in memory, on a clock that stands still. The floor is
//! one table of keys and rows with open addressing, from which one value is read; the peer is a hash map of
//! rows behind 64 read-write locks. All are asked in turn, five rounds, for the same customers. Each read is
//! timed by itself, less what reading the clock costs; the processor's time is that of reads that are not.

#![expect(
    clippy::print_stdout,
    clippy::panic,
    reason = "a bench prints what it finds and stops when it is wrong"
)]

#[path = "workload/processor_time.rs"]
mod processor_time;
#[path = "workload/random.rs"]
mod random;
#[path = "workload/right.rs"]
mod right;
#[path = "workload/said.rs"]
mod said;

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use habitue::{Catalog, Clock, Database, ManualClock, Message, Question, Time, Value};
use processor_time::processor_time;
use random::Random;
use right::right;
use said::say_memory;

const ATTRIBUTES: u64 = 40;
const SEGMENTS: u64 = 100;
const READS: usize = 200_000;
const ROUNDS: usize = 5;
const MAPS: usize = 64;

fn main() {
    let profiles = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let ids: Vec<String> = (0..profiles).map(|number: u64| format!("customer-{number:07}")).collect();
    let hasher = ahash::RandomState::new();
    let floor = Floor::new(&ids, &hasher);
    let maps = maps(&ids, &hasher);
    let begun = Instant::now();
    let database = database(&ids);
    println!("{profiles} profiles were made in {:?}", begun.elapsed());
    drop(database.take_transitions());
    say_memory(&database);
    let mut questions = (Question::new(), Question::new());
    let homepage = questions.0.decision("homepage");
    let capped = questions.1.decision("capped");
    let show = |id: &str, (question, asked)| {
        let read = |reply: habitue::Reply<'_>| reply.text(asked).map_or(0.0, |text| text.len() as f64);
        right(database.ask(id, question, read))
    };
    let (homepage, capped) = ((&questions.0, homepage), (&questions.1, capped));
    ids.iter().for_each(|id| _ = right(database.decide_and_record(id, "capped")));
    // Looked up for the second time, it is kept; and again after the table has grown.
    for _ in 0..3 {
        ids.iter().for_each(|id| _ = black_box(show(id, homepage) + show(id, capped)));
    }
    let asked = |number: usize, what: What| {
        let id = &ids[number];
        match what {
            What::Clock => 0.0,
            What::Floor => floor.read(id, 7),
            What::Maps => {
                let map = maps[hasher.hash_one(id.as_str()) as usize % MAPS].read();
                map.unwrap_or_else(|_| panic!("poisoned")).get(id.as_str()).map_or(0.0, |row| row[7])
            }
            What::Attribute => match right(database.attribute(id, "a7")) {
                Some(Value::Float(value)) => value,
                other => panic!("{id} has {other:?}"),
            },
            What::Membership => f64::from(u8::from(right(database.is_member(id, "s7")))),
            What::Shown => show(id, homepage),
            What::Capped => show(id, capped),
            What::Decision => right(database.decide(id, "homepage")).decision.offers.len() as f64,
        }
    };
    for (number, id) in ids.iter().enumerate().step_by(997) {
        assert_eq!(asked(number, What::Attribute), asked(number, What::Floor), "{id}");
        assert_eq!(asked(number, What::Maps), asked(number, What::Floor), "{id}");
    }
    println!("alone");
    measure(profiles, &asked);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut random = Random(11);
            while !is_over.load(Ordering::Relaxed) {
                let id = &ids[random.below(profiles) as usize];
                let message = Message::identify(id).with_trait("a9", random.below(1_000) as f64);
                right(database.apply(message));
            }
        });
        println!("while somebody writes");
        measure(profiles, &asked);
        is_over.store(true, Ordering::Relaxed);
    });
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
enum What {
    /// Nothing: what reading the clock costs.
    Clock,
    Floor,
    Maps,
    Attribute,
    Membership,
    /// What is shown to the customer, its text included.
    Shown,
    /// The same of offers with caps and an experiment.
    Capped,
    /// The whole decision.
    Decision,
}

fn measure(profiles: u64, ask: &dyn Fn(usize, What) -> f64) {
    let all = [
        What::Clock,
        What::Floor,
        What::Maps,
        What::Attribute,
        What::Membership,
        What::Shown,
        What::Capped,
        What::Decision,
    ];
    let mut times = vec![Vec::new(); all.len()];
    let mut of_processor = vec![Vec::new(); all.len()];
    for round in 0..ROUNDS {
        for (place, what) in all.into_iter().enumerate() {
            let mut random = Random(round as u64);
            for _ in 0..READS {
                let number = random.below(profiles) as usize;
                let begun = Instant::now();
                black_box(ask(number, what));
                times[place].push(begun.elapsed().as_nanos() as f64);
            }
            let begun = processor_time();
            for _ in 0..READS {
                black_box(ask(random.below(profiles) as usize, what));
            }
            of_processor[place].push((processor_time() - begun).as_nanos() as f64 / READS as f64);
        }
    }
    let part = |times: &mut Vec<f64>, part: f64| {
        times.sort_unstable_by(f64::total_cmp);
        times[((times.len() - 1) as f64 * part) as usize]
    };
    let clock = part(&mut times[0], 0.5);
    let nothing = part(&mut of_processor[0], 0.5);
    let floor = part(&mut times[1], 0.5) - clock;
    for (place, what) in all.into_iter().enumerate().skip(1) {
        let [half, most, nearly_all] =
            [0.5, 0.99, 0.999].map(|wanted| part(&mut times[place], wanted) - clock);
        let each = part(&mut of_processor[place], 0.5) - nothing;
        println!(
            "  {what:?}: median {half:.0} ns ({:.2} of the floor), p99 {most:.0}, p99.9 {nearly_all:.0}; \
             processor {each:.0} ns",
            half / floor
        );
    }
}

/// Keys and rows in one table.
struct Floor<'a> {
    hasher: &'a ahash::RandomState,
    rows: Vec<(u128, [f64; ATTRIBUTES as usize])>,
}

impl<'a> Floor<'a> {
    fn new(ids: &[String], hasher: &'a ahash::RandomState) -> Floor<'a> {
        let rows = vec![(0, [0.0; ATTRIBUTES as usize]); (ids.len() * 2).next_power_of_two()];
        let mut floor = Floor { hasher, rows };
        for (number, id) in ids.iter().enumerate() {
            let place = floor.place(key(id));
            floor.rows[place] = (key(id), row(number as u64));
        }
        floor
    }

    fn place(&self, key: u128) -> usize {
        let mut place = self.hasher.hash_one(key) as usize & (self.rows.len() - 1);
        while self.rows[place].0 != 0 && self.rows[place].0 != key {
            place = (place + 1) & (self.rows.len() - 1);
        }
        place
    }

    fn read(&self, id: &str, attribute: usize) -> f64 {
        self.rows[self.place(key(id))].1[attribute]
    }
}

fn key(id: &str) -> u128 {
    let bytes = id.as_bytes().first_chunk().unwrap_or_else(|| panic!("{id} is shorter than 16 bytes"));
    u128::from_le_bytes(*bytes)
}

/// The attributes of a customer.
fn row(number: u64) -> [f64; ATTRIBUTES as usize] {
    std::array::from_fn(|attribute| ((number * 37 + attribute as u64) % 1_000) as f64)
}

type Maps<'a> = Vec<RwLock<HashMap<&'a str, [f64; ATTRIBUTES as usize], ahash::RandomState>>>;

fn maps<'a>(ids: &'a [String], hasher: &ahash::RandomState) -> Maps<'a> {
    let maps: Maps<'a> = (0..MAPS).map(|_| RwLock::default()).collect();
    for (number, id) in ids.iter().enumerate() {
        let map = maps[hasher.hash_one(id.as_str()) as usize % MAPS].write();
        map.unwrap_or_else(|_| panic!("poisoned")).insert(id, row(number as u64));
    }
    maps
}

fn database(ids: &[String]) -> Database {
    let mut text = String::from("schema = 1\n[attributes]\n");
    (0..ATTRIBUTES).for_each(|number| text.push_str(&format!("a{number} = \"float\"\n")));
    text.push_str("[segments]\n");
    for number in 0..SEGMENTS {
        text.push_str(&format!("s{number} = 'a{} > {}.5'\n", number % ATTRIBUTES, number * 10));
    }
    text.push_str("[personalizations.homepage]\nfallback = { name = \"default\", text = \"Welcome\" }\n");
    for number in 0..20 {
        text.push_str(&format!("[[personalizations.homepage.offers]]\nname = \"o{number}\"\n"));
        text.push_str(&format!("when = \"s{}\"\ntext = \"Offer {number}\"\n", 99 - number));
    }
    text.push_str("[experiments.banner]\nvariants = [\"old\", \"new\"]\n");
    text.push_str("[caps.all]\nmost = 10\nwithin = \"1d\"\n[personalizations.capped]\n");
    text.push_str("fallback = { name = \"default\", text = \"Welcome\" }\n");
    for number in 0..20 {
        text.push_str(&format!("[[personalizations.capped.offers]]\nname = \"o{number}\"\n"));
        text.push_str(&format!("when = 's{} && variant(\"banner\") == \"new\"'\n", 99 - number));
        text.push_str(&format!("cap = {{ most = 2, within = \"7d\" }}\ntext = \"Offer {number}\"\n"));
    }
    let clock = ManualClock::new(Time::from_millis(1_767_225_600_000).unwrap_or_default());
    let database = Database::in_memory_with_clock(right(Catalog::from_toml(&text)), Clock::Manual(clock));
    for (number, id) in ids.iter().enumerate() {
        let message = row(number as u64)
            .into_iter()
            .enumerate()
            .fold(Message::identify(id), |message, (place, value)| {
                message.with_trait(format!("a{place}"), value)
            });
        right(database.apply(message));
    }
    database
}
