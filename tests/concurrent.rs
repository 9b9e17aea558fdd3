//! Many threads at once: whoever asks after a change was accepted sees it, and each answer is of one instant.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;

use habitue::{Catalog, Clock, Database, ManualClock, Message, Question, Reply, Time, Value};

/// How many customers each writer has.
const CUSTOMERS: usize = 20;
/// How many messages of each.
const MESSAGES: i64 = 300;
const WRITERS: usize = 3;
const READERS: usize = 4;
const LEVELS: [&str; 3] = ["none", "some", "many"];

fn time(millis: i64) -> Time {
    Time::from_millis(1_767_225_600_000 + millis).unwrap()
}

/// The place of a number of points among the levels.
fn rank_of(points: i64) -> usize {
    (points / 100).min(2) as usize
}

/// The place of a level; whoever has none is below the second.
fn rank(level: Option<&Value>) -> usize {
    let is_it = |known: &&str| level == Some(&Value::from((*known).to_owned()));
    LEVELS.iter().position(is_it).unwrap_or(0)
}

fn catalog(more: &str) -> Catalog {
    let text = r#"
        schema = 1
        [attributes]
        points = "int"
        level = { type = "string", values = ["none", "some", "many"] }
        email = { type = "string", identifier = true }
        [personalizations.greeting]
        fallback = { name = "none" }
        [[personalizations.greeting.offers]]
        name = "many"
        when = "many"
        [[personalizations.greeting.offers]]
        name = "some"
        when = "some"
        [segments]
        some = 'points >= 100'
        many = 'points >= 200'
    "#;
    Catalog::from_toml(&format!("{text}\n{more}")).unwrap()
}

fn user(customer: usize) -> String {
    format!("Customer-{customer:04}")
}

fn visitor(customer: usize) -> String {
    format!("visitor-{customer:04}")
}

/// What is accepted of each customer so far.
struct Accepted(Vec<AtomicI64>);

fn write(database: &Database, writer: usize, accepted: &Accepted) {
    for points in 1..=MESSAGES {
        for customer in (writer..WRITERS * CUSTOMERS).step_by(WRITERS) {
            let level = LEVELS[rank_of(points)];
            let message = Message::identify(user(customer)).with_timestamp(time(points));
            let message = message.with_trait("points", points).with_trait("level", level);
            let message = match points {
                50 => message.with_trait("email", format!("{customer}@example.org")),
                // From here on the visitor is the customer.
                150 => message.with_anonymous_id(visitor(customer)),
                _ => message,
            };
            database.apply(message).unwrap();
            accepted.0[customer].store(points, Ordering::SeqCst);
        }
    }
}

fn read(database: &Database, reader: usize, accepted: &Accepted, is_over: &AtomicBool) {
    let mut question = Question::new();
    let (points, level) = (question.attribute("points"), question.attribute("level"));
    let (some, many) = (question.membership("some"), question.membership("many"));
    let greeting = question.decision("greeting");
    let of_one_instant = |reply: Reply<'_>| {
        let points = match reply.attribute(points) {
            Some(Value::Int(points)) => *points,
            _ => 0,
        };
        let rank_now = rank_of(points);
        assert_eq!(rank(reply.attribute(level)), rank_now, "{points} points");
        assert_eq!(
            (reply.is_member(some), reply.is_member(many)),
            (rank_now >= 1, rank_now >= 2),
            "{points}"
        );
        assert_eq!(reply.name(greeting), Some(LEVELS[rank_now]), "{points} points");
        points
    };
    let mut turn = reader;
    while !is_over.load(Ordering::SeqCst) {
        turn += 1;
        let customer = turn * 7 % (WRITERS * CUSTOMERS);
        let at_least = accepted.0[customer].load(Ordering::SeqCst);
        let mut ids = vec![user(customer)];
        if at_least >= 50 {
            ids.push(format!(" {customer}@EXAMPLE.org"));
        }
        if at_least >= 150 {
            ids.push(visitor(customer));
        }
        let mut before = at_least;
        for id in ids {
            let some = database.is_member(&id, "some").unwrap();
            let points = match database.attribute(&id, "points").unwrap() {
                Some(Value::Int(points)) => points,
                other => {
                    assert!(other.is_none() && at_least == 0, "{id}: {other:?} after {at_least}");
                    0
                }
            };
            assert!(points >= before, "{id}: {points} after {before}");
            assert!(some || before < 100, "{id}: no member with {before} points");
            let many = database.is_member(&id, "many").unwrap();
            assert!(many || points < 200, "{id}: no member with {points} points");
            before = before.max(points);
            let level = database.attribute(&id, "level").unwrap();
            assert!(rank(level.as_ref()) >= rank_of(points), "{id}: {level:?} with {points} points");
            for at in [database.now(), time(0), Time::NEVER] {
                let points = database.ask_at(at, &id, &question, of_one_instant).unwrap();
                assert!(points >= before, "{id}: {points} after {before}, asked together");
                before = points;
            }
        }
    }
}

#[test]
fn whoever_asks_after_a_change_sees_it() {
    let clock = ManualClock::new(time(MESSAGES + 1));
    let database = Database::in_memory_with_clock(catalog(""), Clock::Manual(clock));
    let accepted = Accepted((0..WRITERS * CUSTOMERS).map(|_| AtomicI64::new(0)).collect());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|reader| {
                let (database, accepted, is_over) = (&database, &accepted, &is_over);
                scope.spawn(move || read(database, reader, accepted, is_over))
            })
            .collect();
        let swapper = scope.spawn(|| {
            let mut swaps = 0;
            while !is_over.load(Ordering::SeqCst) {
                swaps += 1;
                let more = format!("other = 'points >= {}'", swaps % 7 * 50);
                database.replace_catalog(catalog(&more)).unwrap();
                database.advance().unwrap();
            }
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (database, accepted) = (&database, &accepted);
                scope.spawn(move || write(database, writer, accepted))
            })
            .collect();
        let written: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        is_over.store(true, Ordering::SeqCst);
        let read: Vec<_> = readers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        swapper.join().unwrap();
        assert!(written.into_iter().chain(read).all(|ended| ended.is_ok()), "a thread found something");
    });
    let mut question = Question::new();
    let points = question.attribute("points");
    let users: Vec<String> = (0..WRITERS * CUSTOMERS).map(user).collect();
    let mut asked = vec![0; users.len()];
    for _ in 0..2 {
        let read = |place: usize, reply: Reply<'_>| {
            assert_eq!(reply.attribute(points), Some(&Value::Int(MESSAGES)), "{place}");
            asked[place] += 1;
        };
        database.ask_each(&users, &question, read).unwrap();
    }
    assert_eq!(asked, vec![2; users.len()]);
    for customer in 0..WRITERS * CUSTOMERS {
        assert_eq!(database.attribute(&visitor(customer), "points").unwrap(), Some(Value::Int(MESSAGES)));
    }
    assert_eq!(database.members("many").unwrap().len(), WRITERS * CUSTOMERS);
}

/// When all windows close at once, nobody holds a part of the database for all of them.
#[test]
fn what_time_brings_about_is_done_in_pieces() {
    const MANY: u64 = 40_000;
    let clock = ManualClock::new(time(0));
    let text = r#"
        schema = 1
        [events.View]
        [segments]
        keen = 'events("View").within("24h").exists()'
    "#;
    let catalog = Catalog::from_toml(text).unwrap();
    let database = Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone()));
    for customer in 0..MANY {
        database.apply(Message::track(format!("customer-{customer}"), "View")).unwrap();
    }
    let holds = |by: &str| database.stats().holds.into_iter().find(|held| held.by == by);
    let applied = holds("apply").unwrap();
    assert!(applied.holds % 16 == 0 && applied.holds > MANY - 64 * 16, "{applied:?}");
    assert!(applied.longest_ns > 0 && applied.within_ns(1_000) >= applied.longest_ns, "{applied:?}");
    assert_eq!(holds("timers"), None);
    clock.set(time(2 * 86_400_000));
    database.advance().unwrap();
    assert_eq!(database.segment_sizes().unwrap(), [("keen".to_owned(), 0)]);
    // Each of 64 parts is looked at once, and then for each piece.
    let timers = holds("timers").unwrap();
    assert!(timers.holds >= 64 + MANY / 256, "{timers:?}");
}
