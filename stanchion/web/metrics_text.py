"""The metrics as Prometheus reads them, made of the plain numbers at the moment they are asked for.

The library is imported with the first of them: a server that nobody watches does without it. Neither the database
nor the disk is touched, so that a server whose database hangs still tells so: of chains there is what was read last.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import get_args

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.core import (
    Metric as Family,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from stanchion import __version__
from stanchion.errors import Denial
from stanchion.model.instant import TICKS_PER_SECOND
from stanchion.store.commit_counts import BATCH_SIZES, COMMIT_SECONDS
from stanchion.store.contract import WriteQueue
from stanchion.web import metrics
from stanchion.web.caches import Cache, caches
from stanchion.web.chain_watch import Seen
from stanchion.web.metrics import SECONDS, Metric, Sources, Tally

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def metrics_text(sources: Sources) -> bytes:
    """Return all metrics in the text format of Prometheus, version 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Numbers(sources))
    # Of the process: memory, CPU, open files, start; read from /proc, nothing where there is none.
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Numbers(Collector):
    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Family]:
        sources = self._sources
        yield from _of_requests(sources.tally)
        if sources.store.commits is not None:
            yield from _of_writes(sources.store.commits)
        yield from _of_chains(sources.chains.seen)
        yield from _of_caches(caches(sources.tokens))
        yield _counter(metrics.DIRECTORY_READS, [((), sources.directory.rereads)])
        yield _counter(metrics.DIRECTORY_CHANGES, [((), sources.directory.changes)])
        yield _gauge(metrics.HEALTHY, sources.store.healthy)
        yield _gauge(metrics.BUILD, 1, __version__)


def _of_requests(tally: Tally) -> Iterator[Family]:
    tally.count()
    # The event loop goes on counting meanwhile: what is read here are copies, each made in one step.
    counted = [(key, tuple(counts)) for key, counts in list(tally.requests.items())]
    yield _counter(
        metrics.REQUESTS,
        (
            ((kind, method, str(status), "true" if in_batch else "false"), sum(counts))
            for (kind, method, status, in_batch), counts in counted
        ),
    )
    together: dict[tuple[str, str], list[int]] = {}
    for (kind, method, _, _), counts in counted:
        known = together.setdefault((kind, method), [0] * len(counts))
        together[kind, method] = [a + b for a, b in zip(known, counts, strict=True)]
    sums = dict(tally.seconds)
    yield _histogram(
        metrics.REQUEST_SECONDS,
        SECONDS,
        ((key, counts, sums.get(key, 0.0)) for key, counts in together.items()),
    )
    denied = dict(tally.denied)
    # From zero on, so that the first of a reason is an increase.
    reasons: tuple[Denial, ...] = get_args(Denial)
    yield _counter(metrics.DENIED, (((reason,), denied.get(reason, 0)) for reason in reasons))


def _of_writes(commits: WriteQueue) -> Iterator[Family]:
    counts = commits.counts
    outcomes = {
        "done": counts.done,
        "refused": counts.refused,
        "unknown": counts.unknown,
        "turned_away": counts.turned_away,
    }
    yield _counter(metrics.COMMANDS, (((name,), number) for name, number in outcomes.items()))
    yield _histogram(
        metrics.COMMIT_SECONDS_METRIC, COMMIT_SECONDS, [((), tuple(counts.times), counts.seconds)]
    )
    commands = counts.done + counts.refused + counts.unknown
    yield _histogram(metrics.COMMIT_COMMANDS, BATCH_SIZES, [((), tuple(counts.sizes), commands)])
    yield _gauge(metrics.WAITING, commits.waiting)
    yield _gauge(metrics.LAST_COMMIT, counts.last_done_seconds)


def _of_chains(seen: Seen | None) -> Iterator[Family]:
    if seen is None:
        return
    yield _gauge(metrics.TENANTS, seen.heads.tenants)
    yield _gauge(metrics.NEWEST_CHANGE, (seen.heads.newest_ticks or 0) / TICKS_PER_SECOND)
    yield _gauge(metrics.CHAINS_READ, seen.at_seconds)


def _of_caches(counted: Mapping[str, Cache]) -> Iterator[Family]:
    yield _counter(metrics.CACHE_HITS, (((name,), cache.hits) for name, cache in counted.items()))
    yield _counter(metrics.CACHE_MISSES, (((name,), cache.misses) for name, cache in counted.items()))
    entries = GaugeMetricFamily(metrics.CACHE_ENTRIES.name, metrics.CACHE_ENTRIES.sentence, labels=["cache"])
    for name, cache in counted.items():
        entries.add_metric([name], cache.entries)
    yield entries


def _counter(metric: Metric, samples: Iterable[tuple[Sequence[str], float]]) -> Family:
    family = CounterMetricFamily(metric.name, metric.sentence, labels=metric.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


def _gauge(metric: Metric, value: float, *labels: str) -> Family:
    family = GaugeMetricFamily(metric.name, metric.sentence, labels=metric.labels)
    family.add_metric(labels, value)
    return family


def _histogram(
    metric: Metric,
    bounds: Sequence[float],
    samples: Iterable[tuple[Sequence[str], Sequence[float], float]],
) -> Family:
    family = HistogramMetricFamily(metric.name, metric.sentence, labels=metric.labels)
    names = [*(str(float(bound)) for bound in bounds), "+Inf"]
    for labels, counts, total in samples:
        family.add_metric(labels, list(zip(names, accumulate(counts), strict=True)), total)
    return family
