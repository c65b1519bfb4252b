//! Encoded spans waiting for the exporter: bounded in bytes, and counted.
//!
//! Without a lock between the deciding threads and the exporter: that thread runs at the lowest priority, and
//! a thread that waited for its lock would wait for everything else on the machine.

use std::sync::{
    Arc,
    atomic::{
        AtomicBool, AtomicU64, AtomicUsize,
        Ordering::{Relaxed, SeqCst},
    },
};

use crossbeam_queue::SegQueue;
use tokio::sync::Notify;

/// What a queued span takes besides its bytes: allocation and the queue's slot.
const ENTRY_BYTES: usize = 64;

/// At any moment: `emitted = exported + rejected + dropped + pending`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Spans handed to the processor.
    pub emitted: u64,
    /// Spans that the collector has accepted.
    pub exported: u64,
    /// Spans that the collector has refused permanently.
    pub rejected: u64,
    /// Spans given up: the queue was full, retries ran out, or the time to shut down did.
    pub dropped: u64,
    /// Spans queued or on their way.
    pub pending: u64,
    /// Decisions that the sampler left without a span: not among those emitted.
    pub sampled_out: u64,
}

pub(crate) struct Queue {
    spans: SegQueue<Box<[u8]>>,
    // Of spans queued and on their way.
    bytes: AtomicUsize,
    bytes_max: usize,
    // Where the exporter is woken before its time.
    bytes_wake: usize,
    wake: Notify,
    closed: AtomicBool,
    // The last span found no room, and nothing has left since.
    full: AtomicBool,
    emitted: AtomicU64,
    exported: AtomicU64,
    rejected: AtomicU64,
    dropped: AtomicU64,
    sampled_out: AtomicU64,
}

impl Queue {
    pub(crate) fn new(bytes_max: usize, bytes_wake: usize) -> Self {
        Self {
            spans: SegQueue::new(),
            bytes: AtomicUsize::new(0),
            bytes_max,
            bytes_wake,
            wake: Notify::new(),
            closed: AtomicBool::new(false),
            full: AtomicBool::new(false),
            emitted: AtomicU64::new(0),
            exported: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            sampled_out: AtomicU64::new(0),
        }
    }

    /// Queues the span that `encode` gives, or drops it where that would take the queue beyond its bound. If
    /// the one before was dropped and no room has been made since, it is not even encoded: an overloaded
    /// server has no time for spans that are dropped.
    pub(crate) fn push<'a>(&self, encode: impl FnOnce() -> &'a [u8]) {
        self.emitted.fetch_add(1, SeqCst);
        if self.full.load(SeqCst) || self.closed.load(SeqCst) {
            self.dropped.fetch_add(1, SeqCst);
            return;
        }
        let span = encode();
        let size = span.len() + ENTRY_BYTES;
        let before = self.bytes.fetch_add(size, SeqCst);
        if before + size > self.bytes_max {
            self.full.store(true, SeqCst);
            // Room that was made before this line was signalled too early; room that is made later is
            // signalled again. If this span is the only one in the queue, there would be no signal.
            let with_it = self.bytes.fetch_sub(size, SeqCst);
            if with_it <= self.bytes_max || with_it == size {
                self.full.store(false, SeqCst);
            }
            self.dropped.fetch_add(1, SeqCst);
            return;
        }
        self.spans.push(span.into());
        // Only the span that crosses the line wakes: waking is a system call.
        if before < self.bytes_wake && before + size >= self.bytes_wake {
            self.wake.notify_one();
        }
    }

    /// Counts a span that is not made.
    pub(crate) fn leave_out(&self) {
        self.sampled_out.fetch_add(1, Relaxed);
    }

    /// The next batch, oldest first; nothing when the queue is empty. It counts as pending until it is
    /// settled.
    pub(crate) fn pop(self: &Arc<Self>, spans_max: usize, bytes_max: usize) -> Option<Batch> {
        let mut batch = Batch {
            queue: Arc::clone(self),
            spans: Vec::new(),
            count: 0,
            bytes: 0,
        };
        while batch.count < spans_max && batch.spans.len() < bytes_max {
            let Some(span) = self.spans.pop() else { break };
            batch.spans.extend_from_slice(&span);
            batch.bytes += span.len() + ENTRY_BYTES;
            batch.count += 1;
        }
        (batch.count > 0).then_some(batch)
    }

    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// From here on, whatever is pushed is dropped.
    pub(crate) fn close(&self) {
        self.closed.store(true, SeqCst);
    }

    pub(crate) fn counts(&self) -> Counts {
        // `emitted` last: whatever is counted in another was counted there before.
        let exported = self.exported.load(SeqCst);
        let rejected = self.rejected.load(SeqCst);
        let dropped = self.dropped.load(SeqCst);
        let emitted = self.emitted.load(SeqCst);
        Counts {
            emitted,
            exported,
            rejected,
            dropped,
            pending: emitted - exported - rejected - dropped,
            sampled_out: self.sampled_out.load(Relaxed),
        }
    }

    /// Bytes held by spans queued and on their way.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(SeqCst)
    }
}

/// Spans taken from the queue. Dropped without being settled, its spans count as dropped.
pub(crate) struct Batch {
    queue: Arc<Queue>,
    spans: Vec<u8>,
    count: usize,
    bytes: usize,
}

impl Batch {
    /// The spans as elements of `ScopeSpans.spans`. Once: they are taken out.
    pub(crate) fn take_spans(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.spans)
    }

    /// The collector has accepted the batch, except for `rejected` spans of it.
    pub(crate) fn settle(mut self, rejected: u64) {
        let count = self.release();
        let rejected = rejected.min(count);
        self.queue.rejected.fetch_add(rejected, SeqCst);
        self.queue.exported.fetch_add(count - rejected, SeqCst);
    }

    fn release(&mut self) -> u64 {
        self.queue
            .bytes
            .fetch_sub(std::mem::take(&mut self.bytes), SeqCst);
        self.queue.full.store(false, SeqCst);
        std::mem::take(&mut self.count) as u64
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        if self.count > 0 {
            let count = self.release();
            self.queue.dropped.fetch_add(count, SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: [u8; 100] = [7; 100];

    #[test]
    fn what_would_be_dropped_is_not_encoded() {
        let queue = Arc::new(Queue::new(3 * (SPAN.len() + ENTRY_BYTES), usize::MAX));
        let mut encoded = 0;
        let mut push = |times: usize| {
            for _ in 0..times {
                queue.push(|| {
                    encoded += 1;
                    &SPAN
                });
            }
            encoded
        };
        // The fourth finds no room, and those behind it are not looked at.
        assert_eq!(push(10), 4);
        queue.pop(1, usize::MAX).unwrap().settle(0);
        assert_eq!(push(10), 6);
        queue.close();
        drop(queue.pop(9, usize::MAX));
        assert_eq!(push(10), 6);
        let counts = queue.counts();
        assert_eq!(
            (counts.emitted, counts.exported, counts.dropped, counts.pending),
            (30, 1, 29, 0)
        );
    }

    #[test]
    fn a_span_larger_than_the_queue_holds_up_no_other() {
        let queue = Queue::new(200, usize::MAX);
        queue.push(|| &[0; 300]);
        queue.push(|| &SPAN);
        assert_eq!(queue.counts().pending, 1);
    }
}
