"""Many writers at once: each accepted write is exactly one change, and a race has one winner."""

import asyncio

import pytest

from stanchion.model.edm import SECURE_SCORES
from stanchion.store.verify import verify
from tests.conftest import MICROSOFT, TENANT, Api, control, score

pytestmark = pytest.mark.anyio

CONTROLS = "/v1.0/security/secureScoreControlProfiles"
WRITERS = 64


async def test_64_writers_at_once_make_one_change_each(api: Api) -> None:
    api.add(*(control(f"control {number}") for number in range(8)))
    before = await api.sequence()
    replies = await asyncio.gather(
        *(
            api.send(
                "PATCH",
                f"{CONTROLS}/control {number % 8}",
                json={"comment": f"comment {number}", "vendorInformation": MICROSOFT},
                headers={"Prefer": "return=representation"},
            )
            for number in range(WRITERS)
        )
    )
    assert [reply.status_code for reply in replies] == [200] * WRITERS
    assert await api.sequence() == before + WRITERS
    # Each is answered with the control as after itself, whatever came behind it in the same transaction.
    comments = [reply.json()["controlStateUpdates"][0]["comment"] for reply in replies]
    assert comments == [f"comment {number}" for number in range(WRITERS)]
    assert len({reply.headers["etag"] for reply in replies}) == WRITERS
    with api.store.snapshot(TENANT) as moment:
        assert sum(len(moment.history(f"control {number}")) for number in range(8)) == WRITERS
    assert verify(api.store, TENANT, head=None).sequence == before + WRITERS


async def test_of_64_who_saw_the_same_tag_one_wins(api: Api) -> None:
    api.add(control())
    path = f"{CONTROLS}/NonOwnerAccess"
    tag, before = (await api.send("GET", path)).headers["etag"], await api.sequence()
    replies = await asyncio.gather(
        *(
            api.send(
                "PATCH",
                path,
                json={"comment": f"comment {number}", "vendorInformation": MICROSOFT},
                headers={"If-Match": tag},
            )
            for number in range(WRITERS)
        )
    )
    assert sorted(reply.status_code for reply in replies) == [204] + [412] * (WRITERS - 1)
    assert await api.sequence() == before + 1
    (winner,) = [number for number, reply in enumerate(replies) if reply.status_code == 204]
    read = await api.send("GET", path)
    assert read.json()["controlStateUpdates"][0]["comment"] == f"comment {winner}"


async def test_of_64_who_create_the_same_one_creates_and_the_rest_find_it(api: Api) -> None:
    before = await api.sequence()
    replies = await asyncio.gather(
        *(api.send("POST", "/v1.0/security/secureScores", json=score()) for _ in range(WRITERS))
    )
    assert sorted(reply.status_code for reply in replies) == [200] * (WRITERS - 1) + [201]
    assert len({reply.content for reply in replies}) == 1
    assert await api.sequence() == before + 1


async def test_of_64_who_delete_the_same_one_does(api: Api) -> None:
    api.add(score(), entity_set=SECURE_SCORES)
    path = f"/v1.0/security/secureScores/{TENANT}_2026-01-31"
    replies = await asyncio.gather(*(api.send("DELETE", path) for _ in range(WRITERS)))
    assert sorted(reply.status_code for reply in replies) == [204] + [404] * (WRITERS - 1)


async def test_a_write_is_seen_by_every_read_after_its_answer(api: Api) -> None:
    api.add(control())
    path = f"{CONTROLS}/NonOwnerAccess"
    for number in range(20):
        body = {"comment": f"comment {number}", "vendorInformation": MICROSOFT}
        assert (await api.send("PATCH", path, json=body)).status_code == 204
        item, page = await asyncio.gather(api.send("GET", path), api.send("GET", CONTROLS))
        for entity in (item.json(), page.json()["value"][0]):
            assert entity["controlStateUpdates"][0]["comment"] == f"comment {number}"


async def test_a_caller_who_leaves_cancels_nothing_that_was_taken(api: Api) -> None:
    api.add(control())
    path = f"{CONTROLS}/NonOwnerAccess"
    before = await api.sequence()
    tasks = [
        asyncio.create_task(
            api.send("PATCH", path, json={"comment": f"comment {number}", "vendorInformation": MICROSOFT})
        )
        for number in range(8)
    ]
    await asyncio.sleep(0.002)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    answered = sum(not isinstance(result, BaseException) for result in results)
    assert answered >= 4
    assert before + answered <= await api.sequence() <= before + 8
    assert verify(api.store, TENANT, head=None).sequence == await api.sequence()
