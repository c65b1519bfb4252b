"""The model card of a version: its owner's description, and whether it is still valid."""

from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Card:
    """A model card; every part but the owner may be empty.

    Attributes:
        owner: Who answers for the model.
        description: What it predicts, from which data.
        trained_from: Beginning of the time that the training data are from: a date, or an RFC 3339 timestamp.
        trained_until: Its end.
        population: Whom it was trained on, and may be used for.
        metrics: What it was measured to be, by name.
        limits: What it must not be used for.
        expires: From then on it is expired; a date means the beginning of that day in UTC.
    """

    owner: str
    description: str = ""
    trained_from: str = ""
    trained_until: str = ""
    population: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    limits: list[str] = field(default_factory=list)
    expires: str = ""

    def is_expired(self, now: datetime) -> bool:
        """Whether the card has expired at a moment."""
        if not self.expires:
            return False
        moment = datetime.fromisoformat(self.expires)
        return now >= (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
