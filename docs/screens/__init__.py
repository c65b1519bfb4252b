"""Commands -> pictures of what a terminal or a chart shows, in `docs/pictures` (`make pictures`).

The pictures are committed. A test compares those whose content is the same in every run, and `make bless`
rewrites them. The others have times and scores of the run that made them.
"""

from pathlib import Path
from typing import Final

from screens.screen import Screen

FOLDER: Final = Path(__file__).parents[1] / "pictures"
_MOMENT: Final = "--now 2026-06-01T12:00:00Z --seed 1"
_STUDENT: Final = "--bundle . --channel web -a age=20 -a income=600 -a products=[] " + _MOMENT
_PILOT: Final = (
    "--channel web --placement hero -a age=42 -a income=5200 -a job=pilot -a products=[] " + _MOMENT
)

# In the workspace of `nextbest init`.
FRESH: Final = (
    Screen("decide", f"nextbest decide {_STUDENT}"),
    Screen("explain", f"nextbest explain gold-card {_STUDENT}"),
    Screen("bundle-show", "nextbest bundle show ."),
    Screen(
        "check",
        "nextbest check",
        before="sed -i 's/customer.age >= 18/customer.agee >= 18/' actions/credit-cards.yaml",
    ),
)
# In the folder of the page "A first model".
TRAINED: Final = (
    Screen("model-show", "nextbest model show card@champion --workspace shop"),
    Screen("contributions", f"nextbest decide --bundle shop.bundle {_PILOT} --contributions exact"),
)
