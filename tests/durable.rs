//! A database in a folder: closed and opened, it answers as if nothing had happened.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

#[path = "crash/shop.rs"]
mod shop;

use std::sync::{Arc, Mutex};

use habitue::{
    Catalog, Clock, Database, Durability, ErrorKind, ManualClock, Message, OpenOptions, RecoveryWork, Time,
    Value,
};
use shop::{CATALOG, Folder, catalog};

fn time(seconds: i64) -> Time {
    Time::from_millis(1_767_225_600_000 + seconds * 1_000).unwrap()
}

fn options(clock: &ManualClock) -> OpenOptions {
    OpenOptions::new()
        .catalog(catalog())
        .clock(Clock::Manual(clock.clone()))
        .durability(Durability::Group(std::time::Duration::from_millis(50)))
        .journal_segment_bytes(256 * 1024)
}

/// Message `number` of a story of some customers.
fn message(number: u64) -> Message {
    let customer = format!("c{}", number * 7 % 23);
    let message = match number % 5 {
        0 => Message::identify(&customer).with_trait("points", number).with_trait("tier", "gold"),
        1 => Message::track(&customer, "Order Completed").with_property("total", number as f64),
        2 => Message::new(habitue::MessageKind::Track { event: "Product Viewed".into() }, &customer)
            .anonymous()
            .with_property("category", "hats"),
        _ => Message::track(&customer, "Product Viewed")
            .with_property("category", if number.is_multiple_of(2) { "shoes" } else { "hats" }),
    };
    // Some are late, and some of one second.
    let late = if number.is_multiple_of(11) { 400 } else { 0 };
    message.with_id(format!("m{number}")).with_timestamp(time((number / 3 * 60) as i64 - late))
}

/// Everything that can be asked.
fn answers(database: &Database) -> Vec<String> {
    let mut answers: Vec<String> = (0..24)
        .map(|number| database.profile(&format!("c{number}")).unwrap().to_json().to_string())
        .collect();
    for (segment, size) in database.segment_sizes().unwrap() {
        let members = database.members(&segment).unwrap();
        assert_eq!(members.len() as u64, size, "{segment}");
        answers.push(format!("{segment}: {members:?}"));
    }
    answers
}

/// The same messages in memory.
fn in_memory(clock: &ManualClock, messages: u64) -> Database {
    let database = Database::in_memory_with_clock(catalog(), Clock::Manual(clock.clone()));
    for number in 0..messages {
        clock.set(time((number / 3 * 60) as i64));
        database.apply(message(number)).unwrap();
    }
    database
}

#[test]
fn what_was_applied_is_there_after_opening_again() {
    let folder = Folder::new("reopen");
    let clock = ManualClock::new(time(0));
    let reference_clock = ManualClock::new(time(0));
    for part in 0..6_u64 {
        let database = options(&clock).open(folder.path()).unwrap();
        assert_eq!(database.warnings(), Vec::<String>::new());
        for number in part * 100..(part + 1) * 100 {
            clock.set(time((number / 3 * 60) as i64));
            assert!(!database.apply(message(number)).unwrap().duplicate);
            if number % 40 == 0 {
                database.checkpoint().unwrap();
            }
            if number % 170 == 0 {
                database.compact().unwrap();
            }
        }
        assert!(database.apply(message(part * 50)).unwrap().duplicate, "known from before");
        let reference = in_memory(&reference_clock, (part + 1) * 100);
        for later in [0, 3_600, 40 * 86_400] {
            // The database's own time does not go back, so the far future is looked at in the copy only.
            if later < 86_400 || part == 5 {
                let now = time(((part + 1) * 100 / 3 * 60) as i64 + later);
                clock.set(now);
                reference_clock.set(now);
                assert_eq!(answers(&database), answers(&reference), "part {part}, {later} s later");
            }
        }
        assert_eq!(database.stats().accepted, (part + 1) * 100);
        if part % 2 == 0 {
            database.close().unwrap();
        }
    }
}

#[test]
fn a_live_store_that_is_gone_is_made_anew() {
    let folder = Folder::new("anew");
    let clock = ManualClock::new(time(0));
    let database = options(&clock).open(folder.path()).unwrap();
    for number in 0..300 {
        clock.set(time((number / 3 * 60) as i64));
        database.apply(message(number)).unwrap();
        if number == 150 {
            database.compact().unwrap();
        }
    }
    let expected = answers(&database);
    database.close().unwrap();
    std::fs::remove_dir_all(folder.path().join("live")).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let options = options(&clock).on_recovery(move |recovery| tell.lock().unwrap().push(recovery));
    let database = options.open(folder.path()).unwrap();
    assert_eq!(answers(&database), expected);
    assert_eq!(database.warnings().len(), 1, "{:?}", database.warnings());
    let told = told.lock().unwrap();
    assert!(told.iter().all(|recovery| recovery.work == RecoveryWork::MakingAnew), "{told:?}");
    assert!(told[0].done == 0 && told[0].all >= 23, "{told:?}");
    assert!(told.iter().all(|recovery| recovery.done <= recovery.all), "{told:?}");
    assert!(database.apply(message(7)).unwrap().duplicate);
}

#[test]
fn a_small_budget_gives_the_same_answers() {
    let folder = Folder::new("budget");
    let clock = ManualClock::new(time(0));
    let database = options(&clock).memory_budget(40_000).open(folder.path()).unwrap();
    for number in 0..1_000 {
        clock.set(time((number / 3 * 60) as i64));
        database.apply(message(number)).unwrap();
    }
    let reference_clock = ManualClock::new(time(0));
    let reference = in_memory(&reference_clock, 1_000);
    let now = time(1_000 / 3 * 60 + 100_000);
    clock.set(now);
    reference_clock.set(now);
    assert_eq!(answers(&database), answers(&reference));
}

#[test]
fn a_new_catalog_is_kept() {
    let folder = Folder::new("catalog");
    let clock = ManualClock::new(time(0));
    let database = options(&clock).open(folder.path()).unwrap();
    for number in 0..100 {
        clock.set(time((number / 3 * 60) as i64));
        database.apply(message(number)).unwrap();
    }
    database.close().unwrap();
    let changed = CATALOG.replace("spent > 50.0", "spent > 90.0");
    let other = Catalog::from_toml(&changed).unwrap();
    let database =
        OpenOptions::new().catalog(other).clock(Clock::Manual(clock.clone())).open(folder.path()).unwrap();
    let reference =
        Database::in_memory_with_clock(Catalog::from_toml(&changed).unwrap(), Clock::Manual(clock.clone()));
    (0..100).for_each(|number| drop(reference.apply(message(number)).unwrap()));
    let expected = answers(&reference);
    assert_eq!(answers(&database).len(), expected.len());
    let without_cause = |answers: Vec<String>| -> Vec<String> {
        answers.iter().map(|answer| answer.split("\"cause\"").next().unwrap().to_owned()).collect()
    };
    assert_eq!(without_cause(answers(&database)), without_cause(expected.clone()));
    drop(database);
    let database = OpenOptions::new().clock(Clock::Manual(clock.clone())).open(folder.path()).unwrap();
    assert_eq!(without_cause(answers(&database)), without_cause(expected));
    assert_eq!(database.stats().revision, 2);
}

#[test]
fn reading_only_sees_what_is_written_and_changes_nothing() {
    let folder = Folder::new("read-only");
    let clock = ManualClock::new(time(0));
    let database = options(&clock).open(folder.path()).unwrap();
    for number in 0..200 {
        clock.set(time((number / 3 * 60) as i64));
        database.apply(message(number)).unwrap();
        if number == 90 {
            database.compact().unwrap();
        }
    }
    let reader = options(&clock).open_read_only(folder.path()).unwrap();
    assert_eq!(answers(&reader), answers(&database));
    let refusal = reader.apply(message(200)).unwrap_err();
    assert_eq!(refusal.reason, habitue::RefusalReason::Storage);
    database.apply(message(200)).unwrap();
    let error = options(&clock).open_read_only(folder.path().join("nothing")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn a_second_process_is_told_and_a_new_folder_needs_a_catalog() {
    let folder = Folder::new("second");
    let error = Database::open(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidCall);
    let clock = ManualClock::new(time(0));
    let _database = options(&clock).open(folder.path()).unwrap();
    let error = options(&clock).open(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
}

#[test]
fn an_id_that_was_only_named_is_nobodys_again() {
    let folder = Folder::new("named");
    let clock = ManualClock::new(time(0));
    let database = options(&clock).open(folder.path()).unwrap();
    database.apply(Message::identify("ana").with_trait("points", 1)).unwrap();
    clock.set(time(1));
    database.apply(Message::alias("ana", "old")).unwrap();
    database.checkpoint().unwrap();
    assert!(database.profile("old").unwrap().known);
    clock.set(time(2));
    database.unmerge("ana").unwrap();
    let points = |database: &Database, id: &str| database.attribute(id, "points").unwrap();
    for _ in 0..2 {
        assert_eq!(points(&database, "old"), None);
        assert_eq!(points(&database, "ana"), Some(Value::Int(1)));
        database.checkpoint().unwrap();
    }
    database.close().unwrap();
    let database = options(&clock).open(folder.path()).unwrap();
    assert!(!database.profile("old").unwrap().known);
    database.apply(Message::identify("old").with_trait("points", 2)).unwrap();
    database.close().unwrap();
    let database = options(&clock).open(folder.path()).unwrap();
    assert_eq!(points(&database, "old"), Some(Value::Int(2)));
    assert_eq!(points(&database, "ana"), Some(Value::Int(1)));
    assert_eq!(database.verify().unwrap().flaws, []);
}
