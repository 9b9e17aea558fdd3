//! Goals: what was reached after something was shown, by offer and by variant.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

use habitue::simulate::{Script, Simulation};
use habitue::{Catalog, Conversions, Database, Durability, Message, OpenOptions, Time};

/// The story of the guide, told in memory.
fn guide() -> Simulation {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/guides/goals");
    let mut simulation = Simulation::new(Catalog::load(format!("{folder}/catalog.toml")).unwrap());
    let script = Script::read(format!("{folder}/script.jsonl")).unwrap();
    simulation.run(&script).for_each(drop);
    simulation
}

#[test]
fn conversions_are_those_in_the_time_after_an_exposure() {
    let simulation = guide();
    let report = simulation.database().goal("purchase").unwrap();
    let one = |exposures, exposed, converted, conversions, value| Conversions {
        exposures,
        exposed,
        converted,
        conversions,
        value,
    };
    let offers: Vec<_> = report
        .offers
        .iter()
        .map(|row| (row.personalization.as_str(), row.offer.as_str(), row.conversions))
        .collect();
    assert_eq!(offers, [("home", "blue", one(2, 2, 1, 2, 42.5))]);
    let variants: Vec<_> = report
        .variants
        .iter()
        .map(|row| (row.variant.as_str(), row.conversions, row.conversions.rate()))
        .collect();
    // Cem bought after seven days to the millisecond, Dora one later.
    let expected =
        [("control", one(2, 2, 1, 1, 20.0), Some(0.5)), ("blue", one(2, 2, 1, 2, 42.5), Some(0.5))];
    assert_eq!(variants, expected);
    let unknown = simulation.database().goal("purchases").unwrap_err();
    assert!(unknown.to_string().ends_with("did you mean `purchase`?"), "{unknown}");
}

#[test]
fn what_came_before_the_exposure_or_is_of_somebody_else_does_not_count() {
    let database = Database::in_memory(catalog());
    let at = |hour: i64| Time::from_millis(1_767_268_800_000 + hour * 3_600_000).unwrap();
    let bought = |id: &str, hour| Message::track(id, "Bought").with_timestamp(at(hour));
    let shown = |id: &str, hour: i64, reason: &str| {
        Message::track(id, "$exposure")
            .with_property("personalization", "home")
            .with_property("offers", vec!["old"])
            .with_property("reason", reason)
            .with_timestamp(at(hour))
    };
    for message in [
        bought("ana", 1),
        shown("ana", 2, "qualified"),
        bought("ben", 3),
        shown("cem", 2, "fallback"),
        bought("cem", 3),
        // Of two exposures, the later one is near enough.
        shown("dora", 0, "qualified"),
        shown("dora", 30, "qualified"),
        bought("dora", 31),
        // Late, and of before.
        bought("ana", 0),
    ] {
        database.apply(message).unwrap();
    }
    let report = database.goal("buys").unwrap();
    // `new` is in the catalog and was shown to nobody; `old` is known from the history.
    let names: Vec<&str> = report.offers.iter().map(|row| row.offer.as_str()).collect();
    assert_eq!(names, ["new", "old"]);
    assert_eq!(
        (report.offers[0].conversions, report.offers[0].conversions.rate()),
        (Conversions::default(), None)
    );
    let old = report.offers[1].conversions;
    assert_eq!((old.exposures, old.exposed, old.converted, old.conversions), (3, 2, 1, 1));
}

#[test]
fn a_folder_is_counted_like_memory() {
    let folder = std::env::temp_dir().join(format!("habitue-goals-{}", std::process::id()));
    let open = || {
        let options = OpenOptions::new().catalog(catalog()).durability(Durability::Memory);
        options.memory_budget(200_000).open(&folder).unwrap()
    };
    let database = open();
    for number in 0..500 {
        let id = format!("u{number}");
        database.apply(Message::identify(id.as_str())).unwrap();
        database.decide_and_record(&id, "home").unwrap();
    }
    std::thread::sleep(std::time::Duration::from_millis(2));
    for number in 0..100 {
        database.apply(Message::track(format!("u{number}"), "Bought")).unwrap();
    }
    let counted = |database: &Database| {
        let new = database.goal("buys").unwrap().offers[0].conversions;
        (new.exposures, new.exposed, new.converted, new.conversions)
    };
    assert_eq!(counted(&database), (500, 500, 100, 100));
    database.close().unwrap();
    assert_eq!(counted(&open()), (500, 500, 100, 100));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn mistakes_in_goals_are_found() {
    for (goal, expected) in [
        ("event = \"Bougth\"\nwithin = \"1d\"", "did you mean `\"Bought\"`?"),
        ("event = \"Bought\"", "needs `event` and `within`"),
        ("event = \"Bought\"\nwithin = \"1d\"\nvalue = \"sku\"", "no number"),
        ("event = \"Bought\"\nwithin = \"1d\"\nvalue = \"totl\"", "did you mean `total`?"),
        ("event = \"Bought\"\nwithin = \"1d\"\nwhere = \"totl > 1.0\"", "did you mean `total`?"),
        ("event = \"Bought\"\nwithin = \"1d\"\nwhen = \"total > 1.0\"", "write `where`"),
        ("event = \"Bought\"\nwithin = \"0s\"", "within"),
    ] {
        let text =
            format!("schema = 1\n[events.Bought]\ntotal = \"float\"\nsku = \"string\"\n[goals.g]\n{goal}\n");
        let problem = Catalog::from_toml(&text).unwrap_err().to_string();
        assert!(problem.contains(expected), "{goal}\n{problem}");
    }
}

fn catalog() -> Catalog {
    Catalog::from_toml(
        "schema = 1\n[events.Bought]\ntotal = \"float\"\n[goals.buys]\nevent = \"Bought\"\nwithin = \"1d\"\n\
         [personalizations.home]\noffers = [{ name = \"new\" }]\n",
    )
    .unwrap()
}
