"""What is made of statements before they are sent: rows as arrays, and many writes as one statement.

Only texts that our own compiling made come here, and values are parameters in all of them.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from stanchion.store.keeping import LateText

_ROW = re.compile(r' VALUES \(((?:\$\d+::[A-Z]+(?: COLLATE "C")?(?:, )?)+)\)')
_VALUE = re.compile(r"(\$\d+)::([A-Z]+)")
_PLACE = re.compile(r"\$(\d+)")
_TARGET = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")
# Combinations that occur, of a dozen statements in one order; each text is some KB.
_TEXTS_KEPT = 512
_VALUE_BYTES = 8
# A statement may have 32,767 parameters, and no table has a hundred columns. By powers of two there are few texts.
_ROWS_AT_ONCE = 128


class Write(NamedTuple):
    """A statement that only writes, its values by place, and some measure of how many bytes they take."""

    sql: str
    values: Sequence[object]
    size: int = 0

    @property
    def table(self) -> str | None:
        """The table that is written."""
        return written_table(self.sql)


@lru_cache(maxsize=_TEXTS_KEPT)
def written_table(sql: str) -> str | None:
    """Return the table that a statement writes, None for one that reads or gives rows."""
    found = _TARGET.match(sql)
    return found[1] if found is not None and " RETURNING " not in sql else None


@lru_cache(maxsize=_TEXTS_KEPT)
def spread(insert: str) -> str | None:
    """Return the text of an INSERT of one row for many, each column an array; None for another statement."""
    row = _ROW.search(insert)
    if row is None:
        return None
    arrays = ", ".join(f"{place}::{kind}[]" for place, kind in _VALUE.findall(row[1]))
    return f"{insert[: row.start()]} SELECT * FROM unnest({arrays}){insert[row.end() :]}"  # noqa: S608 (cut from a text of our own)


def arrays(sql: str, rows: Sequence[Sequence[object]], *, max_bytes: int) -> Iterator[Write]:
    """Give a statement of arrays for rows in their order, or several where they take more bytes than that."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    size = sum(map(_size, columns))
    if size <= max_bytes or len(rows) == 1:
        yield Write(sql, [_ready(column) for column in columns], size)
        return
    half = len(rows) // 2
    yield from arrays(sql, rows[:half], max_bytes=max_bytes)
    yield from arrays(sql, rows[half:], max_bytes=max_bytes)


def by_value(insert: str, rows: Sequence[Sequence[object]], *, max_bytes: int) -> Iterator[Write]:
    """Give statements of some rows each, by value, for an INSERT of one row; a row alone may take more bytes."""
    start = 0
    while start < len(rows):
        count = min(_ROWS_AT_ONCE, 1 << ((len(rows) - start).bit_length() - 1))
        while count > 1 and _bytes(rows[start : start + count]) > max_bytes:
            count //= 2
        values = [value for row in rows[start : start + count] for value in row]
        yield Write(_of_rows(insert, count), _ready(values))
        start += count


@lru_cache(maxsize=_TEXTS_KEPT)
def _of_rows(insert: str, count: int) -> str:
    """Return the text of an INSERT of one row for so many; each value has the type and collation of its column."""
    row = _ROW.search(insert)
    if row is None:
        raise ValueError(f"No INSERT of one row: {insert}")
    types = [kind.replace("VARCHAR", "TEXT") for _, kind in _VALUE.findall(row[1])]
    texts = (
        ", ".join(f"${place}::{kind}" for place, kind in enumerate(types, start=1 + number * len(types)))
        for number in range(count)
    )
    values = ", ".join(f"({text})" for text in texts)
    return f"{insert[: row.start()]} VALUES {values}{insert[row.end() :]}"


def joined(writes: Sequence[Write]) -> Write:
    """Return one statement that does what several do, each to a table of its own: none sees what another one does."""
    if len(writes) == 1:
        return writes[0]
    values = [value for write in writes for value in write.values]
    return Write(_joined(tuple((write.sql, len(write.values)) for write in writes)), values)


@lru_cache(maxsize=_TEXTS_KEPT)
def _joined(writes: tuple[tuple[str, int], ...]) -> str:
    texts, before = [], 0
    for sql, count in writes:
        texts.append(_moved(sql, before))
        before += count
    parts = ", ".join(f"write_{number} AS ({text})" for number, text in enumerate(texts[:-1]))
    return f"WITH {parts} {texts[-1]}"


def _moved(sql: str, count: int) -> str:
    return _PLACE.sub(lambda place: f"${int(place[1]) + count}", sql)


def _size(column: list[Any]) -> int:
    """Return how many bytes a column takes: of bodies and what they are kept with; other values are short."""
    if isinstance(column[0], (str, bytes, LateText)) and None not in column:
        return sum(map(len, column))
    return _VALUE_BYTES * len(column)


def _bytes(rows: Sequence[Sequence[object]]) -> int:
    return sum(len(value) for row in rows for value in row if isinstance(value, (str, bytes, LateText)))


def _ready(values: list[Any]) -> list[Any]:
    """Return values as the driver takes them."""
    return [value.body.decode() if isinstance(value, LateText) else value for value in values]
