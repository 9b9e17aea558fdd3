//! What all customers are drawn to: what counts, from whom, when, and that it is there again after opening.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

#[path = "crowd/real_purchases.rs"]
#[expect(clippy::print_stdout, reason = "what is compared is of interest even if it is as it should be")]
mod real_purchases;

use std::path::{Path, PathBuf};
use std::thread;

use habitue::{
    Catalog, Clock, CrowdList, Database, Durability, Duration, ErrorKind, ManualClock, Message, OpenOptions,
    Time, Value,
};

const START: &str = "2026-01-10T09:00:00Z";

const CATALOG: &str = r#"
    schema = 1
    [events."Order Completed"]
    store = "string"
    channel = "int"
    products = { type = "list", of = { type = "map", fields = { id = "string", quantity = "int" } } }
    [events."Product Viewed"]
    product_id = "int"
    [purposes.analytics]
    events = ["Product Viewed"]
    [crowd.sellers]
    event = "Order Completed"
    list = "products"
    item = "id"
    by = ["store", "channel"]
    half_life = "7d"
    trending = "1d"
    together = true
    [crowd.views]
    event = "Product Viewed"
    item = "product_id"
    half_life = "1d"
    hours = { zone = "Europe/Helsinki", from = [6, 18] }
"#;

fn clock() -> ManualClock {
    ManualClock::new(Time::parse(START).unwrap())
}

fn in_memory(toml: &str) -> (Database, ManualClock) {
    let clock = clock();
    let catalog = Catalog::from_toml(toml).unwrap();
    (Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone())), clock)
}

fn order(customer: usize, number: usize, products: &[&str]) -> Message {
    let products: Vec<serde_json::Value> =
        products.iter().map(|id| serde_json::json!({ "id": id, "quantity": 1 })).collect();
    Message::track(format!("customer-{customer}"), "Order Completed")
        .with_id(format!("order-{customer}-{number}"))
        .with_property("store", "oulu")
        .with_property("channel", 1)
        .with_property("products", products)
}

fn oulu() -> [(&'static str, Value); 2] {
    [("store", Value::string("oulu")), ("channel", Value::Int(1))]
}

fn popular(database: &Database) -> CrowdList {
    database.popular("sellers", &oulu(), 10).unwrap()
}

/// Items with their scores to three digits.
fn told(list: &CrowdList) -> Vec<(String, String)> {
    let text = |value: &Value| value.to_json().to_string().trim_matches('"').to_owned();
    list.items.iter().map(|one| (text(&one.item), format!("{:.3}", one.score))).collect()
}

fn is_told(list: &CrowdList, expected: &[(&str, &str)]) {
    let expected: Vec<(String, String)> =
        expected.iter().map(|(item, score)| ((*item).to_owned(), (*score).to_owned())).collect();
    assert_eq!(told(list), expected, "{list:?}");
}

#[test]
fn every_accepted_event_counts_once_at_its_own_time() {
    let (database, clock) = in_memory(CATALOG);
    for customer in 0..20 {
        assert!(!popular(&database).enough_people);
        database.apply(order(customer, 1, &["tea", "milk"])).unwrap();
    }
    is_told(&popular(&database), &[("milk", "20.000"), ("tea", "20.000")]);
    // The same again, which is a duplicate; another content, which is refused; and one that came late.
    assert!(database.apply(order(3, 1, &["tea", "milk"])).unwrap().duplicate);
    database.apply(order(3, 1, &["tea"])).unwrap_err();
    let week_ago = clock.now() - Duration::parse("7d").unwrap();
    database.apply(order(3, 2, &["tea"]).with_timestamp(week_ago)).unwrap();
    is_told(&popular(&database), &[("tea", "20.500"), ("milk", "20.000")]);
    clock.set(clock.now() + Duration::parse("7d").unwrap());
    is_told(&popular(&database), &[("tea", "10.250"), ("milk", "10.000")]);
    // One of the future counts at once.
    let soon = clock.now() + Duration::parse("1m").unwrap();
    database.apply(order(3, 3, &["tea"]).with_timestamp(soon)).unwrap();
    database.apply(order(77, 1, &["tea"]).with_timestamp(soon)).unwrap();
    is_told(&popular(&database), &[("tea", "12.250"), ("milk", "10.000")]);
    clock.set(soon);
    is_told(&popular(&database), &[("tea", "12.249"), ("milk", "9.999")]);
    let list = popular(&database);
    assert!(list.complete && list.enough_people && list.people == 20);
    assert!(list.items.iter().all(|one| one.error == 0.0));
    // Ten half-lives later nobody is behind it.
    clock.set(clock.now() + Duration::parse("70d").unwrap());
    assert!(!popular(&database).enough_people);
}

#[test]
fn what_is_asked_wrongly_is_said() {
    let (database, _) = in_memory(CATALOG);
    let said = |asked: Result<CrowdList, habitue::Error>| {
        let error = asked.unwrap_err();
        (error.kind(), error.to_string())
    };
    let store = [("store", Value::string("oulu"))];
    for (asked, kind, words) in [
        (database.popular("seller", &store, 1), ErrorKind::NotFound, "did you mean `sellers`?"),
        (database.popular("sellers", &store, 1), ErrorKind::InvalidCall, "needs `channel`"),
        (
            database.popular("sellers", &[("shop", Value::Int(1))], 1),
            ErrorKind::InvalidCall,
            "`shop` is no part",
        ),
        (
            database.popular("sellers", &[("store", Value::Int(1)), ("channel", Value::Int(1))], 1),
            ErrorKind::InvalidCall,
            "is string, not 1",
        ),
        (database.trending("views", &[], 1), ErrorKind::InvalidCall, "trending"),
        (database.together("views", &Value::Int(1), 1), ErrorKind::InvalidCall, "together = true"),
        (
            database.popular("views", &[("hours", Value::string("6-18"))], 1),
            ErrorKind::InvalidCall,
            "`06-18`, `18-06`",
        ),
    ] {
        let (said_kind, said) = said(asked);
        assert_eq!(said_kind, kind, "{said}");
        assert!(said.contains(words), "{said}");
    }
    // A number may be said in its digits.
    let texts = [("store", Value::string("oulu")), ("channel", Value::string("1"))];
    assert!(database.popular("sellers", &texts, 1).is_ok());
}

#[test]
fn what_a_catalog_says_wrongly_is_said() {
    let said = |from: &str, to: &str| {
        assert!(CATALOG.contains(from), "{from}");
        Catalog::from_toml(&CATALOG.replacen(from, to, 1)).unwrap_err().to_string()
    };
    for (from, to, words) in [
        ("event = \"Product Viewed\"", "event = \"Product View\"", "did you mean `\"Product Viewed\"`?"),
        ("item = \"id\"", "item = \"name\"", "`products` has no field `name`"),
        ("list = \"products\"", "list = \"store\"", "`store` is string, not a list of maps"),
        ("by = [\"store\", \"channel\"]", "by = [\"store\", \"store\"]", "the context has `store` twice"),
        ("by = [\"store\", \"channel\"]", "by = [\"products\"]", "a crowd counts texts and ints"),
        ("trending = \"1d\"", "trending = \"7d\"", "a half-life shorter than `half_life`"),
        ("half_life = \"7d\"", "half_life = \"59m\"", "1h at least"),
        ("half_life = \"7d\"", "", "a crowd needs `half_life`"),
        ("together = true", "people = 19", "`people` is 20 to 200, not 19"),
        ("Europe/Helsinki", "Europe/Helsinky", "there is no time zone `Europe/Helsinky`"),
        ("from = [6, 18]", "from = [18, 6]", "two hours or more, 0 to 23, ascending"),
        ("channel = \"int\"", "channel = { type = \"int\", sensitive = true }", "is sensitive"),
        ("schema = 1", "schema = 1\n[history.keep]\n\"Order Completed\" = \"139d\"", "kept for 139d"),
    ] {
        let said = said(from, to);
        assert!(said.contains(words), "{to}: {said}");
    }
}

#[test]
fn what_comes_together_is_listed_for_both() {
    let (database, _) = in_memory(CATALOG);
    for customer in 0..20 {
        let products: &[&str] = if customer < 10 { &["tea", "milk"] } else { &["tea", "sugar", "tea"] };
        database.apply(order(customer, 1, products)).unwrap();
    }
    let together = database.together("sellers", &Value::string("tea"), 5).unwrap();
    let half = format!("{:.3}", 10.0 / (20.0_f64 * 10.0).sqrt());
    is_told(&together, &[("milk", half.as_str()), ("sugar", half.as_str())]);
    // Only 10 customers had milk.
    assert!(!database.together("sellers", &Value::string("milk"), 5).unwrap().enough_people);
    for customer in 20..24 {
        database.apply(order(customer, 1, &["tea", "jam"])).unwrap();
    }
    // Four times is chance.
    assert_eq!(database.together("sellers", &Value::string("tea"), 5).unwrap().items.len(), 2);
}

#[test]
fn what_is_more_than_usual_trends() {
    let (database, clock) = in_memory(CATALOG);
    for day in 0..14 {
        for customer in 0..30 {
            database
                .apply(order(customer, day, &["milk", if day == 13 { "skates" } else { "bread" }]))
                .unwrap();
        }
        clock.set(clock.now() + Duration::parse("1d").unwrap());
    }
    let trending = database.trending("sellers", &oulu(), 5).unwrap();
    assert_eq!(trending.items.len(), 1, "{trending:?}");
    assert_eq!(trending.items[0].item, Value::string("skates"));
    let popular = popular(&database);
    assert_eq!(popular.items[0].item, Value::string("milk"));
}

#[test]
fn only_what_customers_consent_to_counts() {
    let (database, clock) = in_memory(CATALOG);
    let consent = |id: &str, is_granted: bool| {
        let preferences =
            serde_json::json!({ "consent": { "categoryPreferences": { "analytics": is_granted } } });
        let json = serde_json::json!({ "type": "identify", "userId": id, "context": preferences });
        database.apply(Message::from_json(&json).unwrap()).unwrap();
    };
    for customer in 0..60 {
        let id = format!("customer-{customer}");
        if customer % 2 == 0 {
            consent(&id, true);
        } else if customer % 3 == 0 {
            consent(&id, false);
        }
        clock.set(clock.now() + Duration::from_millis(1));
        database.apply(Message::track(&id, "Product Viewed").with_property("product_id", 7)).unwrap();
    }
    let list = database.popular("views", &[], 3).unwrap();
    is_told(&list, &[("7", "30.000")]);
    // It was 11 in Helsinki; the other part of the day has none.
    let night = database.popular("views", &[("hours", Value::string("18-06"))], 3).unwrap();
    assert!(!night.enough_people);
    // A crowd that is counted anew leaves out who has taken it back.
    clock.set(clock.now() + Duration::from_millis(1));
    (0..10).for_each(|customer| consent(&format!("customer-{}", customer * 2), false));
    is_told(&database.popular("views", &[], 3).unwrap(), &[("7", "30.000")]);
    database
        .replace_catalog(
            Catalog::from_toml(&CATALOG.replace("\"1d\"\n    hours", "\"2d\"\n    hours")).unwrap(),
        )
        .unwrap();
    is_told(&database.popular("views", &[], 3).unwrap(), &[("7", "20.000")]);
}

#[test]
fn a_new_catalog_counts_anew_what_means_something_else() {
    let (database, clock) = in_memory(CATALOG);
    for customer in 0..25 {
        let visitor = format!("browser-{customer}");
        database.apply(order(customer, 1, &["tea"])).unwrap();
        database.apply(order(customer, 2, &["milk"]).with_anonymous_id(&visitor)).unwrap();
    }
    database.erase("customer-24").unwrap();
    is_told(&popular(&database), &[("milk", "25.000"), ("tea", "25.000")]);
    // The same under another place among others goes on as it is.
    let more = format!(
        "[events.\"A First\"]\n{CATALOG}\n[crowd.all]\nevent = \"A First\"\nitem = \"x\"\nhalf_life = \"1d\""
    );
    let more = more.replacen("schema = 1", "", 1).replacen(
        "[events.\"A First\"]",
        "schema = 1\n[events.\"A First\"]\nx = \"string\"",
        1,
    );
    database.replace_catalog(Catalog::from_toml(&more).unwrap()).unwrap();
    is_told(&popular(&database), &[("milk", "25.000"), ("tea", "25.000")]);
    database.apply(order(1, 3, &["tea"])).unwrap();
    is_told(&popular(&database), &[("tea", "26.000"), ("milk", "25.000")]);
    // Another half-life does not: whoever was erased is left out.
    database.replace_catalog(Catalog::from_toml(&CATALOG.replace("\"7d\"", "\"14d\"")).unwrap()).unwrap();
    is_told(&popular(&database), &[("tea", "25.000"), ("milk", "24.000")]);
    clock.set(clock.now() + Duration::parse("14d").unwrap());
    database.apply(order(2, 3, &["milk"])).unwrap();
    is_told(&popular(&database), &[("milk", "13.000"), ("tea", "12.500")]);
}

/// A folder that is removed afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("habitue-crowd-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn opened(folder: &Path, clock: &ManualClock) -> Database {
    let options = OpenOptions::new().clock(Clock::Manual(clock.clone())).durability(Durability::Memory);
    let database = options.catalog(Catalog::from_toml(CATALOG).unwrap()).open(folder).unwrap();
    database.finish_crowds().unwrap();
    database
}

#[test]
fn a_folder_that_is_opened_again_has_what_was_counted() {
    let folder = Folder::new("opened");
    let clock = clock();
    let mut expected = Vec::new();
    for round in 0..4 {
        let database = opened(&folder.0, &clock);
        assert_eq!(told(&popular(&database)), expected, "round {round}");
        for customer in 0..30 {
            let products: &[&str] = if customer % 3 == round % 3 { &["tea", "milk"] } else { &["tea"] };
            database.apply(order(customer, round, products)).unwrap();
            // One that says who is who, and one of the future.
            let tied =
                order(customer, round + 100, &["jam"]).with_anonymous_id(format!("browser-{customer}"));
            database.apply(tied).unwrap();
            let soon = clock.now() + Duration::from_millis(60_000);
            database
                .apply(order(customer + 1_000 * (round + 1), round, &["salt"]).with_timestamp(soon))
                .unwrap();
            if customer == 15 {
                database.checkpoint().unwrap();
                if round == 2 {
                    database.compact().unwrap();
                }
            }
        }
        expected = told(&popular(&database));
        assert_eq!(expected.len(), 4);
        clock.set(clock.now() + Duration::from_millis(30_000));
        expected = told(&popular(&database));
        if round % 2 == 0 {
            database.close().unwrap();
        }
    }
    let options = OpenOptions::new().clock(Clock::Manual(clock.clone()));
    let database = options.open_read_only(&folder.0).unwrap();
    assert_eq!(told(&popular(&database)), expected);
}

#[test]
fn a_catalog_is_replaced_while_messages_come() {
    let folder = Folder::new("replaced");
    let clock = clock();
    let database = opened(&folder.0, &clock);
    let rounds = 6;
    thread::scope(|scope| {
        for part in 0..2_usize {
            let database = &database;
            scope.spawn(move || {
                for number in 0..300 {
                    database.apply(order(number % 40 + 40 * part, number, &["tea"])).unwrap();
                }
            });
        }
        for round in 0..rounds {
            let half_life = format!("\"{}d\"", 7 + round);
            let catalog = Catalog::from_toml(&CATALOG.replace("\"7d\"", &half_life)).unwrap();
            database.replace_catalog(catalog).unwrap();
            if round % 2 == 0 {
                database.checkpoint().unwrap();
                database.compact().unwrap();
            }
        }
    });
    database.finish_crowds().unwrap();
    let list = popular(&database);
    assert!(list.complete);
    is_told(&list, &[("tea", "600.000")]);
}
