# ruff: noqa: PYI021 - what is documented of the compiled module is documented here
"""The engine and the server, compiled: bundles that decide, the data plane, the load generator.

Messages cross this border encoded, as `nextbest.v1` defines them. Whatever takes longer than a look-up runs
without the interpreter's lock; no Python runs on the path of a server's request.
"""

from typing import Any, TypedDict, final

__all__ = [
    "Bundle",
    "BundleError",
    "LoadWatch",
    "NativeModel",
    "RequestError",
    "Server",
    "ServerError",
    "kernels",
    "load",
    "nearest",
    "start_of_day",
    "system_authorities",
]

class BundleError(ValueError):
    """A bundle cannot be opened, or a model of it cannot be loaded. Its arguments are `code`, `message`."""

    @property
    def code(self) -> str:
        """A stable word for programs.

        `not-a-bundle`, `newer-format`, `oversized`, `truncated`, `damaged`, `undecodable`, `too-many`,
        `malformed`: the file; `index-too-large`: its policies need more memory than they may take; `models`:
        ONNX Runtime or a model does not load; `models-without-runtime`: a server is given a bundle with
        models, and no path of ONNX Runtime.
        """
    @property
    def message(self) -> str:
        """A sentence; also what `str` gives."""

class RequestError(ValueError):
    """A request or customer is refused. Its arguments are `message`, `field`."""

    @property
    def message(self) -> str:
        """A sentence that names no value."""
    @property
    def field(self) -> str:
        """Path of the field, `context[2].value`; empty where the message concerns the whole."""

class ServerError(OSError):
    """A server or a load run cannot start: an address, a thread, a setting of tracing."""

class _Report(TypedDict):
    sent: int
    ok: int
    errors: dict[str, int]
    messages: dict[str, str]
    error_latencies: dict[str, dict[str, float]]
    achieved_per_s: float
    measured_s: float
    reopened: int
    p50_us: float
    p90_us: float
    p99_us: float
    p999_us: float
    max_us: float
    service_p50_us: float
    service_p90_us: float
    service_p99_us: float
    service_p999_us: float
    service_max_us: float
    lag_p50_us: float
    lag_p90_us: float
    lag_p99_us: float
    lag_p999_us: float
    lag_max_us: float
    hiccup_p50_us: float
    hiccup_p90_us: float
    hiccup_p99_us: float
    hiccup_p999_us: float
    hiccup_max_us: float
    distribution: list[tuple[float, float, int]]
    service_distribution: list[tuple[float, float, int]]
    hiccup_distribution: list[tuple[float, float, int]]
    hgrm: str

@final
class Bundle:
    """A verified bundle that decides when asked. Immutable; threads may share it."""

    def __new__(cls, data: bytes, *, onnxruntime_path: str | None = None) -> Bundle:
        """Opens a bundle file.

        Args:
            data: The file's bytes.
            onnxruntime_path: Of `libonnxruntime.so`. Without it no model runs: priors are used, and answers
                report it.

        Raises:
            BundleError: The file is not whole or holds what must not be, or a model does not load.
        """
    @property
    def digest(self) -> str:
        """SHA-256 of the file, in hexadecimal."""
    @property
    def workspace(self) -> str:
        """The workspace's name."""
    @property
    def action_count(self) -> int:
        """Number of actions, disabled ones included."""
    @property
    def model_count(self) -> int:
        """Number of models."""
    def decide(self, request: bytes, customer: bytes | None, *, now_us: int, seed: int) -> bytes:
        """Decides.

        Args:
            request: An encoded `DecideRequest`. The `now_us` and `seed` of a dry run come before those below.
            customer: What is stored of the customer, an encoded `Customer`; None: nothing is.
            now_us: Time of the decision, in microseconds since 1970.
            seed: 0 to 2**64 - 1. The same bundle, request, customer, time and seed give the same bytes.

        Returns:
            An encoded `DecideResponse`.

        Raises:
            RequestError: The first thing that is wrong with the request or the customer.
            OverflowError: The time or seed is out of range.
        """
    def explain(self, request: bytes, customer: bytes | None, *, now_us: int, seed: int) -> bytes:
        """Explains a decision.

        Args:
            request: An encoded `ExplainRequest`.
            customer: As for `decide`.
            now_us: As for `decide`.
            seed: As for `decide`.

        Returns:
            An encoded `ExplainResponse`.

        Raises:
            RequestError: The first thing that is wrong with the request or the customer.
            OverflowError: The time or seed is out of range.
        """

def start_of_day(year: int, month: int, day: int, zone: str) -> int:
    """Returns the first moment of a day in a time zone, in microseconds since 1970.

    After midnight where the clock was put forward at midnight. The zones are those of the engine, the same on
    every machine.

    Args:
        year: 1 to 9999.
        month: 1 to 12.
        day: 1 to 31.
        zone: `Europe/Berlin`, or an offset, `+01:00`; empty: UTC.

    Raises:
        ValueError: The date is not in the calendar, or there is no such zone.
    """

@final
class NativeModel:
    """A lowered model that scores rows. Immutable; threads may share it."""

    def __new__(cls, data: bytes) -> NativeModel:
        """Opens an encoded `NativeModel`.

        Raises:
            BundleError: It is not a bundle, or its content is not valid.
        """
    @property
    def tree_count(self) -> int:
        """Trees of all its ensembles."""
    def score(
        self,
        rows: int,
        floats: bytes,
        ints: list[int],
        texts: list[str],
        *,
        column: int,
        kernel: str | None = None,
    ) -> bytes:
        """Scores rows.

        Args:
            rows: How many.
            floats: The inputs that are numbers, row by row, as little-endian floats of 32 bits; NaN: missing.
            ints: The inputs that are whole numbers, row by row.
            texts: The inputs that are texts, row by row.
            column: Of the graph's output, one of those that the model was lowered for.
            kernel: One of `kernels()`; None: the best of them.

        Returns:
            A little-endian float of 32 bits for each row; NaN where the row has none.

        Raises:
            ValueError: There is no such column or kernel, or the inputs do not have this number of rows.
        """
    def time(
        self, rows: int, floats: bytes, ints: list[int], texts: list[str], *, batch: int, runs: int
    ) -> list[float]:
        """Times runs of this number of rows each, with the best kernel of this machine.

        Args:
            rows: How many there are; runs go through them in circles, so that none is learnt by heart.
            floats: As for `score`.
            ints: As for `score`.
            texts: As for `score`.
            batch: Rows of one run.
            runs: How many runs.

        Returns:
            Microseconds of each run.

        Raises:
            ValueError: There is no row, or the inputs do not have this number of rows.
        """
    def time_decisions(
        self,
        rows: int,
        floats: bytes,
        ints: list[int],
        texts: list[str],
        *,
        column: int,
        is_own: list[bool],
        actions: int,
        runs: int,
    ) -> list[float]:
        """Times runs as in decisions: one customer and this number of actions.

        Args:
            rows: How many there are: each is a customer, and the first `actions` are the actions.
            floats: As for `score`.
            ints: As for `score`.
            texts: As for `score`.
            column: Of the graph's output, one of those that the model was lowered for.
            is_own: For each input column, numbers first, then whole numbers and texts, whether it comes from
                the action. What comes from actions alone is computed before, as when a server activates.
            actions: Of one run.
            runs: How many runs, each of another customer.

        Returns:
            Microseconds of each run.

        Raises:
            ValueError: There is no row, the inputs do not have this number of rows, or there is no flag for
            each column.
            BundleError: The model cannot be factored for this number of actions.
        """
    def contributions(
        self,
        rows: int,
        floats: bytes,
        ints: list[int],
        texts: list[str],
        *,
        column: int,
        method: str,
        owners: list[int] | None = None,
    ) -> bytes:
        """Tells what each input column adds to the margin behind a column of the output.

        Args:
            rows: As for `score`, and so are `floats`, `ints` and `texts`.
            floats: See `rows`.
            ints: See `rows`.
            texts: See `rows`.
            column: As for `score`.
            method: `fast` (Saabas) or `exact` (Shapley values along the paths of trees).
            owners: A number below 60,000 for each input column, those of numbers first, then whole numbers,
                then texts: columns with the same number have one contribution together. None: one
                contribution per column.

        Returns:
            For each row little-endian floats of 64 bits: the expected margin, the row's margin, and a
            contribution for each owner; NaN where the row has no result.

        Raises:
            ValueError: The model cannot be explained, there is no such method, or the inputs do not have this
                number of rows.
        """
    def survey(
        self, rows: int, floats: bytes, ints: list[int], texts: list[str]
    ) -> tuple[int, list[list[float]], list[float]]:
        """Surveys a background sample.

        Args:
            rows: As for `score`, and so are `floats`, `ints` and `texts`.
            floats: See `rows`.
            ints: See `rows`.
            texts: See `rows`.

        Returns:
            How many rows have a result; for each ensemble, how many of them come to each of its leaves; the
            mean of each cell over those of them where it is a finite number.

        Raises:
            ValueError: The inputs do not have this number of rows.
        """

def system_authorities() -> list[bytes]:
    """Returns the certificates of the authorities that this system trusts, DER."""

@final
class Server:
    """The data plane. Its threads are its own; they do not survive a fork."""

    def __new__(cls, bundle: bytes, settings: dict[str, Any]) -> Server:
        """Starts a server: ports, health checks, the bundle, decisions, in this order.

        Args:
            bundle: A bundle file's bytes.
            settings: All optional; None is as good as absent.

                `address` ("127.0.0.1:50051"), `health_address` ("127.0.0.1:50053"): `host:port`, port 0: any;
                or `unix:/path`. `kernel` (the best of the machine): what filters, `avx512`, `avx2` or
                `portable`. `index_bytes_max` (1 GiB): memory that the index of a bundle's policies may take.
                `health_sample` (8): one in this number of decisions is counted for the health of its models;
                0: none. `workers` (0): threads that decide; 0: one a core. `in_flight_max` (16,384): requests
                in memory; more are refused. `late_models` ("degrade"): the handling of a request whose
                deadline leaves no time for models: `degrade` to priors, or `refuse`. `onnxruntime_path`: of
                `libonnxruntime.so`; a bundle with models needs it. `drain_grace_s` (0.0): how long `drain`
                goes on accepting. And what `nextbest.settings.limits.Limits` has. `tls_certificate`,
                `tls_key` (None): who the server is, bytes of PEM; None: plain text. `tls_client_ca` (None):
                whose certificates callers may show; `tls_client_required` (True): and have to. `access`
                (None): callers, in the form of `nextbest.serve.access`; None: no authentication.
                `otlp_endpoint` (None): `http://host:port` or `https://...` of a collector; None: no traces.
                `otlp_protocol` ("grpc"): or `http/protobuf`. `otlp_compressed` (False): with gzip.
                `otlp_certificate` (the system's), `otlp_client_certificate`, `otlp_client_key` (None): bytes
                of PEM. `otlp_headers`: names and values sent along. `otlp_timeout_s` (10.0): for an answer.
                `otlp_resource`: attributes of the process. `otlp_sampler` ("parentbased_always_on"),
                `otlp_sampler_ratio` (1.0). `otlp_delay_s` (0.2): the maximum time that a span waits.
                `otlp_batch_spans_max` (2,048): spans of a request. `otlp_retry_s` (300.0): until spans that
                the collector does not take are given up. `customer_hash_key` (random): bytes that key the
                hash of customer ids in traces. `trace_queue_bytes` (67,108,864): room for spans not yet
                exported.

        Raises:
            BundleError: The bundle cannot be run.
            ServerError: An address cannot be listened on, or tracing's settings are wrong.
            ValueError: A setting is unknown, or not of its type or range.
        """
    @property
    def decision_address(self) -> str:
        """Of the decision and customer services: `host:port`, or `unix:/path`."""
    @property
    def health_address(self) -> str:
        """Of `grpc.health.v1`: `host:port`, or `unix:/path`."""
    def activate(self, bundle: bytes) -> tuple[str, str, int, int]:
        """Opens and warms a bundle and makes it the active one, all or nothing.

        Args:
            bundle: A bundle file's bytes.

        Returns:
            Its digest, the digest of the one before it, how long it took in microseconds, and the bytes of
            memory that the index of its policies takes.

        Raises:
            BundleError: The bundle cannot be run; the active one stays.
            ServerError: The process was forked, or there is no thread.
        """
    def renew(self, settings: dict[str, Any]) -> None:
        """Offers new connections other certificates; open ones keep theirs.

        Args:
            settings: Those of `__new__` that begin with `tls_`.

        Raises:
            ServerError: They cannot be used, or the server was started without; nothing changes then.
            ValueError: A setting is unknown, or not of its type.
        """
    def grant(self, callers: list[dict[str, Any]]) -> None:
        """Changes who may call, at once; a server that was started for everybody stays as it is.

        Args:
            callers: As in `access` of `__new__`.

        Raises:
            ValueError: A role or field is unknown, or not of its type.
        """
    def status(self) -> bytes:
        """Returns what the server is doing: an encoded `StatusResponse`.

        The source of its bundle and the counters of the log are not in it.
        """
    def model_health(self) -> bytes:
        """Says how the models of the active bundle fare: an encoded `ModelHealthResponse`."""
    def drain(self, deadline_s: float) -> int:
        """Ends the decision port: health first, then no new connections, then open requests.

        Args:
            deadline_s: Seconds that it may take, the grace included; 0 or more.

        Returns:
            How many requests were cut off. 0, at once, for a server already drained.

        Raises:
            ServerError: The process was forked.
            ValueError: The deadline is negative or no number.
        """
    def shutdown(self, deadline_s: float) -> tuple[int, int]:
        """Drains, exports the spans that are queued, and ends all threads.

        Args:
            deadline_s: Seconds that it may take, and about one more; 0 or more.

        Returns:
            How many requests were cut off, and how many spans were lost. Zeros, at once, for a server already
            shut down.

        Raises:
            ServerError: The process was forked.
            ValueError: The deadline is negative or no number.
        """

def kernels() -> list[str]:
    """Names the instructions that this machine can filter with, the fastest first."""

def nearest(name: str, known: list[str]) -> str | None:
    """Returns the one of at most 10,000 known names that was probably meant, or None.

    Case does not count. Up to three letters of ten may differ, and one of three; two neighbours swapped are
    one difference. Of equally near ones, the first in the order of names; without one, the only name that
    begins with `name`.
    """

@final
class LoadWatch:
    """Follows a run of `load` from another thread, and stops it. Counts include the warm-up."""

    def __new__(cls) -> LoadWatch:
        """Watches nothing yet: hand it to `load`."""
    @property
    def sent(self) -> int:
        """Requests that were due so far."""
    @property
    def ok(self) -> int:
        """Answers with status OK."""
    @property
    def failed(self) -> int:
        """Other answers, and requests that could not be sent."""
    def stop(self) -> None:
        """Ends the run soon; it reports what it has measured until then."""

def load(settings: dict[str, Any], *, watch: LoadWatch | None = None) -> _Report:
    """Sends requests to a server at a pace, and reports how long the answers took.

    Open loop (`rate_per_s`): requests leave on schedule, answered or not, and each is timed from the moment
    it was due. Closed loop (`in_flight`): this number at a time, timed from when they are sent; for capacity.

    Args:
        settings: `requests`: encoded messages, sent in turn; at least one. Either `rate_per_s` (above 0.0) or
            `in_flight` (1 or more, over all connections).

            Optional: `address` ("127.0.0.1:50051"; "unix:/path" for a socket file), `method`
            ("/nextbest.v1.DecisionService/Decide"; the path of any unary one, such as
            "/grpc.health.v1.Health/Check"), `duration_s` (10.0), `warmup_s` (1.0; before it, not counted),
            `connections` (4), `api_key` (sent as `authorization: Bearer KEY`), `timeout_s` (up to 60.0, sent
            as `grpc-timeout`; calls that take longer are cancelled, and count as `DEADLINE_EXCEEDED`).

            Over TLS: `tls_ca`, `tls_cert` with `tls_key`: bytes in PEM form; `tls_name`: what the server's
            certificate is made out to, if not the address' host. Without `tls_ca`, nothing is encrypted.
        watch: Follows and stops this run. One watch, one run.

    Returns:
        `sent`: requests that were due. `ok`: answered with status OK. `errors`: the others, by gRPC status;
        `UNANSWERED` and `NOT_SENT` are its own. `messages`: the first one of each status.
        `error_latencies`: `p50_us` to `max_us` of each status that was answered. `achieved_per_s`: those that
        were OK, a second. `measured_s`: for how long. `reopened`: connections that ended and were opened
        again. `lag_p50_us` to `lag_max_us`: how late the generator itself came to send what was due (closed
        loop: 0.0).

        Of those that were OK, `p50_us` to `max_us`: from when a request was due; `service_p50_us` to
        `service_max_us`: from when it left. `hiccup_p50_us` to `hiccup_max_us`: how late this machine woke a
        sleeping thread meanwhile. `distribution`, `service_distribution`, `hiccup_distribution`: the same in
        full, as (share that took no longer, microseconds, how many). `hgrm`: the first of them in
        HdrHistogram's text form, in milliseconds.

    Raises:
        ServerError: The server cannot be reached.
        ValueError: A setting is missing, unknown, or not of its type or range.
    """
