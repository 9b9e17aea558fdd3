//! Block files: what was written is read, and what was spoiled is found.

use std::collections::BTreeMap;
use std::path::Path;

use super::reader::BlockFileReader;
use super::writer::{BlockFileWriter, Written};
use crate::base::error::{Error, ErrorKind};
use crate::persist::disk::file_calls::Disk;
use crate::persist::disk::simulated_disk::{Chance, Fault, SimulatedDisk};

type OwnedPair = (Vec<u8>, Vec<u8>);
type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

fn path() -> &'static Path {
    Path::new("/b/base")
}

fn disk() -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    disk.create_folder(Path::new("/b")).unwrap();
    disk
}

fn write(disk: &SimulatedDisk, pairs: &Pairs, metadata: &[u8]) -> Result<Written, Error> {
    let mut pace = |_| Ok(());
    let mut writer = BlockFileWriter::create(disk, path(), &mut pace)?;
    for (key, value) in pairs {
        writer.add(key, value)?;
    }
    writer.finish(metadata)
}

/// Keys of all lengths, values that pack well and such that do not.
fn random_pairs(seed: u64, count: u64, longest: u64) -> Pairs {
    let mut chance = Chance::new(seed);
    let mut pairs = Pairs::new();
    for _ in 0..count {
        let key: Vec<u8> = (0..chance.below(24)).map(|_| chance.next() as u8 % 8).collect();
        let length = chance.below(longest);
        let value = match chance.below(2) {
            0 => (0..length).map(|_| chance.next() as u8).collect(),
            _ => vec![chance.next() as u8; length as usize],
        };
        pairs.insert(key, value);
    }
    pairs
}

fn all_from(reader: &BlockFileReader, key: &[u8]) -> Result<Vec<OwnedPair>, Error> {
    let mut iteration = reader.iterate_from(key);
    let mut all = Vec::new();
    while let Some((key, value)) = iteration.next_entry()? {
        all.push((key.to_vec(), value.to_vec()));
    }
    Ok(all)
}

#[test]
fn what_was_written_is_read() {
    for (seed, count, longest) in [(1, 0, 1), (2, 1, 10), (3, 900, 200), (4, 120, 3000), (5, 8, 400_000)] {
        let (disk, pairs) = (disk(), random_pairs(seed, count, longest));
        let written = write(&disk, &pairs, b"of the caller").unwrap();
        disk.sync_folder(Path::new("/b")).unwrap();
        disk.power_cut(seed);
        let reader = BlockFileReader::open(&disk, path()).unwrap();
        assert_eq!((reader.metadata(), reader.entries()), (&b"of the caller"[..], pairs.len() as u64));
        assert_eq!((reader.file_bytes(), reader.entries()), (written.file_bytes, written.entries));
        let mut bytes = 0;
        let mut pace = |count| {
            bytes += count;
            Ok(())
        };
        reader.verify(&mut pace).unwrap();
        assert!(bytes < written.file_bytes);
        for (key, value) in &pairs {
            assert_eq!(reader.get(key).unwrap().as_ref(), Some(value), "seed {seed}");
        }
        for absent in random_pairs(seed + 100, 200, 1).keys().filter(|key| !pairs.contains_key(*key)) {
            assert_eq!(reader.get(absent).unwrap(), None, "seed {seed}");
            let expected = pairs.range(absent.clone()..).next().map(|(key, _)| key.clone());
            let mut iteration = reader.iterate_from(absent);
            let next = iteration.next_entry().unwrap().map(|(key, _)| key.to_vec());
            assert_eq!(next, expected, "seed {seed}");
        }
        let expected: Vec<_> = pairs.into_iter().collect();
        assert_eq!(all_from(&reader, b"").unwrap(), expected, "seed {seed}");
    }
}

#[test]
fn keys_must_ascend_and_the_pace_may_end_it() {
    let disk = disk();
    let mut pace = |_| Err(Error::new(ErrorKind::InvalidCall, "enough"));
    let mut writer = BlockFileWriter::create(&disk, path(), &mut pace).unwrap();
    writer.add(b"b", b"").unwrap();
    for key in [&b"b"[..], b"a", b""] {
        assert_eq!(writer.add(key, b"").unwrap_err().kind(), ErrorKind::InvalidCall);
    }
    assert_eq!(writer.add(&[9; 1 << 20], b"").unwrap_err().kind(), ErrorKind::InvalidCall);
    writer.add(b"c", &[1; 40_000]).map_err(|error| error.to_string()).unwrap_err();
    assert_eq!(write(&disk, &Pairs::new(), b"").unwrap_err().kind(), ErrorKind::Io);
    let unfinished = BlockFileReader::open(&disk, path()).unwrap_err();
    assert!(unfinished.to_string().contains("is unfinished"), "{unfinished}");
}

/// Reads all of a spoiled file in every way; says whether all of it was right.
fn reads_right(disk: &SimulatedDisk, pairs: &Pairs, context: &str) -> bool {
    let reader = match BlockFileReader::open(disk, path()) {
        Ok(reader) => reader,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Damaged, "{context}: {error}");
            assert!(error.to_string().starts_with("`/b/base` is "), "{context}: {error}");
            return false;
        }
    };
    for (key, value) in pairs.iter().step_by(7) {
        match reader.get(key) {
            Ok(found) => assert_eq!(found.as_ref(), Some(value), "{context}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Damaged, "{context}: {error}"),
        }
    }
    let verified = reader.verify(&mut |_| Ok(())).is_ok();
    let read = all_from(&reader, b"");
    assert_eq!(read.is_ok(), verified, "{context}");
    verified
}

#[test]
fn a_turned_bit_anywhere_is_found() {
    let (disk, pairs) = (disk(), random_pairs(7, 60, 2500));
    let length = write(&disk, &pairs, b"metadata").unwrap().file_bytes as usize;
    assert!(reads_right(&disk, &pairs, "whole"));
    let ends = (0..90).chain(length - 250..length);
    for at in ends.chain((90..length - 250).step_by(211)) {
        let spoiled = disk.copy();
        spoiled.flip(path(), at, 1 << (at % 8)).unwrap();
        assert!(!reads_right(&spoiled, &pairs, &format!("byte {at}")), "byte {at}");
    }
}

#[test]
fn a_cut_or_lengthened_file_is_found() {
    let (disk, pairs) = (disk(), random_pairs(8, 60, 2500));
    let length = write(&disk, &pairs, b"metadata").unwrap().file_bytes as usize;
    let lengths = (0..200).chain((200..length).step_by(307)).chain(length - 100..length);
    for shorter in lengths {
        let spoiled = disk.copy();
        spoiled.cut(path(), shorter).unwrap();
        let error = BlockFileReader::open(&spoiled, path()).unwrap_err();
        assert!(error.to_string().contains("is unfinished"), "cut to {shorter}: {error}");
    }
    let mut longer = disk.bytes(path()).unwrap();
    longer.push(0);
    disk.put(path(), longer);
    assert!(BlockFileReader::open(&disk, path()).is_err());
}

#[test]
fn blocks_of_another_place_or_file_are_found() {
    let (disk, pairs) = (disk(), random_pairs(9, 200, 1500));
    write(&disk, &pairs, b"").unwrap();
    let bytes = disk.bytes(path()).unwrap();
    let mut chance = Chance::new(9);
    for round in 0..100 {
        let mut spoiled = bytes.clone();
        let length = 1 + chance.below(5000) as usize;
        let from = chance.below((bytes.len() - length) as u64) as usize;
        let to = chance.below((bytes.len() - length) as u64) as usize;
        spoiled.copy_within(from..from + length, to);
        let same = spoiled == bytes;
        disk.put(path(), spoiled);
        assert_eq!(reads_right(&disk, &pairs, &format!("round {round}")), same, "round {round}");
    }
}

#[test]
fn a_newer_version_is_not_called_damage() {
    let disk = disk();
    write(&disk, &Pairs::new(), b"").unwrap();
    let mut bytes = disk.bytes(path()).unwrap();
    bytes[8] = 2;
    let check = crate::base::frozen_hash::seeded_hash64(&bytes[..56], 0);
    bytes[56..64].copy_from_slice(&check.to_le_bytes());
    disk.put(path(), bytes);
    assert_eq!(BlockFileReader::open(&disk, path()).unwrap_err().kind(), ErrorKind::Incompatible);
}

#[test]
fn a_failure_or_power_cut_at_any_call_leaves_no_file_that_opens_wrong() {
    let pairs = random_pairs(10, 100, 2500);
    for call in 1..20 {
        for fault in [Fault::Fails(std::io::ErrorKind::StorageFull), Fault::PowerCut(call)] {
            let disk = disk();
            disk.plan(call, fault);
            let finished = write(&disk, &pairs, b"").is_ok();
            disk.power_on();
            if disk.exists(path()).unwrap() {
                let right = reads_right(&disk, &pairs, &format!("call {call}"));
                assert!(right || !finished, "call {call}");
            }
        }
    }
}
