"""Which factors put an action ahead of another, in words."""

import pytest

from nextbest.client.scores import PropensitySource, Score
from nextbest.factors import compare, word_lead


def score(propensity, value, context_weight=1.0, lever=1.0, priority=None):
    product = propensity * context_weight * value * lever
    priority = product if priority is None else priority
    return Score(propensity, context_weight, value, lever, priority, PropensitySource.MODEL, "m")


@pytest.mark.parametrize(
    ("winner", "loser", "words"),
    [
        (
            score(0.031, 120.0),
            score(0.04, 40.0),
            "value 120 EUR against 40 EUR outweighs propensity 3.1 % against 4.0 %",
        ),
        (score(0.03, 45.0), score(0.03, 30.0), "value 45 EUR against 30 EUR"),
        (
            score(0.18, 120.0, 1.6),
            score(0.14, 70.0, 1.0),
            "value 120 EUR against 70 EUR and context weight 1.60 against 1.00",
        ),
        (
            score(0.029, 90.0, 1.5),
            score(0.0088, 380.0),
            (
                "propensity 2.9 % against 0.88 % and context weight 1.50 against 1.00 outweigh"
                " value 90 EUR against 380 EUR"
            ),
        ),
        # Enough digits to distinguish them, and cents where they matter.
        (score(0.031_24, 10.0), score(0.031_23, 10.0), "propensity 3.124 % against 3.123 %"),
        (score(0.5, 532.27), score(0.5, 120.4), "value 532 EUR against 120 EUR"),
        (score(0.5, 120.4), score(0.5, 120.1), "value 120.40 EUR against 120.10 EUR"),
        (score(0.5, 10.0, 1.0, 1.05), score(0.5, 10.0), "lever 1.05 against 1.00"),
        # A factor that hardly matters is not mentioned.
        (score(0.5, 120.0, 1.0, 1.001), score(0.5, 40.0), "value 120 EUR against 40 EUR"),
        # For numbers that are not positive, the share of a factor is unknown.
        (score(0.1, 5.0), score(0.5, -3.0), "value 5 EUR against -3 EUR"),
        (score(0.1, 5.0), score(0.0, 50.0), "propensity 10.0 % against 0.0 %"),
        (score(0.01, -2.0), score(0.5, -1.0), "priority -0.02 against -0.50"),
        # The workspace's formula is not the product.
        (score(0.1, 5.0, priority=9.0), score(0.1, 7.0, priority=8.0), "priority 9.00 against 8.00"),
        (
            score(0.1, 5.0),
            score(0.5, 1.0),
            "the same priority, and the order of equals is drawn for each customer",
        ),
    ],
)
def test_why_one_is_ahead(winner, loser, words):
    assert compare(winner, loser, "EUR") == words


def test_the_next_rank_that_is_known():
    rivals = {1: ("gold", score(0.1, 9.0)), 4: ("silver", score(0.1, 3.0)), 5: ("iron", score(0.1, 1.0))}
    found = word_lead(2, score(0.1, 6.0), rivals, "EUR", {"silver": "Silver card"})
    assert found == "ahead of Silver card: value 6 EUR against 3 EUR"
    assert word_lead(5, rivals[5][1], rivals, "EUR") == ""
