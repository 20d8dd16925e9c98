"""Instants: text to ticks and back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanchion.model.instant import TICKS_PER_SECOND, format_instant, parse_instant, ticks_of

MOMENTS = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))  # noqa: DTZ001
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(MOMENTS)
def test_an_instant_written_and_read_is_itself(moment: datetime) -> None:
    ticks = ticks_of(moment.replace(tzinfo=UTC))
    assert parse_instant(format_instant(ticks)) == ticks


@given(MOMENTS, ZONES)
def test_an_instant_is_the_same_in_every_zone(moment: datetime, zone: timezone) -> None:
    here = moment.replace(tzinfo=UTC)
    assert parse_instant(here.astimezone(zone).isoformat()) == ticks_of(here)


@given(MOMENTS, MOMENTS)
def test_ticks_are_in_the_order_of_time(a: datetime, b: datetime) -> None:
    assert (a < b) == (ticks_of(a.replace(tzinfo=UTC)) < ticks_of(b.replace(tzinfo=UTC)))


@given(st.text(max_size=40) | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"))
def test_any_text_is_read_and_written_again_or_refused(text: str) -> None:
    try:
        ticks = parse_instant(text)
    except ValueError:
        return
    assert parse_instant(format_instant(ticks)) == ticks - ticks % 10


@pytest.mark.parametrize(
    ("text", "ticks"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00Z", 0),
        ("1970-01-01t00:00:00z", 0),
        ("1970-01-01T00:00:00-00:00", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:01Z", TICKS_PER_SECOND),
        ("1970-01-01T00:00:00.0000001Z", 1),
        ("1970-01-01T00:00:00.1Z", 1_000_000),
        ("1970-01-01T00:00:00.123456789012Z", 1_234_567),
        ("1969-12-31T23:59:59.9999999Z", -1),
        ("1969-12-31T23:59:59Z", -TICKS_PER_SECOND),
    ],
)
def test_ticks_are_counted_from_1970(text: str, ticks: int) -> None:
    assert parse_instant(text) == ticks


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-31",
        "2026-01-31T00:00:00",
        "2026-01-31 00:00:00Z",
        "2026-01-31T00:00:00+0100",
        "2026-01-31T00:00:00+01",
        "2026-01-31T00:00:00.Z",
        "2026-01-31T00:00:00.1234567890123Z",
        "2026-02-30T00:00:00Z",
        "2026-01-31T25:00:00Z",
        "2026-01-31T23:59:60Z",
        "2026-01-31T00:00:00+24:00",
        "2026-01-31T00:00:00+00:60",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "-2026-01-31T00:00:00Z",
        "2026-1-31T00:00:00Z",
        "2026-01-31T00:00:00Z\n",
        "\u0662026-01-31T00:00:00Z",
        "1769817600",
    ],
)
def test_what_is_no_instant_with_a_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"instant|years|range|must be"):
        parse_instant(text)


def test_years_below_1000_keep_four_digits() -> None:
    assert format_instant(parse_instant("0042-01-01T00:00:00Z")) == "0042-01-01T00:00:00.000000Z"
