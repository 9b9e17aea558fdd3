//! Quantiles of all kinds of values: exact at every instant, still where they should be, kept and given up.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

#[path = "crash/folder.rs"]
mod folder;

use folder::Folder;
use habitue::{Catalog, Clock, Database, ManualClock, Message, OpenOptions, Reference, Time, Value};

const CATALOG: &str = r#"
schema = 1

[attributes]
points = "int"
joined = "time"
country = "string"

[events.View]
weight = "float"

[computed]
spent = 'events("View").within("2d").sum(weight)'
twice = 'by_points * 2'

[quantiles]
by_points = { value = 'points', parts = 4, tolerance = 5 }
finns = { value = 'points', of = 'country == "FI"', parts = 2 }
by_joined = { value = 'joined', parts = 3 }
by_spent = { value = 'spent', of = 'events("View").exists()' }
by_heat = { value = 'events("View").decayed(weight, "1d")' }
by_age = { value = 'now - joined', parts = 2 }
by_gold = { value = 'points', of = 'gold' }

[scores.engagement]
min = 0
max = 30
rows = [
    { when = 'country == "FI"', points = 10 },
    { when = 'spent > 5.0', points = 15 },
    { when = 'hot', points = 7 },
    { when = '!has(joined)', points = -20 },
]

[scores.half]
rows = [{ when = 'top', points = 0.5 }, { when = 'engagement > 9', points = 1 }]

[segments]
keen = 'engagement >= 22 && half < 1.5'
gold = 'country == "FI" && by_points >= 3'
top = 'by_points == 4'
hot = 'by_heat >= 4'
old = 'by_age == 2'
spender = 'by_spent >= 3'
held_top = 'held(by_heat >= 3, "6h")'
"#;
const DAY: i64 = 86_400;

fn time(seconds: i64) -> Time {
    Time::from_millis(1_767_225_600_000 + seconds * 1_000).unwrap()
}

fn id(number: i64) -> String {
    format!("c{number}")
}

fn messages() -> Vec<(Time, Message)> {
    let mut messages = Vec::new();
    for number in 0..24 {
        let at = time(number * 60);
        let country = if number % 3 == 0 { "FI" } else { "SE" };
        let identify = Message::identify(id(number)).with_trait("country", country);
        let identify = identify.with_trait("points", number * 7 % 24);
        let identify =
            if number == 5 { identify } else { identify.with_trait("joined", time(-number * DAY).millis()) };
        messages.push((at, identify.with_id(format!("i{number}")).with_timestamp(at)));
    }
    for number in 0..90 {
        let at = time(5_000 + number * 4_001);
        let view = Message::track(id(number * number % 23), "View")
            .with_property("weight", (number % 11) as f64 + 0.5);
        messages.push((at, view.with_id(format!("v{number}")).with_timestamp(at)));
    }
    messages
}

fn names() -> [&'static str; 7] {
    ["by_points", "finns", "by_joined", "by_spent", "by_heat", "by_age", "by_gold"]
}

#[test]
fn quantiles_are_what_the_naive_evaluator_says_at_every_instant() {
    let clock = ManualClock::new(time(-1));
    let database =
        Database::in_memory_with_clock(Catalog::from_toml(CATALOG).unwrap(), Clock::Manual(clock.clone()));
    assert_eq!(database.publish_cut_points().unwrap().len(), names().len());
    assert_eq!(database.stats().revision, 1, "there was nobody to count");
    let mut reference = Reference::new(Catalog::from_toml(CATALOG).unwrap());
    let (mut publications, mut rated) = (0, 0);
    for (step, (at, message)) in messages().into_iter().enumerate() {
        clock.set(at);
        database.apply(message.clone()).unwrap();
        reference.apply(message, at).unwrap();
        if step % 29 == 28 {
            publications +=
                u64::from(database.publish_cut_points().unwrap().iter().any(|told| told.moved > 0));
            reference.replace_catalog(database.catalog().unwrap());
        }
        for number in [step as i64 % 24, 5] {
            let expected = reference.answers(&id(number), at);
            let snapshot = database.profile(&id(number)).unwrap();
            assert_eq!(snapshot.segments, expected.segments, "{} at step {step}", id(number));
            for name in names() {
                let of = |value: &Option<Value>| value.clone();
                assert_eq!(
                    of(&snapshot.attributes[name]),
                    expected.attributes[name],
                    "{name} of {} at step {step}",
                    id(number)
                );
                rated += usize::from(snapshot.attributes[name].is_some());
            }
            for name in ["engagement", "half"] {
                assert_eq!(snapshot.attributes[name], expected.attributes[name], "{name} at step {step}");
            }
            assert_eq!(snapshot.attributes["twice"].is_some(), snapshot.attributes["by_points"].is_some());
        }
    }
    assert!(publications >= 3 && rated > 500, "{publications} {rated}");
    // By time alone: whoever was hot cools down, at an instant that was known before.
    for hours in (1..60).step_by(7) {
        clock.set(time(5_000 + 90 * 4_001 + hours * 3_600));
        for number in 0..24 {
            let expected = reference.answers(&id(number), clock.now()).segments;
            let actual = database.profile(&id(number)).unwrap().segments;
            assert_eq!(actual, expected, "{} after {hours} hours", id(number));
        }
    }
    assert_eq!(database.attribute(&id(5), "by_joined").unwrap(), None, "without a value in no part");
    assert_eq!(database.attribute(&id(1), "finns").unwrap(), None, "nor if not counted");
}

#[test]
fn points_are_added_up_and_bounded() {
    let catalog = CATALOG.replace("!has(joined)", "has(joined)");
    let clock = ManualClock::new(time(0));
    let catalog = Catalog::from_toml(&catalog).unwrap();
    let database = Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone()));
    let engagement = || {
        let points = database.attribute("ana", "engagement").unwrap();
        (points, database.is_member("ana", "keen").unwrap())
    };
    database.apply(Message::identify("ana").with_trait("country", "FI")).unwrap();
    assert_eq!(engagement(), (Some(Value::Int(10)), false));
    database.apply(Message::track("ana", "View").with_property("weight", 6.0)).unwrap();
    assert_eq!(engagement(), (Some(Value::Int(25)), true));
    clock.set(time(2 * DAY));
    assert_eq!(engagement(), (Some(Value::Int(10)), false), "by time alone");
    database.apply(Message::identify("ana").with_trait("joined", 0)).unwrap();
    assert_eq!(engagement(), (Some(Value::Int(0)), false), "not below the least");
    assert_eq!(database.attribute("ana", "half").unwrap(), Some(Value::Float(0.0)));
}

#[test]
fn nobody_is_moved_by_others_until_a_cut_is_off() {
    let clock = ManualClock::new(time(0));
    let catalog = "schema = 1\n[attributes]\npoints = \"int\"\n[quantiles]\nlevel = { value = 'points', parts = 2, tolerance = 10 }";
    let database = Database::in_memory_with_clock(Catalog::from_toml(catalog).unwrap(), Clock::Manual(clock));
    let apply =
        |id: &str, points: i64| database.apply(Message::identify(id).with_trait("points", points)).unwrap();
    for number in 0..10 {
        apply(&id(number), number * 10);
    }
    let publish = || {
        let told = database.publish_cut_points().unwrap().remove(0);
        (told.cuts, told.moved)
    };
    assert_eq!(publish(), (vec![Value::Int(50)], 1));
    apply("c5", 45);
    assert_eq!(database.attribute("c5", "level").unwrap(), Some(Value::Int(1)), "her own doing");
    assert_eq!(publish(), (vec![Value::Int(50)], 0), "60 % are below: within the tolerance");
    apply("c6", 0);
    assert_eq!(publish(), (vec![Value::Int(40)], 1), "70 % are not");
    assert_eq!(database.attribute("c5", "level").unwrap(), Some(Value::Int(2)));
    assert_eq!(
        database.attribute("c4", "level").unwrap(),
        Some(Value::Int(2)),
        "a value at the cut is above it"
    );
}

#[test]
fn cut_points_are_kept_and_given_up_with_what_they_are_of() {
    let folder = Folder::new("quantiles");
    let open = |text: Option<&str>| {
        let options = OpenOptions::new().clock(Clock::Manual(ManualClock::new(time(10))));
        let catalog = text.map(|text| Catalog::from_toml(text).unwrap());
        let database = catalog.into_iter().fold(options, OpenOptions::catalog).open(folder.path()).unwrap();
        assert_eq!(database.warnings(), Vec::<String>::new());
        database
    };
    let text = "schema = 1\n[attributes]\npoints = \"int\"\n[segments]\nlist = { list = true }\n[quantiles]\nlevel = { value = 'points', parts = 2 }\n";
    let database = open(Some(text));
    for number in 0..10 {
        database.apply(Message::identify(id(number)).with_trait("points", number * 10)).unwrap();
    }
    database.checkpoint().unwrap();
    assert_eq!(database.publish_cut_points().unwrap()[0].moved, 1);
    database.replace_list("list", ["c1"]).unwrap();
    database.close().unwrap();
    // On disk, so that images are measured.
    let database = open(None);
    assert_eq!(database.attribute("c5", "level").unwrap(), Some(Value::Int(2)));
    let told = &database.publish_cut_points().unwrap()[0];
    assert_eq!((told.counted, told.moved), (10, 0));
    let replace = |text: &str| {
        database.replace_catalog(Catalog::from_toml(text).unwrap()).unwrap();
        database.attribute("c5", "level").unwrap()
    };
    assert_eq!(replace(&format!("{text}[computed]\nmore = '1'\n")), Some(Value::Int(2)));
    assert_eq!(
        replace(&text.replace("'points'", "'points + 1'")),
        None,
        "cuts of another value are not taken"
    );
    assert!(database.is_member("c1", "list").unwrap());
    assert_eq!(database.publish_cut_points().unwrap()[0].cuts, [Value::Int(51)]);
}

#[test]
fn what_cannot_be_cut_is_an_error_at_its_place() {
    let found = |line: &str| {
        let text =
            format!("schema = 1\n[attributes]\ntier = \"string\"\npoints = \"int\"\n[quantiles]\n{line}");
        Catalog::from_toml(&text).unwrap_err().to_string()
    };
    assert!(found("a = { value = 'tier' }").contains("a population is not cut by a value of type"));
    assert!(found("a = { value = 'points', parts = 1 }").contains("2 to 100 parts"));
    assert!(found("a = { value = 'points', tolerance = 10 }").contains("less than 10 percent"));
    assert!(found("a = { value = 'a + 1' }").contains("a -> a"));
    assert!(found("tier = { value = 'points' }").contains("tier"));
    assert!(found("a = { value = 'pints' }").contains("did you mean `points`"));
    let found = |line: &str| {
        let text = format!("schema = 1\n[attributes]\npoints = \"int\"\n[scores]\n{line}");
        Catalog::from_toml(&text).unwrap_err().to_string()
    };
    assert!(found("a = { rows = [] }").contains("1 to 200 rows"));
    assert!(found("a = { rows = [{ when = 'points', points = 1 }] }").contains("is not a condition"));
    assert!(found("a = { rows = [{ when = 'a > 1', points = 1 }] }").contains("a -> a"));
    assert!(found("a = { rows = [{ when = 'true', points = 1 }], min = 2, max = 1.5 }").contains("greater"));
    let rfm = Catalog::from_toml("schema = 1\n[computed]\nrfm_cell = '1'\n[rfm]").unwrap_err().to_string();
    assert!(rfm.contains("`rfm_cell` is declared twice"), "{rfm}");
}
