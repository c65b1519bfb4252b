"""Generated files are fresh."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_python_protobuf_code_is_that_of_the_protos(tmp_path: Path) -> None:
    tools = Path(sys.executable).parent
    subprocess.run(
        [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            "-Iproto",
            f"--plugin=protoc-gen-mypy={tools}/protoc-gen-mypy",
            f"--plugin=protoc-gen-mypy_grpc={tools}/protoc-gen-mypy_grpc",
            f"--python_out={tmp_path}",
            f"--grpc_python_out={tmp_path}",
            f"--mypy_out=quiet:{tmp_path}",
            f"--mypy_grpc_out=quiet:{tmp_path}",
            *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("proto/nextbest/v1/*.proto")),
        ],
        cwd=ROOT,
        check=True,
    )
    fresh = {path.name: path.read_text() for path in (tmp_path / "nextbest/v1").iterdir()}
    committed = {
        path.name: path.read_text()
        for path in (ROOT / "python/nextbest/v1").iterdir()
        if path.name not in ("__init__.py", "__pycache__")
    }
    assert committed == fresh, "run `make generate`"
