"""Pictures of commands whose output is the same in every run are fresh."""

import os
import subprocess
import sys

import pytest

from screens import FOLDER, FRESH


@pytest.mark.slow
@pytest.mark.parametrize("screen", FRESH, ids=lambda screen: screen.name)
def test_a_picture_is_fresh(screen, tmp_path):
    subprocess.run(
        [sys.executable, "-m", "nextbest.cli", "init", "shop"],
        cwd=tmp_path,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    drawn = screen.draw(tmp_path / "shop")
    picture = FOLDER / f"{screen.name}.svg"
    if os.environ.get("NEXTBEST_BLESS"):
        picture.write_text(drawn)
    assert picture.read_text() == drawn, "run `make bless`"
