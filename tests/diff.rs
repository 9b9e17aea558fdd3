//! What another catalog would change: the same as what changes when it is put in place.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

#[path = "crash/shop.rs"]
mod shop;
#[cfg(feature = "cli")]
#[path = "diff/command.rs"]
mod command;
#[cfg(feature = "cli")]
#[path = "command_line/folder.rs"]
mod folder;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use habitue::diff::{CatalogDiff, Change, Rehearsal, SegmentDiff};
use habitue::{
    Catalog, Cause, Clock, Database, ErrorKind, ManualClock, Message, OpenOptions, RefusalReason, Time,
};
use serde_json::{Value as Json, json};
use shop::{CATALOG, Folder, catalog};

/// Of the shop's catalog, with a segment and a personalization more, one less, and others changed. What
/// is a text in the messages is declared an int, so that it is left out.
const NEW_CATALOG: &str = r#"
    schema = 1
    [attributes]
    tier = "int"
    points = "int"
    [events."Product Viewed"]
    category = "string"
    [events."Order Completed"]
    total = "float"
    [segments]
    buyer = 'events("Order Completed").within("10d").sum(total) > 250.0'
    viewer = 'events("Product Viewed").within("24h").count() >= 2'
    gold = 'tier == 1 || points > 320'
    hats = 'held(events("Product Viewed").where(category == "hats").within("3h").count() >= 1, "30m")'
    [personalizations.home]
    strategy = "all"
    fallback = { name = "hello" }
    [[personalizations.home.offers]]
    name = "thanks"
    when = 'buyer'
    [[personalizations.home.offers]]
    name = "hat"
    when = 'hats'
    [personalizations.basket]
    [[personalizations.basket.offers]]
    name = "shoes"
    when = 'viewer && !buyer'
"#;

const USERS: u64 = 17;

fn time(seconds: i64) -> Time {
    Time::from_millis(1_767_225_600_000 + seconds * 1_000).unwrap()
}

fn new_catalog() -> Catalog {
    Catalog::from_toml(NEW_CATALOG).unwrap()
}

/// Message `number` of a story: some are late, some of one second, some without a time, some of visitors.
fn message(number: u64) -> Message {
    let id = format!("c{:02}", number * 7 % USERS);
    let message = match number % 5 {
        0 => Message::identify(&id).with_trait("points", number).with_trait("tier", "gold"),
        1 => Message::track(&id, "Order Completed").with_property("total", number as f64 / 4.0),
        2 => Message::track(id.replace('c', "v"), "Product Viewed")
            .anonymous()
            .with_property("category", "hats"),
        _ => Message::track(&id, "Product Viewed").with_property("category", "hats"),
    };
    let message = message.with_id(format!("m{number}"));
    let late = if number.is_multiple_of(11) { 9_000 } else { 0 };
    match number % 13 {
        12 => message,
        _ => message.with_timestamp(time((number / 3 * 1_800) as i64 - late)),
    }
}

fn story(messages: u64) -> impl Iterator<Item = Message> {
    (0..messages).map(message)
}

/// A database in a folder that has heard the story, and its clock.
fn told(folder: &Path, messages: u64) -> (Database, ManualClock) {
    let clock = ManualClock::new(time(0));
    let options = OpenOptions::new().catalog(catalog()).clock(Clock::Manual(clock.clone()));
    let database = options.journal_segment_bytes(256 * 1024).open(folder).unwrap();
    for message in story(messages) {
        clock.set(clock.now().max(message.timestamp().unwrap_or(time(0))));
        database.apply(message).unwrap();
        if database.stats().accepted == messages / 2 {
            database.compact().unwrap();
        }
    }
    (database, clock)
}

/// The offers of every personalization for everybody.
fn decisions(database: &Database) -> BTreeMap<(String, String), Json> {
    let ids = (0..USERS).flat_map(|number| [format!("c{number:02}"), format!("v{number:02}")]);
    let asked = ids.flat_map(|id| {
        let snapshot = database.profile(&id).unwrap();
        let known = snapshot.known;
        let decided = snapshot.decisions.into_iter().filter(move |_| known);
        decided.map(move |(name, decided)| ((name, id.clone()), decided.decision.to_json()))
    });
    asked.collect()
}

/// Names of offers, whatever the strategy.
fn names(decision: &Json) -> Vec<String> {
    let list = match decision {
        Json::Array(names) => names.clone(),
        other => vec![other.clone()],
    };
    list.iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect()
}

fn segment<'a>(diff: &'a CatalogDiff, name: &str) -> &'a SegmentDiff {
    diff.segments.iter().find(|segment| segment.segment == name).unwrap()
}

/// Every file of a folder, with its bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.display().to_string(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn everybody() -> Rehearsal {
    Rehearsal::new(catalog(), new_catalog()).examples(usize::MAX)
}

#[test]
fn what_would_change_is_what_does_change() {
    let folder = Folder::new("diff-swap");
    let (database, clock) = told(folder.path(), 400);
    // Also while it is open, and at a later time, when windows have emptied.
    for later in [0, 20 * 3_600, 12 * 86_400] {
        clock.set(time(400 / 3 * 1_800 + later));
        let diff = everybody().at(database.now()).of_folder(folder.path()).unwrap();
        compare_with_a_swap(&diff, &database);
        assert_eq!(database.replace_catalog(catalog()).unwrap() % 2, 1, "as it was");
    }
}

/// Puts the new catalog in place, and checks that what happens was foretold.
fn compare_with_a_swap(diff: &CatalogDiff, database: &Database) {
    assert_eq!((diff.at, diff.profiles), (database.now(), database.stats().profiles));
    let before = decisions(database);
    let sizes_before: BTreeMap<_, _> = database.segment_sizes().unwrap().into_iter().collect();
    drop(database.take_transitions());
    database.replace_catalog(new_catalog()).unwrap();
    let sizes_after: BTreeMap<_, _> = database.segment_sizes().unwrap().into_iter().collect();
    let transitions = database.take_transitions();
    let mut moved = 0;
    for segment in &diff.segments {
        let who = |entered: bool| -> Vec<String> {
            let turned = transitions.iter().filter(|turned| turned.cause == Cause::Catalog);
            let turned = turned
                .filter(|turned| *turned.segment == *segment.segment && turned.entered == entered)
                .map(|turned| turned.profile.to_string());
            turned.collect::<BTreeSet<_>>().into_iter().collect()
        };
        assert_eq!(segment.entered_examples, who(true), "{}", segment.segment);
        assert_eq!(segment.left_examples, who(false), "{}", segment.segment);
        let counts = (segment.entered_examples.len() as u64, segment.left_examples.len() as u64);
        assert_eq!((segment.entered, segment.left), counts);
        assert_eq!(segment.before.as_ref(), sizes_before.get(&segment.segment));
        assert_eq!(segment.after.as_ref(), sizes_after.get(&segment.segment));
        moved += segment.entered + segment.left;
    }
    assert!(moved > 10, "the catalogs differ: {diff}");
    let after = decisions(database);
    let mut expected = BTreeMap::new();
    for key in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let (was, is) = (before.get(key).unwrap_or(&Json::Null), after.get(key).unwrap_or(&Json::Null));
        if names(was) != names(is) {
            let turned = (key.0.clone(), was.to_string(), is.to_string());
            expected.entry(turned).or_insert_with(Vec::new).push(key.1.clone());
        }
    }
    let foretold = diff.personalizations.iter().flat_map(|decided| {
        decided.decisions.iter().map(|diff| {
            assert_eq!(diff.profiles, diff.examples.len() as u64);
            let turned = (decided.personalization.clone(), diff.old.to_string(), diff.new.to_string());
            (turned, diff.examples.clone())
        })
    });
    assert_eq!(foretold.collect::<BTreeMap<_, _>>(), expected);
    compare_offers(diff, &before, &after);
}

/// Counts the customers of each offer before and after.
fn compare_offers(
    diff: &CatalogDiff,
    before: &BTreeMap<(String, String), Json>,
    after: &BTreeMap<(String, String), Json>,
) {
    let ids: BTreeSet<&String> = before.keys().chain(after.keys()).map(|(_, id)| id).collect();
    let mut moved = 0;
    for decided in &diff.personalizations {
        for offer in &decided.offers {
            let has = |decisions: &BTreeMap<(String, String), Json>, id: &String| {
                let key = (decided.personalization.clone(), id.clone());
                let names = names(decisions.get(&key).unwrap_or(&Json::Null));
                offer.offer.as_ref().map_or(names.is_empty(), |name| names.contains(name))
            };
            let count = |is: &dyn Fn(&String) -> bool| ids.iter().filter(|id| is(id)).count() as u64;
            let counts = [offer.before, offer.after];
            let expected = [count(&|id| has(before, id)), count(&|id| has(after, id))];
            for (count, expected) in counts.into_iter().zip(expected) {
                assert!(count.is_none_or(|count| count == expected), "{offer:?}: {expected}");
            }
            assert_eq!(offer.gained, count(&|id| has(after, id) && !has(before, id)), "{offer:?}");
            assert_eq!(offer.lost, count(&|id| has(before, id) && !has(after, id)), "{offer:?}");
            moved += offer.gained + offer.lost;
        }
    }
    assert!(moved > 10, "offers differ");
}

#[test]
fn variants_are_counted_where_experiments_take_part() {
    let catalog = |weights: &str| {
        Catalog::from_toml(&format!(
            r#"
            schema = 1
            [experiments.colour]
            variants = {weights}
            [personalizations.home]
            [[personalizations.home.offers]]
            name = "red"
            when = 'variant("colour") == "red"'
            "#
        ))
        .unwrap()
    };
    let log = (0..200).map(|number| Ok(Message::identify(format!("c{number}")).with_timestamp(time(number))));
    let old = catalog(r#"["blue", "red"]"#);
    let diff =
        Rehearsal::new(old, catalog(r#"["blue", { name = "red", weight = 4 }]"#)).of_messages(log).unwrap();
    let home = &diff.personalizations[0];
    assert_eq!(home.variants.len(), 2);
    let (blue, red) = (&home.variants[0], &home.variants[1]);
    assert_eq!((&*red.experiment, &*red.variant, &*blue.variant), ("colour", "red", "blue"));
    assert_eq!((red.before + blue.before, red.after + blue.after), (200, 200));
    assert!(red.before.abs_diff(100) < 30 && red.after.abs_diff(160) < 30, "{red:?}");
    assert_eq!((red.gained, red.lost), (blue.lost, blue.gained));
    assert_eq!((home.offers[0].before, home.offers[0].after), (Some(red.before), Some(red.after)));
    assert!(diff.to_string().contains("\n    colour: red   +"), "{diff}");
}

#[test]
fn segments_and_personalizations_of_one_catalog_are_marked() {
    let folder = Folder::new("diff-marks");
    let (database, _) = told(folder.path(), 400);
    let diff = everybody().of_folder(folder.path()).unwrap();
    let changes: Vec<_> = diff.segments.iter().map(|segment| (&*segment.segment, segment.change)).collect();
    let expected = [
        ("buyer", Change::Changed),
        ("gold", Change::Changed),
        ("hats", Change::New),
        ("lapsed", Change::Removed),
        ("viewer", Change::Same),
    ];
    assert_eq!(changes, expected);
    assert_eq!((segment(&diff, "hats").before, segment(&diff, "lapsed").after), (None, None));
    let changes = diff.personalizations.iter().map(|decided| (&*decided.personalization, decided.change));
    assert_eq!(changes.collect::<Vec<_>>(), [("basket", Change::New), ("home", Change::Changed)]);
    let text = diff.to_string();
    for part in [", new\n    nothing -> shoes  ", "\n    thanks -> thanks, hat  ", ", removed\n"] {
        assert!(text.contains(part), "{part}{text}");
    }
    // With few examples the counts are the same.
    let few = Rehearsal::new(catalog(), new_catalog()).examples(1).of_folder(folder.path()).unwrap();
    let (gold, all) = (segment(&few, "gold"), segment(&diff, "gold"));
    assert_eq!((gold.entered, gold.left), (all.entered, all.left));
    assert_eq!(gold.left_examples, all.left_examples[..1]);
    // The same catalog changes nothing.
    let same = Rehearsal::new(new_catalog(), new_catalog()).of_folder(folder.path()).unwrap();
    assert!(!same.differs() && diff.differs(), "{same}");
    assert!(same.to_string().ends_with("\n\nnothing differs: 4 segments, 2 personalizations"), "{same}");
    drop(database);
}

#[test]
fn a_folder_is_only_read() {
    let folder = Folder::new("diff-read");
    drop(told(folder.path(), 200));
    let before = files(folder.path());
    everybody().of_folder(folder.path()).unwrap();
    assert!(files(folder.path()) == before, "some file has changed");
    let error = everybody().of_folder(folder.path().join("nowhere")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn a_log_and_the_folder_it_was_loaded_into_differ_in_the_same_way() {
    let folder = Folder::new("diff-log");
    let (database, _) = told(folder.path(), 300);
    drop(database);
    // A catalog that accepts what the shop's does, so that nothing is refused.
    let other = || {
        let text = CATALOG.replace("> 50.0", "> 120.0").replace(">= 2", ">= 3");
        Catalog::from_toml(&text.replace("gold =", "golden =")).unwrap()
    };
    // Earlier than the database's own time, too: what happened later does not count.
    for at in [None, Some(time(3_600)), Some(time(120_000)), Some(time(90 * 86_400))] {
        let rehearsal = || match at {
            Some(at) => Rehearsal::new(catalog(), other()).at(at),
            None => Rehearsal::new(catalog(), other()),
        };
        let of_log = rehearsal().of_messages(story(300).map(Ok)).unwrap();
        let of_folder = rehearsal().of_folder(folder.path()).unwrap();
        assert_eq!(of_log, of_folder);
        assert!(of_log.differs());
        assert_eq!(of_log.old.messages + of_log.later, 300);
    }
}

#[test]
fn the_order_of_a_log_does_not_matter() {
    let of = |mut log: Vec<Message>| {
        log.retain(|message| message.timestamp().is_some());
        everybody().of_messages(log.into_iter().map(Ok)).unwrap()
    };
    let forwards = of(story(300).collect());
    let backwards = of((0..300).rev().map(message).collect());
    assert_eq!(forwards.at, backwards.at);
    assert_eq!(forwards.segments, backwards.segments);
    assert_eq!(forwards.personalizations, backwards.personalizations);
}

#[test]
fn what_a_catalog_refuses_is_counted_and_not_known() {
    let strict = CATALOG.replace("schema = 1", "schema = 1\nstrict = true");
    let rehearsal = Rehearsal::new(catalog(), Catalog::from_toml(&strict).unwrap());
    let log = [
        r#"{"type":"identify","messageId":"a","userId":"ana","traits":{"tier":"gold"},"timestamp":"2026-01-01T09:00:00Z"}"#,
        r#"{"type":"identify","messageId":"b","userId":"ben","traits":{"tier":"gold","shoe":39},"timestamp":"2026-01-01T09:00:01Z"}"#,
        r#"{"type":"track","messageId":"c","userId":"ben","event":"Seen","timestamp":"2026-01-01T09:00:02Z"}"#,
        r#"{"type":"track","messageId":"d","userId":"ana","event":"Seen","timestamp":"2026-01-01T09:00:03Z"}"#,
        // Known by its id; and the same id with other content, which nobody accepts.
        r#"{"type":"identify","messageId":"a","userId":"ana","traits":{"tier":"gold"},"timestamp":"2026-01-01T09:00:00Z"}"#,
        r#"{"type":"identify","messageId":"a","userId":"ana","traits":{"tier":"tin"},"timestamp":"2026-01-01T09:00:00Z"}"#,
        r#"{"type":"identify""#,
    ];
    let diff = rehearsal.of_messages(log.into_iter().map(Message::parse)).unwrap();
    let refused = |intake: &habitue::diff::Intake| {
        intake.refused.iter().map(|refused| (refused.reason, refused.messages)).collect::<Vec<_>>()
    };
    let both = [(RefusalReason::Conflict, 1), (RefusalReason::Schema, 1)];
    assert_eq!((diff.old.messages, refused(&diff.old)), (4, both.to_vec()));
    let new = [(RefusalReason::UnknownAttribute, 1), (RefusalReason::UnknownEvent, 2)];
    assert_eq!((diff.new.messages, refused(&diff.new)), (1, [both, new].concat()));
    assert_eq!(diff.new.refused[3].first.value, Some(json!("Seen")));
    // Under the strict catalog nobody knows of her at all.
    let gold = segment(&diff, "gold");
    assert_eq!((gold.before, gold.after, &*gold.left_examples), (Some(2), Some(1), &["ben".to_owned()][..]));
    assert_eq!(diff.personalizations[0].change, Change::Same, "anybody is shown the fallback");
    assert_eq!((diff.profiles, diff.at.to_string()), (2, "2026-01-01T09:00:03Z".to_owned()));
    let text = diff.to_string();
    assert!(
        text.contains("\nthe new catalog refuses 2 messages; the first: message refused (unknown_event)")
    );
}

#[test]
fn nothing_heard_is_nothing_that_differs() {
    let diff = Rehearsal::new(catalog(), catalog()).of_messages([]).unwrap();
    assert!(!diff.differs() && diff.profiles == 0, "{diff}");
    assert_eq!(
        diff.to_string(),
        "0 profiles, at 1970-01-01T00:00:00Z\n\nnothing differs: 4 segments, 1 personalization"
    );
}
