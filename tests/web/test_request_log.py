"""How the lines of requests are written: together, in order with all others, and the same either way."""

import asyncio
import io
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context

import msgspec
import pytest

from stanchion import logs
from stanchion.logs import HumanFormatter, JsonFormatter, LineHandler, flush_logs, line_handler
from stanchion.web import request_log
from tests.conftest import Api

pytestmark = pytest.mark.anyio

LIST = "/v1.0/security/secureScores"


ROOT = logging.getLogger()


@contextmanager
def alone(form: JsonFormatter | HumanFormatter, *, level: int = logging.INFO) -> Iterator[LineHandler]:
    """Let our handler alone listen, as in a server's process."""
    handler = LineHandler(form)
    handler.setStream(io.StringIO())
    # What the tests themselves make be said.
    others = [logging.getLogger(name) for name in ("httpx", "stanchion.sql")]
    handlers, root_level = ROOT.handlers[:], ROOT.level
    ROOT.handlers[:] = [handler]
    ROOT.setLevel(level)
    for other in others:
        other.propagate = False
    try:
        yield handler
    finally:
        ROOT.handlers[:] = handlers
        ROOT.setLevel(root_level)
        for other in others:
            other.propagate = True


def written(handler: LineHandler) -> list[str]:
    stream = handler.stream
    assert isinstance(stream, io.StringIO)
    return stream.getvalue().splitlines()


async def test_lines_of_requests_wait_a_moment_and_are_written_by_themselves(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first one opens connections, for which no line waits.
    await api.send("GET", LIST)
    loop = asyncio.get_running_loop()
    call_later = loop.call_later
    to_write: list[Callable[[], None]] = []
    with alone(JsonFormatter()) as handler:

        def call_when_told(
            seconds: float, callback: Callable[..., object], *args: object, context: Context | None = None
        ) -> asyncio.TimerHandle:
            if callback != handler.flush:
                return call_later(seconds, callback, *args, context=context)
            assert (seconds, args) == (logs.WAIT_SECONDS, ())
            to_write.append(handler.flush)
            return asyncio.TimerHandle(loop.time() + seconds, callback, args, loop)

        # The moment ends when the test says so, however long the requests take.
        monkeypatch.setattr(loop, "call_later", call_when_told)
        await api.send("GET", LIST)
        await api.send("GET", LIST)
        assert written(handler) == []
        (write,) = to_write
        write()
        assert len(written(handler)) == 2
        await api.send("GET", LIST)
        assert len(written(handler)) == 2
        _, write = to_write
        write()
        assert len(written(handler)) == 3


async def test_what_waits_is_written_before_any_other_line(api: Api) -> None:
    with alone(HumanFormatter()) as handler:
        await api.send("GET", LIST)
        logging.getLogger("stanchion.other").info("in between")
        await api.send("GET", "/v1.0")
        await api.client.get(LIST)
        first, other, second, refused = written(handler)
    assert f"GET {LIST} 200" in first
    assert "in between" in other
    assert "GET /v1.0 200" in second
    assert f"GET {LIST} 401" in refused


async def test_a_stop_writes_what_waits(api: Api) -> None:
    with alone(JsonFormatter()) as handler:
        await api.send("GET", LIST)
        flush_logs()
        assert len(written(handler)) == 1


@pytest.mark.parametrize("form", [JsonFormatter(), HumanFormatter()])
async def test_a_line_is_the_same_whether_others_listen_or_not(
    api: Api, form: JsonFormatter | HumanFormatter
) -> None:
    async def said(handler: LineHandler) -> list[object]:
        handler.setStream(io.StringIO())
        await api.send("GET", f"{LIST}/a%0Ab", headers={"client-request-id": "mine"})
        await api.client.get("/healthz")
        flush_logs()
        return [shape(line) for line in written(handler)]

    with alone(form) as handler:
        assert line_handler(request_log.logger) is handler
        direct = await said(handler)
        ROOT.addHandler(logging.NullHandler())
        assert line_handler(request_log.logger) is None
        assert await said(handler) == direct
    assert len(direct) == 2


async def test_a_level_above_info_leaves_out_requests_but_for_warnings(api: Api) -> None:
    with alone(HumanFormatter(), level=logging.WARNING) as handler:
        await api.send("GET", LIST)
        await api.client.get(LIST)
        flush_logs()
        (only,) = written(handler)
    assert " 401" in only


async def test_a_log_that_nobody_reads_any_more_stops_nothing(api: Api) -> None:
    with alone(JsonFormatter()) as handler:
        handler.stream.close()
        assert (await api.send("GET", LIST)).status_code == 200
        flush_logs()


def shape(line: str) -> object:
    """Return a line without what differs from request to request, names and their order kept."""
    if line.startswith("{"):
        fields = msgspec.json.decode(line, type=dict[str, object])
        return [
            (name, type(value) if name in {"time", "request_id", "duration_ms"} else value)
            for name, value in fields.items()
        ]
    return re.sub(r"(^\S+|request_id=\S+|duration_ms=\S+)", "", line)
