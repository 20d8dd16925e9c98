"""Deadlines: what runs on a connection too long is stopped.

A connection has one handler for its life, which costs nothing where no statement takes many steps; setting one
anew for each statement costs as much as a short one takes.
"""

import math
import sqlite3
import time
from types import TracebackType
from typing import Self

from stanchion.errors import ServiceUnavailable
from stanchion.store.connection import SQLiteConnection
from stanchion.store.failures import for_caller, is_interrupted

# A statement that runs longer is stopped, so that no query can hold a reader for ever.
STATEMENT_SECONDS = 5.0
# Virtual machine steps between two looks at the clock: well under a millisecond.
_STEPS_BETWEEN_LOOKS = 10_000


class Deadline:
    """The deadline of a connection, which holds inside `with deadline.after(seconds)`.

    There, an error of SQLite becomes what the caller is to be told: ServiceUnavailable for what ran too long.
    """

    def __init__(self, connection: SQLiteConnection) -> None:
        self._raised = connection.raised
        self._seconds = math.inf
        self._end = math.inf
        connection.set_progress_handler(self._is_over, _STEPS_BETWEEN_LOOKS)

    def after(self, seconds: float, *, began: float | None = None) -> Self:
        """Set the deadline to so many seconds from now, or from `began` on the clock time.monotonic()."""
        self._seconds = seconds
        self._end = (time.monotonic() if began is None else began) + seconds
        return self

    def __enter__(self) -> None:
        """Begin what has the deadline."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Lift the deadline."""
        self._end = math.inf
        if not isinstance(error, sqlite3.Error):
            return
        if self._raised:
            error = self._raised.pop()
            if not isinstance(error, sqlite3.Error):
                raise error
        if is_interrupted(error):
            raise ServiceUnavailable(
                f"The query took longer than {self._seconds:g} seconds and was stopped; ask for less at once."
            ) from error
        raise for_caller(error) from error

    def _is_over(self) -> bool:
        return time.monotonic() > self._end
