//! Since version 6: a folder, and a backup of it, with lists and cut-points that were published, and exposures of an
//! offer of which there are only so many; some of them before the base, some after it and before a checkpoint,
//! some behind that, in the journal only. Lists were published more than once.

use std::path::Path;

use habitue::{Catalog, Clock, Database, Durability, ManualClock, Message, OpenOptions};

use crate::story::{Folder, answers, difference, message, now};
use crate::{all, pack, unpack};

/// Which version had these first.
const FIRST: u32 = 6;
const CATALOG: &str = r#"
    schema = 1
    [attributes]
    tier = "string"
    points = "int"
    [events."Product Viewed"]
    category = "string"
    [events."Order Completed"]
    total = "float"
    [computed]
    spent = 'events("Order Completed").sum(total)'
    bought = 'events("Order Completed").last()'
    [quantiles]
    by_points = { value = 'points', parts = 4 }
    by_spent = { value = 'spent', of = 'spent > 0.0', parts = 3, tolerance = 5 }
    by_bought = { value = 'bought' }
    by_age = { value = 'now - bought', parts = 2 }
    [affinities.liking]
    half_life = "3d"
    of."Product Viewed" = { item = "category", weight = 2 }
    [segments]
    invited = { list = true }
    staff = { members = ["c1", "c2"] }
    never_filled = { list = true }
    top = 'by_points == 4 || by_spent == 3'
    shown = '(invited || top) && !staff'
    [personalizations.home]
    fallback = { name = "hello" }
    offers = [{ name = "party", when = "shown" }, { name = "again", when = "by_age == 2" }]
    [personalizations.till]
    offers = [{ name = "bag", stock = 40 }, { name = "hat", when = '"hats" in liking.top(1)' }]
"#;

/// Opens a folder as it is, or makes one.
fn open(folder: &Path, catalog: Option<Catalog>) -> Database {
    let clock = Clock::Manual(ManualClock::new(now()));
    let options =
        OpenOptions::new().clock(clock).durability(Durability::Sync).journal_segment_bytes(32 * 1024);
    catalog.into_iter().fold(options, OpenOptions::catalog).open(folder).unwrap()
}

/// All answers, who is on which list, and what is left.
fn everything(database: &Database) -> Vec<String> {
    let members = |list: &str| format!("{list}: {}", database.members(list).unwrap().join(" "));
    let lists = ["invited", "staff", "never_filled", "top", "shown"].map(members);
    let left = database.stocks().into_iter().map(|stock| format!("{}: {} left", stock.offer, stock.left));
    answers(database).unwrap().into_iter().chain(lists).chain(left).collect()
}

/// A bag was given to a customer.
fn exposure(number: u64) -> Message {
    let exposure =
        Message::track(format!("c{}", number % 7), "$exposure").with_property("personalization", "till");
    exposure
        .with_property("offers", ["bag"].as_slice())
        .with_id(format!("bag-{number}"))
        .with_timestamp(now())
}

/// Writes the fixtures of a version that has none yet.
pub(crate) fn freeze(version: &str) {
    let folder = Folder::new("freeze-published");
    let data = folder.path().join("data");
    let database = open(&data, Some(Catalog::from_toml(CATALOG).unwrap()));
    for number in 0..180 {
        database.apply(message(0, number)).unwrap();
        database.apply(message(1, number)).unwrap();
        if number % 10 == 5 {
            database.apply(exposure(number)).unwrap();
        }
        match number {
            40 => drop(database.replace_list("invited", ["c3", "c4", "nobody"]).unwrap()),
            60 => drop(database.publish_cut_points().unwrap()),
            90 => drop(database.compact().unwrap()),
            100 => drop(database.replace_list("staff", ["c5"]).unwrap()),
            120 => drop(database.publish_cut_points().unwrap()),
            130 => database.checkpoint().unwrap(),
            150 => drop(database.replace_list("invited", ["c8", "c3", "c9"]).unwrap()),
            170 => assert!(database.publish_cut_points().unwrap().iter().all(|told| told.moved > 0)),
            _ => {}
        }
    }
    let clock = Clock::Manual(ManualClock::new(now()));
    let reference = Database::in_memory_with_clock(database.catalog().unwrap(), clock);
    for number in 0..180 {
        reference.apply(message(0, number)).unwrap();
        reference.apply(message(1, number)).unwrap();
        if number % 10 == 5 {
            reference.apply(exposure(number)).unwrap();
        }
    }
    let answers = everything(&database);
    assert_eq!(difference(&everything(&reference), &answers), None);
    // As a crash leaves it: nothing is closed.
    pack(&data, &format!("published-{version}"), &answers);
    let backup = folder.path().join("backup");
    database.backup(&backup).unwrap();
    pack(&backup, &format!("published-backup-{version}"), &answers);
}

/// That everything published is in force in a folder, and that more can be.
fn goes_on(folder: &Path, expected: &[String], what: &str) {
    let database = open(folder, None);
    assert_eq!(difference(expected, &everything(&database)), None, "{what}");
    assert_eq!(database.verify().unwrap().flaws, [], "{what}");
    let revision = database.stats().revision;
    assert_eq!(
        database.replace_list("invited", ["c9", "c8", "c3"]).unwrap(),
        revision,
        "{what}: it has these"
    );
    // The same files once more: what is published beside them stays.
    database.replace_catalog(Catalog::from_toml(CATALOG).unwrap()).unwrap();
    assert_eq!(difference(expected, &everything(&database)), None, "{what}, its catalog given again");
    database.replace_list("never_filled", ["c1"]).unwrap();
    assert!(database.is_member("c1", "never_filled").unwrap(), "{what}");
    let left = database.stocks()[0].left;
    assert!(database.apply(exposure(5)).unwrap().duplicate, "{what}");
    database.apply(exposure(6)).unwrap();
    assert_eq!(database.stocks()[0].left, left - 1, "{what}");
    let told = database.publish_cut_points().unwrap();
    assert!(told.iter().all(|told| told.counted > 0 && !told.cuts.is_empty()), "{what}: {told:?}");
    database.close().unwrap();
    assert!(open(folder, None).is_member("c1", "never_filled").unwrap(), "{what}");
}

#[test]
fn what_was_published_is_in_force_in_old_folders() {
    let folders = all("published", FIRST);
    assert!(!folders.is_empty());
    for (fixture, expected) in folders {
        let folder = Folder::new("compat-published");
        unpack(&fixture, folder.path());
        let what = fixture.display().to_string();
        let reader = OpenOptions::new().clock(Clock::Manual(ManualClock::new(now())));
        let reader = reader.open_read_only(folder.path()).unwrap();
        assert_eq!(difference(&expected, &everything(&reader)), None, "{what}, for reading only");
        drop(reader);
        goes_on(folder.path(), &expected, &what);
    }
}

#[test]
fn what_was_published_is_in_force_in_old_backups() {
    let backups = all("published-backup", FIRST);
    assert!(!backups.is_empty());
    for (fixture, expected) in backups {
        let folder = Folder::new("compat-published-backup");
        unpack(&fixture, &folder.path().join("backup"));
        let data = folder.path().join("data");
        Database::restore(folder.path().join("backup"), &data).unwrap();
        goes_on(&data, &expected, &fixture.display().to_string());
    }
}
