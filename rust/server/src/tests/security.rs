//! Who may come in, and what they may do: certificates, keys, roles, and their changes while the server runs.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
    thread,
    time::Duration,
};

use nextbest_load::{Identity, LoadError, Report, Settings as LoadSettings, Tls as ClientTls};
use nextbest_proto::v1;
use prost::Message as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use sha2::{Digest as _, Sha256};

use crate::{
    Access, Caller, CallerCertificates, Role, Server, ServerError, Settings, Timeouts, Tls,
    tests::{
        fixture::{age, bundle, eventually, request, settings, start},
        wire::DECIDE,
    },
};

const EXPLAIN: &str = "/nextbest.v1.DecisionService/Explain";
const UPSERT: &str = "/nextbest.v1.CustomerService/Upsert";

/// Signs certificates.
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

    /// A certificate and its key, made out to DNS names and URIs.
    fn issue(&self, names: &[&str]) -> (Vec<u8>, Vec<u8>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.subject_alt_names = names
            .iter()
            .map(|name| {
                let text = (*name).try_into().unwrap();
                if name.contains("://") {
                    SanType::URI(text)
                } else {
                    SanType::DnsName(text)
                }
            })
            .collect();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem().into_bytes(), key.serialize_pem().into_bytes())
    }

    fn server(&self, callers: Option<CallerCertificates>) -> Tls {
        let (certificates, key) = self.issue(&["decisions.example"]);
        Tls {
            certificates,
            key,
            callers,
        }
    }

    /// Those of its callers.
    fn callers(&self, required: bool) -> CallerCertificates {
        CallerCertificates {
            authorities: self.pem(),
            required,
        }
    }

    fn trusted(&self, identity: Option<&[&str]>) -> ClientTls {
        ClientTls {
            authorities: self.pem(),
            identity: identity.map(|names| {
                let (certificates, key) = self.issue(names);
                Identity { certificates, key }
            }),
            server_name: Some("decisions.example".into()),
        }
    }
}

fn caller(name: &str, roles: &[Role], key: Option<&str>, certificate: Option<&str>) -> Caller {
    Caller {
        name: name.into(),
        roles: roles.to_vec(),
        key_hashes: key.iter().map(|key| Sha256::digest(key).into()).collect(),
        certificate_names: certificate.iter().map(|&name| name.into()).collect(),
    }
}

/// How a caller comes.
#[derive(Default, Clone)]
struct As {
    tls: Option<ClientTls>,
    key: Option<&'static str>,
}

fn load(server: &Server, how: &As, method: &str, message: Vec<u8>) -> LoadSettings {
    LoadSettings {
        tls: how.tls.clone(),
        api_key: how.key.map(Into::into),
        ..super::fixture::load(server, method, message)
    }
}

fn run(settings: &LoadSettings) -> Result<Report, LoadError> {
    nextbest_load::run(settings, &Arc::default())
}

/// The gRPC status that all calls of a method end with.
fn outcome(server: &Server, how: &As, method: &str) -> String {
    let asked = request("", vec![age(30)]);
    let message = match method {
        DECIDE => asked.encode_to_vec(),
        EXPLAIN => v1::ExplainRequest {
            decide: Some(asked),
            ..v1::ExplainRequest::default()
        }
        .encode_to_vec(),
        _ => v1::UpsertRequest::default().encode_to_vec(),
    };
    let report = run(&load(server, how, method, message)).unwrap();
    let mut errors: Vec<_> = report.errors.keys().cloned().collect();
    if report.ok > 0 {
        errors.push("OK".into());
    }
    errors.join(", ")
}

#[test]
fn keys_open_what_their_roles_name() {
    let server = start(Settings {
        access: Some(Access::of(vec![
            caller("web", &[Role::Decide], Some("web-key"), None),
            caller("crm", &[Role::Explain, Role::Customers], Some("crm-key"), None),
        ])),
        ..settings()
    });
    let as_key = |key| As { tls: None, key };
    for (key, method, expected) in [
        (Some("web-key"), DECIDE, "OK"),
        (Some("web-key"), EXPLAIN, "PERMISSION_DENIED"),
        (Some("web-key"), UPSERT, "PERMISSION_DENIED"),
        (Some("crm-key"), DECIDE, "PERMISSION_DENIED"),
        (Some("crm-key"), EXPLAIN, "OK"),
        (Some("crm-key"), UPSERT, "OK"),
        (
            Some("crm-key"),
            "/nextbest.v1.DecisionService/Other",
            "UNIMPLEMENTED",
        ),
        (
            Some("crm-key"),
            "/nextbest.v1.ControlService/Status",
            "UNIMPLEMENTED",
        ),
        (Some("wrong"), DECIDE, "UNAUTHENTICATED"),
        (None, DECIDE, "UNAUTHENTICATED"),
        (None, "/nextbest.v1.ControlService/Status", "UNAUTHENTICATED"),
    ] {
        assert_eq!(
            outcome(&server, &as_key(key), method),
            expected,
            "{key:?} {method}"
        );
    }
    let status = server.status();
    let security = status.security.unwrap();
    assert!(security.unauthenticated > 0 && security.permission_denied > 0);
    assert_eq!((status.refused, status.shed), (0, 0));
}

#[test]
fn certificates_open_what_their_roles_name() {
    let authority = Authority::new();
    let server = start(Settings {
        tls: Some(authority.server(Some(authority.callers(true)))),
        access: Some(Access::of(vec![
            caller("web", &[Role::Decide], None, Some("web.bank.example")),
            caller("crm", &[Role::Explain], None, Some("spiffe://bank/crm")),
        ])),
        ..settings()
    });
    let named = |name: &str| As {
        tls: Some(authority.trusted(Some(&[name]))),
        key: None,
    };
    for (name, method, expected) in [
        ("web.bank.example", DECIDE, "OK"),
        ("web.bank.example", EXPLAIN, "PERMISSION_DENIED"),
        ("spiffe://bank/crm", EXPLAIN, "OK"),
        ("spiffe://bank/other", DECIDE, "UNAUTHENTICATED"),
    ] {
        assert_eq!(
            outcome(&server, &named(name), method),
            expected,
            "{name} {method}"
        );
    }
}

#[test]
fn only_certificates_of_the_right_authority_come_in() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let server = start(Settings {
        tls: Some(ours.server(Some(ours.callers(true)))),
        ..settings()
    });
    let outcome = |identity: Option<(Vec<u8>, Vec<u8>)>| {
        let tls = ClientTls {
            identity: identity.map(|(certificates, key)| Identity { certificates, key }),
            ..ours.trusted(None)
        };
        let how = As {
            tls: Some(tls),
            key: None,
        };
        let report = run(&load(
            &server,
            &how,
            DECIDE,
            request("", vec![age(30)]).encode_to_vec(),
        ));
        report.is_ok_and(|report| report.ok > 0)
    };
    assert!(outcome(Some(ours.issue(&["anybody.example"]))));
    assert!(!outcome(Some(theirs.issue(&["anybody.example"]))));
    assert!(!outcome(None));
    eventually(|| server.status().security.unwrap().handshakes_failed >= 2);
    // Plain text is not TLS either.
    let mut plain = TcpStream::connect(server.decision_address()).unwrap();
    plain.write_all(crate::tests::wire::PREFACE).unwrap();
    let _ = plain.read_to_end(&mut vec![]);
    eventually(|| server.status().connections == 0);
}

#[test]
fn a_handshake_that_does_not_end_is_left() {
    let authority = Authority::new();
    let server = start(Settings {
        tls: Some(authority.server(None)),
        timeouts: Timeouts {
            handshake: Duration::from_millis(100),
            ..Timeouts::default()
        },
        ..settings()
    });
    let mut silent = TcpStream::connect(server.decision_address()).unwrap();
    // The head of a record that never comes.
    silent.write_all(&[22, 3, 1, 2, 0]).unwrap();
    let _ = silent.read_to_end(&mut vec![]);
    eventually(|| server.status().connections == 0);
}

#[test]
fn certificates_are_renewed_without_dropping_a_connection() {
    let (old, new) = (Authority::new(), Authority::new());
    let server = start(Settings {
        tls: Some(old.server(None)),
        ..settings()
    });
    let how = |authority: &Authority| As {
        tls: Some(authority.trusted(None)),
        key: None,
    };
    let asked = request("", vec![age(30)]).encode_to_vec();
    let lasting = LoadSettings {
        duration: Duration::from_millis(900),
        ..load(&server, &how(&old), DECIDE, asked.clone())
    };
    let report = thread::scope(|scope| {
        let open = scope.spawn(|| run(&lasting).unwrap());
        eventually(|| server.status().decisions > 0);
        server.renew(&new.server(None)).unwrap();
        assert_eq!(outcome(&server, &how(&new), DECIDE), "OK");
        assert!(run(&load(&server, &how(&old), DECIDE, asked)).is_err());
        // What cannot be used changes nothing.
        let broken = Tls {
            key: b"none".to_vec(),
            ..new.server(None)
        };
        let fault = server.renew(&broken).unwrap_err();
        assert!(fault.to_string().contains("key: no private key"), "{fault}");
        assert_eq!(outcome(&server, &how(&new), DECIDE), "OK");
        open.join().unwrap()
    });
    assert!(report.errors.is_empty(), "{:?}", report.errors);
    assert_eq!(report.reopened, 0);
}

#[test]
fn whoever_loses_a_role_loses_it_on_open_connections() {
    let server = start(Settings {
        access: Some(Access::of(vec![caller(
            "web",
            &[Role::Decide],
            Some("key"),
            None,
        )])),
        ..settings()
    });
    let how = As {
        tls: None,
        key: Some("key"),
    };
    let lasting = LoadSettings {
        duration: Duration::from_millis(600),
        ..load(&server, &how, DECIDE, request("", vec![age(30)]).encode_to_vec())
    };
    let report = thread::scope(|scope| {
        let open = scope.spawn(|| run(&lasting).unwrap());
        eventually(|| server.status().decisions > 0);
        server.grant(Access::of(vec![caller(
            "web",
            &[Role::Explain],
            Some("key"),
            None,
        )]));
        open.join().unwrap()
    });
    assert!(report.ok > 0);
    assert!(report.errors["PERMISSION_DENIED"] > 0, "{:?}", report.errors);
    assert_eq!((report.errors.len(), report.reopened), (1, 0));
}

#[test]
fn a_port_stays_as_open_as_it_was() {
    let server = start(settings());
    let fault = server.renew(&Authority::new().server(None)).unwrap_err();
    assert!(fault.to_string().contains("started without TLS"), "{fault}");
    server.grant(Access::default());
    assert_eq!(outcome(&server, &As::default(), DECIDE), "OK");
}

#[test]
fn certificates_that_cannot_be_used_are_said_at_the_start() {
    let authority = Authority::new();
    let good = || authority.server(Some(authority.callers(true)));
    let (_, another_key) = authority.issue(&["decisions.example"]);
    for (tls, expected) in [
        (
            Tls {
                certificates: b"-----BEGIN".to_vec(),
                ..good()
            },
            "certificate: no certificate in PEM form",
        ),
        (
            Tls {
                key: authority.pem(),
                ..good()
            },
            "key: no private key in PEM form",
        ),
        (
            Tls {
                key: another_key,
                ..good()
            },
            "certificate: it and its key cannot be used",
        ),
        (
            Tls {
                callers: Some(CallerCertificates {
                    authorities: vec![],
                    required: true,
                }),
                ..good()
            },
            "client_ca: no certificate in PEM form",
        ),
    ] {
        assert_eq!(format!("{tls:?}"), "Tls { .. }");
        let settings = Settings {
            tls: Some(tls),
            ..settings()
        };
        let fault = Server::start(bundle("gold-card"), settings).unwrap_err();
        assert!(matches!(fault, ServerError::Tls(_)));
        assert!(fault.to_string().contains(expected), "{fault}");
    }
}
