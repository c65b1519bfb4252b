"""Finds the ONNX Runtime library that the data plane loads.

The `onnxruntime` wheel carries it beside its Python extension, under a versioned name and without a symbolic
link. The package itself is not imported: the extension is a second, static copy of the same library, and a
server has no use for two.
"""

import importlib.util
import re
from pathlib import Path

_LIBRARY = re.compile(r"libonnxruntime\.so\.\d+(\.\d+)*")


def locate_runtime() -> str:
    """Returns the absolute path of `libonnxruntime.so.*` inside the installed `onnxruntime` wheel.

    Raises:
        FileNotFoundError: The wheel is not installed, or lacks the library; the message has the remedy.
    """
    spec = importlib.util.find_spec("onnxruntime")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("ONNX Runtime is not installed: run `pip install 'onnxruntime>=1.28,<1.29'`")
    folder = Path(spec.submodule_search_locations[0], "capi").resolve()
    found = sorted(path for path in folder.glob("libonnxruntime.so.*") if _LIBRARY.fullmatch(path.name))
    if not found:
        raise FileNotFoundError(
            f"no libonnxruntime.so in {folder}: run `pip install --force-reinstall 'onnxruntime>=1.28,<1.29'`"
        )
    return str(found[-1])
