//! Power cuts and ended processes at every moment, by seed.
//!
//! After each: what is read is a beginning of what was appended, whole records only; everything that
//! was acknowledged as durable is there, and after a mere end of the process everything that was
//! acknowledged as written; and the journal goes on, through the next cut too.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::fixture::{append, folder, open, open_with, options};
use crate::persist::disk::simulated_disk::{Chance, Fault, SimulatedDisk};
use crate::persist::journal::durability::Durability;
use crate::persist::journal::journal::Journal;
use crate::persist::journal::recovery::Salvage;
use crate::persist::journal::sequence::Sequence;

/// How far things are known to be, while threads work.
#[derive(Default)]
struct Promised {
    durable: AtomicU64,
    written: AtomicU64,
    appended: AtomicU64,
}

impl Promised {
    fn raise(place: &AtomicU64, to: Sequence) {
        place.fetch_max(to.0, Ordering::SeqCst);
    }
}

fn durabilities() -> [Durability; 3] {
    [Durability::Sync, Durability::Group(Duration::from_millis(1)), Durability::Memory]
}

/// Appends in bursts until something fails or it has done enough; says what was promised.
fn load(journal: &Journal, durability: Durability, chance: &mut Chance, promised: &Promised, steps: u64) {
    for _ in 0..steps {
        for _ in 0..=chance.below(6) {
            let Ok(last) = append(journal) else { return };
            Promised::raise(&promised.appended, last);
        }
        let last = journal.last();
        let done = match (chance.below(8), durability) {
            (0, _) => journal.sync().map(|last| Promised::raise(&promised.durable, last)),
            (1, _) => journal.recycle(Sequence(promised.durable.load(Ordering::SeqCst).saturating_sub(20))),
            (_, Durability::Sync) => journal.commit(last).map(|()| Promised::raise(&promised.durable, last)),
            (_, Durability::Group(_)) => {
                journal.commit(last).map(|()| Promised::raise(&promised.written, last))
            }
            (_, Durability::Memory) => journal.commit(last),
        };
        if done.is_err() {
            return;
        }
    }
}

#[test]
fn one_thread_loses_nothing_it_was_promised() {
    let mut torn = 0;
    for seed in 0..300_u64 {
        let durability = durabilities()[(seed % 3) as usize];
        let mut chance = Chance::new(seed);
        let disk = SimulatedDisk::new();
        let mut base = 0;
        let mut before = 0;
        for round in 0..4 {
            let context = format!("seed {seed} round {round} {durability:?}");
            let opened = open(&disk, durability, base);
            assert!(opened.journal.last().0 >= before, "{context}");
            let promised = Promised::default();
            Promised::raise(&promised.durable, opened.journal.last());
            let planned = chance.below(3) > 0;
            let cut = chance.next();
            if planned {
                disk.plan(1 + chance.below(60), Fault::PowerCut(cut));
            }
            load(&opened.journal, durability, &mut chance, &promised, 25);
            let appended = opened.journal.last().0;
            let was_off = disk.power_on();
            if !was_off && chance.below(4) == 0 {
                before = promised.written.load(Ordering::SeqCst).max(promised.durable.load(Ordering::SeqCst));
                disk.kill();
            } else {
                before = promised.durable.load(Ordering::SeqCst);
                if !was_off {
                    disk.power_cut(cut);
                }
            }
            drop(opened.journal);
            base = before.saturating_sub(20);
            let again = open(&disk, durability, base);
            torn += u64::from(again.recovered.torn.is_some());
            let last = again.journal.last().0;
            assert!((before..=appended).contains(&last), "{context}: {last} of {before}..={appended}");
            // Opening has made it stable: no cut takes it away again.
            disk.power_cut(cut ^ 1);
            before = last;
        }
    }
    assert!(torn > 20, "the cuts left {torn} torn ends");
}

#[test]
fn many_threads_lose_nothing_they_were_promised() {
    for seed in 0..60_u64 {
        let durability = durabilities()[(seed % 3) as usize];
        let disk = SimulatedDisk::new();
        let journal = open(&disk, durability, 0).journal;
        let cut = Chance::new(seed).next();
        disk.plan(3 + cut % 80, Fault::PowerCut(cut));
        let (durable, appended) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (journal, durable, appended) = (&journal, &durable, &appended);
                scope.spawn(move || {
                    for count in 0..40 {
                        // Which thread appended which record is not known here, only its own numbers.
                        let Ok(sequence) = journal.append(&[thread; 300]) else { return };
                        Promised::raise(appended, sequence);
                        let done = if count % 16 == 15 {
                            journal.sync().map(|_| true)
                        } else {
                            journal.commit(sequence).map(|()| durability == Durability::Sync)
                        };
                        match done {
                            Ok(true) => Promised::raise(durable, sequence),
                            Ok(false) => {}
                            Err(_) => return,
                        }
                    }
                });
            }
        });
        if !disk.power_on() {
            disk.power_cut(cut);
        }
        drop(journal);
        let options = options(durability);
        let mut last = 0;
        let opened = Journal::open(
            disk.process(),
            folder(),
            options,
            Sequence(0),
            Salvage::No,
            &mut |sequence, bytes| {
                assert!(
                    sequence.0 == last + 1
                        && bytes.len() == 300
                        && bytes.iter().all(|byte| *byte == bytes[0])
                );
                last += 1;
                Ok(())
            },
        );
        opened.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let (durable, appended) = (durable.into_inner(), appended.into_inner());
        assert!((durable..=appended).contains(&last), "seed {seed}: {last} of {durable}..={appended}");
    }
}

#[test]
fn a_cut_at_every_call_of_opening_is_survived() {
    // A journal with a torn end behind which a whole frame lies, and one that is new.
    let mut torn_seed = 0;
    let torn = loop {
        let disk = SimulatedDisk::new();
        let journal = open(&disk, Durability::Group(Duration::from_secs(60)), 0).journal;
        for _ in 0..6 {
            let last = append(&journal).unwrap();
            journal.commit(last).unwrap();
        }
        disk.power_cut(torn_seed);
        drop(journal);
        if open(&disk.copy(), Durability::Sync, 0).recovered.torn.is_some() {
            break disk;
        }
        torn_seed += 1;
    };
    for (name, start) in [("torn", torn), ("new", SimulatedDisk::new())] {
        let expected = open(&start.copy(), Durability::Sync, 0).records;
        for call in 1..20 {
            for seed in 0..20 {
                let disk = start.copy();
                disk.plan(call, Fault::PowerCut(seed));
                let first = open_with(&disk, Durability::Sync, 0, Salvage::No);
                drop(first);
                disk.power_on();
                let opened = open(&disk, Durability::Sync, 0);
                assert_eq!(opened.records, expected, "{name} call {call} seed {seed}");
            }
        }
    }
}

/// Rewriting after a cut must not bring back what the cut had left behind.
#[test]
fn what_was_behind_a_torn_end_never_comes_back() {
    for seed in 0..250_u64 {
        let disk = SimulatedDisk::new();
        let journal = open(&disk, Durability::Group(Duration::from_secs(60)), 0).journal;
        for _ in 0..12 {
            let last = append(&journal).unwrap();
            journal.commit(last).unwrap();
        }
        disk.power_cut(seed);
        drop(journal);
        // The same records again, one by one, each followed by a cut: exactly those are there.
        let first = open(&disk.copy(), Durability::Sync, 0).records;
        for round in 0..4 {
            let opened = open(&disk, Durability::Sync, 0);
            assert_eq!(opened.records, first + round, "seed {seed} round {round}");
            let last = append(&opened.journal).unwrap();
            opened.journal.commit(last).unwrap();
            disk.power_cut(seed + round);
        }
    }
}

#[test]
fn frames_of_a_recycled_file_never_come_back() {
    for seed in 0..60_u64 {
        let disk = SimulatedDisk::new();
        let mut covered = 0;
        for round in 0..6 {
            let opened = open(&disk, Durability::Sync, covered);
            assert_eq!(opened.recovered.last.0, opened.journal.last().0, "seed {seed}");
            for _ in 0..30 {
                let last = append(&opened.journal).unwrap();
                opened.journal.commit(last).unwrap();
            }
            covered = opened.journal.last().0;
            opened.journal.recycle(Sequence(covered)).unwrap();
            // Unacknowledged ones, torn by the cut, in a file full of old frames.
            for _ in 0..5 {
                append(&opened.journal).unwrap();
            }
            disk.plan(1, Fault::PowerCut(seed * 8 + round));
            let _ = opened.journal.sync();
            disk.power_on();
        }
        assert!(open(&disk, Durability::Sync, covered).records <= 5, "seed {seed}");
    }
}
