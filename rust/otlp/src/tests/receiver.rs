//! A collector's trace receiver in this process that answers as the test configures it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, codec::CompressionEncoding};

/// How to answer one request.
pub(super) enum Answer {
    Refuse(Status),
    /// Accepts all except this number.
    Partly(i64),
    Never,
}

#[derive(Default)]
struct State {
    // Answers to come; once they have run out, everything is taken.
    answers: VecDeque<Answer>,
    spans: usize,
    requests: usize,
    authorization: Option<String>,
    was_compressed: bool,
}

pub(super) struct Receiver {
    state: Arc<Mutex<State>>,
    pub(super) endpoint: String,
    // Ends the server with it.
    _runtime: Runtime,
}

impl Receiver {
    pub(super) fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::start_at("127.0.0.1:0", answers)
    }

    pub(super) fn start_at(address: &str, answers: impl IntoIterator<Item = Answer>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let state = Arc::new(Mutex::new(State {
            answers: answers.into_iter().collect(),
            ..State::default()
        }));
        let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let service = TraceServiceServer::new(Service(Arc::clone(&state)))
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip);
        runtime.spawn(
            tonic::transport::Server::builder()
                .add_service(service)
                .serve_with_incoming(TcpListenerStream::new(listener)),
        );
        Self {
            state,
            endpoint,
            _runtime: runtime,
        }
    }

    pub(super) fn spans(&self) -> usize {
        self.state.lock().unwrap().spans
    }

    pub(super) fn requests(&self) -> usize {
        self.state.lock().unwrap().requests
    }

    pub(super) fn authorization(&self) -> Option<String> {
        self.state.lock().unwrap().authorization.clone()
    }
}

impl Receiver {
    pub(super) fn was_compressed(&self) -> bool {
        self.state.lock().unwrap().was_compressed
    }
}

struct Service(Arc<Mutex<State>>);

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let (answer, count) = {
            let mut state = self.0.lock().unwrap();
            state.requests += 1;
            state.was_compressed = request
                .metadata()
                .get("grpc-encoding")
                .is_some_and(|found| found == "gzip");
            let header = request.metadata().get("authorization");
            state.authorization = header.map(|value| value.to_str().unwrap().into());
            let spans = &request.get_ref().resource_spans[0].scope_spans[0].spans;
            (state.answers.pop_front(), spans.len())
        };
        let rejected_spans = match answer {
            Some(Answer::Refuse(status)) => return Err(status),
            Some(Answer::Never) => std::future::pending().await,
            Some(Answer::Partly(rejected)) => rejected,
            None => 0,
        };
        self.0.lock().unwrap().spans += count - usize::try_from(rejected_spans).unwrap();
        let partial = ExportTracePartialSuccess {
            rejected_spans,
            error_message: String::new(),
        };
        Ok(Response::new(ExportTraceServiceResponse {
            partial_success: (rejected_spans > 0).then_some(partial),
        }))
    }
}

/// Waits until something holds that holds soon.
pub(super) fn eventually(what: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !what() {
        assert!(Instant::now() < until, "it never came to hold");
        std::thread::sleep(Duration::from_millis(2));
    }
}
