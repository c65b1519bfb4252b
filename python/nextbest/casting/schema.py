"""The declared types that values are cast to."""

from collections.abc import Mapping


class Schema(dict[str, str]):
    """The attributes of a root, without it, each with its type as `schema.yaml` writes it.

    Attributes:
        time_zone: In which dates begin; empty: UTC.
    """

    def __init__(self, types: Mapping[str, str] | None = None, time_zone: str = "") -> None:
        super().__init__(types or {})
        self.time_zone = time_zone
