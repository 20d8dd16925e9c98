"""Failed client authentications: who has had too many lately.

Counted per address and client id, and per address, in windows of a minute. Memory is bounded: the oldest
count goes first. An IPv6 subscriber has a whole /64, so that is what counts as an address.
"""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import NamedTuple

WINDOW_SECONDS = 60
# Far above what a person mistypes or a client retries, far below what would burden the store.
FAILURES_PER_CLIENT = 20
FAILURES_PER_ADDRESS = 100
MAX_COUNTS = 10_000


class _Key(NamedTuple):
    address: str
    client_id: str | None


@dataclass
class _Count:
    began_seconds: float
    failures: int = 0


class FailedAttempts:
    """Counts of failed client authentications."""

    def __init__(self, *, max_counts: int = MAX_COUNTS) -> None:
        self._max_counts = max_counts
        self._counts: dict[_Key, _Count] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def retry_after_seconds(self, address: str, client_id: str, *, now_seconds: float) -> int | None:
        """Return how long this client at this address has to wait, or None where it may try."""
        address = _subscriber(address)
        waits = [
            self._wait(_Key(address, client_id), FAILURES_PER_CLIENT, now_seconds=now_seconds),
            self._wait(_Key(address, None), FAILURES_PER_ADDRESS, now_seconds=now_seconds),
        ]
        wait = max(waits)
        return ceil(wait) if wait > 0 else None

    def add(self, address: str, client_id: str, *, now_seconds: float) -> None:
        """Count a failure."""
        address = _subscriber(address)
        for key in (_Key(address, client_id), _Key(address, None)):
            count = self._counts.get(key)
            if count is None or now_seconds >= count.began_seconds + WINDOW_SECONDS:
                self._counts.pop(key, None)
                count = self._counts[key] = _Count(now_seconds)
            count.failures += 1
        while len(self._counts) > self._max_counts:
            del self._counts[next(iter(self._counts))]

    def forget(self, address: str, client_id: str) -> None:
        """Forget the failures of a client that has now succeeded."""
        self._counts.pop(_Key(_subscriber(address), client_id), None)

    def _wait(self, key: _Key, limit: int, *, now_seconds: float) -> float:
        count = self._counts.get(key)
        if count is None or count.failures < limit:
            return 0
        return count.began_seconds + WINDOW_SECONDS - now_seconds


def _subscriber(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return address
