//! The workload that all benches share: customers of a shop, what they do, and segments over it.
//!
//! 40 attributes, six events, and segments that mix attribute comparisons, counts in 24 hours,
//! purchases in 30 days, sums in 90 days, and a cart without a purchase for 48 hours. Customers are
//! chosen uniformly; each has about ten events in 58 days.

pub(crate) mod affinity;
pub(crate) mod naive;
pub(crate) mod random;

use std::fmt::Write as _;

use habitue::workbench::{Prepared, Workbench};
use habitue::{Catalog, Message, Time};

use self::random::Random;

/// How many attributes a customer has.
pub(crate) const ATTRIBUTES: u64 = 40;
/// What customers do; the fifth is the purchase.
pub(crate) const EVENTS: [&str; 6] = ["Viewed", "Searched", "Clicked", "Added", "Purchased", "Logged In"];
/// The time between two events of all customers together, if each has ten in 58 days.
const DAYS: u64 = 58;

/// One segment, as data: what both the catalog and the naive recompute are made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub kind: Kind,
    /// The attribute that has to be greater than `least`.
    pub attribute: usize,
    pub least: f64,
}

/// What a segment asks beside its attribute.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Another attribute is less than this.
    Attribute(usize, f64),
    /// At least so many of an event in 24 hours.
    CountInDay(usize, usize),
    /// At least so many purchases in 30 days.
    PurchasesInMonth(usize),
    /// Purchases in 90 days add up to more than this.
    SumInQuarter(f64),
    /// Something in the cart and no purchase for 48 hours.
    CartLeft,
}

/// `count` segments, a fifth of each kind.
pub(crate) fn segments(count: usize) -> Vec<Segment> {
    let mut random = Random(7);
    (0..count)
        .map(|place| {
            let attribute = random.below(ATTRIBUTES) as usize;
            let least = random.below(1_000_000) as f64 / 1_000.0;
            let kind = match place % 5 {
                0 => Kind::Attribute(
                    random.below(ATTRIBUTES) as usize,
                    random.below(1_000_000) as f64 / 1_000.0,
                ),
                1 => Kind::CountInDay(random.below(6) as usize, 1 + random.below(5) as usize),
                2 => Kind::PurchasesInMonth(1 + random.below(8) as usize),
                3 => Kind::SumInQuarter(random.below(500_000) as f64 / 1_000.0),
                _ => Kind::CartLeft,
            };
            Segment { kind, attribute, least }
        })
        .collect()
}

/// The catalog with these segments.
pub(crate) fn catalog(segments: &[Segment]) -> Catalog {
    let mut text = String::from("schema = 1\n[attributes]\n");
    for attribute in 0..ATTRIBUTES {
        let _ = writeln!(text, "a{attribute} = \"float\"");
    }
    for event in EVENTS {
        let _ = writeln!(text, "[events.\"{event}\"]\ntotal = \"float\"");
    }
    text.push_str("[segments]\n");
    for (place, segment) in segments.iter().enumerate() {
        let condition = match segment.kind {
            Kind::Attribute(other, most) => format!("a{other} < {most:?}"),
            Kind::CountInDay(event, least) => {
                format!("events(\"{}\").within(\"24h\").count() >= {least}", EVENTS[event])
            }
            Kind::PurchasesInMonth(least) => {
                format!("events(\"Purchased\").within(\"30d\").count() >= {least}")
            }
            Kind::SumInQuarter(least) => {
                format!("events(\"Purchased\").within(\"90d\").sum(total) > {least:?}")
            }
            Kind::CartLeft => "events(\"Added\").not_followed_by(\"Purchased\", \"48h\")".to_owned(),
        };
        let _ = writeln!(text, "s{place} = 'a{} > {:?} && {condition}'", segment.attribute, segment.least);
    }
    Catalog::from_toml(&text).unwrap_or_else(|error| panic!("{error}"))
}

/// The attributes of every customer.
pub(crate) fn attributes(customers: usize) -> Vec<Vec<f64>> {
    let mut random = Random(11);
    (0..customers)
        .map(|_| (0..ATTRIBUTES).map(|_| random.below(1_000_000) as f64 / 1_000.0).collect())
        .collect()
}

/// An endless stream of events.
pub(crate) struct Stream {
    random: Random,
    customers: u64,
    now: u64,
}

/// One event: who, which, when, how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub customer: usize,
    pub event: usize,
    pub time: Time,
    pub total: usize,
}

impl Stream {
    pub(crate) fn new(customers: usize) -> Stream {
        Stream { random: Random(13), customers: customers as u64, now: 1_767_225_600_000 }
    }

    pub(crate) fn next(&mut self) -> Event {
        let step = DAYS * 86_400_000 / (self.customers * 10);
        self.now += 1 + self.random.below(2 * step.max(1));
        Event {
            customer: self.random.below(self.customers) as usize,
            event: self.random.below(6) as usize,
            time: Time::from_millis(self.now as i64).unwrap_or_default(),
            total: self.random.below(64) as usize,
        }
    }
}

/// The amount of a purchase.
pub(crate) fn total(place: usize) -> f64 {
    place as f64 * 1.25 + 0.99
}

/// The engine with all customers' attributes set, and its prepared events by event and total.
pub(crate) fn engine(segments: &[Segment], customers: usize) -> (Workbench, Vec<Vec<Prepared>>) {
    let mut engine = Workbench::new(catalog(segments), customers);
    let start = Time::from_millis(1_767_225_600_000).unwrap_or_default();
    for (customer, values) in attributes(customers).iter().enumerate() {
        let mut message = Message::identify("c");
        for (attribute, value) in values.iter().enumerate() {
            message = message.with_trait(format!("a{attribute}"), *value);
        }
        let prepared = engine.prepare(&message).unwrap_or_else(|refusal| panic!("{refusal}"));
        engine.apply(customer, &prepared, start);
    }
    let prepare = |event: &str, place| {
        let message = Message::track("c", event).with_property("total", total(place));
        engine.prepare(&message).unwrap_or_else(|refusal| panic!("{refusal}"))
    };
    let events = EVENTS.iter().map(|event| (0..64).map(|place| prepare(event, place)).collect()).collect();
    (engine, events)
}
