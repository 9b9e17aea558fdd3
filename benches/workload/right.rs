//! What cannot go wrong in a bench.

/// The result; a bench stops when there is none.
pub(crate) fn right<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}
