//! Affinities: scores worked out by hand, the order of items, what is kept over restarts and summaries.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test stops when it is wrong")]

#[path = "crash/folder.rs"]
mod folder;

use std::sync::Arc;

use folder::Folder;
use habitue::{
    Call, Catalog, CatalogError, Clock, Database, Explanation, ManualClock, Message, OpenOptions, Reference,
    RefusalReason, Time, Value,
};
use serde_json::{Value as Json, json};

const CATALOG: &str = r#"
schema = 1
[context]
brand = "string"
[events."Product Viewed"]
brand = "string"
price = "float"
[events."Product Added"]
brand = "string"
[events."Product Removed"]
brand = "string"
[events."Order Completed"]
products = { type = "list", of = { type = "map", fields = { brand = "string", price = "float" } } }
[affinities.brand_affinity]
half_life = "14d"
[affinities.brand_affinity.of]
"Product Viewed" = { item = "brand" }
"Product Added" = { item = "brand", weight = 3 }
"Product Removed" = { item = "brand", weight = -3 }
"Order Completed" = { list = "products", item = "brand", weight = "price" }
[computed]
favourites = 'brand_affinity.top(3)'
[segments]
likes_acme = 'brand_affinity["Acme"] > 2.0'
acme_first = 'brand_affinity.top(1)[0] == "Acme"'
acme_among_two = '"Acme" in brand_affinity.top(2)'
[personalizations.page]
on = "Product Viewed"
strategy = "best"
attributes = ["brand_affinity"]
fallback = { name = "none", text = "{{ brand_affinity[context.brand] | default('nothing') }}" }
[[personalizations.page.offers]]
name = "acme"
when = 'brand_affinity.Acme > 0.0'
score = 'brand_affinity.Acme'
[[personalizations.page.offers]]
name = "asked"
when = 'has(context.brand) && brand_affinity[context.brand] > 0.0'
score = 'brand_affinity[context.brand] * 2'
[[personalizations.page.offers]]
name = "seen"
when = 'brand_affinity[event.brand] >= 5.0'
score = '100'
"#;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn time(ms: i64) -> Time {
    Time::from_millis(1_767_225_600_000 + ms).unwrap()
}

/// A database and the reference, told the same.
struct Shop {
    clock: ManualClock,
    database: Database,
    reference: Reference,
    told: u32,
}

impl Shop {
    fn new(catalog: &str) -> Shop {
        let catalog = || Catalog::from_toml(catalog).unwrap_or_else(|error| panic!("{error}"));
        let clock = ManualClock::new(time(0));
        let database = Database::in_memory_with_clock(catalog(), Clock::Manual(clock.clone()));
        Shop { clock, database, reference: Reference::new(catalog()), told: 0 }
    }

    /// Something that ana did.
    fn tell(&mut self, at_ms: i64, event: &str, properties: Json) {
        self.told += 1;
        let message = json!({
            "type": "track", "messageId": format!("m{}", self.told), "userId": "ana", "event": event,
            "properties": properties, "timestamp": time(at_ms).to_string(),
        });
        let message = Message::from_json(&message).unwrap();
        self.reference.apply(message.clone(), self.database.now()).unwrap();
        self.database.apply(message).unwrap();
    }

    fn view(&mut self, at_ms: i64, brand: &str) {
        self.tell(at_ms, "Product Viewed", json!({ "brand": brand }));
    }

    /// An attribute at an instant, on which the reference agrees.
    fn attribute(&self, at_ms: i64, name: &str) -> Value {
        self.clock.set(time(at_ms));
        let value = self.database.attribute("ana", name).unwrap().unwrap();
        let expected = self.reference.answers("ana", time(at_ms)).attributes[name].clone().unwrap();
        // Both round scores to 13 digits, each what it has worked out in its own way.
        assert_eq!(rounded(&value), rounded(&expected), "{name} at {at_ms}");
        value
    }

    /// The scores at an instant.
    fn scores(&self, at_ms: i64) -> Vec<(String, f64)> {
        let Value::Map(entries) = self.attribute(at_ms, "brand_affinity") else { panic!("no map") };
        let number = |value: &Value| match value {
            Value::Float(number) => *number,
            other => panic!("{other}"),
        };
        entries.iter().map(|(item, score)| (item.to_string(), number(score))).collect()
    }

    fn favourites(&self, at_ms: i64) -> String {
        let Value::List(items) = self.attribute(at_ms, "favourites") else { panic!("no list") };
        let text = |item: &Value| match item {
            Value::String(text) => text.to_string(),
            other => panic!("{other}"),
        };
        items.iter().map(text).collect::<Vec<_>>().join(" ")
    }

    fn is_member(&self, at_ms: i64, segment: &str) -> bool {
        self.clock.set(time(at_ms));
        let is_member = self.database.is_member("ana", segment).unwrap();
        assert_eq!(
            is_member,
            self.reference.answers("ana", time(at_ms)).segments[segment],
            "{segment} at {at_ms}"
        );
        is_member
    }
}

/// A value, scores to 10 digits.
fn rounded(value: &Value) -> String {
    let Value::Map(entries) = value else { return value.to_string() };
    let entry = |(item, score): &(Arc<str>, Value)| match score {
        Value::Float(score) => format!("{item} {score:.9e}"),
        other => format!("{item} {other}"),
    };
    entries.iter().map(entry).collect::<Vec<_>>().join(", ")
}

fn scores(expected: &[(&str, f64)]) -> Vec<(String, f64)> {
    expected.iter().map(|(item, score)| ((*item).to_owned(), *score)).collect()
}

#[test]
fn scores_are_what_one_works_out_by_hand() {
    let mut shop = Shop::new(CATALOG);
    shop.view(0, "Acme");
    assert_eq!(shop.scores(0), scores(&[("Acme", 1.0)]));
    shop.clock.set(time(14 * DAY));
    shop.tell(14 * DAY, "Product Added", json!({ "brand": "Acme" }));
    shop.tell(14 * DAY, "Product Added", json!({ "size": "L" }));
    shop.view(14 * DAY, "Birch");
    assert_eq!(shop.scores(14 * DAY), scores(&[("Acme", 3.5), ("Birch", 1.0)]));
    // Every product of an order, each with its own price; one without a brand or a price is of no item.
    let products = json!([
        { "brand": "Birch", "price": 2.5 }, { "brand": "Birch", "price": 1.5 }, { "brand": "Cedar", "price": 8.0 },
        { "price": 100.0 }, { "brand": "Dune" },
    ]);
    shop.clock.set(time(28 * DAY));
    shop.tell(28 * DAY, "Order Completed", json!({ "products": products }));
    assert_eq!(shop.scores(28 * DAY), scores(&[("Acme", 1.75), ("Birch", 4.5), ("Cedar", 8.0)]));
    assert_eq!(shop.scores(42 * DAY), scores(&[("Acme", 0.875), ("Birch", 2.25), ("Cedar", 4.0)]));
    assert_eq!(shop.favourites(42 * DAY), "Cedar Birch Acme");
    // Nobody of whom nothing is known, and nothing that was never there.
    assert_eq!(shop.database.attribute("bob", "brand_affinity").unwrap(), Some(Value::Map([].into())));
    assert_eq!(shop.database.attribute("bob", "favourites").unwrap(), Some(Value::List([].into())));
}

#[test]
fn a_threshold_is_crossed_at_its_millisecond() {
    let mut shop = Shop::new(CATALOG);
    shop.tell(0, "Product Added", json!({ "brand": "Acme" }));
    shop.view(0, "Acme");
    // Four, and two after a half-life: then it is not more than two.
    assert!(shop.is_member(0, "likes_acme"));
    assert!(shop.is_member(14 * DAY - 1, "likes_acme"));
    assert!(!shop.is_member(14 * DAY, "likes_acme"));
}

#[test]
fn the_order_changes_by_messages_only_and_ties_go_by_name() {
    let mut shop = Shop::new(CATALOG);
    // Awkward instants, at which no weight is a round number on the way.
    let (first, second) = (1_234_567, 98_765_432);
    shop.clock.set(time(2 * DAY));
    shop.tell(first, "Product Added", json!({ "brand": "Birch" }));
    shop.view(second, "Birch");
    for _ in 0..3 {
        shop.view(first, "Acme");
    }
    assert_eq!(shop.favourites(2 * DAY), "Birch Acme");
    shop.view(second, "Acme");
    assert_eq!(shop.favourites(2 * DAY), "Acme Birch", "1 + 1 + 1 is 3");
    assert_eq!(shop.favourites(4_000 * DAY), "Acme Birch");
    // A late message of a half-life before counts half, exactly.
    shop.clock.set(time(3_000 * DAY));
    shop.view(second + 14 * DAY, "Cedar");
    for _ in 0..2 {
        shop.view(second, "Dune");
    }
    assert_eq!(shop.favourites(4_000 * DAY), "Acme Birch Cedar");
    shop.view(second, "Dune");
    assert_eq!(shop.favourites(4_000 * DAY), "Acme Birch Dune");
    assert!(shop.is_member(4_000 * DAY, "acme_first") && shop.is_member(4_000 * DAY, "acme_among_two"));
    shop.view(first - DAY, "Birch");
    assert!(!shop.is_member(4_000 * DAY, "acme_first") && shop.is_member(4_000 * DAY, "acme_among_two"));
    // A score that is zero on paper is zero, and with one below it among no favourites.
    shop.tell(first, "Product Removed", json!({ "brand": "Birch" }));
    shop.tell(second, "Product Removed", json!({ "brand": "Cedar" }));
    shop.tell(first - DAY, "Product Removed", json!({ "brand": "Elm" }));
    shop.tell(first - DAY, "Product Added", json!({ "brand": "Elm" }));
    assert_eq!(shop.favourites(4_000 * DAY), "Acme Dune Birch");
    let scores = shop.scores(4_000 * DAY);
    let score = |brand: &str| scores.iter().find(|(item, _)| item == brand).map(|(_, score)| *score);
    assert_eq!(score("Elm"), Some(0.0));
    assert!(score("Cedar") < Some(0.0), "{scores:?}");
}

#[test]
fn an_old_score_fades_and_never_vanishes() {
    let mut shop = Shop::new(&CATALOG.replace("14d", "1s"));
    shop.view(0, "Acme");
    shop.clock.set(time(40 * DAY));
    shop.view(30 * DAY, "Birch");
    // Millions of half-lives: each smaller than any number, and yet in their order.
    assert_eq!(shop.favourites(40 * DAY), "Birch Acme");
    assert!(shop.scores(40 * DAY).iter().all(|(_, score)| *score == f64::MIN_POSITIVE));
}

#[test]
fn scores_choose_offers_also_by_what_the_call_says() {
    let mut shop = Shop::new(CATALOG);
    shop.tell(0, "Product Added", json!({ "brand": "Acme" }));
    shop.view(0, "Birch");
    shop.view(0, "Birch");
    let decided = |shop: &Shop, call: Call| {
        let expected = shop.reference.answers_with("ana", &call, shop.database.now()).unwrap();
        let decided = shop.database.decide_with("ana", "page", &call).unwrap();
        let chosen = &decided.decision.offers[0];
        let text = chosen.text.as_ref().map(ToString::to_string);
        let (name, expected_text) = &expected.decisions["page"].offers[0];
        assert_eq!((&*chosen.name, &text), (&**name, expected_text));
        format!("{} {}", chosen.name, text.unwrap_or_default())
    };
    let asked = |brand: &str| Call::new().with("brand", brand);
    assert_eq!(decided(&shop, Call::new()), "acme ");
    assert_eq!(decided(&shop, asked("Birch")), "asked ", "2 * 2 is more than 3");
    assert_eq!(decided(&shop, asked("Dune")), "acme ");
    shop.tell(0, "Product Added", json!({ "brand": "Birch" }));
    shop.view(0, "Birch");
    assert_eq!(decided(&shop, Call::new()), "seen ", "six of what was looked at last");
    shop.tell(0, "Product Removed", json!({ "brand": "Acme" }));
    shop.view(0, "Dune");
    assert_eq!(decided(&shop, asked("Dune")), "asked ");
    assert_eq!(decided(&shop, asked("Nobody")), "none nothing", "a text has no item that never was");
    assert_eq!(decided(&shop, Call::new()), "none nothing");
    let returned = &shop.database.decide("ana", "page").unwrap().decision.attributes;
    let Some(Value::Map(entries)) = &returned[0].1 else { panic!("{returned:?}") };
    assert_eq!(entries.len(), 3);
}

#[test]
fn restarts_summaries_and_other_weights_lose_nothing() {
    let folder = Folder::new("affinities");
    let clock = ManualClock::new(time(0));
    let open = |catalog: Option<&str>| {
        let options = OpenOptions::new().clock(Clock::Manual(clock.clone()));
        let catalog = catalog.map(|text| Catalog::from_toml(text).unwrap());
        catalog.into_iter().fold(options, OpenOptions::catalog).open(folder.path()).unwrap()
    };
    let text = CATALOG.replace("[context]", "[history]\nmargin = \"1d\"\n[context]");
    let database = open(Some(&text));
    for number in 0..60 {
        clock.set(time(number * 5 * HOUR + number));
        let brand = ["Acme", "Birch", "Cedar", "Dune", "Elm"][number as usize * number as usize % 5];
        let message = match number % 3 {
            0 => Message::track("ana", "Order Completed").with_property(
                "products",
                json!([{ "brand": brand, "price": number }, { "brand": "Acme", "price": 0.1 }]),
            ),
            1 => Message::track("ana", "Product Added").with_property("brand", brand),
            _ => Message::track("ana", "Product Viewed").with_property("brand", brand),
        };
        database.apply(message).unwrap();
    }
    let answers = |database: &Database| {
        ["brand_affinity", "favourites"].map(|name| database.attribute("ana", name).unwrap().unwrap())
    };
    clock.set(time(100 * DAY));
    let before = answers(&database);
    database.checkpoint().unwrap();
    database.close().unwrap();
    let database = open(None);
    assert_eq!(answers(&database), before, "from its image");
    assert!(database.summarise_history().unwrap().messages > 50);
    assert_eq!(answers(&database), before, "from its summary");
    database.compact().unwrap();
    database.close().unwrap();
    let database = open(None);
    assert_eq!(answers(&database), before, "from its summary on disk");
    // Weights that are numbers are applied when a score is read: other ones lose nothing.
    let views_alone = text.replace("weight = 3 ", "weight = 1000 ");
    database.replace_catalog(Catalog::from_toml(&views_alone).unwrap()).unwrap();
    let snapshot = database.profile("ana").unwrap();
    assert!(snapshot.complete_since.is_empty(), "{:?}", snapshot.complete_since);
    assert_ne!(answers(&database), before);
    database.replace_catalog(Catalog::from_toml(&text).unwrap()).unwrap();
    assert_eq!(answers(&database), before);
    // Another half-life asks for what is gone, and says so.
    let slower = text.replace("14d", "15d");
    database.replace_catalog(Catalog::from_toml(&slower).unwrap()).unwrap();
    let lacking = database.profile("ana").unwrap().complete_since;
    for name in ["brand_affinity", "favourites"] {
        assert!(lacking.contains_key(name), "{name}: {lacking:?}");
    }
}

#[test]
fn what_nobody_could_keep_is_refused() {
    let catalog = CATALOG.replace("[context]", "[limits]\nentries_per_aggregate = 3\n[context]");
    let mut shop = Shop::new(&catalog);
    let order = |brands: &[&str]| {
        let products = brands.iter().map(|brand| json!({ "brand": brand, "price": 1 })).collect::<Json>();
        Message::track("ana", "Order Completed").with_property("products", products)
    };
    shop.database.apply(order(&["a", "b"])).unwrap();
    let refused = shop.database.apply(order(&["b", "c", "d"])).unwrap_err();
    assert_eq!(refused.reason, RefusalReason::Limit);
    shop.database.apply(order(&["a", "c", "c", "b"])).unwrap();
    // Also of who has had none of it.
    let first = order(&["a", "b", "c", "d"]);
    let first = Message::track("ben", "Order Completed")
        .with_property("products", first.properties()["products"].clone());
    assert_eq!(shop.database.apply(first).unwrap_err().reason, RefusalReason::Limit);
    // Each event has room of its own.
    shop.view(0, "d");
    let Some(Value::Map(entries)) = shop.database.attribute("ana", "brand_affinity").unwrap() else {
        panic!()
    };
    assert_eq!(entries.len(), 4);
}

#[test]
fn an_explanation_names_the_affinity_and_the_events_of_the_item() {
    let mut shop = Shop::new(CATALOG);
    shop.view(0, "Acme");
    shop.view(0, "Birch");
    shop.tell(0, "Order Completed", json!({ "products": [{ "brand": "Acme", "price": 0.5 }] }));
    let explained = |segment: &str| -> Explanation { shop.database.explain_segment("ana", segment).unwrap() };
    assert_eq!(
        explained("likes_acme").to_string(),
        "✗ `ana` is not in `likes_acme` at 2026-01-01T00:00:00Z (catalog revision 1)\n  \
         missing: 1.5 of more than 2 (0.5 more) (brand_affinity[\"Acme\"] > 2.0)\n  \
         does not change by itself\n  \
         ✗ brand_affinity[\"Acme\"] > 2.0 — 1.5 of more than 2 (0.5 more); 1 `Product Viewed`: m1; \
         1 `Order Completed`: m3"
    );
    assert_eq!(
        explained("acme_first").to_string(),
        "✓ `ana` is in `acme_first` at 2026-01-01T00:00:00Z (catalog revision 1)\n  \
         does not change by itself\n  \
         ✓ brand_affinity.top(1)[0] == \"Acme\" — \"Acme\"; 2 `Product Viewed`: m2, m1; no `Product Added`; \
         no `Product Removed`; 1 `Order Completed`: m3"
    );
}

#[test]
fn who_becomes_anonymous_keeps_no_weight_that_is_sensitive() {
    let catalog = |sensitive: &str| {
        format!(
            "schema = 1\n[history]\nmargin = \"1d\"\n[events.Order]\nbrand = \"string\"\n\
             paid = {{ type = \"float\"{sensitive} }}\n[affinities.bought]\nhalf_life = \"30d\"\n\
             of.Order = {{ item = \"brand\", weight = \"paid\" }}\n[affinities.counted]\nhalf_life = \"30d\"\n\
             of.Order = {{ item = \"brand\" }}"
        )
    };
    for (sensitive, is_left) in [("", true), (", sensitive = true", false)] {
        let clock = ManualClock::new(time(0));
        let catalog = Catalog::from_toml(&catalog(sensitive)).unwrap();
        let database = Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone()));
        for number in 0..40 {
            clock.set(time(number * HOUR));
            let order = Message::track("ana", "Order").with_property("brand", "Acme");
            database.apply(order.with_property("paid", 2.5)).unwrap();
        }
        clock.set(time(50 * DAY));
        let [bought, counted] = ["bought", "counted"].map(|name| database.attribute("ana", name).unwrap());
        assert!(database.summarise_history().unwrap().messages > 30);
        let id = database.anonymise("ana").unwrap().anonymous_ids.remove(0);
        assert_eq!(database.attribute(&id, "counted").unwrap(), counted);
        let left = database.attribute(&id, "bought").unwrap();
        assert_eq!(left, if is_left { bought } else { Some(Value::Map([].into())) }, "{sensitive}");
    }
}

/// What is said of an affinity of the catalog.
fn problems(affinity: &str) -> String {
    let head = CATALOG.split("[affinities").next().unwrap();
    let CatalogError::Invalid(report) = Catalog::from_toml(&format!("{head}{affinity}")).unwrap_err() else {
        panic!("it was read");
    };
    let said = report.findings().iter().map(|finding| match &finding.help {
        Some(help) => format!("{}: {} ({help})", finding.code, finding.message),
        None => format!("{}: {}", finding.code, finding.message),
    });
    said.collect::<Vec<_>>().join("; ")
}

#[test]
fn mistakes_are_named_with_what_to_write() {
    for (affinity, said) in [
        (
            "[affinities.a]\nhalf_life = \"1d\"\nof.\"Product Veiwed\" = { item = \"brand\" }",
            "unknown_event: there is no event `Product Veiwed` (did you mean `\"Product Viewed\"`?)",
        ),
        (
            "[affinities.a]\nhalf_life = \"1d\"\nof.\"Product Viewed\" = { item = \"brnd\" }",
            "unknown_property: `Product Viewed` has no declared property `brnd` (did you mean `brand`?)",
        ),
        (
            "[affinities.a]\nhalf_life = \"1d\"\nof.\"Product Viewed\" = { item = \"price\" }",
            "type: `price` (float) is no text (items are named by texts: declare it as `string`)",
        ),
        (
            "[affinities.a]\nhalf_life = \"1d\"\nof.\"Product Viewed\" = { item = \"brand\", weight = \"brand\" }",
            "type: `brand` (string) is no number",
        ),
        (
            "[affinities.a]\nhalf_life = \"1d\"\nof.\"Product Viewed\" = { item = \"brand\", weight = 0 }",
            "out_of_range: a weight is 0.000001 to 1000000, or less than 0 to take away, not 0",
        ),
        (
            "[affinities.a]\nhalf_life = \"1d\"\nof.\"Order Completed\" = { item = \"products\" }",
            "type: `products` (list of map) is no text (of a list of maps write `list`, and the field as `item`)",
        ),
        (
            "[affinities.a]\nhalf_life = \"1d\"\nof.\"Order Completed\" = { item = \"products.brand\" }",
            "unknown_property: `Order Completed` has no declared property `products.brand` (of a list of maps write `list = \"products\"`, and `brand` for the field)",
        ),
        (
            "[affinities.a]\nhalf_life = \"1d\"\nof.\"Order Completed\" = { list = \"products\", item = \"brnd\" }",
            "unknown_property: the elements of `products` have no declared field `brnd` (did you mean `brand`?)",
        ),
        (
            "[affinities.a]\nhalf_life = \"1d\"\nof.\"Product Viewed\" = { list = \"brand\", item = \"x\" }",
            "type: `brand` (string) is no list of maps",
        ),
        (
            "[affinities.a]\nhalf_life = \"0d\"\nof.\"Product Viewed\" = { item = \"brand\" }",
            "bad_duration: `0d` is not a duration, such as `60s`, `90m`, `24h`, `7d`, `2w` or `1d12h`",
        ),
        (
            "[affinities.a]\nof.\"Product Viewed\" = { item = \"brand\" }",
            "missing_key: an affinity needs `half_life` (such as `half_life = \"14d\"`, `of.\"Product Viewed\" = { item = \"brand\" }`)",
        ),
        (
            "[affinities.a]\nhalf_life = \"1d\"\nevents = {}",
            "missing_key: an affinity needs `of` (such as `half_life = \"14d\"`, `of.\"Product Viewed\" = { item = \"brand\" }`); misplaced_key: an affinity has no `events` (write `of`: `of.\"Product Viewed\" = { item = \"brand\" }`)",
        ),
        (
            "[affinities.now]\nhalf_life = \"1d\"\nof.\"Product Viewed\" = { item = \"brand\" }",
            "bad_name: `now` cannot be the name of an affinity: conditions give it another meaning (such as `now_` or `is_now`)",
        ),
        (
            "[affinities.a]\nhalf_life = \"1d\"\nof.\"Product Viewed\" = { item = \"brand\" }\n[segments]\na = 'true'",
            "duplicate: `a` is the name of the affinity already (the other one is at <catalog>:14)",
        ),
    ] {
        assert_eq!(problems(affinity), said, "{affinity}");
    }
}

#[test]
fn conditions_on_affinities_say_what_works() {
    let of = "[affinities.liking]\nhalf_life = \"1d\"\nof.\"Product Viewed\" = { item = \"brand\" }\n[affinities.other]\nhalf_life = \"1d\"\nof.\"Product Added\" = { item = \"brand\" }\n[segments]\n";
    for (condition, said) in [
        (
            "liking > 1.0",
            "type: cannot compare `liking` (map of float) with `1.0` (float) (ask for one score, `[\"item\"]`, or for the items with the highest, `.top(3)`)",
        ),
        (
            "\"Acme\" in liking",
            "motion: `liking` moves with the clock and cannot be used here (ask for one score, `[\"item\"]`, or for the items with the highest, `.top(3)`)",
        ),
        (
            "size(liking) > 1",
            "motion: `liking` moves with the clock and cannot be used here (ask for one score, `[\"item\"]`, or for the items with the highest, `.top(3)`)",
        ),
        ("liking[1] > 1.0", "type: `1` (int) is no text, and items are named by texts"),
        (
            "liking[\"Acme\"] == 1.0",
            "motion: a decayed score falls all the time and is equal to nothing for longer than an instant (compare it with `<`, `<=`, `>` or `>=`)",
        ),
        (
            "liking.Acme > liking.Birch",
            "motion: both sides of this comparison move with the clock (compare each with something that stands still, or the difference of two times with a duration)",
        ),
        (
            "(size(liking.top(2)) > 1 ? liking : other).Acme > 2.0",
            "motion: `size(liking.top(2)) > 1 ? liking : other` moves with the clock and cannot be used here (compare it with a value that stands still, or give it out as a computed attribute or `score`)",
        ),
        (
            "size(liking.top()) > 1",
            "unknown_function: there is no function `.top(…)` with these arguments (of an affinity write `.top(3)`, of `events(\"Name\")` write `.top(property)`)",
        ),
        ("\"Acme\" in liking.top(0)", "arguments: `0` is no number from 1 to 1000"),
        (
            "\"Acme\" in brnd.top(1)",
            "unknown_name: there is no attribute, computed attribute or segment `brnd` (text is written in quotes: `\"brnd\"`; attributes are declared under `[attributes]`)",
        ),
        (
            "price.top(1)",
            "unknown_name: there is no attribute, computed attribute or segment `price` (a property of `Product Viewed` is read in `events(\"Product Viewed\").where(…)`, or as `.last(price)`)",
        ),
        ("3 in liking.top(3)", "type: `3` (int) can never be in `liking.top(3)` (list of string)"),
        (
            "likin.Acme > 1.0",
            "unknown_name: there is no attribute, computed attribute or segment `likin` (did you mean `liking`?)",
        ),
    ] {
        assert_eq!(problems(&format!("{of}asked = '{condition}'")), said, "{condition}");
    }
}

#[test]
fn what_is_given_long_before_the_last_event_does_not_depend_on_when_it_came() {
    // Some 1,040 half-lives apart, not by whole ones: in order, and the other way round.
    for part in 1..40 {
        let mut shop = Shop::new(&CATALOG.replace("14d", "1h"));
        let (early, late) = (HOUR * part / 40, 1_040 * HOUR);
        shop.clock.set(time(late));
        shop.view(early, "a");
        shop.view(late, "a");
        shop.view(late, "b");
        shop.view(early, "b");
        assert_eq!(shop.favourites(late), "a b", "{part}");
        // What counts decides, however little it is.
        shop.view(late - 998 * HOUR, "b");
        assert_eq!(shop.favourites(late), "b a", "{part}");
    }
}

#[test]
fn thresholds_and_factors_of_any_size_are_passed_in_their_millisecond() {
    let segments = "hardly = 'brand_affinity.Acme > 1e-300'\nunspent = 'brand_affinity.Acme > 2.2250738585072014e-308'\nthere = 'brand_affinity.Acme * 2 >= 4.450147717014403e-308'\nhuge = '1e300 * brand_affinity.Acme > 1.0'\nsmall = 'brand_affinity.Acme / 1e-300 < 1e301'";
    let before = CATALOG.split("likes_acme").next().unwrap();
    let mut shop = Shop::new(&format!("{before}{segments}"));
    shop.tell(0, "Order Completed", json!({ "products": [{ "brand": "Acme", "price": 1e9 }] }));
    let half_life = 14 * DAY;
    let mut turns = 0;
    // At each instant that the database names, and just before it.
    let mut now = 0;
    while now < 1_100 * half_life {
        shop.clock.set(time(now));
        shop.database.advance().unwrap();
        let snapshot = shop.database.profile("ana").unwrap();
        let segments: Vec<(String, bool)> =
            snapshot.segments.iter().map(|(name, member)| (name.to_string(), *member)).collect();
        let until = snapshot.valid_until.millis() - time(0).millis();
        for at in [now, (until - 1).min(1_100 * half_life)] {
            let expected = shop.reference.answers("ana", time(at)).segments;
            assert!(
                segments.iter().all(|(name, member)| expected[name] == *member),
                "{segments:?} at {at}, {expected:?}"
            );
        }
        turns += 1;
        assert!(turns < 100, "it is looked at again and again: {now}");
        now = until;
    }
    assert!(turns > 3);
}
