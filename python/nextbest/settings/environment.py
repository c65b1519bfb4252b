"""Environment variables -> settings. The only module that touches the environment.

Options of the command line come before these; these come before the defaults.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nextbest.ports import CONTROL_ADDRESS, DECISION_ADDRESS, HEALTH_ADDRESS
from nextbest.settings import limits, otel, variables
from nextbest.settings.limits import Limits
from nextbest.settings.otel import Otel

SettingError = variables.SettingError

# A gRPC client that has been refused for up to 4 s tries again within 3.1 s: it waits 1, 1.6 and 2.6 s
# between attempts, give or take a fifth. A server that is stopped as soon as another is back answers until
# callers have found that one.
DRAIN_GRACE_S: Final = 4.0
HASH_KEY_BYTES_MIN: Final = 16
SAMPLE_MAX: Final = 1_000_000
KERNELS: Final = ("avx512", "avx2", "portable")
ON_DECISION_PORT: Final = ("health", "reflection")
LATE_MODELS: Final = ("degrade", "refuse")


SHADOW_EVERY: Final = 1_000
DRAIN_S_MAX: Final = 9.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the surroundings say. Each attribute names its variable.

    Attributes:
        address: NEXTBEST_ADDRESS. Where decisions are served and asked for: `host:port` or `unix:/path`.
        access: NEXTBEST_ACCESS. The access file of a server: its callers and their roles, read again when it
            changes; None: no authentication.
        api_key: NEXTBEST_API_KEY. What commands send to a server as `authorization: Bearer`; None: nothing.
        client_ca: NEXTBEST_CLIENT_CA. Whose certificates commands trust, PEM; with it they speak TLS.
        client_certificate: NEXTBEST_CLIENT_CERTIFICATE. Who commands are to a server, PEM.
        client_key: NEXTBEST_CLIENT_KEY. Its private key, PEM.
        client_server_name: NEXTBEST_CLIENT_SERVER_NAME. What the server's certificate names, if not its
            address.
        control_address: NEXTBEST_CONTROL_ADDRESS. Where operators are served.
        health_address: NEXTBEST_HEALTH_ADDRESS. Where probes are answered.
        tls_certificate: NEXTBEST_TLS_CERTIFICATE. Who the server is, PEM, for decisions and control; read
            again when it changes, as are the next two. None: plain text.
        tls_key: NEXTBEST_TLS_KEY. Its private key, PEM, without a password.
        tls_client_ca: NEXTBEST_TLS_CLIENT_CA. Whose certificates callers may show, PEM. They have to show one
            where the access file has no keys.
        on_decision_port: NEXTBEST_ON_DECISION_PORT. What the decision port answers beside its own services:
            `health`, `reflection`, with a comma between.
        workers: NEXTBEST_WORKERS. Threads that decide; 0: one a core.
        kernel: NEXTBEST_KERNEL. The instructions that filter: `avx512`, `avx2` or `portable`; None: the best
            that the machine has.
        index_bytes_max: NEXTBEST_INDEX_BYTES_MAX. Memory that the index of a bundle's policies may take;
            None: the server's default.
        in_flight_max: NEXTBEST_IN_FLIGHT_MAX. Requests in memory at a time; more are refused; None: the
            server's default.
        limits: What is taken from peers, and how long they are waited for.
        late_models: NEXTBEST_LATE_MODELS. The handling of a request whose deadline leaves no time for models:
            `degrade` decides on priors and reports it, `refuse` answers DEADLINE_EXCEEDED.
        shadow_every: NEXTBEST_SHADOW_EVERY. In one of this number of decisions, ONNX Runtime checks the
            scores of lowered models, outside the path of requests; 0: none.
        health_sample: NEXTBEST_HEALTH_SAMPLE. One in this number of decisions is counted for the health of
            its models; 0: none; None: the server's default.
        drain_grace_s: NEXTBEST_DRAIN_GRACE_S. How long a stopping server still accepts calls while its health
            check reports NOT_SERVING, so that callers find another one; None: `DRAIN_GRACE_S`, at most half
            of `drain_s_max`.
        drain_s_max: NEXTBEST_DRAIN_S_MAX. How long stopping may take in all: the grace, calls under way, the
            export of spans, the log. `docker stop` kills after 10 s, Kubernetes after 30.
        state: NEXTBEST_STATE, there as `embedded:DIR` or `DIR`. Where a server keeps the bundle that was
            activated last; None: nowhere.
        trace_queue_bytes: NEXTBEST_TRACE_QUEUE_BYTES. Room for spans not yet exported; None: the server's
            default.
        customer_hash_key: NEXTBEST_CUSTOMER_HASH_KEY. The key of the hash that replaces a customer's id in
            traces; None: a random key each start.
        model_registry: NEXTBEST_MODEL_REGISTRY. The folder that models are pushed to; None: `models/registry`
            in the workspace.
        otel: The variables of OpenTelemetry: what is exported, and where to.
        debug: NEXTBEST_DEBUG. Show Python's traceback of a fault of nextbest itself.
    """

    address: str = DECISION_ADDRESS
    access: Path | None = None
    api_key: str | None = field(default=None, repr=False)
    client_ca: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    client_server_name: str | None = None
    control_address: str = CONTROL_ADDRESS
    health_address: str = HEALTH_ADDRESS
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    on_decision_port: frozenset[str] = frozenset()
    workers: int = 0
    kernel: str | None = None
    index_bytes_max: int | None = None
    in_flight_max: int | None = None
    limits: Limits = field(default_factory=Limits)
    late_models: str = LATE_MODELS[0]
    shadow_every: int = SHADOW_EVERY
    health_sample: int | None = None
    drain_grace_s: float | None = None
    drain_s_max: float = DRAIN_S_MAX
    state: Path | None = None
    trace_queue_bytes: int | None = None
    customer_hash_key: bytes | None = field(default=None, repr=False)
    model_registry: Path | None = None
    otel: Otel = field(default_factory=Otel)
    debug: bool = False

    @property
    def grace_s(self) -> float:
        """How long a stopping server goes on accepting."""
        if self.drain_grace_s is None:
            return min(DRAIN_GRACE_S, self.drain_s_max / 2)
        return self.drain_grace_s


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Reads the settings. An empty variable counts as unset.

    Raises:
        SettingError: A variable cannot be used.
    """
    found = {name: value.strip() for name, value in environment.items() if value.strip()}
    return Settings(
        address=found.get("NEXTBEST_ADDRESS", DECISION_ADDRESS),
        access=variables.path(found, "NEXTBEST_ACCESS"),
        api_key=found.get("NEXTBEST_API_KEY"),
        client_ca=variables.path(found, "NEXTBEST_CLIENT_CA"),
        client_certificate=variables.path(found, "NEXTBEST_CLIENT_CERTIFICATE"),
        client_key=variables.path(found, "NEXTBEST_CLIENT_KEY"),
        client_server_name=found.get("NEXTBEST_CLIENT_SERVER_NAME"),
        tls_certificate=variables.path(found, "NEXTBEST_TLS_CERTIFICATE"),
        tls_key=variables.path(found, "NEXTBEST_TLS_KEY"),
        tls_client_ca=variables.path(found, "NEXTBEST_TLS_CLIENT_CA"),
        control_address=found.get("NEXTBEST_CONTROL_ADDRESS", CONTROL_ADDRESS),
        health_address=found.get("NEXTBEST_HEALTH_ADDRESS", HEALTH_ADDRESS),
        on_decision_port=variables.words(
            found.get("NEXTBEST_ON_DECISION_PORT", ""), "NEXTBEST_ON_DECISION_PORT", ON_DECISION_PORT
        ),
        workers=variables.whole(found, "NEXTBEST_WORKERS", 0) or 0,
        kernel=variables.word(found, "NEXTBEST_KERNEL", KERNELS),
        index_bytes_max=variables.whole(found, "NEXTBEST_INDEX_BYTES_MAX", None),
        in_flight_max=variables.whole(found, "NEXTBEST_IN_FLIGHT_MAX", None),
        limits=limits.read(found, variables.some, variables.time),
        late_models=variables.word(found, "NEXTBEST_LATE_MODELS", LATE_MODELS) or LATE_MODELS[0],
        shadow_every=variables.whole(found, "NEXTBEST_SHADOW_EVERY", SHADOW_EVERY) or 0,
        health_sample=_sample(found),
        drain_grace_s=variables.time(found, "NEXTBEST_DRAIN_GRACE_S"),
        drain_s_max=variables.seconds(found, "NEXTBEST_DRAIN_S_MAX", DRAIN_S_MAX),
        state=variables.folder(found["NEXTBEST_STATE"], "NEXTBEST_STATE")
        if "NEXTBEST_STATE" in found
        else None,
        trace_queue_bytes=variables.whole(found, "NEXTBEST_TRACE_QUEUE_BYTES", None),
        customer_hash_key=_key(found),
        model_registry=variables.path(found, "NEXTBEST_MODEL_REGISTRY"),
        otel=otel.read(found),
        debug=found.get("NEXTBEST_DEBUG", "0") not in {"0", "false"},
    )


def quiet_libraries() -> None:
    """Keeps gRPC from writing to standard error by itself; to be called before it is loaded."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")


def _sample(found: Mapping[str, str]) -> int | None:
    sample = variables.whole(found, "NEXTBEST_HEALTH_SAMPLE", None)
    if sample is not None and sample > SAMPLE_MAX:
        raise SettingError(f"NEXTBEST_HEALTH_SAMPLE is `{sample}`: give 0 to {SAMPLE_MAX:,}")
    return sample


def _key(found: Mapping[str, str]) -> bytes | None:
    text = found.get("NEXTBEST_CUSTOMER_HASH_KEY")
    if text is None:
        return None
    key = text.encode()
    if len(key) < HASH_KEY_BYTES_MIN:
        raise SettingError(
            f"NEXTBEST_CUSTOMER_HASH_KEY is shorter than {HASH_KEY_BYTES_MIN} bytes: "
            "make one with `openssl rand -hex 32`, and keep it as a secret"
        )
    return key
