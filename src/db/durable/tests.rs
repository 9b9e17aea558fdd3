//! Databases on a disk whose calls fail, or whose power goes off: what was acknowledged stays. Journal,
//! base and manifest are on a simulated disk, the live store on the real one.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use crate::base::clock::{Clock, ManualClock};
use crate::base::time::Time;
use crate::db::catalog::Catalog;
use crate::db::database::Database;
use crate::db::durable::open_options::OpenOptions;
use crate::model::message::Message;
use crate::model::refusal::RefusalReason;
use crate::persist::disk::simulated_disk::{Chance, Fault, SimulatedDisk};
use crate::persist::journal::durability::Durability;

const CATALOG: &str = r#"
    schema = 1
    [attributes]
    tier = "string"
    [events."Order Completed"]
    total = "float"
    [computed]
    spent = 'events("Order Completed").sum(total)'
    [segments]
    buyer = 'spent > 500.0'
    gold = 'tier == "gold"'
"#;
const CUSTOMERS: u64 = 12;

/// A folder with a simulated disk.
struct Place {
    folder: PathBuf,
    disk: SimulatedDisk,
    /// What the database must know, as it would in memory.
    reference: Database,
    /// Of each writer, how many messages it has written.
    held: [u64; 4],
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn time(seconds: u64) -> Time {
    Time::from_millis(1_767_225_600_000 + seconds as i64 * 1_000).unwrap()
}

fn message(writer: u64, number: u64) -> Message {
    let customer = format!("c{}", (number * 7 + writer) % CUSTOMERS);
    let message = match number % 4 {
        0 => Message::identify(&customer)
            .with_trait("tier", if number.is_multiple_of(8) { "gold" } else { "tin" }),
        _ => Message::track(&customer, "Order Completed").with_property("total", number as f64),
    };
    // Every fifth is late.
    let late = if number.is_multiple_of(5) { 90 } else { 0 };
    message.with_id(format!("{writer}-{number}")).with_timestamp(time(100 + number * 60 - late))
}

fn clock() -> Clock {
    Clock::Manual(ManualClock::new(time(10_000_000)))
}

fn answers(database: &Database) -> Vec<String> {
    let profile = |number| {
        let profile = database.profile(&format!("c{number}")).unwrap();
        format!("{:?} {:?}", profile.attributes, profile.segments)
    };
    let mut answers: Vec<String> = (0..CUSTOMERS).map(profile).collect();
    answers.push(format!("{:?}", database.segment_sizes().unwrap()));
    answers
}

fn variable(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

impl Place {
    fn new(name: &str) -> Place {
        let memory = Path::new("/dev/shm");
        let above = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = above.join(format!("habitue-simulated-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let reference = Database::in_memory_with_clock(Catalog::from_toml(CATALOG).unwrap(), clock());
        Place { folder, disk: SimulatedDisk::new(), reference, held: [0; 4] }
    }

    fn open(&self) -> Result<Database, crate::base::error::Error> {
        OpenOptions::new()
            .catalog(Catalog::from_toml(CATALOG).unwrap())
            .clock(clock())
            .durability(Durability::Sync)
            .journal_segment_bytes(8 * 1024)
            .on_disk(self.disk.process())
            .open(&self.folder)
    }

    /// Ends the process that has the database.
    fn kill(&self, mut database: Database) {
        self.disk.kill();
        drop(database.thread.take());
        database.upkeep = None;
    }

    /// Opens and looks: of each writer this many messages were acknowledged, and one more may be there.
    fn check(&mut self, acknowledged: [u64; 4], what: &str) -> Database {
        let database = self.open().unwrap_or_else(|error| unreachable!("{what}: {error}"));
        for (writer, &acknowledged) in acknowledged.iter().enumerate() {
            for number in self.held[writer]..=acknowledged {
                let applied = database.apply(message(writer as u64, number)).unwrap();
                assert!(applied.duplicate || number == acknowledged, "{what}: {writer}-{number} is gone");
                self.reference.apply(message(writer as u64, number)).unwrap();
            }
            self.held[writer] = acknowledged + 1;
        }
        assert_eq!(answers(&database), answers(&self.reference), "{what}");
        assert_eq!(database.stats().accepted, self.reference.stats().accepted, "{what}");
        assert_eq!(database.stats().profiles, self.reference.stats().profiles, "{what}");
        database
    }

    fn remove_live(&self) {
        let _ = std::fs::remove_dir_all(self.folder.join("live"));
        let _ = std::fs::remove_file(self.folder.join("live.witness"));
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy(&from.join(&name), &to.join(&name));
        }
    } else if from.is_file() {
        std::fs::copy(from, to).unwrap();
    }
}

#[test]
fn after_a_failed_call_nothing_is_taken_and_everything_is_answered() {
    let mut refused = 0;
    for call in (1..100).step_by(usize::try_from(variable("HABITUE_FAULT_STEP", 9)).unwrap()) {
        let kind = [std::io::ErrorKind::Other, std::io::ErrorKind::StorageFull][call % 2];
        let mut place = Place::new(&format!("fault-{call}"));
        let database = place.open().unwrap();
        (0..10).for_each(|number| drop(database.apply(message(0, number)).unwrap()));
        database.checkpoint().unwrap();
        place.disk.plan(call as u64, Fault::Fails(kind));
        let mut acknowledged = 10;
        for number in 10..50 {
            match database.apply(message(0, number)) {
                Ok(_) => acknowledged = number + 1,
                Err(refusal) => {
                    assert_eq!(refusal.reason, RefusalReason::Storage, "call {call}: {refusal}");
                    refused += 1;
                    break;
                }
            }
            // What fails beside the messages is told, and stops none.
            let _ = if number % 16 == 15 { database.compact().map(|_| ()) } else { Ok(()) };
        }
        if acknowledged < 50 {
            let again = database.apply(message(0, acknowledged)).unwrap_err();
            assert_eq!(again.reason, RefusalReason::Storage, "call {call}: it is not called a duplicate");
            database.apply(message(1, 0)).unwrap_err();
        }
        assert_eq!(answers(&database).len() as u64, CUSTOMERS + 1);
        place.kill(database);
        place.disk.power_on();
        let database = place.check([acknowledged, 0, 0, 0], &format!("call {call}"));
        database.close().unwrap();
    }
    assert!(refused > 2, "{refused} runs were refused");
}

#[test]
fn a_call_that_fails_while_opening_does_no_harm() {
    let mut place = Place::new("opening");
    let mut database = place.open().unwrap();
    let mut acknowledged = 0;
    for call in 1..20 {
        for _ in 0..10 {
            database.apply(message(0, acknowledged)).unwrap();
            acknowledged += 1;
        }
        if call % 4 == 0 {
            database.compact().unwrap();
        }
        place.kill(database);
        if call % 3 == 0 {
            place.remove_live();
        }
        place.disk.plan(call, Fault::Fails(std::io::ErrorKind::Other));
        if let Ok(database) = place.open() {
            place.kill(database);
        }
        place.disk.power_on();
        database = place.check([acknowledged, 0, 0, 0], &format!("call {call}"));
        acknowledged += 1;
        place.held = [acknowledged, 1, 1, 1];
    }
}

#[test]
fn power_cuts_lose_nothing_that_was_acknowledged() {
    let seed = variable("HABITUE_POWER_SEED", 1);
    let mut place = Place::new("power");
    for cut in 0..variable("HABITUE_POWER_CUTS", 24) {
        let mut chance = Chance::new(seed << 32 | cut);
        let what = format!("cut {cut} of seed {seed}");
        let database = place.open().unwrap_or_else(|error| unreachable!("{what}: {error}"));
        let threads = [1, 4][chance.below(2) as usize];
        let acknowledged = Mutex::new(place.held);
        place.disk.plan(1 + chance.below(120), Fault::PowerCut(chance.next()));
        let (database_ref, held, acknowledged_ref) = (&database, place.held, &acknowledged);
        let pauses: Vec<u64> = (0..4).map(|_| chance.below(20)).collect();
        std::thread::scope(|scope| {
            for (writer, first) in held.into_iter().enumerate().take(threads) {
                scope.spawn(move || {
                    for number in first..first + 60 {
                        if database_ref.apply(message(writer as u64, number)).is_err() {
                            break;
                        }
                        acknowledged_ref.lock().unwrap()[writer] = number + 1;
                    }
                });
            }
            scope.spawn(move || {
                for (turn, pause) in pauses.into_iter().enumerate() {
                    std::thread::sleep(Duration::from_millis(pause));
                    let _ = if turn % 2 == 1 {
                        database_ref.compact().map(|_| ())
                    } else {
                        database_ref.checkpoint()
                    };
                }
            });
        });
        place.disk.power_cut(chance.next());
        place.kill(database);
        place.disk.power_on();
        let older = place.folder.join("older");
        match chance.below(4) {
            0 => place.remove_live(),
            1 if older.exists() => {
                place.remove_live();
                copy(&older.join("live"), &place.folder.join("live"));
                copy(&older.join("live.witness"), &place.folder.join("live.witness"));
            }
            2 => {
                let _ = std::fs::remove_dir_all(&older);
                copy(&place.folder.join("live"), &older.join("live"));
                copy(&place.folder.join("live.witness"), &older.join("live.witness"));
            }
            _ => {}
        }
        let acknowledged = *acknowledged.lock().unwrap();
        let database = place.check(acknowledged, &what);
        if cut % 2 == 0 {
            place.kill(database);
        } else {
            database.close().unwrap();
        }
    }
}
