//! Calls into sled that may panic or never come back.
//!
//! Three ways in which sled was seen or read to fail, and what is done about each:
//!
//! - It panics on damaged pages. Every call is inside `catch_unwind`. The message of such a panic still
//!   appears on standard error: silencing it needs the process's panic hook, which belongs to the
//!   application, and which cannot be changed without a race.
//! - It waits for ever. A flush waits for a page to be written by sled's own pool of threads, and a
//!   thread of that pool that panicked never says so. Calls that write, and those that read what was
//!   not read before, therefore run in another thread, and are given up after a limit. Such a thread is
//!   used again for later calls: a new one for each costs some 50 us, and its memory is the allocator's
//!   for long.
//! - What hangs takes others with it: sled has *one* lock for the whole process, which readers share and
//!   a batch takes alone. A call that hangs while it holds that lock stops every later batch of every
//!   store in the process, and the waiting batch stops every reader. So while a call that was given up
//!   has not come back, no call is made any more, on any store of the process; and our own gate, of the
//!   same shape as sled's lock, keeps plain reads from waiting inside of sled behind a batch.
//!
//! A plain read of something that was read before runs on the caller's thread (a thread per read would
//! cost ten times what the read does). It is safe from hanging by reason, not by a limit: its way
//! through the tree was walked before within the limit, each page has a checksum of sled's, and its
//! loops are bounded.
//!
//! Invariants:
//! 1. `stuck` counts the calls that were given up and have not come back.
//! 2. A thread is idle or has one call.
//! 3. No plain read is inside of sled while a batch is.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use super::distrust::Distrust;

/// The guard of the one sled that a process has.
pub(crate) static SLED: Guard = Guard::new();

/// A thread that makes calls, as long as this end of its queue is there.
type Worker = mpsc::Sender<Box<dyn FnOnce() + Send>>;

/// Keeps watch over calls.
pub(crate) struct Guard {
    /// Threads that wait for a call.
    idle: Mutex<Vec<Worker>>,
    /// How many calls were given up and have not come back.
    stuck: AtomicUsize,
    /// Shared by plain reads, taken alone by batches.
    gate: RwLock<()>,
}

/// Most threads that are kept waiting.
const MAX_IDLE: usize = 4;

const RUNNING: u8 = 0;
const DONE: u8 = 1;
const GIVEN_UP: u8 = 2;

impl Guard {
    const fn new() -> Guard {
        Guard { idle: Mutex::new(Vec::new()), stuck: AtomicUsize::new(0), gate: RwLock::new(()) }
    }

    /// A plain read, on this thread.
    pub(crate) fn plain<T>(&self, call: impl FnOnce() -> Result<T, Distrust>) -> Result<T, Distrust> {
        let _gate = self.gate.read();
        self.nothing_is_stuck()?;
        caught(call)
    }

    /// A call on another thread, given up after `limit`.
    pub(crate) fn limited<T: Send + 'static>(
        &'static self,
        limit: Duration,
        what: &str,
        call: impl FnOnce() -> Result<T, Distrust> + Send + 'static,
    ) -> Result<T, Distrust> {
        self.nothing_is_stuck()?;
        let state = Arc::new(AtomicU8::new(RUNNING));
        let (answer, answers) = mpsc::sync_channel(1);
        let theirs = Arc::clone(&state);
        let body = move || {
            let result = caught(call);
            if let Err(unheard) = answer.send(result) {
                // Dropping a store does work, and may panic too.
                let _ = catch_unwind(AssertUnwindSafe(move || drop(unheard)));
            }
            if theirs.swap(DONE, Ordering::SeqCst) == GIVEN_UP {
                self.stuck.fetch_sub(1, Ordering::SeqCst);
            }
        };
        let failed = |error| Distrust::new(format!("{what}: no thread could be started: {error}"));
        let idle = self.idle.lock().pop();
        let worker = idle.map_or_else(new_worker, Ok).map_err(failed)?;
        // It takes calls until its queue is gone.
        let _ = worker.send(Box::new(body));
        if let Ok(result) = answers.recv_timeout(limit) {
            let mut idle = self.idle.lock();
            if idle.len() < MAX_IDLE {
                idle.push(worker);
            }
            return result;
        }
        self.stuck.fetch_add(1, Ordering::SeqCst);
        if state.compare_exchange(RUNNING, GIVEN_UP, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            self.stuck.fetch_sub(1, Ordering::SeqCst);
        }
        Err(Distrust::new(format!("{what} took longer than {} ms and was given up", limit.as_millis())))
    }

    /// A batch: a limited call, with no plain read beside it.
    pub(crate) fn alone(
        &'static self,
        limit: Duration,
        what: &str,
        call: impl FnOnce() -> Result<(), Distrust> + Send + 'static,
    ) -> Result<(), Distrust> {
        let Some(_gate) = self.gate.try_write_for(limit) else {
            return Err(Distrust::new(format!("{what}: a read has not come back")));
        };
        self.limited(limit, what, call)
    }

    fn nothing_is_stuck(&self) -> Result<(), Distrust> {
        match self.stuck.load(Ordering::SeqCst) {
            0 => Ok(()),
            _ => {
                Err(Distrust::new("an earlier call that was given up has not come back; restart the process"))
            }
        }
    }
}

fn new_worker() -> io::Result<Worker> {
    let (worker, calls) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
    let make_calls = move || calls.into_iter().for_each(|call| call());
    thread::Builder::new().name("habitue-live".to_owned()).spawn(make_calls)?;
    Ok(worker)
}

fn caught<T>(call: impl FnOnce() -> Result<T, Distrust>) -> Result<T, Distrust> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|payload| Err(Distrust::new(format!("sled panicked: {}", message(&*payload)))))
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A guard of the test's own: that of the process is other tests' too.
    fn guard() -> &'static Guard {
        Box::leak(Box::new(Guard::new()))
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_panic_is_a_doubt() {
        let panics = || -> Result<(), Distrust> { std::panic::panic_any("oh") };
        let guard = guard();
        assert_eq!(guard.plain(panics).expect_err("it panics").reason, "sled panicked: oh");
        assert_eq!(guard.limited(LONG, "trying", panics).expect_err("it panics").reason, "sled panicked: oh");
        assert_eq!(guard.plain(|| Ok(1)), Ok(1));
    }

    #[test]
    fn a_call_that_hangs_is_given_up_and_stops_all_others_until_it_is_back() {
        let guard = guard();
        let (release, released) = mpsc::channel::<()>();
        let hang = move || released.recv().map_err(|error| Distrust::new(error.to_string()));
        let doubt = guard.limited(Duration::from_millis(20), "hanging", hang).expect_err("it hangs");
        assert!(doubt.reason.contains("given up"), "{doubt}");
        assert!(guard.plain(|| Ok(1)).is_err());
        assert!(guard.alone(LONG, "writing", || Ok(())).is_err());
        release.send(()).expect("it waits");
        while guard.stuck.load(Ordering::SeqCst) > 0 {
            thread::yield_now();
        }
        assert_eq!(guard.plain(|| Ok(1)), Ok(1));
        assert_eq!(guard.alone(LONG, "writing", || Ok(())), Ok(()));
    }

    #[test]
    fn a_read_that_hangs_stops_a_batch_within_the_limit() {
        let guard = guard();
        let read = guard.plain(|| {
            let batch = guard.alone(Duration::from_millis(20), "writing", || Ok(()));
            Ok(batch.expect_err("a read is inside").reason)
        });
        assert_eq!(read, Ok("writing: a read has not come back".to_owned()));
    }
}
