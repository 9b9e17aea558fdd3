//! Folders and backups that earlier versions wrote open for ever, with the answers of then.
//!
//! `tests/compat/` has, of each version of the formats, a data folder as a crash left it (`folder-1`: a
//! base, two checkpoints, records behind them; since version 4 an erasure, since version 5 a summary) and a
//! backup (`backup-1`), with what they answered; since version 6 also `published-6` and `published-backup-6`. They
//! are never written anew. A new version of a format gets its own, once:
//!
//! ```sh
//! HABITUE_FREEZE=7 cargo test --all-features --test compat
//! ```

#![expect(clippy::unwrap_used, reason = "a test stops when it is wrong")]

#[path = "compat/published.rs"]
mod published;
#[path = "crash/story.rs"]
mod story;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use habitue::{Clock, Database, ErrorKind, ManualClock, Message, OpenOptions, Time};
use story::{Folder, How, answers, difference, message, now};

const USUAL: How = How { sync: true, budget: None, salvage: false };

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat")
}

/// The fixtures of a kind that there are since a version, with the answers that belong to each.
fn all(kind: &str, first: u32) -> Vec<(PathBuf, Vec<String>)> {
    let mut found = Vec::new();
    for version in first.. {
        let path = fixtures().join(format!("{kind}-{version}.tar.gz"));
        let Ok(answers) = fs::read_to_string(path.with_extension("").with_extension("answers")) else {
            break;
        };
        found.push((path, answers.lines().map(str::to_owned).collect()));
    }
    found
}

/// All answers, and the members of a segment.
fn everything(database: &Database) -> Vec<String> {
    let members = story::members(database).unwrap().join(" ");
    answers(database).unwrap().into_iter().chain([members]).collect()
}

fn unpack(fixture: &Path, to: &Path) {
    tar::Archive::new(GzDecoder::new(File::open(fixture).unwrap())).unpack(to).unwrap();
}

fn pack(folder: &Path, name: &str, answers: &[String]) {
    let file = File::create_new(fixtures().join(format!("{name}.tar.gz"))).unwrap();
    let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::best()));
    archive.append_dir_all(".", folder).unwrap();
    archive.into_inner().unwrap().finish().unwrap();
    let lines: String = answers.iter().map(|line| format!("{line}\n")).collect();
    fs::write(fixtures().join(format!("{name}.answers")), lines).unwrap();
}

/// A message of somebody who was erased from every folder since version 4.
fn erased() -> Message {
    message(0, 0).with_id("erased").anonymous().with_anonymous_id("erased")
}

/// An order of long ago, of which a summary is made since version 5.
fn long_ago(number: i64) -> Message {
    let time = Time::from_millis(now().millis() - (1_000 + number) * 86_400_000).unwrap();
    let order = Message::track("c1", "Order Completed").with_property("total", number as f64);
    order.with_id(format!("old-{number}")).with_timestamp(time)
}

/// Writes the fixtures of a version that has none yet.
fn freeze(version: &str) {
    let folder = Folder::new("freeze");
    let data = folder.path().join("data");
    let database = story::open(&data, USUAL).unwrap();
    database.apply(erased()).unwrap();
    database.erase("erased").unwrap();
    let reference = story::reference();
    for number in 0..40 {
        database.apply(long_ago(number)).unwrap();
        reference.apply(long_ago(number)).unwrap();
    }
    assert_eq!(database.summarise_history().unwrap().messages, 38);
    for number in 0..180 {
        database.apply(message(0, number)).unwrap();
        database.apply(message(1, number)).unwrap();
        match number {
            60 | 120 => database.checkpoint().unwrap(),
            90 => {
                database.compact().unwrap();
            }
            _ => {}
        }
    }
    for number in 0..180 {
        reference.apply(message(0, number)).unwrap();
        reference.apply(message(1, number)).unwrap();
    }
    assert_eq!(difference(&everything(&reference), &everything(&database)), None);
    // As a crash leaves it: nothing is closed.
    let answers = everything(&database);
    pack(&data, &format!("folder-{version}"), &answers);
    let backup = folder.path().join("backup");
    database.backup(&backup).unwrap();
    pack(&backup, &format!("backup-{version}"), &answers);
    published::freeze(version);
}

#[test]
fn old_folders_open_and_go_on() {
    if let Ok(version) = std::env::var("HABITUE_FREEZE") {
        freeze(&version);
    }
    let folders = all("folder", 1);
    assert!(!folders.is_empty());
    for (fixture, expected) in folders {
        let folder = Folder::new("compat-folder");
        unpack(&fixture, folder.path());
        let what = fixture.display();
        let reader = OpenOptions::new().clock(Clock::Manual(ManualClock::new(now())));
        let reader = reader.open_read_only(folder.path()).unwrap();
        assert_eq!(difference(&expected, &everything(&reader)), None, "{what}, for reading only");
        let database = story::open(folder.path(), USUAL).unwrap();
        assert_eq!(difference(&expected, &everything(&database)), None, "{what}");
        assert_eq!(database.verify().unwrap().flaws, [], "{what}");
        assert!(database.apply(message(0, 3)).unwrap().duplicate, "{what}");
        let is_of_now = !database.erasures().is_empty();
        assert_eq!(database.apply(erased()).is_err(), is_of_now, "{what}");
        assert!(!database.apply(message(0, 200)).unwrap().duplicate, "{what}");
        database.close().unwrap();
    }
}

#[test]
fn old_backups_are_restored() {
    let backups = all("backup", 1);
    assert!(!backups.is_empty());
    for (fixture, expected) in backups {
        let folder = Folder::new("compat-backup");
        unpack(&fixture, &folder.path().join("backup"));
        let data = folder.path().join("data");
        Database::restore(folder.path().join("backup"), &data).unwrap();
        let database = story::open(&data, USUAL).unwrap();
        assert_eq!(difference(&expected, &everything(&database)), None, "{}", fixture.display());
    }
}

#[test]
fn a_folder_of_a_later_version_is_refused_and_not_touched() {
    let (fixture, _) = all("folder", 1).pop().unwrap();
    let folder = Folder::new("compat-later");
    unpack(&fixture, folder.path());
    let path = folder.path().join("habitue.manifest");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("{\n  \"format\": "), "{text}");
    // It may say other things than this one.
    let body = "{\n  \"format\": 1000\n}";
    let check = xxhash_rust::xxh3::xxh3_64(body.as_bytes());
    let later = format!("{body}\nxxh3 {check:016x}\n");
    fs::write(&path, &later).unwrap();
    let error = story::open(folder.path(), USUAL).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incompatible, "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), later);
}
