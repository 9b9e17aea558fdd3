//! Runs against a model, with restarts, crashes between the steps of a checkpoint, and damage.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::run::RunName;
use super::runs::MessageRuns;
use crate::base::error::ErrorKind;
use crate::base::frozen_hash::Fingerprint;
use crate::persist::disk::simulated_disk::{Fault, SimulatedDisk};

const FOLDER: &str = "/d/messages";

fn id(number: u64) -> u128 {
    let mut fingerprint = Fingerprint::default();
    fingerprint.field(&number.to_le_bytes());
    fingerprint.finish()
}

fn opened(disk: &SimulatedDisk, names: &[RunName]) -> MessageRuns {
    let runs = MessageRuns::none(disk.process(), PathBuf::from(FOLDER));
    runs.open(names).unwrap();
    runs
}

fn check(runs: &MessageRuns, model: &BTreeMap<u64, u128>, next: u64) {
    for number in (0..next + 20).step_by(7).chain(next.saturating_sub(3)..next + 3) {
        assert_eq!(runs.find(id(number)).unwrap(), model.get(&number).copied(), "{number}");
    }
    assert_eq!(runs.entries(), model.len() as u64);
}

/// Adds ids from `next` on; returns what they are.
fn batch(next: u64, count: u64) -> Vec<(u128, u128)> {
    (next..next + count).map(|number| (id(number), u128::from(number % 5))).collect()
}

fn files(disk: &SimulatedDisk) -> Vec<String> {
    disk.process().list(Path::new(FOLDER)).unwrap()
}

#[test]
fn ids_are_found_over_restarts_and_crashes() {
    let disk = SimulatedDisk::new();
    let mut names: Vec<RunName> = Vec::new();
    let mut model = BTreeMap::new();
    let (mut next, mut largest) = (0, 0);
    for round in 0..60 {
        let runs = opened(&disk, &names);
        check(&runs, &model, next);
        let count = [1, 3, 700, 1, 40, 0][round % 6];
        // Some that are known are among them, as after a crash.
        let mut added = batch(next, count);
        added.extend(batch(next.saturating_sub(5), next.min(5)));
        let prepared = runs.prepare(added).unwrap();
        check(&runs, &model, next);
        if round % 4 == 3 {
            // The checkpoint that names them does not come about.
            disk.kill();
            continue;
        }
        names = prepared.names();
        model.extend((next..next + count).map(|number| (number, u128::from(number % 5))));
        next += count;
        if round % 4 == 2 {
            // Safe as soon as they are prepared, so before they are named.
            disk.power_cut(round as u64);
            continue;
        }
        runs.adopt(prepared);
        check(&runs, &model, next);
        runs.remove_unused();
        assert_eq!(files(&disk).len(), names.len());
        runs.verify().unwrap();
        assert!(names.windows(2).all(|pair| pair[0].entries > 2 * pair[1].entries), "{names:?}");
        largest = largest.max(names.len());
    }
    assert!((3..=12).contains(&largest), "{largest} runs at most");
}

#[test]
fn a_full_disk_changes_nothing() {
    let disk = SimulatedDisk::new();
    let runs = opened(&disk, &[]);
    runs.adopt(runs.prepare(batch(0, 10)).unwrap());
    let mut failures = 0;
    for call in 1.. {
        disk.plan(call, Fault::Fails(io::ErrorKind::StorageFull));
        match runs.prepare(batch(10, 10)) {
            Err(error) => assert_eq!(error.kind(), ErrorKind::Io),
            Ok(prepared) => {
                assert_eq!(prepared.names().len(), 1);
                break;
            }
        }
        failures += 1;
        assert_eq!(runs.find(id(3)).unwrap(), Some(3));
        assert_eq!(runs.find(id(13)).unwrap(), None);
    }
    assert!(failures > 5, "{failures} calls could fail");
}

#[test]
fn revised_ids_are_forgotten_or_of_other_contents() {
    let disk = SimulatedDisk::new();
    let runs = opened(&disk, &[]);
    runs.revise(&[(id(1), None)].into()).unwrap();
    assert_eq!(runs.entries(), 0);
    runs.adopt(runs.prepare(batch(0, 300)).unwrap());
    runs.adopt(runs.prepare(batch(300, 20)).unwrap());
    let revised = (0..320).step_by(2).map(|number| (id(number), (number % 4 == 0).then_some(77)));
    runs.revise(&revised.collect()).unwrap();
    runs.remove_unused();
    let reopened = opened(&disk, &runs.names());
    for number in 0..320 {
        let content = match number % 4 {
            0 => Some(77),
            2 => None,
            _ => Some(u128::from(number % 5)),
        };
        assert_eq!((runs.find(id(number)).unwrap(), reopened.find(id(number)).unwrap()), (content, content));
    }
    assert_eq!((files(&disk).len(), reopened.entries()), (1, 240));
    reopened.verify().unwrap();
    reopened.revise(&(0..320).map(|number| (id(number), None)).collect()).unwrap();
    assert_eq!((reopened.entries(), reopened.find(id(1)).unwrap()), (0, None));
    reopened.adopt(reopened.prepare(batch(0, 5)).unwrap());
    assert_eq!(reopened.entries(), 5);
}

#[test]
fn damage_is_found_or_harmless() {
    let disk = SimulatedDisk::new();
    let runs = opened(&disk, &[]);
    runs.adopt(runs.prepare(batch(0, 300)).unwrap());
    let names = runs.names();
    let path = Path::new(FOLDER).join(&files(&disk)[0]);
    let bytes = disk.bytes(&path).unwrap();
    let mut found = 0;
    for place in (0..bytes.len()).step_by(11) {
        let copy = disk.copy();
        copy.flip(&path, place, 1 << (place % 8)).unwrap();
        let runs = MessageRuns::none(copy.process(), PathBuf::from(FOLDER));
        let Err(error) = runs.open(&names).and_then(|()| {
            for number in 0..600 {
                let content = runs.find(id(number))?;
                assert_eq!(content, (number < 300).then(|| u128::from(number % 5)), "{place}");
            }
            runs.verify()
        }) else {
            continue;
        };
        assert!(matches!(error.kind(), ErrorKind::Damaged | ErrorKind::Incompatible), "{error}");
        found += 1;
    }
    assert_eq!(found, bytes.len().div_ceil(11), "every flip is found by reading everything");
    let copy = disk.copy();
    let other = opened(&copy, &[]);
    other.adopt(other.prepare(batch(0, 301)).unwrap());
    copy.put(&path, copy.bytes(&Path::new(FOLDER).join("00000002.run")).unwrap());
    let runs = MessageRuns::none(copy.process(), PathBuf::from(FOLDER));
    let error = runs.open(&names).unwrap_err();
    assert!(error.to_string().contains("is not the run"), "{error}");
    copy.process().remove(&path).unwrap();
    assert_eq!(runs.open(&names).unwrap_err().kind(), ErrorKind::Io);
}
