//! Erasing on a disk whose calls fail, or whose power goes off: people are whole, or gone for good; and counted
//! once, where they are made anonymous. What files hold is looked for in their bytes, and again in what is packed in them. Journal, base and manifest
//! are on a simulated disk, the live store on the real one.

use std::path::{Path, PathBuf};

use crate::base::clock::{Clock, ManualClock};
use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::catalog::Catalog;
use crate::db::database::Database;
use crate::db::durable::base::{BaseEntry, is_base};
use crate::db::durable::open_options::OpenOptions;
use crate::model::erasure_receipt::ErasureReceipt;
use crate::model::message::Message;
use crate::model::refusal::RefusalReason;
use crate::persist::block_file::reader::BlockFileReader;
use crate::persist::disk::file_calls::Disk;
use crate::persist::disk::simulated_disk::{Fault, SimulatedDisk};
use crate::persist::journal::durability::Durability;
use crate::persist::record::history_chunk;
use crate::store::message_index::MessageIndex;

const CATALOG: &str = r#"
    schema = 1
    [attributes]
    tier = "string"
    email = { type = "string", identifier = true }
    [segments]
    gold = 'tier == "gold"'
"#;
const PEOPLE: u64 = 9;

/// A shop of nine people, of whom number 4 is erased, who had a tablet before number 5.
struct Place {
    folder: PathBuf,
    disk: SimulatedDisk,
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn time(seconds: u64) -> Time {
    Time::from_millis(1_767_225_600_000 + seconds as i64 * 1_000).unwrap()
}

fn user(number: u64) -> String {
    format!("zebra{number}user")
}

fn messages(number: u64, from: u64) -> Vec<Message> {
    let visitor = format!("zebra{number}visitor");
    let messages = [
        Message::page(&visitor, "Home").anonymous(),
        Message::identify(user(number))
            .with_anonymous_id(&visitor)
            .with_trait("email", format!("zebra{number}@mail.test"))
            .with_trait("tier", if number.is_multiple_of(2) { "gold" } else { "tin" }),
        Message::identify(user(number)).with_anonymous_id(format!("tablet{}", number / 2 * 2)),
        Message::page(format!("tablet{}", number / 2 * 2), "Home").anonymous(),
    ];
    let named = |(place, message): (u64, Message)| {
        let id = format!("zebra{number}message{}", from + place);
        message.with_id(id).with_timestamp(time(from * 100 + number * 10 + place))
    };
    (0..).zip(messages).map(named).collect()
}

fn answers(database: &Database) -> Vec<String> {
    let others = (0..PEOPLE).filter(|number| *number != 4);
    let exported = others.map(|number| database.export(&user(number)).unwrap().to_json().to_string());
    exported.chain([format!("{:?}", database.segment_sizes().unwrap())]).collect()
}

fn is_known(database: &Database) -> bool {
    ["zebra4user", "zebra4visitor", "zebra4@mail.test"]
        .iter()
        .any(|id| database.profile(id).is_ok_and(|profile| profile.known))
}

impl Place {
    fn new(name: &str) -> Place {
        let memory = Path::new("/dev/shm");
        let above = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = above.join(format!("habitue-erasing-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Place { folder, disk: SimulatedDisk::new() }
    }

    fn options(&self) -> OpenOptions {
        OpenOptions::new()
            .catalog(Catalog::from_toml(CATALOG).unwrap())
            .clock(Clock::Manual(ManualClock::new(time(10_000))))
            .durability(Durability::Sync)
            .journal_segment_bytes(8 * 1024)
            .on_disk(self.disk.process())
    }

    fn open(&self) -> Result<Database, Error> {
        self.options().open(&self.folder)
    }

    /// A database with a base, a checkpoint, records behind it, and copies that were put aside.
    fn filled(&self) -> Database {
        let database = self.open().unwrap();
        for from in [0, 10] {
            let all = (0..PEOPLE).flat_map(|number| messages(number, from));
            all.for_each(|message| drop(database.apply(message).unwrap()));
            database.compact().unwrap();
        }
        let last = (0..PEOPLE).flat_map(|number| messages(number, 20));
        last.for_each(|message| drop(database.apply(message).unwrap()));
        database.checkpoint().unwrap();
        self.disk.put(&self.folder.join("journal/00000001.journal.damaged"), b"zebra4user".to_vec());
        let aside = self.folder.join("live.set-aside-1");
        std::fs::create_dir_all(&aside).unwrap();
        std::fs::write(aside.join("db"), b"zebra4user").unwrap();
        database
    }

    fn kill(&self, mut database: Database) {
        self.disk.kill();
        drop(database.thread.take());
        database.upkeep = None;
    }

    /// Where the erased are found in files, in what is packed in them, and in the live store.
    fn found(&self, database: &Database) -> Vec<String> {
        let mut found = Vec::new();
        let mut look = |what: String, bytes: &[u8]| {
            if bytes.windows(6).any(|window| window == b"zebra4") {
                found.push(what);
            }
        };
        for folder in ["", "journal", "messages"].map(|name| self.folder.join(name)) {
            for name in self.disk.list(&folder).unwrap_or_default() {
                let path = folder.join(&name);
                look(path.display().to_string(), &self.disk.bytes(&path).unwrap());
                if !is_base(&name) {
                    continue;
                }
                let base = BlockFileReader::open(&self.disk, &path).unwrap();
                let mut entries = base.iterate_from(&[]);
                while let Some((key, value)) = entries.next_entry().unwrap() {
                    look(format!("key in {name}"), key);
                    look(format!("value in {name}"), value);
                    for message in BaseEntry::read(value, &path).unwrap().messages(&path).unwrap() {
                        look(format!("message in {name}"), message.json.as_bytes());
                    }
                }
            }
        }
        let upkeep = database.upkeep.as_ref().unwrap();
        let mut keys = Vec::new();
        let shown = upkeep.folder.ask(|live| {
            live.for_each_profile(|key, record| {
                look("key in the live store".to_owned(), key);
                look("record in the live store".to_owned(), record);
                keys.push(key.to_vec());
                Ok(())
            })
        });
        shown.unwrap();
        for key in keys {
            for (_, chunk) in upkeep.folder.ask(|live| live.history(&key, 0)).unwrap() {
                for message in history_chunk::read(&chunk).unwrap() {
                    look("history in the live store".to_owned(), message.json.as_bytes());
                }
            }
        }
        for from in [0, 10, 20] {
            for message in messages(4, from) {
                let id = MessageIndex::hash_of(message.message_id().unwrap());
                if upkeep.folder.content_of(id).unwrap().is_some() {
                    look("ids of messages".to_owned(), b"zebra4");
                }
            }
        }
        look_in_real_files(&self.folder, &mut look);
        found
    }

    /// That they are gone for good, and everybody else is there.
    fn check(&self, database: &Database, others: &[String], what: &str) {
        assert!(!is_known(database), "{what}");
        assert_eq!(self.found(database), Vec::<String>::new(), "{what}");
        assert_eq!(answers(database), others, "{what}");
        assert_eq!(database.verify().unwrap().flaws, [], "{what}");
        for message in messages(4, 20) {
            assert_eq!(database.apply(message).unwrap_err().reason, RefusalReason::Erased, "{what}");
        }
    }
}

fn look_in_real_files(folder: &Path, look: &mut impl FnMut(String, &[u8])) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => look_in_real_files(&path, look),
            false => look(path.display().to_string(), &std::fs::read(&path).unwrap()),
        }
    }
}

/// What takes people away.
type Act = fn(&Database, &str) -> Result<ErasureReceipt, Error>;

fn erase(database: &Database, id: &str) -> Result<ErasureReceipt, Error> {
    database.erase(id).map(|erased| erased.receipt)
}

fn anonymise(database: &Database, id: &str) -> Result<ErasureReceipt, Error> {
    database.anonymise(id).map(|anonymised| anonymised.receipt)
}

/// What everybody else is told, and how many are in each segment, once number 4 was taken away.
fn others(act: Act) -> Vec<String> {
    let catalog = Catalog::from_toml(CATALOG).unwrap();
    let clock = Clock::Manual(ManualClock::new(time(10_000)));
    let reference = Database::in_memory_with_clock(catalog, clock);
    for from in [0, 10, 20] {
        (0..PEOPLE).flat_map(|number| messages(number, from)).for_each(|message| {
            drop(reference.apply(message).unwrap());
        });
    }
    act(&reference, "zebra4user").unwrap();
    answers(&reference)
}

#[test]
fn nothing_is_left_in_any_record() {
    for act in [erase, anonymise] {
        let others = others(act);
        let place = Place::new("records");
        let database = place.filled();
        assert!(place.found(&database).len() > 20, "what is there is found");
        let receipt = act(&database, "zebra4visitor").unwrap();
        assert!(receipt.shared > 0 && receipt.bytes > 0);
        place.check(&database, &others, "at once");
        database.checkpoint().unwrap();
        database.compact().unwrap();
        place.check(&database, &others, "later");
        place.kill(database);
        place.disk.power_on();
        place.check(&place.open().unwrap(), &others, "after a crash");
    }
}

#[test]
fn an_erasure_that_fails_is_finished_later() {
    let left = [erase as Act, anonymise].map(|act| (act, others(act)));
    let (mut failed, mut pending) = (0, 0);
    for call in (1..70).step_by(std::env::var("HABITUE_FAULT_STEP").map_or(6, |text| text.parse().unwrap())) {
        for fault in [Fault::Fails(std::io::ErrorKind::StorageFull), Fault::PowerCut(call)] {
            let (act, others) = &left[call as usize % 12 / 6];
            let what = format!("call {call}, {fault:?}");
            let place = Place::new("fails");
            let mut database = place.filled();
            place.disk.plan(call, fault);
            let erased = act(&database, "zebra4@mail.test");
            failed += u64::from(erased.is_err());
            if erased.is_ok() {
                // A call that may fail failed, or there were not so many.
                assert!(!is_known(&database), "{what}");
            }
            let is_pending = database.tombstones.is_pending();
            pending += u64::from(is_pending);
            assert_eq!(is_pending || erased.is_ok(), !is_known(&database), "{what}");
            place.kill(database);
            place.disk.power_on();
            if is_pending {
                let read_only = place.options().open_read_only(&place.folder).unwrap();
                assert!(!is_known(&read_only), "{what}");
            }
            database = place.open().unwrap_or_else(|error| unreachable!("{what}: {error}"));
            if is_known(&database) {
                assert!(erased.is_err(), "{what}");
                act(&database, "zebra4@mail.test").unwrap();
            }
            place.check(&database, others, &what);
            assert_eq!(database.erasures().len(), 1, "{what}");
        }
    }
    assert!(failed > 5 && pending > 3, "{failed} failed, {pending} were pending");
}

#[test]
fn the_next_erasure_finishes_one_that_failed() {
    let mut finished = 0;
    for call in (6..40).step_by(2) {
        let place = Place::new("next");
        let database = place.filled();
        place.disk.plan(call, Fault::Fails(std::io::ErrorKind::StorageFull));
        let failed = database.erase("zebra4user");
        if failed.is_ok() || !database.tombstones.is_pending() {
            continue;
        }
        assert!(!is_known(&database), "call {call}");
        let flaws = database.verify().unwrap().flaws;
        assert_eq!(flaws.len(), 1, "that it is not finished: {flaws:?}");
        // A journal that could not be written takes no more until it is opened again.
        let Ok(erased) = database.erase("zebra2user") else { continue };
        assert_eq!(erased.receipt.number, 2);
        assert_eq!(place.found(&database), Vec::<String>::new(), "call {call}");
        assert_eq!(database.verify().unwrap().flaws, [], "call {call}");
        assert!(database.erasures().iter().all(|receipt| receipt.finished));
        finished += 1;
    }
    assert!(finished > 2, "{finished}");
}
