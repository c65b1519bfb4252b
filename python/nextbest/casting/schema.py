"""The declared types for casting values."""

from collections.abc import Mapping


class Schema(dict[str, str]):
    """The attributes of one root (names without it), each with its type as in `schema.yaml`.

    Attributes:
        time_zone: The time zone in which dates begin; empty: UTC.
    """

    def __init__(self, types: Mapping[str, str] | None = None, time_zone: str = "") -> None:
        super().__init__(types or {})
        self.time_zone = time_zone
