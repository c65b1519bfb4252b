"""A folder -> the demo bank in it: its workspace, 20,000 customers and three freshly trained models.

The workspace's YAML files come with the package (`demo/bank/`), written by hand. Customers and models are
generated: no data needs to be shipped, and the same seed gives the same bank.
"""

import importlib
import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Final

import polars as pl

from nextbest.demo import customers
from nextbest.demo.bindings import TrainedModel

CUSTOMER_COUNT: Final = 20_000
WORKSPACE: Final = "workspace"
CUSTOMERS: Final = "customers.parquet"

_EXTRA: Final = ("sklearn", "skl2onnx", "onnx", "threadpoolctl")


class ExtraMissingError(Exception):
    """The packages that train the demo's models are not installed; the message has the remedy."""


@dataclass(frozen=True, slots=True)
class Bank:
    """The demo bank in a folder.

    Attributes:
        workspace: Folder of the YAML files and models.
        customers: Everybody, as `customers.generate` gives them; also beside the workspace as a Parquet file.
        models: What was trained.
    """

    workspace: Path
    customers: pl.DataFrame
    models: list[TrainedModel]


def require_extra() -> None:
    """Makes sure that models can be trained, before any work is done.

    Raises:
        ExtraMissingError: The `demo` extra is not installed.
    """
    for package in _EXTRA:
        if importlib.util.find_spec(package) is None:
            raise ExtraMissingError(
                f"the demo trains models, and {package} is not installed: run `pip install 'nextbest[demo]'`"
            )


def write_workspace(folder: Path) -> Path:
    """Copies the bank's YAML files to `folder`/workspace; models are not among them.

    Files of an earlier copy are replaced, others stay.
    """
    workspace = folder / WORKSPACE
    with resources.as_file(resources.files("nextbest.demo") / "bank") as source:
        shutil.copytree(source, workspace, dirs_exist_ok=True)
    return workspace


def prepare(
    folder: Path,
    *,
    customer_count: int = CUSTOMER_COUNT,
    now: datetime | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Bank:
    """Writes the workspace, generates customers and trains models.

    Args:
        folder: Created when missing.
        customer_count: How many customers, at least 1,000: models learn from them.
        now: What dates of customers lie around; by default today.
        progress: Called with the next step.

    Raises:
        ExtraMissingError: The `demo` extra is not installed.
    """
    require_extra()
    folder.mkdir(parents=True, exist_ok=True)
    workspace = write_workspace(folder)
    progress("inventing customers")
    people = customers.generate(customer_count, now=now)
    people.write_parquet(folder / CUSTOMERS)
    progress("training models")
    # Imported here, because its packages are an extra, and take seconds to load.
    training = importlib.import_module("nextbest.demo.training")
    models: list[TrainedModel] = training.train(workspace, people)
    return Bank(workspace, people, models)
