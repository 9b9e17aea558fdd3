//! Calls that say more than who asks: context, variants to look at, and decisions that are made together.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

use std::thread;

use habitue::{Call, Catalog, Clock, Database, ErrorKind, ManualClock, Message, Reason, Time};
use serde_json::json;

const START: &str = "2026-01-10T09:00:00Z";

fn in_memory(catalog: &str) -> Database {
    let clock = ManualClock::new(Time::parse(START).unwrap());
    let catalog = Catalog::from_toml(&format!("schema = 1\n{catalog}")).unwrap();
    Database::in_memory_with_clock(catalog, Clock::Manual(clock))
}

fn name(database: &Database, personalization: &str, call: &Call) -> Option<String> {
    let decided = database.decide_with("ana", personalization, call).unwrap();
    decided.decision.name().map(str::to_owned)
}

/// Two conditions of the profile, one of the call; and a personalization that calls say nothing to.
const SHOP: &str = r#"
    [context]
    page = { type = "string", values = ["home", "checkout"], recorded = true }
    store = "string"
    [attributes]
    tier = "string"
    points = "int"
    [segments]
    gold = 'tier == "gold"'
    [personalizations.hero]
    fallback = { name = "welcome", text = "{{ context.store | default('our shop') }}" }
    [[personalizations.hero.offers]]
    name = "lounge"
    when = 'gold && points > 10 && context.page == "home"'
    [[personalizations.hero.offers]]
    name = "points"
    when = 'points > 100 && points < 200'
    [personalizations.plain]
    offers = [{ name = "news", when = "gold" }]
"#;

#[test]
fn only_what_depends_on_the_call_is_evaluated_for_it() {
    let database = in_memory(SHOP);
    database.apply(Message::identify("ana").with_trait("tier", "silver").with_trait("points", 50)).unwrap();
    let home = Call::new().with("page", "home");
    let work = || database.stats().work;
    let before = work();
    assert_eq!(name(&database, "hero", &home).as_deref(), Some("welcome"));
    assert_eq!(work().conditions, before.conditions, "the profile alone says no to both offers");
    database.apply(Message::identify("ana").with_trait("tier", "gold")).unwrap();
    let before = work();
    assert_eq!(name(&database, "hero", &home).as_deref(), Some("lounge"));
    let after = work();
    assert_eq!((after.conditions - before.conditions, after.decisions - before.decisions), (1, 1));
    // Of what calls say nothing to, the decision is looked up.
    database.decide("ana", "plain").unwrap();
    let before = work();
    assert!(database.decide_with("ana", "plain", &home).unwrap().cached);
    assert_eq!(work(), before);
}

#[test]
fn what_a_call_says_is_not_kept_for_the_next() {
    let database = in_memory(SHOP);
    database.apply(Message::identify("ana").with_trait("tier", "gold").with_trait("points", 50)).unwrap();
    for _ in 0..3 {
        assert_eq!(name(&database, "hero", &Call::new().with("page", "home")).as_deref(), Some("lounge"));
        assert_eq!(
            name(&database, "hero", &Call::new().with("page", "checkout")).as_deref(),
            Some("welcome")
        );
        assert_eq!(database.decide("ana", "hero").unwrap().decision.name(), Some("welcome"));
        let text = |call: &Call| {
            let decided = database.decide_with("ana", "hero", call).unwrap();
            decided.decision.text().map(str::to_owned)
        };
        assert_eq!(text(&Call::new().with("store", "Oulu")).as_deref(), Some("Oulu"));
        assert_eq!(text(&Call::new()).as_deref(), Some("our shop"));
    }
    // Somebody unknown is answered for too.
    let decided = database.decide_with("nobody", "hero", &Call::new().with("store", "Oulu")).unwrap();
    assert_eq!(decided.decision.text(), Some("Oulu"));
}

#[test]
fn exposures_keep_what_the_catalog_says_and_nothing_else() {
    let database = in_memory(SHOP);
    database.apply(Message::identify("ana").with_trait("tier", "gold").with_trait("points", 50)).unwrap();
    let call = Call::new().with("page", "home").with("store", "oulu");
    let recorded = database.decide_and_record_with("ana", "hero", &call).unwrap();
    assert_eq!(recorded.decided.decision.name(), Some("lounge"));
    let exported = database.export("ana").unwrap();
    let exposure = &exported.messages.last().unwrap().message;
    assert_eq!(exposure.event(), Some("$exposure"));
    assert_eq!(exposure.properties()["context"], json!({ "page": "home" }));
    assert!(!exported.to_json().to_string().contains("oulu"));
}

#[test]
fn a_call_that_does_not_fit_the_catalog_is_told_so() {
    let lenient = in_memory(SHOP);
    let strict = in_memory(&format!("strict = true\n{SHOP}"));
    let problem = |database: &Database, call: &Call| {
        let error = database.decide_with("ana", "hero", call).unwrap_err();
        (error.kind(), error.to_string())
    };
    let (kind, text) = problem(&lenient, &Call::new().with("store", 5));
    assert_eq!(kind, ErrorKind::InvalidCall);
    assert!(text.contains("`store`") && text.contains('5'), "{text}");
    let (_, text) = problem(&lenient, &Call::new().with("page", "cart"));
    assert!(text.contains("home"), "{text}");
    let (kind, text) = problem(&lenient, &Call::new().with_variant("hero", "a"));
    assert_eq!((kind, text.as_str()), (ErrorKind::NotFound, "the catalog has no experiment `hero`"));
    // As properties of events: what is not declared is nothing to a catalog that is not strict.
    let misspelt = Call::new().with("stroe", "oulu");
    assert_eq!(name(&lenient, "hero", &misspelt).as_deref(), Some("welcome"));
    let (kind, text) = problem(&strict, &misspelt);
    assert_eq!(kind, ErrorKind::InvalidCall);
    assert!(text.ends_with("did you mean `store`?"), "{text}");
    // `null` is to say nothing.
    assert_eq!(name(&lenient, "hero", &Call::new().with("page", json!(null))).as_deref(), Some("welcome"));
}

#[test]
fn conditions_on_customers_cannot_ask_what_a_call_says() {
    for (catalog, expected) in [
        ("[context]\nx = \"int\"\n[segments]\ns = 'context.x > 1'", "known only while it is answered"),
        ("[context]\nx = \"int\"\n[computed]\nc = 'context.x'", "known only while it is answered"),
        (
            "[context]\nx = \"int\"\n[personalizations.p]\noffers = [{ name = \"o\", when = 'held(context.x > 1, \"1d\")' }]",
            "known only while it is answered",
        ),
        (
            "[context]\nstore = \"int\"\n[personalizations.p]\noffers = [{ name = \"o\", when = 'context.stor > 1' }]",
            "did you mean `context.store`?",
        ),
        ("[personalizations.p]\noffers = [{ name = \"o\", when = 'context.store > 1' }]", "`[context]`"),
        ("[context]\nx = \"int\"\n[attributes]\ncontext = \"int\"", "`context` is an attribute"),
        (
            "[context]\nx = \"int\"\n[personalizations.p]\noffers = [{ name = \"o\", when = 'context.x == \"a\"' }]",
            "int",
        ),
    ] {
        let problem = Catalog::from_toml(&format!("schema = 1\n{catalog}")).unwrap_err().to_string();
        assert!(problem.contains(expected), "{catalog}\n{problem}");
    }
    // Without a section of that name it is a name like any other.
    in_memory("[attributes]\ncontext = \"map\"\n[segments]\ns = 'context.x == 1'");
}

const TRIAL: &str = r#"
    [attributes]
    tier = "string"
    [experiments.banner]
    when = 'tier == "gold"'
    variants = ["control", "blue"]
    forced = { ben = "control" }
    [segments]
    blue = 'variant("banner") == "blue"'
    [holdouts.none]
    percent = 0
    [personalizations.hero]
    fallback = { name = "plain" }
    offers = [{ name = "blue", when = "blue" }]
"#;

#[test]
fn a_call_sees_the_variant_it_asks_for_and_nobody_is_given_it() {
    let database = in_memory(TRIAL);
    let blue = Call::new().with_variant("banner", "blue");
    let control = Call::new().with_variant("banner", "control");
    database.apply(Message::identify("ana").with_trait("tier", "bronze")).unwrap();
    database.apply(Message::identify("ben").with_trait("tier", "gold")).unwrap();
    for id in ["ana", "ben"] {
        let decided = database.decide_with(id, "hero", &blue).unwrap().decision;
        assert_eq!(decided.name(), Some("blue"), "{id}");
        assert_eq!(&*decided.variants[0].1, "blue");
        assert_eq!(database.decide_with(id, "hero", &control).unwrap().decision.name(), Some("plain"));
        assert_eq!(database.decide(id, "hero").unwrap().decision.name(), Some("plain"));
        assert!(!database.is_member(id, "blue").unwrap());
    }
    // A holdout is not an experiment to look at.
    assert!(database.decide_with("ana", "hero", &Call::new().with_variant("none", "held_out")).is_err());
    let unknown =
        database.decide_with("ana", "hero", &Call::new().with_variant("banner", "red")).unwrap_err();
    assert!(unknown.to_string().contains("`control`, `blue`"), "{unknown}");
    let explained = database.explain_decision_with("ana", "hero", &blue).unwrap().to_string();
    assert!(explained.contains("variant(\"banner\") == \"blue\""), "{explained}");
}

const PAGE: &str = r#"
    [caps.all]
    most = 3
    within = "1d"
    [personalizations.hero]
    fallback = { name = "welcome" }
    offers = [{ name = "a", exclusive = "sale" }, { name = "b" }]
    [personalizations.side]
    strategy = "best"
    most = 2
    offers = [{ name = "a", score = "3", exclusive = "sale" }, { name = "c", score = "2", exclusive = "sale" },
              { name = "b", score = "1" }]
    [personalizations.foot]
    strategy = "all"
    offers = [{ name = "a", exclusive = "sale" }, { name = "b" }, { name = "d" }]
    [placements.page]
    personalizations = ["hero", "side", "foot"]
    [placements.small]
    personalizations = ["foot", "hero"]
    most = 1
"#;

fn placed(database: &Database, placement: &str) -> Vec<Vec<String>> {
    let decided = database.decide_placement("ana", placement, &Call::new()).unwrap();
    let names = decided.iter().map(|decided| {
        decided.decision.offers.iter().map(|chosen| chosen.name.to_string()).collect::<Vec<_>>()
    });
    names.collect()
}

#[test]
fn a_placement_shows_no_offer_twice_and_no_more_than_it_has_room_for() {
    let database = in_memory(PAGE);
    for _ in 0..2 {
        assert_eq!(placed(&database, "page"), [vec!["a"], vec!["b"], vec!["d"]]);
        assert_eq!(placed(&database, "small"), [vec!["a"], vec!["welcome"]]);
        // Known or not, kept or not.
        database.apply(Message::identify("ana")).unwrap();
        for name in ["hero", "side", "foot"] {
            database.decide("ana", name).unwrap();
        }
    }
    assert_eq!(database.decide("ana", "side").unwrap().decision.to_json(), json!(["a", "b"]));
    let error = database.decide_placement("ana", "pages", &Call::new()).unwrap_err();
    assert!(error.to_string().ends_with("did you mean `page`?"), "{error}");
}

#[test]
fn recorded_placements_exceed_no_cap_that_they_share() {
    let database = in_memory(PAGE);
    for number in 0..20 {
        database.apply(Message::identify(format!("u{number}"))).unwrap();
    }
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for number in 0..100 {
                    let id = format!("u{}", number % 20);
                    database.decide_and_record_placement(&id, "page", &Call::new()).unwrap();
                }
            });
        }
    });
    for number in 0..20 {
        let exported = database.export(&format!("u{number}")).unwrap();
        let exposures =
            exported.messages.iter().filter(|exported| exported.message.event() == Some("$exposure"));
        let qualified =
            exposures.filter(|exposure| exposure.message.properties()["reason"] == json!("qualified"));
        assert_eq!(qualified.count(), 3);
    }
}

#[test]
fn a_first_personalization_shows_as_many_as_it_may() {
    let database = in_memory(
        r#"
        [personalizations.tiles]
        most = 2
        offers = [{ name = "a", exclusive = ["x", "y"] }, { name = "b", exclusive = "y" }, { name = "c" }, { name = "d" }]
        "#,
    );
    let decided = database.decide("ana", "tiles").unwrap().decision;
    assert_eq!(decided.to_json(), json!(["a", "c"]));
    assert_eq!(decided.reason, Reason::Qualified);
}
