//! Offers of which there are only so many, for all customers together.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

use std::path::{Path, PathBuf};
use std::thread;

use habitue::{Catalog, Database, Durability, Message, OpenOptions};

const BAGS: &str = r#"
    schema = 1
    [personalizations.home]
    fallback = { name = "welcome" }
    [[personalizations.home.offers]]
    name = "bag"
    stock = 3
    [[personalizations.home.offers]]
    name = "sticker"
    stock = 2
"#;

fn catalog(text: &str) -> Catalog {
    Catalog::from_toml(text).unwrap()
}

/// What is shown, and put on record.
fn show(database: &Database, id: &str) -> String {
    let recorded = database.decide_and_record(id, "home").unwrap();
    recorded.decided.decision.name().unwrap_or("nothing").to_owned()
}

fn ask(database: &Database, id: &str) -> String {
    database.decide(id, "home").unwrap().decision.name().unwrap_or("nothing").to_owned()
}

fn left(database: &Database) -> Vec<(String, u64, u64)> {
    database.stocks().into_iter().map(|stock| (stock.offer, stock.shown, stock.left)).collect()
}

fn meet(database: &Database, ids: &[&str]) {
    ids.iter().for_each(|id| drop(database.apply(Message::identify(*id)).unwrap()));
}

fn exposure(id: &str, offers: &[&str]) -> Message {
    let offers: Vec<serde_json::Value> = offers.iter().map(|offer| (*offer).into()).collect();
    Message::track(id, "$exposure").with_property("personalization", "home").with_property("offers", offers)
}

#[test]
fn an_offer_is_shown_as_often_as_there_is_one_left() {
    let database = Database::in_memory(catalog(BAGS));
    let everybody = ["ana", "bob", "cem", "dora", "eve", "fay"];
    meet(&database, &everybody);
    assert_eq!(ask(&database, "ana"), "bag", "asking takes nothing");
    let shown: Vec<String> = everybody.iter().map(|id| show(&database, id)).collect();
    assert_eq!(shown, ["bag", "bag", "bag", "sticker", "sticker", "welcome"]);
    // Who was shown the bag before is shown what is left now, though nothing happened to her.
    assert_eq!(ask(&database, "ana"), "welcome");
    assert_eq!(left(&database), [("bag".to_owned(), 3, 0), ("sticker".to_owned(), 2, 0)]);
    let why = database.explain_decision("ana", "home").unwrap().to_string();
    assert!(why.contains("offer `bag`: does not qualify: none of 3 left"), "{why}");
    assert!(why.contains("✗ stock: 0 of 3 left"), "{why}");
    // There is more of it once the catalog says so.
    database.replace_catalog(catalog(&BAGS.replace("stock = 3", "stock = 4"))).unwrap();
    assert_eq!(show(&database, "ana"), "bag");
    assert_eq!(show(&database, "ana"), "welcome");
}

#[test]
fn what_others_tell_of_counts_once_and_the_fallback_does_not() {
    let database = Database::in_memory(catalog(BAGS));
    let told = exposure("ana", &["bag", "bag", "sticker"]).with_id("m1");
    database.apply(told.clone()).unwrap();
    assert!(database.apply(told).unwrap().duplicate);
    for unchosen in ["fallback", "held_out"] {
        database.apply(exposure("ana", &["bag"]).with_property("reason", unchosen)).unwrap();
    }
    database.apply(Message::track("ana", "Order Completed").with_property("offers", vec!["bag"])).unwrap();
    assert_eq!(left(&database), [("bag".to_owned(), 1, 2), ("sticker".to_owned(), 1, 1)]);
    // A kiosk that was offline brings more than there are.
    (0..4).for_each(|_| drop(database.apply(exposure("bob", &["bag"])).unwrap()));
    assert_eq!(left(&database)[0], ("bag".to_owned(), 5, 0));
    assert_eq!(show(&database, "bob"), "sticker");
}

#[test]
fn who_cannot_be_put_on_record_is_given_nothing_of_a_stock() {
    let database = Database::in_memory(catalog(BAGS));
    assert_eq!(show(&database, "nobody"), "welcome");
    assert_eq!(left(&database)[0], ("bag".to_owned(), 0, 3));
}

#[test]
fn several_offers_are_taken_together_or_decided_again() {
    let text = BAGS.replace("[personalizations.home]", "[personalizations.home]\n    strategy = \"all\"");
    let database = Database::in_memory(catalog(&text));
    meet(&database, &["ana"]);
    let shown = || {
        let recorded = database.decide_and_record("ana", "home").unwrap();
        recorded.decided.decision.offers.iter().map(|chosen| chosen.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(shown(), ["bag", "sticker"]);
    assert_eq!(shown(), ["bag", "sticker"]);
    assert_eq!(shown(), ["bag"]);
    assert_eq!(shown(), ["welcome"]);
}

#[test]
fn no_number_of_threads_takes_more_than_there_are() {
    let text = BAGS.replace("stock = 3", "stock = 3000").replace("stock = 2", "stock = 777");
    let text = text.replace("[personalizations.home]", "[personalizations.home]\n    most = 2");
    let database = Database::in_memory(catalog(&text));
    let ids: Vec<String> = (0..200).map(|number| format!("c{number}")).collect();
    ids.iter().for_each(|id| meet(&database, &[id]));
    let (threads, calls) = (16, 400);
    let shown: [u64; 2] = thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|number| {
                let (database, ids) = (&database, &ids);
                scope.spawn(move || {
                    let mut shown = [0_u64; 2];
                    for call in 0..calls {
                        let id = &ids[(number * 31 + call * 7) % ids.len()];
                        let recorded = database.decide_and_record(id, "home").unwrap();
                        for chosen in &recorded.decided.decision.offers {
                            shown[0] += u64::from(&*chosen.name == "bag");
                            shown[1] += u64::from(&*chosen.name == "sticker");
                        }
                    }
                    shown
                })
            })
            .collect();
        let all = running.into_iter().map(|thread| thread.join().unwrap());
        all.fold([0, 0], |[bags, stickers], [more, others]| [bags + more, stickers + others])
    });
    // Of 6,400 calls so many were shown one, in threads' and in the database's own count.
    assert_eq!(shown, [3_000, 777]);
    assert_eq!(left(&database), [("bag".to_owned(), 3_000, 0), ("sticker".to_owned(), 777, 0)]);
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("habitue-stock-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

fn open(folder: &Path, text: &str) -> Database {
    let options = OpenOptions::new().catalog(catalog(text)).durability(Durability::Sync);
    options.open(folder).unwrap()
}

#[test]
fn what_was_shown_stays_counted_over_restarts_erasures_and_new_bases() {
    let folder = folder("restarts");
    let text = BAGS.replace("stock = 3", "stock = 6");
    let is = |database: &Database, shown| assert_eq!(left(database)[0], ("bag".to_owned(), shown, 6 - shown));
    let database = open(&folder, &text);
    meet(&database, &["ana", "bob"]);
    assert_eq!(show(&database, "ana"), "bag");
    database.close().unwrap();
    // Read from the journal.
    let database = open(&folder, &text);
    is(&database, 1);
    assert_eq!(show(&database, "bob"), "bag");
    // In the base, and after that in the journal.
    database.compact().unwrap();
    assert_eq!(show(&database, "bob"), "bag");
    is(&database, 3);
    database.close().unwrap();
    let database = open(&folder, &text);
    is(&database, 3);
    // Who is erased was shown what she was shown.
    database.erase("bob").unwrap();
    is(&database, 3);
    assert_eq!(show(&database, "ana"), "bag");
    database.close().unwrap();
    is(&OpenOptions::new().open_read_only(&folder).unwrap(), 4);
    let database = open(&folder, &text);
    is(&database, 4);
    // A copy goes on with the same count.
    let copy = folder.with_extension("copy");
    let _ = std::fs::remove_dir_all(&copy);
    database.backup(&copy).unwrap();
    is(&open(&copy, &text), 4);
    database.close().unwrap();
    // Without its live store it is made anew.
    std::fs::remove_dir_all(folder.join("live")).unwrap();
    let database = open(&folder, &text);
    is(&database, 4);
    assert_eq!([show(&database, "ana"), show(&database, "ana")], ["bag", "bag"]);
    assert_eq!(show(&database, "ana"), "sticker");
    drop(database);
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::remove_dir_all(&copy).unwrap();
}

#[test]
fn a_stock_is_counted_however_many_names_there_are() {
    let folder = folder("names");
    let database = open(&folder, BAGS);
    for message in 0..27 {
        let names: Vec<String> = (0..2_500).map(|name| format!("{message}-{name}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        database.apply(exposure("ana", &names)).unwrap();
    }
    database.apply(exposure("ana", &["bag", &"x".repeat(1_000)])).unwrap();
    assert_eq!(
        [show(&database, "ana"), show(&database, "ana"), show(&database, "ana")],
        ["bag", "bag", "sticker"]
    );
    database.close().unwrap();
    // Counted from the journal, and from what is beside the base.
    for _ in 0..2 {
        let database = open(&folder, BAGS);
        assert_eq!(left(&database)[0], ("bag".to_owned(), 3, 0));
        database.compact().unwrap();
        database.close().unwrap();
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_stock_is_a_number_of_things() {
    let wrong = ["-1", "1_000_000_000_001", "1.5", "\"many\""];
    let messages = wrong.map(|stock| {
        let refused = Catalog::from_toml(&BAGS.replace("stock = 3", &format!("stock = {stock}")));
        refused.unwrap_err().to_string()
    });
    let expected = ["`stock` is 0 to 1000000000000, not -1", "not 1000000000001", "int", "int"];
    for (message, expected) in messages.iter().zip(expected) {
        assert!(message.contains(expected), "{message}");
    }
    let none = Database::in_memory(catalog(&BAGS.replace("stock = 3", "stock = 0")));
    assert_eq!(ask(&none, "ana"), "sticker", "of nothing there is nothing left");
}
