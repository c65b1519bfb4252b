//! Capsules that take their time, claims that take theirs, and panics before and after a wait.

use std::{
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use nextbest_engine::{Bundle, Capsule, Change, IndexOptions, Moment, Record, Request, RequestError};

use crate::{
    Active, AnswerBounds, Answered, Customers, Deadline, LateModels, Opening, Pipeline, PipelineError,
    open_niced,
    testing::{age, bundle, placed, request},
};

/// What one customer's capsule, and a claim for it, do when they are polled for the last time.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    Answer,
    Panic,
}

/// Customers who are all of one age, once their capsules come.
struct Slow {
    has_come: AtomicBool,
    then: Then,
    claimed: AtomicBool,
}

impl Slow {
    fn new(then: Then) -> Self {
        Self {
            has_come: false.into(),
            then,
            claimed: false.into(),
        }
    }

    /// Pending until the capsules have come.
    async fn come(&self) {
        std::future::poll_fn(|_| {
            if self.has_come.load(Ordering::Relaxed) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

impl Customers for Slow {
    async fn load(&self, _: &str) -> Option<Arc<Capsule>> {
        self.come().await;
        assert!(self.then == Then::Answer, "broken invariant");
        let attributes = [age(30)];
        let change = Change::of_attributes(&attributes).unwrap();
        Some(Arc::new(Capsule::default().apply(&change).unwrap()))
    }

    async fn claim(&self, _: &Record<'_>) {
        self.claimed.store(true, Ordering::Relaxed);
    }
}

fn active() -> Arc<Active> {
    let opening = Opening {
        index: IndexOptions::default(),
        onnxruntime_path: None,
        health_sample: 0,
        workers: 1,
    };
    Arc::new(open_niced(bundle("gold-card"), opening).unwrap())
}

fn pipeline<'a, C>(active: &'a Arc<Active>, customers: &'a C) -> Pipeline<'a, C> {
    Pipeline {
        active,
        worker: 0,
        customers,
        moment: Moment { now_us: 0, seed: 7 },
        deadline: Deadline::NONE,
        late_models: LateModels::Degrade,
        bounds: AnswerBounds::NONE,
        shadow: None,
    }
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn check(bundle: &Bundle) -> Result<Request, RequestError> {
    Request::check(bundle, request("c", vec![]))
}

fn ready(polled: Poll<Answered>) -> Answered {
    match polled {
        Poll::Ready(answered) => answered,
        Poll::Pending => panic!("it still waits"),
    }
}

#[test]
fn a_request_that_waits_for_its_capsule_holds_up_no_other_of_its_worker() {
    let active = active();
    let (slow, fast) = (Slow::new(Then::Answer), Slow::new(Then::Answer));
    fast.has_come.store(true, Ordering::Relaxed);
    let (slowly, quickly) = (pipeline(&active, &slow), pipeline(&active, &fast));
    let mut waiting = pin!(slowly.answer(check, |_| {}));
    assert!(poll(waiting.as_mut()).is_pending());
    let mut second = pin!(quickly.answer(check, |_| {}));
    assert_eq!(
        placed(&ready(poll(second.as_mut())).answer.unwrap()),
        ["gold-card"]
    );
    assert!(poll(waiting.as_mut()).is_pending());
    slow.has_come.store(true, Ordering::Relaxed);
    assert_eq!(
        placed(&ready(poll(waiting.as_mut())).answer.unwrap()),
        ["gold-card"]
    );
    assert!(slow.claimed.load(Ordering::Relaxed));
}

#[test]
fn a_panic_fails_its_request_alone_also_after_a_wait() {
    let active = active();
    let customers = Slow::new(Then::Panic);
    let failing = pipeline(&active, &customers);
    let mut waiting = pin!(failing.answer(check, |_| {}));
    assert!(poll(waiting.as_mut()).is_pending());
    customers.has_come.store(true, Ordering::Relaxed);
    let answer = ready(poll(waiting.as_mut())).answer;
    assert!(matches!(answer, Err(PipelineError::Internal)));

    let mut unchecked = pin!(failing.answer(|_| panic!("broken invariant"), |_| {}));
    assert!(matches!(
        ready(poll(unchecked.as_mut())).answer,
        Err(PipelineError::Internal)
    ));

    // The bundle, and the worker's model sessions, are as they were.
    let customers = Slow::new(Then::Answer);
    customers.has_come.store(true, Ordering::Relaxed);
    let sound = pipeline(&active, &customers);
    let mut unobserved = pin!(sound.answer(check, |_| panic!("broken invariant")));
    assert!(matches!(
        ready(poll(unobserved.as_mut())).answer,
        Err(PipelineError::Internal)
    ));
    let mut sound = pin!(sound.answer(check, |_| {}));
    assert!(ready(poll(sound.as_mut())).answer.is_ok());
}

#[test]
fn what_is_refused_claims_nothing() {
    let active = active();
    let customers = Slow::new(Then::Answer);
    customers.has_come.store(true, Ordering::Relaxed);
    let mut late = pipeline(&active, &customers);
    late.deadline = Deadline::after(std::time::Instant::now(), std::time::Duration::ZERO);
    let mut refused = pin!(late.answer(check, |_| {}));
    assert!(matches!(
        ready(poll(refused.as_mut())).answer,
        Err(PipelineError::Deadline)
    ));
    assert!(!customers.claimed.load(Ordering::Relaxed));
}
