"""docs/marketer/expressions.md: examples give the printed results, and the page names every function."""

import re
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from nextbest import workspace
from nextbest.bundle import seal
from nextbest.bundle.offline import OfflineBundle
from nextbest.expression.build import FUNCTION_NAMES, MACRO_NAMES

PAGE = (Path(__file__).parents[2] / "docs/marketer/expressions.md").read_text()
SCHEMA, CUSTOMER = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[:2]
EXAMPLES = re.findall(
    r"^(.+?) +# (true|false|unknown|refused)$",
    "\n".join(re.findall(r"```cel\n(.*?)```", PAGE, re.DOTALL)),
    re.MULTILINE,
)


def compiled(folder: Path, conditions: list[str]) -> workspace.Compilation:
    (folder / "actions").mkdir(parents=True)
    zone = yaml.safe_load(CUSTOMER)["time_zone"]
    (folder / "workspace.yaml").write_text(f"name: page\ntime_zone: {zone}\n")
    (folder / "schema.yaml").write_text(SCHEMA)
    (folder / "channels.yaml").write_text("channels: {web: {placements: {hero: {count: 1}}}}\n")
    actions = {
        f"a{place:03}": {
            "propensity": 0.1,
            "eligibility": [{"when": condition}],
            "treatments": [{"channel": "web"}],
        }
        for place, condition in enumerate(conditions)
    }
    group = {"issue": "sales", "group": "cards", "actions": actions}
    (folder / "actions/cards.yaml").write_text(yaml.safe_dump(group))
    return workspace.compile(folder)


def test_examples_match_the_page(tmp_path):
    told = [(text, word) for text, word in EXAMPLES if word != "refused"]
    assert len(told) > 35
    compilation = compiled(tmp_path / "page", [text for text, _ in told])
    assert compilation.errors == []
    written = yaml.safe_load(CUSTOMER)
    customer = written["customer"]
    customer["since"] = datetime.combine(customer["since"], time(), ZoneInfo(written["time_zone"]))
    customer["notice"] = timedelta(hours=int(customer["notice"].removesuffix("h")))
    bundle = OfflineBundle(seal(compilation.bundle).data)
    decision = bundle.explain(channel="web", placements=["hero"], customer=customer, now=written["now"])
    actions = decision.explanation.actions
    found = [min((clause.truth for clause in action.clauses), default="true") for action in actions]
    assert list(zip([text for text, _ in told], found, strict=True)) == told


def test_the_page_is_right_about_refusals(tmp_path):
    for place, text in enumerate(text for text, word in EXAMPLES if word == "refused"):
        assert compiled(tmp_path / str(place), [text]).errors


@pytest.mark.parametrize("name", [*FUNCTION_NAMES, *MACRO_NAMES])
def test_every_function_is_on_the_page(name):
    assert re.search(rf"\b{name}\b", PAGE)
