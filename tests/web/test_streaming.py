"""Long lists, read while they are sent: what comes, what is read when, and what becomes of those who leave."""

import asyncio
import gzip
import json
import logging
import time
import zlib
from dataclasses import replace
from typing import TypeAlias

import pytest
import zstandard
from msgspec.structs import replace as replaced
from starlette.types import Message

from stanchion.app import build_server
from stanchion.errors import ServiceUnavailable
from stanchion.model.edm import SECURE_SCORES
from stanchion.odata.query import ListQuery
from stanchion.web import coders, reading
from stanchion.web.edge import Edge
from tests.conftest import ORIGIN, TENANT, Api, Statements, control, score
from tests.databases import AnyStore
from tests.store.commands import delete
from tests.store.tampering import tamper

pytestmark = pytest.mark.anyio

SCORES = "/v1.0/security/secureScores"
DAYS = [f"2026-{month:02}-{day:02}" for month in (1, 2) for day in range(1, 29)]
IN_DISORDER = "$orderby=licensedUserCount desc"
# The newest comes first.
LAST = f"{TENANT}_{DAYS[0]}"

Codings: TypeAlias = str | None


class Caller:
    """Asks a server and takes the answer, at most so many parts; what has a body waits while the gate is closed."""

    def __init__(
        self,
        api: Api,
        query: str,
        *,
        coding: Codings = None,
        method: str = "GET",
        version: str = "1.1",
        takes: int | None = None,
    ) -> None:
        headers = {"host": ORIGIN.removeprefix("http://"), "authorization": f"Bearer {api.token()}"}
        if coding is not None:
            headers["accept-encoding"] = coding
        self.scope = {
            "type": "http",
            "http_version": version,
            "method": method,
            "scheme": "http",
            "path": SCORES,
            "raw_path": SCORES.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 50_000),
        }
        self.server: Edge = build_server(api.store, api.settings)
        self.takes = takes
        self.taken: list[Message] = []
        self.gate, self.left, self.reached = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.gate.set()

    async def receive(self) -> Message:
        if not self.left.is_set():
            await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self.takes is not None and len(self.taken) > self.takes:
            await asyncio.sleep(3600)
        self.taken.append(message)
        if message["type"] == "http.response.body":
            self.reached.set()
            await self.gate.wait()

    async def ask(self) -> "Caller":
        await self.server(self.scope, self.receive, self.send)
        return self

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.taken[0]["headers"]}

    @property
    def raw(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.taken[1:])

    @property
    def body(self) -> bytes:
        match self.headers.get("content-encoding"):
            case "gzip":
                return gzip.decompress(self.raw)
            case "zstd":
                return zstandard.ZstdDecompressor().decompressobj().decompress(self.raw)
            case _:
                return self.raw

    @property
    def ended(self) -> bool:
        """Whether the answer has an end."""
        return not self.taken[-1].get("more_body", False)


@pytest.fixture
def filled(api: Api) -> Api:
    """A tenant with 56 scores of some 40 KB, 2.2 MB together."""
    prose = "".join(str(number * number) for number in range(6500))
    api.add(
        *(score(day, licensedUserCount=len(day) + number, note=prose) for number, day in enumerate(DAYS)),
        entity_set=SECURE_SCORES,
    )
    return api


@pytest.mark.parametrize(
    "query",
    [
        "",
        "$top=50&$count=true",
        "$select=id,note",
        IN_DISORDER,
        "$filter=currentScore gt 1",
        "$top=999&$skip=3",
    ],
)
async def test_a_list_in_pieces_has_the_bytes_of_the_list_as_a_whole(
    filled: Api, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    query = query.replace(" ", "%20")
    codings = (None, "gzip", "zstd")
    answers = [await Caller(filled, query, coding=coding).ask() for coding in codings]
    monkeypatch.setattr(reading, "PIECE_BYTES", 2**30)
    whole = await Caller(filled, query).ask()
    assert json.loads(whole.body)["value"]
    assert int(whole.headers["content-length"]) == len(whole.body)
    for coding, in_pieces in zip(codings, answers, strict=True):
        assert in_pieces.ended
        assert in_pieces.body == whole.body
        assert in_pieces.headers.get("content-encoding") == coding
        assert "content-length" not in in_pieces.headers
        for name in ("content-type", "cache-control", "odata-version", "vary"):
            assert in_pieces.headers[name] == whole.headers[name]


@pytest.mark.parametrize(("query", "coding"), [("", None), ("", "gzip"), ("", "zstd"), (IN_DISORDER, "gzip")])
async def test_the_first_bytes_come_before_the_last_row_is_read(
    filled: Api, query: str, coding: Codings
) -> None:
    caller = Caller(filled, query.replace(" ", "%20"), coding=coding)
    caller.gate.clear()
    asking = asyncio.create_task(caller.ask())
    await caller.reached.wait()
    assert len(caller.raw) > 0
    # Nothing more is read while nobody takes it: so the last row is not in the answer.
    filled.store.run(delete(LAST, SECURE_SCORES, tenant_id=TENANT))
    caller.gate.set()
    await asking
    ids = [row["id"] for row in json.loads(caller.body)["value"]]
    assert (len(ids), LAST in ids) == (len(DAYS) - 1, False)


async def test_of_what_nobody_takes_no_more_than_a_piece_is_read(filled: Api, statements: Statements) -> None:
    caller = Caller(filled, "")
    caller.gate.clear()
    asking = asyncio.create_task(caller.ask())
    await caller.reached.wait()
    ran = len(statements.ran)
    await asyncio.sleep(0.05)
    assert len(statements.ran) == ran
    caller.gate.set()
    await asking
    assert len(statements.ran) > ran


async def test_for_who_has_left_nothing_more_is_read(
    filled: Api, statements: Statements, caplog: pytest.LogCaptureFixture
) -> None:
    caller = Caller(filled, "")
    caller.gate.clear()
    asking = asyncio.create_task(caller.ask())
    await caller.reached.wait()
    ran = len(statements.ran)
    caller.left.set()
    # Turns of the loop, and not a time, which may pass while it stands still.
    for _ in range(100):
        await asyncio.sleep(0)
    caller.gate.set()
    with caplog.at_level(logging.INFO, "stanchion.request"):
        await asking
    assert len(statements.ran) == ran
    assert not caller.ended
    (line,) = [record for record in caplog.records if "secureScores" in record.getMessage()]
    assert line.__dict__["bytes"] == len(caller.raw)


async def test_the_log_tells_how_much_was_sent(filled: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "stanchion.request"):
        caller = await Caller(filled, "", coding="gzip").ask()
    (line,) = [record for record in caplog.records if "secureScores" in record.getMessage()]
    assert (line.__dict__["status"], line.__dict__["bytes"]) == (200, len(caller.raw))


async def test_of_an_answer_that_was_given_up_the_log_tells_how_much_was_taken(
    filled: Api, caplog: pytest.LogCaptureFixture
) -> None:
    impatient = replace(filled, settings=replaced(filled.settings, request_timeout_seconds=1))
    caller = Caller(impatient, "", takes=2)
    with caplog.at_level(logging.INFO, "stanchion.request"):
        await caller.ask()
    (line,) = [record for record in caplog.records if "secureScores" in record.getMessage()]
    assert not caller.ended
    assert line.__dict__["bytes"] == len(caller.raw) > 0


class Overloaded:
    """A store that refuses to read pieces so many times, each time that it is asked for another one."""

    def __init__(self, store: AnyStore, *, times: int) -> None:
        self._store = store
        self._times = times
        self._refused: dict[tuple[str, ...], int] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def piece(self, tenant_id: str, query: ListQuery, ids: tuple[str, ...]) -> bytes:
        """Refuse, or read."""
        refused = self._refused.get(ids, 0)
        if refused < self._times:
            self._refused[ids] = refused + 1
            raise ServiceUnavailable("Too many queries wait already; try again.")
        return await self._store.piece(tenant_id, query, ids)


def overloaded(api: Api, *, times: int, patience_seconds: int = 60) -> Api:
    store = Overloaded(api.store, times=times)
    settings = replaced(api.settings, request_timeout_seconds=patience_seconds)
    return replace(api, store=store, settings=settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("coding", [None, "gzip"])
async def test_a_database_that_is_away_for_a_moment_does_not_break_a_list_off(
    filled: Api, coding: Codings
) -> None:
    whole = await Caller(filled, "").ask()
    caller = await Caller(overloaded(filled, times=2), "", coding=coding).ask()
    assert caller.ended
    assert caller.body == whole.body


async def test_a_list_breaks_off_once_the_database_is_away_for_the_time_of_a_request(
    filled: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caller = Caller(overloaded(filled, times=1000, patience_seconds=1), "")
    began = time.monotonic()
    # It would be refused for far longer: that it ends at all shows that it was given up.
    await caller.ask()
    assert time.monotonic() - began > 0.5
    assert (caller.taken[0]["status"], caller.ended) == (200, False)
    broken = "An answer broke off: Too many queries wait already; try again."
    assert broken in [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("coding", [None, "gzip"])
async def test_who_speaks_http_1_0_has_a_list_with_its_length(filled: Api, coding: Codings) -> None:
    in_parts = await Caller(filled, "").ask()
    caller = await Caller(filled, "", coding=coding, version="1.0").ask()
    assert int(caller.headers["content-length"]) == len(caller.raw)
    assert caller.headers.get("content-encoding") == coding
    assert caller.body == in_parts.body


async def test_who_speaks_http_1_0_is_told_of_a_list_that_cannot_be_read(filled: Api) -> None:
    caller = await Caller(overloaded(filled, times=1000, patience_seconds=1), "", version="1.0").ask()
    assert (caller.taken[0]["status"], caller.ended) == (503, True)
    assert json.loads(caller.body)["error"]["code"] == "ServiceUnavailable"


async def test_an_answer_that_fails_on_the_way_has_no_end(
    filled: Api, caplog: pytest.LogCaptureFixture
) -> None:
    tamper(filled.database, "UPDATE secure_scores SET body = $1 WHERE id = $2", values=("[", LAST))
    with caplog.at_level(logging.INFO, "stanchion.request"):
        caller = await Caller(filled, "$select=id,note").ask()
    assert caller.taken[0]["status"] == 200
    assert not caller.ended
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(caller.body)
    assert any(record.getMessage().startswith("An answer broke off: ") for record in caplog.records)


async def test_a_head_reads_no_more_than_tells_the_headers(filled: Api, statements: Statements) -> None:
    got = await Caller(filled, "").ask()
    ran = len(statements.ran)
    head = await Caller(filled, "", method="HEAD").ask()
    first = [row for row in statements.ran[ran:] if "json_each" in row or "ANY (" in row]
    assert (head.raw, head.ended) == (b"", True)
    assert "content-length" not in head.headers
    assert head.headers["content-type"] == got.headers["content-type"]
    assert first == []


async def test_within_a_batch_a_long_list_comes_as_a_whole(filled: Api) -> None:
    item = {"id": "1", "method": "GET", "url": "/security/secureScores"}
    reply = await filled.send("POST", "/v1.0/$batch", json={"requests": [item]})
    (answer,) = reply.json()["responses"]
    assert [row["id"] for row in answer["body"]["value"]] == [f"{TENANT}_{day}" for day in reversed(DAYS)]


@pytest.fixture
def without_isal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine for which there is no ISA-L."""
    monkeypatch.setattr(coders, "_deflate", lambda: zlib)


@pytest.mark.usefixtures("without_isal")
async def test_where_there_is_no_isal_zlib_makes_gzip(filled: Api) -> None:
    caller = await Caller(filled, "", coding="gzip").ask()
    assert caller.headers["content-encoding"] == "gzip"
    assert len(json.loads(caller.body)["value"]) == len(DAYS)


async def test_a_short_list_comes_with_its_length(api: Api) -> None:
    api.add(control("a"), control("b"))
    reply = await api.send("GET", "/v1.0/security/secureScoreControlProfiles")
    assert int(reply.headers["content-length"]) == len(reply.content)


async def test_of_a_head_within_a_batch_no_more_is_read_than_tells_the_headers(
    filled: Api, statements: Statements
) -> None:
    item = {"id": "1", "method": "HEAD", "url": "/security/secureScores"}
    ran = len(statements.ran)
    reply = await filled.send("POST", "/v1.0/$batch", json={"requests": [item]})
    (answer,) = reply.json()["responses"]
    assert (answer["status"], answer.get("body")) == (200, None)
    assert [sql for sql in statements.ran[ran:] if "json_each" in sql or "ANY (" in sql] == []
