//! Personas: customers who are files, in scripts and by themselves.

use habitue::simulate::Persona;
use habitue::{Catalog, Clock, Database, Duration, ManualClock, Message, Time};
use serde_json::{Value as Json, json};

use crate::Folder;

const CATALOG: &str = r#"
schema = 1
[attributes]
tier = "string"
points = "int"
city = "string"
[purposes]
marketing = {}
ads = { events = ["Product Viewed"] }
[events."Product Viewed"]
category = "string"
[events."Logged In"]
channel = "string"
[computed]
favourite = 'events("Product Viewed").top(category)'
views = 'events("Product Viewed").within("7d").count()'
[segments]
gold = 'tier == "gold"'
mailed = 'consent("marketing")'
keen = 'held(views >= 2, "1d")'
[personalizations.home]
fallback = { name = "plain" }
[[personalizations.home.offers]]
name = "gold-offer"
when = "gold"
cap = { most = 2, within = "1d" }
[[personalizations.home.offers]]
name = "keen-offer"
when = "keen"
text = "For {{ city }}"
[personalizations.desk]
on = "Logged In"
[[personalizations.desk.offers]]
name = "app"
when = 'event.channel == "app"'
"#;

const ANA: &str = r#"{
    "traits": {"tier": "silver", "city": "Oulu"},
    "consents": {"marketing": "revoked", "ads": "granted"},
    "events": [
        {"ago": "1h", "message": {"type": "track", "event": "Logged In", "properties": {"channel": "app"}}},
        {"ago": "6d", "event": "Product Viewed", "properties": {"category": "hats"}},
        {"ago": "3d", "event": "Product Viewed", "properties": {"category": "shoes"}}
    ]
}"#;

fn time(text: &str) -> Time {
    Time::parse(text).unwrap()
}

fn empty(now: Time) -> (Database, ManualClock) {
    let clock = ManualClock::new(now);
    let catalog = Catalog::from_toml(CATALOG).unwrap();
    (Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone())), clock)
}

/// Everything that is said of a customer, without ids and times.
fn said(database: &Database, id: &str) -> Json {
    let snapshot = database.profile(id).unwrap();
    let mut said = snapshot.to_json();
    let offers = snapshot.decisions.values().map(|decided| json!(decided.decision.offers));
    said["texts"] = offers.collect();
    let consents = snapshot.consents.iter();
    said["consents"] = consents.map(|(name, consent)| json!([name, consent.state.as_str()])).collect();
    said.as_object_mut().unwrap().remove("user");
    said
}

#[test]
fn a_script_brings_personas_to_life_at_its_time() {
    let folder = Folder::new("persona_script");
    folder.write("catalog.toml", CATALOG);
    folder.write("personas/ana.json", ANA);
    folder.write(
        "rules/script.jsonl",
        r#"
{"at":"2026-03-01T09:00:00Z","persona":"../personas/ana.json"}
{"expect":{"user":"ana","attributes":{"views":2,"favourite":"shoes","tier":"silver"},"consents":{"marketing":"revoked","ads":"granted"},"segments":{"gold":false,"mailed":false,"keen":true},"decisions":{"home":"keen-offer","desk":"app"}}}
{"persona":"../personas/ana.json","as":"gold-ana","with":{"tier":"gold","city":null}}
{"expect":{"user":"gold-ana","attributes":{"views":2,"city":null},"decisions":{"home":"gold-offer"}}}
{"at":"+1d","expect":{"user":"ana","attributes":{"views":1},"segments":{"keen":false},"decisions":{"home":"plain"}}}
{"persona":"../personas/ana.json","as":"later"}
{"expect":{"user":"later","attributes":{"views":2},"decisions":{"home":"keen-offer"}}}
{"at":"+100d","persona":"../personas/ana.json","as":7}
{"expect":{"user":7,"attributes":{"views":2}}}
"#,
    );
    let ended = folder.habitue("simulate catalog.toml rules/script.jsonl");
    assert_eq!((ended.code, ended.results.as_str()), (Some(0), "5 passed, 0 failed\n"));
}

#[test]
fn a_persona_that_does_not_fit_changes_nothing() {
    let folder = Folder::new("persona_misfit");
    folder.write("catalog.toml", CATALOG);
    folder.write("ana.json", ANA);
    folder.write("summary.json", r#"{"user":"s","at":"2026-01-01T00:00:00Z","messages":[{"time":"2026-01-01T00:00:00Z","messageId":"m","message":{"type":"summary"}}]}"#);
    for (name, text) in [
        ("unread.json", "{"),
        ("unknown.json", r#"{"trait":{}}"#),
        ("ago.json", r#"{"events":[{"ago":"3 days","event":"Logged In"}]}"#),
        ("both.json", r#"{"events":[{"event":"Logged In","message":{}}]}"#),
        (
            "far.json",
            r#"{"user":"s","at":"9999-01-01T00:00:00Z","messages":[{"time":"0001-01-01T00:00:00Z","messageId":"m","message":{"type":"identify","userId":"s"}}]}"#,
        ),
        ("consent.json", r#"{"consents":{"marketing":true}}"#),
    ] {
        folder.write(name, text);
    }
    let cases = [
        (
            r#""ana.json","with":{"points":"many"}"#,
            "`ana/with` of the persona: message refused (schema): `traits.points` = \"many\"",
        ),
        (r#""ana.json","as":"ben""#, "`ben` is known already, and a persona is a customer of her own"),
        (r#""nobody.json""#, "there is no persona `nobody.json`"),
        (r#""unread.json""#, "`unread.json`: not readable as JSON"),
        (r#""unknown.json""#, "`unknown.json`: a persona has an unknown key `trait`; did you mean `traits`?"),
        (r#""ago.json""#, "`ago.json`: event 1: `ago` is `3 days`, not a duration such as"),
        (r#""both.json""#, "`both.json`: event 1: it has `message`, or `event` and `properties`, not both"),
        (r#""far.json""#, "`ago` leads too far"),
        (
            r#""consent.json""#,
            "consent `marketing` of a persona is `granted`, `denied` or `revoked`, not true",
        ),
        (
            r#""summary.json""#,
            "`summary.json`: message 1: it is a summary of messages that are no longer kept",
        ),
        (r#""ana.json","ass":"b""#, "a line has an unknown key `ass`; did you mean `as`?"),
    ];
    let mut script = r#"{"at":"2026-03-01T09:00:00Z","persona":"ana.json","as":"ben"}"#.to_owned();
    for (line, _) in &cases {
        script.push_str(&format!("\n{{\"persona\":{line}}}"));
    }
    script.push_str("\n{\"query\":{\"user\":\"ana\"}}");
    folder.write("script.jsonl", &script);
    let ended = folder.habitue("simulate catalog.toml script.jsonl --json");
    let lines = ended.lines();
    assert_eq!((ended.code, lines.len()), (Some(1), cases.len() + 1));
    for ((line, part), answer) in cases.iter().zip(&lines) {
        let why = answer["why"].as_str().unwrap();
        assert!(why.contains(part), "{line}: {why}");
    }
    let query = lines.last().unwrap();
    assert_eq!((&query["attributes"]["tier"], &query["attributes"]["views"]), (&json!(null), &json!(0)));
}

/// What happened to a real customer, seen first as a visitor, with messages of one instant.
fn lives(database: &Database, clock: &ManualClock) {
    let minute = |minutes: i64| time("2026-01-05T00:00:00Z") + Duration::from_millis(minutes * 60_000);
    let view = |id: &str, category: &str| {
        Message::track("v1", "Product Viewed").anonymous().with_property("category", category).with_id(id)
    };
    let messages = [
        (0, view("m9", "hats").with_consent("ads", true)),
        (1, view("m8", "shoes")),
        // Of one instant: the latest by id is her favourite, and her tier is silver.
        (2_000, view("m2", "boots")),
        (2_000, view("m1", "gloves")),
        (2_001, Message::identify("old").with_anonymous_id("v1").with_trait("tier", "gold").with_id("i2")),
        (2_001, Message::identify("old").with_trait("tier", "silver").with_id("i3")),
        (2_002, Message::alias("bea", "old").with_id("a1")),
        (2_003, Message::identify("bea").with_trait("city", "Oulu").with_consent("marketing", true)),
        (4_000, Message::track("bea", "Logged In").with_property("channel", "app").with_id("l1")),
    ];
    for (minutes, message) in messages {
        clock.set(minute(minutes));
        database.apply(message.with_timestamp(minute(minutes))).unwrap();
    }
}

#[test]
fn what_was_exported_of_a_customer_is_her_at_any_time() {
    let (shop, shop_clock) = empty(time("2026-01-05T00:00:00Z"));
    lives(&shop, &shop_clock);
    shop_clock.set(time("2026-01-08T20:00:00Z"));
    let exported = shop.export("v1").unwrap().to_json();
    assert_eq!(exported["user"], "old");
    assert_eq!(
        exported["attributes"],
        json!({"city": "Oulu", "favourite": "boots", "points": null, "tier": "silver", "views": 4})
    );
    assert_eq!(exported["decisions"], json!({"desk": "app", "home": "keen-offer"}));

    let persona = Persona::from_json("file", &exported).unwrap();
    assert_eq!(persona.id(), "old");
    let (database, clock) = empty(time("2031-07-01T12:34:56Z"));
    persona.enter(&database).unwrap();
    persona.clone().named("twin").enter(&database).unwrap();
    for _ in 0..8 {
        for id in ["old", "bea", "v1", "twin", "twin/bea", "twin/v1"] {
            assert_eq!(said(&database, id), said(&shop, "old"), "{id}");
        }
        // Time passes for her as it does for the customer.
        for clock in [&clock, &shop_clock] {
            clock.set(clock.now() + Duration::from_millis(27 * 3_600_000));
        }
    }
    assert_eq!(database.segment_sizes().unwrap().iter().map(|(_, size)| *size).max(), Some(2));
}

#[test]
fn what_is_said_beside_the_file_comes_last() {
    let at = time("2026-01-05T00:00:00Z");
    let message = Message::identify("ana").with_id("zz").with_trait("tier", "silver").with_timestamp(at);
    let exported = json!({"user": "ana", "at": at.to_string(), "messages": [
        {"time": at.to_string(), "messageId": "zz", "message": message.to_json()}
    ]});
    let (database, _) = empty(time("2027-01-05T00:00:00Z"));
    Persona::from_json("", &exported).unwrap().with("tier", "gold").enter(&database).unwrap();
    assert!(database.is_member("ana", "gold").unwrap());
}

#[test]
fn a_visitor_stays_a_visitor() {
    let (database, _) = empty(time("2027-01-05T00:00:00Z"));
    let file =
        json!({"anonymous": true, "events": [{"event": "Logged In", "properties": {"channel": "app"}}]});
    Persona::from_json("v7", &file).unwrap().with("tier", "gold").enter(&database).unwrap();
    let identity = database.identity("v7").unwrap();
    assert_eq!(serde_json::to_value(&identity).unwrap()["identifiers"][0]["kind"], "anonymousId");
    assert_eq!(said(&database, "v7")["decisions"], json!({"desk": "app", "home": "gold-offer"}));
}

#[test]
fn the_command_line_asks_what_a_persona_is_shown() {
    let folder = Folder::new("persona_command");
    folder.write("catalog.toml", CATALOG);
    folder.write("ana.json", ANA);
    let at = "--at 2026-03-01T09:00:00Z";
    let ended = folder.habitue(&format!("persona catalog.toml ana.json {at}"));
    assert_eq!((ended.code, ended.results.as_str()), (Some(0), "desk: app\nhome: keen-offer: For Oulu\n"));
    let ended =
        folder.habitue(&format!("persona catalog.toml ana.json home {at} --with tier=gold --with points=7"));
    assert_eq!(ended.results, "home: gold-offer\n");
    let ended = folder.habitue(&format!("persona catalog.toml ana.json home {at} --with city=Turku --json"));
    assert_eq!(ended.lines()[0]["offers"][0]["text"], "For Turku");
    let ended = folder.habitue(&format!("persona catalog.toml ana.json keen {at} --explain"));
    assert!(ended.results.starts_with("✓ `ana` is in `keen` at 2026-03-01T09:00:00Z"), "{}", ended.results);
    let ended = folder.habitue(&format!("persona catalog.toml ana.json --explain {at} --json"));
    assert_eq!(ended.lines().iter().map(|line| &line["decision"]).collect::<Vec<_>>(), ["app", "keen-offer"]);
    let ended = folder.habitue(&format!("persona catalog.toml ana.json --profile {at} --json"));
    assert_eq!(ended.lines()[0]["attributes"]["views"], 2);
    for (arguments, code) in [
        ("catalog.toml nobody.json", 5),
        ("catalog.toml ana.json hom", 5),
        ("catalog.toml ana.json --with tier", 2),
        ("catalog.toml ana.json --with points=x", 1),
        ("ana.json ana.json", 3),
    ] {
        let ended = folder.habitue(&format!("persona {arguments}"));
        assert_eq!(ended.code, Some(code), "{arguments}: {}", ended.words);
    }
}
