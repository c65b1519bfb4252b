"""dist/: the wheel, bills of materials (CycloneDX) of its Rust and Python dependencies, and SHA256SUMS.

    python .ci/release.py    # `make release`

The wheel is then installed into an empty virtual environment, away from this checkout and from compilers, and
checks and tests a workspace there. Times inside the files are those of the last commit: two builds of one
commit with the same compiler on the same system give the same bytes.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import rust_materials

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
TOOLS = Path(sys.executable).parent


def main() -> None:
    shutil.rmtree(DIST, ignore_errors=True)
    committed = run("git", "log", "-1", "--format=%ct").strip()
    os.environ["SOURCE_DATE_EPOCH"] = committed
    # Paths of this machine are left out of the extension.
    cargo_home = os.environ.get("CARGO_HOME", str(Path.home() / ".cargo"))
    os.environ["RUSTFLAGS"] = f"--remap-path-prefix={ROOT}=/nextbest --remap-path-prefix={cargo_home}=/cargo"
    run(TOOLS / "maturin", "build", "--release", "--locked", "--out", DIST)
    (wheel,) = DIST.glob("*.whl")
    version = wheel.name.split("-")[1]
    rust = DIST / f"nextbest-{version}-rust.cdx.json"
    rust.write_text(rust_materials.bill(ROOT, version, int(committed)))
    report(rust)
    with tempfile.TemporaryDirectory() as scratch:
        python = install(wheel, Path(scratch))
        write_python_materials(python, DIST / f"nextbest-{version}-python.cdx.json")
        try_out(python, Path(scratch), version)
    write_sums()


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Returns standard output; a failure ends the release with both outputs."""
    text = [str(part) for part in command]
    done = subprocess.run(text, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(text)}\n{done.stdout}{done.stderr}")
    return done.stdout


def install(wheel: Path, folder: Path) -> Path:
    """Installs the wheel into an environment without any other package, and returns its Python."""
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    python = folder / "venv/bin/python"
    pip = (TOOLS / "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "-c", ROOT / "constraints.txt", wheel)
    return python


def write_python_materials(python: Path, target: Path) -> None:
    """Lists what was installed with the wheel."""
    pyproject = ROOT / "pyproject.toml"
    options = ("--pyproject", pyproject, "--output-reproducible", "--output-file", target)
    run(TOOLS / "cyclonedx-py", "environment", *options, python)
    report(target)


def try_out(python: Path, folder: Path, version: str) -> None:
    """Runs the command where nothing of this checkout is within reach."""
    environment = {"PATH": f"{python.parent}:/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"}
    command = python.with_name("nextbest")
    printed = run(command, "--version", cwd=folder, env=environment).strip()
    if printed != version:
        sys.exit(f"the wheel is {version}, and the command prints {printed}")
    run(command, "init", "shop", cwd=folder, env=environment)
    run(command, "check", "shop", cwd=folder, env=environment)
    run(command, "test", "shop", cwd=folder, env=environment)
    print(f"nextbest {version} runs in an empty environment: init, check, test")


def write_sums() -> None:
    """Writes checksums for `sha256sum --check SHA256SUMS`."""
    files = sorted(path for path in DIST.iterdir() if path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (DIST / "SHA256SUMS").write_text("".join(lines))
    print("".join(lines), end="")


def report(target: Path) -> None:
    """Prints how many components a bill lists; an empty one is an error."""
    components = json.loads(target.read_text()).get("components", [])
    if not components:
        sys.exit(f"{target.name} lists nothing")
    print(f"{target.name}: {len(components)} components")


if __name__ == "__main__":
    main()
