//! Turned bits, cut, missing and foreign files: never a panic, never a wrong record, never a silent
//! loss of what the files themselves prove to have been durable.

use super::fixture::{SEGMENT, append_many, closed_journal, folder, open, open_with, payload, segment};
use crate::base::error::ErrorKind;
use crate::base::frozen_hash::seeded_hash64;
use crate::persist::disk::file_calls::Disk;
use crate::persist::disk::simulated_disk::{Chance, SimulatedDisk};
use crate::persist::journal::durability::Durability;
use crate::persist::journal::journal::Journal;
use crate::persist::journal::recovery::Salvage;
use crate::persist::journal::scan::{Scan, scan};
use crate::persist::journal::sequence::Sequence;

const RECORDS: u64 = 60;

fn segments(disk: &SimulatedDisk) -> u64 {
    disk.list(folder()).unwrap().iter().filter(|name| name.ends_with(".journal")).count() as u64
}

fn read(disk: &SimulatedDisk) -> Scan {
    let mut last = 0;
    scan(disk, folder(), Sequence(0), None, &mut |sequence, bytes| {
        last += 1;
        assert!(sequence.0 == last && bytes == payload(last), "record {sequence} is wrong");
        Ok(())
    })
    .unwrap()
}

/// Opens a damaged journal both ways, and goes on after salvage.
fn check_salvage(disk: &SimulatedDisk, context: &str) {
    let scanned = read(disk);
    let Some(damage) = scanned.damage else {
        // Nothing that was durable is gone.
        assert_eq!(scanned.last, Sequence(RECORDS), "{context}");
        return;
    };
    let accounted = damage.last.0 + damage.lost + damage.readable_after;
    // Without its header nothing is known of the records in the last segment.
    let counted = accounted == RECORDS || damage.what.starts_with("the file ") && accounted < RECORDS;
    assert!(counted, "{context}: {damage}");
    let refused = open_with(disk, Durability::Sync, 0, Salvage::No).err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Damaged, "{context}: {refused}");
    let told = refused.to_string();
    assert!(told.contains("habitue verify") && told.contains(" at byte ") && told.contains("/j/"), "{told}");

    let opened = open_with(disk, Durability::Sync, 0, Salvage::Allowed).unwrap();
    let given_up = opened.recovered.given_up.clone().unwrap();
    assert_eq!(given_up.damage, damage, "{context}");
    assert!(!given_up.kept.is_empty(), "{context}");
    for kept in &given_up.kept {
        assert!(disk.exists(kept).unwrap(), "{context}: {}", kept.display());
    }
    assert_eq!(opened.journal.last(), damage.last, "{context}");
    append_many(&opened.journal, 5);
    opened.journal.close().unwrap();
    let whole = read(disk);
    assert_eq!((whole.last.0, whole.damage), (damage.last.0 + 5, None), "{context}");
}

#[test]
fn a_turned_bit_anywhere_is_found_or_harmless() {
    let disk = closed_journal(RECORDS);
    let count = segments(&disk);
    assert!(count >= 4, "{count} segments");
    let (mut found, mut harmless) = (0, 0);
    for number in 1..=count {
        let length = disk.bytes(&segment(number)).unwrap().len();
        let near_head = (0..66).chain(4096..4200);
        for at in near_head.chain((4200..length).step_by(193)) {
            let spoiled = disk.copy();
            spoiled.flip(&segment(number), at, 1 << (at % 8)).unwrap();
            match read(&spoiled).damage {
                Some(_) => found += 1,
                None => harmless += 1,
            }
            check_salvage(&spoiled, &format!("segment {number} byte {at}"));
        }
    }
    assert!(found > 300 && harmless > 10, "{found} {harmless}");
}

#[test]
fn a_file_cut_anywhere_is_found() {
    let disk = closed_journal(RECORDS);
    for number in 1..=segments(&disk) {
        let length = disk.bytes(&segment(number)).unwrap().len();
        let lengths = (0..70).chain(4090..4140).chain((4140..length).step_by(293)).chain([length - 1]);
        for shorter in lengths {
            let spoiled = disk.copy();
            spoiled.cut(&segment(number), shorter).unwrap();
            assert!(read(&spoiled).damage.is_some(), "segment {number} cut to {shorter}");
            check_salvage(&spoiled, &format!("segment {number} cut to {shorter}"));
        }
    }
}

#[test]
fn zeroed_and_overwritten_parts_are_found_or_harmless() {
    let disk = closed_journal(RECORDS);
    let count = segments(&disk);
    for seed in 0..300 {
        let mut chance = Chance::new(seed);
        let spoiled = disk.copy();
        let path = segment(1 + chance.below(count));
        let mut bytes = spoiled.bytes(&path).unwrap();
        let from = chance.below(bytes.len() as u64) as usize;
        let until = (from + 1 + chance.below(3000) as usize).min(bytes.len());
        match chance.below(3) {
            0 => bytes[from..until].fill(0),
            1 => bytes[from..until].fill_with(|| chance.next() as u8),
            // A copy of other bytes of the journal: frames that are valid, in a wrong place.
            _ => {
                let length = until - from;
                let source = spoiled.bytes(&segment(1)).unwrap();
                let at = chance.below((source.len() - length) as u64 + 1) as usize / 8 * 8;
                bytes[from..until].copy_from_slice(&source[at..at + length]);
            }
        }
        // Where the mark of the closing is gone with the last records, files cannot tell it from a
        // crash. What is there must be right all the same.
        let ends_with_it = path == segment(count) && until > 4096;
        spoiled.put(&path, bytes);
        if ends_with_it {
            let _ = read(&spoiled);
            let _ = open_with(&spoiled, Durability::Sync, 0, Salvage::Allowed).unwrap();
        } else {
            check_salvage(&spoiled, &format!("seed {seed}"));
        }
    }
}

#[test]
fn missing_and_exchanged_files_are_found() {
    let disk = closed_journal(RECORDS);
    let count = segments(&disk);
    for number in 1..count {
        let spoiled = disk.copy();
        spoiled.remove(&segment(number)).unwrap();
        let damage = read(&spoiled).damage.unwrap();
        assert!(damage.what.contains("missing"), "{damage}");
        check_salvage(&spoiled, &format!("segment {number} missing"));

        let spoiled = disk.copy();
        let (a, b) = (disk.bytes(&segment(number)).unwrap(), disk.bytes(&segment(number + 1)).unwrap());
        spoiled.put(&segment(number), b);
        spoiled.put(&segment(number + 1), a);
        assert!(read(&spoiled).damage.unwrap().what.contains("under another's name"));
        check_salvage(&spoiled, &format!("segments {number} and the next exchanged"));
    }
    let foreign = closed_journal(RECORDS);
    let spoiled = disk.copy();
    spoiled.put(&segment(2), foreign.bytes(&segment(2)).unwrap());
    assert!(read(&spoiled).damage.unwrap().what.contains("another journal"));
    check_salvage(&spoiled, "a foreign segment");
}

#[test]
fn a_newer_version_is_not_called_damage() {
    let disk = closed_journal(RECORDS);
    let mut bytes = disk.bytes(&segment(2)).unwrap();
    bytes[8] = 2;
    let check = seeded_hash64(&bytes[..56], 0);
    bytes[56..64].copy_from_slice(&check.to_le_bytes());
    disk.put(&segment(2), bytes);
    let refused = open_with(&disk, Durability::Sync, 0, Salvage::Allowed).err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Incompatible);
    assert!(refused.to_string().contains("version 2"), "{refused}");
}

#[test]
fn damage_of_covered_records_does_not_matter() {
    let disk = closed_journal(RECORDS);
    disk.flip(&segment(1), 4100, 1).unwrap();
    disk.cut(&segment(2), 20).unwrap();
    let third = scan(&disk, folder(), Sequence(0), None, &mut |_, _| Ok(())).unwrap().damage.unwrap();
    assert!(third.readable_after > 0);
    // Somewhere behind the second segment the base is new enough.
    let opens = |after: &u64| open_with(&disk.copy(), Durability::Sync, *after, Salvage::No).is_ok();
    let enough = (0..RECORDS).find(opens).unwrap();
    assert!((2..RECORDS).contains(&enough), "{enough}");
    let opened = open(&disk, Durability::Sync, enough);
    opened.journal.recycle(Sequence(enough)).unwrap();
    opened.journal.close().unwrap();
    assert!(!disk.exists(&segment(1)).unwrap() && !disk.exists(&segment(2)).unwrap());

    // Within a segment, too.
    let disk = closed_journal(RECORDS);
    disk.flip(&segment(1), 4100, 1).unwrap();
    assert!(open_with(&disk.copy(), Durability::Sync, 0, Salvage::No).is_err());
    assert_eq!(open(&disk, Durability::Sync, 3).records, RECORDS - 3);
}

#[test]
fn a_power_cut_during_salvage_loses_nothing_more() {
    let start = closed_journal(RECORDS);
    start.flip(&segment(2), 4100, 1).unwrap();
    let damage = read(&start).damage.unwrap();
    for call in 1..60 {
        for seed in [3, 4] {
            let disk = start.copy();
            disk.plan(call, crate::persist::disk::simulated_disk::Fault::PowerCut(seed));
            drop(open_with(&disk, Durability::Sync, 0, Salvage::Allowed));
            disk.power_on();
            let opened = open_with(&disk, Durability::Sync, 0, Salvage::Allowed).unwrap();
            assert_eq!(opened.journal.last(), damage.last, "call {call} seed {seed}");
            let names = disk.list(folder()).unwrap();
            let kept = names.iter().filter(|name| name.contains(".damaged")).count() as u64;
            assert!(kept > segments(&start) - 2, "call {call} seed {seed}: {names:?}");
        }
    }
}

#[test]
fn spares_that_are_unfinished_are_removed() {
    let disk = closed_journal(5);
    for (number, length) in
        [(7, 100), (8, SEGMENT as usize), (9, 0), (10, SEGMENT as usize), (11, SEGMENT as usize)]
    {
        disk.put(&folder().join(format!("{number:08}.spare")), vec![3; length]);
    }
    let journal: Journal = open(&disk, Durability::Sync, 0).journal;
    assert_eq!(journal.stats().spares, 2);
    append_many(&journal, 100);
    journal.close().unwrap();
    assert_eq!(open(&disk, Durability::Sync, 0).records, 105);
}
