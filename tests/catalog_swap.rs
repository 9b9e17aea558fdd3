//! A new catalog is in force for everybody at once, though each profile is made anew when it is touched.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

#[path = "crash/copying.rs"]
mod copying;
#[path = "crash/shop.rs"]
mod shop;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use copying::copy;
use habitue::{
    Catalog, Cause, Clock, Database, ManualClock, Message, OpenOptions, Snapshot, Time, Transition,
};
use shop::{CATALOG, Folder};

const CUSTOMERS: u64 = 40;

fn time(seconds: u64) -> Time {
    Time::from_millis(1_767_225_600_000 + seconds as i64 * 1_000).unwrap()
}

/// Catalogs that differ in a threshold, in the names of segments and in what they keep.
fn catalog(number: u64) -> Catalog {
    if number == 0 {
        return shop::catalog();
    }
    let text = CATALOG.replace("spent > 50.0", &format!("spent > {}.0", number * 40 % 150));
    let text = match number % 3 {
        0 => text,
        1 => text.replace("favourite = 'events(\"Product Viewed\").top(category)'", ""),
        _ => text.replace("viewer =", "looker =").replace("within(\"30d\")", "within(\"40d\")"),
    };
    Catalog::from_toml(&text).unwrap()
}

/// Message `number` of a story; some are late, some tie a visitor to a customer.
fn message(number: u64) -> Message {
    let customer = format!("c{}", number * 7 % CUSTOMERS);
    let message = match number % 6 {
        0 => Message::identify(&customer)
            .with_trait("tier", if number.is_multiple_of(4) { "gold" } else { "tin" }),
        1 | 2 => Message::track(&customer, "Order Completed").with_property("total", (number % 70) as f64),
        3 if number % 9 == 3 => Message::identify(&customer).with_anonymous_id(format!("v{}", number % 5)),
        3 => Message::track(format!("v{}", number % 5), "Product Viewed").anonymous(),
        _ => Message::track(&customer, "Product Viewed").with_property("category", "hats"),
    };
    let late = if number.is_multiple_of(11) { 5_000 } else { 0 };
    message.with_id(format!("m{number}")).with_timestamp(time(10_000 + number * 600 - late))
}

fn ids() -> impl Iterator<Item = String> {
    (0..CUSTOMERS).map(|number| format!("c{number}")).chain((0..5).map(|number| format!("v{number}")))
}

/// What is the same however an answer came about.
fn answer(database: &Database, id: &str) -> String {
    let Snapshot { id, known, attributes, segments, decisions, .. } = database.profile(id).unwrap();
    let shown: BTreeMap<_, _> =
        decisions.iter().map(|(name, decided)| (name, format!("{:?}", decided.decision.offers))).collect();
    format!("{id} {known} {attributes:?} {segments:?} {shown:?}")
}

fn answers(database: &Database) -> Vec<String> {
    ids().map(|id| answer(database, &id)).collect()
}

fn counts(database: &Database) -> Vec<String> {
    let sizes = database.segment_sizes().unwrap();
    let of = |(segment, size): (String, u64)| {
        let members = database.members(&segment).unwrap();
        assert_eq!(members.len() as u64, size, "{segment}");
        format!("{segment}: {members:?}")
    };
    sizes.into_iter().map(of).collect()
}

/// A database that has had a catalog from the start.
fn from_the_start(number: u64, messages: u64, now: Time) -> Database {
    let clock = ManualClock::new(now);
    let database = Database::in_memory_with_clock(catalog(number), Clock::Manual(clock));
    (0..messages).for_each(|number| drop(database.apply(message(number)).unwrap()));
    database
}

fn in_memory(number: u64, clock: &ManualClock) -> Database {
    let database = Database::in_memory_with_clock(catalog(number), Clock::Manual(clock.clone()));
    database.sweep_only_when_asked();
    database
}

/// Memberships as reports tell them.
#[derive(Default)]
struct Told(BTreeMap<String, BTreeSet<String>>);

impl Told {
    fn hear(&mut self, reports: Vec<Transition>) {
        for Transition { profile, segment, entered, .. } in reports {
            let of = self.0.entry(profile.to_string()).or_default();
            let is_new = if entered { of.insert(segment.to_string()) } else { of.remove(&*segment) };
            assert!(is_new, "{profile} {segment} {entered}");
        }
    }
}

#[test]
fn whoever_is_touched_after_swaps_is_as_if_the_last_catalog_had_always_been_there() {
    let clock = ManualClock::new(time(0));
    let database = in_memory(0, &clock);
    let mut told = Told::default();
    for number in 0..600 {
        clock.set(time(10_000 + number * 600));
        database.apply(message(number)).unwrap();
        if number % 50 == 49 {
            database.replace_catalog(catalog(number / 50 + 1)).unwrap();
        }
        if number % 17 == 0 {
            let id = format!("c{}", number % CUSTOMERS);
            let expected = from_the_start((number + 1) / 50, number + 1, clock.now());
            assert_eq!(answer(&database, &id), answer(&expected, &id), "{number}");
        }
        told.hear(database.take_transitions());
    }
    let expected = from_the_start(12, 600, clock.now());
    assert_eq!(answers(&database), answers(&expected));
    assert_eq!(counts(&database), counts(&expected));
    told.hear(database.take_transitions());
    let shown: BTreeMap<_, _> =
        ids().map(|id| database.profile(&id).unwrap()).map(|p| (p.id, p.segments)).collect();
    for (id, segments) in shown {
        let is = segments.into_iter().filter_map(|(name, is_member)| is_member.then_some(name)).collect();
        assert_eq!(told.0.remove(&id).unwrap_or_default(), is, "{id}");
    }
    assert!(told.0.values().all(BTreeSet::is_empty), "whoever is part of another has left");
}

#[test]
fn a_swap_touches_nobody_and_a_question_only_whom_it_asks() {
    let clock = ManualClock::new(time(1_000_000));
    let database = in_memory(0, &clock);
    (0..300).for_each(|number| drop(database.apply(message(number)).unwrap()));
    let before = database.stats().work.rebuilds;
    database.replace_catalog(catalog(1)).unwrap();
    assert_eq!(database.stats().work.rebuilds, before);
    answer(&database, "c7");
    answer(&database, "c7");
    assert_eq!(database.stats().work.rebuilds, before + 1);
    database.replace_catalog(catalog(2)).unwrap();
    database.replace_catalog(catalog(3)).unwrap();
    answer(&database, "c7");
    assert_eq!(database.stats().work.rebuilds, before + 3, "each replacement is followed");
    let profiles = database.stats().profiles;
    database.advance().unwrap();
    assert_eq!(database.stats().work.rebuilds, before + 3 * profiles);
}

#[test]
fn what_a_swap_changed_is_told_of_its_time() {
    let clock = ManualClock::new(time(0));
    let database = in_memory(2, &clock);
    database
        .apply(Message::track("ana", "Order Completed").with_property("total", 45.0).with_timestamp(time(0)))
        .unwrap();
    clock.set(time(100));
    assert_eq!(database.replace_catalog(catalog(1)).unwrap(), 2);
    clock.set(time(40 * 86_400));
    assert!(!database.is_member("ana", "buyer").unwrap());
    let told: Vec<_> =
        database.take_transitions().into_iter().map(|t| (t.segment, t.entered, t.at, t.cause)).collect();
    let month = time(30 * 86_400);
    assert_eq!(told.len(), 3, "{told:?}");
    let of = |segment: &str| {
        let of = told.iter().filter(|told| &*told.0 == segment);
        of.map(|told| (told.1, told.2, told.3.clone())).collect::<Vec<_>>()
    };
    assert_eq!(of("buyer"), [(true, time(100), Cause::Catalog), (false, month, Cause::Time)]);
    assert_eq!(database.decide("ana", "home").unwrap().decision.revision, 2);
    let text = |revision| database.catalog_files(revision).unwrap().unwrap()[0].text.clone();
    assert!(text(1).contains("spent > 80.0") && text(2).contains("spent > 40.0"));
    assert!(database.catalog_files(3).unwrap().is_none());
}

#[test]
fn profiles_on_disk_follow_after_opening_again_too() {
    let folder = Folder::new("swap-disk");
    let clock = ManualClock::new(time(10_000));
    let open = |path: &Path, budget: Option<u64>| {
        let options = OpenOptions::new().catalog(catalog(0)).clock(Clock::Manual(clock.clone()));
        let options =
            if path.exists() { OpenOptions::new().clock(Clock::Manual(clock.clone())) } else { options };
        let options = budget.into_iter().fold(options, OpenOptions::memory_budget);
        let database = options.open(path).unwrap();
        assert_eq!(database.warnings(), Vec::<String>::new());
        database.sweep_only_when_asked();
        database
    };
    let data = folder.path().join("data");
    let mut database = open(&data, None);
    for number in 0..400 {
        clock.set(time(10_000 + number * 600));
        database.apply(message(number)).unwrap();
        match number {
            100 | 230 | 250 | 330 => drop(database.replace_catalog(catalog(number)).unwrap()),
            // Some of them as of the old catalog, some of the new one.
            120 | 240 | 350 => database.checkpoint().unwrap(),
            150 | 260 => {
                database.close().unwrap();
                database = open(&data, (number == 260).then_some(64 * 1024));
            }
            280 => {
                database.compact().unwrap();
            }
            _ => {}
        }
    }
    let expected = from_the_start(330, 400, clock.now());
    let (answers_expected, counts_expected) = (answers(&expected), counts(&expected));
    for budget in [None, Some(64 * 1024)] {
        for counts_first in [false, true] {
            let left = folder.path().join(format!("left-{counts_first}-{}", budget.is_some()));
            copy(&data, &left);
            let opened = open(&left, budget);
            if counts_first {
                assert_eq!(counts(&opened), counts_expected);
            }
            assert_eq!(answers(&opened), answers_expected);
            assert_eq!(counts(&opened), counts_expected);
            assert_eq!(opened.verify().unwrap().flaws, []);
            opened.close().unwrap();
            let opened = open(&left, None);
            assert_eq!(counts(&opened), counts_expected);
            assert_eq!(answers(&opened), answers_expected);
            let text = opened.catalog_files(3).unwrap().unwrap();
            assert_eq!(Catalog::from_toml(&text[0].text).unwrap().report().findings(), []);
        }
    }
    let backup = folder.path().join("backup");
    database.backup(&backup).unwrap();
    Database::restore(&backup, folder.path().join("restored")).unwrap();
    let restored = OpenOptions::new().clock(Clock::Manual(clock.clone()));
    let restored = restored.open(folder.path().join("restored")).unwrap();
    assert_eq!((answers(&restored), counts(&restored)), (answers_expected.clone(), counts_expected.clone()));
    assert!(restored.catalog_files(2).unwrap().is_some());
    let reader = OpenOptions::new().clock(Clock::Manual(clock.clone())).open_read_only(&data).unwrap();
    assert_eq!((answers(&reader), counts(&reader)), (answers_expected.clone(), counts_expected));
    assert_eq!(answers(&database), answers_expected);
}

#[test]
fn swaps_do_not_disturb_who_asks_and_tells_meanwhile() {
    let folder = Folder::new("swap-threads");
    let clock = ManualClock::new(time(10_000 + 600 * 600));
    for on_disk in [false, true] {
        let database = match on_disk {
            false => Database::in_memory_with_clock(catalog(0), Clock::Manual(clock.clone())),
            true => OpenOptions::new()
                .catalog(catalog(0))
                .clock(Clock::Manual(clock.clone()))
                .memory_budget(64 * 1024)
                .open(folder.path())
                .unwrap(),
        };
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for part in 0..2 {
                let database = &database;
                scope.spawn(move || {
                    for number in (part * 300..part * 300 + 300).step_by(1) {
                        database.apply(message(number)).unwrap();
                    }
                });
            }
            scope.spawn(|| {
                let mut asked = 0;
                while !is_over.load(Ordering::Relaxed) {
                    for id in ids() {
                        let Snapshot { segments, .. } = database.profile(&id).unwrap();
                        assert!(segments.contains_key("viewer") != segments.contains_key("looker"));
                        asked += 1;
                    }
                    if asked % 5 == 0 {
                        assert_eq!(database.segment_sizes().unwrap().len(), 4);
                        database.members("buyer").unwrap();
                    }
                }
            });
            for number in 1..=30 {
                database.replace_catalog(catalog(number)).unwrap();
                std::thread::yield_now();
            }
            is_over.store(true, Ordering::Relaxed);
        });
        let expected = from_the_start(30, 600, clock.now());
        assert_eq!(answers(&database), answers(&expected), "on disk: {on_disk}");
        assert_eq!(counts(&database), counts(&expected), "on disk: {on_disk}");
        assert_eq!(database.stats().revision, 31);
    }
}
