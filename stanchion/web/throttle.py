"""Throttling: the limits that Graph publishes for these resources, counted for each app as Graph counts them.

- Several limits hold at once, and the first that is reached refuses; a refused request counts nowhere.
- A limit counts in windows that begin with the first request after the last one has ended, so that `Retry-After` is
  what is left of the window, and waiting that long is always enough.
- Memory is bounded: of more counts than are kept, those whose windows began first are forgotten.

Source: Graph "Microsoft Graph service-specific throttling limits", security detections and incidents; global limits.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import TypeAlias

import msgspec

from stanchion.access.caller import Caller
from stanchion.errors import TooManyRequests
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, EntitySet

# A count is some 200 bytes. A server knows far fewer apps.
MAX_COUNTS = 10_000

_Key: TypeAlias = tuple[str, str]


class Limit(msgspec.Struct, frozen=True):
    """So many requests of an app in so many seconds: to some sets of one tenant, or to anything of any tenant."""

    requests: int
    seconds: int
    sets: tuple[EntitySet, ...] | None

    def key(self, caller: Caller) -> _Key:
        """Return whose requests are counted together with those of a caller."""
        return caller.app_id, "" if self.sets is None else caller.tenant_id

    def holds_for(self, entity_set: EntitySet | None) -> bool:
        """Say whether requests to a set are counted; None is what belongs to no set."""
        return self.sets is None or entity_set in self.sets


class Limits(msgspec.Struct, frozen=True):
    """What is allowed in a time, and how many requests of an app to one tenant's `sets` may run `at_once`."""

    in_time: tuple[Limit, ...]
    at_once: int
    sets: tuple[EntitySet, ...]


_BOTH = (SECURE_SCORES, CONTROL_PROFILES)
GRAPH = Limits(
    in_time=(
        Limit(requests=150, seconds=60, sets=(SECURE_SCORES,)),
        Limit(requests=10_000, seconds=600, sets=_BOTH),
        Limit(requests=130_000, seconds=10, sets=None),
    ),
    at_once=4,
    sets=_BOTH,
)


@dataclass(slots=True)
class _Window:
    ends_seconds: float
    requests: int = 0


class Throttle:
    """The requests of each app, counted against limits; `clock` tells seconds and never goes back."""

    def __init__(self, limits: Limits, *, clock: Callable[[], float], max_counts: int = MAX_COUNTS) -> None:
        self._limits = limits
        self._clock = clock
        self._max_counts = max_counts
        # By their keys, in the order in which they began.
        self._windows: tuple[dict[_Key, _Window], ...] = tuple({} for _ in limits.in_time)
        self._running: dict[_Key, int] = {}

    @property
    def counts(self) -> int:
        """How many counts are kept."""
        return sum(map(len, self._windows)) + len(self._running)

    @property
    def at_once(self) -> int:
        """How many requests of an app may run side by side."""
        return self._limits.at_once

    @contextmanager
    def turn(self, caller: Caller, entity_set: EntitySet | None) -> Iterator[None]:
        """Count a request to a set, or to what belongs to none, for as long as it runs.

        Raises TooManyRequests where it is one too many.
        """
        self._count(caller, entity_set)
        if entity_set not in self._limits.sets:
            yield
            return
        key = (caller.app_id, caller.tenant_id)
        self._running[key] = self._running.get(key, 0) + 1
        try:
            yield
        finally:
            self._running[key] -= 1
            if not self._running[key]:
                del self._running[key]

    def _count(self, caller: Caller, entity_set: EntitySet | None) -> None:
        now = self._clock()
        counted = [
            (limit, self._window(windows, limit, limit.key(caller), now_seconds=now))
            for limit, windows in zip(self._limits.in_time, self._windows, strict=True)
            if limit.holds_for(entity_set)
        ]
        spent = [
            (window.ends_seconds - now, limit)
            for limit, window in counted
            if window.requests >= limit.requests
        ]
        if spent:
            left, limit = max(spent, key=lambda pair: pair[0])
            raise _refusal(
                f"{limit.requests:,} requests in {limit.seconds} seconds {_told(limit.sets)}",
                seconds=ceil(left),
            )
        if entity_set in self._limits.sets:
            running = self._running.get((caller.app_id, caller.tenant_id), 0)
            if running >= self._limits.at_once:
                raise _refusal(f"{running} requests at once {_told(self._limits.sets)}", seconds=1)
        for _, window in counted:
            window.requests += 1

    def _window(
        self, windows: dict[_Key, _Window], limit: Limit, key: _Key, *, now_seconds: float
    ) -> _Window:
        window = windows.get(key)
        if window is not None and now_seconds < window.ends_seconds:
            return window
        windows.pop(key, None)
        if len(windows) >= self._max_counts:
            del windows[next(iter(windows))]
        window = windows[key] = _Window(now_seconds + limit.seconds)
        return window


def _told(sets: Sequence[EntitySet] | None) -> str:
    return "of an app" if sets is None else f"of an app to {' and '.join(s.name for s in sets)}"


def _refusal(allowed: str, *, seconds: int) -> TooManyRequests:
    return TooManyRequests(
        f"Please retry again later: {allowed} are allowed, as on Graph. Retry after {seconds} seconds.",
        retry_after_seconds=seconds,
    )
