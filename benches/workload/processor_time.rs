//! How long a thread has been on a processor.

use std::time::Duration;

/// How long this thread has been on a processor. The clock counts in nanoseconds; what `/proc` says of it
/// moves in ticks of milliseconds only.
pub(crate) fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
