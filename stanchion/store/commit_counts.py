"""What the writer of a store has done since it began: plain numbers, for whoever asks.

Each number is written by one thread, the writer's or that of the queue, and may be read by any, so that no lock is
needed.
"""

import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from stanchion.errors import OutcomeUnknown
from stanchion.store.outcome import Done, Outcome

# The last is the largest batch that is taken.
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
# An fsync takes 0.1 ms on the best of disks and seconds on the worst.
COMMIT_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@dataclass(slots=True)
class CommitCounts:
    """Commands by what became of them, and batches by their size and time.

    `sizes` and `times` have a place for each bound, and one for what is beyond the last.
    """

    done: int = 0
    refused: int = 0
    unknown: int = 0
    turned_away: int = 0  # never run: the queue was full, their time was over, or nothing is written any more
    batches: int = 0
    seconds: float = 0.0
    last_done_seconds: float = 0.0  # Unix time of the last batch of which something was written
    sizes: list[int] = field(default_factory=lambda: [0] * (len(BATCH_SIZES) + 1))
    times: list[int] = field(default_factory=lambda: [0] * (len(COMMIT_SECONDS) + 1))

    def add(self, outcomes: Sequence[Outcome[object]], *, seconds: float) -> None:
        """Count a batch that was run, which took `seconds`."""
        if not outcomes:
            return
        done = sum(isinstance(outcome, Done) for outcome in outcomes)
        unknown = sum(
            not isinstance(outcome, Done) and isinstance(outcome.error, OutcomeUnknown)
            for outcome in outcomes
        )
        self.done += done
        self.unknown += unknown
        self.refused += len(outcomes) - done - unknown
        self.batches += 1
        self.seconds += seconds
        self.sizes[bisect_left(BATCH_SIZES, len(outcomes))] += 1
        self.times[bisect_left(COMMIT_SECONDS, seconds)] += 1
        if done:
            self.last_done_seconds = time.time()
