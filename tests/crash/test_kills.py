"""Killing the server with signal 9 under load: every acknowledged write is there afterwards, nothing by halves.

STANCHION_CRASH_KILLS says how often each kind of kill is made; CRASH_SECONDS makes the calm run longer.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.crash.convergence import astray, replicate, wrong_etags
from tests.crash.judgement import faults
from tests.crash.killing import kill_group, kill_main, kill_worker, killed_under_load, verify
from tests.crash.ledger import head
from tests.crash.notebook import Load
from tests.crash.writers import write
from tests.serving.place import Place
from tests.serving.process import Server, running

KILLS = int(os.environ.get("STANCHION_CRASH_KILLS", "20"))
SECONDS = float(os.environ.get("CRASH_SECONDS", "5"))


@pytest.mark.slow
def test_undisturbed_writers_find_one_change_for_each_answer(place: Place) -> None:
    many = 100 * SECONDS
    with running(place) as server:
        calm = write(
            place,
            server.port,
            name="calm",
            seconds=SECONDS,
            enough=lambda notes: notes.acknowledged > many,
        )
        load = asyncio.run(calm)
        assert server.stop() == 0

    assert load.refused.keys() <= {412}
    assert load.unanswered == []
    assert len(load.acknowledged) > many
    assert {each.written.kind for each in load.acknowledged} == {"decide", "create", "update", "delete"}
    assert faults([load], place.url) == []
    verify(place)


@pytest.mark.slow
@pytest.mark.timeout(120 + 60 * KILLS)
@pytest.mark.parametrize("kill", [kill_main, kill_worker, kill_group])
def test_a_kill_under_load_loses_nothing_that_was_acknowledged(
    place: Place, kill: Callable[[Server], None], record_property: Callable[[str, object], None]
) -> None:
    loads = killed_again_and_again(place, kill, times=KILLS)

    acknowledged = sum(len(load.acknowledged) for load in loads)
    figures = f"{len(loads)} kills, {acknowledged} acknowledged writes checked"
    record_property("figures", figures)
    unanswered = sum(len(load.unanswered) for load in loads)
    print(f"{kill.__name__}: {figures}, {unanswered} unanswered")  # noqa: T201 (figures are for people)
    assert len(loads) == KILLS
    assert acknowledged > KILLS


def killed_again_and_again(place: Place, kill: Callable[[Server], None], *, times: int) -> list[Load]:
    """Kill a server, start it where it did not start again, and look whether all is true, so many times."""
    loads: list[Load] = []
    with ExitStack() as servers:
        server = servers.enter_context(running(place))
        with server.client(place.token) as client:
            replica = replicate(client)
        for number in range(times):
            since = head(place.url)
            loads.append(killed_under_load(server, place, kill, name=f"kill{number}"))
            assert faults(loads[-1:], place.url, since=since) == []
            # A worker that dies again within seconds ends the main process too.
            if server.process.poll() is not None:
                server = servers.enter_context(running(place))
            server.wait_until_ready()
            with server.client(place.token) as client:
                assert astray(replica, client) == []
                assert wrong_etags(client, place.url, since=since) == []
        assert server.stop() == 0
    assert faults(loads, place.url) == []
    verify(place)
    return loads


def test_a_killed_group_loses_nothing_that_was_acknowledged(place: Place) -> None:
    with running(place) as server:
        load = killed_under_load(server, place, kill_group, name="once", acknowledged=100)

    assert load.acknowledged
    assert faults([load], place.url) == []
    verify(place)
