"""The processes of `serve`: they live and end together, and what they acknowledged is true."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.serving.place import TENANT, Place, control_id
from tests.serving.process import (
    PATIENCE_SECONDS,
    READY_SECONDS,
    STANCHION,
    Server,
    running,
    started,
)

CONTROL = f"/v1.0/security/secureScoreControlProfiles/{control_id(0)}"
# Granian kills a worker that does not stop within the time of a request and 10 seconds more: later than is waited.
UNKILLED = {"STANCHION_REQUEST_TIMEOUT_SECONDS": "300"}

# Ends the server just after its application has started, while nothing runs the worker's event loop.
STOPPED_WHILE_NOTHING_RUNS = (
    STANCHION[0],
    "-c",
    """
import os, signal, time
from granian.server import mp

def make(*arguments, worker=mp.ASGIWorker):
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(1)
    return worker(*arguments)

mp.ASGIWorker = make
"""
    + STANCHION[2],
)


def test_a_killed_main_process_takes_its_worker_along_and_the_next_server_starts_at_once(
    place: Place,
) -> None:
    with running(place) as first:
        worker = first.worker()
        first.process.kill()
        first.process.wait()
        with running(place, port=first.port) as second:
            assert not alive(worker)
            assert second.process.pid != first.process.pid
            assert comment_on(second, place, "after the kill") == 204


def test_a_killed_worker_is_replaced_and_serves_what_it_acknowledged(server: Server, place: Place) -> None:
    assert comment_on(server, place, "before the kill") == 204
    worker = server.worker()
    os.kill(worker, signal.SIGKILL)
    until(lambda: not alive(worker))
    server.wait_until_ready()

    with server.client(place.token) as client:
        assert client.get(CONTROL).json()["controlStateUpdates"][0]["comment"] == "before the kill"
    assert comment_on(server, place, "after the kill") == 204
    assert server.worker() != worker


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_ends_it_with_status_0_and_leaves_nothing_behind(
    place: Place, number: signal.Signals
) -> None:
    with running(place) as server:
        worker = server.worker()

        assert server.stop(number) == 0
        assert not alive(worker)
        # The write-ahead log was folded into the database, so that copying one file is enough.
        assert not (place.folder / "stanchion.db-wal").exists()
        assert "Traceback" not in server.log


def test_a_stop_signal_to_the_whole_group_is_a_clean_stop_too(place: Place) -> None:
    with running(place, environment=UNKILLED) as server:
        os.killpg(server.process.pid, signal.SIGTERM)

        assert server.process.wait(timeout=PATIENCE_SECONDS) == 0


def test_a_stop_signal_while_the_worker_starts_is_not_lost(place: Place) -> None:
    with started(place, environment=UNKILLED) as server:
        until(lambda: bool(server.children()))
        server.process.terminate()

        assert server.process.wait(timeout=PATIENCE_SECONDS) == 0


def test_a_stop_signal_between_the_start_of_the_application_and_that_of_the_server_is_not_lost(
    place: Place,
) -> None:
    with started(place, program=STOPPED_WHILE_NOTHING_RUNS, environment=UNKILLED) as server:
        assert server.process.wait(timeout=READY_SECONDS + PATIENCE_SECONDS) == 0


def test_a_stop_signal_answers_the_writes_under_way(place: Place) -> None:
    acknowledged: list[str] = []
    refused: list[str] = []
    with running(place) as server:
        writers = [
            threading.Thread(
                target=write_until_refused,
                args=(server, place, name),
                kwargs={"acknowledged": acknowledged, "refused": refused},
            )
            for name in "abcdefghij"
        ]
        for writer in writers:
            writer.start()
        until(lambda: len(acknowledged) > 50)
        status = server.stop()
        for writer in writers:
            writer.join()

    assert status == 0
    assert set(refused) <= {"ConnectError", "ReadError", "RemoteProtocolError", "503"}, refused
    with place.opened() as store, store.snapshot(TENANT) as moment:
        comments = [str(each.value["comment"]) for each in moment.history(control_id(0))]
    assert len(comments) == len(set(comments))
    assert set(acknowledged) <= set(comments)
    # Each writer has at most one request that it does not know the end of.
    assert len(comments) - len(acknowledged) <= len(writers)


def write_until_refused(
    server: Server, place: Place, name: str, *, acknowledged: list[str], refused: list[str]
) -> None:
    with server.client(place.token) as client:
        for number in range(10_000):
            comment = f"{name}-{number}"
            try:
                answer = client.patch(CONTROL, json=body(comment))
            except httpx.TransportError as error:
                refused.append(type(error).__name__)
                return
            if answer.status_code != 204:
                refused.append(str(answer.status_code))
                return
            acknowledged.append(comment)


def comment_on(server: Server, place: Place, comment: str) -> int:
    with server.client(place.token) as client:
        return client.patch(CONTROL, json=body(comment)).status_code


def body(comment: str) -> dict[str, object]:
    return {"comment": comment, "vendorInformation": {"provider": "SecureScore", "vendor": "Microsoft"}}


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def alive(pid: int) -> bool:
    """Say whether a process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
