"""Bombs: what is small on the wire and large to read is refused or read in time, and keeps nobody waiting."""

import gzip
import json
import zlib
from collections.abc import Iterator

import httpx
import pytest
import zstandard

from tests.security.wire.behaved import behaving
from tests.security.wire.raw import CONTROL, DECISION, cpu_seconds, resident_kibibytes
from tests.serving.place import Place
from tests.serving.process import Server, running

pytestmark = pytest.mark.sqlite("is about the socket, before anything is stored")

_MEBIBYTE = 1024 * 1024
_LARGEST = 4 * _MEBIBYTE
# A body of 4 MiB takes a second of a quiet machine; far from what grows with the square of it.
_MOST_CPU_SECONDS = 10.0
_MOST_KIBIBYTES = 160 * 1024
_VENDOR = '"vendorInformation":{"provider":"SecureScore","vendor":"Microsoft"}'
BATCH = ("POST", "/v1.0/$batch")
WRITES = [("PATCH", CONTROL.decode()), ("POST", "/v1.0/security/secureScores"), BATCH]


@pytest.fixture(scope="module")
def patient(shared_place: Place) -> Iterator[Server]:
    """A server with the time limits that everybody has."""
    with running(shared_place) as server:
        yield server


def bomb() -> bytes:
    return b" " * (64 * _MEBIBYTE)


PACKED = {
    "gzip": gzip.compress(bomb()),
    "x-gzip": gzip.compress(bomb()),
    "deflate": zlib.compress(bomb()),
    "zstd": zstandard.compress(bomb()),
    "br": b"\x1b\xff\xff\x3f\x00\x00\x24\xf2\xe2\x07\x00",
    "compress": b"\x1f\x9d\x90",
    "gzip, gzip": gzip.compress(gzip.compress(bomb())),
    "identity, gzip": gzip.compress(bomb()),
}


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("asked", WRITES)
def test_a_packed_body_is_refused_unread(
    patient: Server, shared_place: Place, encoding: str, asked: tuple[str, str]
) -> None:
    answer = ask(patient, shared_place, asked, PACKED[encoding], encoding=encoding)

    assert answer.status_code == 415
    assert answer.json()["error"]["target"] == "Content-Encoding"


def filled(item: str, *, before: str = '{"a":[', after: str = "]}") -> bytes:
    """Return an almost largest body of a part again and again."""
    room = _LARGEST - len(before) - len(after) - len(item) - 16
    return (before + ",".join([item] * (room // (len(item) + 1))) + after).encode()


def names(pattern: str, number: int) -> bytes:
    return ("{" + ",".join(f'"{pattern.format(place)}":1' for place in range(number)) + "}").encode()


JSON_BOMBS = {
    "arrays in arrays": b"[" * _LARGEST,
    "arrays in arrays that end": b"[" * (_LARGEST // 2) + b"]" * (_LARGEST // 2),
    "objects in objects": b'{"a":' * (_LARGEST // 5),
    "objects in objects that end": b'{"a":' * 600_000 + b"1" + b"}" * 600_000,
    "65 levels": b'{"comment":' + b"[" * 65 + b"]" * 65 + b"}",
    "a number of 100,000 digits": b'{"comment":' + b"9" * 100_000 + b"}",
    "a fraction of 100,000 digits": b'{"comment":0.' + b"9" * 100_000 + b"}",
    "an exponent of 100,000 digits": b'{"comment":1e' + b"9" * 100_000 + b"}",
    "a number of millions of digits": b'{"comment":' + b"9" * (_LARGEST - 100) + b"}",
    "a huge exponent": b'{"comment":1e999999999}',
    "many numbers of 4,000 digits": filled("9" * 4000),
    "300,000 names": names("name{}", 300_000),
    "300,000 names alike": names("nameeeee{:06}", 200_000),
    "the same name 400,000 times": filled('"comment":1', before="{", after="}"),
    "the same name in two spellings": b'{"comment":"a","c\\u006fmment":"b"}',
    "empty objects": filled("{}"),
    "empty arrays": filled("[]"),
    "nulls": filled("null"),
    "empty texts": filled('""'),
    "escapes": b'{"comment":"' + b"\\u0041" * 600_000 + b'"}',
    "half surrogates": b'{"comment":"' + b"\\ud800" * 600_000 + b'"}',
    "a text without end": b'{"comment":"' + b"a" * (_LARGEST - 100),
    "backslashes without end": b'{"comment":"' + b"\\" * (_LARGEST - 101),
    "blanks": b" " * _LARGEST,
    "blanks and a decision": b" " * (_LARGEST - len(DECISION) - 10) + DECISION[:-1],
    "NULs": b"\0" * _LARGEST,
    "bytes that are no text": b"\xff" * _LARGEST,
    "a decision with a large comment of another type": f'{{{_VENDOR},"comment":{["x"] * 400_000}}}'.replace(
        "'", '"'
    ).encode(),
}


@pytest.mark.slow
@pytest.mark.parametrize("body", JSON_BOMBS.values(), ids=JSON_BOMBS)
@pytest.mark.parametrize("asked", WRITES)
def test_a_json_bomb_is_refused_in_time(
    patient: Server, shared_place: Place, body: bytes, asked: tuple[str, str]
) -> None:
    used = cpu_seconds(patient)
    with behaving(patient) as behaved:
        answer = ask(patient, shared_place, asked, body)

    assert answer.status_code in {400, 413}
    assert len(answer.content) < 2000
    assert cpu_seconds(patient) - used < _MOST_CPU_SECONDS
    assert behaved.failures == []


def batch(requests: list[dict[str, object]]) -> bytes:
    return json.dumps({"requests": requests}).encode()


def item(id: str, **more: object) -> dict[str, object]:
    return {"id": id, "method": "GET", "url": "/security/secureScores?$top=1", **more}


BATCH_BOMBS = {
    "21 requests": batch([item(str(number)) for number in range(21)]),
    "40,000 requests": batch([item(str(number)) for number in range(40_000)]),
    "requests that wait in a circle": batch([item("a", dependsOn=["b"]), item("b", dependsOn=["a"])]),
    "a request that waits for itself": batch([item("a", dependsOn=["a"])]),
    "a request that waits 100,000 times": batch([item("a"), item("b", dependsOn=["a"] * 100_000)]),
    "the same id again": batch([item("a")] * 20),
    "100,000 headers": batch([item("a", headers={f"x-{number}": "y" for number in range(100_000)})]),
    "ids of a mebibyte": batch([item("a" * _MEBIBYTE)]),
    "urls of a mebibyte": batch([item("a", url="/" + "a" * _MEBIBYTE)]),
    "no list": b'{"requests":' + b"1" * 1000 + b"}",
}


@pytest.mark.parametrize("body", BATCH_BOMBS.values(), ids=BATCH_BOMBS)
def test_a_batch_bomb_is_refused_in_time(patient: Server, shared_place: Place, body: bytes) -> None:
    used = cpu_seconds(patient)
    answer = ask(patient, shared_place, BATCH, body)

    statuses = {answer.status_code}
    if answer.status_code == 200:
        statuses = {part["status"] for part in answer.json()["responses"]}
    assert statuses <= {200, 400, 413, 414}
    assert cpu_seconds(patient) - used < _MOST_CPU_SECONDS


@pytest.mark.slow
def test_a_batch_in_a_batch_is_refused_and_one_of_large_answers_is_bounded(
    patient: Server, shared_place: Place
) -> None:
    resident = resident_kibibytes(patient)
    inner = item("a", url="/$batch", method="POST", body={"requests": [item("b")]})
    lists = [item(str(number), url="/security/secureScoreControlProfiles?$top=999") for number in range(20)]
    nested = ask(patient, shared_place, BATCH, batch([inner]))
    for _ in range(20):
        large = ask(patient, shared_place, BATCH, batch(lists))

        assert large.status_code == 200
        assert len(large.content) < 33 * _MEBIBYTE

    assert nested.json()["responses"][0]["status"] == 400
    assert resident_kibibytes(patient) - resident < _MOST_KIBIBYTES


@pytest.mark.slow
def test_names_that_meet_in_a_table_cost_no_more_than_others(patient: Server, shared_place: Place) -> None:
    # Python hashes texts with a secret of the process, and numbers without one: by the remainder of 2^61-1.
    meeting = ",".join(f'"{number * (2**61 - 1)}":1' for number in range(100_000))
    other = ",".join(f'"{number * (2**61 + 1)}":1' for number in range(100_000))
    used = []
    for body in (meeting, other):
        before = cpu_seconds(patient)
        for _ in range(3):
            assert ask(patient, shared_place, WRITES[1], f"{{{body}}}".encode()).status_code == 400
        used.append(cpu_seconds(patient) - before)

    assert used[0] < 5 * used[1] + 0.5


def ask(
    server: Server, place: Place, asked: tuple[str, str], body: bytes, *, encoding: str = "identity"
) -> httpx.Response:
    with server.client(place.token) as client:
        typed = {"Content-Type": "application/json", "Content-Encoding": encoding}
        return client.request(*asked, content=body, headers=typed)
