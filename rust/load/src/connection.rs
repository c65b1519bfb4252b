//! One HTTP/2 connection, and a gRPC call on it: a framed message out, a status back.
//!
//! Raw h2 instead of a gRPC client: at these rates, the client itself would be measured. Like a gRPC client
//! it opens another connection after a GOAWAY, and calls wait for it.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    rc::Rc,
    time::{Duration, Instant},
};

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::{Ping, client::SendRequest};
use http::{HeaderValue, Request};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Mutex, Notify},
    time::{timeout, timeout_at},
};

use crate::{
    LoadError,
    status::{Failure, judge},
    target::{Socket, Target},
};

const WINDOW_BYTES: u32 = 4 * 1024 * 1024;
/// Calls remembered for a second after they were cancelled, so that late frames of theirs are dropped in silence.
const CANCELLED_MAX: usize = 10_000;
/// For the socket, TLS and the first answer together.
const OPEN_MAX: Duration = Duration::from_secs(5);
/// After a server could not be reached again; until then calls fail at once.
const REOPEN_PAUSE: Duration = Duration::from_millis(100);

/// A connection that is opened again when it has ended.
pub(crate) struct Connection {
    target: Rc<Target>,
    current: RefCell<SendRequest<Bytes>>,
    /// Calls under way.
    calls: Cell<usize>,
    /// Told when one has ended.
    ended: Notify,
    /// How often it was opened again.
    reopened: Cell<u64>,
    /// Held by the call that opens it again.
    reopening: Mutex<()>,
    last_failure: RefCell<Option<(Instant, Failure)>>,
}

/// The outcome of a call.
pub(crate) struct Outcome {
    /// When it left; None: it never did.
    pub(crate) sent: Option<Instant>,
    pub(crate) result: Result<(), Failure>,
}

impl Connection {
    /// Connects. Returns when the server has answered a ping: with TLS 1.3, a server that refuses this client
    /// reports it only then, and one without HTTP/2 never answers.
    pub(crate) async fn open(target: Rc<Target>) -> Result<Self, LoadError> {
        let current = RefCell::new(connect(&target).await?);
        Ok(Self {
            target,
            current,
            calls: Cell::default(),
            ended: Notify::new(),
            reopened: Cell::new(0),
            reopening: Mutex::default(),
            last_failure: RefCell::default(),
        })
    }

    pub(crate) fn reopened(&self) -> u64 {
        self.reopened.get()
    }

    /// Sends a framed message and waits for the status, until the deadline if there is one. The call carries
    /// the remaining time to the server when it is sent; a call without an answer by then is cancelled.
    pub(crate) async fn call(
        &self,
        mut request: Request<()>,
        message: Bytes,
        deadline: Option<Instant>,
    ) -> Outcome {
        let sent = Cell::new(None);
        let result = by(deadline, async {
            let _turn = self.turn().await;
            let sender = self.ready().await?;
            let now = Instant::now();
            if let Some(deadline) = deadline {
                let left = deadline.checked_duration_since(now).ok_or_else(Failure::late)?;
                let value = HeaderValue::try_from(grpc_timeout(left)).map_err(|_| Failure::late())?;
                request.headers_mut().insert("grpc-timeout", value);
            }
            sent.set(Some(now));
            exchange(sender, request, message)
                .await
                .unwrap_or_else(|cause| Err(Failure::unavailable(cause.to_string())))
        })
        .await;
        Outcome {
            sent: sent.get(),
            result,
        }
    }

    /// Waits until the server allows another call on this connection. The connection would wait too, but not
    /// say when the call left.
    async fn turn(&self) -> Turn<'_> {
        while self.calls.get() >= self.current.borrow().current_max_send_streams() {
            self.ended.notified().await;
        }
        self.calls.set(self.calls.get() + 1);
        Turn(self)
    }

    /// What takes a request now. Nothing has been sent when it fails, so calls move to another connection.
    async fn ready(&self) -> Result<SendRequest<Bytes>, Failure> {
        let (generation, sender) = (self.reopened.get(), self.current.borrow().clone());
        if let Ok(sender) = sender.ready().await {
            return Ok(sender);
        }
        let one = self.reopening.lock().await;
        if self.reopened.get() == generation {
            self.reopen().await?;
        }
        drop(one);
        let sender = self.current.borrow().clone();
        sender
            .ready()
            .await
            .map_err(|cause| Failure::unavailable(cause.to_string()))
    }

    async fn reopen(&self) -> Result<(), Failure> {
        if let Some((at, failure)) = &*self.last_failure.borrow()
            && at.elapsed() < REOPEN_PAUSE
        {
            return Err(failure.clone());
        }
        match connect(&self.target).await {
            Ok(sender) => {
                self.current.replace(sender);
                self.reopened.set(self.reopened.get() + 1);
                Ok(())
            }
            Err(fault) => {
                let failure = Failure::unavailable(fault.to_string());
                self.last_failure.replace(Some((Instant::now(), failure.clone())));
                Err(failure)
            }
        }
    }
}

/// A call under way; given up, or ended, it lets the next one go.
struct Turn<'a>(&'a Connection);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.calls.set(self.0.calls.get() - 1);
        self.0.ended.notify_one();
    }
}

async fn by(
    deadline: Option<Instant>,
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    match deadline {
        None => work.await,
        Some(deadline) => timeout_at(deadline.into(), work)
            .await
            .unwrap_or_else(|_| Err(Failure::late())),
    }
}

/// As gRPC writes it: eight digits at most, and a unit.
fn grpc_timeout(left: Duration) -> String {
    let (us, ms) = (left.as_micros(), left.as_millis());
    if us < 100_000_000 {
        format!("{us}u")
    } else {
        format!("{}m", ms.min(99_999_999))
    }
}

async fn connect(target: &Target) -> Result<SendRequest<Bytes>, LoadError> {
    let fault = |cause: String| LoadError::Connect {
        address: target.address.clone(),
        cause,
    };
    let opening = async {
        let socket = target.connect().await.map_err(|cause| cause.to_string())?;
        match socket {
            Socket::Tcp(stream) => secure(target, stream).await,
            Socket::Unix(stream) => secure(target, stream).await,
        }
    };
    match timeout(OPEN_MAX, opening).await {
        Ok(opened) => opened.map_err(fault),
        Err(_) => Err(fault(format!(
            "no answer in HTTP/2 within {} s",
            OPEN_MAX.as_secs()
        ))),
    }
}

async fn secure<S>(target: &Target, stream: S) -> Result<SendRequest<Bytes>, String>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    match &target.handshake {
        None => greet(stream)
            .await
            .map_err(|cause| format!("{cause}: is it a gRPC server, in plain text?")),
        Some(handshake) => {
            let stream = handshake
                .agree(stream)
                .await
                .map_err(|cause| format!("no TLS connection: {cause}"))?;
            // The alert with the reason may be lost with the connection.
            greet(stream).await.map_err(|cause| {
                format!(
                    "{cause}, after the TLS handshake: does the server require another client certificate?"
                )
            })
        }
    }
}

/// Begins HTTP/2; the connection is driven by a task of the current event loop.
async fn greet<S>(stream: S) -> Result<SendRequest<Bytes>, String>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let mut builder = h2::client::Builder::new();
    builder
        .initial_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        // Answers that were in flight when their calls were cancelled are not an attack by the server.
        .max_concurrent_reset_streams(CANCELLED_MAX)
        .max_local_error_reset_streams(None);
    let (sender, mut driver) = builder
        .handshake(stream)
        .await
        .map_err(|cause| cause.to_string())?;
    let pings = driver.ping_pong();
    // When it ends, calls fail and say so.
    let ended = tokio::task::spawn_local(driver);
    if let Some(mut pings) = pings
        && pings.ping(Ping::opaque()).await.is_err()
    {
        return Err(match ended.await {
            Ok(Err(cause)) => cause.to_string(),
            _ => "the server closed the connection".into(),
        });
    }
    Ok(sender)
}

async fn exchange(
    mut sender: SendRequest<Bytes>,
    request: Request<()>,
    message: Bytes,
) -> Result<Result<(), Failure>, h2::Error> {
    let (response, mut body) = sender.send_request(request, false)?;
    body.send_data(message, true)?;
    let (head, mut body) = response.await?.into_parts();
    while let Some(chunk) = body.data().await {
        let length = chunk?.len();
        body.flow_control().release_capacity(length)?;
    }
    let trailers = body.trailers().await?;
    Ok(judge(head.status, trailers.as_ref().unwrap_or(&head.headers)))
}

/// A message as gRPC sends it: uncompressed, its length in front.
pub(crate) fn frame(message: &[u8]) -> Option<Bytes> {
    let mut framed = BytesMut::with_capacity(message.len() + 5);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).ok()?);
    framed.put_slice(message);
    Some(framed.freeze())
}
