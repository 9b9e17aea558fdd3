//! Several runs, and ids in memory, as one ascending sequence.

use std::collections::BTreeMap;

use super::run::{Run, pair};
use crate::base::error::Error;
use crate::persist::block_file::iteration::Iteration;

/// The sequence. The sources are few, so the least is looked for among all of them.
pub(super) struct Merging<'a> {
    runs: Vec<Source<'a>>,
    /// Ids in memory, ascending.
    batch: std::vec::IntoIter<(u128, u128)>,
    next_of_batch: Option<(u128, u128)>,
    revised: &'a Revised,
}

/// What becomes of ids: none is left, or another content.
pub(crate) type Revised = BTreeMap<u128, Option<u128>>;

/// Every id stays as it is.
static AS_IT_IS: Revised = Revised::new();

struct Source<'a> {
    pairs: Iteration<'a>,
    next: Option<(u128, u128)>,
}

impl<'a> Merging<'a> {
    /// From the start of all of them; `batch` ascends.
    pub(super) fn new(
        batch: Vec<(u128, u128)>,
        runs: impl Iterator<Item = &'a Run>,
    ) -> Result<Merging<'a>, Error> {
        let mut batch = batch.into_iter();
        let next_of_batch = batch.next();
        let mut merging = Merging { runs: Vec::new(), batch, next_of_batch, revised: &AS_IT_IS };
        for run in runs {
            let mut source = Source { pairs: run.pairs(), next: None };
            source.advance()?;
            merging.runs.push(source);
        }
        Ok(merging)
    }

    /// The same, but for some ids.
    pub(super) fn revised(self, revised: &'a Revised) -> Merging<'a> {
        Merging { revised, ..self }
    }

    /// The next id and its content. An id that is in several places comes once.
    pub(super) fn next(&mut self) -> Result<Option<(u128, u128)>, Error> {
        while let Some((id, content)) = self.next_as_it_was()? {
            match self.revised.get(&id) {
                None => return Ok(Some((id, content))),
                Some(Some(content)) => return Ok(Some((id, *content))),
                Some(None) => {}
            }
        }
        Ok(None)
    }

    fn next_as_it_was(&mut self) -> Result<Option<(u128, u128)>, Error> {
        let of_runs = self.runs.iter().filter_map(|source| source.next);
        let Some(least) = of_runs.chain(self.next_of_batch).min() else { return Ok(None) };
        let is_least = |next: Option<(u128, u128)>| next.is_some_and(|(id, _)| id == least.0);
        for source in &mut self.runs {
            if is_least(source.next) {
                source.advance()?;
            }
        }
        while is_least(self.next_of_batch) {
            self.next_of_batch = self.batch.next();
        }
        Ok(Some(least))
    }
}

impl Source<'_> {
    fn advance(&mut self) -> Result<(), Error> {
        self.next = self.pairs.next_entry()?.and_then(pair);
        Ok(())
    }
}
