//! The tables of a catalog and the keys each of them has: the one list that the decoder accepts by and
//! that the JSON Schema is held against.
//!
//! A key that is not listed is refused by the decoder; a key that is listed but never read, or read but
//! not listed, fails an assertion in [`Fields`](super::fields::Fields). So keys are added here first.

/// A kind of table.
#[derive(Debug)]
pub(super) struct Shape {
    /// What it is, in the words of an error message.
    pub(super) what: &'static str,
    /// The keys it may have.
    pub(super) keys: &'static [&'static str],
    /// Keys that are known elsewhere, and what to do about them.
    pub(super) misplaced: &'static [(&'static str, &'static str)],
}

pub(super) const CATALOG: Shape = Shape {
    what: "a catalog",
    keys: &[
        "schema",
        "strict",
        "max_skew",
        "limits",
        "attributes",
        "identifiers",
        "events",
        "context",
        "purposes",
        "history",
        "computed",
        "segments",
        "experiments",
        "holdouts",
        "caps",
        "purchases",
        "quantiles",
        "rfm",
        "scores",
        "affinities",
        "crowd",
        "personalizations",
        "placements",
        "goals",
        "imports",
    ],
    misplaced: &[
        ("affinity", "write `affinities`"),
        ("crowds", "write `crowd`"),
        ("entries_per_aggregate", "it belongs into `[limits]`"),
    ],
};

pub(super) const LIMITS: Shape = Shape {
    what: "the limits",
    keys: &["entries_per_aggregate"],
    misplaced: &[("max_skew", "it belongs to the top of the catalog")],
};

pub(super) const ATTRIBUTE: Shape = Shape {
    what: "an attribute",
    keys: &["type", "of", "fields", "values", "default", "identifier", "sensitive", "description"],
    misplaced: &[(
        "required",
        "only a property of an event can be required: an attribute is there or missing",
    )],
};

pub(super) const IDENTIFIER: Shape = Shape {
    what: "the rules of an identifier",
    keys: &["case", "spaces", "blocked", "blocked_patterns", "limit", "description"],
    misplaced: &[("type", "it belongs to the attribute, in `[attributes]`")],
};

pub(super) const PURPOSE: Shape = Shape {
    what: "a purpose",
    keys: &["attributes", "events", "description"],
    misplaced: &[
        ("attribute", "write `attributes`, a list of names"),
        ("event", "write `events`, a list of names"),
    ],
};

pub(super) const HISTORY: Shape = Shape {
    what: "how long history is kept",
    keys: &["margin", "keep"],
    misplaced: &[("max_skew", "it belongs to the top of the catalog")],
};

pub(super) const PROPERTY: Shape = Shape {
    what: "a property",
    keys: &["type", "of", "fields", "values", "required", "sensitive", "description"],
    misplaced: &[
        ("identifier", "it belongs to an attribute, in `[attributes]`"),
        ("default", "it belongs to an attribute, in `[attributes]`: an event is kept as it was sent"),
    ],
};

pub(super) const CONTEXT: Shape = Shape {
    what: "what a call may say",
    keys: &["type", "of", "fields", "values", "recorded", "description"],
    misplaced: &[
        ("required", "a call may always leave it out: it is missing then"),
        ("default", "ask `has(context.x)` where it matters"),
    ],
};

/// What a list holds, or a field of a map.
pub(super) const ELEMENT: Shape = Shape {
    what: "the type of an element or field",
    keys: &["type", "of", "fields", "description"],
    misplaced: &[
        ("values", "it belongs to the whole attribute or property, of type bool, int, float, string or time"),
        ("default", "it belongs to the whole attribute"),
        ("identifier", "it belongs to the whole attribute"),
        ("sensitive", "it belongs to the whole attribute"),
        ("required", "it belongs to the whole property of an event"),
    ],
};

pub(super) const COMPUTED: Shape = Shape {
    what: "a computed attribute",
    keys: &["value", "description"],
    misplaced: &[
        ("type", "the type follows from `value`"),
        ("when", "write the expression as `value`; a `when` belongs to a segment"),
        ("default", "it belongs to an attribute, in `[attributes]`"),
    ],
};

pub(super) const SEGMENT: Shape = Shape {
    what: "a segment",
    keys: &["when", "members", "list", "description"],
    misplaced: &[("value", "write the condition as `when`; a `value` belongs to a computed attribute")],
};

pub(super) const EXPERIMENT: Shape = Shape {
    what: "an experiment",
    keys: &[
        "algorithm",
        "salt",
        "traffic_salt",
        "unit",
        "traffic",
        "when",
        "from",
        "until",
        "group",
        "variants",
        "forced",
        "description",
    ],
    misplaced: &[
        ("weight", "it belongs to a variant"),
        ("weights", "each variant has its `weight`"),
        ("percent", "write `traffic`, how many percent take part"),
        ("offers", "offers belong to a personalization; their conditions read `variant(\"name\")`"),
    ],
};

pub(super) const VARIANT: Shape = Shape {
    what: "a variant",
    keys: &["name", "weight", "description"],
    misplaced: &[("when", "it belongs to the experiment, or to an offer: `variant(\"name\") == \"b\"`")],
};

pub(super) const SHARE: Shape =
    Shape { what: "the share of a group", keys: &["name", "from", "until"], misplaced: &[] };

pub(super) const HOLDOUT: Shape = Shape {
    what: "a holdout",
    keys: &["percent", "salt", "unit", "personalizations", "experiments", "description"],
    misplaced: &[("traffic", "write `percent`, from how many percent everything is withheld")],
};

pub(super) const CAP: Shape = Shape {
    what: "a cap",
    keys: &["most", "within", "days", "zone"],
    misplaced: &[("offers", "a cap of several offers belongs into `[caps.\"name\"]`")],
};

pub(super) const SHARED_CAP: Shape = Shape {
    what: "a cap of several offers",
    keys: &["most", "within", "days", "zone", "personalizations", "offers", "description"],
    misplaced: &[],
};

pub(super) const PURCHASE: Shape = Shape {
    what: "a purchase",
    keys: &["list", "product", "category", "description"],
    misplaced: &[("products", "write `list`, the property with the list of what was bought")],
};

pub(super) const IMPORT: Shape = Shape {
    what: "an import",
    keys: &[
        "kind",
        "event",
        "event_column",
        "list",
        "user",
        "anonymous",
        "id",
        "time",
        "time_format",
        "zone",
        "columns",
        "skip",
        "null",
        "delimiter",
        "repeats",
        "description",
    ],
    misplaced: &[
        ("userId", "write `user`, the column with the user's id"),
        ("anonymousId", "write `anonymous`, the column with the visitor's id"),
        ("timestamp", "write `time`, the column with the time"),
        ("messageId", "write `id`, the column with an id of each row"),
        ("format", "write `time_format`, how times are written"),
    ],
};

pub(super) const CROWD: Shape = Shape {
    what: "a crowd",
    keys: &[
        "event",
        "list",
        "item",
        "by",
        "hours",
        "half_life",
        "trending",
        "together",
        "keep",
        "contexts",
        "items",
        "people",
        "description",
    ],
    misplaced: &[
        ("items_of", "write `list`, the property with the list of items"),
        ("product", "write `item`, the property that names it"),
        ("zone", "it belongs into `hours`"),
    ],
};

pub(super) const HOURS: Shape = Shape {
    what: "the parts of a day",
    keys: &["zone", "from"],
    misplaced: &[("hours", "write `from`, the hours at which a part begins")],
};

pub(super) const BOUGHT: Shape = Shape {
    what: "what a customer must not have bought",
    keys: &["products", "categories", "within"],
    misplaced: &[("product", "write `products`, a list"), ("category", "write `categories`, a list")],
};

pub(super) const QUANTILE: Shape = Shape {
    what: "a quantile",
    keys: &["value", "of", "parts", "tolerance", "description"],
    misplaced: &[("when", "write `of`, the condition on who is counted")],
};

pub(super) const SCORE: Shape = Shape {
    what: "a score",
    keys: &["rows", "min", "max", "description"],
    misplaced: &[
        ("points", "it belongs to a row: `rows = [{ when = 'vip', points = 10 }]`"),
        ("when", "it belongs to a row: `rows = [{ when = 'vip', points = 10 }]`"),
    ],
};

pub(super) const SCORE_ROW: Shape = Shape {
    what: "a row of a score",
    keys: &["when", "points", "description"],
    misplaced: &[("score", "write `points`, a number")],
};

pub(super) const AFFINITY: Shape = Shape {
    what: "an affinity",
    keys: &["half_life", "of", "description"],
    misplaced: &[
        ("events", "write `of`: `of.\"Product Viewed\" = { item = \"brand\" }`"),
        ("event", "write `of`: `of.\"Product Viewed\" = { item = \"brand\" }`"),
        ("item", "it belongs to an event: `of.\"Product Viewed\" = { item = \"brand\" }`"),
        ("weight", "it belongs to an event: `of.\"Product Added\" = { item = \"brand\", weight = 3 }`"),
    ],
};

pub(super) const AFFINITY_EVENT: Shape = Shape {
    what: "what an event adds to an affinity",
    keys: &["list", "item", "weight", "description"],
    misplaced: &[
        ("product", "write `item`, the property that names it"),
        ("property", "write `item`, the property that names it"),
        ("half_life", "it belongs to the affinity: all its scores are halved alike"),
    ],
};

pub(super) const RFM: Shape = Shape {
    what: "the rating of customers by their purchases",
    keys: &["event", "value", "within", "recency", "frequency", "monetary", "of", "tolerance", "description"],
    misplaced: &[("parts", "ratings are always 1 to 5, because the cells are defined on these")],
};

pub(super) const PERSONALIZATION: Shape = Shape {
    what: "a personalization",
    keys: &["on", "attributes", "strategy", "most", "fallback", "offers", "description"],
    misplaced: &[
        ("when", "it belongs to an offer"),
        ("text", "it belongs to an offer or the fallback"),
        ("priority", "it belongs to an offer"),
        ("score", "it belongs to an offer"),
    ],
};

pub(super) const PLACEMENT: Shape = Shape {
    what: "a placement",
    keys: &["personalizations", "most", "description"],
    misplaced: &[("offers", "they belong to a personalization, which the placement names")],
};

pub(super) const GOAL: Shape = Shape {
    what: "a goal",
    keys: &["event", "where", "within", "value", "description"],
    misplaced: &[("when", "write `where`, a condition on the event's properties")],
};

pub(super) const FALLBACK: Shape = Shape {
    what: "a fallback",
    keys: &["name", "text"],
    misplaced: &[(
        "when",
        "a fallback is what remains if no offer qualifies; a condition belongs to an offer",
    )],
};

pub(super) const OFFER: Shape = Shape {
    what: "an offer",
    keys: &[
        "name",
        "when",
        "from",
        "until",
        "cap",
        "stock",
        "unless_bought",
        "priority",
        "score",
        "exclusive",
        "text",
        "description",
    ],
    misplaced: &[
        ("strategy", "it belongs to the personalization"),
        ("caps", "write `cap`, one or a list; a cap of several offers belongs into `[caps.\"name\"]`"),
    ],
};
