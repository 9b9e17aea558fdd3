//! How models run.

/// How often a reader reads while somebody writes: loom tries every order, Miri some.
pub(crate) const READS: usize = if cfg!(miri) { 10 } else { 1 };

/// Runs a model some times: Miri chooses the order by its seed.
#[cfg(miri)]
pub(crate) fn model(model: impl Fn() + Sync + Send + 'static) {
    (0..4).for_each(|_| model());
}

/// Runs a model in every order with at most three preemptions, which is where nearly all faults show.
#[cfg(not(miri))]
pub(crate) fn model(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}
