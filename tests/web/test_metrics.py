"""What is counted is shown to Prometheus as it was, and costs callers and their names nothing."""

import asyncio
import re
import subprocess
import sys
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stanchion.access.directory import Directory
from stanchion.access.origin import Origins
from stanchion.access.token import TokenVerifier
from stanchion.logs import Trace
from stanchion.odata.filter import shapes
from stanchion.odata.options import parse_options
from stanchion.store.commit_counts import CommitCounts
from stanchion.store.outcome import Done, Refused, unknown
from stanchion.web.caches import caches
from stanchion.web.chain_watch import ChainWatch
from stanchion.web.metrics import COUNTED_AT_ONCE, METRICS, REQUESTS, Sources, Tally
from stanchion.web.metrics_text import metrics_text
from tests.conftest import TENANT, Api, control
from tests.docs.generated import ROOT

pytestmark = pytest.mark.anyio


def answered(
    tally: Tally, *, method: str = "GET", status: int = 200, seconds: float = 0.002, batch: str = ""
) -> None:
    trace = Trace("an id", batch_id=batch, kind="entity")
    tally.request((0.0, method, b"/", status, trace, seconds, 1))


def values(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return every sample by its name and labels."""
    families = text_string_to_metric_families(text.decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def of_one(text: bytes, name: str, **labels: str) -> float:
    return values(text)[name, tuple(sorted(labels.items()))]


def sources(api: Api, tally: Tally) -> Sources:
    directory = Directory(api.store, clock=lambda: 0.0)
    verifier = TokenVerifier(directory, origins=Origins(), store_id=api.store.store_id)
    return Sources(tally, api.store, verifier, directory, ChainWatch(api.store.chain_heads))


async def test_requests_are_counted_by_kind_method_and_status(api: Api) -> None:
    tally = Tally()
    for seconds in (0.0004, 0.0005, 0.002, 20.0):
        answered(tally, seconds=seconds)
    answered(tally, status=404)
    answered(tally, method="PATCH", status=204, batch="a batch")
    text = metrics_text(sources(api, tally))
    labels = {"kind": "entity", "method": "GET", "in_batch": "false"}
    assert of_one(text, "stanchion_requests_total", **labels, status="200") == 4
    assert of_one(text, "stanchion_requests_total", **labels, status="404") == 1
    patched = {**labels, "method": "PATCH", "in_batch": "true", "status": "204"}
    assert of_one(text, "stanchion_requests_total", **patched) == 1
    seconds_of = "stanchion_request_duration_seconds"
    of_reads = {"kind": "entity", "method": "GET"}
    assert of_one(text, f"{seconds_of}_bucket", **of_reads, le="0.0005") == 2
    assert of_one(text, f"{seconds_of}_bucket", **of_reads, le="10.0") == 4
    assert of_one(text, f"{seconds_of}_bucket", **of_reads, le="+Inf") == 5
    assert of_one(text, f"{seconds_of}_sum", **of_reads) == pytest.approx(20.0049)


async def test_no_caller_makes_a_time_series(api: Api) -> None:
    for method in ("BREW", "X" * 200, "TRACE", "get"):
        await api.client.request(method, "/v1.0/anything")
    for path in ("/nothing", "/v1.0/security/secureScores/a", "/v1.0/nothing", f"/{TENANT}/v2.0/x"):
        await api.send("GET", path)
    tally = Tally()
    for number in range(3 * COUNTED_AT_ONCE):
        answered(tally, method=f"M{number}")
    assert set(tally.requests) == {("entity", "other", 200, False)}


async def test_what_is_not_counted_yet_is_counted_when_asked_and_by_then_bounded(api: Api) -> None:
    tally = Tally()
    for number in range(1, COUNTED_AT_ONCE + 2):
        answered(tally)
        assert len(tally._fresh) == number % COUNTED_AT_ONCE
    text = metrics_text(sources(api, tally))
    of_all = {"kind": "entity", "method": "GET", "status": "200", "in_batch": "false"}
    assert of_one(text, "stanchion_requests_total", **of_all) == COUNTED_AT_ONCE + 1


async def test_counting_from_many_threads_at_once_loses_nothing() -> None:
    tally = Tally()

    async def ask() -> None:
        for _ in range(200):
            await asyncio.to_thread(tally.count)

    asking = [asyncio.create_task(ask()) for _ in range(4)]
    for _ in range(5_000):
        answered(tally)
        if tally._fresh and len(tally._fresh) % 50 == 0:
            await asyncio.sleep(0)
    await asyncio.gather(*asking)
    tally.count()
    assert sum(map(sum, tally.requests.values())) == 5_000


async def test_writes_are_counted_by_what_became_of_them(api: Api) -> None:
    api.add(control())
    for state in ("Ignored", "Reviewed"):
        body = {"state": state, "vendorInformation": {"provider": "SecureScore", "vendor": "Microsoft"}}
        await api.send("PATCH", "/v1.0/security/secureScoreControlProfiles/NonOwnerAccess", json=body)
    await api.send("DELETE", "/v1.0/security/secureScores/absent")
    text = metrics_text(sources(api, Tally()))
    assert of_one(text, "stanchion_commands_total", outcome="done") == 2
    assert of_one(text, "stanchion_commands_total", outcome="refused") == 1
    assert of_one(text, "stanchion_commit_commands_count") == 3
    assert of_one(text, "stanchion_commit_commands_sum") == 3
    assert of_one(text, "stanchion_commit_queue_length") == 0
    assert of_one(text, "stanchion_last_commit_timestamp_seconds") > 1_700_000_000
    assert of_one(text, "stanchion_healthy") == 1


def test_a_batch_of_writes_is_counted_with_its_size_and_time() -> None:
    counts = CommitCounts()
    counts.add([Done(1), Refused(ValueError()), unknown()], seconds=0.3)
    counts.add([], seconds=9.0)
    counts.add([Done(1)] * 1000, seconds=99.0)
    assert (counts.done, counts.refused, counts.unknown, counts.batches) == (1001, 1, 1, 2)
    assert (counts.sizes[2], counts.sizes[-1], sum(counts.sizes)) == (1, 1, 2)
    assert (counts.times[8], counts.times[-1], counts.seconds) == (1, 1, 99.3)


async def test_every_metric_is_shown_and_no_other_but_those_of_the_process(api: Api) -> None:
    tally = Tally()
    answered(tally)
    watched = sources(api, tally)
    await watched.chains.look(patience_seconds=60)
    found = {family.name for family in text_string_to_metric_families(metrics_text(watched).decode())}
    assert {name for name in found if not name.startswith("process_")} == {metric.name for metric in METRICS}
    assert {"process_cpu_seconds", "process_resident_memory_bytes", "process_open_fds"} <= found


async def test_denials_are_shown_from_zero_on(api: Api) -> None:
    tally = Tally()
    tally.denial("expired_token")
    text = metrics_text(sources(api, tally))
    assert of_one(text, "stanchion_denied_total", reason="expired_token") == 1
    assert of_one(text, "stanchion_denied_total", reason="wrong_signature") == 0


async def test_what_the_chains_say_is_told_once_it_was_looked_up(api: Api) -> None:
    watched = sources(api, Tally())
    assert b"stanchion_tenants" not in metrics_text(watched)
    await watched.chains.look(patience_seconds=60)
    text = metrics_text(watched)
    assert of_one(text, "stanchion_tenants") == len(api.store.tenants())
    age_seconds = time.time() - of_one(text, "stanchion_newest_change_timestamp_seconds")
    assert 0 <= age_seconds < 3600
    assert of_one(text, "stanchion_chains_read_timestamp_seconds") == pytest.approx(time.time(), abs=60)


async def test_caches_count_what_was_there_and_what_was_not(api: Api) -> None:
    def counts(name: str) -> tuple[float, float]:
        text = metrics_text(watched)
        return (
            of_one(text, "stanchion_cache_hits_total", cache=name),
            of_one(text, "stanchion_cache_misses_total", cache=name),
        )

    # Other tests may have asked the same, in this process.
    parse_options.cache_clear()
    shapes._shapes.clear()
    watched = sources(api, Tally())
    names = ("queries", "filters", "statements")
    before = {name: counts(name) for name in names}
    for number in (7, 11, 13):
        await api.send(
            "GET", f"/v1.0/security/secureScores?$filter=maxScore gt {number} and currentScore lt 3.25"
        )
    after = {name: counts(name) for name in names}
    gained = {name: (after[name][0] - before[name][0], after[name][1] - before[name][1]) for name in names}
    # The literals differ, so that each query is read, its filter known from the first one on.
    assert [gained[name] for name in ("queries", "filters")] == [(0, 3), (2, 1)]
    assert gained["statements"][0] >= 2
    assert of_one(metrics_text(watched), "stanchion_cache_entries", cache="statements") > 0


async def test_a_token_that_is_known_is_a_hit(api: Api) -> None:
    directory = Directory(api.store, clock=lambda: 0.0)
    verifier = TokenVerifier(directory, origins=Origins(), store_id=api.store.store_id)
    sent = (f"Bearer {api.token()}",)
    for _ in range(3):
        await api.store.inlined(verifier.caller(sent, now_seconds=time.time()))
    assert caches(verifier)["tokens"] == (2, 1, 1)


async def test_no_metric_tells_of_a_tenant_an_app_or_an_id(api: Api) -> None:
    api.add(control())
    await api.send("GET", "/v1.0/security/secureScoreControlProfiles/NonOwnerAccess")
    watched = sources(api, Tally())
    await watched.chains.look(patience_seconds=60)
    text = metrics_text(watched).decode()
    apps = [row.client_id for row in api.store.clients(TENANT)]
    assert not re.search("|".join([TENANT, "NonOwnerAccess", api.store.store_id, *apps]), text)
    assert REQUESTS.labels == ("kind", "method", "status", "in_batch")


def test_a_server_that_nobody_watches_imports_no_library_for_metrics() -> None:
    program = "import sys, stanchion.app, stanchion.cli.serve; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
