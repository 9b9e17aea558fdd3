//! Making people anonymous: what they did goes on counting, nothing leads from there to them, and everybody
//! else is as before.

use std::collections::{BTreeMap, BTreeSet};

use habitue::{
    Anonymised, Catalog, Cause, Clock, Database, ErrorKind, ManualClock, Message, RefusalReason, Snapshot,
    Value,
};

use crate::folder::Folder;
use crate::people::{self, Person, answers, catalog, find_in_files, options, time};
use crate::same;

const CATALOG: &str = r#"
    schema = 1
    [attributes]
    tier = "string"
    visits = "int"
    phone = { type = "string", sensitive = true }
    email = { type = "string", identifier = true }
    home = { type = "map", fields = { city = "string" } }
    [events."Order Completed"]
    total = "float"
    shop = "string"
    note = { type = "string", sensitive = true }
    [events."Page Viewed"]
    name = "string"
    [purposes.mail]
    attributes = ["visits"]
    [computed]
    spent = 'events("Order Completed").sum(total)'
    first_shop = 'events("Order Completed").first(shop)'
    last_shop = 'events("Order Completed").last(shop)'
    last_page = 'events("Page Viewed").last(name)'
    acts = 'events().count()'
    [segments]
    gold = 'tier == "gold"'
    frequent = 'visits > 3'
    mailed = 'consent("mail")'
    long_at_home = 'held(has(home), "1m")'
    reachable = 'has(phone)'
    in_oulu = 'home.city == "Oulu"'
"#;

fn shop() -> (Database, ManualClock) {
    let clock = ManualClock::new(time(0));
    let catalog = Catalog::from_toml(CATALOG).unwrap();
    (Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone())), clock)
}

/// One person under several ids, with several orders in one millisecond.
fn story() -> Vec<Message> {
    let order = |id: &str, shop: &str, total: f64| {
        let order = Message::track("ana", "Order Completed").with_property("shop", shop);
        let order = order.with_property("total", total).with_property("note", "ring at Ana's");
        order.with_property("coupon", "FOR-ANA").with_id(id).with_timestamp(time(20))
    };
    vec![
        Message::page("browser-7", "My account")
            .anonymous()
            .with_id("m1")
            .with_timestamp(time(1))
            .with_property("referrer", "ana.example"),
        Message::alias("ana", "old-ana").with_id("m2").with_timestamp(time(2)),
        Message::identify("ana")
            .with_anonymous_id("browser-7")
            .with_trait("tier", "gold")
            .with_trait("visits", 7)
            .with_trait("email", "Ana@x.test")
            .with_trait("phone", "555-ana")
            .with_trait("nickname", "Ana")
            .with_consent("mail", true)
            .with_consent("unheard_of", true)
            .with_id("m3")
            .with_timestamp(time(10)),
        Message::group("ana", "family-of-ana")
            .with_trait("name", "Ana")
            .with_id("m4")
            .with_timestamp(time(11)),
        // By the bytes of their ids: b, c, z.
        order("z", "Oulu", 1.5),
        order("b", "Kemi", 2.25),
        order("c", "Kajaani", 4.125),
        Message::track("ana", "Left A Note For Us").with_id("m5").with_timestamp(time(30)),
        Message::identify("ana")
            .with_trait("home", serde_json::json!({ "city": "Oulu", "street": "Anantie 7" }))
            .with_id("m6")
            .with_timestamp(time(31)),
    ]
}

/// What counts of a customer, but for what must go.
fn counting(snapshot: &Snapshot) -> (BTreeMap<String, String>, BTreeMap<String, bool>) {
    let goes = |name: &str| ["phone", "email", "reachable", "home"].contains(&name);
    let attributes = snapshot.attributes.iter().filter(|(name, _)| !goes(name));
    let attributes = attributes.map(|(name, value)| (name.clone(), format!("{value:?}"))).collect();
    let segments = snapshot.segments.iter().filter(|(name, _)| !goes(name));
    (attributes, segments.map(|(name, is_member)| (name.clone(), *is_member)).collect())
}

#[test]
fn everything_that_counts_goes_on() {
    let (database, clock) = shop();
    story().into_iter().for_each(|message| drop(database.apply(message).unwrap()));
    clock.set(time(100));
    let before = database.profile("ana").unwrap();
    assert!(before.segments["reachable"] && before.segments["frequent"] && before.segments["in_oulu"]);
    database.take_transitions();
    let Anonymised { receipt, anonymous_ids, unknown, transitions } =
        database.anonymise("browser-7").unwrap();
    assert_eq!((receipt.customers, receipt.messages, receipt.anonymous), (1, 9, 9));
    assert_eq!((anonymous_ids.len(), unknown.len()), (1, 0));
    assert_eq!(database.erasures(), [receipt]);
    let id = &anonymous_ids[0];
    assert!(id.starts_with("anon-") && id.len() == 37, "{id}");
    let after = database.profile(id).unwrap();
    assert_eq!(counting(&after), counting(&before));
    assert_eq!(format!("{:?}", after.attributes["last_shop"]), r#"Some(String("Oulu"))"#);
    assert!(!after.segments["reachable"] && after.attributes["phone"].is_none());
    for known in ["ana", "old-ana", "browser-7", "ana@x.test"] {
        assert!(!database.profile(known).unwrap().known, "{known}");
    }
    // Whoever keeps a copy of the segments hears of both.
    let entered = database.take_transitions();
    let transitions: Vec<_> =
        transitions.into_iter().inspect(|turn| assert!(!turn.entered)).chain(entered).collect();
    assert!(transitions.iter().all(|turn| turn.cause == Cause::Erasure));
    let of = |shown: &str, entered| {
        let of_it = transitions.iter().filter(|turn| &*turn.profile == shown && turn.entered == entered);
        of_it.map(|turn| turn.segment.to_string()).collect::<BTreeSet<_>>()
    };
    let members = |snapshot: &Snapshot| {
        snapshot.segments.iter().filter(|(_, is)| **is).map(|(name, _)| name.clone()).collect::<BTreeSet<_>>()
    };
    assert_eq!((of("ana", false), of("ana", true)), (members(&before), BTreeSet::new()));
    assert_eq!((of(id, false), of(id, true)), (BTreeSet::new(), members(&after)));
    // Nothing is left that names them, or of which nobody can say what it is.
    let left = database.export(id).unwrap().to_json().to_string();
    for gone in ["ana", "Ana", "browser", "555", "street", "m1", "m3", "unheard", "family", "FOR"] {
        assert!(!left.contains(gone), "{gone}: {left}");
    }
    assert_eq!(database.stats().accepted, 9);
}

/// A catalog that declares something within lists and maps, and reads a property that it does not declare.
const WITHIN: &str = r#"
    schema = 1
    [attributes]
    tier = "string"
    children = { type = "list", of = { type = "map", fields = { age = "int" } } }
    homes = { type = "map", of = { type = "map", fields = { city = "string" } } }
    [events."Screen Viewed"]
    name = "string"
    category = { type = "string", sensitive = true }
    [segments]
    wrote = 'events("Note Left").where(text == "by the till").exists()'
    parent = 'children.exists(child, child.age < 9)'
    everybody = 'events().count() >= 0'
"#;

#[test]
fn what_nobody_declared_goes_from_within_too() {
    let database = Database::in_memory(Catalog::from_toml(WITHIN).unwrap());
    let json = serde_json::json!({
        "type": "screen", "userId": "ana", "name": "Account", "category": "of Ana", "timestamp": time(2).to_string(),
    });
    let story = [
        Message::identify("ana")
            .with_trait("tier", "gold")
            .with_trait("children", serde_json::json!([{ "age": 7, "name": "Little Ana" }]))
            .with_trait("homes", serde_json::json!({ "winter": { "city": "Oulu", "street": "Anantie 7" } }))
            .with_timestamp(time(1)),
        Message::from_json(&json).unwrap(),
        // What a group is like is not what its member is like.
        Message::group("ana", "family").with_trait("tier", "tin").with_timestamp(time(3)),
        Message::track("ana", "Note Left").with_property("text", "by Ana").with_timestamp(time(4)),
    ];
    story.into_iter().for_each(|message| drop(database.apply(message).unwrap()));
    let id = database.anonymise("ana").unwrap().anonymous_ids.remove(0);
    let after = database.profile(&id).unwrap();
    assert!(after.segments["parent"] && !after.segments["wrote"]);
    assert_eq!(after.attributes["tier"], Some(Value::String("gold".into())));
    let left = database.export(&id).unwrap().to_json().to_string();
    assert!(left.contains("Oulu") && left.contains("Account"), "{left}");
    for gone in ["Ana", "street", "category"] {
        assert!(!left.contains(gone), "{gone}: {left}");
    }
}

#[test]
fn many_messages_of_one_millisecond_keep_their_order() {
    let (database, _) = shop();
    for number in 10..30 {
        let page = Message::page("ana", format!("page {number}")).with_timestamp(time(0));
        database.apply(page.with_id(format!("m{number}"))).unwrap();
    }
    let id = database.anonymise("ana").unwrap().anonymous_ids.remove(0);
    let last = database.attribute(&id, "last_page").unwrap();
    assert_eq!(last, Some(Value::String("page 29".into())));
}

#[test]
fn the_order_of_the_ids_says_nothing() {
    let (database, _) = shop();
    let people: Vec<String> = (10..30).map(|number| format!("p{number}")).collect();
    for person in &people {
        database.apply(Message::identify(person).with_timestamp(time(0))).unwrap();
    }
    let ids = database.anonymise_all(&people).unwrap().anonymous_ids;
    assert!(ids.len() == people.len() && ids.is_sorted(), "{ids:?}");
}

#[test]
fn late_messages_are_refused_and_the_anonymous_go_on() {
    let (database, clock) = shop();
    story().into_iter().for_each(|message| drop(database.apply(message).unwrap()));
    clock.set(time(100));
    let id = database.anonymise("ana").unwrap().anonymous_ids.remove(0);
    for message in story() {
        assert_eq!(database.apply(message).unwrap_err().reason, RefusalReason::Erased);
    }
    assert_eq!(database.anonymise("ana").unwrap_err().kind(), ErrorKind::NotFound);
    clock.set(time(200));
    let order = Message::track(&*id, "Order Completed").anonymous().with_property("total", 2.0);
    database.apply(order.with_timestamp(time(150))).unwrap();
    assert_eq!(database.attribute(&id, "spent").unwrap(), Some(Value::Float(9.875)));
    // Somebody new, of whom nothing else is known.
    database.apply(Message::identify("ana").with_timestamp(time(150))).unwrap();
    assert_eq!(database.attribute("ana", "spent").unwrap(), Some(Value::Float(0.0)));
    database.erase(&id).unwrap();
    assert!(!database.profile(&id).unwrap().known);
}

#[test]
fn messages_of_the_future_count_at_their_time() {
    let (database, clock) = shop();
    let at = |message: Message, seconds| message.with_timestamp(time(seconds));
    database.apply(at(Message::identify("ana"), 0)).unwrap();
    database
        .apply(at(Message::identify("ana").with_anonymous_id("v1").with_trait("tier", "gold"), 60))
        .unwrap();
    database.apply(at(Message::track("ana", "Order Completed").with_property("total", 5.0), 70)).unwrap();
    database
        .apply(at(Message::identify("ben").with_anonymous_id("v2").with_trait("tier", "gold"), 60))
        .unwrap();
    let Anonymised { receipt, anonymous_ids, .. } = database.anonymise("ana").unwrap();
    assert_eq!((receipt.messages, receipt.anonymous), (3, 3));
    assert_eq!(database.members("gold").unwrap(), Vec::<String>::new());
    assert_eq!(database.attribute(&anonymous_ids[0], "spent").unwrap(), Some(Value::Float(0.0)));
    clock.set(time(70));
    assert_eq!(database.members("gold").unwrap(), [&*anonymous_ids[0], "ben"]);
    assert_eq!(database.attribute(&anonymous_ids[0], "spent").unwrap(), Some(Value::Float(5.0)));
    assert!(!database.profile("v1").unwrap().known);
}

#[test]
fn what_others_did_stays_theirs() {
    let (database, clock) = shop();
    let login = |user: &str, seconds| {
        Message::identify(user).with_anonymous_id("tablet").with_timestamp(time(seconds))
    };
    let page = |seconds| Message::page("tablet", "Home").anonymous().with_timestamp(time(seconds));
    for message in [login("ana", 1), page(2), login("ben", 3), page(4), page(5)] {
        database.apply(message).unwrap();
    }
    clock.set(time(100));
    let anonymised = database.anonymise_all(["ana", "nobody"]).unwrap();
    assert_eq!((anonymised.receipt.shared, anonymised.unknown), (1, vec!["nobody".to_owned()]));
    assert_eq!(database.attribute("ben", "acts").unwrap(), Some(Value::Int(2)));
    assert_eq!(database.attribute("tablet", "acts").unwrap(), Some(Value::Int(2)));
    assert_eq!(database.attribute(&anonymised.anonymous_ids[0], "acts").unwrap(), Some(Value::Int(1)));
    // Two ids of one customer are one, and several customers are several.
    let both = database.anonymise_all(["ben", "tablet", &anonymised.anonymous_ids[0]]).unwrap();
    assert_eq!((both.receipt.customers, both.anonymous_ids.len()), (2, 2));
    assert_eq!(database.stats().profiles, 2);
}

/// What is said of those who are not among these people, each without the id.
fn of_the_anonymous(database: &Database) -> Vec<String> {
    let members = database.members("everybody").unwrap();
    let anonymous = members.iter().filter(|member| member.starts_with("anon-"));
    let mut said: Vec<String> = anonymous
        .map(|id| {
            let messages = database.export(id).unwrap().to_json()["messages"].to_string();
            format!("{} {messages}", database.profile(id).unwrap().to_json()).replace(id, "somebody")
        })
        .collect();
    said.sort();
    said
}

#[test]
fn nothing_in_the_files_leads_to_the_anonymous() {
    const PEOPLE: u64 = 400;
    let folder = Folder::new("anonymous-bytes");
    let clock = ManualClock::new(time(people::END));
    let path = |name: &str| folder.path().join(name);
    let database = options(&clock).open(path("shop")).unwrap();
    let reference = Database::in_memory_with_clock(catalog(), Clock::Manual(clock.clone()));
    let everybody = || (0..PEOPLE).map(Person);
    let (gone, living): (Vec<Person>, Vec<Person>) = everybody().partition(Person::is_erased);
    for message in everybody().flat_map(|person| person.messages()) {
        database.apply(message.clone()).unwrap();
        reference.apply(message).unwrap();
    }
    database.compact().unwrap();
    database.backup(path("before")).unwrap();
    for message in everybody().flat_map(|person| person.later_messages()) {
        database.apply(message.clone()).unwrap();
        reference.apply(message).unwrap();
    }
    database.checkpoint().unwrap();
    assert!(!find_in_files(&path("shop"), &gone).is_empty(), "the search finds what is there");
    let done = database.anonymise_all(gone.iter().map(Person::user)).unwrap();
    assert_eq!((done.receipt.customers, done.anonymous_ids.len()), (gone.len() as u64, gone.len()));
    assert_eq!(find_in_files(&path("shop"), &gone), Vec::<String>::new());
    reference.anonymise_all(gone.iter().map(Person::user)).unwrap();
    let expected = of_the_anonymous(&reference);
    assert_eq!(expected.len(), gone.len());
    let check = |database: &Database| {
        same(&without_members(answers(database, &living)), &without_members(answers(&reference, &living)));
        same(&of_the_anonymous(database), &expected);
    };
    check(&database);
    assert_eq!(database.verify().unwrap().flaws, []);
    database.backup(path("after")).unwrap();
    database.close().unwrap();
    assert_eq!(find_in_files(&path("shop"), &gone), Vec::<String>::new());
    let database = options(&clock).open(path("shop")).unwrap();
    assert_eq!(database.warnings(), Vec::<String>::new());
    check(&database);
    for message in gone.iter().flat_map(Person::messages) {
        assert_eq!(database.apply(message).unwrap_err().reason, RefusalReason::Erased);
    }
    // What the anonymous did is known by its ids.
    let exported = database.export(&done.anonymous_ids[0]).unwrap();
    assert!(database.apply(exported.messages[0].message.clone()).unwrap().duplicate);
    assert_eq!(database.verify().unwrap().flaws, []);
    drop(database);
    check(&options(&clock).open_read_only(path("shop")).unwrap());
    Database::restore(path("after"), path("a")).unwrap();
    check(&options(&clock).open(path("a")).unwrap());
    // A backup of before has nothing of the anonymous, and comes without the people.
    Database::restore_without_erased(path("before"), path("b"), path("shop")).unwrap();
    let restored = options(&clock).open(path("b")).unwrap();
    assert_eq!(find_in_files(&path("b"), &gone), Vec::<String>::new());
    assert_eq!(of_the_anonymous(&restored), Vec::<String>::new());
    assert_eq!(restored.members("everybody").unwrap().len(), living.len());
}

/// Answers without the list of all members, in which anonymous ids stand.
fn without_members(mut answers: Vec<String>) -> Vec<String> {
    answers.retain(|answer| !answer.starts_with('['));
    answers
}
