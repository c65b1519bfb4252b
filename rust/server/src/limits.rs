//! The bounds of what the server takes from the network and waits for, each with its name.

use std::time::Duration;

pub use nextbest_inspection::{FRAME_BYTES_MAX, HEADER_BLOCK_BYTES_MAX, HEADER_LIST_BYTES_MAX};

/// An encoded `DecideRequest` or `ExplainRequest`.
pub const DECIDE_BYTES_MAX: usize = 256 * 1024;
/// An encoded request of the customer service: an upsert of many customers.
pub const CUSTOMERS_BYTES_MAX: usize = 4 * 1024 * 1024;
/// An encoded health check.
pub const HEALTH_BYTES_MAX: usize = 4 * 1024;
/// An encoded question of reflection.
pub const REFLECTION_BYTES_MAX: usize = 4 * 1024;
/// Customers of an upsert that are checked before other requests of the worker get their turn.
pub const UPSERT_CHUNK_CUSTOMERS: usize = 16;

/// Connections where the settings do not say; beyond it they are closed at once.
pub const CONNECTIONS_MAX: usize = 4_096;
/// Connections from one address if the settings do not limit them: a proxy in front of all channels has one
/// address, so this is a large part of all.
pub const PEER_CONNECTIONS_MAX: usize = 1_024;
/// Connections of the health port; the next one takes the place of the one that has been silent longest.
pub const HEALTH_CONNECTIONS_MAX: usize = 256;
/// Connections of the control port.
pub const CONTROL_CONNECTIONS_MAX: usize = 1_024;
/// Of the health and of the control port, however few files the process may open.
pub const PORT_CONNECTIONS_MIN: usize = 8;
/// Descriptors that no connection takes: of files, exporters, event loops and Python.
pub const DESCRIPTORS_OF_THE_PROCESS: usize = 64;
/// Accepted sockets on their way to one worker.
pub const HANDOVER_SOCKETS_MAX: usize = 1_024;
/// Connections that the kernel completes before they are accepted.
pub const LISTEN_BACKLOG: i32 = 1_024;

/// Requests at a time on one connection.
pub const STREAMS_MAX: u32 = 256;
/// Streams reset by the peer before they were accepted: callers with tight deadlines reset many, and a
/// smaller bound would close the connection of all their requests.
pub const PENDING_ACCEPT_RESETS_MAX: usize = 256;
/// Streams reset by us for the peer's mistakes; without a bound a peer can make us remember any number of
/// them.
pub const LOCAL_ERROR_RESETS_MAX: usize = 1_024;
/// What a peer may send on one stream before it is read.
pub const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// What a peer may send on one connection before it is read.
pub const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;

/// Of a response, as it is handed to the transport: a peer that reads nothing keeps one of them in memory.
pub const PIECE_BYTES_MAX: usize = 16 * 1024;
/// One response, as encoded: the default limit of gRPC's clients.
pub const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Memory of answers under construction and unread, over all connections.
pub const ANSWERS_BYTES_MAX: usize = 256 * 1024 * 1024;
/// What the smallest response takes in memory: the buffer that it is encoded into.
pub const ANSWER_BUFFER_BYTES: usize = 8 * 1024;
/// Memory for a byte of an encoded response: its buffer grows by doubling.
pub const ENCODED_FACTOR: usize = 2;

/// Memory of messages that have begun and not ended, over all connections.
pub const INTAKE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// From accepting a socket to the end of its HTTP/2 preface, TLS included.
pub const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// From the headers of a request to the end of its message.
pub const MESSAGE_TIME_MAX: Duration = Duration::from_secs(10);
/// For a peer to read a piece of a response.
pub const READING_TIME_MAX: Duration = Duration::from_secs(30);
/// After this time without a request on a connection, or a question on a stream, the server asks the client
/// to leave.
pub const IDLE_MAX: Duration = Duration::from_mins(30);
/// How often a connection is checked for idleness and for unread responses; more often if the settings ask
/// for less time.
pub const WATCH_INTERVAL: Duration = Duration::from_secs(5);
/// Between pings on a connection.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// From a ping to giving the connection up.
pub const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// The age at which the server asks a connection's client to leave.
pub const AGE_MAX: Duration = Duration::from_hours(1);
/// For the requests of a connection that has reached its age.
pub const AGE_GRACE: Duration = Duration::from_secs(10);
/// From the last response of a draining connection to closing it: time for the response, and for the peer to
/// leave. The same for the preface of a connection that was made just before the server began to drain.
pub const LINGER: Duration = Duration::from_millis(500);
/// What is read and dropped of a peer while its connection is being closed.
pub const LATE_BYTES_MAX: usize = 1024 * 1024;

/// Requests in memory where the settings do not say, those whose message is still on its way included.
pub const IN_FLIGHT_MAX: usize = 16_384;
/// A request is refused when it would wait longer for a worker without burst credit.
pub const OVERLOAD_DELAY_MAX: Duration = Duration::from_micros(600);
/// The most credit: so much longer a request may wait in a burst.
pub const CREDIT_MAX: Duration = Duration::from_millis(9);
/// Credit is spent several times more slowly than it is earned: a worker that is busy for less than four
/// fifths of its time has credit.
pub const WORK_PER_CREDIT: u64 = 4;
/// What a request takes of its worker beside its decision, or when it is refused.
pub const TRANSPORT_TIME: Duration = Duration::from_micros(8);
/// When a caller that was refused for overload may come again.
pub const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Customers of a `DecideBatch`.
pub const BATCH_CUSTOMERS_MAX: usize = 1_000;
/// An encoded `DecideBatchRequest`.
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long a batch keeps its worker before other calls get their turn.
pub const BATCH_TURN: Duration = Duration::from_micros(100);
/// Answers of a `DecideStream` before other calls get their turn.
pub const STREAM_TURN_ANSWERS: u32 = 4;
/// Answers of a `DecideStream` to questions that came before its end was announced.
pub const STREAM_LAST_ANSWERS_MAX: u32 = 256;

/// Spans of failed calls a second, of each worker, beyond a burst; further failures are only counted.
pub const FAILURE_SPANS_PER_SECOND: u64 = 10;
/// Spans of failed calls at once, of each worker.
pub const FAILURE_SPANS_BURST: u64 = 100;

/// Answers of at least this number of bytes are compressed for callers that accept gzip.
pub const COMPRESSED_BYTES_MIN: usize = 32 * 1024;
/// What is compressed before other calls get their turn: some 0.1 ms.
pub const COMPRESSION_STEP_BYTES: usize = 16 * 1024;

/// What is read of a request after its answer, so that its stream need not be reset.
pub const UNREAD_BYTES_MAX: usize = CUSTOMERS_BYTES_MAX;
/// How long.
pub const UNREAD_TIME_MAX: Duration = Duration::from_secs(1);
/// Calls at a time on one connection of the health port.
pub const HEALTH_STREAMS_MAX: u32 = 8;
/// Health watches at a time, on both ports.
pub const HEALTH_WATCHES_MAX: usize = 1_024;
