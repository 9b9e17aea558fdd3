//! The journal's own thread: syncs or writes what nobody waits for, marks what is durable when it is
//! quiet, and makes the next segment's file ahead.
//!
//! With nothing to do it sleeps until the next append. A failure to make a file ahead is not one of the
//! journal: the leader that needs the file will try itself, and report it.

use std::time::{Duration, Instant};

use parking_lot::MutexGuard;

use super::core::{Core, Queue, Reached};
use super::durability::Durability;
use super::sequence::Sequence;

/// So long without an append is quiet.
const QUIET: Duration = Duration::from_millis(100);
/// How often records are written that nobody waits for.
const WRITING: Duration = Duration::from_secs(1);

/// Works until the journal is closed.
pub(super) fn run(core: &Core) {
    let period = match core.durability {
        Durability::Group(interval) => interval,
        Durability::Sync | Durability::Memory => WRITING,
    };
    let mut seen = Sequence(0);
    let mut flush_at = Instant::now() + period;
    let mut quiet_at = Instant::now() + QUIET;
    // Whether the file after this segment has been looked after.
    let mut prepared_for = 0;
    loop {
        let mut queue = core.queue.lock();
        if queue.closed {
            return;
        }
        if queue.failure.is_some() || settled(core.durability, &queue) {
            sleep(core, &mut queue);
            flush_at = Instant::now() + period;
            quiet_at = Instant::now() + QUIET;
            continue;
        }
        let timed_out = core.wake.wait_until(&mut queue, flush_at.min(quiet_at)).timed_out();
        let (last, open) = (queue.last, (queue.open.number, queue.open.offset, queue.open.file_bytes));
        drop(queue);
        if !timed_out {
            continue;
        }
        let now = Instant::now();
        if now >= flush_at {
            flush(core, last);
            flush_at = now + period;
        }
        if now >= quiet_at {
            if last == seen {
                core.mark();
            }
            seen = last;
            quiet_at = now + QUIET;
        }
        if open.0 != prepared_for && open.1 > open.2 / 2 {
            prepared_for = open.0;
            // See the header: not a failure of the journal.
            let _ = core.segments.prepare();
        }
    }
}

/// Waits for an append or the end.
fn sleep(core: &Core, queue: &mut MutexGuard<'_, Queue>) {
    queue.drowsy = true;
    core.wake.wait(queue);
    queue.drowsy = false;
}

/// Whether there is nothing to do until the next append.
fn settled(durability: Durability, queue: &Queue) -> bool {
    let all_durable = queue.durable == queue.last;
    let flushed = match durability {
        Durability::Group(_) => all_durable,
        Durability::Sync | Durability::Memory => queue.written == queue.last,
    };
    flushed && (!all_durable || queue.marked >= queue.last)
}

/// Brings what was appended as far as the durability promises to bring it. What fails here is noted,
/// and the next call reports it.
fn flush(core: &Core, last: Sequence) {
    let written = core.reach(last, Reached::Written);
    if written.is_ok() && matches!(core.durability, Durability::Group(_)) {
        let _ = core.sync_written();
    }
}
