//! Reading the tree under guard: single keys at once, ranges piece by piece.
//!
//! A range may be as long as the store. It is read in pieces, each on a guarded thread with the limit of
//! one call, so that the limit says that sled hangs and not that there is much to read.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::time::Duration;

use super::distrust::Distrust;
use super::guarded::SLED;
use super::tree::{Bytes, Tree};

/// Most entries of one piece: some milliseconds, or some hundred when each page comes from the disk.
const PIECE: usize = 2048;

/// The tree and the limit of one call.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) tree: Arc<Tree>,
    pub(crate) limit: Duration,
}

impl Reader {
    /// The value of a key in a bucket that was read before.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Distrust> {
        SLED.plain(|| self.tree.get(key))
    }

    /// The values of keys, in their order.
    pub(crate) fn values(&self, keys: Vec<Vec<u8>>, what: &str) -> Result<Vec<Option<Bytes>>, Distrust> {
        let tree = Arc::clone(&self.tree);
        SLED.limited(self.limit, what, move || keys.iter().map(|key| tree.get(key)).collect())
    }

    /// Shows the entries of a range, in order, until `visit` breaks off.
    pub(crate) fn walk(
        &self,
        range: Range<Vec<u8>>,
        what: &str,
        visit: &mut dyn FnMut(Bytes, Bytes) -> Result<ControlFlow<()>, Distrust>,
    ) -> Result<(), Distrust> {
        let Range { mut start, end } = range;
        loop {
            let tree = Arc::clone(&self.tree);
            let piece = start.clone()..end.clone();
            let entries = SLED.limited(self.limit, what, move || tree.entries(piece, PIECE))?;
            let is_last = entries.len() < PIECE;
            for (key, value) in entries {
                if *key < *start {
                    return Err(Distrust::new(format!("{what}: entries are out of order")));
                }
                // The least key behind this one.
                start.clear();
                start.extend_from_slice(&key);
                start.push(0);
                if visit(key, value)?.is_break() {
                    return Ok(());
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// All entries of a range.
    pub(crate) fn all(&self, range: Range<Vec<u8>>, what: &str) -> Result<Vec<(Bytes, Bytes)>, Distrust> {
        let mut found = Vec::new();
        self.walk(range, what, &mut |key, value| {
            found.push((key, value));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }
}
