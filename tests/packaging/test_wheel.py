"""The wheel installs into a clean virtual environment and runs the demo there, without a Rust toolchain."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    text = [str(part) for part in command]
    done = subprocess.run(text, capture_output=True, text=True, timeout=500, cwd=cwd, env=env, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


# The profile does not change what is in a wheel; `make release` tries out the one that is shipped.
@pytest.mark.parametrize("profile", ["dev", pytest.param("release", marks=pytest.mark.long)])
def test_wheel_runs_the_demo_without_a_rust_toolchain(profile: str, tmp_path: Path) -> None:
    maturin = Path(sys.executable).parent / "maturin"
    run(maturin, "build", "--profile", profile, "--locked", "--out", tmp_path / "dist")
    (wheel,) = (tmp_path / "dist").glob("nextbest-*-cp311-abi3-*.whl")
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", f"{wheel}[demo]")

    # Nothing of this checkout, and no compiler, is within reach.
    environment = {
        "PATH": f"{python.parent}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
    }
    assert (
        subprocess.run(["which", "cargo"], env=environment, capture_output=True, check=False).returncode != 0
    )
    shown = run(python.parent / "nextbest", "demo", "--quick", "--json", cwd=tmp_path, env=environment)
    report = json.loads(shown)
    assert report["latency"]["ok"] > 0
    assert report["latency"]["errors"] == {}
