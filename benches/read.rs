//! What does a look-up cost: an attribute, a membership, a decision that was made before?
//!
//! `cargo bench --bench read`. 20,000 customers under string ids, asked at random,
//! on a clock that stands still; a read takes the shard's lock, finds the profile by its id and the
//! name by its text. The concurrent store with handles comes later; these are the numbers to beat.

#![expect(clippy::panic, reason = "a bench stops when it is wrong")]

#[path = "workload/random.rs"]
mod random;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use habitue::{Catalog, Clock, Database, ManualClock, Message, Time};
use random::Random;

const CUSTOMERS: u64 = 20_000;

const CATALOG: &str = r#"
schema = 1
[attributes]
points = "int"
first_name = "string"
[segments]
regular = 'points >= 500'
[personalizations.homepage]
attributes = ["points"]
fallback = { name = "default", text = "Welcome" }
[[personalizations.homepage.offers]]
name = "preview"
when = "regular"
text = "Hello {{ first_name }}"
"#;

fn database() -> Database {
    let catalog = Catalog::from_toml(CATALOG).unwrap_or_else(|error| panic!("{error}"));
    let clock = ManualClock::new(Time::from_millis(1_767_225_600_000).unwrap_or_default());
    let database = Database::in_memory_with_clock(catalog, Clock::Manual(clock));
    for customer in 0..CUSTOMERS {
        let message = Message::identify(name(customer))
            .with_trait("points", customer % 1_000)
            .with_trait("first_name", "Ana");
        database.apply(message).unwrap_or_else(|refusal| panic!("{refusal}"));
        database.decide(&name(customer), "homepage").unwrap_or_else(|error| panic!("{error}"));
    }
    database
}

fn name(customer: u64) -> String {
    format!("customer-{customer:07}")
}

fn reads(criterion: &mut Criterion) {
    let database = database();
    let names: Vec<String> = (0..CUSTOMERS).map(name).collect();
    let mut random = Random(5);
    let mut next = || names[random.below(CUSTOMERS) as usize].as_str();
    criterion.bench_function("choosing an id, which every read below includes", |bencher| {
        bencher.iter(|| black_box(next()));
    });
    criterion.bench_function("attribute", |bencher| bencher.iter(|| database.attribute(next(), "points")));
    criterion.bench_function("membership", |bencher| bencher.iter(|| database.is_member(next(), "regular")));
    criterion
        .bench_function("cached decision", |bencher| bencher.iter(|| database.decide(next(), "homepage")));
}

criterion_group!(benches, reads);
criterion_main!(benches);
