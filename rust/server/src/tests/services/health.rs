//! The answers to probes between a start and an end.

use std::{net::TcpStream, time::Duration};

use tonic::{Code, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{
    Server, Settings, Timeouts,
    limits::{HEALTH_CONNECTIONS_MAX, HEALTH_STREAMS_MAX, HEALTH_WATCHES_MAX, LINGER},
    tests::{
        fixture::{Client, eventually, settings, start},
        wire::{ACK, GOAWAY, PING, Peer, frame},
    },
};

const DECISIONS: &str = "nextbest.v1.DecisionService";
const CUSTOMERS: &str = "nextbest.v1.CustomerService";
const CONTROL: &str = "nextbest.v1.ControlService";

struct Probe {
    client: Client,
    health: HealthClient<Channel>,
}

impl Probe {
    fn connect(server: &Server) -> Self {
        let client = Client::connect(server);
        let address = format!("http://{}", server.health_address());
        let channel = client.run(async { Channel::from_shared(address).unwrap().connect_lazy() });
        Self {
            client,
            health: HealthClient::new(channel),
        }
    }

    fn check(&self, service: &str) -> Result<ServingStatus, Code> {
        let question = HealthCheckRequest {
            service: service.into(),
        };
        let answer = self.client.run(self.health.clone().check(question));
        answer
            .map(|answer| answer.into_inner().status())
            .map_err(|status| status.code())
    }
}

#[test]
fn probes_are_not_told_to_leave() {
    let server = start(Settings {
        timeouts: Timeouts {
            age: Some(Duration::from_millis(50)),
            ..Timeouts::default()
        },
        ..settings()
    });
    let mut probe = Peer::probe(&server);
    // Longer than a connection of that age would have.
    std::thread::sleep(Duration::from_millis(50) + 2 * LINGER);
    probe.send(&frame(PING, 0, 0, &[7; 8]));
    let found = loop {
        let found = probe.receive().unwrap();
        assert_ne!(found.kind, GOAWAY);
        if found.kind == PING {
            break found;
        }
    };
    assert_eq!((found.flags, found.payload), (ACK, vec![7; 8]));
}

#[test]
fn a_server_serves_from_its_start_to_its_shutdown() {
    let server = start(Settings {
        drain_grace: Duration::from_secs(2),
        ..settings()
    });
    let probe = Probe::connect(&server);
    for service in ["", DECISIONS, CUSTOMERS, CONTROL, "startup", "liveness"] {
        assert_eq!(probe.check(service), Ok(ServingStatus::Serving), "{service}");
    }
    assert_eq!(probe.check("another"), Err(Code::NotFound));
    std::thread::scope(|scope| {
        let ending = scope.spawn(|| server.shutdown(Duration::from_secs(20)));
        eventually(|| server.status().draining);
        for service in ["", DECISIONS] {
            assert_eq!(probe.check(service), Ok(ServingStatus::NotServing), "{service}");
        }
        for service in ["startup", "liveness"] {
            assert_eq!(probe.check(service), Ok(ServingStatus::Serving), "{service}");
        }
        assert_eq!(ending.join().unwrap(), crate::Ended::default());
    });
}

#[test]
fn a_watch_tells_of_every_change() {
    let server = start(Settings {
        drain_grace: Duration::from_secs(1),
        ..settings()
    });
    let probe = Probe::connect(&server);
    let watch = |service: &str| {
        let question = HealthCheckRequest {
            service: service.into(),
        };
        probe
            .client
            .run(probe.health.clone().watch(question))
            .unwrap()
            .into_inner()
    };
    let (mut known, mut unknown) = (watch(DECISIONS), watch("another"));
    let next = |stream: &mut tonic::Streaming<_>| -> ServingStatus {
        let answer: tonic_health::pb::HealthCheckResponse =
            probe.client.run(stream.message()).unwrap().unwrap();
        answer.status()
    };
    assert_eq!(next(&mut known), ServingStatus::Serving);
    assert_eq!(next(&mut unknown), ServingStatus::ServiceUnknown);
    std::thread::scope(|scope| {
        scope.spawn(|| server.shutdown(Duration::from_secs(20)));
        assert_eq!(next(&mut known), ServingStatus::NotServing);
    });
}

#[test]
fn silent_sockets_make_room_for_a_probe() {
    let server = start(settings());
    let silent: Vec<_> = (0..HEALTH_CONNECTIONS_MAX + 40)
        .map(|_| TcpStream::connect(server.health_address()).unwrap())
        .collect();
    // The first of them have left for the last, and one more leaves for the probe.
    eventually(|| server.status().transport.unwrap().health_connections_refused >= 40);
    let probe = Probe::connect(&server);
    assert_eq!(probe.check("liveness"), Ok(ServingStatus::Serving));
    // A peer that speaks HTTP/2 stays.
    let more: Vec<_> = (0..HEALTH_CONNECTIONS_MAX - 1)
        .map(|_| TcpStream::connect(server.health_address()).unwrap())
        .collect();
    assert_eq!(probe.check("liveness"), Ok(ServingStatus::Serving));
    drop((silent, more));
}

#[test]
fn watches_are_bounded_in_number() {
    let server = start(settings());
    let probe = Probe::connect(&server);
    // Each connection has a few calls at a time.
    let probes: Vec<_> = (0..HEALTH_WATCHES_MAX / HEALTH_STREAMS_MAX as usize)
        .map(|_| Probe::connect(&server))
        .collect();
    let watch = |probe: &Probe| {
        let question = HealthCheckRequest::default();
        let watched = probe.client.run(probe.health.clone().watch(question));
        watched.map(tonic::Response::into_inner)
    };
    let open: Vec<_> = probes
        .iter()
        .flat_map(|probe| (0..HEALTH_STREAMS_MAX).map(|_| watch(probe).unwrap()))
        .collect();
    assert_eq!(watch(&probe).unwrap_err().code(), Code::ResourceExhausted);
    assert_eq!(probe.check("liveness"), Ok(ServingStatus::Serving));
    drop(open);
    eventually(|| watch(&probe).is_ok());
}
