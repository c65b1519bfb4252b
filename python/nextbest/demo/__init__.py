"""`nextbest demo`: a retail bank, from YAML files to measured answers, in one run."""

from nextbest.demo.tour import DemoError, run

__all__ = ["DemoError", "run"]
