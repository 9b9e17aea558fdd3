//! A queue that grows without being copied, so that nobody waits long for the lock that it is behind.
//!
//! Invariants:
//! 1. No piece is empty, and `len` is the sum of their lengths.

use std::collections::VecDeque;

/// Room for so many in a piece.
const PIECE: usize = 256;

/// The queue.
#[derive(Debug)]
pub(crate) struct PieceQueue<T> {
    pieces: VecDeque<VecDeque<T>>,
    len: usize,
}

impl<T> Default for PieceQueue<T> {
    fn default() -> PieceQueue<T> {
        PieceQueue { pieces: VecDeque::new(), len: 0 }
    }
}

impl<T> PieceQueue<T> {
    /// How many are in it.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Puts one at the end.
    pub(crate) fn push(&mut self, one: T) {
        self.len += 1;
        match self.pieces.back_mut().filter(|piece| piece.len() < PIECE) {
            Some(piece) => piece.push_back(one),
            None => {
                let mut piece = VecDeque::with_capacity(PIECE);
                piece.push_back(one);
                self.pieces.push_back(piece);
            }
        }
    }

    /// Takes the first one out.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let piece = self.pieces.front_mut()?;
        let first = piece.pop_front();
        if piece.is_empty() {
            self.pieces.pop_front();
        }
        self.len -= 1;
        first
    }
}

impl<T> Extend<T> for PieceQueue<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, all: I) {
        all.into_iter().for_each(|one| self.push(one));
    }
}

impl<T> IntoIterator for PieceQueue<T> {
    type Item = T;
    type IntoIter = std::iter::Flatten<std::collections::vec_deque::IntoIter<VecDeque<T>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.pieces.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_in_first_out() {
        let (mut queue, mut right) = (PieceQueue::default(), VecDeque::new());
        for step in 0..20 * PIECE {
            // More come than go, then more go than come.
            let goes = if step < 10 * PIECE { step % 3 == 0 } else { step % 3 != 0 };
            if goes {
                assert_eq!(queue.pop(), right.pop_front());
            } else {
                queue.extend([step, step + 1]);
                right.extend([step, step + 1]);
            }
            assert_eq!(queue.len(), right.len());
            assert!(queue.pieces.iter().all(|piece| !piece.is_empty() && piece.capacity() <= PIECE));
        }
        assert!(right.len() > 2 * PIECE);
        assert!(queue.into_iter().eq(right));
    }
}
