//! Files of a closed database that are lost, old, cut or turned: the answers are the right ones, or
//! there is an error that names the file; never a wrong answer, never a panic.
//!
//! `HABITUE_DAMAGE_PLACES` says how many places are damaged, `HABITUE_DAMAGE_SEED` from which seed.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test stops when it is wrong")]

#[path = "crash/story.rs"]
mod story;

use std::fs;
use std::path::{Path, PathBuf};

use habitue::{Database, ErrorKind, OpenOptions};
use story::{Folder, How, answers, chance, difference, message, open};

const MESSAGES: u64 = 240;
const USUAL: How = How { sync: false, budget: None, salvage: false };

/// A database that was closed, and what it answers.
struct Sample {
    folder: Folder,
    /// Copies of the live store and its witness, of earlier times.
    older: Vec<PathBuf>,
    expected: Vec<String>,
    members: Vec<String>,
}

fn variable(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.replace('_', "").parse().ok()).unwrap_or(usual)
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy(&from.join(&name), &to.join(&name));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

fn remove(path: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else {
        let _ = fs::remove_file(path);
    }
}

/// What is made anew from base and journal.
const MADE_ANEW: [&str; 3] = ["live", "live.witness", "messages"];

fn files(folder: &Path) -> Vec<PathBuf> {
    if !folder.is_dir() {
        return vec![folder.to_owned()];
    }
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found.iter().flat_map(|path| files(path)).collect()
}

impl Sample {
    /// Two bases, several checkpoints, some kilobytes of journal behind.
    fn new(name: &str) -> Sample {
        let folder = Folder::new(&format!("damage-{name}"));
        let data = folder.path().join("data");
        let database = open(&data, USUAL).unwrap();
        let mut older = Vec::new();
        for number in 0..MESSAGES {
            database.apply(message(0, number)).unwrap();
            match number {
                20 | 60 | 130 | 180 => {
                    database.checkpoint().unwrap();
                    let to = folder.path().join(format!("older-{number}"));
                    for part in MADE_ANEW {
                        copy(&data.join(part), &to.join(part).with_file_name(part));
                    }
                    older.push(to);
                }
                40 | 100 => {
                    database.compact().unwrap();
                }
                _ => {}
            }
        }
        database.close().unwrap();
        let reference = story::reference();
        (0..MESSAGES).for_each(|number| drop(reference.apply(message(0, number)).unwrap()));
        let expected = answers(&reference).unwrap();
        let members = story::members(&reference).unwrap();
        Sample { folder, older, expected, members }
    }

    /// A copy to damage.
    fn copy(&self) -> PathBuf {
        let to = self.folder.path().join("copy");
        remove(&to);
        copy(&self.folder.path().join("data"), &to);
        to
    }

    fn is_right(&self, database: &Database, what: &str) {
        if let Some(difference) = difference(&self.expected, &answers(database).unwrap()) {
            panic!("{what}: {difference}\nwarnings {:?}", database.warnings());
        }
        assert_eq!(database.stats().accepted, MESSAGES, "{what}");
        for number in (0..MESSAGES).step_by(17) {
            assert!(database.apply(message(0, number)).unwrap().duplicate, "{what}");
        }
    }

    /// Opens what was damaged: the answers are right now, and after opening it again.
    fn heals(&self, data: &Path, what: &str, is_told: Option<bool>) {
        let database = open(data, USUAL).unwrap_or_else(|error| panic!("{what}: {error}"));
        self.is_right(&database, what);
        assert_eq!(story::members(&database).unwrap(), self.members, "{what}");
        if let Some(told) = is_told {
            assert_eq!(!database.warnings().is_empty(), told, "{what}: {:?}", database.warnings());
        }
        database.close().unwrap();
        let database = open(data, USUAL).unwrap_or_else(|error| panic!("{what}, again: {error}"));
        assert_eq!(database.warnings(), Vec::<String>::new(), "{what}, again");
        self.is_right(&database, what);
    }

    /// Opens what was damaged: there is an error that names the file, or the answers are right.
    fn heals_or_says_so(&self, data: &Path, named: &Path, what: &str) -> bool {
        match open(data, USUAL) {
            Ok(database) => {
                self.is_right(&database, what);
                false
            }
            Err(error) => {
                let kinds = [ErrorKind::Damaged, ErrorKind::Incompatible, ErrorKind::Io];
                assert!(kinds.contains(&error.kind()), "{what}: {:?} {error}", error.kind());
                let name = named.file_name().unwrap().to_string_lossy();
                let folder = named.parent().unwrap().file_name().unwrap().to_string_lossy();
                let text = error.to_string();
                assert!(text.contains(&*name) || text.contains(&*folder), "{what}: {text}");
                true
            }
        }
    }
}

/// Damages a file at a place by chance; returns how.
fn damage(path: &Path, chance: u64) -> String {
    let mut bytes = fs::read(path).unwrap();
    if bytes.is_empty() {
        return "nothing to damage".to_owned();
    }
    // Files begin with what matters most, and journals are zeros at the end.
    let within = if chance.is_multiple_of(3) { bytes.len().min(5_000) } else { bytes.len() };
    let place = (chance >> 8) as usize % within;
    let how = match (chance >> 4) % 4 {
        0 => {
            bytes.truncate(place);
            "cut"
        }
        1 => {
            let end = bytes.len().min(place + 600);
            bytes[place..end].fill(0);
            "zeros"
        }
        _ => {
            bytes[place] ^= 1 << ((chance >> 60) % 8);
            "flip"
        }
    };
    fs::write(path, bytes).unwrap();
    format!("{how} at {place} of {}", path.display())
}

#[test]
fn a_live_store_that_is_lost_or_old_is_made_anew() {
    let sample = Sample::new("live");
    let told = Some(true);
    for (what, parts) in [
        ("no folder", &["live"][..]),
        ("no witness", &["live.witness"]),
        ("no ids", &["messages"]),
        ("nothing", &MADE_ANEW),
        ("no db", &["live/db"]),
    ] {
        let data = sample.copy();
        parts.iter().for_each(|part| remove(&data.join(part)));
        sample.heals(&data, what, told);
    }
    for part in ["live/db", "live.witness"] {
        let data = sample.copy();
        fs::write(data.join(part), b"").unwrap();
        sample.heals(&data, &format!("empty {part}"), told);
    }
    let data = sample.copy();
    remove(&data.join("live"));
    fs::create_dir(data.join("live")).unwrap();
    sample.heals(&data, "emptied", told);
    for (number, older) in sample.older.iter().enumerate() {
        for (parts, told) in [
            // Before the base the journal cannot bring it up.
            (&MADE_ANEW[..], Some(number < 2)),
            // The runs of message ids that it speaks of may have been merged into others since.
            (&["live", "live.witness"], None),
            // A checkpoint is written in pieces, so the witness knows of none before the last.
            (&["live"], told),
            (&["live.witness"], told),
        ] {
            let data = sample.copy();
            for part in parts {
                remove(&data.join(part));
                copy(&older.join(part), &data.join(part));
            }
            sample.heals(&data, &format!("older {} {parts:?}", older.display()), told);
        }
    }
}

#[test]
fn a_live_store_that_is_damaged_anywhere_answers_right() {
    let sample = Sample::new("places");
    let seed = variable("HABITUE_DAMAGE_SEED", 1);
    for place in 0..variable("HABITUE_DAMAGE_PLACES", 40) {
        let data = sample.copy();
        let parts: Vec<_> = MADE_ANEW.iter().flat_map(|part| files(&data.join(part))).collect();
        let chance = chance(seed << 32 | place);
        let what = damage(&parts[(chance >> 40) as usize % parts.len()], chance);
        sample.heals(&data, &format!("place {place} of seed {seed}: {what}"), None);
    }
}

#[test]
fn a_live_store_that_is_damaged_while_it_is_open_answers_right_or_not() {
    let sample = Sample::new("open");
    let seed = variable("HABITUE_DAMAGE_SEED", 1);
    for place in 0..variable("HABITUE_DAMAGE_PLACES", 40) / 4 {
        let data = sample.copy();
        let database = open(&data, How { budget: Some(20_000), ..USUAL }).unwrap();
        let parts: Vec<_> = ["live", "messages"].iter().flat_map(|part| files(&data.join(part))).collect();
        let chance = chance(seed << 33 | place);
        let what = damage(&parts[(chance >> 40) as usize % parts.len()], chance);
        let what = format!("place {place} of seed {seed}: {what}");
        for _ in 0..2 {
            match answers(&database) {
                Ok(found) => assert_eq!(difference(&sample.expected, &found), None, "{what}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Damaged, "{what}: {error}"),
            }
        }
        drop(database);
        let database = open(&data, USUAL).unwrap_or_else(|error| panic!("{what}, again: {error}"));
        sample.is_right(&database, &what);
    }
}

#[test]
fn a_journal_a_base_or_a_manifest_that_is_damaged_is_named() {
    let sample = Sample::new("truth");
    let seed = variable("HABITUE_DAMAGE_SEED", 1);
    let mut said = 0;
    for place in 0..variable("HABITUE_DAMAGE_PLACES", 40) {
        let data = sample.copy();
        let mut parts = files(&data.join("journal"));
        parts.extend(files(&data).into_iter().filter(|path| path.parent() == Some(&*data)));
        parts.retain(|path| !path.ends_with("lock") && !path.ends_with("live.witness"));
        let chance = chance(seed << 34 | place);
        let part = parts[(chance >> 40) as usize % parts.len()].clone();
        let what = damage(&part, chance);
        let is_alone = (chance >> 52).is_multiple_of(2);
        if is_alone {
            remove(&data.join("live"));
        }
        let what = format!("place {place} of seed {seed}, without live {is_alone}: {what}");
        said += u64::from(sample.heals_or_says_so(&data, &part, &what));
    }
    assert!(said > 0, "some damage is noticed");
}

#[test]
fn a_file_that_is_missing_or_cut_is_named() {
    let sample = Sample::new("missing");
    let names: Vec<PathBuf> = {
        let data = sample.copy();
        let is_made_anew = |path: &PathBuf| MADE_ANEW.iter().any(|part| path.starts_with(data.join(part)));
        let all = files(&data).into_iter().filter(|path| !is_made_anew(path));
        let all = all.filter(|path| path.extension().is_some_and(|extension| extension != "spare"));
        all.map(|path| path.strip_prefix(&data).unwrap().to_owned()).collect()
    };
    assert!(names.len() >= 3, "a manifest, a base, a journal: {names:?}");
    for name in &names {
        for cut in [None, Some(0), Some(1), Some(4_095), Some(4_096), Some(4_097)] {
            let data = sample.copy();
            let path = data.join(name);
            match cut {
                None => remove(&path),
                Some(length) => {
                    let mut bytes = fs::read(&path).unwrap();
                    bytes.truncate(length);
                    fs::write(&path, bytes).unwrap();
                }
            }
            let what = format!("{} cut to {cut:?}", name.display());
            assert!(
                sample.heals_or_says_so(&data, &path, &what) || cut > Some(1_000),
                "{what}: it is noticed"
            );
        }
    }
}

#[test]
fn the_end_of_a_journal_that_was_closed_does_not_get_lost() {
    let sample = Sample::new("end");
    let data = sample.copy();
    MADE_ANEW.iter().for_each(|part| remove(&data.join(part)));
    let mut journal = files(&data.join("journal")).into_iter();
    let last =
        journal.rfind(|path| path.extension().is_some_and(|extension| extension == "journal")).unwrap();
    let mut bytes = fs::read(&last).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    bytes[end - 600..end].fill(0);
    fs::write(&last, bytes).unwrap();
    let reader = OpenOptions::new().open_read_only(&data).unwrap_err();
    for error in [open(&data, USUAL).unwrap_err(), reader] {
        assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
        assert!(error.to_string().contains("the end of the journal"), "{error}");
    }
    let database = open(&data, How { salvage: true, ..USUAL }).unwrap();
    assert!(database.stats().accepted < MESSAGES);
    drop(database);
    assert_eq!(open(&data, USUAL).unwrap().warnings(), Vec::<String>::new());
}

#[test]
fn a_journal_that_is_gone_is_noticed_and_given_up_only_if_asked() {
    let sample = Sample::new("gone");
    for without_live in [false, true] {
        let data = sample.copy();
        remove(&data.join("journal"));
        if without_live {
            remove(&data.join("live"));
        }
        let error = open(&data, USUAL).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
        assert!(error.to_string().contains("journal"), "{error}");
        let database = open(&data, How { salvage: true, ..USUAL }).unwrap();
        assert!(!database.warnings().is_empty(), "what was given up is said");
        // The base holds the first hundred.
        assert_eq!(database.stats().accepted, 101);
        assert!(database.apply(message(0, 100)).unwrap().duplicate);
        for number in 101..MESSAGES {
            assert!(!database.apply(message(0, number)).unwrap().duplicate);
        }
        sample.is_right(&database, "brought again");
        database.close().unwrap();
        let database = open(&data, USUAL).unwrap();
        assert_eq!(database.warnings(), Vec::<String>::new());
        sample.is_right(&database, "brought again, opened again");
    }
}

#[test]
fn an_old_live_store_from_before_a_salvage_is_not_believed() {
    let sample = Sample::new("lineage");
    let data = sample.copy();
    remove(&data.join("journal"));
    let database = open(&data, How { salvage: true, ..USUAL }).unwrap();
    for number in 0..MESSAGES * 2 {
        database.apply(message(1, number)).unwrap();
    }
    let expected = answers(&database).unwrap();
    database.close().unwrap();
    for part in MADE_ANEW {
        remove(&data.join(part));
        copy(&sample.folder.path().join("data").join(part), &data.join(part));
    }
    let database = open(&data, USUAL).unwrap();
    assert_eq!(difference(&expected, &answers(&database).unwrap()), None);
    assert_eq!(database.warnings().len(), 1, "{:?}", database.warnings());
}
