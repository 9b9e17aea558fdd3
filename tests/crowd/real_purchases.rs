//! Real purchases: what is popular in each store, and bought together, against counting everything.
//!
//! The sample that comes with the project, and all households where their data lies beside it. What is compared
//! is printed: how many lists and scores, the greatest error relative to a score, and how many of the true first
//! ten are among the ten listed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use habitue::{Catalog, Clock, CrowdList, Database, Duration, ManualClock, Message, Time, Value};

/// At how many instants lists are compared.
const INSTANTS: usize = 20;
/// How many items are listed.
const LISTED: usize = 10;
const HALF_LIFE: &str = "14d";
/// As the library counts: of a longer list the first items.
const MOST_TOGETHER: usize = 20;
/// What rounding may cost, as a part of a score.
const ROUNDING: f64 = 1e-6;

struct Basket {
    id: String,
    household: String,
    store: String,
    time: Time,
    products: Vec<i64>,
}

fn table(path: &Path) -> csv::Reader<Box<dyn Read>> {
    let file: Box<dyn Read> = Box::new(GzDecoder::new(File::open(path).unwrap()));
    csv::Reader::from_reader(file)
}

fn time(text: &str) -> Time {
    Time::parse(&format!("{}Z", text.replace(' ', "T"))).unwrap()
}

/// Lines that belong to a basket follow each other, or not.
fn baskets(lines: impl Iterator<Item = (String, String, String, Time, i64)>) -> Vec<Basket> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut baskets: Vec<Basket> = Vec::new();
    for (id, household, store, time, product) in lines {
        let place = *places.entry(id.clone()).or_insert(baskets.len());
        if place == baskets.len() {
            baskets.push(Basket { id, household, store, time, products: Vec::new() });
        }
        if !baskets[place].products.contains(&product) {
            baskets[place].products.push(product);
        }
    }
    baskets.sort_by_key(|basket| basket.time);
    baskets
}

/// The households of the project's sample.
fn sample() -> Vec<Basket> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/grocer");
    let heads: BTreeMap<String, (String, String, Time)> = table(&folder.join("baskets.csv.gz"))
        .records()
        .map(|row| {
            let row = row.unwrap();
            (row[0].to_owned(), (row[1].to_owned(), row[2].to_owned(), time(&row[3])))
        })
        .collect();
    let lines: Vec<_> = table(&folder.join("lines.csv.gz"))
        .records()
        .map(|row| {
            let row = row.unwrap();
            let (household, store, time) = heads[&row[0]].clone();
            (row[0].to_owned(), household, store, time, row[1].parse().unwrap())
        })
        .collect();
    baskets(lines.into_iter())
}

/// All households, for so many days; nothing where their data is not.
fn everybody(days: i64) -> Option<Vec<Basket>> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/complete-journey/transactions.csv.gz");
    let end = Time::parse("2017-01-01T00:00:00Z").unwrap() + Duration::from_millis(days * 86_400_000);
    path.exists().then(|| {
        let lines = table(&path).into_records().map(|row| row.unwrap());
        let lines = lines.map(|row| {
            (row[2].to_owned(), row[0].to_owned(), row[1].to_owned(), time(&row[10]), row[3].parse().unwrap())
        });
        baskets(lines.take_while(|(_, _, _, time, _)| *time < end))
    })
}

fn catalog(keep: usize, items: usize) -> Catalog {
    let toml = format!(
        r#"
        schema = 1
        [events."Order Completed"]
        store = "string"
        products = {{ type = "list", of = "int" }}
        [crowd.sellers]
        event = "Order Completed"
        item = "products"
        by = ["store"]
        half_life = "{HALF_LIFE}"
        together = true
        keep = {keep}
        items = {items}
        "#
    );
    Catalog::from_toml(&toml).unwrap()
}

/// Decayed counts of everything so far, as of a landmark.
#[derive(Default)]
struct Everything {
    popular: BTreeMap<String, BTreeMap<i64, f64>>,
    alone: BTreeMap<i64, f64>,
    both: BTreeMap<(i64, i64), f64>,
}

impl Everything {
    fn add(&mut self, basket: &Basket, weight: f64) {
        let of_store = self.popular.entry(basket.store.clone()).or_default();
        for product in &basket.products {
            *of_store.entry(*product).or_default() += weight;
        }
        let together = &basket.products[..basket.products.len().min(MOST_TOGETHER)];
        for product in together {
            *self.alone.entry(*product).or_default() += weight;
            for other in together.iter().filter(|other| *other != product) {
                *self.both.entry((*product, *other)).or_default() += weight;
            }
        }
    }
}

#[derive(Default)]
struct Compared {
    lists: usize,
    scores: usize,
    exact: usize,
    worst: f64,
    found: usize,
    wanted: usize,
}

impl Compared {
    /// Compares a list with all true scores.
    fn note(&mut self, list: &CrowdList, truth: &BTreeMap<i64, f64>) {
        let mut best: Vec<(f64, i64)> = truth.iter().map(|(item, score)| (*score, *item)).collect();
        best.sort_by(|a, b| b.0.total_cmp(&a.0));
        best.truncate(LISTED);
        let least = best.last().map_or(0.0, |(score, _)| *score);
        self.lists += 1;
        self.wanted += best.len();
        for listed in &list.items {
            let item = listed.item.to_json().as_i64().unwrap();
            let truth = truth.get(&item).copied().unwrap_or(0.0);
            let slack = ROUNDING * truth.max(1e-3);
            assert!(
                listed.score <= truth + slack && truth <= listed.score + listed.error + slack,
                "{item}: {listed:?}, and in truth {truth}"
            );
            self.scores += 1;
            self.exact += usize::from(listed.error == 0.0);
            self.worst = self.worst.max(listed.error / truth);
            // Of several with the tenth score any is one of the first ten.
            self.found += usize::from(truth >= least - slack);
        }
    }

    fn tell(&self, what: &str) -> f64 {
        let recall = self.found as f64 / self.wanted as f64;
        println!(
            "{what}: {} lists, {} scores, {} exact, greatest error {:.3} of a score, {:.1} % of the first ten",
            self.lists,
            self.scores,
            self.exact,
            self.worst,
            100.0 * recall
        );
        recall
    }
}

/// Gives which part of the true first ten is listed, of popular items and of items bought together.
fn compare(baskets: &[Basket], keep: usize, items: usize) -> (f64, f64) {
    let (first, last) = (baskets[0].time, baskets[baskets.len() - 1].time);
    let clock = ManualClock::new(first);
    let database = Database::in_memory_with_clock(catalog(keep, items), Clock::Manual(clock.clone()));
    let half_life = Duration::parse(HALF_LIFE).unwrap().millis() as f64;
    let exponent = |time: Time| time.since(first).millis() as f64 / half_life;
    let (mut all, mut popular, mut together) =
        (Everything::default(), Compared::default(), Compared::default());
    let step = last.since(first).millis() / INSTANTS as i64;
    let mut instants =
        (1..=INSTANTS as i64).map(|number| first + Duration::from_millis(step * number)).peekable();
    let mut compare_at = |now: Time, all: &Everything| {
        clock.set(now);
        let scale = (-exponent(now)).exp2();
        for (store, counts) in &all.popular {
            let list = database.popular("sellers", &[("store", Value::string(store))], LISTED).unwrap();
            if list.enough_people {
                let truth = counts.iter().map(|(item, count)| (*item, count * scale)).collect();
                popular.note(&list, &truth);
            }
        }
        let mut most: Vec<(f64, i64)> = all.alone.iter().map(|(item, count)| (*count, *item)).collect();
        most.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (alone, item) in most.into_iter().take(200) {
            let list = database.together("sellers", &Value::Int(item), LISTED).unwrap();
            let pairs = all.both.range((item, i64::MIN)..=(item, i64::MAX));
            let supported = pairs.filter(|(_, both)| *both * scale >= 5.0);
            let truth =
                supported.map(|((_, other), both)| (*other, both / (alone * all.alone[other]).sqrt()));
            if list.enough_people {
                together.note(&list, &truth.collect());
            }
        }
    };
    for basket in baskets {
        while let Some(now) = instants.next_if(|instant| *instant < basket.time) {
            compare_at(now, &all);
        }
        clock.set(basket.time);
        let order = Message::track(&basket.household, "Order Completed")
            .with_id(&basket.id)
            .with_property("store", basket.store.as_str())
            .with_property("products", basket.products.clone());
        database.apply(order).unwrap();
        all.add(basket, exponent(basket.time).exp2());
    }
    instants.for_each(|now| compare_at(now, &all));
    println!(
        "{} baskets, {keep} items of each store, {items} items with neighbours: {} bytes",
        baskets.len(),
        database.memory_use().crowd_bytes
    );
    let items: BTreeSet<&i64> = baskets.iter().flat_map(|basket| &basket.products).collect();
    println!("{} products in {} stores", items.len(), all.popular.len());
    (popular.tell("  popular"), together.tell("  together"))
}

#[test]
fn lists_of_the_sample_are_within_their_bounds() {
    let baskets = sample();
    assert_eq!(baskets.len(), 25_374);
    let (popular, together) = compare(&baskets[..8_000], 512, 10_000);
    assert!(popular > 0.95 && together > 0.95, "{popular} {together}");
}

#[test]
fn lists_of_everybody_are_within_their_bounds() {
    // As far as there is data: the first three weeks, and with `HABITUE_CROWD_DAYS` more of the year.
    let days = std::env::var("HABITUE_CROWD_DAYS").map_or(21, |days| days.parse().unwrap());
    let Some(baskets) = everybody(days) else { return };
    // With far too little room, as much as there is unless a catalog says otherwise, and with enough.
    for (keep, least) in [(64, 0.1), (512, 0.97), (1_024, 0.99)] {
        let (popular, together) = compare(&baskets, keep, 10_000);
        assert!(popular > least && together > least, "{popular} {together}");
    }
}
