"""`time_zone:` of a workspace -> when its windows begin and end, and which clock its expressions read."""

from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextbest import _core, workspace
from nextbest.bundle import seal
from nextbest.bundle.offline import OfflineBundle
from nextbest.workspace.definitions import end_us, moment_us
from nextbest.workspace.personas import run

ZONES = sorted(
    line
    for line in files("nextbest.expression").joinpath("time_zones.txt").read_text().splitlines()
    if line and not line.startswith("#")
)
DAY_US = 86_400_000_000


def compiled(folder: Path, action: str, *, settings: str = "", tests: str = ""):
    folder.mkdir(exist_ok=True)
    (folder / "actions").mkdir(exist_ok=True)
    (folder / "tests").mkdir(exist_ok=True)
    (folder / "workspace.yaml").write_text(f"name: bank\n{settings}")
    (folder / "schema.yaml").write_text("customer: {since: {type: timestamp}}\n")
    (folder / "channels.yaml").write_text("channels: {web: {placements: {hero: {count: 1}}}}\n")
    head = "issue: sales\ngroup: cards\nactions:\n"
    (folder / "actions/cards.yaml").write_text(
        f"{head}  gold: {{propensity: 0.1, {action}, treatments: [{{channel: web}}]}}\n"
    )
    if tests:
        (folder / "tests/all.yaml").write_text(tests)
    compilation = workspace.compile(folder, now_us=0)
    assert compilation.diagnostics == []
    return compilation


def offered(bundle: OfflineBundle, moment: str) -> bool:
    decision = bundle.decide(
        channel="web", placements=["hero"], now=datetime.fromisoformat(moment), dry_run=True
    )
    return bool(decision.placements[0].actions)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-05-31T23:59:59.999999+02:00", False),
        ("2026-06-01T00:00:00+02:00", True),
        ("2026-06-30T10:00:00+02:00", True),
        ("2026-06-30T23:59:59.999999+02:00", True),
        ("2026-07-01T00:00:00+02:00", False),
    ],
)
def test_a_window_of_dates_is_whole_days_of_the_zone(tmp_path, moment, expected):
    found = compiled(
        tmp_path, "active: {from: 2026-06-01, until: 2026-06-30}", settings="time_zone: Europe/Berlin\n"
    )
    assert found.bundle.time_zone == "Europe/Berlin"
    assert offered(OfflineBundle(seal(found.bundle).data), moment) is expected


def test_without_a_zone_dates_are_days_of_utc(tmp_path):
    found = compiled(tmp_path, "active: {from: 2026-06-01, until: 2026-06-01}")
    bundle = OfflineBundle(seal(found.bundle).data)
    assert not offered(bundle, "2026-05-31T23:59:59Z")
    assert offered(bundle, "2026-06-01T23:59:59Z")
    assert not offered(bundle, "2026-06-02T00:00:00Z")


def test_a_time_ends_the_window_whatever_the_zone(tmp_path):
    window = 'active: {until: "2026-06-01T12:00:00+02:00"}'
    found = compiled(tmp_path, window, settings="time_zone: Asia/Tokyo\n")
    bundle = OfflineBundle(seal(found.bundle).data)
    assert offered(bundle, "2026-06-01T09:59:59Z")
    assert not offered(bundle, "2026-06-01T10:00:00Z")


@pytest.mark.parametrize(
    ("zone", "hour", "condition", "expected"),
    [
        # Half past midnight of 1 January in Berlin is half past eleven in the evening in Greenwich.
        ("Europe/Berlin", "2025-12-31T23:30:00Z", "now.getFullYear() == 2026 && now.getHours() == 0", True),
        ("", "2025-12-31T23:30:00Z", "now.getFullYear() == 2025 && now.getHours() == 23", True),
        ("Europe/Berlin", "2025-12-31T23:30:00Z", 'now.getHours("UTC") == 23', True),
        ("Europe/Berlin", "2025-12-31T23:30:00Z", 'now.getHours("+05:30") == 5', True),
        # The length of a time span has no zone.
        (
            "Asia/Tokyo",
            "2026-06-01T10:00:00Z",
            '(now - timestamp("2026-06-01T07:00:00Z")).getHours() == 3',
            True,
        ),
        ("Asia/Tokyo", "2026-06-01T10:00:00Z", 'timestamp("2026-06-01T23:00:00Z").getDate() == 2', True),
    ],
)
def test_the_clock_is_read_in_the_zone(tmp_path, zone, hour, condition, expected):
    settings = f"time_zone: {zone}\n" if zone else ""
    # Through an attribute, so that nothing of the condition is constant.
    condition = f'now > timestamp("2000-01-01T00:00:00Z") && ({condition})'
    found = compiled(tmp_path, f"eligibility: [{{when: '{condition}'}}]", settings=settings)
    assert offered(OfflineBundle(seal(found.bundle).data), hour) is expected


def test_the_day_of_a_test_begins_in_the_zone(tmp_path):
    asked = "persona: anna, channel: web, placements: {hero: 1}"
    tests = f"""
        personas: {{anna: {{}}}}
        tests:
          - {{name: first day, {asked}, now: 2026-06-01, expect: {{hero: [gold]}}}}
          - {{name: day before, {asked}, now: 2026-05-31, expect: {{hero: []}}}}
        """
    window = "active: {from: 2026-06-01}"
    found = compiled(tmp_path, window, settings="time_zone: America/New_York\n", tests=tests)
    assert all(result.passed for result in run(found, _core.Bundle(seal(found.bundle).data)))


@settings(max_examples=300, deadline=None)
@given(zone=st.sampled_from(ZONES), day=st.dates(date(2000, 1, 2), date(2022, 12, 31)))
def test_days_begin_where_the_standard_library_has_them_begin(zone, day):
    # Of earlier years, and of the latest, the two may carry other tables.
    found = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=moment_us(str(day), zone))
    local = found.astimezone(ZoneInfo(zone))
    assert local.date() >= day
    assert (found - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date() < day
    if local.date() == day and local.time() != time(0):
        # Only where the clock was put forward at midnight.
        missing = datetime.combine(day, time(0), ZoneInfo(zone))
        assert missing.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(fold=0) != missing


@pytest.mark.parametrize(
    ("day", "zone", "first", "after"),
    [
        ("2026-06-30", "", "2026-06-30T00:00:00Z", "2026-07-01T00:00:00Z"),
        ("2026-06-30", "+05:30", "2026-06-29T18:30:00Z", "2026-06-30T18:30:00Z"),
        # Clocks go from 0:00 to 1:00 that night, and a day has 23 hours.
        ("2026-09-06", "America/Santiago", "2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"),
        # Samoa left out 30 December 2011.
        ("2011-12-29", "Pacific/Apia", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
    ],
)
def test_odd_days(day, zone, first, after):
    assert (moment_us(day, zone), end_us(day, zone)) == (moment_us(first), moment_us(after))


def test_the_first_day_begins_no_earlier_than_timestamps_do(tmp_path):
    first = moment_us("0001-01-01")
    assert moment_us("0001-01-01", "Asia/Tokyo") == first
    # Tokyo's own mean time was 9:18:59 ahead of Greenwich.
    assert end_us("0001-01-01", "Asia/Tokyo") - first == DAY_US - 33_539_000_000
    with pytest.raises(ValueError, match="no day"):
        _core.start_of_day(1, 1, 1, "Asia/Tokyo")
    compiled(tmp_path, "active: {from: 0001-01-01}", settings="time_zone: Asia/Tokyo\n")


def test_for_ever():
    assert end_us("9999-12-31", "Asia/Tokyo") - moment_us("9999-12-31", "Asia/Tokyo") >= DAY_US - 1
    with pytest.raises(ValueError, match="no day"):
        _core.start_of_day(2026, 2, 30, "")
    with pytest.raises(ValueError, match="no day"):
        _core.start_of_day(2026, 2, 3, "Europe/Nowhere")
