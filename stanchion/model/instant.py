"""Edm.DateTimeOffset: text to ticks and back.

A tick is 100 ns, Graph's own resolution (seven fractional digits), counted from 1970-01-01T00:00:00Z, so that
instants compare as integers on every database. Grammar: OData 4.01 ABNF `dateTimeOffsetValue`.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

TICKS_PER_SECOND = 10_000_000
_INSTANTS_KEPT = 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_TEXT = re.compile(
    r"(?P<seconds>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:\.(?P<fraction>\d{1,12}))?(?P<zone>Z|[+-]\d\d:[0-5]\d)",
    re.ASCII | re.IGNORECASE,
)


# The commands of a batch, and the decisions they replace, share few moments.
@lru_cache(maxsize=_INSTANTS_KEPT)
def parse_instant(text: str) -> int:
    """Return the ticks of an RFC 3339 instant; digits beyond 100 ns are cut.

    Raises ValueError for anything else, a missing zone included.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an instant such as 2026-01-31T00:00:00Z")
    try:
        whole = datetime.fromisoformat(match["seconds"].upper() + _zone(match["zone"])).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999 of UTC") from None
    fraction = (match["fraction"] or "").ljust(7, "0")[:7]
    return _whole_seconds(whole) * TICKS_PER_SECOND + int(fraction)


@lru_cache(maxsize=_INSTANTS_KEPT)
def format_instant(ticks: int) -> str:
    """Return the instant in UTC with microseconds and Z, as Graph writes the time of a decision."""
    moment = _EPOCH + timedelta(microseconds=ticks // 10)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f").rjust(26, "0") + "Z"


def ticks_of(moment: datetime) -> int:
    """Return the ticks of an aware datetime."""
    return _whole_seconds(moment.replace(microsecond=0)) * TICKS_PER_SECOND + moment.microsecond * 10


def _whole_seconds(moment: datetime) -> int:
    difference = moment - _EPOCH
    return difference.days * 86_400 + difference.seconds


def _zone(text: str) -> str:
    return "+00:00" if text in {"Z", "z"} else text
