//! Plain text, TLS, socket files, keys, and connections that end.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::rustls::{
    RootCertStore, ServerConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};

use super::server::{Answer, Server, open, ran, refused, settings};
use crate::{Identity, Pace, Settings, Tls};

const PACE: Pace = Pace::Open { rate_per_s: 100.0 };

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    fn issue(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        Identity {
            certificates: params.signed_by(&key, &self.0).unwrap().pem().into_bytes(),
            key: key.serialize_pem().into_bytes(),
        }
    }

    /// A server's, made out to a name; with `clients`, it wants certificates of that authority.
    fn server(&self, name: &str, clients: Option<&Self>) -> ServerConfig {
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(clients.0.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let identity = self.issue(name);
        let chain = vec![CertificateDer::from_pem_slice(&identity.certificates).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(&identity.key).unwrap();
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    }
}

fn trusting(authority: &Authority) -> Tls {
    Tls {
        authorities: authority.pem(),
        identity: None,
        server_name: None,
    }
}

fn through(server: &Server, tls: Tls) -> Settings {
    Settings {
        tls: Some(tls),
        ..settings(server, PACE)
    }
}

#[test]
fn any_unary_method_is_called_with_the_bytes_given() {
    let mut server = Server::start(|_| Answer::Status("0"));
    let report = ran(&Settings {
        method: "/grpc.health.v1.Health/Check".into(),
        requests: vec![Bytes::from_static(b"\x0a\x08liveness")],
        api_key: Some("s3cret".into()),
        ..settings(&server, PACE)
    });
    assert_eq!((report.sent, report.ok), (20, 20));
    let seen = server.seen();
    assert_eq!(
        seen.head.uri,
        format!("http://{}/grpc.health.v1.Health/Check", server.address).as_str()
    );
    assert_eq!(seen.head.method, "POST");
    assert_eq!(seen.head.headers["te"], "trailers");
    assert_eq!(seen.head.headers["content-type"], "application/grpc");
    assert_eq!(seen.head.headers["authorization"], "Bearer s3cret");
    assert_eq!(seen.message, b"\0\0\0\0\x0a\x0a\x08liveness");
}

#[test]
fn a_socket_file_is_an_address() {
    let path = std::env::temp_dir().join(format!("nextbest-load-{}.sock", std::process::id()));
    let mut server = Server::on_file(|_| Answer::Status("0"), path.clone());
    for address in [server.address.clone(), format!("unix://{}", path.display())] {
        let report = ran(&Settings {
            address,
            ..settings(&server, PACE)
        });
        assert_eq!((report.sent, report.ok), (20, 20), "{report:?}");
        assert_eq!(server.seen().head.uri, "http://localhost/test.Test/Test");
    }
    std::fs::remove_file(&path).unwrap();
    let address = format!("unix:{}", path.display());
    let message = refused(&Settings {
        address: address.clone(),
        ..settings(&server, PACE)
    });
    assert!(
        message.starts_with(&format!("cannot connect to `{address}`: No such file")),
        "{message}"
    );
}

#[test]
fn tls_is_spoken_to_a_server_that_is_trusted() {
    let authority = Authority::new();
    let mut server = Server::with_tls(|_| Answer::Status("0"), authority.server("127.0.0.1", None));
    let report = ran(&through(&server, trusting(&authority)));
    assert_eq!((report.sent, report.ok), (20, 20), "{report:?}");
    let uri = format!("https://{}/test.Test/Test", server.address);
    assert_eq!(server.seen().head.uri, uri.as_str());

    let message = refused(&through(&server, trusting(&Authority::new())));
    assert!(
        message.contains("no TLS connection: invalid peer certificate"),
        "{message}"
    );
}

#[test]
fn a_server_has_the_name_that_its_certificate_says() {
    let authority = Authority::new();
    let server = Server::with_tls(|_| Answer::Status("0"), authority.server("decisions.test", None));
    let message = refused(&through(&server, trusting(&authority)));
    assert!(message.contains("invalid peer certificate"), "{message}");
    let report = ran(&through(
        &server,
        Tls {
            server_name: Some("decisions.test".into()),
            ..trusting(&authority)
        },
    ));
    assert_eq!((report.sent, report.ok), (20, 20), "{report:?}");
}

#[test]
fn a_server_that_wants_certificates_is_shown_one() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let config = authority.server("127.0.0.1", Some(&clients));
    let server = Server::with_tls(|_| Answer::Status("0"), config);
    let report = ran(&through(
        &server,
        Tls {
            identity: Some(clients.issue("load")),
            ..trusting(&authority)
        },
    ));
    assert_eq!((report.sent, report.ok), (20, 20), "{report:?}");

    let message = refused(&through(&server, trusting(&authority)));
    assert!(
        message.ends_with("does the server require another client certificate?"),
        "{message}"
    );
    let message = refused(&through(
        &server,
        Tls {
            identity: Some(authority.issue("load")),
            ..trusting(&authority)
        },
    ));
    assert!(
        message.ends_with("does the server require another client certificate?"),
        "{message}"
    );
}

#[test]
fn http_2_is_not_taken_for_granted() {
    let authority = Authority::new();
    let mut config = authority.server("127.0.0.1", None);
    config.alpn_protocols.clear();
    let server = Server::with_tls(|_| Answer::Status("0"), config);
    let message = refused(&through(&server, trusting(&authority)));
    assert!(
        message.ends_with("the server does not offer HTTP/2 (ALPN `h2`)"),
        "{message}"
    );
    // In plain text to a port that speaks TLS, and the other way round.
    let message = refused(&settings(&server, PACE));
    assert!(
        message.ends_with(": is it a gRPC server, in plain text?"),
        "{message}"
    );
    let plain = Server::start(|_| Answer::Status("0"));
    let message = refused(&through(&plain, trusting(&authority)));
    assert!(message.contains("no TLS connection"), "{message}");
}

#[test]
fn pem_that_is_none_is_named() {
    let authority = Authority::new();
    let server = Server::start(|_| Answer::Status("0"));
    let identity = authority.issue("load");
    let message = |authorities: &[u8], certificates: &[u8], key: &[u8]| {
        refused(&through(
            &server,
            Tls {
                authorities: authorities.into(),
                identity: Some(Identity {
                    certificates: certificates.into(),
                    key: key.into(),
                }),
                server_name: None,
            },
        ))
    };
    let pem = authority.pem();
    let (certificates, key) = (&identity.certificates, &identity.key);
    assert_eq!(
        message(b"", certificates, key),
        "`tls_ca` holds no certificate in PEM form"
    );
    assert_eq!(
        message(&pem, key, key),
        "`tls_cert` holds no certificate in PEM form"
    );
    assert_eq!(
        message(&pem, certificates, certificates),
        "`tls_key` holds no private key in PEM form"
    );
    let other = authority.issue("load").key;
    assert!(message(&pem, certificates, &other).starts_with("`tls_cert` cannot be used: "));
}

#[test]
fn a_server_that_says_goodbye_is_called_again() {
    let server = Server::saying_goodbye(|_| Answer::Status("0"), 10);
    let report = ran(&Settings {
        connections: 1,
        ..settings(&server, Pace::Open { rate_per_s: 500.0 })
    });
    assert_eq!((report.sent, report.ok), (100, 100), "{report:?}");
    assert!((1..=11).contains(&report.reopened), "{report:?}");
}

#[test]
fn a_connection_that_breaks_fails_what_is_under_way_and_no_more() {
    let server = Server::start(|number| {
        if number == 30 {
            Answer::HangUp
        } else {
            Answer::Status("0")
        }
    });
    let report = open(&server, 500.0);
    assert!(report.errors["UNAVAILABLE"] < 20, "{report:?}");
    assert_eq!(report.ok + report.errors["UNAVAILABLE"], report.sent);
    assert_eq!(report.reopened, 1);
    assert!(!report.messages["UNAVAILABLE"].is_empty());
}

#[test]
fn nobody_there_is_said_at_once() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let server = Server::start(|_| Answer::Status("0"));
    let message = refused(&Settings {
        address: unused.clone(),
        duration: Duration::from_mins(1),
        ..settings(&server, PACE)
    });
    assert!(
        message.starts_with(&format!("cannot connect to `{unused}`: Connection refused")),
        "{message}"
    );
}
