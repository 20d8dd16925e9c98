"""What the server counts: every metric by name, and the plain numbers behind those of requests.

- What is to count of a request is kept as it is, and counted with that of others. Metrics are made of the numbers
  only when they are asked for (`metrics_text`), so that a server that nobody watches pays next to nothing.
- The labels of a request come from closed lists: no caller can make a time series.
- Nothing here tells of a tenant: what whom was denied is in the log.
"""

import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import attrgetter, truth
from typing import Literal, Protocol, TypeAlias

import msgspec

from stanchion.access.directory import Directory
from stanchion.access.token import TokenVerifier
from stanchion.errors import Denial
from stanchion.logs import Trace
from stanchion.store.contract import WriteQueue
from stanchion.web.chain_watch import ChainWatch

# Most answers take a tenth of a millisecond; nothing takes longer than the 60 s of a request.
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"})
OTHER_METHOD = "other"

# The kind of what was asked, the method, the status, and whether it came in a batch.
RequestKey: TypeAlias = tuple[str, str, int, bool]
# When (Unix time), what was asked, the status, whose it was, how long the answer took in seconds, and its bytes.
RequestFacts: TypeAlias = tuple[float, str, bytes, int, Trace, float, int]

# At most so many paths wait to be forgotten, of 8 KiB each by default.
COUNTED_AT_ONCE = 128

_kind_of = attrgetter("kind")
_batch_of = attrgetter("batch_id")


class Metric(msgspec.Struct, frozen=True):
    """A metric: its name without the endings that its kind adds, its labels, and what it says."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    sentence: str
    labels: tuple[str, ...] = ()


REQUESTS = Metric(
    "stanchion_requests",
    "counter",
    "Requests answered; those of a batch are counted besides the batch itself, with in_batch true.",
    ("kind", "method", "status", "in_batch"),
)
REQUEST_SECONDS = Metric(
    "stanchion_request_duration_seconds",
    "histogram",
    "Time from the arrival of a request's head to its answer.",
    ("kind", "method"),
)
DENIED = Metric(
    "stanchion_denied",
    "counter",
    "Requests denied access, by the reason that the log names too.",
    ("reason",),
)
COMMANDS = Metric(
    "stanchion_commands",
    "counter",
    "Writes by what became of them: done, refused, unknown (the disk failed at COMMIT), turned_away (never run: "
    "the queue was full, or their time over).",
    ("outcome",),
)
COMMIT_SECONDS_METRIC = Metric(
    "stanchion_commit_duration_seconds", "histogram", "Time that a batch of writes took, with its COMMIT."
)
COMMIT_COMMANDS = Metric("stanchion_commit_commands", "histogram", "Writes that were committed together.")
WAITING = Metric("stanchion_commit_queue_length", "gauge", "Writes that wait for their turn.")
LAST_COMMIT = Metric(
    "stanchion_last_commit_timestamp_seconds",
    "gauge",
    "Unix time of the last commit by this process, 0 before the first: the age of what it last wrote to a chain.",
)
TENANTS = Metric("stanchion_tenants", "gauge", "Tenants in the database.")
NEWEST_CHANGE = Metric(
    "stanchion_newest_change_timestamp_seconds",
    "gauge",
    "Unix time of the newest change of any tenant, whichever process wrote it: an import too. 0 before the first.",
)
CHAINS_READ = Metric(
    "stanchion_chains_read_timestamp_seconds",
    "gauge",
    "Unix time at which these two were read from the database: once a minute at most, and not while it is away.",
)
CACHE_HITS = Metric("stanchion_cache_hits", "counter", "What was kept when it was needed.", ("cache",))
CACHE_MISSES = Metric("stanchion_cache_misses", "counter", "What had to be made anew.", ("cache",))
CACHE_ENTRIES = Metric("stanchion_cache_entries", "gauge", "What is kept; each cache is bounded.", ("cache",))
DIRECTORY_READS = Metric(
    "stanchion_directory_reads",
    "counter",
    "Looks at whether tenants, apps, issuers or keys have changed: at most one a second, but for keys not known.",
)
DIRECTORY_CHANGES = Metric(
    "stanchion_directory_changes",
    "counter",
    "Looks that found a change, after which all of them are read anew.",
)
HEALTHY = Metric(
    "stanchion_healthy",
    "gauge",
    "1 while writes can be kept, 0 after an error of the disk or while PostgreSQL is away, as /readyz says.",
)
BUILD = Metric("stanchion_build_info", "gauge", "1, with the version as a label.", ("version",))

METRICS = (
    REQUESTS,
    REQUEST_SECONDS,
    DENIED,
    COMMANDS,
    COMMIT_SECONDS_METRIC,
    COMMIT_COMMANDS,
    WAITING,
    LAST_COMMIT,
    TENANTS,
    NEWEST_CHANGE,
    CHAINS_READ,
    CACHE_HITS,
    CACHE_MISSES,
    CACHE_ENTRIES,
    DIRECTORY_READS,
    DIRECTORY_CHANGES,
    HEALTHY,
    BUILD,
)


class Tally:
    """The numbers of requests: facts are taken as they come, and counted many at once.

    Of each key of `requests` there is a count for each bound of SECONDS and one beyond the last; `seconds` has the
    sum of what shares a kind and a method.
    """

    def __init__(self) -> None:
        self.requests: dict[RequestKey, list[int]] = {}
        self.seconds: dict[tuple[str, str], float] = {}
        self.denied: dict[Denial, int] = {}
        self._fresh: list[RequestFacts] = []
        self._counting = threading.Lock()

    def request(self, facts: RequestFacts) -> None:
        """Take a request that was answered; for the event loop alone."""
        fresh = self._fresh
        fresh.append(facts)
        if len(fresh) >= COUNTED_AT_ONCE:
            self.count()

    def denial(self, reason: Denial) -> None:
        """Count a request that was denied access."""
        self.denied[reason] = self.denied.get(reason, 0) + 1

    def count(self) -> None:
        """Count what is not counted yet; from any thread, while the event loop goes on."""
        with self._counting:
            # What comes meanwhile is appended behind these.
            facts = self._fresh[:]
            del self._fresh[: len(facts)]
            if facts:
                self._count(facts)

    def _count(self, facts: Sequence[RequestFacts]) -> None:
        # Nearly all of this happens in C; a loop over the requests would take several times as long.
        _, methods, _, statuses, traces, seconds, _ = zip(*facts, strict=True)
        kinds = tuple(map(_kind_of, traces))
        places = map(bisect_left, repeat(SECONDS), seconds)
        batched = map(truth, map(_batch_of, traces))
        counted = Counter(zip(kinds, methods, statuses, batched, places, strict=True))
        for (kind, method, status, in_batch, place), number in counted.items():
            key = (kind, _known(method), status, in_batch)
            self.requests.setdefault(key, [0] * (len(SECONDS) + 1))[place] += number
        sums: defaultdict[tuple[str, str], float] = defaultdict(float)
        for key_of_sum, took in zip(zip(kinds, methods, strict=True), seconds, strict=True):
            sums[key_of_sum] += took
        for (kind, method), took in sums.items():
            self.seconds[kind, _known(method)] = self.seconds.get((kind, _known(method)), 0.0) + took


def _known(method: str) -> str:
    # Callers may make up methods, and no time series by them.
    return method if method in METHODS else OTHER_METHOD


class Watched(Protocol):
    """A store, as it is watched."""

    @property
    def healthy(self) -> bool:
        """Whether writes can be kept."""

    @property
    def commits(self) -> WriteQueue | None:
        """The queue of writes, where there is one."""


@dataclass(frozen=True)
class Sources:
    """Where the numbers are kept."""

    tally: Tally
    store: Watched
    tokens: TokenVerifier
    directory: Directory
    chains: ChainWatch
