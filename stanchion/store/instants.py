"""Instants in SQL: ticks out of text, and the parts of a day out of ticks, all in whole numbers.

- Text is read as `stanchion.model.instant` reads it, to 100 ns, in any zone; what that refuses is null here. A date
  alone is its midnight in UTC.
- Ticks count from 1970 and may be negative; counted from year 1 they are not, so that division rounds down.
- Parts are those in UTC.
"""

from stanchion.store.spelling import Spelled, Sql

_DAY, _HOUR, _MINUTE, _SECOND = 864_000_000_000, 36_000_000_000, 600_000_000, 10_000_000
_DAYS_BEFORE_1970 = 719_162  # since 0001-01-01
_TICKS_BEFORE_1970 = _DAYS_BEFORE_1970 * _DAY

_ZONE_CHARACTERS = "CASE WHEN t GLOB '*[Zz]' THEN 1 ELSE 6 END"
_SECONDS, _FRACTION = (
    "substr(rest, 1, instr(rest || '.', '.') - 1)",
    "substr(rest, instr(rest || '.', '.') + 1)",
)
_OFFSET_SECONDS = "(substr(zone, 1, 1) || '1') * (substr(zone, 2, 2) * 3600 + substr(zone, 5, 2) * 60)"
# Nearly all instants are written in UTC, with seconds, and read at once. SQLite shifts days that a month lacks, so
# that it must give the very text back.
_IS_COMMON = "strftime('%Y-%m-%dT%H:%M:%S', substr(t, 1, 19), '+0 days') = substr(t, 1, 19)"
_COMMON = f"strftime('%s', substr(t, 1, 19)) * {_SECOND}"
_DIGITS = "substr(t, 21, length(t) - 21)"
_SQLITE = f"""(SELECT CASE
 WHEN t IS NULL OR t < '0001' THEN NULL
 WHEN substr(t, 20) = 'Z' AND {_IS_COMMON} THEN {_COMMON}
 WHEN substr(t, 20, 1) = '.' AND substr(t, -1) = 'Z' AND {_DIGITS} NOT GLOB '*[^0-9]*'
 AND length(t) BETWEEN 22 AND 33 AND {_IS_COMMON} THEN {_COMMON} + substr({_DIGITS} || '0000000', 1, 7)
 WHEN day NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]' OR date(day, '+0 days') <> day THEN NULL
 WHEN length(t) = 10 THEN strftime('%s', day) * {_SECOND}
 WHEN time NOT GLOB '[Tt][0-2][0-9]:[0-5][0-9]' OR time > 'T24' AND time < 'a' OR time > 't24' THEN NULL
 WHEN zone NOT IN ('Z', 'z') AND (zone NOT GLOB '[-+][0-2][0-9]:[0-5][0-9]' OR substr(zone, 2) >= '24') THEN NULL
 WHEN {_SECONDS} <> '' AND {_SECONDS} NOT GLOB ':[0-5][0-9]' THEN NULL
 WHEN {_FRACTION} GLOB '*[^0-9]*' OR length({_FRACTION}) > 12 OR rest GLOB '*.' THEN NULL
 ELSE (strftime('%s', day) + substr(time, 2, 2) * 3600 + substr(time, 5, 2) * 60 + substr({_SECONDS}, 2)
 - CASE WHEN zone IN ('Z', 'z') THEN 0 ELSE {_OFFSET_SECONDS} END) * {_SECOND}
 + substr({_FRACTION} || '0000000', 1, 7)
 END FROM (SELECT t, substr(t, 1, 10) AS day, substr(t, 11, 6) AS time, substr(t, -({_ZONE_CHARACTERS})) AS zone,
 substr(t, 17, max(length(t) - 16 - {_ZONE_CHARACTERS}, 0)) AS rest FROM (SELECT @0 AS t) AS i) AS i)"""

_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
_PATTERN = (
    "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    f"([Tt]{_CLOCK}(:[0-5][0-9])?([.][0-9]{{1,12}})?([Zz]|[-+]{_CLOCK}))?$"
)
_YEAR, _MONTH, _MONTH_DAY = "CAST(substr(t, 1, 4) AS integer)", "substr(t, 6, 2)", "substr(t, 9, 2)"
_IS_DAY = f"""({_MONTH_DAY} <= '28' OR {_MONTH} <> '02' AND {_MONTH_DAY} <= '30'
 OR {_MONTH} IN ('01', '03', '05', '07', '08', '10', '12')
 OR {_MONTH_DAY} = '29' AND {_YEAR} % 4 = 0 AND ({_YEAR} % 100 <> 0 OR {_YEAR} % 400 = 0))"""
_DATE = f"make_date({_YEAR}, CAST({_MONTH} AS integer), CAST({_MONTH_DAY} AS integer))"
_ZONE_TICKS = f"""CAST(left(right(t, 6), 1) || '1' AS bigint)
 * (CAST(left(right(t, 5), 2) AS bigint) * {_HOUR} + CAST(right(t, 2) AS bigint) * {_MINUTE})"""
# Each WHEN is looked at after the one before it: no cast meets text that it would fail on.
_POSTGRESQL = f"""(SELECT CASE
 WHEN t !~ '{_PATTERN}' OR t < '0001' THEN NULL
 WHEN NOT {_IS_DAY} THEN NULL
 WHEN length(t) = 10 THEN CAST({_DATE} - DATE '1970-01-01' AS bigint) * {_DAY}
 ELSE CAST({_DATE} - DATE '1970-01-01' AS bigint) * {_DAY} + CAST(substr(t, 12, 2) AS bigint) * {_HOUR}
 + CAST(substr(t, 15, 2) AS bigint) * {_MINUTE}
 + CAST(coalesce(substring(t from '^.{{16}}:([0-9][0-9])'), '0') AS bigint) * {_SECOND}
 + CAST(rpad(left(coalesce(substring(t from '[.]([0-9]+)'), ''), 7), 7, '0') AS bigint)
 - CASE WHEN right(t, 1) IN ('Z', 'z') THEN 0 ELSE {_ZONE_TICKS} END
 END FROM (SELECT @0 AS t OFFSET 0) AS i)"""

_PARTS = {
    "hour": (_HOUR, 24),
    "minute": (_MINUTE, 60),
    "second": (_SECOND, 60),
}


def instant_in(text: Sql) -> Spelled:
    """Return the ticks of an instant, or of the midnight of a date, that a text holds; else null."""
    return Spelled(_SQLITE, _POSTGRESQL, of=(text,))


def day_of(ticks: Sql) -> Spelled:
    """Return the day of an instant, in days since 1970-01-01."""
    return Spelled(f"((@0 + {_TICKS_BEFORE_1970}) / {_DAY} - {_DAYS_BEFORE_1970})", of=(ticks,))


def part_of_instant(part: str, ticks: Sql) -> Spelled:
    """Return the hour, minute or second of an instant."""
    length, most = _PARTS[part]
    return Spelled(f"((@0 + {_TICKS_BEFORE_1970}) / {length} % {most})", of=(ticks,))


def part_of_day(part: str, days: Sql) -> Spelled:
    """Return the year, month or day of the month of a day."""
    letter = {"year": "Y", "month": "m", "day": "d"}[part]
    return Spelled(
        f"CAST(strftime('%{letter}', @0 * 86400, 'unixepoch') AS INTEGER)",
        f"CAST(extract({part} FROM DATE '1970-01-01' + CAST(@0 AS integer)) AS bigint)",
        of=(days,),
    )
