//! The JSON Schema of a catalog, for editors and other programs that write catalogs.
//!
//! The types here exist only to derive the schema from, with their comments as its descriptions. The
//! decoder does not use them, because `serde` keeps no places and stops at the first error; instead a
//! test holds the keys of each type against [`shape`](super::shape), which the decoder reads by.
//!
//! Invariants:
//! 1. Every table refuses keys that it does not list, but for those whose keys are names.
//! 2. What the schema refuses, the decoder refuses; the decoder refuses more (such as `of` of an int).
//!    The one exception is `1.0`, which is an integer to JSON Schema and a float to the decoder.

#![expect(dead_code, reason = "the types are never built, only their schema is")]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value as Json, json};

use super::crowd_schema::Crowd;
use super::naming::RESERVED;
use super::offers_schema::{Goal, Personalization, Placement, Purchase, SharedCap};
use super::quantiles_schema::{Affinity, Quantile, Rfm, Score};
use crate::base::limits::{MAX_ENTRIES_PER_AGGREGATE, MAX_IDENTIFIERS, MAX_NAME_BYTES};

/// The JSON Schema (draft 2020-12) of a catalog, or of one file of a catalog folder.
pub fn json_schema() -> Json {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Catalog>();
    let mut schema = schema.to_value();
    without_null(&mut schema);
    schema
}

/// Turns "this or null", as `Option` is described, into "this": a key may be left out, but not be null.
fn without_null(schema: &mut Json) {
    if let Some(any) = schema.get_mut("anyOf").and_then(Json::as_array_mut) {
        any.retain(|choice| *choice != json!({ "type": "null" }));
    }
    if let Some(Json::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
    }
    match schema {
        Json::Object(entries) => entries.values_mut().for_each(without_null),
        Json::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// Names that conditions use without quotes.
fn bare_names() -> Json {
    json!({ "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "maxLength": MAX_NAME_BYTES, "not": { "enum": RESERVED } })
}

/// Names that are always quoted.
pub(super) fn quoted_names() -> Json {
    json!({ "pattern": "\\S", "maxLength": MAX_NAME_BYTES })
}

/// A Habitue catalog: what is known of customers, which segments they are in, what they are shown.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, title = "Habitue catalog")]
struct Catalog {
    /// The version of this format: 1. A folder's catalog says it in at least one file.
    #[schemars(range(min = 1, max = 1))]
    schema: Option<i64>,
    /// Whether undeclared events, properties and attributes are refused.
    strict: Option<bool>,
    /// How far ahead of the clock a message may be, such as `5m` (the default).
    max_skew: Option<DurationText>,
    /// Bounds on what is kept.
    limits: Option<Limits>,
    /// What is known of a customer, by name.
    #[schemars(extend("propertyNames" = bare_names()))]
    attributes: Option<BTreeMap<String, Attribute>>,
    /// Rules for what identifies a customer: `userId`, `anonymousId`, and attributes that are identifiers.
    identifiers: Option<BTreeMap<String, IdentifierRule>>,
    /// What customers do: the properties of each event.
    #[schemars(extend("propertyNames" = quoted_names()))]
    events: Option<BTreeMap<String, Event>>,
    /// What a call may say of where and how is asked, by name.
    #[schemars(extend("propertyNames" = quoted_names()))]
    context: Option<BTreeMap<String, Context>>,
    /// What customers consent to, by name.
    #[schemars(extend("propertyNames" = quoted_names()))]
    purposes: Option<BTreeMap<String, Purpose>>,
    /// How long messages are kept.
    history: Option<History>,
    /// Attributes that are computed from events and other attributes, as expressions.
    #[schemars(extend("propertyNames" = bare_names()))]
    computed: Option<BTreeMap<String, Computed>>,
    /// Sets of customers, by a condition or a list.
    #[schemars(extend("propertyNames" = bare_names()))]
    segments: Option<BTreeMap<String, Segment>>,
    /// Experiments: who is given which variant.
    #[schemars(extend("propertyNames" = quoted_names()))]
    experiments: Option<BTreeMap<String, Experiment>>,
    /// Customers from whom offers and experiments are withheld.
    #[schemars(extend("propertyNames" = quoted_names()))]
    holdouts: Option<BTreeMap<String, Holdout>>,
    /// Caps that several offers share.
    #[schemars(extend("propertyNames" = quoted_names()))]
    caps: Option<BTreeMap<String, SharedCap>>,
    /// Events by which customers buy something, by their names.
    #[schemars(extend("propertyNames" = quoted_names()))]
    purchases: Option<BTreeMap<String, Purchase>>,
    /// Computed attributes that say in which part of the population a customer is.
    #[schemars(extend("propertyNames" = bare_names()))]
    quantiles: Option<BTreeMap<String, Quantile>>,
    /// Ratings of customers by when, how often and for how much they bought.
    rfm: Option<Rfm>,
    /// Computed attributes that are sums of points.
    #[schemars(extend("propertyNames" = bare_names()))]
    scores: Option<BTreeMap<String, Score>>,
    /// Computed attributes that score items: what a customer is drawn to.
    #[schemars(extend("propertyNames" = bare_names()))]
    affinities: Option<BTreeMap<String, Affinity>>,
    /// What is counted over all customers: popular and trending items, and what is bought together.
    #[schemars(extend("propertyNames" = quoted_names()))]
    crowd: Option<BTreeMap<String, Crowd>>,
    /// Decisions on what to show.
    #[schemars(extend("propertyNames" = quoted_names()))]
    personalizations: Option<BTreeMap<String, Personalization>>,
    /// Personalizations that are decided together, by name.
    #[schemars(extend("propertyNames" = quoted_names()))]
    placements: Option<BTreeMap<String, Placement>>,
    /// What is hoped for of customers who were shown something, by name.
    #[schemars(extend("propertyNames" = quoted_names()))]
    goals: Option<BTreeMap<String, Goal>>,
    /// How rows of files become messages, by the names that `habitue import --mapping` is given.
    #[schemars(extend("propertyNames" = quoted_names()))]
    imports: Option<BTreeMap<String, Import>>,
}

/// A length of time: `60s`, `90m`, `24h`, `7d`, `2w`, or a sum such as `1d12h`.
#[derive(JsonSchema)]
pub(super) struct DurationText(#[schemars(regex(pattern = r"^([0-9]+(ms|s|m|h|d|w))+$"))] String);

/// How long messages are kept: afterwards summaries of them are.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct History {
    /// How much longer than the catalog's windows reach back; `400d` if left out.
    margin: Option<KeptText>,
    /// How long the messages of an event are kept, by its name.
    #[schemars(extend("propertyNames" = quoted_names()))]
    keep: Option<BTreeMap<String, KeptText>>,
}

/// A length of time, such as `90d`, or `forever`.
#[derive(JsonSchema)]
struct KeptText(#[schemars(regex(pattern = r"^(forever|([0-9]+(ms|s|m|h|d|w))+)$"))] String);

/// Bounds on what is kept.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Limits {
    /// Most log entries that one aggregate keeps for one profile; 10000 if left out.
    #[schemars(range(min = 1, max = MAX_ENTRIES_PER_AGGREGATE))]
    entries_per_aggregate: Option<u32>,
}

/// The name of a type.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum TypeName {
    /// True or false.
    Bool,
    /// A whole number of 64 bits.
    Int,
    /// A number of 64 bits.
    Float,
    /// Text.
    String,
    /// An instant: RFC 3339 text or epoch milliseconds.
    Time,
    /// A list, of anything unless `of` says of what.
    List,
    /// A map, of anything unless `of` or `fields` say of what.
    Map,
}

/// An attribute: a type, or a table with more to say.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Attribute {
    Type(TypeName),
    Table(AttributeTable),
}

/// An attribute.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct AttributeTable {
    /// The type of its values.
    r#type: TypeName,
    /// What a list or map holds.
    of: Option<Element>,
    /// The fields of a map.
    fields: Option<Record>,
    /// The only values allowed.
    values: Option<Values>,
    /// The value of an attribute that was never set.
    default: Option<Json>,
    /// Whether its value names one customer.
    identifier: Option<bool>,
    /// Whether it is withheld from decisions that do not name it, and goes when a customer is made anonymous.
    sensitive: Option<bool>,
    /// For people.
    description: Option<String>,
}

/// What identifies a customer, and what does not.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct IdentifierRule {
    /// Whether upper and lower case are told apart: `keep`, or `ignore`.
    case: Option<CaseName>,
    /// What becomes of spaces: `keep`, `trim` (those before and after do not count) or `remove`.
    spaces: Option<SpacesName>,
    /// Values that identify nobody.
    blocked: Option<Vec<String>>,
    /// Patterns of values that identify nobody.
    blocked_patterns: Option<Vec<String>>,
    /// Most of this kind that one profile may have; one more does not identify it.
    #[schemars(range(min = 1, max = MAX_IDENTIFIERS))]
    limit: Option<u32>,
    /// For people.
    description: Option<String>,
}

/// Whether upper and lower case are told apart.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum CaseName {
    Keep,
    Ignore,
}

/// What becomes of spaces.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum SpacesName {
    Keep,
    Trim,
    Remove,
}

/// What counts only with the customer's consent to one purpose.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Purpose {
    /// Names of attributes that are missing without it.
    attributes: Option<Vec<Name>>,
    /// Names of events that do not count without it.
    events: Option<Vec<Name>>,
    /// For people.
    description: Option<String>,
}

/// The properties of an event, by name.
#[derive(JsonSchema)]
#[schemars(extend("propertyNames" = quoted_names()))]
struct Event(BTreeMap<String, Property>);

/// A property: a type, or a table with more to say.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Property {
    Type(TypeName),
    Table(PropertyTable),
}

/// A property of an event.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct PropertyTable {
    /// The type of its values.
    r#type: TypeName,
    /// What a list or map holds.
    of: Option<Element>,
    /// The fields of a map.
    fields: Option<Record>,
    /// The only values allowed.
    values: Option<Values>,
    /// Whether an event without it is refused.
    required: Option<bool>,
    /// Whether it goes when a customer is made anonymous.
    sensitive: Option<bool>,
    /// For people.
    description: Option<String>,
}

/// Something that a call may say: a type, or a table with more to say.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Context {
    Type(TypeName),
    Table(ContextTable),
}

/// Something that a call may say.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ContextTable {
    /// The type of its values.
    r#type: TypeName,
    /// What a list or map holds.
    of: Option<Element>,
    /// The fields of a map.
    fields: Option<Record>,
    /// The only values allowed.
    values: Option<Values>,
    /// Whether exposures keep it; not if left out.
    recorded: Option<bool>,
    /// For people.
    description: Option<String>,
}

/// The type of an element or field: a type, or a table with more to say.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Element {
    Type(TypeName),
    Table(Box<ElementTable>),
}

/// The type of an element or field.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ElementTable {
    /// The type of its values.
    r#type: TypeName,
    /// What a list or map holds.
    of: Option<Element>,
    /// The fields of a map.
    fields: Option<Record>,
    /// For people.
    description: Option<String>,
}

/// The fields of a map, by name.
#[derive(JsonSchema)]
#[schemars(extend("propertyNames" = quoted_names()))]
struct Record(BTreeMap<String, Element>);

/// The only values allowed: a bool, number, text or time each.
#[derive(JsonSchema)]
struct Values(#[schemars(length(min = 1))] Vec<Scalar>);

/// A value that is no list and no map.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Scalar {
    Bool(bool),
    Number(f64),
    Text(String),
}

/// A computed attribute: its expression, or a table with more to say.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Computed {
    Value(String),
    Table(ComputedTable),
}

/// A computed attribute.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ComputedTable {
    /// The expression.
    value: String,
    /// For people.
    description: Option<String>,
}

/// A segment: its condition, or a table with more to say.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Segment {
    Condition(String),
    Table(SegmentTable),
}

/// A segment: either a condition, or a list of members, or a list whose members are published.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("oneOf" = [
    { "required": ["when"] }, { "required": ["members"] }, { "required": ["list"] }
]))]
struct SegmentTable {
    /// The condition.
    when: Option<String>,
    /// The ids of its members.
    members: Option<Vec<MemberId>>,
    /// `true`: its members are published by whoever keeps the list.
    #[schemars(extend("const" = true))]
    list: Option<bool>,
    /// For people.
    description: Option<String>,
}

/// The id of a customer.
#[derive(JsonSchema)]
struct MemberId(#[schemars(length(min = 1))] String);

/// A name that is always quoted.
#[derive(JsonSchema)]
pub(super) struct Name(#[schemars(regex(pattern = r"\S"))] String);

/// How rows of a file become messages.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Import {
    /// What each row becomes: `identify` (attributes), `track` (an event) or `list` (a member).
    kind: ImportKindName,
    /// Of `track`: the name of the event.
    event: Option<Name>,
    /// Of `track`: the column with the name of the event.
    event_column: Option<Name>,
    /// Of `list`: the segment whose members are published.
    list: Option<Name>,
    /// The column with the user's id.
    user: Option<Name>,
    /// The column with the visitor's id.
    anonymous: Option<Name>,
    /// The column with an id of each row; made of what the row says if left out.
    id: Option<Name>,
    /// The column with the time.
    time: Option<Name>,
    /// How times are written, such as `%d.%m.%Y %H:%M`, or `s` or `ms` since 1970; RFC 3339 if left out.
    time_format: Option<String>,
    /// The time zone of times that are written without one, such as `Europe/Helsinki`.
    zone: Option<String>,
    /// Columns, and what the attribute or property is called that each becomes.
    columns: Option<BTreeMap<String, Name>>,
    /// Columns that are left out.
    skip: Option<Vec<Name>>,
    /// Texts that mean that there is no value; the empty text of a CSV file if left out.
    null: Option<Vec<String>>,
    /// What stands between the columns of a CSV file; what its first line has most of if left out.
    #[schemars(length(min = 1, max = 1))]
    delimiter: Option<String>,
    /// Whether rows that are alike are different events.
    repeats: Option<bool>,
    /// For people.
    description: Option<String>,
}

/// What rows become.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum ImportKindName {
    /// Attributes of a customer.
    Identify,
    /// Events.
    Track,
    /// Members of a list.
    List,
}

/// An experiment. Conditions read the variant that a customer is given as `variant("name")`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Experiment {
    /// How ids are turned into places among variants; `habitue` if left out.
    algorithm: Option<AlgorithmName>,
    /// What is hashed with the id; the experiment's name if left out.
    #[schemars(length(max = MAX_NAME_BYTES))]
    salt: Option<String>,
    /// What is hashed with the id for whether to take part, if `algorithm` is `unleash`: its group id; the salt
    /// if left out.
    #[schemars(length(max = MAX_NAME_BYTES))]
    traffic_salt: Option<String>,
    /// What is given a variant: `profile` (if left out), `userId`, `anonymousId`, or an attribute.
    unit: Option<Name>,
    /// How many percent of the units take part; all if left out.
    #[schemars(range(min = 0, max = 100))]
    traffic: Option<f64>,
    /// Who takes part, as a condition; everybody if left out.
    when: Option<String>,
    /// From when on.
    from: Option<String>,
    /// Until when, without that instant.
    until: Option<String>,
    /// The share that it has of a group of experiments that exclude each other.
    group: Option<Share>,
    /// The variants.
    #[schemars(length(min = 1))]
    variants: Vec<Variant>,
    /// Ids that are given a variant whatever they hash to, and whether they take part or not.
    forced: Option<BTreeMap<String, Name>>,
    /// For people.
    description: Option<String>,
}

/// How ids are turned into places among variants.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum AlgorithmName {
    /// This library's own.
    Habitue,
    /// That of GrowthBook with `hashVersion` 1.
    GrowthbookV1,
    /// That of GrowthBook with `hashVersion` 2.
    GrowthbookV2,
    /// That of Unleash.
    Unleash,
}

/// A variant: its name, or a table with its weight.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Variant {
    Name(Name),
    Table(VariantTable),
}

/// A variant.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct VariantTable {
    /// Its name.
    name: Name,
    /// Its weight beside others'; 1 if left out.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    weight: Option<f64>,
    /// For people.
    description: Option<String>,
}

/// A share of a group of experiments that exclude each other, in percent.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Share {
    /// The group.
    name: Name,
    /// Where the share begins.
    #[schemars(range(min = 0, max = 100))]
    from: f64,
    /// Where it ends.
    #[schemars(range(min = 0, max = 100))]
    until: f64,
}

/// Customers from whom offers and experiments are withheld, so that there is something to compare with.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Holdout {
    /// How many percent of the units.
    #[schemars(range(min = 0, max = 100))]
    percent: f64,
    /// What is hashed with the id; the holdout's name if left out.
    #[schemars(length(max = MAX_NAME_BYTES))]
    salt: Option<String>,
    /// As in an experiment.
    unit: Option<Name>,
    /// The personalizations whose offers are withheld; all, if neither these nor experiments are named.
    personalizations: Option<Vec<Name>>,
    /// The experiments that are withheld; all, if neither these nor personalizations are named.
    experiments: Option<Vec<Name>>,
    /// For people.
    description: Option<String>,
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::shape::{self, Shape};
    use crate::catalog::{CatalogText, decode};

    fn accepts(catalog: &Json) -> bool {
        let mut schemas = boon::Schemas::new();
        let mut compiler = boon::Compiler::new();
        compiler.add_resource("catalog.schema.json", json_schema()).unwrap();
        let schema = compiler.compile("catalog.schema.json", &mut schemas).unwrap();
        schemas.validate(catalog, schema).is_ok()
    }

    #[test]
    fn the_keys_are_those_of_the_decoder() {
        let schema = json_schema();
        let tables: [(&str, &Shape); 33] = [
            ("", &shape::CATALOG),
            ("/$defs/Limits", &shape::LIMITS),
            ("/$defs/AttributeTable", &shape::ATTRIBUTE),
            ("/$defs/PropertyTable", &shape::PROPERTY),
            ("/$defs/ContextTable", &shape::CONTEXT),
            ("/$defs/IdentifierRule", &shape::IDENTIFIER),
            ("/$defs/Purpose", &shape::PURPOSE),
            ("/$defs/History", &shape::HISTORY),
            ("/$defs/ElementTable", &shape::ELEMENT),
            ("/$defs/ComputedTable", &shape::COMPUTED),
            ("/$defs/SegmentTable", &shape::SEGMENT),
            ("/$defs/Experiment", &shape::EXPERIMENT),
            ("/$defs/VariantTable", &shape::VARIANT),
            ("/$defs/Share", &shape::SHARE),
            ("/$defs/Holdout", &shape::HOLDOUT),
            ("/$defs/Cap", &shape::CAP),
            ("/$defs/SharedCap", &shape::SHARED_CAP),
            ("/$defs/Purchase", &shape::PURCHASE),
            ("/$defs/Crowd", &shape::CROWD),
            ("/$defs/Hours", &shape::HOURS),
            ("/$defs/Bought", &shape::BOUGHT),
            ("/$defs/Quantile", &shape::QUANTILE),
            ("/$defs/Rfm", &shape::RFM),
            ("/$defs/Score", &shape::SCORE),
            ("/$defs/ScoreRow", &shape::SCORE_ROW),
            ("/$defs/Affinity", &shape::AFFINITY),
            ("/$defs/AffinityEvent", &shape::AFFINITY_EVENT),
            ("/$defs/Personalization", &shape::PERSONALIZATION),
            ("/$defs/Placement", &shape::PLACEMENT),
            ("/$defs/Goal", &shape::GOAL),
            ("/$defs/Fallback", &shape::FALLBACK),
            ("/$defs/Offer", &shape::OFFER),
            ("/$defs/Import", &shape::IMPORT),
        ];
        for (path, shape) in tables {
            let table = schema.pointer(path).unwrap();
            let mut described: Vec<_> = table["properties"].as_object().unwrap().keys().cloned().collect();
            let mut decoded = shape.keys.to_vec();
            described.sort();
            decoded.sort_unstable();
            assert_eq!(described, decoded, "{path}");
            assert_eq!(table["additionalProperties"], json!(false), "{path}");
        }
        let closed = schema.to_string().matches("\"additionalProperties\":false").count();
        assert_eq!(closed, tables.len(), "every table that lists keys is in the list above");
        let text = schema.to_string();
        assert!(!text.contains("\"type\":\"null\"") && !text.contains("\"null\"]}"), "{text}");
    }

    #[test]
    fn types_and_strategies_are_those_of_the_decoder() {
        let names = |path: &str| -> Vec<String> {
            let schema = json_schema();
            let choices = schema.pointer(path).unwrap()["oneOf"].as_array().unwrap().clone();
            choices.iter().map(|choice| choice["const"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names("/$defs/TypeName"), crate::catalog::types::TYPE_NAMES);
        assert_eq!(names("/$defs/StrategyName"), crate::catalog::definitions::STRATEGY_NAMES);
        assert_eq!(names("/$defs/ImportKindName"), crate::catalog::imports::KIND_NAMES);
        let algorithms = crate::catalog::experiments::ALGORITHMS.map(|(name, _)| name);
        assert_eq!(names("/$defs/AlgorithmName"), algorithms);
    }

    #[test]
    fn the_examples_are_accepted() {
        for text in [
            include_str!("../../examples/catalogs/design.json"),
            include_str!("../../examples/catalogs/design/30-offers.json"),
        ] {
            assert!(accepts(&serde_json::from_str(text).unwrap()));
        }
        for text in [
            include_str!("../../examples/catalogs/design.toml"),
            include_str!("../../examples/catalogs/design/10-facts.toml"),
            include_str!("../../examples/catalogs/design/20-rules.toml"),
        ] {
            assert!(accepts(&toml::from_str(text).unwrap()));
        }
    }

    #[test]
    fn everything_at_once_is_accepted_by_both() {
        let catalog = everything();
        assert!(accepts(&catalog));
        let (_, report) = decode(&CatalogText::from_json(&catalog.to_string()));
        assert_eq!(report.to_string(), "");
    }

    fn everything() -> Json {
        let mut all = json!({
            "schema": 1, "strict": true, "max_skew": "1m30s", "limits": { "entries_per_aggregate": 5 },
            "attributes": {
                "a": "list",
                "b": { "type": "map", "fields": { "x": "int", "y": { "type": "list", "of": "time" } }, "default": { "x": 1 } },
                "c": { "type": "int", "values": [1, 2], "default": 2, "sensitive": true, "description": "c" },
                "d": { "type": "list", "of": { "type": "map", "of": "float", "description": "d" } },
                "e": { "type": "string", "identifier": true },
            },
            "identifiers": { "e": {
                "case": "keep", "spaces": "remove", "blocked": ["0"], "blocked_patterns": ["^test"], "limit": 3,
                "description": "e",
            } },
            "events": { "Any Name": { "p": "bool", "q": { "type": "time", "required": true, "description": "q" } }, "Empty": {} },
            "context": { "page": { "type": "string", "values": ["home"], "recorded": true, "description": "p" },
                "place": { "type": "map", "fields": { "city": "string" } }, "tags": { "type": "list", "of": "string" }, "hot": "bool" },
            "purposes": { "marketing": { "attributes": ["c"], "events": ["Empty"], "description": "p" }, "none": {} },
            "history": { "margin": "30d", "keep": { "Empty": "forever", "Any Name": "7d" } },
            "computed": { "f": { "value": "1 + 1", "description": "f" } },
            "segments": { "g": { "members": ["ana"], "description": "g" }, "h": { "when": "true" }, "l": { "list": true } },
            "experiments": { "x": {
                "algorithm": "unleash", "salt": "s", "traffic_salt": "t", "unit": "userId", "traffic": 50, "when": "true",
                "from": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z",
                "group": { "name": "w", "from": 0, "until": 50 }, "forced": { "ana": "b" }, "description": "x",
                "variants": ["a", { "name": "b", "weight": 2, "description": "b" }],
            } },
            "holdouts": { "y": {
                "percent": 5.5, "salt": "s", "unit": "profile", "personalizations": ["i"], "experiments": ["x"],
                "description": "y",
            } },
            "caps": { "z": { "most": 3, "within": "7d", "personalizations": ["i"], "offers": ["o"], "description": "z" } },
            "purchases": { "Any Name": { "list": "p", "product": "a", "category": "b", "description": "b" } },
            "quantiles": { "qu": { "value": "1", "of": "true", "parts": 10, "tolerance": 0.5, "description": "q" } },
            "scores": { "sc": {
                "rows": [{ "when": "true", "points": 2.5, "description": "r" }], "min": 0, "max": 9, "description": "s",
            } },
            "affinities": { "af": {
                "half_life": "14d", "description": "a",
                "of": { "Any Name": { "list": "p", "item": "a", "weight": "b", "description": "e" },
                    "Empty": { "item": "a", "weight": -2.5 } },
            } },
            "rfm": {
                "event": "Empty", "value": "p", "within": "90d", "recency": "now", "frequency": "1", "monetary": "1.0",
                "of": "true", "tolerance": 1, "description": "r",
            },
            "crowd": { "v": {
                "event": "Any Name", "list": "p", "item": "a", "by": ["q"], "half_life": "7d", "trending": "1d",
                "hours": { "zone": "UTC", "from": [6, 18] }, "together": true, "keep": 10, "contexts": 10, "items": 10,
                "people": 20, "description": "v",
            } },
        });
        let (Json::Object(all_keys), Json::Object(shown)) = (&mut all, everything_shown()) else {
            unreachable!()
        };
        all_keys.extend(shown);
        all
    }

    fn everything_shown() -> Json {
        json!({
            "personalizations": { "i": {
                "on": "Empty", "attributes": ["*"], "strategy": "best", "most": 2, "description": "i",
                "fallback": { "name": "n", "text": "t" },
                "offers": [{ "name": "o", "when": "true", "from": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z",
                    "cap": [{ "most": 1, "within": "1d" }, { "most": 1, "days": 1, "zone": "UTC" }], "stock": 0, "unless_bought": { "products": ["a", 1], "categories": ["b"], "within": "1d" },
                    "priority": -3, "score": "1.0", "exclusive": ["a", "b"], "text": "t", "description": "o" }],
            } },
            "placements": { "j": { "personalizations": ["i"], "most": 3, "description": "j" } },
            "goals": { "k": { "event": "Empty", "where": "true", "within": "7d", "value": "p", "description": "k" } },
            "imports": {
                "j": {
                    "kind": "track", "event": "Any Name", "user": "u", "anonymous": "v", "id": "n", "time": "t",
                    "time_format": "%d.%m.%Y %H:%M", "zone": "Europe/Helsinki", "columns": { "column": "p" }, "skip": ["s"],
                    "null": ["", "NULL"], "delimiter": ";", "repeats": true, "description": "j",
                },
                "k": { "kind": "track", "event_column": "e" },
                "l": { "kind": "identify" },
                "m": { "kind": "list", "list": "l", "anonymous": "v" },
            },
        })
    }

    /// The paths of all tables in `everything` whose keys are not names.
    const TABLES: &[&str] = &[
        "",
        "/limits",
        "/attributes/b",
        "/attributes/b/fields/y",
        "/attributes/c",
        "/attributes/d/of",
        "/identifiers/e",
        "/events/Any Name/q",
        "/context/page",
        "/purposes/marketing",
        "/history",
        "/placements/j",
        "/goals/k",
        "/computed/f",
        "/segments/g",
        "/segments/h",
        "/segments/l",
        "/experiments/x",
        "/experiments/x/group",
        "/experiments/x/variants/1",
        "/holdouts/y",
        "/caps/z",
        "/purchases/Any Name",
        "/quantiles/qu",
        "/rfm",
        "/scores/sc",
        "/scores/sc/rows/0",
        "/affinities/af",
        "/affinities/af/of/Any Name",
        "/crowd/v",
        "/crowd/v/hours",
        "/personalizations/i/offers/0/cap/0",
        "/personalizations/i/offers/0/unless_bought",
        "/personalizations/i",
        "/personalizations/i/fallback",
        "/personalizations/i/offers/0",
    ];

    #[test]
    fn an_unknown_key_is_refused_by_both_wherever_it_stands() {
        for path in TABLES {
            let mut catalog = everything();
            catalog.pointer_mut(path).unwrap()["unheard_of"] = json!("x");
            assert!(!accepts(&catalog), "{path}");
            let (_, report) = decode(&CatalogText::from_json(&catalog.to_string()));
            assert!(
                report.findings().iter().any(|finding| finding.code == "unknown_key"),
                "{path}: {report}"
            );
        }
    }

    #[test]
    fn what_the_schema_refuses_the_decoder_refuses() {
        for (path, wrong) in [
            ("/schema", json!(2)),
            ("/schema", json!(null)),
            ("/strict", json!("yes")),
            ("/max_skew", json!("5 minutes")),
            ("/limits/entries_per_aggregate", json!(0)),
            ("/identifiers/e/case", json!("lower")),
            ("/identifiers/e/spaces", json!(true)),
            ("/identifiers/e/blocked", json!("0")),
            ("/identifiers/e/limit", json!(0)),
            ("/limits/entries_per_aggregate", json!(1_000_001)),
            ("/attributes/a", json!("text")),
            ("/attributes/a", json!(1)),
            ("/attributes/b/type", json!("object")),
            ("/attributes/c/values", json!([])),
            ("/attributes/c/values", json!([[1]])),
            ("/attributes", json!([])),
            ("/attributes", json!({ "first-name": "int" })),
            ("/attributes", json!({ "now": "int" })),
            ("/segments", json!({ "in": "true" })),
            ("/events", json!({ "": {} })),
            ("/events/Empty", json!("int")),
            ("/context", json!({ "": "int" })),
            ("/context/page/recorded", json!("yes")),
            ("/context/hot", json!("boolean")),
            ("/goals/k", json!({ "event": "Empty" })),
            ("/goals/k/within", json!("soon")),
            ("/goals/k/where", json!(true)),
            ("/placements", json!({ "": {} })),
            ("/placements/j", json!({})),
            ("/placements/j/personalizations", json!([])),
            ("/placements/j/most", json!(0)),
            ("/personalizations/i/most", json!(0)),
            ("/personalizations/i/offers/0/exclusive", json!([""])),
            ("/purposes", json!({ "": {} })),
            ("/history/margin", json!("ever")),
            ("/history/keep/Empty", json!(7)),
            ("/purposes/none", json!("c")),
            ("/purposes/none", json!({ "events": "Empty" })),
            ("/purposes/none", json!({ "attributes": [""] })),
            ("/computed/f", json!(1)),
            ("/computed/f", json!({})),
            ("/segments/g", json!({})),
            ("/segments/h", json!({ "when": "true", "members": [] })),
            ("/segments/g/members", json!([""])),
            ("/experiments/x/algorithm", json!("md5")),
            ("/experiments/x/traffic", json!(101)),
            ("/experiments/x/variants", json!([])),
            ("/experiments/x/variants/1", json!({ "weight": 1 })),
            ("/experiments/x/variants/1/weight", json!(-1)),
            ("/experiments/x/group", json!({ "name": "w" })),
            ("/experiments/x/forced", json!({ "ana": "" })),
            ("/holdouts/y", json!({})),
            ("/holdouts/y/percent", json!(-1)),
            ("/caps/z/most", json!(0)),
            ("/caps/z", json!({ "within": "1d" })),
            ("/personalizations/i/offers/0/cap", json!({ "within": "1d" })),
            ("/personalizations/i/offers/0/stock", json!(-1)),
            ("/personalizations/i/offers/0/unless_bought/products", json!("a")),
            ("/personalizations/i/strategy", json!("last")),
            ("/personalizations/i/offers/0/priority", json!(0.5)),
            ("/personalizations/i/offers/0", json!({})),
            ("/personalizations/i/fallback", json!({ "name": "" })),
        ] {
            refused_by_both(path, wrong);
        }
    }

    #[test]
    fn what_the_schema_refuses_of_ratings_and_lists_the_decoder_refuses() {
        for (path, wrong) in [
            ("/quantiles/qu/parts", json!(1)),
            ("/quantiles/qu/tolerance", json!(-1)),
            ("/quantiles/qu", json!({ "parts": 3 })),
            ("/rfm/within", json!(30)),
            ("/scores/sc/rows", json!([])),
            ("/scores/sc/rows/0", json!({ "when": "true" })),
            ("/crowd/v", json!({ "event": "Any Name", "item": "a" })),
            ("/crowd/v/people", json!(3)),
            ("/crowd/v/keep", json!(0)),
            ("/crowd/v/hours/from", json!([6])),
            ("/affinities/af", json!({ "half_life": "14d" })),
            ("/affinities/af/half_life", json!("soon")),
            ("/affinities/af/of", json!({})),
            ("/affinities/af/of/Empty", json!({ "weight": 2 })),
            ("/affinities/af/of/Empty/weight", json!(true)),
            ("/affinities/af/of/Empty/weight", json!(2_000_000)),
            ("/segments/l/list", json!(false)),
            ("/segments/l", json!({ "list": true, "when": "true" })),
        ] {
            refused_by_both(path, wrong);
        }
    }

    /// Tries a wrong value in the place of a right one.
    fn refused_by_both(path: &str, wrong: Json) {
        let mut catalog = everything();
        *catalog.pointer_mut(path).unwrap() = wrong.clone();
        assert!(!accepts(&catalog), "{path} = {wrong}");
        let (_, report) = decode(&CatalogText::from_json(&catalog.to_string()));
        assert!(report.has_errors(), "{path} = {wrong}");
    }
}
