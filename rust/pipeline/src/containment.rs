//! A future -> its output, or nothing where it panics; and how long its thread worked on it.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

/// Runs a future. A panic, before or after something was awaited, ends this future alone.
///
/// Nothing that a panic could leave half done is read again: a decision only reads what is shared, and the future is not
/// polled again. Locks are released, not poisoned.
pub(crate) async fn contain<T>(work: impl Future<Output = T>) -> (Option<T>, Duration) {
    let mut work = pin!(work);
    let mut worked = Duration::ZERO;
    let output = poll_fn(|context| {
        let started = Instant::now();
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        worked += started.elapsed();
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
            Err(_) => Poll::Ready(None),
        }
    })
    .await;
    (output, worked)
}
