"""Killing the server with signal 9 under load: every 204 is true afterwards, and nothing is there by halves.

CRASH_KILLS and CRASH_SECONDS make the runs longer than the quick checks need.
"""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.crash.judgement import faults
from tests.crash.writers import Load, write
from tests.serving.place import TENANT, Place
from tests.serving.process import Server, running, stanchion

KILLS = int(os.environ.get("CRASH_KILLS", "20"))
SECONDS = float(os.environ.get("CRASH_SECONDS", "10"))
_DEAD_SECONDS = 10.0
CHEATING = (sys.executable, str(Path(__file__).with_name("cheating.py")))


def kill_main(server: Server) -> None:
    server.process.kill()


def kill_worker(server: Server) -> None:
    os.kill(server.worker(), signal.SIGKILL)


def kill_group(server: Server) -> None:
    os.killpg(server.process.pid, signal.SIGKILL)


KILLERS = (kill_main, kill_worker, kill_group)


@pytest.mark.slow
def test_undisturbed_writers_find_one_change_for_each_204(place: Place) -> None:
    with running(place) as server:
        load = asyncio.run(write(place, server.port, name="calm", seconds=SECONDS))
        assert server.stop() == 0

    assert load.refused == {}
    assert load.unanswered == []
    assert len(load.acknowledged) > 100 * SECONDS
    assert faults([load], place.database) == []
    verify(place)


@pytest.mark.slow
@pytest.mark.timeout(60 + 15 * KILLS)
@pytest.mark.parametrize(
    ("kill", "times"), [(kill, (KILLS + index) // 3) for index, kill in enumerate(KILLERS)]
)
def test_a_kill_under_load_loses_nothing_that_was_acknowledged(
    place: Place, kill: Callable[[Server], None], times: int
) -> None:
    loads: list[Load] = []
    with ExitStack() as servers:
        server = servers.enter_context(running(place))
        for number in range(times):
            loads.append(killed_under_load(server, place, kill, name=f"kill{number}"))
            # A worker that dies again within seconds ends the main process too.
            if server.process.poll() is not None:
                server = servers.enter_context(running(place))
            assert faults(loads, place.database) == []
        server.wait_until_ready()
        assert server.stop() == 0

    assert all(load.acknowledged for load in loads)
    verify(place)


def test_a_killed_group_loses_nothing_that_was_acknowledged(place: Place) -> None:
    with running(place) as server:
        load = killed_under_load(server, place, kill_group, name="once", seconds=0.5)

    assert load.acknowledged
    assert faults([load], place.database) == []
    verify(place)


@pytest.mark.slow
def test_a_build_that_answers_before_commit_is_found_out(place: Place) -> None:
    with running(place, program=(*CHEATING, "early")) as server:
        load = killed_under_load(server, place, kill_group, name="early")

    assert any(fault.startswith("acknowledged and lost") for fault in faults([load], place.database))


def killed_under_load(
    server: Server, place: Place, kill: Callable[[Server], None], *, name: str, seconds: float | None = None
) -> Load:
    """Let writers write and kill the server among them; return when what was killed is dead or replaced."""
    worker = server.worker()

    async def soon() -> None:
        await asyncio.sleep(seconds or random.uniform(0.8, 1.4))
        kill(server)

    load = asyncio.run(write(place, server.port, name=name, seconds=30, meanwhile=soon()))
    assert load.seconds < 29, "The writers were not interrupted."
    end = time.monotonic() + _DEAD_SECONDS
    while Path(f"/proc/{worker}").exists() or not (server.process.poll() is not None or server.ready()):
        assert time.monotonic() < end, server.log
        time.sleep(0.01)
    return load


def verify(place: Place) -> None:
    """Let another process walk the chain."""
    ran = stanchion("verify", "--tenant", TENANT, "--database", place.url, folder=place.folder)
    assert ran.returncode == 0, ran.stderr
