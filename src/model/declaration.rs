//! The catalog as it is written: every definition, each text with the place it came from.
//!
//! These types are what a catalog says, whichever language it is written in. They are filled from TOML
//! or JSON by [`catalog`](crate::catalog), which also owns the list of keys and the JSON Schema, and
//! checked by [`rules`](crate::rules).

use std::fmt;

use serde::Serialize;

use crate::base::source_text::{Span, Spanned, Text};
use crate::base::time::{Duration, Time};
use crate::model::import_mapping::ImportMapping;
use crate::model::published::Published;
use crate::model::value::{Type, Value};

/// A named declaration.
#[derive(Clone, Debug)]
pub(crate) struct Named<T> {
    /// Its name, where it was written.
    pub(crate) name: Spanned<String>,
    /// What is declared.
    pub(crate) body: T,
}

/// A whole catalog, of one file or of a folder of them; declarations in the order written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declarations {
    pub(crate) strict: bool,
    pub(crate) max_skew: Option<Duration>,
    pub(crate) entries_per_aggregate: Option<u32>,
    pub(crate) attributes: Vec<Named<FieldDeclaration>>,
    /// Rules for what identifies a customer.
    pub(crate) identifiers: Vec<Named<IdentifierDeclaration>>,
    pub(crate) events: Vec<Named<Vec<Named<FieldDeclaration>>>>,
    /// What a call may say beside who asks.
    pub(crate) context: Vec<Named<ContextDeclaration>>,
    /// What customers consent to.
    pub(crate) purposes: Vec<Named<PurposeDeclaration>>,
    /// How much longer messages are kept than the windows reach back.
    pub(crate) history_margin: Option<Kept>,
    /// How long messages of an event are kept.
    pub(crate) kept_events: Vec<Named<Kept>>,
    pub(crate) computed: Vec<Named<Text>>,
    pub(crate) segments: Vec<Named<SegmentDeclaration>>,
    pub(crate) experiments: Vec<Named<ExperimentDeclaration>>,
    pub(crate) holdouts: Vec<Named<HoldoutDeclaration>>,
    /// Caps that several offers share.
    pub(crate) caps: Vec<Named<SharedCapDeclaration>>,
    /// Events by which customers buy something.
    pub(crate) purchases: Vec<Named<PurchaseDeclaration>>,
    /// Computed attributes that say in which part of the population a customer is.
    pub(crate) quantiles: Vec<Named<QuantileDeclaration>>,
    pub(crate) rfm: Option<RfmDeclaration>,
    /// Computed attributes that are sums of points.
    pub(crate) scores: Vec<Named<ScoreDeclaration>>,
    /// Computed attributes that score items.
    pub(crate) affinities: Vec<Named<AffinityDeclaration>>,
    /// What is counted over all customers.
    pub(crate) crowds: Vec<Named<CrowdDeclaration>>,
    pub(crate) personalizations: Vec<Named<PersonalizationDeclaration>>,
    pub(crate) placements: Vec<Named<PlacementDeclaration>>,
    pub(crate) goals: Vec<Named<GoalDeclaration>>,
    /// How rows of files become messages.
    pub(crate) imports: Vec<Named<ImportDeclaration>>,
    /// What is published beside the catalog.
    pub(crate) published: Published,
    /// Names of what was declared with a mistake and is not above: they are not unknown.
    pub(crate) left_out: Vec<String>,
}

/// An attribute, or a property of an event.
#[derive(Clone, Debug)]
pub(crate) struct FieldDeclaration {
    pub(crate) ty: Type,
    /// The only values allowed, if any are listed; each fits the type.
    pub(crate) values: Vec<Value>,
    /// The value of an attribute that was never set.
    pub(crate) default: Option<Value>,
    /// Whether its value names one profile (attributes only).
    pub(crate) identifier: bool,
    /// Whether it is withheld from decisions that do not name it, if it is an attribute; and does not stay
    /// when a customer is made anonymous.
    pub(crate) sensitive: bool,
    /// Whether an event without it is refused (properties only).
    pub(crate) required: bool,
}

impl FieldDeclaration {
    /// A declaration that says no more than the type.
    pub(crate) fn of(ty: Type) -> FieldDeclaration {
        FieldDeclaration {
            ty,
            values: Vec::new(),
            default: None,
            identifier: false,
            sensitive: false,
            required: false,
        }
    }
}

/// Something that a call may say of where and how is asked.
#[derive(Clone, Debug)]
pub(crate) struct ContextDeclaration {
    pub(crate) field: FieldDeclaration,
    /// Whether exposures keep it.
    pub(crate) recorded: bool,
}

/// What identifies a customer, and what does not.
#[derive(Clone, Debug)]
pub(crate) struct IdentifierDeclaration {
    pub(crate) case: Option<Case>,
    pub(crate) spaces: Option<Spaces>,
    /// Values that identify nobody.
    pub(crate) blocked: Vec<String>,
    /// Patterns of values that identify nobody.
    pub(crate) blocked_patterns: Vec<Spanned<String>>,
    /// Most identifiers of this kind that one profile may have.
    pub(crate) limit: Option<u32>,
}

/// What needs the customer's consent to one purpose: names of attributes and events.
#[derive(Clone, Debug)]
pub(crate) struct PurposeDeclaration {
    pub(crate) attributes: Vec<Spanned<String>>,
    pub(crate) events: Vec<Spanned<String>>,
}

/// How long messages are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    For(Duration),
    Forever,
}

/// Whether upper and lower case are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Keep,
    Ignore,
}

/// What becomes of spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spaces {
    Keep,
    /// Those before and after do not count.
    Trim,
    /// None count.
    Remove,
}

/// A segment: a condition, or a list of ids, which others may be published in the place of.
#[derive(Clone, Debug)]
pub(crate) enum SegmentDeclaration {
    Condition(Text),
    Members(Vec<String>),
}

/// How ids are turned into places among variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) enum Algorithm {
    /// XXH3 of the salt, with its length before it, and the id.
    #[default]
    Habitue,
    /// FNV-1a of the id and the salt, in thousandths.
    GrowthBook1,
    /// FNV-1a of the decimal FNV-1a of the salt and the id, in ten-thousandths.
    GrowthBook2,
    /// MurmurHash3 of the salt, a colon and the id: once for whether to take part, in hundredths, and once for
    /// the variant, in parts of all weights.
    Unleash,
}

/// An experiment: variants, and who is given which.
#[derive(Clone, Debug)]
pub(crate) struct ExperimentDeclaration {
    pub(crate) algorithm: Algorithm,
    /// What is hashed with the id; the experiment's name if left out.
    pub(crate) salt: Option<String>,
    /// What is hashed with the id for whether to take part; Unleash calls it the group id.
    pub(crate) traffic_salt: Option<Spanned<String>>,
    /// `profile`, `userId`, `anonymousId`, or an attribute.
    pub(crate) unit: Option<Spanned<String>>,
    /// Which part of the units takes part, in percent.
    pub(crate) traffic: Spanned<f64>,
    /// Who takes part.
    pub(crate) when: Option<Text>,
    /// From when on, and until when.
    pub(crate) from: Option<Time>,
    pub(crate) until: Option<Spanned<Time>>,
    /// The share that it has of an exclusive group.
    pub(crate) group: Option<Spanned<ShareDeclaration>>,
    pub(crate) variants: Vec<VariantDeclaration>,
    /// Units that are given a variant by name.
    pub(crate) forced: Vec<(String, Spanned<String>)>,
}

/// A variant and its weight beside others'.
#[derive(Clone, Debug)]
pub(crate) struct VariantDeclaration {
    pub(crate) name: Spanned<String>,
    pub(crate) weight: Spanned<f64>,
}

/// A share of an exclusive group, in percent: from, and up to without it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ShareDeclaration {
    pub(crate) group: String,
    pub(crate) from: f64,
    pub(crate) until: f64,
}

/// Customers from whom offers and experiments are withheld, so that there is something to compare with.
#[derive(Clone, Debug)]
pub(crate) struct HoldoutDeclaration {
    pub(crate) percent: Spanned<f64>,
    pub(crate) salt: Option<String>,
    pub(crate) unit: Option<Spanned<String>>,
    /// What is withheld; everything, if neither is said.
    pub(crate) personalizations: Option<Vec<Spanned<String>>>,
    pub(crate) experiments: Option<Vec<Spanned<String>>>,
}

/// How often something may be shown.
#[derive(Clone, Debug)]
pub(crate) struct CapDeclaration {
    /// So many times at most.
    pub(crate) most: Spanned<u32>,
    pub(crate) window: CapWindow,
}

/// In how long.
#[derive(Clone, Debug)]
pub(crate) enum CapWindow {
    Within(Duration),
    /// So many calendar days, in a zone.
    Days(i64, String),
}

/// How often any of some offers may be shown.
#[derive(Clone, Debug)]
pub(crate) struct SharedCapDeclaration {
    pub(crate) cap: CapDeclaration,
    /// Of these personalizations; of all, if nothing is said.
    pub(crate) personalizations: Option<Vec<Spanned<String>>>,
    /// Offers of these names; all, if nothing is said.
    pub(crate) offers: Option<Vec<Spanned<String>>>,
}

/// Which properties of an event say what was bought.
#[derive(Clone, Debug)]
pub(crate) struct PurchaseDeclaration {
    /// A list of maps, of which these are fields.
    pub(crate) list: Option<Spanned<String>>,
    pub(crate) product: Option<Spanned<String>>,
    pub(crate) category: Option<Spanned<String>>,
}

/// How rows of a file become messages, and where that is said.
#[derive(Clone, Debug)]
pub(crate) struct ImportDeclaration {
    pub(crate) mapping: ImportMapping,
    /// The attributes or properties that columns become.
    pub(crate) targets: Vec<Spanned<String>>,
    /// Where the event is named, or else the mapping.
    pub(crate) span: Span,
    /// Where it is said how times are written.
    pub(crate) times: Span,
}

/// What is counted over all customers.
#[derive(Clone, Debug)]
pub(crate) struct CrowdDeclaration {
    pub(crate) event: Spanned<String>,
    /// A list of maps, of which the item is a field.
    pub(crate) list: Option<Spanned<String>>,
    pub(crate) item: Spanned<String>,
    /// The properties that make the context.
    pub(crate) by: Vec<Spanned<String>>,
    /// A time zone, and the hours at which a part of its day begins.
    pub(crate) hours: Option<(Spanned<String>, Vec<u8>)>,
    pub(crate) half_life: Duration,
    /// The shorter half-life for trends.
    pub(crate) trending: Option<Spanned<Duration>>,
    pub(crate) together: bool,
    pub(crate) keep: u32,
    pub(crate) contexts: u32,
    /// Of how many items it is kept what is bought together with them.
    pub(crate) items: u32,
    /// From how many customers a list has to come.
    pub(crate) people: u32,
}

/// What an offer is not shown to the buyers of.
#[derive(Clone, Debug)]
pub(crate) struct BoughtDeclaration {
    pub(crate) products: Vec<Value>,
    pub(crate) categories: Vec<Value>,
    /// How long ago it may have been; ever, if nothing is said.
    pub(crate) within: Option<Duration>,
    pub(crate) span: Span,
}

/// In words: `at most 2 within 1d`.
impl fmt::Display for CapDeclaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} ", self.most.value)?;
        match &self.window {
            CapWindow::Within(length) => write!(f, "within {length}"),
            CapWindow::Days(1, zone) => write!(f, "in a calendar day of {zone}"),
            CapWindow::Days(days, zone) => write!(f, "in {days} calendar days of {zone}"),
        }
    }
}

/// In words: `unless bought within 365d: "e-bikes"`.
impl fmt::Display for BoughtDeclaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unless bought")?;
        self.within.iter().try_for_each(|within| write!(f, " within {within}"))?;
        let mut between = ": ";
        for bought in self.products.iter().chain(&self.categories) {
            write!(f, "{}{bought}", std::mem::replace(&mut between, ", "))?;
        }
        Ok(())
    }
}

/// In which of so many equal parts of the population a customer is, by some value.
#[derive(Clone, Debug)]
pub(crate) struct QuantileDeclaration {
    pub(crate) value: Text,
    /// Who is counted.
    pub(crate) of: Option<Text>,
    pub(crate) parts: u32,
    /// By how much of the population, in percent, a cut-point may be off before it is moved.
    pub(crate) tolerance: f64,
}

/// Points that are added up, each given by a condition.
#[derive(Clone, Debug)]
pub(crate) struct ScoreDeclaration {
    /// The conditions, with an int or a float each.
    pub(crate) rows: Vec<(Text, Value)>,
    /// The least and the greatest that it can be.
    pub(crate) min: Option<Value>,
    pub(crate) max: Option<Value>,
    pub(crate) span: Span,
}

/// Scores of items, by the events that have to do with them.
#[derive(Clone, Debug)]
pub(crate) struct AffinityDeclaration {
    /// In which every score is halved.
    pub(crate) half_life: Duration,
    /// What each event adds.
    pub(crate) events: Vec<Named<AffinityEvent>>,
}

/// What an event adds to an affinity.
#[derive(Clone, Debug)]
pub(crate) struct AffinityEvent {
    /// The property with the list whose elements have the items and weights, if the event has not.
    pub(crate) list: Option<Spanned<String>>,
    pub(crate) item: Spanned<String>,
    pub(crate) weight: WeightDeclaration,
}

/// How much an event adds to an item.
#[derive(Clone, Debug)]
pub(crate) enum WeightDeclaration {
    /// Always this number.
    Times(Value),
    /// What a property says, or a field of the list's elements.
    Named(Spanned<String>),
}

/// How customers are rated by when, how often and for how much they bought.
#[derive(Clone, Debug)]
pub(crate) struct RfmDeclaration {
    pub(crate) span: Span,
    /// The event of a purchase, and the property with what was paid.
    pub(crate) event: Option<String>,
    pub(crate) value: Option<String>,
    /// How long ago purchases count.
    pub(crate) within: Option<Duration>,
    pub(crate) recency: Option<Text>,
    pub(crate) frequency: Option<Text>,
    pub(crate) monetary: Option<Text>,
    pub(crate) of: Option<Text>,
    pub(crate) tolerance: f64,
}

/// How a personalization chooses among its offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The qualifying offer of the greatest priority; of equals, the one written first.
    #[default]
    First,
    /// All qualifying offers, in that order.
    All,
    /// The qualifying offer of the greatest score; of equals, as `first`.
    Best,
}

/// A personalization.
#[derive(Clone, Debug)]
pub(crate) struct PersonalizationDeclaration {
    /// The event whose properties its conditions may read as `event.x`.
    pub(crate) on: Option<Spanned<String>>,
    /// Attributes returned with the decision.
    pub(crate) attributes: Vec<Spanned<String>>,
    pub(crate) strategy: Strategy,
    /// How many offers are shown at most.
    pub(crate) most: Option<usize>,
    pub(crate) fallback: Option<FallbackDeclaration>,
    pub(crate) offers: Vec<OfferDeclaration>,
}

/// Personalizations that are decided together.
#[derive(Clone, Debug)]
pub(crate) struct PlacementDeclaration {
    /// In this order.
    pub(crate) personalizations: Vec<Spanned<String>>,
    /// How many offers are shown at most, of all of them.
    pub(crate) most: Option<usize>,
}

/// What is hoped for of a customer who was shown something.
#[derive(Clone, Debug)]
pub(crate) struct GoalDeclaration {
    pub(crate) event: Spanned<String>,
    /// Which of these events, by their properties.
    pub(crate) filter: Option<Text>,
    /// How soon after an exposure.
    pub(crate) within: Duration,
    /// The property that says what one is worth.
    pub(crate) value: Option<Spanned<String>>,
}

/// What is shown if no offer qualifies.
#[derive(Clone, Debug)]
pub(crate) struct FallbackDeclaration {
    pub(crate) name: Spanned<String>,
    pub(crate) text: Option<Text>,
}

/// One offer.
#[derive(Clone, Debug)]
pub(crate) struct OfferDeclaration {
    pub(crate) name: Spanned<String>,
    /// The condition; left out, the offer always qualifies.
    pub(crate) when: Option<Text>,
    /// From when on, and until when.
    pub(crate) from: Option<Time>,
    pub(crate) until: Option<Spanned<Time>>,
    pub(crate) caps: Vec<CapDeclaration>,
    /// How often it may be shown in all.
    pub(crate) stock: Option<u64>,
    pub(crate) unless_bought: Option<BoughtDeclaration>,
    /// Higher wins.
    /// 0 if nobody wrote one.
    pub(crate) priority: Option<Spanned<i64>>,
    /// A number expression, for the strategy `best`.
    pub(crate) score: Option<Text>,
    /// Of offers with one of these in common, one is shown at a time.
    pub(crate) groups: Vec<String>,
    /// A template.
    pub(crate) text: Option<Text>,
}
