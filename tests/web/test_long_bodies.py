"""Long bodies: they are read beside the event loop, which goes on answering others, and let go with their answer."""

import asyncio
import gc
import time
from collections.abc import Iterator

import pytest

from stanchion.errors import StanchionError
from stanchion.model.json_text import MAX_VALUES, dump_json
from tests.conftest import MICROSOFT, Api, score
from tests.web.batching import batched, get
from tests.web.refusals import assert_refused

pytestmark = pytest.mark.anyio

SCORES = "/v1.0/security/secureScores"
FOUR_MB = 4_000_000
# Generous: what is asserted is that nothing holds the loop for as long as the whole body takes. It is counted in
# seconds of our own process, for a machine that has much else to do lets any task wait.
MAX_PAUSE_CPU_SECONDS = 0.25
CONTROL_SCORE = {"controlName": "a", "controlCategory": "Identity", "description": "d" * 60, "score": 1.5}
TAG = "x" * 70


async def longest_pause() -> float:
    """Return how long at most this process worked while a task waited for the loop; ends by being cancelled."""
    longest, last = 0.0, time.process_time()
    try:
        while True:
            await asyncio.sleep(0.001)
            now = time.process_time()
            longest, last = max(longest, now - last), now
    except asyncio.CancelledError:
        return longest


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("controlScores", [CONTROL_SCORE] * 30_000, 201),
        ("openProperty", [{"tag": TAG}] * 45_000, 201),
        ("openProperty", [[] for _ in range(1_000_000)], 400),
        ("openProperty", [1.5] * 900_000, 400),
    ],
    ids=["scores", "objects", "empty arrays", "numbers"],
)
async def test_a_long_body_does_not_hold_up_others(
    api: Api, name: str, value: list[object], status: int
) -> None:
    content = dump_json({**score(), name: value})
    assert FOUR_MB * 0.7 < len(content) < 4 * 1024**2
    api.token()
    watch = asyncio.create_task(longest_pause())
    reply = await api.send(
        "POST",
        SCORES,
        content=content,
        headers={"Content-Type": "application/json", "Prefer": "return=minimal"},
    )
    watch.cancel()
    assert (reply.status_code, await watch < MAX_PAUSE_CPU_SECONDS) == (
        204 if status == 201 else status,
        True,
    )


async def test_more_values_than_the_limit_are_refused_with_the_limit(api: Api) -> None:
    content = dump_json({"id": "x", "vendorInformation": MICROSOFT, "openProperty": [1] * MAX_VALUES})
    request = api.send("POST", SCORES, content=content, headers={"Content-Type": "application/json"})
    await assert_refused(api, request, 400, f"{MAX_VALUES:,}")


async def test_a_fault_in_a_long_body_is_named_as_in_a_short_one(api: Api) -> None:
    body = {**score(), "comment": "x" * 100_000, "currentScore": "much"}
    await assert_refused(api, api.send("POST", SCORES, json=body), 400, "currentScore")


@pytest.fixture
def without_collector() -> Iterator[None]:
    """Let only those things go that nothing refers to."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def errors() -> list[object]:
    """Return the errors that anything refers to."""
    return [thing for thing in gc.get_objects() if isinstance(thing, StanchionError)]


@pytest.mark.usefixtures("without_collector")
async def test_what_was_refused_is_let_go_at_once(api: Api) -> None:
    headers, before = {"Content-Type": "application/json"}, len(errors())
    reply = await api.send("POST", SCORES, content=b'{"a":"' + b"x" * 10_000 + b'"', headers=headers)
    assert reply.status_code == 400
    answers = await batched(api, get(1, f"{SCORES}/none"), get(2, "/nothing"))
    assert [answer["status"] for answer in answers] == [404, 400]
    # An error that is kept keeps the frames that it came through, and these the body.
    assert len(errors()) == before
