//! What an affinity costs: three events name brands, an order three of them.

use habitue::workbench::{Prepared, Workbench};
use habitue::{Catalog, Message, Time};
use serde_json::json;

use super::random::Random;

const CUSTOMERS: usize = 2_000;
const BRANDS: u64 = 50;
const CATALOG: &str = r#"
schema = 1
[events.Viewed]
brand = "string"
[events.Added]
brand = "string"
[events.Ordered]
products = { type = "list", of = { type = "map", fields = { brand = "string" } } }
"#;
const AFFINITY: &str = r#"
[affinities.liking]
half_life = "14d"
of.Viewed = { item = "brand" }
of.Added = { item = "brand", weight = 3 }
of.Ordered = { list = "products", item = "brand", weight = 5 }
[segments]
"#;

/// Catalogs to compare, each with what it is.
pub(crate) fn catalogs() -> [(&'static str, String); 4] {
    let with = |segments: String| format!("{CATALOG}{AFFINITY}{segments}");
    let thresholds = (0..10).map(|brand| format!("likes{brand} = 'liking[\"b{brand}\"] > 3.0'\n"));
    [
        ("no affinity", CATALOG.to_owned()),
        ("an affinity of 50 items", with(String::new())),
        ("ten thresholds on it", with(thresholds.collect())),
        ("one of the three highest", with("first = '\"b7\" in liking.top(3)'".to_owned())),
    ]
}

/// Customers who do things at random, under one of the catalogs.
pub(crate) struct Shoppers {
    engine: Workbench,
    events: Vec<Prepared>,
    random: Random,
    now: Time,
}

impl Shoppers {
    /// Customers of whom each has had to do with most brands already.
    pub(crate) fn new(catalog: &str) -> Shoppers {
        let engine = Workbench::new(Catalog::from_toml(catalog).expect("a sound catalog"), CUSTOMERS);
        let brand = |number: u64| format!("b{}", number % BRANDS);
        let events = (0..BRANDS).flat_map(|number| {
            let products =
                [number, number * 7 + 1, number * 11 + 2].map(|number| json!({ "brand": brand(number) }));
            [
                Message::track("c", "Viewed").with_property("brand", brand(number)),
                Message::track("c", "Added").with_property("brand", brand(number)),
                Message::track("c", "Ordered").with_property("products", json!(products)),
            ]
        });
        let events = events.map(|message| engine.prepare(&message).expect("it fits the catalog")).collect();
        let now = Time::parse("2026-01-01T00:00:00Z").expect("a time");
        let mut shoppers = Shoppers { engine, events, random: Random(3), now };
        shoppers.go_on(CUSTOMERS * 100);
        shoppers
    }

    /// So many events, a second apart.
    pub(crate) fn go_on(&mut self, events: usize) {
        for _ in 0..events {
            self.now = Time::from_millis(self.now.millis() + 1_000).expect("a time");
            let customer = self.random.below(CUSTOMERS as u64) as usize;
            let event = self.random.below(self.events.len() as u64) as usize;
            self.engine.apply(customer, &self.events[event], self.now);
        }
    }
}
