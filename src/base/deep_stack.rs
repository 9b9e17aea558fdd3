//! A stack that is deep enough for other people's recursive parsers.
//!
//! The grammar of CEL descends through some twenty functions for each level of brackets, and the tree
//! of a TOML file is dropped level by level; in a build without optimisation that is more than a
//! thread's usual 2 MiB hold. What such parsers are given is bounded, so a bounded stack is enough.

/// Bytes of the deep stack: reserved, and used only as far as it is needed.
const STACK_BYTES: usize = 256 * 1024 * 1024;

/// Does `work` on a thread of its own with a deep stack.
pub(crate) fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        let done = thread.expect("a stack takes addresses, not memory, until it is used").join();
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
