"""Sending answers to callers who take them slowly."""

import asyncio

import pytest
from starlette.types import Message

from stanchion.web.outgoing import Outgoing

START: Message = {"type": "http.response.start", "status": 200, "headers": []}


class Caller:
    """Takes messages, so long as the gate is open."""

    def __init__(self, *, takes: bool = True) -> None:
        self.taken: list[Message] = []
        self.gate = asyncio.Event()
        if takes:
            self.gate.set()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            await self.gate.wait()
        self.taken.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.taken)


def body(size: int) -> tuple[Message, Message]:
    return START, {"type": "http.response.body", "body": bytes(range(256)) * (size // 256)}


@pytest.mark.parametrize(("size", "pieces"), [(0, 1), (1024, 1), (1280, 2), (4096, 4), (4352, 5)])
def test_a_long_answer_goes_in_pieces_and_arrives_whole(size: int, pieces: int) -> None:
    caller, messages = Caller(), body(size)

    assert asyncio.run(Outgoing(timeout_seconds=5, piece_bytes=1024).send(messages, caller.send))
    assert caller.taken[0] == START
    assert len(caller.taken) == 1 + pieces
    assert caller.body == messages[1]["body"]
    assert [message.get("more_body", False) for message in caller.taken[1:]] == [True] * (pieces - 1) + [
        False
    ]


def test_a_piece_that_nobody_takes_ends_the_answer() -> None:
    async def sent() -> tuple[bool, bytes]:
        caller = Caller(takes=False)
        whole = await Outgoing(timeout_seconds=0.05, piece_bytes=1024).send(body(4096), caller.send)
        return whole, caller.body

    assert asyncio.run(sent()) == (False, b"")


def test_the_answer_that_waits_longest_is_cut_off_where_all_together_are_too_large() -> None:
    async def sent() -> list[bool]:
        outgoing = Outgoing(timeout_seconds=5, piece_bytes=1024, max_waiting_bytes=10_000)
        callers = [Caller(takes=False) for _ in range(4)]
        tasks = []
        for caller in callers:
            tasks.append(asyncio.create_task(outgoing.send(body(4096), caller.send)))
            await asyncio.sleep(0.01)
        for caller in callers:
            caller.gate.set()
        return await asyncio.gather(*tasks)

    # Two of 4,096 bytes fit.
    assert asyncio.run(sent()) == [False, False, True, True]


def test_an_answer_larger_than_all_may_be_together_is_sent_by_itself() -> None:
    caller, messages = Caller(), body(4096)

    assert asyncio.run(
        Outgoing(timeout_seconds=5, piece_bytes=1024, max_waiting_bytes=1).send(messages, caller.send)
    )
    assert caller.body == messages[1]["body"]


def test_who_is_cancelled_from_outside_stays_cancelled() -> None:
    async def cancelled() -> None:
        caller = Caller(takes=False)
        outgoing = Outgoing(timeout_seconds=5, piece_bytes=1024)
        task = asyncio.create_task(outgoing.send(body(4096), caller.send))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
