"""Why a graph stays on ONNX Runtime."""


class NotLowered(Exception):  # noqa: N818 - not an error: such a model runs elsewhere
    """A graph, or a part of it that is needed, has no native form.

    Attributes:
        reason: One sentence for people, without a full stop, such as ``its trees compute in doubles``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
