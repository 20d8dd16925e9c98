"""Sending answers to callers who take them slowly."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from weakref import ref

import pytest
from starlette.types import Message

from stanchion.web.outgoing import Outgoing
from tests.web.leaping import run

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


class Body(bytearray):
    """Bytes whose end can be seen."""


def content(size: int) -> bytes:
    return bytes(range(256)) * (size // 256)


def body(size: int) -> tuple[Message, Message]:
    return START, {"type": "http.response.body", "body": content(size)}


@pytest.mark.parametrize(("size", "pieces"), [(0, 1), (1024, 1), (1280, 2), (4096, 4), (4352, 5)])
def test_a_long_answer_goes_in_pieces_and_arrives_whole(size: int, pieces: int) -> None:
    caller = Caller()

    assert run(Outgoing(timeout_seconds=5, piece_bytes=1024).send(body(size), caller.send))
    assert caller.taken[0] == START
    assert len(caller.taken) == 1 + pieces
    assert caller.body == content(size)
    assert [message.get("more_body", False) for message in caller.taken[1:]] == [True] * (pieces - 1) + [
        False
    ]


def test_a_piece_that_nobody_takes_ends_the_answer() -> None:
    async def sent() -> tuple[bool, bytes]:
        caller = Caller(takes=False)
        whole = await Outgoing(timeout_seconds=0.05, piece_bytes=1024).send(body(4096), caller.send)
        return whole, caller.body

    assert run(sent()) == (False, b"")


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
    assert run(sent()) == [False, False, True, True]


def test_the_memory_of_an_answer_that_is_cut_off_is_free_however_long_the_server_takes_to_notice() -> None:
    class Deaf(Caller):
        async def send(self, message: Message) -> None:
            while message is not START and not self.gate.is_set():
                with suppress(asyncio.CancelledError):
                    await self.gate.wait()

    async def held() -> tuple[bool, bool]:
        outgoing = Outgoing(timeout_seconds=5, piece_bytes=1024, max_waiting_bytes=6_000)
        first, second = Deaf(takes=False), Caller(takes=False)
        large = Body(content(4096))
        there = ref(large)
        message: Message = {"type": "http.response.body", "body": large}
        del large
        tasks = [asyncio.create_task(outgoing.send((START, message), first.send))]
        await asyncio.sleep(0.01)
        before = there() is not None
        tasks.append(asyncio.create_task(outgoing.send(body(4096), second.send)))
        await asyncio.sleep(0.01)
        after = there() is not None
        first.gate.set()
        second.gate.set()
        await asyncio.wait(tasks)
        return before, after

    assert run(held()) == (True, False)


def test_what_an_answer_holds_besides_its_pieces_counts_too() -> None:
    async def pieces() -> AsyncGenerator[bytes]:
        yield b"short"

    async def sent(beside_bytes: int) -> list[bool]:
        outgoing = Outgoing(timeout_seconds=5, max_waiting_bytes=10_000)
        callers = [Caller(takes=False) for _ in range(3)]
        tasks = []
        for caller in callers:
            stream = outgoing.stream(START, pieces(), caller.send, beside_bytes=beside_bytes)
            tasks.append(asyncio.create_task(stream))
            await asyncio.sleep(0.01)
        for caller in callers:
            caller.gate.set()
        return await asyncio.gather(*tasks)

    assert run(sent(0)) == [True, True, True]
    assert run(sent(4096)) == [False, True, True]


def test_an_answer_larger_than_all_may_be_together_is_sent_by_itself() -> None:
    caller = Caller()

    assert run(
        Outgoing(timeout_seconds=5, piece_bytes=1024, max_waiting_bytes=1).send(body(4096), caller.send)
    )
    assert caller.body == content(4096)


def test_who_is_cancelled_from_outside_stays_cancelled() -> None:
    async def cancelled() -> None:
        caller = Caller(takes=False)
        outgoing = Outgoing(timeout_seconds=5, piece_bytes=1024)
        task = asyncio.create_task(outgoing.send(body(4096), caller.send))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        run(cancelled())
