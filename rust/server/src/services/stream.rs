//! `DecideStream`: questions on one call, each answered under its id.
//!
//! A decision takes microseconds of the worker that the call belongs to, so each question is answered when it is read,
//! and the transport's windows are the only queue: a caller that does not read its answers is not read from.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use nextbest_engine::{Bundle, Request};
use nextbest_proto::v1::{self, streamed_response::Result as Answer};
use tokio::sync::watch;
use tokio_stream::Stream;
use tokio_util::sync::ReusableBoxFuture;
use tonic::{Status, Streaming};

use crate::{
    call::Call,
    call_error::CallError,
    detail::Detail,
    handler::Handler,
    limits::{STREAM_LAST_ANSWERS_MAX, STREAM_TURN_ANSWERS},
};

/// Turns true when the server asks the call's client to leave. In the extensions of a streaming call's
/// request.
#[derive(Debug, Clone)]
pub(crate) struct Leaving(pub(crate) watch::Receiver<bool>);

/// How a call ends that its caller does not end.
enum End {
    /// What has come is answered.
    Answered(Status),
    /// At once.
    Now(Status),
}

/// The answers of one call.
pub(crate) struct Answers {
    handler: Arc<Handler>,
    call: Call,
    questions: Streaming<v1::StreamedRequest>,
    // The question that is being answered; the next is read when it has its answer. Allocated once a call.
    answering: Option<ReusableBoxFuture<'static, v1::StreamedResponse>>,
    is_answering: bool,
    // Why the call ends before the caller ends it.
    end: Pin<Box<dyn Future<Output = End> + Send>>,
    ending: Option<Status>,
    is_over: bool,
    // Since other work of the thread had its turn; since the end was announced.
    turn: u32,
}

impl Answers {
    pub(crate) fn new(
        handler: Handler,
        call: Call,
        leaving: Option<Leaving>,
        questions: Streaming<v1::StreamedRequest>,
    ) -> Self {
        let end = Box::pin(ends(
            leaving,
            handler.shared.grants.subscribe(),
            call.deadline.left(),
        ));
        Self {
            handler: Arc::new(handler),
            call,
            questions,
            answering: None,
            is_answering: false,
            end,
            ending: None,
            is_over: false,
            turn: 0,
        }
    }

    fn begin(&mut self, question: v1::StreamedRequest) {
        let answer = answer(Arc::clone(&self.handler), self.call.again(), question);
        match &mut self.answering {
            Some(answering) => answering.set(answer),
            None => self.answering = Some(ReusableBoxFuture::new(answer)),
        }
        self.is_answering = true;
    }

    /// Goes on with the question that is being answered. Nothing where there is none.
    fn go_on(&mut self, context: &mut Context<'_>) -> Option<Poll<v1::StreamedResponse>> {
        let answering = self.answering.as_mut().filter(|_| self.is_answering)?;
        let answer = answering.poll(context);
        self.is_answering = answer.is_pending();
        if self.is_answering && self.ending.is_none() {
            self.turn = 0;
        }
        Some(answer)
    }

    fn finish(&mut self, last: Option<Status>) -> Poll<Option<Result<v1::StreamedResponse, Status>>> {
        self.is_over = true;
        Poll::Ready(last.map(Err))
    }
}

impl Stream for Answers {
    type Item = Result<v1::StreamedResponse, Status>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        if this.ending.is_none()
            && this.turn == 0
            && let Poll::Ready(end) = this.end.as_mut().poll(context)
        {
            match end {
                End::Answered(status) => this.ending = Some(status),
                End::Now(status) => return this.finish(Some(status)),
            }
        }
        match this.go_on(context) {
            None => {}
            Some(Poll::Ready(answer)) => return Poll::Ready(Some(Ok(answer))),
            Some(Poll::Pending) => return Poll::Pending,
        }
        let turn_max = if this.ending.is_some() {
            STREAM_LAST_ANSWERS_MAX
        } else {
            STREAM_TURN_ANSWERS
        };
        if this.turn == turn_max {
            if let Some(status) = this.ending.take() {
                return this.finish(Some(status));
            }
            this.turn = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        match Pin::new(&mut this.questions).poll_next(context) {
            // What has come is answered before the call ends.
            Poll::Pending if this.ending.is_some() => {
                let status = this.ending.take();
                this.finish(status)
            }
            Poll::Pending => {
                this.turn = 0;
                Poll::Pending
            }
            Poll::Ready(None) => this.finish(None),
            Poll::Ready(Some(Err(status))) => this.finish(Some(status)),
            Poll::Ready(Some(Ok(question))) => {
                this.turn += 1;
                this.begin(question);
                match this.go_on(context) {
                    Some(Poll::Ready(answer)) => Poll::Ready(Some(Ok(answer))),
                    _ => Poll::Pending,
                }
            }
        }
    }
}

async fn answer(handler: Arc<Handler>, call: Call, question: v1::StreamedRequest) -> v1::StreamedResponse {
    let result = match decide(&handler, &call, question.decide).await {
        Ok(decided) => {
            handler.shared.stats.decisions.add();
            Answer::Decided(decided)
        }
        Err(status) => Answer::Failure(handler.fail(&call, &status)),
    };
    v1::StreamedResponse {
        request_id: question.request_id,
        result: Some(result),
    }
}

async fn decide(
    handler: &Handler,
    call: &Call,
    asked: Option<v1::DecideRequest>,
) -> Result<v1::DecideResponse, Status> {
    let asked = handler.guard(|| {
        if !handler.load_shedder.admits() {
            return Err(CallError::Overload.into());
        }
        let asked = asked.ok_or_else(|| Status::invalid_argument("decide: missing"))?;
        Detail::check_many(&asked).map_err(CallError::DetailOfMany)?;
        Ok(asked)
    })?;
    let active = handler.shared.active.load();
    let check = |bundle: &Bundle| Request::check(bundle, asked);
    handler.answer(call, &active, check).await
}

/// Returns when the connection has to go, others may call than when the call began, or the call's time is over.
async fn ends(leaving: Option<Leaving>, mut grants: watch::Receiver<u64>, left: Option<Duration>) -> End {
    let leaves = async {
        match leaving {
            // Without a sender the connection has gone already.
            Some(Leaving(mut signal)) => drop(signal.wait_for(|leaves| *leaves).await),
            None => std::future::pending().await,
        }
    };
    let expires = async {
        match left {
            Some(left) => tokio::time::sleep(left).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = leaves => End::Answered(Status::unavailable(
            "the connection is closing: connect again, and send the questions without an answer again",
        )),
        // Without a sender there is no server left.
        _ = grants.changed() => End::Now(Status::unavailable(
            "the access file has changed: open the call again, and send the questions without an answer again",
        )),
        () = expires => End::Answered(Status::deadline_exceeded("the deadline of the call has passed")),
    }
}
