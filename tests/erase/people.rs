//! People of a shop whose ids are found in no other person's messages, but where they share a device; and a
//! search of every byte of a folder for them.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use habitue::{Catalog, Clock, Database, Durability, ManualClock, Message, OpenOptions, Time};

/// The catalog as text.
pub(crate) const CATALOG: &str = r#"
    schema = 1
    [attributes]
    tier = "string"
    email = { type = "string", identifier = true }
    [events."Order Completed"]
    total = "float"
    [computed]
    spent = 'events("Order Completed").within("30d").sum(total)'
    [segments]
    everybody = '!has(tier) || has(tier)'
    gold = 'tier == "gold"'
    buyer = 'spent > 50.0'
    waiting = 'now - events("Order Completed").last() > duration("1h")'
"#;

/// The instant at which everything is asked, seconds.
pub(crate) const END: i64 = 500_000;

/// The digits of a person's number.
const DIGITS: usize = 7;

/// The catalog.
pub(crate) fn catalog() -> Catalog {
    Catalog::from_toml(CATALOG).expect("the catalog is right")
}

/// An instant.
pub(crate) fn time(seconds: i64) -> Time {
    Time::from_millis(1_767_225_600_000 + seconds * 1_000).expect("it is a time")
}

/// How folders are opened.
pub(crate) fn options(clock: &ManualClock) -> OpenOptions {
    OpenOptions::new()
        .catalog(catalog())
        .clock(Clock::Manual(clock.clone()))
        .durability(Durability::Group(Duration::from_millis(50)))
        .journal_segment_bytes(256 * 1024)
}

/// A person, by number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person(pub(crate) u64);

impl Person {
    /// Whether it is one of those who are erased.
    pub(crate) fn is_erased(&self) -> bool {
        self.0 % 100 == 7
    }

    /// The user's id.
    pub(crate) fn user(&self) -> String {
        format!("user-{:07}", self.0)
    }

    fn visitor(&self) -> String {
        format!("visitor-{:07}", self.0)
    }

    /// A device that three people use one after the other: those whose numbers have the same third part.
    fn device(&self) -> String {
        let letters = |digit: char| char::from(b'a' + digit as u8 - b'0');
        format!("device-{}", (self.0 / 3).to_string().chars().map(letters).collect::<String>())
    }

    fn email(&self) -> String {
        format!("Person.{:07}@mail.test", self.0)
    }

    fn message(&self, number: u64, message: Message) -> Message {
        let seconds = (self.0 % 3) as i64 * 100_000 + number as i64 * 600;
        message.with_id(format!("message-{:07}-{number}", self.0)).with_timestamp(time(seconds))
    }

    /// What is heard of the person first.
    pub(crate) fn messages(&self) -> Vec<Message> {
        let (user, visitor) = (self.user(), self.visitor());
        let identify = Message::identify(&user).with_anonymous_id(&visitor).with_trait("email", self.email());
        let messages = [
            Message::page(&visitor, "Home").anonymous(),
            identify.with_trait("tier", if self.0.is_multiple_of(2) { "gold" } else { "silver" }),
            Message::track(&user, "Order Completed").with_property("total", (self.0 % 90) as f64),
            Message::identify(&user).with_anonymous_id(self.device()),
            Message::page(self.device(), "Offers").anonymous(),
        ];
        (0..).zip(messages).map(|(number, message)| self.message(number, message)).collect()
    }

    /// What is heard of the person later.
    pub(crate) fn later_messages(&self) -> Vec<Message> {
        let order = Message::track(self.user(), "Order Completed").with_property("total", 30.5);
        let page = Message::page(self.visitor(), "Home").anonymous();
        vec![self.message(10, order), self.message(11, page)]
    }
}

/// Everything that can be asked of people.
pub(crate) fn answers(database: &Database, people: &[Person]) -> Vec<String> {
    let mut answers = Vec::new();
    for person in people {
        for id in [person.user(), person.visitor(), person.email(), person.device()] {
            answers.push(format!("{id}: {}", database.profile(&id).expect("it can be asked").to_json()));
        }
        let exported = database.export(&person.user()).expect("they are there");
        answers.push(exported.to_json()["messages"].to_string());
        answers.push(format!("{:?}", exported.identity));
    }
    for (segment, size) in database.segment_sizes().expect("it can be asked") {
        answers.push(format!("{segment}: {size}"));
    }
    answers.push(format!("{:?}", database.members("everybody").expect("it can be asked")));
    answers.push(format!("{} profiles", database.stats().profiles));
    answers
}

/// Where in the files of a folder these people are found: file and text.
pub(crate) fn find_in_files(folder: &Path, people: &[Person]) -> Vec<String> {
    let people: BTreeSet<u64> = people.iter().map(|person| person.0).collect();
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("it can be listed") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).expect("it can be read");
            for number in numbers_in(&bytes).filter(|number| people.contains(number)) {
                found.push(format!("{}: person {number}", path.display()));
            }
        }
    }
    found
}

/// Every number of seven digits: all that names a person has that person's number in it, and nothing else
/// has so many digits.
fn numbers_in(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let mut run = 0;
    bytes.iter().enumerate().filter_map(move |(place, byte)| {
        run = if byte.is_ascii_digit() { run + 1 } else { 0 };
        let digits = bytes.get((place + 1).checked_sub(DIGITS)?..=place)?;
        (run >= DIGITS).then(|| digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    })
}
