"""OpenTelemetry's variables -> what is exported, under which name, and how much of it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from nextbest import __version__
from nextbest.diagnostics.suggestion import one_of
from nextbest.settings import variables as values
from nextbest.settings.otel.destination import FOREVER_S, Destination, flag, pairs
from nextbest.settings.otel.destination import read as read_destination
from nextbest.settings.otel.variables import warnings as warn_of
from nextbest.settings.variables import SettingError

SAMPLERS: Final = (
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
)
TEMPORALITIES: Final = ("cumulative", "delta", "lowmemory")

_SAMPLER: Final = "parentbased_always_on"


@cache
def _instance_id() -> str:
    """Of this process: for every client, at any rate."""
    return str(uuid.uuid4())


def _process() -> dict[str, str]:
    return {
        "service.name": "nextbest",
        "service.version": __version__,
        "service.instance.id": _instance_id(),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Otel:
    """What this process exports.

    Attributes:
        traces: Where spans go; None: nowhere.
        metrics: Where metrics go; None: nowhere.
        resource: Attributes of the process, the same with every signal.
        sampler: One of `SAMPLERS`.
        sampler_ratio: Of the samplers by ratio: 0.0 to 1.0.
        batch_delay_s: A span waits at most so long before it is sent; None: the default of each plane.
        batch_spans_max: Spans of one request; None: the default of each plane.
        batch_timeout_s: From the first attempt of a request to giving it up, for decisions' spans; None: the
            default.
        queue_spans_max: Spans of the control plane that wait; None: the default of the SDK.
        metric_interval_s: Between two exports of metrics.
        metric_timeout_s: Until an export of metrics is given up.
        temporality: One of `TEMPORALITIES`.
        warnings: What an operator should know: variables that are set and not honoured.
    """

    traces: Destination | None = None
    metrics: Destination | None = None
    resource: Mapping[str, str] = field(default_factory=_process)
    sampler: str = _SAMPLER
    sampler_ratio: float = 1.0
    batch_delay_s: float | None = None
    batch_spans_max: int | None = None
    batch_timeout_s: float | None = None
    queue_spans_max: int | None = None
    metric_interval_s: float = 60.0
    metric_timeout_s: float = 30.0
    temporality: str = TEMPORALITIES[0]
    warnings: tuple[str, ...] = ()


def read(found: Mapping[str, str]) -> Otel:
    """Reads the variables.

    Args:
        found: Variables that are set.

    Raises:
        SettingError: A variable cannot be used.
    """
    warnings = warn_of(found)
    is_disabled = flag(found, "OTEL_SDK_DISABLED", warnings)
    sampler, ratio = _sampler(found, warnings)
    batch_spans_max = values.some(found, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE")
    queue_spans_max = values.some(found, "OTEL_BSP_MAX_QUEUE_SIZE")
    if queue_spans_max is not None and queue_spans_max < (batch_spans_max or 0):
        raise SettingError("OTEL_BSP_MAX_EXPORT_BATCH_SIZE is more than OTEL_BSP_MAX_QUEUE_SIZE: give less")
    return Otel(
        traces=None if is_disabled else _signal(found, "traces", warnings),
        metrics=None if is_disabled else _signal(found, "metrics", warnings),
        resource=_resource(found),
        sampler=sampler,
        sampler_ratio=ratio,
        batch_delay_s=_some_ms(found, "OTEL_BSP_SCHEDULE_DELAY"),
        batch_spans_max=batch_spans_max,
        batch_timeout_s=_timeout(found, "OTEL_BSP_EXPORT_TIMEOUT"),
        queue_spans_max=queue_spans_max,
        metric_interval_s=_some_ms(found, "OTEL_METRIC_EXPORT_INTERVAL") or 60.0,
        metric_timeout_s=_timeout(found, "OTEL_METRIC_EXPORT_TIMEOUT") or 30.0,
        temporality=_temporality(found),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _signal(found: Mapping[str, str], signal: str, warnings: list[str]) -> Destination | None:
    name = f"OTEL_{signal.upper()}_EXPORTER"
    exporters = [word.strip() for word in found.get(name, "otlp").split(",")]
    warnings.extend(
        f"{name} names `{exporter}`, which is not honoured: give `otlp` or `none`"
        for exporter in exporters
        if exporter not in {"otlp", "none"}
    )
    return read_destination(found, signal, warnings) if "otlp" in exporters else None


def _temporality(found: Mapping[str, str]) -> str:
    name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
    temporality = found.get(name, TEMPORALITIES[0]).lower()
    if temporality not in TEMPORALITIES:
        raise SettingError(f"{name} is `{temporality}`: give {one_of(TEMPORALITIES)}")
    return temporality


def _sampler(found: Mapping[str, str], warnings: list[str]) -> tuple[str, float]:
    sampler = found.get("OTEL_TRACES_SAMPLER")
    if sampler is not None and sampler not in SAMPLERS:
        raise SettingError(
            f"OTEL_TRACES_SAMPLER is `{sampler}`: give `always_on`, `always_off` or `traceidratio`, or one "
            "of them with `parentbased_` in front"
        )
    text = found.get("OTEL_TRACES_SAMPLER_ARG")
    if text is None:
        return sampler or _SAMPLER, 1.0
    if sampler is None or not sampler.endswith("traceidratio"):
        warnings.append(
            "OTEL_TRACES_SAMPLER_ARG has no effect: it belongs to OTEL_TRACES_SAMPLER=traceidratio or "
            "parentbased_traceidratio"
        )
        return sampler or _SAMPLER, 1.0
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1.0
    if not 0.0 <= ratio <= 1.0:
        raise SettingError(f"OTEL_TRACES_SAMPLER_ARG is `{text}`: give a ratio, 0 to 1")
    return sampler, ratio


def _resource(found: Mapping[str, str]) -> dict[str, str]:
    given = pairs("OTEL_RESOURCE_ATTRIBUTES", found.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    resource = _process() | given
    if "OTEL_SERVICE_NAME" in found:
        resource["service.name"] = found["OTEL_SERVICE_NAME"]
    return resource


def _some_ms(found: Mapping[str, str], name: str) -> float | None:
    milliseconds = values.whole(found, name, None)
    if milliseconds == 0:
        raise SettingError(f"{name} is `0`: give milliseconds, 1 or more")
    return None if milliseconds is None else milliseconds / 1e3


def _timeout(found: Mapping[str, str], name: str) -> float | None:
    milliseconds = values.whole(found, name, None)
    # A timeout of 0 means none, by the specification.
    return FOREVER_S if milliseconds == 0 else None if milliseconds is None else milliseconds / 1e3
