//! The grocer's sample, in the program itself: one year of purchases, read into messages.
//!
//! The tables of `examples/grocer` are part of the binary, so the demo needs no file and no network.
//! Rows are kept as read and become messages one at a time: 267,408 messages at once would be some
//! hundred megabytes of JSON. The test `tests/grocer.rs` includes this file, so that the demo and the
//! independent check see the same messages.
//!
//! Invariants:
//! 1. Messages come in the order of their timestamps.
//! 2. At the same instant, what leads to a purchase comes before it: traits, campaigns, coupons, the
//!    lines of a basket, and last the order, so that a decision asked by the order sees its lines.

use std::collections::HashMap;

use flate2::read::GzDecoder;
use habitue::{Message, Time};
use serde::de::DeserializeOwned;

/// The catalog of the grocer, as TOML text.
pub(crate) const CATALOG: &str = include_str!("../../../../examples/grocer/catalog.toml");

const HOUSEHOLDS: &[u8] = include_bytes!("../../../../examples/grocer/households.csv.gz");
const BASKETS: &[u8] = include_bytes!("../../../../examples/grocer/baskets.csv.gz");
const LINES: &[u8] = include_bytes!("../../../../examples/grocer/lines.csv.gz");
const PRODUCTS: &[u8] = include_bytes!("../../../../examples/grocer/products.csv.gz");
const CAMPAIGNS: &[u8] = include_bytes!("../../../../examples/grocer/campaigns.csv.gz");
const REDEMPTIONS: &[u8] = include_bytes!("../../../../examples/grocer/redemptions.csv.gz");

/// When the traits of every household are said to be known.
const TRAITS_FROM: &str = "2017-01-01T00:00:00Z";

/// The tables of the sample, and the order of the messages that their rows are.
pub(crate) struct Sample {
    households: Vec<Household>,
    baskets: Vec<Basket>,
    lines: Vec<Line>,
    products: HashMap<String, Product>,
    campaigns: Vec<Campaign>,
    redemptions: Vec<Redemption>,
    order: Vec<(Time, Row)>,
}

/// One row of one table; the order of the variants is invariant 2.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Row {
    Household(usize),
    Campaign(usize),
    Redemption(usize),
    Line { basket: usize, line: usize, number: usize },
    Basket(usize),
}

/// A household's id and traits, by the names of the columns; unknown ones are left out.
struct Household {
    id: String,
    traits: Vec<(String, String)>,
}

#[derive(serde::Deserialize)]
struct Basket {
    order_id: String,
    household_id: String,
    store_id: String,
    time: String,
    lines: usize,
    quantity: i64,
    total: f64,
    coupon_discount: f64,
}

#[derive(serde::Deserialize)]
struct Line {
    order_id: String,
    product_id: String,
    quantity: i64,
    value: f64,
}

#[derive(serde::Deserialize)]
struct Product {
    product_id: String,
    department: Option<String>,
    category: Option<String>,
    brand: Option<String>,
}

#[derive(serde::Deserialize)]
struct Campaign {
    campaign_id: String,
    campaign_type: String,
    start_date: String,
    household_id: String,
}

#[derive(serde::Deserialize)]
struct Redemption {
    household_id: String,
    coupon_upc: String,
    campaign_id: String,
    date: String,
}

impl Sample {
    /// Unpacks the tables.
    ///
    /// # Errors
    /// If a table does not read as its README says, which is a fault of the build.
    pub(crate) fn read() -> Result<Sample, String> {
        let products = rows::<Product>("products", PRODUCTS)?;
        let mut sample = Sample {
            households: households()?,
            baskets: rows("baskets", BASKETS)?,
            lines: rows("lines", LINES)?,
            products: products.into_iter().map(|product| (product.product_id.clone(), product)).collect(),
            campaigns: rows("campaigns", CAMPAIGNS)?,
            redemptions: rows("redemptions", REDEMPTIONS)?,
            order: Vec::new(),
        };
        sample.order = sample.put_in_order()?;
        Ok(sample)
    }

    /// How many messages there are.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// All messages with their timestamps, in order of time.
    pub(crate) fn messages(&self) -> impl Iterator<Item = (Time, Message)> + '_ {
        self.order.iter().map(|&(time, row)| (time, self.message(row).with_timestamp(time)))
    }

    fn put_in_order(&self) -> Result<Vec<(Time, Row)>, String> {
        let mut order = Vec::with_capacity(self.lines.len() + 2 * self.baskets.len());
        let traits_from = moment(TRAITS_FROM)?;
        for (index, household) in self.households.iter().enumerate() {
            if !household.traits.is_empty() {
                order.push((traits_from, Row::Household(index)));
            }
        }
        for (index, campaign) in self.campaigns.iter().enumerate() {
            order.push((moment(&campaign.start_date)?, Row::Campaign(index)));
        }
        for (index, redemption) in self.redemptions.iter().enumerate() {
            order.push((moment(&redemption.date)?, Row::Redemption(index)));
        }
        let mut line = 0;
        for (index, basket) in self.baskets.iter().enumerate() {
            let time = moment(&basket.time)?;
            for number in 1..=basket.lines {
                if self.lines.get(line).is_none_or(|line| line.order_id != basket.order_id) {
                    return Err(format!(
                        "lines.csv.gz: line {number} of order {} is missing",
                        basket.order_id
                    ));
                }
                order.push((time, Row::Line { basket: index, line, number }));
                line += 1;
            }
            order.push((time, Row::Basket(index)));
        }
        order.sort();
        Ok(order)
    }

    fn message(&self, row: Row) -> Message {
        match row {
            Row::Household(index) => self.households[index].message(),
            Row::Campaign(index) => self.campaigns[index].message(),
            Row::Redemption(index) => self.redemptions[index].message(),
            Row::Basket(index) => self.baskets[index].message(),
            Row::Line { basket, line, number } => {
                let line = &self.lines[line];
                let product = self.products.get(&line.product_id);
                line.message(&self.baskets[basket].household_id, number, product)
            }
        }
    }
}

impl Household {
    fn message(&self) -> Message {
        let message = Message::identify(customer(&self.id)).with_id(format!("traits-{}", self.id));
        self.traits.iter().fold(message, |message, (name, value)| message.with_trait(name, value.as_str()))
    }
}

impl Basket {
    fn message(&self) -> Message {
        Message::track(customer(&self.household_id), "Order Completed")
            .with_id(format!("order-{}", self.order_id))
            .with_property("order_id", self.order_id.as_str())
            .with_property("store_id", self.store_id.as_str())
            .with_property("total", self.total)
            .with_property("quantity", self.quantity)
            .with_property("coupon_discount", self.coupon_discount)
    }
}

impl Line {
    fn message(&self, household_id: &str, number: usize, product: Option<&Product>) -> Message {
        let message = Message::track(customer(household_id), "Product Purchased")
            .with_id(format!("line-{}-{number}", self.order_id))
            .with_property("order_id", self.order_id.as_str())
            .with_property("product_id", self.product_id.as_str())
            .with_property("quantity", self.quantity)
            .with_property("value", self.value);
        let Some(product) = product else { return message };
        let described =
            [("department", &product.department), ("category", &product.category), ("brand", &product.brand)];
        described.into_iter().fold(message, |message, (name, value)| match value {
            Some(value) => message.with_property(name, value.as_str()),
            None => message,
        })
    }
}

impl Campaign {
    fn message(&self) -> Message {
        Message::track(customer(&self.household_id), "Campaign Received")
            .with_id(format!("campaign-{}-{}", self.campaign_id, self.household_id))
            .with_property("campaign_id", self.campaign_id.as_str())
            .with_property("campaign_type", self.campaign_type.as_str())
    }
}

impl Redemption {
    fn message(&self) -> Message {
        let Redemption { household_id, coupon_upc, campaign_id, date } = self;
        Message::track(customer(household_id), "Coupon Redeemed")
            .with_id(format!("coupon-{household_id}-{coupon_upc}-{campaign_id}-{date}"))
            .with_property("coupon_upc", coupon_upc.as_str())
            .with_property("campaign_id", campaign_id.as_str())
    }
}

/// The user id of a household.
fn customer(household_id: &str) -> String {
    format!("household-{household_id}")
}

/// Reads a time of the tables, all UTC: RFC 3339, `2017-01-01 15:36:24`, or a day that means its start.
fn moment(text: &str) -> Result<Time, String> {
    let full = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        19 => format!("{}Z", text.replace(' ', "T")),
        _ => text.to_owned(),
    };
    Time::parse(&full).map_err(|error| error.to_string())
}

fn rows<T: DeserializeOwned>(name: &str, packed: &[u8]) -> Result<Vec<T>, String> {
    let mut reader = csv::Reader::from_reader(GzDecoder::new(packed));
    reader.deserialize().collect::<Result<_, _>>().map_err(|error| format!("{name}.csv.gz: {error}"))
}

fn households() -> Result<Vec<Household>, String> {
    let rows: Vec<HashMap<String, String>> = rows("households", HOUSEHOLDS)?;
    let household = |mut row: HashMap<String, String>| {
        let id = row.remove("household_id").ok_or("households.csv.gz: no column `household_id`")?;
        let traits = row.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        Ok(Household { id, traits })
    };
    rows.into_iter().map(household).collect()
}
