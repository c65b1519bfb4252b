//! One accepted socket turned into an HTTP/2 connection that is served, and ended in good order.
//!
//! The bounds that tonic's own server leaves open are set here.

use std::{
    io,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use hyper::{rt::Executor, server::conn::http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use nextbest_inspection::{Authorities, Inspected};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    sync::watch,
    time::timeout,
};

use crate::{
    limits::{
        AGE_GRACE, CONNECTION_WINDOW_BYTES, FRAME_BYTES_MAX, HEADER_LIST_BYTES_MAX, LINGER,
        LOCAL_ERROR_RESETS_MAX, PENDING_ACCEPT_RESETS_MAX, PIECE_BYTES_MAX, STREAM_WINDOW_BYTES,
        WATCH_INTERVAL,
    },
    services::health::Phase,
    settings::Timeouts,
    transport::{
        address::Stream,
        admission::Place,
        connection_policy::ConnectionPolicy,
        farewell::Farewell,
        greeting::{Greeted, PREFACE, greet},
        routes::{Routes, Services},
    },
};

/// Of one stream, in the transport.
const SEND_BUFFER_BYTES: usize = 4 * PIECE_BYTES_MAX;
/// How often a connection that is ending looks whether its requests have ended.
const ENDING_INTERVAL: Duration = Duration::from_millis(20);

/// An accepted socket, in its place among the port's connections.
pub(crate) struct Socket {
    pub(crate) stream: Stream,
    pub(crate) place: Place,
    /// Counts for its worker as long as it is here.
    pub(crate) open: Arc<()>,
}

/// Serves the connection until its end. Returns how many requests were cut off without a response.
pub(crate) async fn serve(
    socket: Socket,
    services: Services,
    policy: ConnectionPolicy,
    phase: watch::Receiver<Phase>,
) -> usize {
    let Socket {
        stream,
        place,
        open: _open,
    } = socket;
    let served = serve_socket(stream, &place, services, policy, phase);
    tokio::select! {
        cut_off = served => cut_off,
        () = place.wanted() => 0,
    }
}

async fn serve_socket(
    stream: Stream,
    place: &Place,
    services: Services,
    policy: ConnectionPolicy,
    phase: watch::Receiver<Phase>,
) -> usize {
    match stream {
        Stream::Tcp(stream, _) => {
            // Responses are small and awaited: they must not wait for more to send.
            let adopted = stream
                .set_nodelay(true)
                .and_then(|()| TcpStream::from_std(stream));
            serve_stream(adopted, place, Authorities::Valid, services, policy, phase).await
        }
        Stream::Unix(stream) => {
            let adopted = UnixStream::from_std(stream);
            serve_stream(adopted, place, Authorities::Any, services, policy, phase).await
        }
    }
}

async fn serve_stream<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    stream: io::Result<S>,
    place: &Place,
    authorities: Authorities,
    services: Services,
    policy: ConnectionPolicy,
    mut phase: watch::Receiver<Phase>,
) -> usize {
    let Ok(stream) = stream else { return 0 };
    let greeting = greet(stream, &policy);
    let greeted = tokio::select! {
        greeted = timeout(policy.timeouts.handshake, greeting) => greeted.ok().flatten(),
        // What the peer has sent before it could know is answered.
        () = drained(&mut phase) => None,
    };
    place.greeted();
    match greeted {
        None => 0,
        Some((Greeted::Plain(stream), identity)) => {
            let routes = Routes::new(services, identity);
            let stream = Inspected::new(Farewell::new(stream), PREFACE, authorities, routes.error_flag());
            serve_calls(stream, routes, &policy, phase).await
        }
        Some((Greeted::Tls(stream), identity)) => {
            let routes = Routes::new(services, identity);
            let stream = Inspected::new(Farewell::new(stream), PREFACE, authorities, routes.error_flag());
            serve_calls(stream, routes, &policy, phase).await
        }
    }
}

async fn serve_calls<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    stream: Inspected<S>,
    routes: Routes,
    policy: &ConnectionPolicy,
    mut phase: watch::Receiver<Phase>,
) -> usize {
    let timeouts = &policy.timeouts;
    let mut connection = pin!(settings(policy).serve_connection(TokioIo::new(stream), routes.clone()));
    let end_by = tokio::select! {
        // However it ends, its requests have ended with it, and the peer knows why.
        _ = connection.as_mut() => return 0,
        end_by = draining(&mut phase) => end_by,
        () = grown_old(timeouts.age) => Instant::now() + AGE_GRACE,
        neglect = neglected(&routes, timeouts) => match neglect {
            Neglect::Idle => Instant::now() + AGE_GRACE,
            // A GOAWAY would wait behind what the peer does not read. Its own requests alone are cut off.
            Neglect::Unread => return 0,
        },
    };
    connection.as_mut().graceful_shutdown();
    routes.leave();
    let mut idle_since = None;
    loop {
        tokio::select! {
            _ = connection.as_mut() => return 0,
            () = tokio::time::sleep(ENDING_INTERVAL) => {}
        }
        let now = Instant::now();
        let is_idle = routes.open_requests() == 0;
        idle_since = if is_idle { idle_since.or(Some(now)) } else { None };
        let has_lingered = idle_since.is_some_and(|since| now - since >= LINGER);
        let drain_by = drain_deadline(*phase.borrow()).unwrap_or(end_by);
        if has_lingered || now >= end_by.min(drain_by) {
            return routes.open_requests();
        }
    }
}

fn settings(policy: &ConnectionPolicy) -> http2::Builder<Local> {
    let timeouts = &policy.timeouts;
    let mut builder = http2::Builder::new(Local);
    builder
        .max_concurrent_streams(policy.streams_max)
        .max_pending_accept_reset_streams(PENDING_ACCEPT_RESETS_MAX)
        .max_local_error_reset_streams(LOCAL_ERROR_RESETS_MAX)
        .max_header_list_size(HEADER_LIST_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .keep_alive_interval(timeouts.keepalive_interval)
        .keep_alive_timeout(timeouts.keepalive_timeout)
        .auto_date_header(false)
        .timer(TokioTimer::new());
    builder
}

fn drain_deadline(phase: Phase) -> Option<Instant> {
    match phase {
        Phase::Draining(by) => Some(by),
        Phase::Ended => Some(Instant::now()),
        Phase::Starting | Phase::Serving | Phase::Leaving => None,
    }
}

/// Returns when the server drains, with the time by which to have ended.
pub(crate) async fn draining(phase: &mut watch::Receiver<Phase>) -> Instant {
    let phase = phase.wait_for(|phase| drain_deadline(*phase).is_some()).await;
    // Without a sender there is no server left.
    phase
        .ok()
        .and_then(|phase| drain_deadline(*phase))
        .unwrap_or_else(Instant::now)
}

/// Returns when the server has drained for so long that a peer which has not spoken yet is not about to.
async fn drained(phase: &mut watch::Receiver<Phase>) {
    let by = draining(phase).await;
    tokio::time::sleep(LINGER.min(by.saturating_duration_since(Instant::now()))).await;
}

/// Why a connection is not worth its place.
enum Neglect {
    /// The peer asks nothing.
    Idle,
    /// The peer does not read its responses.
    Unread,
}

/// Returns when the peer has asked nothing, or not read a response, for longer than it may.
async fn neglected(routes: &Routes, timeouts: &Timeouts) -> Neglect {
    let shorter = timeouts.idle.min(timeouts.reading);
    let interval = WATCH_INTERVAL.min(shorter / 4).max(ENDING_INTERVAL / 4);
    let mut called = routes.called();
    let mut idle = Duration::ZERO;
    loop {
        tokio::time::sleep(interval).await;
        let unread = u32::try_from(routes.deliveries().tick()).unwrap_or(u32::MAX);
        if interval.saturating_mul(unread) > timeouts.reading {
            return Neglect::Unread;
        }
        let is_idle = routes.called() == called && routes.open_requests() == 0;
        idle = if is_idle { idle + interval } else { Duration::ZERO };
        if idle > timeouts.idle {
            return Neglect::Idle;
        }
        called = routes.called();
    }
}

async fn grown_old(age: Option<Duration>) {
    match age {
        // Up to a tenth earlier, so that connections made together are not all renewed together.
        Some(age) => tokio::time::sleep(age.mul_f64(1.0 - 0.1 * fastrand::f64())).await,
        None => std::future::pending().await,
    }
}

/// Spawns on the thread's own event loop: nothing of a connection ever moves to another thread.
#[derive(Clone, Copy)]
struct Local;

impl<F: Future + 'static> Executor<F> for Local {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}
