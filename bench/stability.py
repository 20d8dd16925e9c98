"""Did it stay as it was? The minutes of a soak, and the judgement of them.

- Memory may grow while it warms up, for a quarter of the time; then a line of least squares tells how it grew. Of
  less than half an hour that says little, and it is not judged.
- The p99 of the minutes is stable when its median over the last third of them is not twice that over the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MOST_GROWTH_MIB_PER_HOUR = 10.0
_JUDGED_FROM_SECONDS = 1_800.0
_MOST_TIMES = 2.0


@dataclass(frozen=True)
class Minute:
    """What was answered in a minute (or the part of it that there was), and the memory at its end."""

    requests: int
    p50_ms: float
    p99_ms: float
    slowest_ms: float
    resident_mib: float


@dataclass(frozen=True)
class Soaked:
    """What a soak found; growth is over the time after the warm-up, p99 the median over a third of the minutes."""

    seconds: float
    per_second: float
    requests: int
    errors: list[str]
    imports: int
    growth_mib_per_hour: float
    first_p99_ms: float
    last_p99_ms: float
    minutes: list[Minute]


def growth_mib_per_hour(resident: Sequence[tuple[float, float]], *, began: float, seconds: float) -> float:
    """Return how memory grew after the warm-up of a soak, of moments in seconds and MiB; 0 of fewer than two."""
    points = [(when, mib) for when, mib in resident if when >= began + seconds / 4]
    if len(points) < 2:
        return 0.0
    middle = sum(when for when, _ in points) / len(points)
    mean = sum(mib for _, mib in points) / len(points)
    spread = sum((when - middle) ** 2 for when, _ in points)
    return sum((when - middle) * (mib - mean) for when, mib in points) / spread * 3600


def first_and_last_p99_ms(minutes: Sequence[Minute]) -> tuple[float, float]:
    """Return the median p99 of the first third of the minutes, and of the last; a third is one minute or more."""
    third = max(1, len(minutes) // 3)
    return median(each.p99_ms for each in minutes[:third]), median(each.p99_ms for each in minutes[-third:])


def faults(found: Soaked, *, most_growth_mib_per_hour: float = MOST_GROWTH_MIB_PER_HOUR) -> list[str]:
    """Say what was not as it is to be; nothing when all was."""
    growth, told = found.growth_mib_per_hour, []
    if found.errors:
        told.append(f"{len(found.errors)} errors, the first {found.errors[0]}")
    if found.seconds >= _JUDGED_FROM_SECONDS and growth > most_growth_mib_per_hour:
        told.append(f"memory grew by {growth:.1f} MiB an hour, more than {most_growth_mib_per_hour:g}")
    if found.last_p99_ms > _MOST_TIMES * found.first_p99_ms:
        told.append(f"p99 rose from {found.first_p99_ms:.1f} to {found.last_p99_ms:.1f} ms")
    return told


def summary(found: Soaked) -> str:
    """Return what a soak found, in a sentence."""
    return (
        f"{found.requests:,} requests at {found.per_second:,.0f} a second and {found.imports} imports in "
        f"{found.seconds:,.0f} s: {len(found.errors)} errors, after the first quarter memory grew by "
        f"{found.growth_mib_per_hour:+.1f} MiB an hour, the median p99 of the minutes was "
        f"{found.first_p99_ms:.1f} ms in their first third and {found.last_p99_ms:.1f} ms in the last."
    )
