//! Messages that are older than the catalog keeps them are gone, and nothing that is answered changes.

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

#[path = "crash/copying.rs"]
mod copying;
#[path = "crash/folder.rs"]
mod folder;

use std::thread;

use copying::copy;
use folder::Folder;
use habitue::{
    Catalog, Clock, Database, ErrorKind, ManualClock, Message, MessageKind, OpenOptions, RefusalReason,
    Snapshot, Time,
};

/// Everything that a lifetime aggregate can be, and windows.
const CATALOG: &str = r#"
schema = 1
max_skew = "1d"
[history]
margin = "60d"
keep = { "Login" = "forever" }
[attributes]
tier = "string"
card = { type = "string", identifier = true }
[events.Order]
total = "float"
pieces = "int"
shop = "string"
note = "list"
[events.Login]
[events."Page Viewed"]
name = "string"
[computed]
count = 'events("Order").count()'
count_dear = 'events("Order").where(total > 50.0).count()'
any = 'events().count()'
sum = 'events("Order").sum(total)'
pieces = 'events("Order").sum(pieces)'
mean = 'events("Order").avg(total)'
least = 'events("Order").min(total)'
most = 'events("Order").max(pieces)'
first = 'events("Order").first()'
first_shop = 'events("Order").first(shop)'
last = 'events("Order").last()'
last_dear = 'events("Order").where(total > 90.0).last()'
last_shop = 'events("Order").last(shop)'
previous = 'events("Order").previous()'
shops = 'events("Order").distinct(shop)'
listed = 'events("Order").values(shop, 3)'
usual = 'events("Order").top(shop)'
pages = 'events("Page Viewed").values(name, 4)'
score = 'events("Order").decayed(total, "90d")'
early = 'events("Order").before(timestamp("2024-06-01T00:00:00Z")).count()'
month = 'events("Order").within("30d").sum(total)'
logins = 'events("Login").older_than("10d").count()'
[segments]
buyer = 'count > 10'
loyal = 'month > 100.0'
left = 'events("Order").not_followed_by("Login", "20d")'
viewed = 'events("Page Viewed").exists()'
fond = 'score > 60.0'
[personalizations.home]
on = "Order"
attributes = ["sum", "month"]
fallback = { name = "none" }
[[personalizations.home.offers]]
name = "thanks"
when = "loyal && event.total > 10.0"
text = "for {{ event.shop }} and {{ usual | default('-') }}"
"#;

const CUSTOMERS: u64 = 5;

fn time(days: u64, more: u64) -> Time {
    Time::from_millis(1_704_067_200_000 + days as i64 * 86_400_000 + more as i64).unwrap()
}

fn catalog() -> Catalog {
    Catalog::from_toml(CATALOG).unwrap()
}

/// The numbers of Steele, Lea and Flood's SplitMix64.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Whether devices and cards change hands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shop {
    Orderly,
    Wild,
}

/// Message `number` of a story, on day `day`: often several of one instant, sometimes late by months; sometimes
/// it says who is who.
fn message(state: &mut u64, shop: Shop, number: u64, day: u64) -> Message {
    let (customer, other) = (random(state) % CUSTOMERS, random(state) % 3);
    let other = if shop == Shop::Wild { other } else { customer };
    let (customer, visitor) = (format!("c{customer}"), format!("v{other}"));
    let message = match random(state) % 60 {
        0..30 => Message::track(&customer, "Order"),
        30..40 => Message::track(&visitor, "Order").anonymous(),
        40..46 => Message::track(&customer, "Login"),
        46..54 => Message::page(&customer, format!("p{}", random(state) % 7)),
        54..57 => Message::identify(&customer).with_trait("tier", format!("t{}", random(state) % 3)),
        57 => Message::identify(&customer).with_anonymous_id(&visitor),
        58 => Message::identify(&customer).with_trait("card", format!("k{other}")),
        _ if shop == Shop::Wild => Message::unmerge(&customer),
        _ => Message::track(&customer, "Unheard"),
    };
    let message = match message.kind() {
        MessageKind::Track { event } if event == "Order" => message
            .with_property("total", (random(state) % 1_000) as f64 / 7.0)
            .with_property("pieces", random(state) % 5)
            .with_property("shop", format!("s{}", random(state) % 4)),
        _ => message,
    };
    let late = if random(state).is_multiple_of(12) { random(state) % 300 } else { 0 };
    // Ids in no order, times that meet.
    let id = format!("m{:04x}-{number}", random(state) % 0x1_0000);
    message.with_id(id).with_timestamp(time(day.saturating_sub(late), random(state) % 4))
}

fn ids() -> impl Iterator<Item = String> {
    (0..CUSTOMERS).map(|number| format!("c{number}")).chain((0..CUSTOMERS).map(|number| format!("v{number}")))
}

fn answers(database: &Database) -> Vec<String> {
    let answer = |id: String| {
        let Snapshot { id: shown, known, attributes, segments, decisions, complete_since, .. } =
            database.profile(&id).unwrap();
        let offers = &decisions["home"].decision;
        assert_eq!((&complete_since.len(), offers.complete_since), (&0, None), "{complete_since:?}");
        let names = database.identity(&id).map(|identity| format!("{:?}", identity.identifiers));
        format!("{id} {shown} {known} {attributes:?} {segments:?} {:?} {names:?}", offers.offers)
    };
    ids().map(answer).collect()
}

fn options(clock: &ManualClock) -> OpenOptions {
    OpenOptions::new().catalog(catalog()).clock(Clock::Manual(clock.clone()))
}

/// Tells a story to a database that keeps everything and to one in a folder that does not, and compares them.
fn tell(seed: u64, shop: Shop) -> u64 {
    let mut state = seed;
    let clock = ManualClock::new(time(0, 0));
    let whole = Database::in_memory_with_clock(catalog(), Clock::Manual(clock.clone()));
    let folder = Folder::new(&format!("retention-{seed}"));
    let mut short = options(&clock).open(folder.path()).unwrap();
    let mut gone = 0;
    for number in 0..900 {
        let day = number;
        clock.set(time(day, 10));
        for step in 0..3 {
            let message = message(&mut state, shop, number * 3 + step, day);
            let (a, b) = (whole.apply(message.clone()), short.apply(message.clone()));
            assert_eq!(a.is_ok(), b.is_ok(), "{message:?} {a:?} {b:?}");
        }
        match random(&mut state) % 50 {
            0 => gone += short.summarise_history().unwrap().messages,
            1 => short.checkpoint().unwrap(),
            2 => {
                gone += short.summarise_history().unwrap().messages;
                short.compact().unwrap();
            }
            3 => {
                drop(short);
                if random(&mut state).is_multiple_of(2) {
                    std::fs::remove_dir_all(folder.path().join("live")).unwrap();
                }
                short = options(&clock).open(folder.path()).unwrap();
            }
            4 => {
                // One that a crash leaves.
                let left = Folder::new(&format!("retention-left-{seed}"));
                copy(folder.path(), left.path());
                let recovered = options(&clock).open(left.path()).unwrap();
                assert_eq!(answers(&recovered), answers(&whole), "seed {seed}, day {day}, after a crash");
            }
            _ => {}
        }
        if random(&mut state).is_multiple_of(20) {
            assert_eq!(answers(&short), answers(&whole), "seed {seed}, day {day}");
        }
    }
    gone += short.summarise_history().unwrap().messages;
    short.compact().unwrap();
    assert_eq!(answers(&short), answers(&whole), "seed {seed}");
    assert_eq!(short.verify().unwrap().flaws, []);
    let left: usize = ids().map(|id| short.export(&id).map_or(0, |exported| exported.messages.len())).sum();
    let all: usize = ids().map(|id| whole.export(&id).map_or(0, |exported| exported.messages.len())).sum();
    assert!(shop == Shop::Wild || left * 3 < all, "{left} messages of {all} are left");
    gone
}

#[test]
fn answers_stay_when_messages_go() {
    thread::scope(|scope| {
        for seed in 1..=3 {
            scope.spawn(move || {
                let gone = tell(seed, Shop::Orderly);
                assert!(gone > 1_500, "{gone} messages went into summaries, seed {seed}");
            });
        }
    });
}

#[test]
fn those_of_customers_who_share_a_past_stay() {
    tell(4, Shop::Wild);
}

#[test]
fn whose_messages_are_decided_anew_are_all_there() {
    let claim = |user| Message::identify(user).with_anonymous_id("v1");
    let told_twice = [claim("ana"), claim("ben")];
    for (number, said) in [&told_twice[..], &[claim("ana"), Message::unmerge("ana")]].into_iter().enumerate()
    {
        let clock = ManualClock::new(time(0, 0));
        let new = || Database::in_memory_with_clock(catalog(), Clock::Manual(clock.clone()));
        let (whole, short) = (new(), new());
        let apply = |day: u64, message: Message| {
            let message = message.with_id(format!("m{day}")).with_timestamp(time(day, 0));
            [&whole, &short].into_iter().for_each(|database| drop(database.apply(message.clone()).unwrap()));
        };
        clock.set(time(100, 0));
        (0..30).for_each(|day| apply(day, Message::track("v1", "Order").anonymous()));
        said.iter().enumerate().for_each(|(place, said)| apply(40 + place as u64, said.clone()));
        clock.set(time(200, 0));
        assert_eq!(short.summarise_history().unwrap().messages, 0, "story {number}");
        // It was somebody else's on the way.
        let late = claim("cleo").with_id("late").with_timestamp(time(15, 1));
        [&whole, &short].into_iter().for_each(|database| drop(database.apply(late.clone()).unwrap()));
        for id in ["ana", "ben", "cleo", "v1"] {
            let count = |database: &Database| database.attribute(id, "count").unwrap();
            assert_eq!(count(&short), count(&whole), "{id}, story {number}");
        }
    }
}

#[test]
fn sums_lose_no_digit() {
    let clock = ManualClock::new(time(0, 0));
    let database = Database::in_memory_with_clock(catalog(), Clock::Manual(clock.clone()));
    let order = |day: u64, total: f64, pieces: i64| {
        let order = Message::track("ana", "Order").with_property("total", total);
        clock.set(time(day, 0));
        database.apply(order.with_property("pieces", pieces)).unwrap();
    };
    order(0, 0.0, 0);
    order(1, 1e16, i64::MAX);
    (2..20).for_each(|day| order(day, 1.5, i64::MAX));
    order(200, 0.0, 0);
    assert_eq!(database.summarise_history().unwrap().messages, 19);
    order(201, -1e16, 0);
    (202..221).for_each(|day| order(day, 0.0, 1 - i64::MAX));
    let snapshot = database.profile("ana").unwrap();
    let [sum, pieces] = ["sum", "pieces"].map(|name| snapshot.attributes[name].as_ref().unwrap().to_string());
    assert_eq!((sum.as_str(), pieces.as_str(), snapshot.complete_since.len()), ("27.0", "19", 0));
}

/// Twenty orders in the first weeks, one a day.
fn with_old_orders(clock: &ManualClock) -> Database {
    let database = Database::in_memory_with_clock(catalog(), Clock::Manual(clock.clone()));
    for day in 0..20 {
        clock.set(time(day, 0));
        let order = Message::track("ana", "Order").with_property("total", 10.0).with_property("shop", "s");
        database.apply(order).unwrap();
    }
    clock.set(time(200, 0));
    database.apply(Message::track("ana", "Order").with_property("total", 5.0)).unwrap();
    assert_eq!(database.summarise_history().unwrap().messages, 19);
    database
}

#[test]
fn what_a_later_catalog_asks_beyond_says_since_when_it_is_complete() {
    let clock = ManualClock::new(time(0, 0));
    let database = with_old_orders(&clock);
    let later = CATALOG
        .replace("within(\"30d\").sum(total)", "within(\"190d\").sum(total)")
        .replace("pieces = 'events(\"Order\").sum(pieces)'", "pieces = 'events(\"Order\").max(total)'");
    database.replace_catalog(Catalog::from_toml(&later).unwrap()).unwrap();
    let snapshot = database.profile("ana").unwrap();
    // What went was 90 days old, 60 more than the window had been.
    let since = time(110, 0);
    let lacking: Vec<(&str, Time)> =
        snapshot.complete_since.iter().map(|(name, since)| (name.as_str(), *since)).collect();
    assert_eq!(lacking, [("loyal", since), ("month", since), ("pieces", since)]);
    assert_eq!(snapshot.decisions["home"].decision.complete_since, Some(since));
    assert_eq!(snapshot.to_json()["complete_since"]["month"], since.to_string());
    assert_eq!(snapshot.attributes["count"].as_ref().unwrap().to_string(), "21");
    assert_eq!(snapshot.attributes["month"].as_ref().unwrap().to_string(), "5.0");
    // The window has moved past what is gone.
    assert_eq!(snapshot.valid_until.min(time(300, 0)), snapshot.valid_until);
    clock.set(time(300, 0));
    let snapshot = database.profile("ana").unwrap();
    assert_eq!(snapshot.complete_since.keys().collect::<Vec<_>>(), ["pieces"]);
    // It stays lacking what was gone before it was asked for.
    clock.set(time(900, 0));
    for number in 0..30 {
        let order = Message::track("ana", "Order").with_property("total", f64::from(number));
        database.apply(order.with_timestamp(time(600 + number as u64, 0))).unwrap();
    }
    assert!(database.summarise_history().unwrap().messages > 20);
    let snapshot = database.profile("ana").unwrap();
    assert_eq!(snapshot.complete_since.iter().next(), Some((&"pieces".to_owned(), &since)));
    assert_eq!(snapshot.attributes["count"].as_ref().unwrap().to_string(), "51");
}

#[test]
fn nothing_goes_that_something_asks_for() {
    let of = |history: &str| {
        let text = CATALOG.replace("margin = \"60d\"\nkeep = { \"Login\" = \"forever\" }", history);
        Catalog::from_toml(&text).map_err(|error| error.to_string())
    };
    let refused = of("keep = { \"Order\" = \"20d\" }").unwrap_err();
    assert!(refused.contains("`Order` is kept for 20d, and a window reaches back 30d"), "{refused}");
    let refused = of("keep = { \"Login\" = \"90d\" }").unwrap_err();
    assert!(refused.contains("`Login` is asked for however long ago it was"), "{refused}");
    let refused = of("keep = { \"Ordr\" = \"90d\" }").unwrap_err();
    assert!(refused.contains("did you mean `Order`?"), "{refused}");
    let refused = of("margin = \"long\"").unwrap_err();
    assert!(refused.contains("long"), "{refused}");

    let clock = ManualClock::new(time(0, 0));
    let forever = of("margin = \"forever\"").unwrap();
    let database = Database::in_memory_with_clock(forever, Clock::Manual(clock.clone()));
    for day in 0..100 {
        clock.set(time(day * 20, 0));
        database.apply(Message::track("ana", "Order")).unwrap();
    }
    assert_eq!(database.summarise_history().unwrap().messages, 0);
}

#[test]
fn where_only_questions_are_asked_nothing_goes() {
    let folder = Folder::new("retention-asked");
    let clock = ManualClock::new(time(0, 0));
    let database = options(&clock).open(folder.path()).unwrap();
    for day in 0..20 {
        clock.set(time(day, 0));
        database.apply(Message::track("ana", "Order")).unwrap();
    }
    database.close().unwrap();
    clock.set(time(200, 0));
    for reader in
        [options(&clock).questions_only().open(folder.path()), options(&clock).open_read_only(folder.path())]
    {
        let reader = reader.unwrap();
        assert_eq!(reader.summarise_history().unwrap_err().kind(), ErrorKind::ReadOnly);
        assert_eq!(reader.compact().unwrap_err().kind(), ErrorKind::ReadOnly);
        assert_eq!(reader.export("ana").unwrap().messages.len(), 20);
        reader.close().unwrap();
    }
    let database = options(&clock).open(folder.path()).unwrap();
    assert_eq!(database.summarise_history().unwrap().messages, 18);
}

#[test]
fn a_summary_goes_on_without_the_person() {
    let clock = ManualClock::new(time(0, 0));
    let text = CATALOG.replace("shop = \"string\"", "shop = { type = \"string\", sensitive = true }");
    let database =
        Database::in_memory_with_clock(Catalog::from_toml(&text).unwrap(), Clock::Manual(clock.clone()));
    for day in 0..20 {
        clock.set(time(day, 0));
        let order = Message::track("ana", "Order").with_property("total", day).with_property("shop", "s");
        database.apply(order.with_id(format!("ana-{day}"))).unwrap();
    }
    clock.set(time(200, 0));
    assert_eq!(database.summarise_history().unwrap().messages, 18);
    let before = database.profile("ana").unwrap().attributes;
    let id = database.anonymise("ana").unwrap().anonymous_ids.remove(0);
    let after = database.profile(&id).unwrap();
    for name in ["count", "sum", "mean", "first", "last", "previous", "score", "any"] {
        assert_eq!(after.attributes[name], before[name], "{name}");
    }
    assert_eq!(after.attributes["usual"], None);
    let exported = database.export(&id).unwrap().to_json().to_string();
    assert!(!exported.contains("ana"), "{exported}");
}

#[test]
fn a_summary_says_nothing_more_than_the_catalog_declares() {
    let clock = ManualClock::new(time(0, 0));
    let hers = "count = 'events(\"Order\").where(shop == \"for-ana\").count()'";
    let hers = CATALOG.replace("count = 'events(\"Order\").count()'", hers);
    let dearest = CATALOG.replace(
        "sum = 'events(\"Order\").sum(total)'",
        "sum = 'events(\"Order\").where(shop == \"for-ana\").max(total)'\nremark = 'events(\"Remark\").last(text)'",
    );
    let of = |text: &str| Catalog::from_toml(text).unwrap();
    let database = Database::in_memory_with_clock(of(&hers), Clock::Manual(clock.clone()));
    for (round, text) in [&hers, &dearest].into_iter().enumerate() {
        database.replace_catalog(of(text)).unwrap();
        for day in 0..20 {
            clock.set(time(round as u64 * 300 + day, 0));
            database.apply(Message::track("ana", "Order").with_property("shop", "for-ana")).unwrap();
            database.apply(Message::track("ana", "Remark").with_property("text", "by-ana")).unwrap();
        }
        clock.set(time(round as u64 * 300 + 200, 0));
        assert!(database.summarise_history().unwrap().messages > 30);
    }
    let exported = |id: &str| database.export(id).unwrap().to_json()["messages"].to_string();
    let before = exported("ana");
    let kinds = before.matches("for-ana").count() + before.matches("by-ana").count();
    let remarks = dearest.replace("where(shop == \"for-ana\").max(total)", "sum(total)");
    database.replace_catalog(of(&remarks)).unwrap();
    let id = database.anonymise("ana").unwrap().anonymous_ids.remove(0);
    let after = exported(&id).replace("\"shop\":\"for-ana\"", "");
    assert!(kinds > 4 && after.contains("Remark"), "{before} {after}");
    for gone in ["shop == ", "by-ana"] {
        assert!(!after.contains(gone), "{gone}: {after}");
    }
}

/// Which shop of two is the usual one hangs on ids, where they were last seen in one millisecond.
#[test]
fn messages_that_a_summary_names_keep_their_order_without_the_person() {
    let clock = ManualClock::new(time(20, 0));
    let database = Database::in_memory_with_clock(catalog(), Clock::Manual(clock.clone()));
    let order = |id: String, shop: &str, day: u64| {
        let order = Message::track("ana", "Order").with_property("shop", shop);
        database.apply(order.with_id(id).with_timestamp(time(day, 0))).unwrap();
    };
    for day in 1..=12 {
        order(format!("a{day:02}"), "s", day);
        order(format!("b{day:02}"), "t", day);
    }
    // The first order and the last one are no part of the summary.
    order("c0".to_owned(), "u", 0);
    order("c1".to_owned(), "u", 19);
    clock.set(time(200, 0));
    assert_eq!(database.summarise_history().unwrap().messages, 24);
    let usual = |id: &str| database.attribute(id, "usual").unwrap().unwrap().to_string();
    let before = usual("ana");
    let id = database.anonymise("ana").unwrap().anonymous_ids.remove(0);
    assert_eq!(usual(&id), before);
}

#[test]
fn messages_of_one_instant_in_a_summary_and_beside_keep_their_order_without_the_person() {
    let clock = ManualClock::new(time(20, 0));
    let database = Database::in_memory_with_clock(catalog(), Clock::Manual(clock.clone()));
    for day in 1..=12 {
        for (id, shop) in [("a", "s"), ("b", "t")] {
            let order = Message::track("ana", "Order").with_property("shop", shop);
            database.apply(order.with_id(format!("{id}{day:02}")).with_timestamp(time(day, 0))).unwrap();
        }
    }
    clock.set(time(200, 0));
    // `a12` goes into the summary, and `b12` stays as the last one.
    assert_eq!(database.summarise_history().unwrap().messages, 22);
    let usual = |id: &str| database.attribute(id, "usual").unwrap().unwrap().to_string();
    assert_eq!(usual("ana"), r#""t""#);
    let id = database.anonymise("ana").unwrap().anonymous_ids.remove(0);
    assert_eq!(usual(&id), r#""t""#);
}

#[test]
fn summaries_come_from_the_database_only() {
    let clock = ManualClock::new(time(0, 0));
    let database = with_old_orders(&clock);
    let exported = database.export("ana").unwrap();
    let of_kind = |message: &&habitue::ExportedMessage| *message.message.kind() == MessageKind::Summary;
    let summary = exported.messages.iter().find(of_kind).unwrap();
    let refusal = database.apply(summary.message.clone()).unwrap_err();
    assert_eq!((refusal.reason, refusal.field.as_str()), (RefusalReason::Schema, "type"));
    // Another one of the past still counts for what is over all time.
    let late = Message::track("ana", "Order").with_property("total", 7.0).with_timestamp(time(3, 0));
    database.apply(late).unwrap();
    assert_eq!(database.attribute("ana", "count").unwrap().unwrap().to_string(), "22");
    assert_eq!(database.attribute("ana", "sum").unwrap().unwrap().to_string(), "212.0");
    let erased = database.erase("ana").unwrap();
    assert_eq!(erased.receipt.messages as usize, exported.messages.len() + 1);
    assert_eq!(database.erase("ana").unwrap_err().kind(), ErrorKind::NotFound);
}
