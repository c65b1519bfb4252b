//! A small bundle, a server that runs it, and a client of it.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use nextbest_load::{Pace, Settings as LoadSettings};
pub(super) use nextbest_pipeline::testing::{age, bundle, int, message, placed, request, seal};
use nextbest_pipeline::{LateModels, MemoryBudget, open_niced};
use nextbest_proto::v1::{
    self, customer_service_client::CustomerServiceClient, decision_service_client::DecisionServiceClient,
};
use nextbest_store::Store;
use prost::Message as _;
use tokio::{runtime::Runtime, sync::watch};
use tonic::transport::Channel;

use crate::{
    Server, Settings, failures::Failures, handler::Handler, limits::ANSWERS_BYTES_MAX,
    load_shedding::load_shedder::LoadShedder, shared::Shared, status::Stats, tests::wire::DECIDE,
};

/// A question about this number of customers, all of one age.
pub(super) fn batch(customers: usize) -> v1::DecideBatchRequest {
    let customer = v1::BatchedCustomer {
        customer: vec![age(30)],
        ..v1::BatchedCustomer::default()
    };
    v1::DecideBatchRequest {
        question: Some(request("", vec![])),
        customers: vec![customer; customers],
    }
}

pub(super) fn settings() -> Settings {
    Settings {
        address: "127.0.0.1:0".into(),
        health_address: "127.0.0.1:0".into(),
        workers: 2,
        ..Settings::default()
    }
}

pub(super) fn start(settings: Settings) -> Server {
    Server::start(bundle("gold-card"), settings).unwrap()
}

/// Calls of one method of a server, one after the other for 50 ms, on one connection.
pub(super) fn load(server: &Server, method: &str, message: Vec<u8>) -> LoadSettings {
    LoadSettings {
        address: server.decision_address().to_string(),
        tls: None,
        api_key: None,
        timeout: Some(Duration::from_secs(5)),
        method: method.into(),
        requests: vec![message.into()],
        pace: Pace::Closed { in_flight: 1 },
        warmup: Duration::ZERO,
        duration: Duration::from_millis(50),
        connections: 1,
    }
}

/// The same of `Decide`, for a customer who is offered something.
pub(super) fn load_of_decisions(server: &Server) -> LoadSettings {
    load(server, DECIDE, request("", vec![age(30)]).encode_to_vec())
}

/// Where a worker answers, without a server around it.
pub(super) fn handler() -> Handler {
    handler_of(&bundle("gold-card"), LateModels::default())
}

/// The same for a bundle.
pub(super) fn handler_of(bundle: &[u8], late_models: LateModels) -> Handler {
    let shared = Shared {
        active: ArcSwap::from_pointee(open_niced(bundle.to_vec(), settings().opening(1)).unwrap()),
        store: Store::new(nextbest_store::Bounds::default()),
        emitter: None,
        stats: Stats::default(),
        shadow: None,
        late_models,
        grants: watch::Sender::new(0),
        answers: MemoryBudget::new(ANSWERS_BYTES_MAX),
    };
    let shared = Arc::new(shared);
    Handler {
        failures: Failures::new(Arc::clone(&shared)),
        shared,
        worker: 0,
        load_shedder: LoadShedder::new(),
    }
}

/// An event loop with connections to a server.
pub(super) struct Client {
    runtime: Runtime,
    pub(super) decisions: DecisionServiceClient<Channel>,
    pub(super) customers: CustomerServiceClient<Channel>,
    pub(super) channel: Channel,
}

impl Client {
    pub(super) fn connect(server: &Server) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let address = format!("http://{}", server.decision_address());
        let endpoint = Channel::from_shared(address).unwrap();
        let channel = runtime.block_on(async { endpoint.connect_lazy() });
        Self {
            runtime,
            decisions: DecisionServiceClient::new(channel.clone()),
            customers: CustomerServiceClient::new(channel.clone()),
            channel,
        }
    }

    pub(super) fn run<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    pub(super) fn decide(
        &self,
        request: impl tonic::IntoRequest<v1::DecideRequest>,
    ) -> Result<v1::DecideResponse, tonic::Status> {
        self.run(self.decisions.clone().decide(request))
            .map(tonic::Response::into_inner)
    }

    pub(super) fn upsert(&self, customers: Vec<v1::Customer>) -> Result<u32, tonic::Status> {
        let sent = self.customers.clone();
        let answer = self.run({ sent }.upsert(v1::UpsertRequest { customers }))?;
        Ok(answer.into_inner().upserted)
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
