"""A list of 10 MB on the wire, read while it is sent, with a server as a process of its own."""

import gzip
import json
import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse, IncompleteRead

import pytest
import zstandard

from stanchion.ledger.imports import Incoming
from stanchion.model.edm import SECURE_SCORES
from stanchion.model.json_text import JsonObject
from tests.serving.place import TENANT, Place, bringing_in, score
from tests.serving.process import PATIENCE_SECONDS, Server, running
from tests.store.commands import delete
from tests.store.tampering import tamper

pytestmark = pytest.mark.slow

# More than the buffers between a server and a client hold.
DAYS, BYTES_EACH = 48, 200_000
# The set's own order is the newest first; these are newer than what is there.
IDS = [f"streamed-{day:02}" for day in reversed(range(DAYS))]
PATH = f"/v1.0/security/secureScores?$top={DAYS}"


@pytest.fixture(scope="module")
def filled(shared_place: Place) -> Place:
    """A store with scores that are hard to pack."""
    chance = random.Random(7)
    fill(shared_place, [streamed(day, chance.randbytes(BYTES_EACH // 2).hex()) for day in range(DAYS)])
    return shared_place


@pytest.fixture(scope="module")
def streaming(filled: Place) -> Iterator[Server]:
    with running(filled) as server:
        yield server


def streamed(day: int, note: str) -> JsonObject:
    created = f"2026-{2 + day // 28:02}-{1 + day % 28:02}T00:00:00Z"
    return {**score(1), "id": f"streamed-{day:02}", "createdDateTime": created, "note": note}


def fill(place: Place, scores: list[JsonObject]) -> None:
    with place.opened() as store:
        store.run(bringing_in(*(Incoming.of(SECURE_SCORES, each) for each in scores)))


@contextmanager
def asked(
    server: Server, place: Place, path: str = PATH, *, coding: str = "identity"
) -> Iterator[HTTPResponse]:
    """Ask by a connection that holds little, and read no more than the head of the answer."""
    connection = HTTPConnection("localhost", server.port, timeout=PATIENCE_SECONDS)
    connection.sock = socket.socket()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    connection.sock.settimeout(PATIENCE_SECONDS)
    connection.sock.connect(("127.0.0.1", server.port))
    headers = {"Authorization": f"Bearer {place.token}", "Accept-Encoding": coding}
    connection.request("GET", path, headers=headers)
    try:
        with connection.getresponse() as response:
            yield response
    finally:
        connection.close()


def ids_of(body: bytes) -> list[str]:
    return [row["id"] for row in json.loads(body)["value"]]


@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd"])
def test_a_long_list_comes_in_chunks_and_whole(filled: Place, streaming: Server, coding: str) -> None:
    with asked(streaming, filled, coding=coding) as response:
        raw = response.read()
    assert response.getheader("transfer-encoding") == "chunked"
    assert response.getheader("content-length") is None
    assert response.getheader("content-encoding", "identity") == coding
    assert ids_of(unpacked(raw, coding)) == IDS


def unpacked(raw: bytes, coding: str) -> bytes:
    match coding:
        case "gzip":
            return gzip.decompress(raw)
        case "zstd":
            return zstandard.ZstdDecompressor().decompressobj().decompress(raw)
        case _:
            return raw


def test_it_comes_over_http2_too(filled: Place, streaming: Server) -> None:
    with streaming.client(filled.token, http2=True) as client:
        reply = client.get(PATH)
    assert (reply.http_version, "content-length" in reply.headers) == ("HTTP/2", False)
    assert ids_of(reply.content) == IDS


def test_who_speaks_http_1_0_can_tell_its_end_by_its_length(filled: Place, streaming: Server) -> None:
    head = f"Host: localhost:{streaming.port}\r\nAuthorization: Bearer {filled.token}"
    with socket.create_connection(("127.0.0.1", streaming.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(f"GET {PATH} HTTP/1.0\r\n{head}\r\n\r\n".encode())
        with HTTPResponse(connection) as response:
            response.begin()
            raw = response.read()
    assert response.status == 200
    assert response.getheader("transfer-encoding") is None
    assert response.getheader("content-length") == str(len(raw))
    assert ids_of(raw) == IDS


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_the_first_bytes_are_here_before_the_last_row_is_read(
    filled: Place, streaming: Server, coding: str
) -> None:
    chance = random.Random(8)
    try:
        with asked(streaming, filled, coding=coding) as response:
            raw = response.read(1000)
            with filled.opened() as store:
                store.run(delete(IDS[-1], SECURE_SCORES, tenant_id=TENANT))
            raw += response.read()
    finally:
        fill(filled, [streamed(0, chance.randbytes(BYTES_EACH // 2).hex())])
    assert ids_of(unpacked(raw, coding)) == IDS[:-1]


def test_of_an_answer_that_breaks_off_the_end_is_missing(place: Place) -> None:
    fill(place, [streamed(day, "x" * 40_000) for day in range(DAYS)])
    tamper(place.at, "UPDATE secure_scores SET body = $1 WHERE id = $2", values=("[", IDS[-1]))
    with running(place) as server:
        with (
            asked(server, place, f"{PATH}&$select=id,note") as response,
            pytest.raises(IncompleteRead) as broken,
        ):
            response.read()
        assert response.status == 200
        assert broken.value.partial.startswith(b'{"@odata.context":')
        with pytest.raises(ValueError, match="Expecting"):
            json.loads(broken.value.partial)
        assert "An answer broke off: " in server.log


def test_for_who_leaves_early_the_rest_is_not_read(filled: Place, streaming: Server) -> None:
    before = len(lines(streaming))
    with asked(streaming, filled) as response:
        assert response.read(1000)
    end = time.monotonic() + PATIENCE_SECONDS
    while len(lines(streaming)) == before and time.monotonic() < end:
        time.sleep(0.01)
    sent = [line["bytes"] for line in lines(streaming)[before:]]
    assert len(sent) == 1
    assert sent[0] < DAYS * BYTES_EACH


def lines(server: Server) -> list[dict[str, int]]:
    """Return what the log has about lists of scores."""
    return [
        json.loads(line) for line in server.log.splitlines() if "GET /v1.0/security/secureScores " in line
    ]
