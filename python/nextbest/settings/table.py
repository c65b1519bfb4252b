"""Every environment variable of this product, once: what it takes, its default, its unit and its meaning.

Settings are read by this table, and `docs/operator/settings.md` is written from it. Variables of
OpenTelemetry are in `nextbest.settings.otel`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from nextbest.settings import kinds
from nextbest.settings.kinds import Kind


class Group(StrEnum):
    """A heading of the page."""

    ADDRESSES = "Addresses of a server"
    CALLERS = "Certificates and callers of a server"
    DECISIONS = "Decisions"
    LIMITS = "Limits"
    STOPPING = "Stopping and state"
    TELEMETRY = "Telemetry"
    COMMANDS = "Commands"


@dataclass(frozen=True, slots=True)
class Setting:
    """An environment variable.

    Attributes:
        name: The attribute of `Settings`, or of `Limits` below `Group.LIMITS`.
        group: Where it is on the page.
        kind: What it takes.
        default: For people, where it is not the default of the attribute: what the server does without it.
        meaning: A sentence or two.
    """

    name: str
    group: Group
    kind: Kind
    default: str
    meaning: str

    @property
    def variable(self) -> str:
        """Returns the name of the environment variable."""
        return f"NEXTBEST_{self.name.upper()}"


KERNELS: Final = ("avx512", "avx2", "portable")
ON_DECISION_PORT: Final = ("health", "reflection")
LATE_MODELS: Final = ("degrade", "refuse")
SAMPLE_MAX: Final = 1_000_000

_A, _C, _D, _L, _S, _T, _O = Group
_NONE: Final = "none"

SETTINGS: Final = (
    Setting("address", _A, kinds.ADDRESS, "", "Where decisions are served, and where commands ask for them."),
    Setting("control_address", _A, kinds.ADDRESS, "", "Where operators are served, and where commands ask."),
    Setting("health_address", _A, kinds.ADDRESS, "", "Where probes are answered."),
    Setting(
        "on_decision_port",
        _A,
        kinds.words(ON_DECISION_PORT),
        "neither",
        "The services that the decision port answers in addition to decisions and customers.",
    ),
    Setting(
        "tls_certificate",
        _C,
        kinds.FILE,
        "plain text",
        "Certificate of the decision port and of the control port, PEM; read again when it changes.",
    ),
    Setting(
        "tls_key",
        _C,
        kinds.FILE,
        _NONE,
        "Its private key, PEM, without a password; read again when it changes.",
    ),
    Setting(
        "tls_client_ca",
        _C,
        kinds.FILE,
        _NONE,
        "Authorities whose client certificates are accepted, PEM; read again when it changes. Without "
        "keys in the access file, callers must have a certificate.",
    ),
    Setting(
        "access",
        _C,
        kinds.FILE,
        "no authentication",
        "The access file: callers and their roles; read again when it changes.",
    ),
    Setting("workers", _D, kinds.COUNT_OR_NONE, "0: one for each core", "Threads that decide."),
    Setting(
        "kernel", _D, kinds.word(KERNELS), "the best of the machine", "The instructions that filter actions."
    ),
    Setting(
        "index_bytes_max",
        _D,
        kinds.BYTES_OR_NONE,
        "1,073,741,824",
        "Memory of the index of a bundle's policies; a bundle that needs more is refused.",
    ),
    Setting(
        "in_flight_max",
        _D,
        kinds.COUNT_OR_NONE,
        "16,384",
        "Calls in progress; beyond it calls are refused with RESOURCE_EXHAUSTED.",
    ),
    Setting(
        "late_models",
        _D,
        kinds.word(LATE_MODELS),
        "",
        "A request whose deadline leaves no time for models: `degrade` decides on priors and reports it, "
        "`refuse` answers DEADLINE_EXCEEDED.",
    ),
    Setting(
        "shadow_every",
        _D,
        kinds.COUNT_OR_NONE,
        "",
        "ONNX Runtime checks the scores of native models in one decision of this number, off the path of "
        "requests; 0: in none.",
    ),
    Setting(
        "health_sample",
        _D,
        kinds.count(0, SAMPLE_MAX),
        "8",
        "One decision of this number is counted for the health of its models; 0: none.",
    ),
    Setting(
        "connections_max",
        _L,
        kinds.COUNT,
        "4,096",
        "Connections of the decision port; new ones beyond it are closed at once.",
    ),
    Setting(
        "peer_connections_max",
        _L,
        kinds.COUNT,
        "1,024",
        "Connections from one address; of IPv6, from one network of 64 bits. Unix sockets have no address.",
    ),
    Setting(
        "intake_bytes_max",
        _L,
        kinds.BYTES,
        "268,435,456",
        "Memory of messages that have begun and not ended, over all connections; beyond it they are "
        "refused with RESOURCE_EXHAUSTED.",
    ),
    Setting(
        "answer_bytes_max",
        _L,
        kinds.BYTES,
        "268,435,456",
        "Memory of answers under construction and unread, over all connections; beyond it calls are "
        "refused with RESOURCE_EXHAUSTED. An explanation takes 40 MiB of it while it is built.",
    ),
    Setting("customers_max", _L, kinds.COUNT, "10,000,000", "Stored customers."),
    Setting(
        "customers_bytes_max",
        _L,
        kinds.BYTES,
        "2,147,483,648",
        "Memory of all stored customers; beyond it upserts are refused with RESOURCE_EXHAUSTED.",
    ),
    Setting(
        "handshake_s_max",
        _L,
        kinds.SECONDS,
        "5",
        "From accepting a socket to the end of its HTTP/2 preface, TLS included.",
    ),
    Setting(
        "message_s_max", _L, kinds.SECONDS, "10", "From the headers of a call to the end of its message."
    ),
    Setting(
        "reading_s_max",
        _L,
        kinds.SECONDS,
        "30",
        "For a peer to read 16 KiB of a response; its connection is closed then.",
    ),
    Setting(
        "idle_s_max",
        _L,
        kinds.SECONDS,
        "1,800",
        "Without a call on a connection, or a question on a stream; then it ends with GOAWAY.",
    ),
    Setting("keepalive_s", _L, kinds.SECONDS, "30", "Between pings on a connection."),
    Setting("keepalive_timeout_s", _L, kinds.SECONDS, "10", "From a ping to giving up the connection."),
    Setting(
        "connection_age_s",
        _L,
        kinds.SECONDS,
        "3,600",
        "The age at which a connection ends with GOAWAY, up to a tenth earlier; 0: never.",
    ),
    Setting(
        "drain_grace_s",
        _S,
        kinds.SECONDS,
        "4, at most half of `NEXTBEST_DRAIN_S_MAX`",
        "How long a stopping server goes on accepting while its health reports that it ends, so that "
        "callers find another one.",
    ),
    Setting(
        "drain_s_max",
        _S,
        kinds.SECONDS,
        "",
        "How long stopping may take in all: the grace, calls in progress, the export of spans, the log. "
        "`docker stop` kills after 10 s, Kubernetes after 30 s.",
    ),
    Setting(
        "state",
        _S,
        kinds.FOLDER,
        _NONE,
        "Where a server keeps the bundle that was activated last, and finds it after a restart.",
    ),
    Setting(
        "trace_queue_bytes", _T, kinds.BYTES_OR_NONE, "67,108,864", "Memory of spans that wait for export."
    ),
    Setting(
        "customer_hash_key",
        _T,
        kinds.KEY,
        "a random key at each start",
        "The key of the hash that replaces a customer's id in traces. A secret.",
    ),
    Setting(
        "api_key", _O, kinds.TEXT, _NONE, "Commands send it to a server as `authorization: Bearer`. A secret."
    ),
    Setting(
        "client_ca",
        _O,
        kinds.FILE,
        "plain text",
        "Authorities that commands trust, PEM; with it they use TLS.",
    ),
    Setting("client_certificate", _O, kinds.FILE, _NONE, "The client certificate of commands, PEM."),
    Setting("client_key", _O, kinds.FILE, _NONE, "Its private key, PEM."),
    Setting(
        "client_server_name",
        _O,
        kinds.TEXT,
        "the server's address",
        "The name that the server's certificate must have.",
    ),
    Setting(
        "model_registry",
        _O,
        kinds.FILE,
        "`models/registry` of the workspace",
        "The folder that models are pushed to.",
    ),
    Setting("debug", _O, kinds.FLAG, "", "Show Python's traceback of a fault of nextbest itself."),
)
"""In the order of the page."""
