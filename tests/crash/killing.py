"""Killing a server under load: what is killed, and what must be true afterwards."""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.crash.notebook import Load, Notebook
from tests.crash.writers import until_acknowledged, write
from tests.serving.place import TENANT, Place
from tests.serving.process import Server, stanchion

CHEATING = (sys.executable, str(Path(__file__).with_name("cheating.py")))
_DEAD_SECONDS = 60.0
_WRITING_SECONDS = 180.0
_VERIFY_SECONDS = 300.0


def kill_main(server: Server) -> None:
    """Kill the main process alone; the worker has to die with it."""
    server.process.kill()


def kill_worker(server: Server) -> None:
    """Kill the worker alone; the main process has to replace it or to end."""
    # It may have died by itself the moment before.
    with suppress(ProcessLookupError):
        os.kill(server.worker(), signal.SIGKILL)


def kill_group(server: Server) -> None:
    """Kill all at once."""
    os.killpg(server.process.pid, signal.SIGKILL)


def killed_under_load(
    server: Server,
    place: Place,
    kill: Callable[[Server], None],
    *,
    name: str,
    acknowledged: int = 0,
) -> Load:
    """Let writers write and kill the server among them; return when what was killed is dead or replaced.

    The moment is a random one of the first second, but not before so many writes were acknowledged.
    """
    worker = server.worker()

    async def soon(notes: Notebook) -> None:
        await asyncio.sleep(random.uniform(0.02, 0.9))
        await until_acknowledged(notes, acknowledged)
        kill(server)

    load = asyncio.run(write(place, server.port, name=name, seconds=_WRITING_SECONDS, meanwhile=soon))
    assert load.seconds < _WRITING_SECONDS - 1, "The writers were not interrupted."
    end = time.monotonic() + _DEAD_SECONDS
    while Path(f"/proc/{worker}").exists() or not (server.process.poll() is not None or server.ready()):
        assert time.monotonic() < end, server.log
        time.sleep(0.01)
    return load


def verify(place: Place) -> None:
    """Let another process walk the chain."""
    where = ("--tenant", TENANT, *place.options)
    ran = stanchion("verify", *where, folder=place.folder, timeout_seconds=_VERIFY_SECONDS)
    assert ran.returncode == 0, ran.stderr
