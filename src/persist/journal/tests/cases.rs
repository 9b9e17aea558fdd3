//! What a journal does when nothing goes wrong, case by case.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::fixture::{SEGMENT, append, append_many, closed_journal, folder, open, payload};
use crate::base::error::{Error, ErrorKind};
use crate::persist::disk::file_calls::Disk;
use crate::persist::disk::real_disk::RealDisk;
use crate::persist::disk::real_disk::tests::empty_folder;
use crate::persist::disk::simulated_disk::SimulatedDisk;
use crate::persist::journal::durability::Durability;
use crate::persist::journal::journal::{Journal, JournalOptions};
use crate::persist::journal::recovery::Salvage;
use crate::persist::journal::scan::scan;
use crate::persist::journal::sequence::Sequence;

const GROUP: Durability = Durability::Group(Duration::from_millis(5));

#[test]
fn what_was_closed_is_there_again() {
    for durability in [Durability::Sync, GROUP, Durability::Memory] {
        let disk = SimulatedDisk::new();
        for round in 0..4 {
            let opened = open(&disk, durability, 0);
            assert_eq!((opened.records, opened.recovered.fresh), (round * 150, round == 0));
            assert_eq!((opened.recovered.torn, opened.recovered.given_up), (None, None));
            let last = append_many(&opened.journal, 150);
            opened.journal.commit(last).unwrap();
            opened.journal.close().unwrap();
            assert_eq!(opened.journal.append(b"late").unwrap_err().kind(), ErrorKind::ReadOnly);
            disk.power_cut(round);
        }
    }
}

#[test]
fn pieces_make_one_record_and_wrong_calls_are_refused() {
    let disk = SimulatedDisk::new();
    let journal = open(&disk, Durability::Sync, 0).journal;
    let (whole, middle) = (payload(1), payload(1).len() / 2);
    let first = journal.append_pieces(&[&whole[..middle], &[], &whole[middle..]]).unwrap();
    journal.commit(first).unwrap();
    assert_eq!(journal.commit(Sequence(2)).unwrap_err().kind(), ErrorKind::InvalidCall);
    assert_eq!(journal.folder(), folder());
    drop(journal);
    assert_eq!(open(&disk, Durability::Sync, 0).records, 1);
}

#[test]
fn a_base_covers_the_records_before_it() {
    let disk = closed_journal(200);
    for after in [0, 1, 57, 199, 200] {
        let opened = open(&disk.copy(), Durability::Sync, after);
        assert_eq!((opened.records, opened.journal.last()), (200 - after, Sequence(200)));
    }
    // A base that is ahead of its journal: it goes on behind the base.
    let journal = open(&disk, Durability::Sync, 300).journal;
    assert_eq!(append(&journal).unwrap(), Sequence(301));
    journal.close().unwrap();
    assert_eq!(open(&disk, Durability::Sync, 300).records, 1);
    assert_eq!(open(&disk, Durability::Sync, 301).records, 0);
}

#[test]
fn a_base_older_than_the_journal_is_refused() {
    let disk = closed_journal(200);
    let journal = open(&disk, Durability::Sync, 200).journal;
    journal.recycle(Sequence(200)).unwrap();
    drop(journal);
    let refused = super::fixture::open_with(&disk, Durability::Sync, 3, Salvage::No).err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Damaged);
    assert!(refused.to_string().contains("records from 4 on are missing"), "{refused}");
}

#[test]
fn covered_segments_are_used_again() {
    let disk = SimulatedDisk::new();
    let journal = open(&disk, Durability::Sync, 0).journal;
    let mut covered = 0;
    for round in 0..20 {
        let last = append_many(&journal, 40);
        journal.commit(last).unwrap();
        let before = journal.stats();
        journal.recycle(Sequence(last.0 - 10)).unwrap();
        covered = last.0 - 10;
        let stats = journal.stats();
        assert!(stats.segments <= 5 && stats.spares <= 3, "{round}: {before:?} {stats:?}");
    }
    let stats = journal.stats();
    assert!(stats.rotations > 20, "{stats:?}");
    drop(journal);
    assert_eq!(open(&disk, Durability::Sync, covered).records, 10);
}

#[test]
fn a_long_record_has_a_segment_of_its_own() {
    let disk = SimulatedDisk::new();
    let journal = open(&disk, Durability::Sync, 0).journal;
    let long = vec![7; 5 * SEGMENT as usize];
    for _ in 0..3 {
        journal.append(b"short").unwrap();
        let last = journal.append(&long).unwrap();
        journal.commit(last).unwrap();
    }
    journal.recycle(Sequence(4)).unwrap();
    drop(journal);
    let mut lengths = Vec::new();
    let read = scan(&disk, folder(), Sequence(4), None, &mut |_, bytes| {
        lengths.push(bytes.len());
        Ok(())
    });
    assert_eq!(read.unwrap().whole().unwrap().last, Sequence(6));
    assert_eq!(lengths, [5, long.len()]);
}

#[test]
fn a_group_is_stable_within_its_interval_and_then_marked() {
    let disk = SimulatedDisk::new();
    let journal = open(&disk, GROUP, 0).journal;
    for records in [10, 20] {
        let last = append_many(&journal, 10);
        journal.commit(last).unwrap();
        wait_until(|| journal.stats().durable == last);
        disk.copy().power_cut(3);
        assert_eq!(open(&disk.copy(), GROUP, 0).records, records);
    }
    // The mark makes damage of the last record known, though nothing came after it.
    let marked = || {
        let found = disk.list(folder()).unwrap();
        let last = found.iter().rfind(|name| name.ends_with(".journal")).unwrap();
        let bytes = disk.bytes(&folder().join(last)).unwrap();
        bytes[4096..].chunks_exact(8).any(|eight| eight[4..] == [0, 0, 0, 0x80])
    };
    wait_until(marked);
}

#[test]
fn in_memory_mode_records_are_written_after_a_while() {
    let disk = SimulatedDisk::new();
    let journal = open(&disk, Durability::Memory, 0).journal;
    let last = append_many(&journal, 10);
    journal.commit(last).unwrap();
    wait_until(|| journal.stats().written == last);
    assert_eq!(journal.stats().durable, Sequence(0));
    assert_eq!(journal.sync().unwrap(), last);
    assert_eq!(journal.stats().durable, last);
}

fn wait_until(holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(8), "it takes too long");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_scan_reads_while_records_are_appended() {
    let disk = SimulatedDisk::new();
    let journal = Arc::new(open(&disk, GROUP, 0).journal);
    let appending = {
        let journal = journal.clone();
        std::thread::spawn(move || {
            for _ in 0..300 {
                let last = append(&journal).unwrap();
                journal.commit(last).unwrap();
            }
        })
    };
    for _ in 0..30 {
        let up_to = journal.stats().written;
        let mut next = 1;
        let found = scan(&disk, folder(), Sequence(0), Some(up_to), &mut |sequence, bytes| {
            assert_eq!((sequence.0, bytes), (next, &payload(next)[..]));
            next += 1;
            Ok(())
        });
        let found = found.unwrap();
        assert_eq!((found.last, found.records, found.damage), (up_to, up_to.0, None));
    }
    appending.join().unwrap();
}

#[test]
fn what_the_receiver_returns_ends_the_reading() {
    let disk = closed_journal(20);
    let stopped = scan(&disk, folder(), Sequence(0), None, &mut |_, _| {
        Err(Error::new(ErrorKind::InvalidCall, "enough"))
    });
    assert_eq!(stopped.unwrap_err().to_string(), "enough");
}

#[test]
fn too_much_unwritten_makes_appending_wait() {
    let disk = SimulatedDisk::new();
    let options = JournalOptions { segment_bytes: 1 << 20, durability: Durability::Memory };
    let journal =
        Journal::open(disk.process(), folder(), options, Sequence(0), Salvage::No, &mut |_, _| Ok(()))
            .unwrap()
            .0;
    for _ in 0..200 {
        journal.append(&[1; 65536]).unwrap();
    }
    let stats = journal.stats();
    assert!(stats.written > Sequence(60) && stats.written < stats.last, "{stats:?}");
}

#[test]
fn it_works_on_the_real_disk_with_many_threads() {
    let folder = empty_folder("journal");
    let options = JournalOptions { segment_bytes: 64 * 1024, durability: Durability::Sync };
    let disk = Arc::new(RealDisk);
    let journal = Journal::open(disk.clone(), &folder, options, Sequence(0), Salvage::No, &mut |_, _| Ok(()))
        .unwrap()
        .0;
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let journal = &journal;
            scope.spawn(move || {
                for _ in 0..40 {
                    let sequence = journal.append(&[thread; 500]).unwrap();
                    journal.commit(sequence).unwrap();
                }
            });
        }
    });
    let stats = journal.stats();
    assert_eq!((stats.durable, stats.written), (Sequence(160), Sequence(160)));
    assert!(stats.syncs <= 160 + 10, "{stats:?}");
    drop(journal);
    let mut of_thread = [0; 4];
    let read = scan(&*disk, &folder, Sequence(0), None, &mut |_, bytes| {
        of_thread[usize::from(bytes[0])] += 1;
        Ok(())
    });
    assert_eq!((read.unwrap().whole().unwrap().records, of_thread), (160, [40; 4]));
    std::fs::remove_dir_all(&folder).unwrap();
}
