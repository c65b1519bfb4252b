//! Amounts of memory that all workers share, and the parts of them that are in use.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// An amount of memory. It is counted, not allocated.
#[derive(Debug)]
pub struct MemoryBudget {
    bytes_max: usize,
    bytes: AtomicUsize,
}

impl MemoryBudget {
    /// This number of bytes, none of them in use.
    #[must_use]
    pub fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self {
            bytes_max,
            bytes: 0.into(),
        })
    }

    /// Bytes that are held now.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    /// Takes this number of bytes. False, and none are taken, when fewer are left.
    #[must_use]
    pub fn take(&self, bytes: usize) -> bool {
        let before = self.bytes.fetch_add(bytes, Relaxed);
        let fits = before.checked_add(bytes).is_some_and(|all| all <= self.bytes_max);
        if !fits {
            self.give_back(bytes);
        }
        fits
    }

    /// Gives back what was taken.
    pub fn give_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Relaxed);
    }
}

/// The part of a budget that one request holds; given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<MemoryBudget>,
    bytes: usize,
}

impl Reservation {
    /// One that holds nothing yet.
    #[must_use]
    pub fn of(budget: &Arc<MemoryBudget>) -> Self {
        Self {
            budget: Arc::clone(budget),
            bytes: 0,
        }
    }

    /// Bytes that it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Holds this number of bytes instead. False, and nothing changes, when fewer are left.
    #[must_use]
    pub fn hold(&mut self, bytes: usize) -> bool {
        if bytes > self.bytes {
            if !self.budget.take(bytes - self.bytes) {
                return false;
            }
        } else if bytes < self.bytes {
            self.budget.give_back(self.bytes - bytes);
        }
        self.bytes = bytes;
        true
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.give_back(self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_held_and_given_back() {
        let budget = MemoryBudget::new(10);
        let (mut one, mut two) = (Reservation::of(&budget), Reservation::of(&budget));
        assert!(one.hold(6) && two.hold(4));
        assert!(!two.hold(5));
        assert_eq!(budget.bytes(), 10);
        assert!(one.hold(5) && two.hold(5));
        drop(one);
        assert!(two.hold(10));
        assert!(!two.hold(usize::MAX));
        assert_eq!((two.bytes(), budget.bytes()), (10, 10));
        drop(two);
        assert_eq!(budget.bytes(), 0);
    }
}
