"""Installs the package of this checkout as a link: metadata, dependencies and command, without a build.

    python .ci/link_package.py FOLDER    # writes a wheel into FOLDER and prints its path

`pip install --editable` builds the extension as well, in release mode and apart from the build that the tests
share. Here `make` builds the extension, in the profile that a command needs, and copies it into the package.
"""

import sys
import tempfile
import zipfile
from pathlib import Path

import maturin

ROOT = Path(__file__).parents[1]
WHEEL = "Wheel-Version: 1.0\nGenerator: nextbest\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        # Paths of pyproject.toml are read from the working directory, which `make` sets.
        folder = maturin.prepare_metadata_for_build_wheel(scratch)
        described = Path(scratch) / folder
        files = {
            "nextbest.pth": f"{ROOT / 'python'}\n",
            f"{folder}/METADATA": (described / "METADATA").read_text(),
            f"{folder}/entry_points.txt": (described / "entry_points.txt").read_text(),
            f"{folder}/WHEEL": WHEEL,
        }
    files[f"{folder}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{folder}/RECORD"])
    target = Path(sys.argv[1]) / f"{folder.removesuffix('.dist-info')}-py3-none-any.whl"
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    main()
