"""How large a model may be. Whatever reads one stops at these, before it allocates.

Five hundred trees of 64 leaves take 4 MB, 63,000 nodes and a million elements: the limits leave room for
twenty times that.
"""

from typing import Final

SIZE_BYTES_MAX: Final = 64 * 1024 * 1024
NODES_MAX: Final = 2_000
"""Operators in the graph. The longest that exporters of scikit-learn write has some 150."""
ELEMENTS_MAX: Final = 20_000_000
"""Numbers and texts in initializers and attributes, those included that a shape only promises."""
STRING_BYTES_MAX: Final = 16 * 1024 * 1024
FIELDS_MAX: Final = 1_000_000
"""Protobuf fields, runs of numbers counted once: what bounds the time of a scan."""
MESSAGE_DEPTH_MAX: Final = 16
TREES_MAX: Final = 5_000
NODES_PER_TREE_MAX: Final = 65_535
TREE_DEPTH_MAX: Final = 512
"""Comparisons on a path. A set of categories is one, and is one node of its tree, however many an exporter
writes it as."""
TREE_WRITTEN_DEPTH_MAX: Final = 8_192
"""Maximum depth of nodes in the file. ONNX Runtime reads trees by recursion, 0.7 KB of stack a node: 6 MB of
the 8 MB that threads of Python have, and of the 16 MB that the server opens models with."""
OUTPUTS_MAX: Final = 10_000
"""Classes or targets of a tree ensemble."""
SHAPE_ELEMENTS_MAX: Final = 1_000_000
"""Of a tensor whose size is not that of an input but a number in the graph."""
ROW_ELEMENTS_MAX: Final = 262_144
"""Of a tensor that grows with the rows, for each of them: a gigabyte for the thousand rows of a batch."""
NAME_LENGTH_MAX: Final = 1_000
"""Characters of the name of an input or output: what people bind, and read in messages."""
