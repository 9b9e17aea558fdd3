//! Calls that fail, each in its turn: nothing acknowledged is lost, nothing unacknowledged is claimed,
//! and after the first failure nothing is written any more.

use std::io;
use std::time::Duration;

use super::fixture::{append, folder, open, open_with};
use crate::base::error::ErrorKind;
use crate::persist::disk::simulated_disk::{Fault, SimulatedDisk};
use crate::persist::journal::durability::Durability;
use crate::persist::journal::recovery::Salvage;
use crate::persist::journal::sequence::Sequence;

#[test]
fn a_failure_at_any_call_poisons_and_loses_nothing_acknowledged() {
    let kinds = [io::ErrorKind::StorageFull, io::ErrorKind::Other];
    let (mut poisoned, mut healthy) = (0, 0);
    for durability in [Durability::Sync, Durability::Group(Duration::from_secs(60))] {
        for call in 1..120 {
            let kind = kinds[call as usize % 2];
            let context = format!("{durability:?} call {call} {kind:?}");
            let disk = SimulatedDisk::new();
            disk.plan(call, Fault::Fails(kind));
            let Ok(opened) = open_with(&disk, durability, 0, Salvage::No) else {
                // Opening failed; the next works.
                assert_eq!(open(&disk, durability, 0).records, 0, "{context}");
                continue;
            };
            let journal = opened.journal;
            let mut acknowledged = 0;
            for _ in 0..60 {
                let done = append(&journal).and_then(|last| journal.commit(last).map(|()| last));
                match done {
                    Ok(last) => acknowledged = last.0,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::ReadOnly, "{context}: {error}");
                        assert!(error.to_string().contains("takes no more records: cannot "), "{error}");
                        break;
                    }
                }
            }
            let failed = acknowledged < 60;
            if failed {
                let calls = disk.calls();
                assert_eq!(append(&journal).unwrap_err().kind(), ErrorKind::ReadOnly, "{context}");
                assert!(journal.sync().is_err() && journal.close().is_err(), "{context}");
                assert_eq!(disk.calls(), calls, "{context}: it goes on writing");
            }
            poisoned += u32::from(failed);
            healthy += u32::from(!failed);
            // A fault that is still to come does not come.
            disk.power_on();
            if durability == Durability::Sync {
                disk.power_cut(call);
            } else {
                disk.kill();
            }
            drop(journal);
            let again = open(&disk, durability, 0);
            let records = again.records;
            assert!((acknowledged..=acknowledged + 1).contains(&records), "{context}: {records}");
            // What opening found may never have been synced, a name least of all; now it is.
            append(&again.journal).unwrap();
            again.journal.sync().unwrap();
            disk.power_cut(call * 7);
            drop(again);
            assert_eq!(open(&disk, durability, 0).records, records + 1, "{context}");
        }
    }
    assert!(poisoned > 50 && healthy > 10, "{poisoned} {healthy}");
}

#[test]
fn every_waiter_learns_of_the_failure() {
    let disk = SimulatedDisk::new();
    let journal = open(&disk, Durability::Sync, 0).journal;
    disk.plan(9, Fault::Fails(io::ErrorKind::Other));
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Ok(last) = journal.append(b"x") {
                    if let Err(error) = journal.commit(last) {
                        assert_eq!(error.kind(), ErrorKind::ReadOnly);
                        return;
                    }
                }
            });
        }
    });
    assert!(journal.stats().durable < journal.last());
}

#[test]
fn a_failed_background_sync_is_reported_by_the_next_call() {
    let disk = SimulatedDisk::new();
    let journal = open(&disk, Durability::Group(Duration::from_millis(30)), 0).journal;
    let last = append(&journal).unwrap();
    journal.commit(last).unwrap();
    disk.plan(1, Fault::Fails(io::ErrorKind::Other));
    for _ in 0..2000 {
        if append(&journal).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(append(&journal).unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(journal.stats().durable, Sequence(0));
}

#[test]
fn a_failure_to_recycle_does_no_harm() {
    for call in 1..12 {
        let disk = SimulatedDisk::new();
        let journal = open(&disk, Durability::Sync, 0).journal;
        for _ in 0..80 {
            let last = append(&journal).unwrap();
            journal.commit(last).unwrap();
        }
        disk.plan(call, Fault::Fails(io::ErrorKind::PermissionDenied));
        if let Err(error) = journal.recycle(Sequence(70)) {
            assert_eq!(error.kind(), ErrorKind::Io);
        }
        let last = append(&journal).unwrap();
        // The fault may still have been to come.
        let committed = journal.commit(last).is_ok();
        let _ = journal.recycle(Sequence(70));
        disk.power_on();
        disk.power_cut(call);
        drop(journal);
        let records = open(&disk, Durability::Sync, 70).records;
        assert!(records == 11 || !committed && records == 10, "call {call}: {records}");
    }
}

#[test]
fn a_read_only_disk_is_refused_with_the_path() {
    let disk = super::fixture::closed_journal(10);
    disk.set_read_only(true);
    let refused = open_with(&disk, Durability::Sync, 0, Salvage::No).err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Io);
    let place = folder().display().to_string();
    assert!(refused.to_string().contains(&place) && refused.to_string().contains("read-only"), "{refused}");
}
