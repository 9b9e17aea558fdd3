//! Explanations through the public API: what is missing, which messages, since and until when, and why.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test stops when it is wrong")]

use habitue::{
    Catalog, Clock, Database, Duration, ExplainedAnswer, ExplainedDecision, ExplainedPart, ExplainedSegment,
    Explanation, ManualClock, Message, NextChange, Origin, Time, Value,
};
use serde_json::{Value as Json, json};

const CATALOG: &str = r#"
schema = 1
[attributes]
tier = { type = "string", values = ["bronze", "silver", "gold"] }
spent = { type = "float", default = 0.0 }
points = "int"
[events."Product Viewed"]
category = "string"
[events."Product Added"]
[events."Order Completed"]
total = "float"
[events."Logged In"]
channel = "string"
[computed]
shoe_views = 'events("Product Viewed").where(category == "shoes").within("24h").count()'
[segments]
keen = 'shoe_views >= 3'
big = 'spent > 500.0'
gold = 'tier == "gold"'
picky = 'tier == "gold" || shoe_views >= 3'
both = 'tier == "gold" && spent > 500.0 && shoe_views >= 1'
not_big = '!big'
abandoner = 'events("Product Added").within("14d").not_followed_by("Order Completed", "2h")'
lapsed = 'now - events("Order Completed").last() > duration("30d")'
loyal = 'held(tier == "gold", "30d")'
few = 'events("Order Completed").count() < 2'
staff = { members = ["ben"] }
twice = '(big || keen) && (big || gold)'
[personalizations.homepage]
on = "Logged In"
fallback = { name = "default", text = "Welcome" }
[[personalizations.homepage.offers]]
name = "big-preview"
when = "big"
priority = 10
[[personalizations.homepage.offers]]
name = "keen-preview"
when = "keen"
[[personalizations.homepage.offers]]
name = "app-only"
when = 'event.channel == "app"'
[personalizations.scored]
strategy = "best"
[[personalizations.scored.offers]]
name = "low"
score = "2.5"
[[personalizations.scored.offers]]
name = "high"
score = "7.5"
[[personalizations.scored.offers]]
name = "unscored"
score = "points * 2"
"#;

struct Shop {
    database: Database,
    clock: ManualClock,
}

const START: &str = "2026-01-01T09:00:00Z";

impl Shop {
    fn new() -> Shop {
        let clock = ManualClock::new(time(START));
        let catalog = Catalog::from_toml(CATALOG).unwrap_or_else(|error| panic!("{error}"));
        Shop { database: Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone())), clock }
    }

    /// Lets time pass.
    fn wait(&self, length: &str) -> &Shop {
        self.clock.set(self.clock.now() + Duration::parse(length).unwrap());
        self
    }

    fn apply(&self, message: Message) -> &Shop {
        self.database.apply(message).unwrap();
        self
    }

    fn track(&self, id: &str, event: &str) -> &Shop {
        self.apply(Message::track("ana", event).with_id(id))
    }

    fn view_shoes(&self, id: &str) -> &Shop {
        self.apply(Message::track("ana", "Product Viewed").with_id(id).with_property("category", "shoes"))
    }

    fn set(&self, id: &str, name: &str, value: impl Into<Json>) -> &Shop {
        self.apply(Message::identify("ana").with_id(id).with_trait(name, value))
    }

    fn explain(&self, segment: &str) -> Explanation {
        let explanation = self.database.explain_segment("ana", segment).unwrap();
        assert_eq!(explanation.is_positive(), self.database.is_member("ana", segment).unwrap(), "{segment}");
        explanation
    }

    fn segment(&self, segment: &str) -> ExplainedSegment {
        match self.explain(segment).answer {
            ExplainedAnswer::Segment(segment) => *segment,
            ExplainedAnswer::Decision(_) => panic!("a segment was asked for"),
        }
    }

    /// What is missing, as pairs of part and need.
    fn misses(&self, segment: &str) -> Vec<(String, String)> {
        self.segment(segment).nearest_miss.into_iter().map(|miss| (miss.part, miss.need)).collect()
    }

    fn decision(&self, personalization: &str) -> ExplainedDecision {
        let explanation = self.database.explain_decision("ana", personalization).unwrap();
        match explanation.answer {
            ExplainedAnswer::Decision(decision) => *decision,
            ExplainedAnswer::Segment(_) => panic!("a decision was asked for"),
        }
    }
}

fn time(text: &str) -> Time {
    Time::parse(text).unwrap()
}

fn pair(part: &str, need: &str) -> Vec<(String, String)> {
    vec![(part.to_owned(), need.to_owned())]
}

/// The part with this text, wherever it is in the tree.
fn find<'a>(part: &'a ExplainedPart, text: &str) -> Option<&'a ExplainedPart> {
    if part.text == text || part.name.as_deref() == Some(text) {
        return Some(part);
    }
    part.parts.iter().find_map(|inner| find(inner, text))
}

#[test]
fn a_count_says_how_many_of_how_many() {
    let shop = Shop::new();
    shop.view_shoes("m1").wait("1h").view_shoes("m2");
    assert_eq!(shop.misses("keen"), pair("shoe_views >= 3", "2 of 3"));
    shop.view_shoes("m3");
    assert!(shop.segment("keen").member);
    assert!(shop.misses("keen").is_empty());
}

#[test]
fn a_number_says_how_much_more() {
    let shop = Shop::new();
    shop.set("m1", "spent", 420.0);
    assert_eq!(shop.misses("big"), pair("spent > 500.0", "420 of more than 500 (80 more)"));
    shop.set("m2", "spent", 600.5);
    assert_eq!(shop.misses("not_big"), pair("spent > 500.0", "600.5 instead of at most 500 (100.5 less)"));
}

#[test]
fn what_is_missing_or_other_is_named() {
    let shop = Shop::new();
    shop.track("m1", "Product Added");
    assert_eq!(shop.misses("gold"), pair("tier == \"gold\"", "`tier` is not set"));
    let last = "events(\"Order Completed\").last()";
    assert_eq!(
        shop.misses("lapsed"),
        pair(&format!("now - {last} > duration(\"30d\")"), "no `Order Completed`")
    );
    assert_eq!(shop.misses("staff"), pair("staff", "not on its list"));
    shop.set("m2", "tier", "silver");
    assert_eq!(shop.misses("gold"), pair("tier == \"gold\"", "\"silver\" instead of \"gold\""));
}

#[test]
fn of_a_conjunction_all_is_missing_and_of_a_disjunction_the_nearest() {
    let shop = Shop::new();
    shop.set("m1", "spent", 420.0).view_shoes("m2").view_shoes("m3");
    assert_eq!(shop.misses("picky"), pair("shoe_views >= 3", "2 of 3"));
    let parts: Vec<String> = shop.misses("both").into_iter().map(|(part, _)| part).collect();
    assert_eq!(parts, ["tier == \"gold\"", "spent > 500.0"]);
    // `spent` is nearer to 500 than two views are to three, and it is named once.
    let parts: Vec<String> = shop.misses("twice").into_iter().map(|(part, _)| part).collect();
    assert_eq!(parts, ["spent > 500.0"]);
}

#[test]
fn a_cart_waits_for_its_time_and_is_ended_by_the_order() {
    let shop = Shop::new();
    assert_eq!(shop.misses("abandoner")[0].1, "no `Product Added`");
    shop.track("m1", "Product Added").wait("1m");
    let segment = shop.segment("abandoner");
    assert_eq!(segment.nearest_miss[0].need, "in 1h59m at 2026-01-01T11:00:00Z");
    let enters = NextChange::At { at: time("2026-01-01T11:00:00Z"), becomes: json!(true), message: None };
    assert_eq!(segment.change, enters);
    shop.wait("2h");
    let segment = shop.segment("abandoner");
    assert!(segment.member);
    let leaves = NextChange::At { at: time("2026-01-15T09:00:00Z"), becomes: json!(false), message: None };
    assert_eq!(segment.change, leaves);
    shop.track("m2", "Order Completed");
    let segment = shop.segment("abandoner");
    assert_eq!(segment.nearest_miss[0].need, "`Order Completed` came at 2026-01-01T11:01:00Z");
    assert_eq!(segment.change, NextChange::Never);
    let Some(Origin::Events(events)) = segment.condition.origin else { panic!("it comes from events") };
    let ids = |place: usize| events[place].latest.iter().map(|mention| &*mention.message).collect::<Vec<_>>();
    assert_eq!((ids(0), ids(1)), (vec!["m1"], vec!["m2"]));
}

#[test]
fn messages_behind_a_value_are_those_of_its_filter_and_window() {
    let shop = Shop::new();
    shop.view_shoes("old").wait("1d").view_shoes("m1");
    shop.apply(Message::track("ana", "Product Viewed").with_id("hats").with_property("category", "hats"));
    shop.apply(Message::track("ben", "Product Viewed").with_id("other").with_property("category", "shoes"));
    let late = Message::track("ana", "Product Viewed").with_id("late").with_property("category", "shoes");
    shop.apply(late.with_timestamp(time("2026-01-01T09:00:00.001Z")));
    let segment = shop.segment("keen");
    let views = find(&segment.condition, "shoe_views").unwrap();
    assert_eq!(views.value, Some(Value::Int(2)));
    let Some(Origin::Events(events)) = &views.origin else { panic!("it comes from events") };
    let ids: Vec<&str> = events[0].latest.iter().map(|mention| &*mention.message).collect();
    assert_eq!((events[0].count, ids), (2, vec!["m1", "late"]));
    shop.wait("1ms");
    assert_eq!(shop.misses("keen")[0].1, "1 of 3");
}

#[test]
fn at_most_ten_messages_are_named() {
    let shop = Shop::new();
    for number in 0..25 {
        shop.wait("1m").track(&format!("m{number:02}"), "Order Completed");
    }
    let segment = shop.segment("few");
    let Some(Origin::Events(events)) = &segment.condition.parts[0].origin else {
        panic!("it comes from events")
    };
    assert_eq!((events[0].count, events[0].latest.len()), (25, 10));
    assert_eq!(&*events[0].latest[0].message, "m24");
    assert_eq!(segment.nearest_miss[0].need, "25 instead of less than 2 (23 less)");
}

#[test]
fn an_attribute_names_the_message_that_set_it() {
    let shop = Shop::new();
    shop.track("m1", "Product Added");
    let origin = |segment: &str| shop.segment(segment).condition.parts[0].origin.clone();
    assert_eq!(origin("big"), Some(Origin::Default));
    assert_eq!(origin("gold"), Some(Origin::NeverSet));
    shop.set("m2", "tier", "gold");
    let Some(Origin::Message(mention)) = origin("gold") else { panic!("m2 set it") };
    assert_eq!((&*mention.message, mention.at), ("m2", time(START)));
    shop.wait("1s").set("m3", "tier", Json::Null);
    let Some(Origin::RemovedBy(mention)) = origin("gold") else { panic!("m3 removed it") };
    assert_eq!(&*mention.message, "m3");
}

#[test]
fn held_says_since_when_and_how_long_still() {
    let shop = Shop::new();
    shop.set("m1", "tier", "silver");
    assert_eq!(shop.misses("loyal"), pair("tier == \"gold\"", "\"silver\" instead of \"gold\""));
    shop.wait("1h").set("m2", "tier", "gold").wait("10d");
    let segment = shop.segment("loyal");
    assert_eq!(segment.condition.since, Some(time("2026-01-01T10:00:00Z")));
    assert_eq!(segment.condition.turns, Some(time("2026-01-31T10:00:00Z")));
    assert_eq!(segment.nearest_miss[0].need, "held for 10d of 30d, in 20d at 2026-01-31T10:00:00Z");
    let enters = NextChange::At { at: time("2026-01-31T10:00:00Z"), becomes: json!(true), message: None };
    assert_eq!(segment.change, enters);
    shop.wait("20d");
    assert!(shop.segment("loyal").member);
}

#[test]
fn the_next_change_is_exact_to_the_millisecond() {
    let shop = Shop::new();
    shop.track("m1", "Order Completed");
    for segment in ["lapsed", "keen"] {
        let mut was = shop.segment(segment);
        while let NextChange::At { at, becomes, .. } = was.change.clone() {
            shop.clock.set(Time::from_millis(at.millis() - 1).unwrap());
            assert_eq!(shop.segment(segment).member, was.member, "{segment} before {at}");
            shop.clock.set(at);
            was = shop.segment(segment);
            assert_eq!(json!(was.member), becomes, "{segment} at {at}");
        }
        assert_eq!(was.change, NextChange::Never);
        shop.view_shoes("m2").wait("1h").view_shoes("m3").view_shoes("m4");
    }
    assert!(shop.segment("lapsed").member && !shop.segment("keen").member);
}

#[test]
fn a_message_of_the_future_is_named_as_the_cause() {
    let shop = Shop::new();
    let soon = time("2026-01-01T09:03:00Z");
    shop.apply(Message::identify("ana").with_id("m1").with_trait("tier", "gold").with_timestamp(soon));
    let explanation = shop.explain("gold");
    assert!(!explanation.known);
    let message = Some("m1".into());
    assert_eq!(explanation.change(), &NextChange::At { at: soon, becomes: json!(true), message });
}

#[test]
fn a_segment_named_twice_is_taken_apart_once() {
    let shop = Shop::new();
    shop.track("m1", "Product Added");
    let text = shop.explain("twice").to_string();
    assert_eq!(text.matches("✗ spent > 500.0").count(), 1, "{text}");
}

#[test]
fn an_unknown_customer_is_called_so() {
    let shop = Shop::new();
    let explanation = shop.explain("few");
    assert!(!explanation.known && !explanation.is_positive());
    assert!(explanation.to_string().contains("unknown customer"));
    assert!(explanation.nearest_miss().is_empty());
    assert_eq!(explanation.to_json()["condition"]["value"], json!(true));
    assert_eq!(shop.decision("homepage").decision, json!("default"));
    assert!(
        shop.database.explain_segment("ana", "fwe").unwrap_err().to_string().contains("did you mean `few`?")
    );
    assert!(shop.database.explain_decision("ana", "x").is_err());
}

#[test]
fn every_offer_says_why() {
    let shop = Shop::new();
    let login = Message::track("ana", "Logged In").with_id("m1").with_property("channel", "app");
    shop.set("m0", "spent", 600).apply(login);
    let decision = shop.decision("homepage");
    let whys: Vec<(&str, bool, &str)> =
        decision.offers.iter().map(|offer| (&*offer.name, offer.chosen, offer.why.as_str())).collect();
    assert_eq!(
        whys,
        [
            ("big-preview", true, "priority 10"),
            ("keen-preview", false, "does not qualify: 0 of 3 (shoe_views >= 3)"),
            ("app-only", false, "qualifies, but `big-preview` has priority 10, this one 0"),
        ]
    );
    assert_eq!((decision.decision, decision.cause.as_deref()), (json!("big-preview"), Some("m1")));
    assert_eq!(&*decision.trigger.unwrap().message.unwrap().message, "m1");
    shop.set("m2", "spent", 1);
    let decision = shop.decision("homepage");
    assert_eq!(decision.offers[2].why, "the only one that qualifies");
    let Some(Origin::Message(mention)) = &decision.offers[2].condition.parts[0].origin else {
        panic!("from m1")
    };
    assert_eq!(&*mention.message, "m1");
}

const LIMITED: &str = r#"
schema = 1
[attributes]
tier = "string"
[events."Order Completed"]
category = "string"
[purchases."Order Completed"]
category = "category"
[caps.a_day]
most = 3
days = 1
zone = "Europe/Helsinki"
[holdouts.nobody_sees]
percent = 100
personalizations = ["hidden"]
[personalizations.home]
[[personalizations.home.offers]]
name = "bike"
when = 'tier == "gold"'
unless_bought = { categories = ["bikes"], within = "30d" }
cap = { most = 2, within = "1d" }
[[personalizations.home.offers]]
name = "sale"
from = "2026-06-09T00:00:00Z"
until = "2026-07-01T00:00:00Z"
[[personalizations.home.offers]]
name = "late"
when = 'hours("mon-fri", "11:00", "14:00", "Europe/Helsinki")'
[[personalizations.home.offers]]
name = "always"
[[personalizations.home.offers]]
name = "last"
[personalizations.hidden]
fallback = { name = "plain" }
[[personalizations.hidden.offers]]
name = "seen"
"#;

#[test]
fn limits_are_said_in_the_words_of_the_catalog() {
    let clock = ManualClock::new(time("2026-06-08T07:00:00Z"));
    let catalog = Catalog::from_toml(LIMITED).unwrap();
    let database = Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone()));
    let apply = |message: Message| drop(database.apply(message).unwrap());
    let whys = || {
        let explanation = database.explain_decision("ana", "home").unwrap();
        let ExplainedAnswer::Decision(decision) = explanation.answer else { panic!("of a decision") };
        for offer in &decision.offers {
            // A limit is a part of the condition, and says what that says.
            for limit in &offer.limits {
                let part = find(&offer.condition, &limit.part).unwrap();
                assert_eq!((limit.holds, limit.turns), (part.is_true(), part.turns));
                assert_eq!(limit.holds, limit.need.is_none());
            }
            assert!(!offer.qualifies || offer.limits.iter().all(|limit| limit.holds));
        }
        decision.offers.iter().map(|offer| offer.why.clone()).collect::<Vec<_>>()
    };
    apply(Message::identify("ana").with_trait("tier", "silver"));
    assert_eq!(
        whys(),
        [
            "does not qualify: \"silver\" instead of \"gold\" (tier == \"gold\")",
            "does not qualify: begins in 17h at 2026-06-09T00:00:00Z",
            "does not qualify: it is not the time, in 1h at 2026-06-08T08:00:00Z \
             (hours(\"mon,tue,wed,thu,fri\", \"11:00\", \"14:00\", \"Europe/Helsinki\"))",
            "first in order",
            "qualifies, but `always` comes first in order",
        ]
    );
    let exposure = |id: &str, offer: &str| {
        Message::track("ana", "$exposure")
            .with_id(id)
            .with_property("personalization", "home")
            .with_property("offers", json!([offer]))
    };
    ["x1", "x2"].into_iter().for_each(|id| apply(exposure(id, "bike")));
    apply(Message::track("ana", "Order Completed").with_id("o1").with_property("category", "bikes"));
    assert_eq!(
        whys()[0],
        "does not qualify: capped: 2 of at most 2 within 1d, again in 1d at 2026-06-09T07:00:00Z; \
         bought: o1 at 2026-06-08T07:00:00Z, again in 30d at 2026-07-08T07:00:00Z; \
         \"silver\" instead of \"gold\" (tier == \"gold\")"
    );
    apply(exposure("x3", "always"));
    let capped = "does not qualify: capped by `a_day`: 3 of at most 3 in a calendar day of Europe/Helsinki, \
                  again in 14h at 2026-06-08T21:00:00Z";
    assert_eq!(whys()[3..], [capped, capped]);
    let text = database.explain_decision("ana", "home").unwrap().to_string();
    for line in [
        "    ✗ tier == \"gold\" — \"silver\" instead of \"gold\"",
        "    ✗ cap: at most 2 within 1d, until 2026-06-09T07:00:00Z; shown 2 times: x2, x1",
        "    ✗ cap `a_day`: at most 3 in a calendar day of Europe/Helsinki, until 2026-06-08T21:00:00Z; shown 3 times: x3, x2, x1",
        "    ✗ unless bought within 30d: \"bikes\", until 2026-07-08T07:00:00Z; 1 `Order Completed`: o1",
        "    ✗ begins at 2026-06-09T00:00:00Z",
        "    ✓ ends at 2026-07-01T00:00:00Z",
    ] {
        assert!(text.lines().any(|known| known.starts_with(line)), "{line}\n{text}");
    }
    let json = database.explain_decision("ana", "home").unwrap().to_json();
    assert_eq!(
        json["offers"][1]["limits"][0],
        json!({"limit": "begins", "text": "begins at 2026-06-09T00:00:00Z", "holds": false,
            "need": "begins in 17h at 2026-06-09T00:00:00Z", "turns": "2026-06-09T00:00:00Z",
            "part": "now >= timestamp(\"2026-06-09T00:00:00Z\")"})
    );
    clock.set(time("2026-07-02T07:00:00Z"));
    assert_eq!(whys()[1], "does not qualify: ended at 2026-07-01T00:00:00Z");
}

#[test]
fn a_holdout_is_named() {
    let database = Database::in_memory(Catalog::from_toml(LIMITED).unwrap());
    database.apply(Message::identify("ana")).unwrap();
    let explanation = database.explain_decision("ana", "hidden").unwrap();
    let ExplainedAnswer::Decision(decision) = explanation.answer else { panic!("of a decision") };
    assert_eq!(decision.offers[0].why, "withheld: the customer is in the holdout `nobody_sees`");
}

#[test]
fn the_best_score_says_so() {
    let shop = Shop::new();
    shop.track("m1", "Product Added");
    let whys: Vec<String> = shop.decision("scored").offers.into_iter().map(|offer| offer.why).collect();
    assert_eq!(
        whys,
        [
            "qualifies, but `high` has score 7.5, this one 2.5",
            "score 7.5",
            "qualifies, but `high` has score 7.5, this one missing",
        ]
    );
}

#[test]
fn explaining_fills_no_cache_and_counts_no_work() {
    let shop = Shop::new();
    shop.track("m1", "Logged In");
    let work = shop.database.stats().work;
    assert!(!shop.decision("homepage").cached);
    assert!(!shop.decision("homepage").cached);
    shop.explain("abandoner");
    assert_eq!(shop.database.stats().work, work);
    shop.database.decide("ana", "homepage").unwrap();
    let decision = shop.decision("homepage");
    assert!(decision.cached);
    assert_eq!(decision.decision, json!("default"));
}

#[test]
fn a_choice_changes_when_a_window_empties() {
    let shop = Shop::new();
    shop.view_shoes("m1").view_shoes("m2").view_shoes("m3");
    let change =
        NextChange::At { at: time("2026-01-02T09:00:00Z"), becomes: json!("default"), message: None };
    assert_eq!(shop.decision("homepage").change, change);
    assert_eq!(shop.decision("homepage").valid_until, Some(time("2026-01-02T09:00:00Z")));
}

#[test]
fn a_tree_is_a_screenful() {
    let conditions: Vec<String> = (0..60).map(|number| format!("points > {number}")).collect();
    let catalog =
        format!("schema = 1\n[attributes]\npoints = 'int'\n[segments]\nlong = '{}'", conditions.join(" || "));
    let database = Database::in_memory(Catalog::from_toml(&catalog).unwrap());
    let text = database.explain_segment("ana", "long").unwrap().to_string();
    assert_eq!(text.lines().count(), 30);
    assert!(text.ends_with("more lines"));
}

/// The documentation shows what is really printed. `UPDATE_GOLDEN=1` writes it anew.
#[test]
fn the_documented_examples_are_real() {
    let shop = Shop::new();
    shop.set("m1", "spent", 420.0).view_shoes("m2").wait("1h").view_shoes("m3");
    shop.track("m4", "Product Added").wait("1m");
    let login = Message::track("ana", "Logged In").with_id("m5").with_property("channel", "web");
    shop.apply(login);
    let picky = shop.explain("picky");
    let abandoner = shop.explain("abandoner");
    let homepage = shop.database.explain_decision("ana", "homepage").unwrap();
    let json = serde_json::to_string_pretty(&picky).unwrap();
    let real = [picky.to_string(), abandoner.to_string(), homepage.to_string(), json];
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/explain.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut pieces: Vec<String> = page.split("```").map(str::to_owned).collect();
    let blocks = pieces.iter_mut().skip(1).step_by(2).filter(|block| !block.starts_with("jsonc"));
    for (block, real) in blocks.zip(&real) {
        let language = block.lines().next().unwrap_or_default().to_owned();
        *block = format!("{language}\n{real}\n");
    }
    let updated = pieces.join("```");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, updated).unwrap();
    } else {
        assert_eq!(page, updated, "run this test with UPDATE_GOLDEN=1 and read the difference");
    }
}
