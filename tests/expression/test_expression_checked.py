"""The generated reader of cel-cpp's syntax trees is that of `checked.proto`."""

import subprocess
import sys
from pathlib import Path

PYTHON = Path(__file__).parents[2] / "python"
FOLDER = Path("nextbest/expression/checked")


def test_generated_code_is_fresh(tmp_path: Path) -> None:
    plugin = Path(sys.executable).with_name("protoc-gen-mypy")
    subprocess.run(
        [
            sys.executable, "-m", "grpc_tools.protoc",
            f"-I{PYTHON}", f"--plugin=protoc-gen-mypy={plugin}",
            f"--python_out={tmp_path}", f"--mypy_out=quiet:{tmp_path}",
            str(PYTHON / FOLDER / "checked.proto"),
        ],
        check=True,
    )  # fmt: skip
    for name in ("checked_pb2.py", "checked_pb2.pyi"):
        assert (tmp_path / FOLDER / name).read_text() == (PYTHON / FOLDER / name).read_text()
