"""The pace of long work beside a server: how many rows a portion takes, and how long others have their turn after it.

A portion is to hold the lock for some milliseconds; whatever it took, as long is left to others. Rows differ in size
a thousandfold, so each portion is made by what the one before took.
"""

import time
from collections.abc import Callable

# Who waits for a portion waits for two at most, and for their COMMITs: well below the 50 ms that none is to notice.
_TARGET_SECONDS = 0.01
_FEWEST_ROWS, _MOST_ROWS = 8, 4096
_FIRST_ROWS = 32
_LEAST_PAUSE_SECONDS = 0.002
_LONGEST_PAUSE_SECONDS = 0.5


class Pace:
    """The size of the next portion; `pause` is how it sleeps."""

    def __init__(self, *, pause: Callable[[float], object] = time.sleep, most_rows: int = _MOST_ROWS) -> None:
        self.rows = min(_FIRST_ROWS, most_rows)
        self._most_rows = most_rows
        self._pause = pause
        self._began = 0.0

    def begin(self) -> None:
        """Note that a portion begins to hold what others wait for."""
        self._began = time.perf_counter()

    def end(self) -> None:
        """Note that it has ended: leave as long to others, and fit the next one to the time it took."""
        seconds = time.perf_counter() - self._began
        if seconds > _TARGET_SECONDS:
            self.rows = max(_FEWEST_ROWS, self.rows // 2)
        elif seconds < _TARGET_SECONDS / 2:
            self.rows = min(self._most_rows, self.rows * 2)
        self._pause(min(max(seconds, _LEAST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS))
