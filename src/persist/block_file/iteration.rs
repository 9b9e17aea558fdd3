//! Goes through the pairs of a block file in order, with one block in memory.

use super::entries::Pair;
use super::reader::{Block, BlockFileReader};
use crate::base::error::Error;

/// A place in a file. After an error it is at its end.
#[derive(Debug)]
pub(crate) struct Iteration<'a> {
    reader: &'a BlockFileReader,
    /// The block at hand.
    number: usize,
    block: Option<Block>,
    at: usize,
    /// Keys before this one are passed over.
    from: Vec<u8>,
}

impl<'a> Iteration<'a> {
    pub(super) fn new(reader: &'a BlockFileReader, number: usize, from: &[u8]) -> Iteration<'a> {
        Iteration { reader, number, block: None, at: 0, from: from.to_vec() }
    }

    /// The next pair. It borrows the block, so nothing is copied.
    pub(crate) fn next_entry(&mut self) -> Result<Option<Pair<'_>>, Error> {
        let Some(found) = self.seek().inspect_err(|_| self.number = self.reader.blocks())? else {
            return Ok(None);
        };
        let Some(block) = &self.block else { return Ok(None) };
        Ok(self.reader.entry(self.number, block, found)?.map(|(pair, _)| pair))
    }

    /// Goes to the next pair; returns where in the block at hand it is.
    fn seek(&mut self) -> Result<Option<usize>, Error> {
        while self.number < self.reader.blocks() {
            let block = match self.block.take() {
                Some(block) => block,
                None => self.reader.block(self.number)?,
            };
            while let Some(((key, _), next)) = self.reader.entry(self.number, &block, self.at)? {
                let found = self.at;
                let wanted = key >= &self.from[..];
                self.at = next;
                if wanted {
                    self.from.clear();
                    self.block = Some(block);
                    return Ok(Some(found));
                }
            }
            self.number += 1;
            self.at = 0;
        }
        Ok(None)
    }
}
