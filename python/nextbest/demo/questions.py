"""Customers -> what the bank's channels would ask about them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from nextbest.client.attributes import AttributeValue
from nextbest.client.encoding import assemble
from nextbest.client.question import Question
from nextbest.v1 import decision_pb2

PLACEMENTS: Final[dict[str, tuple[str, ...]]] = {
    "web": ("hero", "sidebar", "logout"),
    "app": ("home-card", "feed"),
    "email": ("lead", "offers"),
    "call-centre": ("agent-prompt",),
}
"""All channels of the demo bank with all their placements, in the order in which they are filled."""

_SHARES: Final = (0.45, 0.35, 0.1, 0.1)
_PAGES: Final = (
    "home",
    "home",
    "account",
    "cards",
    "loans",
    "mortgages",
    "savings",
    "investing",
    "insurance",
    "help",
)
_CALL_REASONS: Final = ("question", "complaint", "cancel", "payment-problem", "new-product")


@dataclass(frozen=True, slots=True)
class Moment:
    """A channel and what it knows of the moment."""

    channel: str
    context: dict[str, AttributeValue] = field(default_factory=dict)

    def question(self, customer_id: str) -> Question:
        """Asks for every placement of the channel, as many actions as the workspace gives each."""
        return Question(
            customer_id=customer_id,
            channel=self.channel,
            placements=PLACEMENTS[self.channel],
            context=self.context,
        )


def moments(channel: str, count: int, *, seed: int) -> list[Moment]:
    """Draws `count` moments of one channel: pages, devices, call reasons."""
    rng = np.random.default_rng(seed)
    return [Moment(channel, _context(channel, rng)) for _ in range(count)]


def encode(moment: Moment, customer_id: str) -> decision_pb2.DecideRequest:
    """Encodes the question of a moment about a customer."""
    return assemble(moment.question(customer_id))


def traffic(customer_ids: Sequence[str], *, seed: int) -> list[bytes]:
    """Encodes one request for each customer, channels mixed as on a working day, for a load generator."""
    rng = np.random.default_rng(seed)
    channels = rng.choice(list(PLACEMENTS), len(customer_ids), p=_SHARES)
    return [
        encode(Moment(str(channel), _context(str(channel), rng)), customer_id).SerializeToString()
        for customer_id, channel in zip(customer_ids, channels, strict=True)
    ]


def _context(channel: str, rng: np.random.Generator) -> dict[str, AttributeValue]:
    if channel == "web":
        device = str(rng.choice(["desktop", "tablet", "phone"], p=[0.6, 0.1, 0.3]))
        return {"device": device, "page": str(rng.choice(_PAGES)), "authenticated": bool(rng.random() < 0.7)}
    if channel == "app":
        return {"device": "phone", "page": str(rng.choice(_PAGES)), "authenticated": True}
    if channel == "call-centre":
        return {"call_reason": str(rng.choice(_CALL_REASONS))}
    return {}
