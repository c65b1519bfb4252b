//! Unix sockets: decided over, taken over from a server that is gone, left to one that is not.

use std::{os::unix::net::UnixListener, path::PathBuf, time::Duration};

use nextbest_proto::v1::decision_service_client::DecisionServiceClient;
use tonic::transport::Endpoint;

use crate::{
    Server, ServerError, Settings,
    tests::fixture::{age, bundle, placed, request, settings},
};

/// A separate path for a test.
fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("nextbest-{}-{name}.sock", std::process::id()))
}

fn start(path: &std::path::Path) -> Result<Server, ServerError> {
    let address = format!("unix:{}", path.display());
    Server::start(
        bundle("gold-card"),
        Settings {
            address,
            ..settings()
        },
    )
}

fn decide(server: &Server) -> String {
    let event_loop = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    event_loop.block_on(async {
        let endpoint = Endpoint::from_shared(server.decision_address().to_string()).unwrap();
        let mut client = DecisionServiceClient::new(endpoint.connect().await.unwrap());
        let answer = client
            .decide(request("", vec![age(30)]))
            .await
            .unwrap()
            .into_inner();
        placed(&answer).concat()
    })
}

#[test]
fn decisions_come_over_a_path() {
    let path = path("decides");
    let server = start(&path).unwrap();
    assert_eq!(
        server.decision_address().to_string(),
        format!("unix:{}", path.display())
    );
    assert_eq!(decide(&server), "gold-card");
    assert_eq!(server.status().connections_accepted, 1);
    assert_eq!(server.shutdown(Duration::from_secs(20)), crate::Ended::default());
    assert!(!path.exists());
}

#[test]
fn the_file_of_a_server_that_is_gone_is_taken_over() {
    let path = path("leftover");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    assert_eq!(decide(&start(&path).unwrap()), "gold-card");
}

#[test]
fn what_others_have_there_stays() {
    let (listened, plain) = (path("listened"), path("plain"));
    let other = UnixListener::bind(&listened).unwrap();
    std::fs::write(&plain, "notes").unwrap();
    for path in [&listened, &plain] {
        let fault = start(path).unwrap_err().to_string();
        assert!(
            fault.starts_with(&format!("cannot listen on `unix:{}`", path.display())),
            "{fault}"
        );
        assert!(path.exists());
    }
    drop(other);
    std::fs::remove_file(&listened).unwrap();
    std::fs::remove_file(&plain).unwrap();
}
