//! Subscriptions: what changes is told to everybody who wants to know, once, in order, and nobody is held up
//! who did not ask for that.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops when it is wrong")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration as RealTime;

use habitue::{
    Catalog, Cause, Change, Clock, Database, Duration, ErrorKind, ManualClock, Message, SubscribeOptions,
    Subscription, Time, Transition, WhenFull,
};

const WRITERS: usize = 4;
const CUSTOMERS: usize = 12;
const MESSAGES: usize = 150;
/// Longer than anything takes here: who waits so long waits for ever.
const EVER: RealTime = RealTime::from_secs(120);

fn start() -> Time {
    Time::parse("2026-01-01T00:00:00Z").unwrap()
}

fn catalog(many: i64) -> Catalog {
    let text = r#"
        schema = 1
        [attributes]
        points = "int"
        name = "string"
        [events.View]
        [computed]
        views = 'events("View").within("24h").count()'
        [segments]
        some = 'points >= 100'
        many = 'points >= MANY'
        keen = 'views >= 2'
        [personalizations.banner]
        fallback = { name = "default", text = "Welcome" }
        [[personalizations.banner.offers]]
        name = "preview"
        when = "many && keen"
        text = "Preview, {{ name | default('you') }}"
        [[personalizations.banner.offers]]
        name = "keen"
        when = "keen"
        text = "Keen, {{ name | default('you') }}"
        [personalizations.footer]
        fallback = { name = "none" }
        [[personalizations.footer.offers]]
        name = "points"
        when = "some"
    "#;
    Catalog::from_toml(&text.replace("MANY", &many.to_string())).unwrap()
}

fn database() -> (Database, ManualClock) {
    let clock = ManualClock::new(start());
    (Database::in_memory_with_clock(catalog(200), Clock::Manual(clock.clone())), clock)
}

fn points(customer: &str, points: i64) -> Message {
    Message::identify(customer).with_trait("points", points)
}

fn small(capacity: usize) -> SubscribeOptions {
    SubscribeOptions::new().capacity(capacity)
}

/// All that is there now.
fn taken(subscription: &Subscription) -> Vec<Change> {
    std::iter::from_fn(|| subscription.try_next()).collect()
}

fn transitions(changes: impl IntoIterator<Item = Change>) -> Vec<Transition> {
    let transition = |change| match change {
        Change::Transition(transition) => transition,
        other => panic!("{other:?} was not subscribed to"),
    };
    changes.into_iter().map(transition).collect()
}

/// What was told of each customer, in its order; each segment entered and left in turn, time going forward.
fn by_profile(transitions: Vec<Transition>) -> BTreeMap<String, Vec<Transition>> {
    let mut all: BTreeMap<String, Vec<Transition>> = BTreeMap::new();
    for transition in transitions {
        let of_one = all.entry(transition.profile.to_string()).or_default();
        if let Some(last) = of_one.last() {
            assert!(last.at <= transition.at, "{transition:?} after {last:?}");
        }
        let before = of_one.iter().rfind(|told| told.segment == transition.segment);
        assert_eq!(before.is_some_and(|told| told.entered), !transition.entered, "{transition:?}");
        of_one.push(transition);
    }
    all
}

/// What changed of decisions, short: whose, which offer, its text, when, and why.
fn shown(changes: impl IntoIterator<Item = Change>) -> Vec<(String, String, Time, Cause)> {
    let line = |change| match change {
        Change::Decision(change) => {
            let text = change.decision.text().unwrap_or("-").to_owned();
            Some((change.profile.to_string(), text, change.at, change.cause))
        }
        _ => None,
    };
    changes.into_iter().filter_map(line).collect()
}

fn write(database: &Database, clock: &ManualClock, writer: usize) {
    for message in 0..MESSAGES {
        // All writers have all customers.
        let customer = format!("customer-{}", (message * 7 + writer * 5) % CUSTOMERS);
        let message = match (message + writer) % 3 {
            0 => Message::track(customer, "View"),
            _ => points(&customer, ((message * 37 + writer * 91) % 300) as i64),
        };
        database.apply(message).unwrap();
        clock.set(clock.now() + Duration::parse("17m").unwrap());
    }
}

#[test]
fn subscribers_are_told_what_is_taken_while_many_threads_write_read_and_swap() {
    let (database, clock) = database();
    let slow = database.subscribe(small(2)).unwrap();
    let quick = database.subscribe(small(100_000)).unwrap();
    let one = database.subscribe(small(3).segments(["keen"])).unwrap();
    let losing = database.subscribe(small(5).when_full(WhenFull::DropOldest)).unwrap();
    let slowly = thread::spawn(move || slow.inspect(|_| thread::yield_now()).collect::<Vec<Change>>());
    let ones = thread::spawn(move || one.collect::<Vec<Change>>());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let others = scope.spawn(|| {
            let mut swaps = 0;
            while !is_over.load(Ordering::SeqCst) {
                swaps += 1;
                database.replace_catalog(catalog(150 + swaps % 5 * 20)).unwrap();
                database.is_member(&format!("customer-{}", swaps % 12), "keen").unwrap();
                database.members("many").unwrap();
                database.advance().unwrap();
            }
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (database, clock) = (&database, &clock);
                scope.spawn(move || write(database, clock, writer))
            })
            .collect();
        let written: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        is_over.store(true, Ordering::SeqCst);
        others.join().unwrap();
        assert!(written.into_iter().all(|ended| ended.is_ok()), "a writer failed");
    });
    clock.set(clock.now() + Duration::parse("3d").unwrap());
    database.advance().unwrap();
    let kept = by_profile(database.take_transitions());
    let all: usize = kept.values().map(Vec::len).sum();
    assert!(all > 100, "{all} transitions are too few to say anything");
    let last = taken(&losing).len() as u64;
    assert_eq!((last, last + losing.dropped()), (5, all as u64), "all are told or counted");
    database.close().unwrap();
    assert_eq!(by_profile(transitions(quick)), kept);
    assert_eq!(by_profile(transitions(slowly.join().unwrap())), kept);
    let keen = kept.values().flatten().filter(|told| &*told.segment == "keen").count();
    let ones = transitions(ones.join().unwrap());
    assert!(keen > 20 && ones.iter().all(|told| &*told.segment == "keen"), "{keen} of {all}");
    assert_eq!(ones.len(), keen);
}

#[test]
fn who_applies_waits_for_a_blocking_subscriber_and_nobody_else_does() {
    let (database, clock) = database();
    let subscription = database.subscribe(small(1)).unwrap();
    let applied = AtomicUsize::new(0);
    thread::scope(|scope| {
        let writers: Vec<_> = ["ana", "ben", "cleo"]
            .into_iter()
            .map(|customer| {
                let (database, applied) = (&database, &applied);
                scope.spawn(move || {
                    database.apply(points(customer, 250)).unwrap();
                    applied.fetch_add(1, Ordering::SeqCst);
                })
            })
            .collect();
        // Each enters two segments, and there is room for one.
        for customer in ["ana", "ben", "cleo"] {
            while !database.is_member(customer, "many").unwrap() {
                thread::yield_now();
            }
        }
        assert_eq!(database.members("many").unwrap(), ["ana", "ben", "cleo"]);
        clock.set(clock.now() + Duration::parse("1h").unwrap());
        database.replace_catalog(catalog(300)).unwrap();
        assert!(database.members("many").unwrap().is_empty());
        assert!(database.profile("ana").unwrap().known);
        assert_eq!(database.stats().transitions, 9);
        assert_eq!(applied.load(Ordering::SeqCst), 0, "nobody returns before their transitions are told");
        let told: Vec<Change> =
            (0..9).map(|_| subscription.next_within(EVER).expect("nothing is lost")).collect();
        assert_eq!(by_profile(transitions(told)), by_profile(database.take_transitions()));
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        assert_eq!((subscription.try_next(), subscription.dropped()), (None, 0));
    });
}

#[test]
fn the_oldest_are_dropped_and_counted_where_nobody_is_to_wait() {
    let (database, _) = database();
    let options = small(3).segments(["some"]).when_full(WhenFull::DropOldest);
    let subscription = database.subscribe(options).unwrap();
    for turn in 0..10 {
        database.apply(points("ana", if turn % 2 == 0 { 100 } else { 0 })).unwrap();
    }
    assert_eq!(subscription.dropped(), 7);
    let all = database.take_transitions();
    assert_eq!(transitions(taken(&subscription)), all[7..]);
    assert_eq!(subscription.dropped(), 7);
}

#[test]
fn a_window_that_closes_is_told_with_its_instant() {
    let (database, clock) = database();
    let subscription = database.subscribe(SubscribeOptions::new().personalizations(["banner"])).unwrap();
    for _ in 0..2 {
        database.apply(Message::track("ana", "View")).unwrap();
    }
    assert_eq!(taken(&subscription).len(), 2, "ana is keen, and is shown so");
    clock.set(start() + Duration::parse("10d").unwrap());
    database.advance().unwrap();
    let closed = start() + Duration::parse("24h").unwrap();
    let told = taken(&subscription);
    assert_eq!(shown(told.clone()), [("ana".to_owned(), "Welcome".to_owned(), closed, Cause::Time)]);
    let Some(Change::Transition(left)) = told.first() else { panic!("{told:?}") };
    assert_eq!((&*left.segment, left.entered, left.at, told.len()), ("keen", false, closed, 2));
}

#[test]
fn a_read_tells_what_time_has_brought_and_does_not_wait() {
    let (database, clock) = database();
    let subscription = database.subscribe(small(1).segments(["keen"])).unwrap();
    for customer in ["ana", "ben"] {
        for _ in 0..2 {
            database.apply(Message::track(customer, "View")).unwrap();
        }
        assert_eq!(taken(&subscription).len(), 1);
    }
    clock.set(start() + Duration::parse("10d").unwrap());
    assert!(!database.is_member("ana", "keen").unwrap());
    assert!(!database.is_member("ben", "keen").unwrap());
    let left: Vec<Transition> = transitions(taken(&subscription));
    assert_eq!(left.iter().map(|told| &*told.profile).collect::<Vec<_>>(), ["ana", "ben"]);
}

#[test]
fn dropping_a_subscription_lets_go_of_who_waits() {
    let (database, _) = database();
    let subscription = database.subscribe(small(1)).unwrap();
    thread::scope(|scope| {
        let writer = scope.spawn(|| database.apply(points("ana", 250)).unwrap());
        while !database.is_member("ana", "many").unwrap() {
            thread::yield_now();
        }
        assert!(!writer.is_finished(), "there is room for one of two");
        drop(subscription);
        assert_eq!(writer.join().unwrap().transitions.len(), 2);
    });
    database.apply(points("ben", 250)).unwrap();
    assert_eq!(database.take_transitions().len(), 4);
}

#[test]
fn closing_waits_for_nobody_and_loses_nothing() {
    const MANY: usize = 12_000;
    let (database, clock) = database();
    for customer in 0..MANY {
        database.apply(points(&format!("customer-{customer}"), 190)).unwrap();
    }
    database.take_transitions();
    let subscription = database.subscribe(small(1)).unwrap();
    clock.set(clock.now() + Duration::parse("1h").unwrap());
    database.replace_catalog(catalog(150)).unwrap();
    // The sweep goes on until too much waits, and then waits itself.
    while database.stats().transitions < MANY as u64 + 10_000 {
        thread::yield_now();
    }
    let kept = database.take_transitions();
    let later = thread::spawn(move || {
        database.close().unwrap();
        subscription
    });
    let told = transitions(later.join().unwrap());
    assert!(told.len() >= kept.len() && told[..kept.len()] == kept[..], "{} of {}", told.len(), kept.len());
}

#[test]
fn a_listener_that_waits_ends_with_the_database() {
    let (database, _) = database();
    let subscription = database.subscribe(small(8)).unwrap();
    let listener = thread::spawn(move || subscription.count());
    database.apply(points("ana", 250)).unwrap();
    drop(database);
    assert_eq!(listener.join().unwrap(), 2);
}

#[test]
fn only_known_names_can_be_subscribed_to() {
    let (database, _) = database();
    let error = database.subscribe(SubscribeOptions::new().segments(["man"])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("did you mean `many`"), "{error}");
    let error = database.subscribe(SubscribeOptions::new().personalizations(["baner"])).unwrap_err();
    assert!(error.to_string().contains("did you mean `banner`"), "{error}");
    let none: [&str; 0] = [];
    let subscription = database.subscribe(SubscribeOptions::new().segments(none)).unwrap();
    database.apply(points("ana", 250)).unwrap();
    assert_eq!((subscription.try_next(), database.take_transitions().len()), (None, 2));
}

#[test]
fn an_erased_customer_is_taken_out_of_what_nobody_has_taken() {
    let (database, _) = database();
    // Block, with all of it in memory: what has no room waits beside.
    let narrow = SubscribeOptions::new().all_personalizations().capacity(2);
    let subscription = database.subscribe(narrow).unwrap();
    thread::scope(|scope| {
        let writers: Vec<_> = ["ana", "ben"]
            .map(|customer| {
                let database = &database;
                scope.spawn(move || drop(database.apply(points(customer, 250)).unwrap()))
            })
            .into_iter()
            .collect();
        for customer in ["ana", "ben"] {
            while !database.is_member(customer, "many").unwrap() {
                thread::yield_now();
            }
        }
        let erased = database.erase("ana").unwrap();
        assert_eq!(erased.transitions.len(), 4, "two that nobody took, and two that ended");
        let told: Vec<Change> = (0..3).map(|_| subscription.next_within(EVER).unwrap()).collect();
        assert!(told.iter().all(|change| change.profile() == "ben"), "{told:?}");
        writers.into_iter().for_each(|writer| writer.join().unwrap());
    });
    assert_eq!(subscription.try_next(), None);
}

#[test]
fn decisions_are_told_when_they_become_others() {
    let (database, clock) = database();
    database.apply(points("old", 250).with_trait("name", "Old")).unwrap();
    let none: [&str; 0] = [];
    let options = SubscribeOptions::new().segments(none).personalizations(["banner"]);
    let subscription = database.subscribe(options).unwrap();
    let view = |customer: &str, id: &str| Message::track(customer, "View").with_id(id);
    let hour = Duration::parse("1h").unwrap();
    // Neither who was there before nor who is new is told of while they are shown what they were.
    database.apply(points("old", 260)).unwrap();
    database.apply(points("new", 10)).unwrap();
    assert_eq!(taken(&subscription), []);
    for customer in ["old", "new"] {
        for number in 0..2 {
            database.apply(view(customer, &format!("{customer}-{number}"))).unwrap();
        }
    }
    let told = |customer: &str, text: &str, at: Time, cause: Cause| {
        (customer.to_owned(), text.to_owned(), at, cause)
    };
    let by = |id: &str| Cause::Message(id.into());
    let first =
        [told("old", "Preview, Old", start(), by("old-1")), told("new", "Keen, you", start(), by("new-1"))];
    assert_eq!(shown(taken(&subscription)), first);
    // Only the text changes.
    clock.set(start() + hour);
    database.apply(Message::identify("new").with_trait("name", "Nia").with_id("name")).unwrap();
    assert_eq!(shown(taken(&subscription)), [told("new", "Keen, Nia", start() + hour, by("name"))]);
    // A new catalog, and a look by whoever reads: a personalization that is not subscribed to tells nothing.
    database.replace_catalog(catalog(5)).unwrap();
    database.decide("new", "banner").unwrap();
    database.decide("new", "footer").unwrap();
    let preview = told("new", "Preview, Nia", start() + hour, Cause::Catalog);
    assert_eq!(shown(taken(&subscription)), [preview]);
    clock.set(start() + hour + hour);
    database.apply(points("new", 7)).unwrap();
    database.advance().unwrap();
    assert_eq!(taken(&subscription), []);
}

/// Messages at random instants, each customer's in the order of time.
fn story(seed: usize) -> Vec<(Time, Message)> {
    let mut at = start();
    let steps = (0..60).map(|step| {
        let random = (seed * 7_919 + step * 104_729 + step * step * 31) % 10_007;
        at = at + Duration::parse(&format!("{}m", 1 + random % 500)).unwrap();
        let customer = format!("customer-{}", random % 3);
        let message = match random % 4 {
            0 => points(&customer, (random % 400) as i64),
            1 => Message::identify(&*customer).with_trait("name", format!("Name {}", random % 5)),
            _ => Message::track(&*customer, "View"),
        };
        (at, message.with_id(format!("m{step}")).with_timestamp(at))
    });
    steps.collect()
}

#[test]
fn decisions_are_told_with_their_instants_however_late_anybody_looks() {
    let mut all = 0;
    for seed in 0..20 {
        let story = story(seed);
        let end = story.last().unwrap().0 + Duration::parse("3d").unwrap();
        let none: [&str; 0] = [];
        let options = SubscribeOptions::new().segments(none).all_personalizations().capacity(10_000);
        // One is told from message to message only, as they come, or just before the next one; the other minute
        // by minute.
        let ((late, late_clock), (early, early_clock)) = (database(), database());
        let (by_late, by_early) = (late.subscribe(options.clone()), early.subscribe(options));
        let next: Vec<Time> = story.iter().skip(1).map(|(at, _)| *at).chain([end]).collect();
        for ((at, message), next) in story.into_iter().zip(next) {
            late_clock.set(if seed % 2 == 0 { at } else { next - Duration::MILLISECOND });
            while early_clock.now() < at {
                early_clock.set((early_clock.now() + Duration::parse("1m").unwrap()).min(at));
                early.advance().unwrap();
            }
            early.apply(message.clone()).unwrap();
            late.apply(message).unwrap();
        }
        for (database, clock) in [(&early, early_clock), (&late, late_clock)] {
            clock.set(end);
            database.advance().unwrap();
        }
        let told = |subscription: &Subscription| {
            let mut told: Vec<(String, String, Time, String, Cause)> = taken(subscription)
                .into_iter()
                .map(|change| match change {
                    Change::Decision(change) => {
                        let shown = change.decision.to_full_json()["offers"].to_string();
                        let which = change.decision.personalization.to_string();
                        (change.profile.to_string(), which, change.at, shown, change.cause)
                    }
                    other => panic!("{other:?} was not subscribed to"),
                })
                .collect();
            told.sort_by(|a, b| (&a.0, &a.1, a.2).cmp(&(&b.0, &b.1, b.2)));
            told
        };
        let (by_late, by_early) = (told(&by_late.unwrap()), told(&by_early.unwrap()));
        assert_eq!(by_late.len(), by_early.len(), "seed {seed}");
        by_late.iter().zip(&by_early).for_each(|(late, early)| assert_eq!(late, early, "seed {seed}"));
        all += by_early.len();
        // What was told last is what is shown.
        let mut last: BTreeMap<(String, String), String> = BTreeMap::new();
        by_early.into_iter().for_each(|(who, which, _, shown, _)| drop(last.insert((who, which), shown)));
        for ((who, which), told) in last {
            let shown = early.decide(&who, &which).unwrap().decision.to_full_json()["offers"].to_string();
            assert_eq!(shown, told, "seed {seed}: {which} of {who}");
        }
    }
    assert!(all > 200, "{all} changes are too few to say anything");
}

#[test]
fn who_becomes_part_of_another_is_told_of_under_the_others_id() {
    let (database, _) = database();
    let none: [&str; 0] = [];
    let options = SubscribeOptions::new().segments(none).personalizations(["banner"]);
    let subscription = database.subscribe(options).unwrap();
    for number in 0..2 {
        database.apply(Message::track("browser", "View").with_id(format!("v{number}")).anonymous()).unwrap();
    }
    database.apply(points("ana", 250).with_id("ana")).unwrap();
    let told = |who: &str, text: &str, by: &str| {
        (who.to_owned(), text.to_owned(), start(), Cause::Message(by.into()))
    };
    assert_eq!(shown(taken(&subscription)), [told("browser", "Keen, you", "v1")]);
    database.apply(Message::identify("ana").with_anonymous_id("browser").with_id("tie")).unwrap();
    assert_eq!(shown(taken(&subscription)), [told("ana", "Preview, you", "tie")]);
    database.anonymise("ana").unwrap();
    let told = shown(taken(&subscription));
    assert!(told.len() == 1 && told[0].0.starts_with("anon-"), "{told:?}");
    assert_eq!((&*told[0].1, &told[0].3), ("Preview, you", &Cause::Erasure));
}
