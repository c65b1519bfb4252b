"""How far a model has drifted -> tables."""

from typing import Final

from rich.console import RenderableType
from rich.text import Text

from nextbest.cli.models.calibrations import STYLES
from nextbest.layouts import Listing, name, number, pairs
from nextbest.models.drift import Health
from nextbest.wording import word_moment, word_percent

_ENGINES: Final = {"native": "the native engine", "onnxruntime": "ONNX Runtime"}


def render_health(judged: Health) -> list[RenderableType]:
    """Renders what was counted, and the drift of scores and features since the push."""
    since = word_moment(judged.since.replace(microsecond=0))
    every = {0: "none", 1: "every one"}.get(judged.sample, f"one in {judged.sample}")
    degraded = [f"{kind} {count:,}" for kind, count in judged.degradations.items() if count]
    rows = {
        "scored by": _ENGINES.get(judged.engine, judged.engine),
        "decisions": f"{judged.decisions:,} counted ({every}) since {since}",
        "prior used": ", ".join(degraded) or "never",
    }
    if judged.card_expires is not None:
        term = "expired on" if judged.is_expired else "expires on"
        rows["model card"] = f"{term} {judged.card_expires:%Y-%m-%d}"
    return [pairs(f"{judged.name}@{judged.version[:12]}", rows.items()), _drift_table(judged)]


def _drift_table(judged: Health) -> Listing:
    columns = (
        name("feature"),
        number("PSI"),
        number("by chance"),
        number("now", group="rows"),
        number("at push", group="rows", gives_way=2, below="{} rows at push"),
        number("now", group="missing"),
        number("at push", group="missing", gives_way=1, below="{} missing at push"),
        name("verdict"),
    )
    table = Listing(columns, "Drift")
    for drift in judged.drifts:
        numbers = [f"{psi:.3f}" if psi is not None else "" for psi in (drift.index, drift.chance)]
        was_seen = bool(drift.reference_rows)
        table.add(
            drift.what,
            *numbers,
            f"{drift.rows:,}",
            f"{drift.reference_rows:,}" if was_seen else "",
            word_percent(drift.missing),
            word_percent(drift.reference_missing) if was_seen else "",
            Text(drift.verdict, STYLES.get(drift.verdict, "")),
        )
    return table
