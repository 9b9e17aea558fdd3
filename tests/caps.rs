//! How often offers are shown, when, and to whom not: caps, validity, and what was bought.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

use std::collections::BTreeMap;
use std::thread;

use habitue::{
    Catalog, CatalogError, Clock, Database, Durability, Duration, ManualClock, Message, OpenOptions, Reason,
    Time,
};

const START: &str = "2026-01-10T09:00:00Z";

fn in_memory(toml: &str) -> (Database, ManualClock) {
    let clock = ManualClock::new(Time::parse(START).unwrap());
    let catalog = Catalog::from_toml(&format!("schema = 1\n{toml}")).unwrap();
    (Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone())), clock)
}

fn wait(clock: &ManualClock, text: &str) {
    clock.set(clock.now() + Duration::parse(text).unwrap());
}

/// What is shown, and put on record.
fn show(database: &Database, id: &str, personalization: &str) -> Option<String> {
    let recorded = database.decide_and_record(id, personalization).unwrap();
    recorded.decided.decision.name().map(str::to_owned)
}

/// What would be shown.
fn ask(database: &Database, id: &str, personalization: &str) -> Option<String> {
    database.decide(id, personalization).unwrap().decision.name().map(str::to_owned)
}

const CAPPED: &str = r#"
    [caps.sales]
    most = 3
    within = "2d"
    offers = ["sale", "clearance"]
    [caps.all]
    most = 5
    within = "7d"
    [[personalizations.home.offers]]
    name = "sale"
    cap = [{ most = 2, within = "1d" }]
    [[personalizations.home.offers]]
    name = "clearance"
    [[personalizations.home.offers]]
    name = "news"
    [personalizations.till]
    fallback = { name = "plain" }
    [[personalizations.till.offers]]
    name = "clearance"
"#;

#[test]
fn caps_are_of_offers_of_groups_and_of_customers() {
    let (database, clock) = in_memory(CAPPED);
    database.apply(Message::identify("ana")).unwrap();
    let mut shown = Vec::new();
    for _ in 0..7 {
        assert_eq!(ask(&database, "ana", "home"), ask(&database, "ana", "home"), "asking counts nothing");
        shown.push(show(&database, "ana", "home").unwrap_or_default());
        wait(&clock, "1m");
    }
    // Two of the offer, a third of the group, and five in all.
    assert_eq!(shown, ["sale", "sale", "clearance", "news", "news", "", ""]);
    assert_eq!(show(&database, "ana", "till").as_deref(), Some("plain"), "of both personalizations together");
    // A day after the first two were shown, the group still has three in two days.
    wait(&clock, "1d");
    assert_eq!(show(&database, "ana", "home"), None, "five in a week");
    wait(&clock, "6d");
    let first_five_are_over = show(&database, "ana", "home");
    assert_eq!(first_five_are_over.as_deref(), Some("sale"));
    // Others have their own counts.
    database.apply(Message::identify("bob")).unwrap();
    assert_eq!(show(&database, "bob", "home").as_deref(), Some("sale"));
    let why = database.explain_decision("ana", "home").unwrap().to_string();
    assert!(why.contains("cap: at most 2 within 1d; shown once: "), "{why}");
}

/// A window is half open: what was shown exactly so long ago has left it.
#[test]
fn a_cap_ends_to_the_millisecond() {
    let (database, clock) =
        in_memory("[[personalizations.home.offers]]\nname = \"sale\"\ncap = { most = 1, within = \"1h\" }");
    database.apply(Message::identify("ana")).unwrap();
    let decided = database.decide_and_record("ana", "home").unwrap();
    assert_eq!(decided.decided.decision.name(), Some("sale"));
    assert_eq!(ask(&database, "ana", "home"), None);
    let until = database.decide("ana", "home").unwrap().decision.valid_until;
    assert_eq!(until, clock.now() + Duration::parse("1h").unwrap());
    clock.set(until - Duration::from_millis(1));
    assert_eq!(ask(&database, "ana", "home"), None);
    clock.set(until);
    assert_eq!(ask(&database, "ana", "home").as_deref(), Some("sale"));
}

/// Once a day, as the calendar on the wall has it: the last Sunday of October has 25 hours.
#[test]
fn a_cap_of_calendar_days_ends_at_midnight() {
    let (database, clock) = in_memory(
        "[[personalizations.home.offers]]\nname = \"sale\"\n\
         cap = { most = 1, days = 1, zone = \"Europe/Helsinki\" }",
    );
    clock.set(Time::parse("2026-10-24T21:00:00Z").unwrap());
    database.apply(Message::identify("ana")).unwrap();
    for (at, expected) in [
        ("2026-10-24T21:00:00Z", Some("sale")),
        ("2026-10-25T21:59:59.999Z", None),
        ("2026-10-25T22:00:00Z", Some("sale")),
        ("2026-10-26T21:59:59.999Z", None),
        ("2026-10-26T22:00:00Z", Some("sale")),
    ] {
        clock.set(Time::parse(at).unwrap());
        assert_eq!(show(&database, "ana", "home").as_deref(), expected, "{at}");
    }
    let until = database.decide("ana", "home").unwrap().decision.valid_until;
    assert_eq!(until.to_string(), "2026-10-27T22:00:00Z");
}

/// An exposure is a message like any other: whoever shows an offer may send it, late or twice.
#[test]
fn exposures_are_messages() {
    let (database, clock) = in_memory(
        r#"
        [segments]
        saw_sale = 'events("$exposure").where("sale" in offers).within("1d").count() >= 2'
        [[personalizations.home.offers]]
        name = "sale"
        cap = { most = 2, within = "1d" }
        "#,
    );
    let seen = |id: &str, at: Time| {
        Message::track("ana", "$exposure")
            .with_id(id)
            .with_timestamp(at)
            .with_property("personalization", "home")
            .with_property("offers", vec!["sale"])
    };
    let now = clock.now();
    for _ in 0..2 {
        database.apply(seen("kiosk-1", now - Duration::parse("2h").unwrap())).unwrap();
        assert_eq!(ask(&database, "ana", "home").as_deref(), Some("sale"), "told twice, it was shown once");
    }
    let recorded = database.decide_and_record("ana", "home").unwrap();
    let exposure = recorded.exposure.unwrap();
    assert_eq!(exposure.transitions.len(), 1, "conditions read it");
    assert!(database.is_member("ana", "saw_sale").unwrap());
    assert_eq!(show(&database, "ana", "home"), None);
    assert_eq!(database.decide_and_record("ana", "home").unwrap().exposure, None, "nothing was shown");
    assert_eq!(database.decide_and_record("nobody", "home").unwrap().exposure, None, "of nobody known");
}

/// Of who is held out or in an experiment without being shown anything, the exposure says so.
#[test]
fn exposures_say_variants_and_holdouts() {
    let (database, _) = in_memory(
        r#"
        [experiments.banner]
        variants = ["control", "blue"]
        [holdouts.quiet]
        percent = 20
        [computed]
        variants = 'events("$exposure").last(variants)'
        reason = 'events("$exposure").last(reason)'
        [segments]
        blue = 'variant("banner") == "blue"'
        quiet = 'held_out("quiet")'
        [[personalizations.home.offers]]
        name = "blue"
        when = "blue"
        "#,
    );
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for number in 0..100 {
        let id = format!("u{number}");
        database.apply(Message::identify(&id)).unwrap();
        let recorded = database.decide_and_record(&id, "home").unwrap();
        let decision = &recorded.decided.decision;
        let told = |name: &str| database.attribute(&id, name).unwrap().map(|value| value.to_json());
        let said = told("variants").map_or(String::new(), |json| json["banner"].as_str().unwrap().to_owned());
        let (blue, quiet) =
            (database.is_member(&id, "blue").unwrap(), database.is_member(&id, "quiet").unwrap());
        let (reason, expected, json) = match (quiet, blue) {
            (true, _) => (Reason::HeldOut, "", "held_out"),
            (false, true) => (Reason::Qualified, "blue", "qualified"),
            (false, false) => (Reason::Nothing, "control", "nothing"),
        };
        assert_eq!((decision.reason, said.as_str()), (reason, expected), "{id}");
        assert_eq!(told("reason"), Some(json.into()), "{id}");
        *counted.entry(json.to_owned()).or_default() += 1;
    }
    assert_eq!(counted.len(), 3, "{counted:?}");
}

/// Sixteen threads at once, and no cap is exceeded by one. `HABITUE_CAP_CALLS` says how often they ask.
#[test]
fn no_cap_is_exceeded_however_many_ask() {
    const THREADS: usize = 16;
    let calls: usize = std::env::var("HABITUE_CAP_CALLS").map_or(48_000, |calls| calls.parse().unwrap());
    let customers = (calls / 48).clamp(10, 1_000);
    let (database, _) = in_memory(CAPPED);
    let ids: Vec<String> = (0..customers).map(|number| format!("u{number}")).collect();
    ids.iter().for_each(|id| drop(database.apply(Message::identify(id)).unwrap()));
    let ask = |thread: usize| {
        let mut shown: BTreeMap<(usize, String), usize> = BTreeMap::new();
        for call in 0..calls / THREADS {
            let customer = (call * 7 + thread) % customers;
            let personalization = if (call + thread).is_multiple_of(3) { "till" } else { "home" };
            if let Some(name) = show(&database, &ids[customer], personalization) {
                *shown.entry((customer, name)).or_default() += 1;
            }
        }
        shown
    };
    let mut shown: BTreeMap<(usize, String), usize> = BTreeMap::new();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || ask(thread))).collect();
        for thread in threads {
            for (what, times) in thread.join().unwrap() {
                *shown.entry(what).or_default() += times;
            }
        }
    });
    for customer in 0..customers {
        let times = |name: &str| shown.get(&(customer, name.to_owned())).copied().unwrap_or_default();
        let (sale, clearance, news) = (times("sale"), times("clearance"), times("news"));
        assert!(sale <= 2 && sale + clearance <= 3, "{customer}: {sale} {clearance}");
        assert_eq!(sale + clearance + news, 5, "{customer}: as many as the cap of all allows");
    }
}

#[test]
fn offers_begin_and_end() {
    let (database, clock) = in_memory(
        r#"
        [personalizations.home]
        fallback = { name = "plain" }
        [[personalizations.home.offers]]
        name = "january"
        from = 2026-01-10T10:00:00Z
        until = "2026-01-31T23:00:00Z"
        "#,
    );
    database.apply(Message::identify("ana")).unwrap();
    for (at, expected) in [
        ("2026-01-10T09:59:59.999Z", "plain"),
        ("2026-01-10T10:00:00Z", "january"),
        ("2026-01-31T22:59:59.999Z", "january"),
        ("2026-01-31T23:00:00Z", "plain"),
    ] {
        clock.set(Time::parse(at).unwrap());
        assert_eq!(ask(&database, "ana", "home").as_deref(), Some(expected), "{at}");
        assert_eq!(ask(&database, "nobody", "home").as_deref(), Some(expected), "{at}");
    }
}

/// What was bought at the till or on the web is not offered, be it by its id or its category.
#[test]
fn nothing_is_offered_that_was_bought() {
    let (database, clock) = in_memory(
        r#"
        [events."Order Completed"]
        products = { type = "list", of = { type = "map", fields = { product_id = "string", category = "string" } } }
        [events.Receipt]
        ean = "int"
        [purchases."Order Completed"]
        list = "products"
        product = "product_id"
        category = "category"
        [purchases.Receipt]
        product = "ean"
        [personalizations.home]
        strategy = "all"
        offers = [
            { name = "bike", unless_bought = { categories = ["bikes", "e-bikes"], within = "365d" } },
            { name = "helmet", unless_bought = { products = ["h1", "h2", 4711] } },
            { name = "bell" },
        ]
        "#,
    );
    let names = || -> Vec<String> {
        let decided = database.decide("ana", "home").unwrap().decision;
        decided.offers.iter().map(|offer| offer.name.to_string()).collect()
    };
    database.apply(Message::identify("ana")).unwrap();
    assert_eq!(names(), ["bike", "helmet", "bell"]);
    let product = |id: &str, category: &str| serde_json::json!({ "product_id": id, "category": category });
    let order = vec![product("x1", "toys"), product("b7", "e-bikes")];
    database.apply(Message::track("ana", "Order Completed").with_property("products", order)).unwrap();
    assert_eq!(names(), ["helmet", "bell"]);
    database.apply(Message::track("ana", "Receipt").with_property("ean", 4711)).unwrap();
    assert_eq!(names(), ["bell"]);
    wait(&clock, "365d");
    assert_eq!(names(), ["bike", "bell"], "a year later she may want another bike");
}

/// What was recorded is on disk before it is shown.
#[test]
fn caps_outlive_the_process() {
    let folder = std::env::temp_dir().join(format!("habitue-caps-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let clock = ManualClock::new(Time::parse(START).unwrap());
    let open = || {
        let catalog = Catalog::from_toml(&format!("schema = 1\n{CAPPED}")).unwrap();
        let options = OpenOptions::new().catalog(catalog).clock(Clock::Manual(clock.clone()));
        options.durability(Durability::Sync).open(&folder).unwrap()
    };
    let mut shown = Vec::new();
    for restart in 0..6 {
        let database = open();
        if restart == 0 {
            database.apply(Message::page("device", "Home").anonymous()).unwrap();
        }
        if restart == 3 {
            database.apply(Message::identify("ana").with_anonymous_id("device")).unwrap();
        }
        shown.push(show(&database, "device", "home").unwrap_or_default());
        wait(&clock, "1m");
        assert!(database.verify().unwrap().flaws.is_empty());
        if restart % 2 == 0 {
            database.close().unwrap();
        }
    }
    assert_eq!(shown, ["sale", "sale", "clearance", "news", "news", ""]);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_cannot_be_is_refused() {
    let offer = |more: &str| format!("[[personalizations.home.offers]]\nname = \"sale\"\n{more}");
    let mut wrong = Vec::new();
    for (toml, expected) in [
        (offer("cap = { most = 0, within = \"1d\" }"), "4:16 out_of_range: `most` is 1 to 1000, not 0"),
        (offer("cap = { most = 2 }"), "4:7 missing_key: a cap needs `within`, or `days` and a `zone`"),
        (
            offer("cap = { most = 2, days = 1, zone = \"Europe/Helsinky\" }"),
            "4:16 value: there is no time zone `Europe/Helsinky`",
        ),
        (
            offer("until = 2026-01-01T00:00:00Z\nfrom = 2026-02-01T00:00:00Z"),
            "4:9 out_of_range: it ends at 2026-01-01T00:00:00Z, and begins at 2026-02-01T00:00:00Z",
        ),
        (
            offer("unless_bought = { products = [\"a\"] }"),
            "4:17 missing_key: the catalog does not say what a purchase is",
        ),
        (offer("unless_bought = {}"), "4:17 missing_key: it names no `products` and no `categories`"),
        (
            format!("{}\n[caps.x]\nmost = 1\nwithin = \"1d\"\noffers = [\"sales\"]", offer("")),
            "8:11 unknown_name: there is no offer `sales` | did you mean `sale`?",
        ),
        ("[purchases.Order]\nproduct = \"id\"".to_owned(), "2:12 unknown_event: there is no event `Order`"),
        (
            "[events.Order]\nid = \"float\"\n[purchases.Order]\nproduct = \"id\"".to_owned(),
            "5:11 unknown_property: `id` is float, and what was bought is named by a text or int",
        ),
        (
            "[events.Order]\nlines = \"string\"\n[purchases.Order]\nlist = \"lines\"\nproduct = \"id\""
                .to_owned(),
            "5:8 type: `lines` is string, not a list of what was bought",
        ),
        (
            "[events.\"$exposure\"]\noffers = \"string\"".to_owned(),
            "2:9 type: the property `offers` of `$exposure` is list of string",
        ),
    ] {
        let refused = Catalog::from_toml(&format!("schema = 1\n{toml}"));
        let Err(CatalogError::Invalid(report)) = refused else { panic!("{toml}: {refused:?}") };
        let line = |at: habitue::LocatedFinding<'_>| {
            let help = at.help.map_or(String::new(), |help| format!(" | {help}"));
            format!("{}:{} {}: {}{help}", at.line, at.column, at.code, at.message)
        };
        let found: Vec<String> = report.located().map(line).collect();
        if found.len() != 1 || !found[0].starts_with(expected) {
            wrong.push((expected, found));
        }
    }
    assert_eq!(wrong, []);
}
