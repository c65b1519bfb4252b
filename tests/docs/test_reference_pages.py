"""The pages of the reference are as their generators write them, and name what the code has."""

import os

import pytest

from reference_pages import FOLDER, PAGES, telemetry


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_reference_is_fresh(name):
    written = PAGES[name]()
    if os.environ.get("NEXTBEST_BLESS"):
        (FOLDER / name).write_text(written)
    assert (FOLDER / name).read_text() == written, "run `make bless`, or `python -m reference_pages` in docs/"


def test_every_attribute_that_a_span_may_have_is_on_its_page():
    listed = telemetry.SPAN_ATTRIBUTES.keys() | telemetry.CALL_ATTRIBUTES.keys()
    assert listed == telemetry.encoded_attributes() - {"nextbest.decide"}


def test_every_field_of_status_has_a_meaning():
    assert [name for name, meaning in telemetry.status_fields() if not meaning] == []
