//! A small bundle, a server that runs it, and a client of it.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use nextbest_proto::v1::{
    self, comparison::Operator, customer_service_client::CustomerServiceClient,
    decision_service_client::DecisionServiceClient, literal, value::Kind,
};
use nextbest_store::Store;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tokio::{runtime::Runtime, sync::watch};
use tonic::transport::Channel;

use crate::{
    LateModels, Server, Settings,
    active::first,
    failures::Failures,
    handler::Desk,
    limits::ANSWERS_BYTES_MAX,
    load_shedding::{load_shedder::Backlog, memory_budget::MemoryBudget},
    shared::Shared,
    status::Stats,
};

/// One action, for adults, in the web's hero.
pub(super) fn bundle(action: &str) -> Vec<u8> {
    seal(&message(action).encode_to_vec())
}

/// The same, not yet sealed.
pub(super) fn message(action: &str) -> v1::Bundle {
    let place = Some(v1::Position {
        file: 0,
        line: 4,
        column: 11,
    });
    v1::Bundle {
        workspace: "test".into(),
        files: vec!["actions/cards.yaml".into()],
        attributes: vec![v1::AttributeDeclaration {
            root: v1::Root::Customer.into(),
            name: "age".into(),
            r#type: v1::Type::Int.into(),
            ..v1::AttributeDeclaration::default()
        }],
        features: vec![v1::Feature {
            name: "customer.age".into(),
            r#type: v1::Type::Int.into(),
            source: Some(v1::feature::Source::Attribute(0)),
        }],
        literals: vec![v1::Literal {
            feature: 0,
            test: Some(literal::Test::Comparison(v1::Comparison {
                operator: Operator::Ge.into(),
                value: Some(int(18)),
            })),
            negated: false,
            text: "customer.age >= 18".into(),
        }],
        conditions: vec![v1::Condition {
            text: "customer.age >= 18".into(),
            reason: "a credit card needs an adult holder".into(),
            position: place,
        }],
        clauses: vec![v1::Clause {
            literals: vec![0],
            condition: 0,
            text: "customer.age >= 18".into(),
            position: place,
        }],
        issues: vec![v1::Issue {
            name: "sales".into(),
            lever_percent: 0.0,
        }],
        groups: vec![v1::Group {
            name: "cards".into(),
            ..v1::Group::default()
        }],
        actions: vec![v1::Action {
            name: action.into(),
            enabled: true,
            eligibility: vec![0],
            value: Some(v1::action::Value::ValueConstant(120.0)),
            prior: 0.5,
            treatments: vec![v1::Treatment {
                name: "hero".into(),
                placement: Some(0),
                content: "{}".into(),
                ..v1::Treatment::default()
            }],
            ..v1::Action::default()
        }],
        channels: vec![v1::Channel {
            name: "web".into(),
            placements: vec![v1::PlacementDeclaration {
                name: "hero".into(),
                count: 1,
                fallback: None,
            }],
        }],
        arbitration: Some(v1::Arbitration::default()),
        ..v1::Bundle::default()
    }
}

pub(super) fn seal(payload: &[u8]) -> Vec<u8> {
    let mut file = b"nextbest".to_vec();
    file.extend(1_u32.to_le_bytes());
    file.extend((payload.len() as u64).to_le_bytes());
    file.extend(payload);
    let checksum = Sha256::digest(&file);
    file.extend(checksum);
    file
}

pub(super) fn int(number: i64) -> v1::Value {
    v1::Value {
        kind: Some(Kind::Int(number)),
    }
}

pub(super) fn age(age: i64) -> v1::Attribute {
    v1::Attribute {
        name: "age".into(),
        value: Some(int(age)),
    }
}

/// Asks for the web's hero.
pub(super) fn request(customer_id: &str, customer: Vec<v1::Attribute>) -> v1::DecideRequest {
    v1::DecideRequest {
        customer_id: customer_id.into(),
        customer,
        channel: "web".into(),
        placements: vec![v1::PlacementRequest {
            name: "hero".into(),
            count: 0,
        }],
        ..v1::DecideRequest::default()
    }
}

/// A question about so many customers, all of one age.
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

/// Names of the actions in the answer.
pub(super) fn placed(response: &v1::DecideResponse) -> Vec<&str> {
    response
        .placements
        .iter()
        .flat_map(|place| &place.actions)
        .map(|action| action.action.as_str())
        .collect()
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

/// Where a worker answers, without a server around it.
pub(super) fn desk() -> Desk {
    desk_of(&bundle("gold-card"), LateModels::default())
}

/// The same for a bundle.
pub(super) fn desk_of(bundle: &[u8], late_models: LateModels) -> Desk {
    let shared = Shared {
        active: ArcSwap::from_pointee(first(bundle.to_vec(), settings(), 1).unwrap()),
        store: Store::new(nextbest_store::Bounds::default()),
        emitter: None,
        stats: Stats::default(),
        shadow: None,
        late_models,
        grants: watch::Sender::new(0),
        answers: MemoryBudget::new(ANSWERS_BYTES_MAX),
    };
    let shared = Arc::new(shared);
    Desk {
        failures: Failures::new(Arc::clone(&shared)),
        shared,
        worker: 0,
        backlog: Backlog::new(),
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
