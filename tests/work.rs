//! What must not happen: work that grows with what a message does not touch.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Write as _;

use habitue::{Catalog, Clock, Database, Duration, ManualClock, Message, Time, Work};

/// The system's allocator, which counts the allocations of this thread, and the bytes that it has.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "counting allocations takes a global allocator")]
// SAFETY: every call is handed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        BYTES.with(|bytes| bytes.set(bytes.get() + layout.size() as i64));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.with(|bytes| bytes.set(bytes.get() - layout.size() as i64));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CATALOG: &str = r#"
schema = 1
[attributes]
points = "int"
first_name = "string"
other = "int"
[events."Product Viewed"]
category = "string"
price = "float"
[events."Other Event"]
price = "float"
[segments]
some = 'points >= 10'
more = 'points >= 20'
most = 'points >= 30'
named = 'points >= 20 && has(first_name)'
fan = 'events("Product Viewed").where(category == "shoes").within("24h").count() >= 2'
keen = 'fan && some'
"#;

const PERSONALIZATION: &str = r#"
[personalizations.homepage]
attributes = ["points"]
fallback = { name = "default", text = "Welcome" }
[[personalizations.homepage.offers]]
name = "keen"
when = 'keen || more'
text = "Hello {{ first_name }}"
"#;

fn start() -> Time {
    Time::parse("2026-01-01T09:00:00Z").unwrap()
}

fn database(unrelated: usize) -> Database {
    let mut text = CATALOG.to_owned();
    for place in 0..unrelated {
        let condition = match place % 3 {
            0 => format!("other >= {place}"),
            1 => format!("events(\"Other Event\").within(\"24h\").sum(price) > {place}.5"),
            _ => format!(
                "events(\"Product Viewed\").where(category == \"c{place}\").within(\"24h\").count() >= 1"
            ),
        };
        writeln!(text, "unrelated{place} = '{condition}'").unwrap();
    }
    text.push_str(PERSONALIZATION);
    database_of(&text)
}

fn database_of(text: &str) -> Database {
    let catalog = Catalog::from_toml(text).unwrap();
    Database::in_memory_with_clock(catalog, Clock::Manual(ManualClock::new(start())))
}

fn points(user: &str, points: i64) -> Message {
    Message::identify(user).with_trait("points", points)
}

fn view(user: &str) -> Message {
    Message::track(user, "Product Viewed").with_property("category", "shoes").with_property("price", 5.0)
}

fn work_of(database: &Database, act: impl FnOnce()) -> Work {
    let before = database.stats().work;
    act();
    let after = database.stats().work;
    Work {
        messages: after.messages - before.messages,
        filters: after.filters - before.filters,
        subjects: after.subjects - before.subjects,
        predicates: after.predicates - before.predicates,
        gates: after.gates - before.gates,
        deadlines: after.deadlines - before.deadlines,
        rebuilds: after.rebuilds - before.rebuilds,
        decisions: after.decisions - before.decisions,
        conditions: after.conditions - before.conditions,
    }
}

/// The work of a few messages on an existing customer, each by itself.
fn work_of_messages(database: &Database) -> Vec<Work> {
    database.apply(points("ana", 5)).unwrap();
    database.apply(Message::identify("ana").with_trait("first_name", "Ana")).unwrap();
    let messages = [points("ana", 15), points("ana", 25), view("ana"), view("ana"), points("ana", 25)];
    messages.into_iter().map(|message| work_of(database, || drop(database.apply(message).unwrap()))).collect()
}

#[test]
fn a_message_visits_what_it_crosses_and_what_stands_above() {
    let database = database(10_000);
    let work = work_of_messages(&database);
    // 5 -> 15 crosses `points >= 10`; the gate of `keen` stands above.
    assert_eq!((work[0].subjects, work[0].predicates, work[0].gates), (1, 1, 1));
    // 15 -> 25 crosses `points >= 20`; the gates of `named` and of the offer stand above.
    assert_eq!((work[1].subjects, work[1].predicates, work[1].gates), (1, 1, 2));
    // One view of shoes crosses nothing, the second one the count of two; `keen` and the offer follow.
    assert_eq!((work[2].filters, work[2].subjects, work[2].predicates, work[2].gates), (1, 1, 0, 0));
    assert_eq!((work[3].filters, work[3].subjects, work[3].predicates, work[3].gates), (1, 1, 1, 2));
    // The same value again stops the flow at once.
    assert_eq!((work[4].subjects, work[4].predicates, work[4].gates), (0, 0, 0));
}

#[test]
fn unrelated_segments_cost_nothing() {
    assert_eq!(work_of_messages(&database(0)), work_of_messages(&database(10_000)));
}

#[test]
fn other_profiles_cost_nothing() {
    let alone = work_of_messages(&database(0));
    let crowded = database(0);
    for place in 0..100_000 {
        crowded.apply(points(&format!("customer-{place}"), place % 40)).unwrap();
    }
    assert_eq!(work_of_messages(&crowded), alone);
}

#[test]
fn a_decision_on_an_unchanged_profile_is_a_look_up() {
    let database = database(100);
    work_of_messages(&database);
    let first = database.decide("ana", "homepage").unwrap();
    assert_eq!(
        (first.decision.name(), first.decision.text(), first.cached),
        (Some("keen"), Some("Hello Ana"), false)
    );
    let mut allocations = 0;
    let work = work_of(&database, || {
        let before = ALLOCATIONS.with(Cell::get);
        let again = database.decide("ana", "homepage").unwrap();
        allocations = ALLOCATIONS.with(Cell::get) - before;
        assert!(again.cached);
        assert_eq!(again.decision, first.decision);
    });
    assert_eq!(work, Work::default(), "nothing was evaluated");
    assert_eq!(allocations, 0, "nothing was allocated");
}

/// How often this thread allocates meanwhile.
fn allocations_of(act: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.with(Cell::get);
    act();
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn purposes_that_a_message_does_not_need_cost_nothing() {
    let purposes = "[purposes.ads]\nattributes = [\"other\"]\nevents = [\"Other Event\"]\n";
    let with_purposes = database_of(&format!("{CATALOG}{PERSONALIZATION}{purposes}"));
    let without = database(0);
    assert_eq!(work_of_messages(&with_purposes), work_of_messages(&without));
    // The least of many: now and then a table grows.
    let least = |database: &Database| {
        let apply =
            |number: i64| allocations_of(|| drop(database.apply(points("ana", 12 + number % 2)).unwrap()));
        (0..200).map(apply).min()
    };
    assert_eq!(least(&with_purposes), least(&without));
}

#[test]
fn an_event_with_consent_is_decided_on_without_the_past() {
    let trigger = PERSONALIZATION.replace("attributes =", "on = \"Product Viewed\"\nattributes =");
    let purposes = "[purposes.ads]\nevents = [\"Product Viewed\"]\n";
    let database = database_of(&format!("{CATALOG}{trigger}{purposes}"));
    let viewed = |number: i64| {
        let at = start() + Duration::from_millis(number - 3_000);
        let view = view("ana").with_id(format!("{number:04}")).with_timestamp(at);
        let mut decided = 0;
        let allocations = allocations_of(|| {
            let (applied, decisions) = database.apply_and_decide(view).unwrap();
            decided = decisions.len();
            drop((applied, decisions));
        });
        (decided, allocations)
    };
    // Views of before her word do not count, whatever comes after.
    assert_eq!(viewed(0).0, 0);
    let asked = Message::identify("ana").with_consent("ads", true);
    database.apply(asked.with_timestamp(start() - Duration::from_millis(2_999))).unwrap();
    let (_, few) = (2..20).map(viewed).last().unwrap();
    let (decided, many) = (20..2_000).map(viewed).last().unwrap();
    assert_eq!(decided, 1);
    assert!(many < few + 50, "{many} allocations after 2,000 events, {few} after twenty");
}

#[test]
fn the_allocator_counts() {
    let before = ALLOCATIONS.with(Cell::get);
    drop(std::hint::black_box(Box::new(before)));
    assert_eq!(ALLOCATIONS.with(Cell::get), before + 1);
}

/// What is said of memory is within a fifth of what the allocator gave out, once for each part that has most of
/// it: messages, attributes, events.
#[test]
fn memory_is_accounted_for() {
    let clock = ManualClock::new(start());
    let catalog = Catalog::from_toml(CATALOG).unwrap();
    let before = BYTES.with(Cell::get);
    let database = Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone()));
    let people = 4_000;
    let (mut known, mut used_before) = (BYTES.with(Cell::get) - before, database.memory_use());
    for part in ["messages", "attributes", "events"] {
        for person in 0..people {
            let message = match part {
                "messages" => {
                    Message::identify(format!("customer-{person}")).with_trait("unknown", "x".repeat(400))
                }
                "attributes" => Message::identify(format!("customer-{person}"))
                    .with_trait("points", person)
                    .with_trait("first_name", "Anastasia"),
                _ => Message::track(format!("customer-{person}"), "Product Viewed")
                    .with_property("category", "shoes"),
            };
            database.apply(message).unwrap();
        }
        drop(database.take_transitions());
        let (has, used) = (BYTES.with(Cell::get) - before, database.memory_use());
        let (grew, said) = (has - known, (used.total_bytes() - used_before.total_bytes()) as i64);
        assert!((said - grew).abs() < grew / 5, "{part}: {said} of {grew} bytes, {used:?}");
        (known, used_before) = (has, used);
    }
    assert_eq!(used_before.profiles, people);
}

#[test]
fn what_is_looked_for_in_a_list_is_looked_for_in_one_go() {
    let mut text = "schema = 1\n[attributes]\ntags = { type = \"list\", of = \"string\" }\n[events.View]\nbrand = \"string\"\n".to_owned();
    text.push_str("[affinities.brands]\nhalf_life = \"1d\"\nof.View = { item = \"brand\" }\n[segments]\n");
    for number in 0..500 {
        writeln!(text, "fan{number} = '\"b{number}\" in brands.top(3)'").unwrap();
        writeln!(text, "tagged{number} = '\"t{number}\" in tags'").unwrap();
    }
    let database = Database::in_memory(Catalog::from_toml(&text).unwrap());
    let view = |brand: &str| {
        drop(database.apply(Message::track("ana", "View").with_property("brand", brand)).unwrap());
    };
    let tag =
        |tags: &[&str]| drop(database.apply(Message::identify("ana").with_trait("tags", tags)).unwrap());
    view("b1");
    tag(&["t1", "t2"]);
    for (work, changed) in [
        (work_of(&database, || view("b7")), 1),
        (work_of(&database, || view("b7")), 0),
        (work_of(&database, || tag(&["t2", "t3", "t9", "t3"])), 3),
    ] {
        assert_eq!((work.subjects, work.predicates), (1, changed));
    }
    let snapshot = database.profile("ana").unwrap();
    let members = snapshot.segments.iter().filter(|(_, member)| **member).map(|(name, _)| name.as_str());
    assert_eq!(members.collect::<Vec<_>>(), ["fan1", "fan7", "tagged2", "tagged3", "tagged9"]);
}
