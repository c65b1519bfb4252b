"""Makes every picture again: of a fresh workspace, and of a model that is trained and served."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

from screens import FOLDER, FRESH, TRAINED

PAGE = Path(__file__).parents[1] / "model-owner" / "first-model.md"
BLOCK = re.compile(r"```(console|python)\n(.*?)```", re.DOTALL)
# Ports that a server on this machine will not have.
PORTS = {
    "NEXTBEST_ADDRESS": "127.0.0.1:50951",
    "NEXTBEST_CONTROL_ADDRESS": "127.0.0.1:50952",
    "NEXTBEST_HEALTH_ADDRESS": "127.0.0.1:50953",
}
EVALUATION = "nextbest model evaluate card customers.parquet --label accepted --workspace shop --png {}"
# Twice the income of the sample: a drift that a chart can show.
DRIFT = """
import polars as pl
from nextbest import Client

rows = pl.read_parquet("customers.parquet").drop("accepted").with_columns(pl.col("income") * 2).to_dicts()
known = [{name: value for name, value in row.items() if value is not None} for row in rows]
with Client("127.0.0.1:50951", timeout_s=20.0) as client:
    for begin in range(0, len(known), 500):
        customers = [{**customer, "products": []} for customer in known[begin : begin + 500]]
        client.decide_batch(customers, channel="web", placements={"hero": 1})
"""


def script(page: str) -> str:
    """Turns the examples of a page into one script of bash."""
    lines = ["set -e"]
    for kind, block in BLOCK.findall(page):
        if kind == "python":
            lines.append(f"python - <<'EXAMPLE'\n{block}EXAMPLE")
        else:
            lines += re.findall(r"^\$ (.*)", block, re.MULTILINE)
    return "\n".join(lines)


def run(command: str, folder: Path) -> None:
    """Runs a script of bash, whatever its exit code is."""
    subprocess.run(["bash", "-c", command], cwd=folder, check=False, stdout=subprocess.DEVNULL)


def main() -> None:
    """Writes the pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run("nextbest init shop", folder)
        for screen in FRESH:
            (FOLDER / f"{screen.name}.svg").write_text(screen.draw(folder / "shop"))
    os.environ.update(PORTS, NEXTBEST_HEALTH_SAMPLE="1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(script(PAGE.read_text()), folder)
        for screen in TRAINED:
            (FOLDER / f"{screen.name}.svg").write_text(screen.draw(folder))
        run(EVALUATION.format(FOLDER / "evaluation.png"), folder)
        with subprocess.Popen(
            ["nextbest", "serve", "shop.bundle"], cwd=folder, stdout=subprocess.DEVNULL
        ) as server:
            run("nextbest status --wait 20", folder)
            run(f"python - <<'EXAMPLE'\n{DRIFT}EXAMPLE", folder)
            run(f"nextbest model health card --png {FOLDER / 'health.png'}", folder)
            server.terminate()


main()
