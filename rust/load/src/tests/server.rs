//! A server on TCP, TLS or a socket file that answers as the test configures it and records what it was sent.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, request::Parts};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    runtime::Runtime,
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

use crate::{Pace, Report, Settings, Watch, run};

const CONCURRENT: u32 = 1_000;

/// How the server answers its n-th request.
pub(super) type Behaviour = fn(u64) -> Answer;

pub(super) enum Answer {
    Status(&'static str),
    /// Trailers only: the status is among the headers.
    AtOnce(&'static str, &'static str),
    /// No gRPC: an HTTP status alone.
    Http(u16),
    After(Duration),
    Never,
    /// Closes the connection.
    HangUp,
}

/// What the server was sent.
pub(super) struct Seen {
    pub(super) head: Parts,
    pub(super) message: Vec<u8>,
}

pub(super) struct Server {
    pub(super) address: String,
    seen: mpsc::UnboundedReceiver<Seen>,
    _runtime: Runtime,
}

#[derive(Clone)]
struct Conduct {
    behaviour: Behaviour,
    count: Arc<AtomicU64>,
    seen: mpsc::UnboundedSender<Seen>,
    /// Sends GOAWAY on a connection after this number of requests.
    goodbye_after: u64,
    /// On one connection.
    concurrent_max: u32,
}

enum Listener {
    Tcp(TcpListener),
    Tls(TcpListener, TlsAcceptor),
    Unix(UnixListener),
}

impl Server {
    pub(super) fn start(behaviour: Behaviour) -> Self {
        Self::saying_goodbye(behaviour, u64::MAX)
    }

    pub(super) fn saying_goodbye(behaviour: Behaviour, goodbye_after: u64) -> Self {
        Self::listen(behaviour, (goodbye_after, CONCURRENT), || {
            let (listener, address) = bind();
            (Listener::Tcp(listener), address)
        })
    }

    pub(super) fn one_at_a_time(behaviour: Behaviour) -> Self {
        Self::listen(behaviour, (u64::MAX, 1), || {
            let (listener, address) = bind();
            (Listener::Tcp(listener), address)
        })
    }

    pub(super) fn on_file(behaviour: Behaviour, path: PathBuf) -> Self {
        Self::listen(behaviour, (u64::MAX, CONCURRENT), || {
            let address = format!("unix:{}", path.display());
            (Listener::Unix(UnixListener::bind(path).unwrap()), address)
        })
    }

    pub(super) fn with_tls(behaviour: Behaviour, config: ServerConfig) -> Self {
        Self::listen(behaviour, (u64::MAX, CONCURRENT), || {
            let (listener, address) = bind();
            let acceptor = TlsAcceptor::from(Arc::new(config));
            (Listener::Tls(listener, acceptor), address)
        })
    }

    fn listen(
        behaviour: Behaviour,
        (goodbye_after, concurrent_max): (u64, u32),
        listener: impl FnOnce() -> (Listener, String),
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (listener, address) = runtime.block_on(async { listener() });
        let (sender, seen) = mpsc::unbounded_channel();
        let conduct = Conduct {
            behaviour,
            count: Arc::default(),
            seen: sender,
            goodbye_after,
            concurrent_max,
        };
        runtime.spawn(accept(listener, conduct));
        Self {
            address,
            seen,
            _runtime: runtime,
        }
    }

    /// The first request that has not been asked for yet.
    pub(super) fn seen(&mut self) -> Seen {
        self.seen.try_recv().unwrap()
    }
}

fn bind() -> (TcpListener, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (TcpListener::from_std(listener).unwrap(), address)
}

async fn accept(listener: Listener, conduct: Conduct) {
    loop {
        let conduct = conduct.clone();
        match &listener {
            Listener::Tcp(listener) => {
                let (socket, _) = listener.accept().await.unwrap();
                socket.set_nodelay(true).unwrap();
                tokio::spawn(serve(socket, conduct));
            }
            Listener::Unix(listener) => {
                let (socket, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(socket, conduct));
            }
            Listener::Tls(listener, acceptor) => {
                let (socket, _) = listener.accept().await.unwrap();
                let handshake = acceptor.accept(socket);
                tokio::spawn(async move {
                    // Clients that are not trusted fail here, as they should.
                    if let Ok(stream) = handshake.await {
                        serve(stream, conduct).await;
                    }
                });
            }
        }
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, conduct: Conduct) {
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(conduct.concurrent_max);
    let Ok(mut connection) = builder.handshake(stream).await else {
        return;
    };
    let mut answered = 0;
    while let Some(Ok((request, respond))) = connection.accept().await {
        let number = conduct.count.fetch_add(1, Ordering::Relaxed);
        let answer = (conduct.behaviour)(number);
        if matches!(answer, Answer::HangUp) {
            return;
        }
        tokio::spawn(handle(request, respond, answer, conduct.seen.clone()));
        answered += 1;
        if answered == conduct.goodbye_after {
            connection.graceful_shutdown();
        }
    }
}

async fn handle(
    request: http::Request<h2::RecvStream>,
    respond: h2::server::SendResponse<Bytes>,
    answer: Answer,
    seen: mpsc::UnboundedSender<Seen>,
) {
    let (head, mut body) = request.into_parts();
    let mut message = Vec::new();
    while let Some(Ok(chunk)) = body.data().await {
        message.extend_from_slice(&chunk);
    }
    let _ = seen.send(Seen { head, message });
    respond_with(respond, answer).await;
}

async fn respond_with(mut respond: h2::server::SendResponse<Bytes>, answer: Answer) {
    let status = match answer {
        Answer::Never | Answer::HangUp => return std::future::pending().await,
        Answer::AtOnce(status, message) => {
            let response = Response::builder()
                .header("grpc-status", status)
                .header("grpc-message", message)
                .body(())
                .unwrap();
            let _ = respond.send_response(response, true);
            return;
        }
        Answer::Http(status) => {
            let response = Response::builder().status(status).body(()).unwrap();
            let _ = respond.send_response(response, true);
            return;
        }
        Answer::After(wait) => {
            tokio::time::sleep(wait).await;
            "0"
        }
        Answer::Status(status) => status,
    };
    let Ok(mut body) = respond.send_response(Response::new(()), false) else {
        return;
    };
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static(status),
    )]);
    let _ = body.send_data(Bytes::from_static(b"\0\0\0\0\0"), false);
    let _ = body.send_trailers(trailers);
}

pub(super) fn settings(server: &Server, pace: Pace) -> Settings {
    Settings {
        address: server.address.clone(),
        tls: None,
        api_key: None,
        method: "/test.Test/Test".into(),
        requests: vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")],
        timeout: None,
        pace,
        warmup: Duration::from_millis(20),
        duration: Duration::from_millis(200),
        connections: 2,
    }
}

pub(super) fn open(server: &Server, rate_per_s: f64) -> Report {
    ran(&settings(server, Pace::Open { rate_per_s }))
}

pub(super) fn ran(settings: &Settings) -> Report {
    run(settings, &Arc::new(Watch::default())).unwrap()
}

pub(super) fn refused(settings: &Settings) -> String {
    run(settings, &Arc::new(Watch::default()))
        .unwrap_err()
        .to_string()
}
