"""Environment variables -> settings. The only module that touches the environment.

Options of the command line come before these; these come before the defaults.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from nextbest.ports import CONTROL_ADDRESS, DECISION_ADDRESS, HEALTH_ADDRESS
from nextbest.settings import otel
from nextbest.settings.limits import Limits
from nextbest.settings.otel import Otel
from nextbest.settings.table import LATE_MODELS, SETTINGS, Group

# A gRPC client that has been refused for up to 4 s tries again within 3.1 s: it waits 1, 1.6 and 2.6 s
# between attempts, give or take a fifth. A server that is stopped as soon as another is back answers until
# callers have found that one.
DRAIN_GRACE_S: Final = 4.0
SHADOW_EVERY: Final = 1_000
DRAIN_S_MAX: Final = 9.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of a server and of commands.

    Each attribute is a variable; `nextbest.settings.table` has its meaning. None: the default in that table.

    Attributes:
        limits: Limits of what a server takes from its peers, and of how long it waits for them.
        otel: OpenTelemetry's variables: what is exported, and where to.
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
    own: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    for setting in SETTINGS:
        value = setting.kind.read(found, setting.variable)
        if value is not None:
            (limits if setting.group is Group.LIMITS else own)[setting.name] = value
    return Settings(**own, limits=Limits(**limits), otel=otel.read(found))


def quiet_libraries() -> None:
    """Keeps gRPC from writing to standard error by itself; to be called before it is loaded."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
