"""How a batch runs: side by side, a few at a time where that is wished, within one room for all answers."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from starlette.types import Message

from stanchion.access.caller import Caller
from stanchion.errors import ServiceUnavailable
from stanchion.ledger.changes import Actor
from stanchion.logs import Trace
from stanchion.model.json_text import JsonObject, dump_json
from stanchion.odata.resources import BatchResource, Resource
from stanchion.settings import Settings
from stanchion.web.batch import Batches
from stanchion.web.call import Call
from stanchion.web.exchange import JSON, Reply, Request
from stanchion.web.metrics import Tally
from stanchion.web.request_log import RequestLog
from tests.conftest import ORIGIN, TENANT
from tests.web.batching import SCORES, get

pytestmark = pytest.mark.anyio

Answer: TypeAlias = Callable[[Resource, Request, str], Awaitable[Reply]]


async def run(
    answer: Answer, *requests: JsonObject, clock: Callable[[], float] = time.monotonic, **options: int
) -> list[dict[str, Any]]:
    """Return the answers of a batch whose single requests `answer` answers."""

    async def receive() -> Message:
        return {"type": "http.request", "body": dump_json({"requests": list(requests)})}

    headers = {"host": "127.0.0.1:8080", "x-forwarded-for": "192.0.2.1"}
    trace = Trace("the batch")
    request = Request("POST", b"/v1.0/$batch", b"", headers, (), "http", "127.0.0.1", receive, trace)
    caller = Caller(TENANT, Actor("an issuer", TENANT, "a name"), "an app", frozenset(), delegated=False)
    log = RequestLog(Tally(), client_address=lambda _: "")
    batches = Batches(answer, settings=Settings(), is_own=lambda _: False, log=log, clock=clock, **options)
    reply = await batches.answer(BatchResource("v1.0"), Call(request, ORIGIN, caller))
    responses: list[dict[str, Any]] = json.loads(reply.body)["responses"]
    return responses


async def test_requests_that_do_not_wait_run_all_at_once() -> None:
    together = asyncio.Barrier(20)

    async def answer(_: Resource, __: Request, ___: str) -> Reply:
        async with asyncio.timeout(60), together:
            return Reply(204)

    answers = await run(answer, *(get(n, SCORES) for n in range(20)))
    assert [each["status"] for each in answers] == [204] * 20


async def test_a_request_waits_for_those_that_it_depends_on_and_no_others() -> None:
    last, done = asyncio.Event(), []

    async def answer(_: Resource, request: Request, __: str) -> Reply:
        name = request.headers["name"]
        if name == "slow":
            await asyncio.wait_for(last.wait(), 60)
        done.append(name)
        if name == "last":
            last.set()
        return Reply(200)

    def named(name: str, *after: str) -> JsonObject:
        return get(name, SCORES, headers={"name": name}, dependsOn=[*after])

    answers = await run(answer, named("slow"), named("first"), named("last", "first"))
    assert done == ["first", "last", "slow"]
    assert [each["id"] for each in answers] == ["slow", "first", "last"]


async def test_no_more_run_at_once_than_may() -> None:
    running, most = 0, 0

    async def answer(_: Resource, __: Request, ___: str) -> Reply:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return Reply(204)

    chained = [get(n, SCORES, dependsOn=[n - 10] if n >= 10 else []) for n in range(20)]
    assert len(await run(answer, *chained, at_once=4)) == 20
    assert most == 4


async def test_answers_share_one_room() -> None:
    async def answer(_: Resource, request: Request, __: str) -> Reply:
        body = dump_json("x" * (int(request.headers["size"]) - 2))
        headers = {"ETag": 'W/"1"', "Location": "there", "Preference-Applied": "return=representation"}
        return Reply(200, body, JSON, headers)

    def sized(id: str, size: int, **more: str) -> JsonObject:
        return get(id, SCORES, headers={"size": str(size)}, **more)

    answers = await run(
        answer,
        sized("fits", 60),
        sized("too large", 50),
        sized("written", 50, method="POST"),
        sized("fits too", 40),
        sized("full", 3),
        max_answers_bytes=100,
    )
    assert [each["status"] for each in answers] == [200, 413, 204, 200, 413]
    assert answers[1]["body"]["error"]["code"] == "RequestEntityTooLarge"
    written = answers[2]
    assert "body" not in written
    assert written["headers"]["ETag"] == 'W/"1"'
    assert written["headers"]["OData-EntityId"] == "there"
    assert not written["headers"].keys() & {"Preference-Applied", "Content-Type"}


async def test_an_answer_takes_the_room_that_it_takes_as_it_is_written() -> None:
    async def answer(_: Resource, request: Request, __: str) -> Reply:
        return Reply(200, b"\x01" * int(request.headers["size"]), "text/plain;charset=utf-8")

    sized = [get(size, SCORES, headers={"size": f"{size}"}) for size in (17, 16, 1)]
    answers = await run(answer, *sized, max_answers_bytes=100)
    assert [each["status"] for each in answers] == [413, 200, 413]


async def test_to_head_nothing_is_written_and_so_no_room_taken() -> None:
    async def answer(_: Resource, __: Request, ___: str) -> Reply:
        return Reply(200, dump_json("x" * 98), JSON, {"ETag": 'W/"1"'})

    heads = (get(n, SCORES, method="HEAD") for n in range(3))
    answers = await run(answer, *heads, get("whole", SCORES), max_answers_bytes=100)
    assert [each["status"] for each in answers] == [200] * 4
    assert ["body" in each for each in answers] == [False, False, False, True]
    assert all(each["headers"]["ETag"] for each in answers)


async def test_what_has_not_begun_within_the_time_of_a_request_is_not_done() -> None:
    now, done = 1000.0, []

    async def answer(_: Resource, request: Request, __: str) -> Reply:
        nonlocal now
        now += 30
        done.append(request.headers["name"])
        return Reply(204)

    chain = [get(n, SCORES, headers={"name": f"{n}"}, dependsOn=[n - 1] if n else []) for n in range(4)]
    answers = await run(answer, *chain, clock=lambda: now)
    assert [each["status"] for each in answers] == [204, 204, 503, 424]
    assert done == ["0", "1"]
    assert "60 seconds" in answers[2]["body"]["error"]["message"]
    assert int(answers[2]["headers"]["Retry-After"]) >= 1


async def test_a_request_tells_nothing_of_its_own_of_the_way_here() -> None:
    found: list[dict[str, str]] = []

    async def answer(_: Resource, request: Request, __: str) -> Reply:
        found.append(dict(request.headers))
        return Reply(204)

    names = [
        "Host",
        "X-FORWARDED-For",
        "x-forwarded-host",
        "X-Forwarded-Proto",
        "Forwarded",
        "Content-Length",
    ]
    await run(answer, get(1, SCORES, headers={**dict.fromkeys(names, "evil.example.com"), "Own": "kept"}))
    assert found == [{"host": "127.0.0.1:8080", "own": "kept"}]


async def test_a_fault_of_our_own_is_one_answer_s_alone() -> None:
    async def answer(_: Resource, request: Request, __: str) -> Reply:
        match request.headers["fault"]:
            case "ours":
                raise RuntimeError("/srv/secret")
            case "busy":
                raise ServiceUnavailable("Busy.", retry_after_seconds=7)
            case _:
                return Reply(204)

    faults = ["ours", "busy", "none"]
    answers = await run(answer, *(get(fault, SCORES, headers={"fault": fault}) for fault in faults))
    assert [each["status"] for each in answers] == [500, 503, 204]
    assert "secret" not in json.dumps(answers)
    assert answers[1]["headers"]["Retry-After"] == "7"


async def test_a_caller_who_leaves_ends_what_still_waits() -> None:
    begun, ended, others = asyncio.Event(), [], asyncio.all_tasks()

    async def answer(_: Resource, request: Request, __: str) -> Reply:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(request.method)
        return Reply(204)

    batch = asyncio.create_task(run(answer, get(1, SCORES), get(2, SCORES, dependsOn=[1])))
    await asyncio.wait_for(begun.wait(), 60)
    batch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await batch
    await asyncio.sleep(0)
    assert ended == ["GET"]
    assert asyncio.all_tasks() == others
