//! Customers rated by their purchases, on a year of real ones, against a plain scan of the log.
//!
//! The purchases are those of 2,469 households if they are there, or of the sample in `examples/grocer`. Every
//! sixteenth household is taken, or as `HABITUE_EVERY=1` says, which is for a build with optimization.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops when it is wrong")]
#![expect(clippy::print_stdout, reason = "how far off cut-points are is worth knowing")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use habitue::{Catalog, Clock, Database, ManualClock, Message, Time, Value};

const CATALOG: &str = r#"
schema = 1

[events."Order Completed"]
cents = "int"

[rfm]
value = "cents"
within = "90d"

[segments]
champions = 'rfm_cell == "champions"'
rated = 'has(rfm_cell)'
"#;
const DAY_MS: i64 = 86_400_000;
const WINDOW_MS: i64 = 90 * DAY_MS;
const DATES: i64 = 20;
/// What the cut-points promise: at most so far from their targets, unless equal values allow no better.
const TOLERANCE: f64 = 0.02;

struct Order {
    household: String,
    id: String,
    time_ms: i64,
    cents: i64,
}

/// The orders of every so many households, in the order of time.
fn orders() -> Vec<Order> {
    let every: u64 = std::env::var("HABITUE_EVERY").map_or(16, |every| every.parse().unwrap());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let whole = root.join("../shared/data/complete-journey/baskets.csv.gz");
    let path = if whole.exists() { whole } else { root.join("examples/grocer/baskets.csv.gz") };
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| names.iter().position(|known| *known == name).unwrap();
    let (household, id, time, value) =
        (column("household_id"), column("basket_id"), column("transaction_timestamp"), column("sales_value"));
    let mut orders: Vec<Order> = lines
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            Order {
                household: fields[household].to_owned(),
                id: fields[id].to_owned(),
                time_ms: Time::parse(&format!("{}Z", fields[time].replace(' ', "T"))).unwrap().millis(),
                cents: (fields[value].parse::<f64>().unwrap() * 100.0).round() as i64,
            }
        })
        .filter(|order: &Order| order.household.parse::<u64>().unwrap().is_multiple_of(every))
        .collect();
    orders.sort_by(|a, b| (a.time_ms, &a.id).cmp(&(b.time_ms, &b.id)));
    orders
}

/// Of each household that bought within the window before `now`: when last, how often, for how many cents.
fn scanned(orders: &[Order], now: i64) -> BTreeMap<&str, [i64; 3]> {
    let mut scanned = BTreeMap::new();
    for order in orders.iter().filter(|order| order.time_ms > now - WINDOW_MS && order.time_ms <= now) {
        let of = scanned.entry(order.household.as_str()).or_insert([0; 3]);
        *of = [order.time_ms, of[1] + 1, of[2] + order.cents];
    }
    scanned
}

fn as_number(value: &Value) -> i64 {
    match value {
        Value::Int(number) => *number,
        Value::Time(time) => time.millis(),
        other => panic!("{other:?} is no number"),
    }
}

fn share_below(values: &[i64], cut: i64) -> f64 {
    values.iter().filter(|value| **value < cut).count() as f64 / values.len() as f64
}

/// How far the shares below cut-points are from a fifth, two fifths and so on: the worst, and the worst beyond
/// what equal values make inevitable. Panics beyond the bound.
fn errors(values: &[i64], cuts: &[Value]) -> (f64, f64) {
    let all: BTreeSet<i64> = values.iter().flat_map(|value| [*value, value + 1]).collect();
    let (mut worst, mut beyond) = (0.0_f64, 0.0_f64);
    for (place, cut) in cuts.iter().enumerate() {
        let target = (place + 1) as f64 / 5.0;
        let off = (share_below(values, as_number(cut)) - target).abs();
        worst = worst.max(off);
        if off > TOLERANCE {
            let offs = all.iter().map(|cut| (share_below(values, *cut) - target).abs());
            beyond = beyond.max(off - offs.fold(f64::INFINITY, f64::min));
        }
    }
    assert!(beyond < 1e-9, "a cut-point is off by {worst}, and need not be");
    (worst, beyond)
}

fn ratings(database: &Database, household: &str) -> [Option<i64>; 3] {
    ["rfm_recency", "rfm_frequency", "rfm_monetary"]
        .map(|name| database.attribute(household, name).unwrap().map(|value| as_number(&value)))
}

#[test]
fn published_cut_points_are_those_of_the_whole_log() {
    let orders = orders();
    let begin = orders[0].time_ms;
    let clock = ManualClock::new(Time::from_millis(begin).unwrap());
    let catalog = Catalog::from_toml(CATALOG).unwrap();
    let database = Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone()));
    let mut coming = orders.iter().peekable();
    let mut come = |until: i64| {
        while let Some(order) = coming.next_if(|order| order.time_ms <= until) {
            let message = Message::track(&*order.household, "Order Completed").with_id(&*order.id);
            let time = Time::from_millis(order.time_ms).unwrap();
            clock.set(time);
            database.apply(message.with_property("cents", order.cents).with_timestamp(time)).unwrap();
        }
        clock.set(Time::from_millis(until).unwrap());
    };
    let (mut worst, mut flickers, mut rated) = ([0.0_f64; 3], 0, 0);
    for date in 1..=DATES {
        let now = begin + date * 18 * DAY_MS;
        come(now);
        let told = database.publish_cut_points().unwrap();
        let revision = database.stats().revision;
        assert!(database.publish_cut_points().unwrap().iter().all(|told| told.moved == 0));
        assert_eq!(database.stats().revision, revision, "what is good enough is not published again");
        let scanned = scanned(&orders, now);
        for (place, (told, name)) in told.iter().zip(["recency", "frequency", "monetary"]).enumerate() {
            assert_eq!((&*told.quantile, told.counted), (&*format!("rfm_{name}"), scanned.len() as u64));
            let values: Vec<i64> = scanned.values().map(|of| of[place]).collect();
            worst[place] = worst[place].max(errors(&values, &told.cuts).0);
            for (household, of) in &scanned {
                let above = told.cuts.iter().filter(|cut| as_number(cut) <= of[place]).count() as i64;
                assert_eq!(ratings(&database, household)[place], Some(above + 1), "{household} {name}");
            }
        }
        let members: BTreeSet<String> = database.members("rated").unwrap().into_iter().collect();
        assert_eq!(members, scanned.keys().map(|household| (*household).to_owned()).collect());
        let champions = [555, 554, 544, 545, 454, 455, 445];
        let is_champion = |household: &&&str| {
            let [recency, frequency, monetary] = ratings(&database, household).map(Option::unwrap);
            champions.contains(&(recency * 100 + frequency * 10 + monetary))
        };
        let expected: Vec<&str> = scanned.keys().filter(is_champion).copied().collect();
        assert_eq!(database.members("champions").unwrap(), expected);

        // Two days without publishing: who is rated otherwise has done something, or it is too long ago.
        let before: BTreeMap<&str, _> = scanned.keys().map(|id| (*id, ratings(&database, id))).collect();
        let (of_then, later) = (scanned, now + 2 * DAY_MS);
        come(later);
        let of_now = self::scanned(&orders, later);
        rated += of_now.len();
        for (household, before) in before {
            let after = ratings(&database, household);
            flickers += usize::from(after != before);
            assert!(after == before || of_then.get(household) != of_now.get(household), "{household}");
        }
    }
    println!(
        "worst shares of the population by which a cut-point was off at {DATES} dates: recency {:.4}, frequency \
         {:.4}, monetary {:.4}; rated otherwise two days later: {flickers} of {rated}",
        worst[0], worst[1], worst[2]
    );
    assert!(worst[0] <= TOLERANCE && worst[2] <= TOLERANCE, "values that hardly repeat can be cut anywhere");
}
