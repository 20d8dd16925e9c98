"""Reading twice as much of a path, a query or a batch takes little more than twice the steps."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from itertools import islice, product

import pytest

from stanchion.access.origin import Origins
from stanchion.errors import StanchionError
from stanchion.model.edm import CONTROL_PROFILES
from stanchion.model.json_text import dump_json
from stanchion.odata.batch import MAX_HEADERS, parse_batch, target_of
from stanchion.odata.options import parse_options
from stanchion.odata.url import parse_path
from tests.odata.steps import steps

CONTROLS = b"/v1.0/security/secureScoreControlProfiles"
_BATCH = b'{"requests":['
_ITEM = b'{"id":"%d","method":"GET","url":"/security/secureScores"}'


def path(text: bytes) -> None:
    parse_path(text)


def query(text: bytes) -> None:
    # Not what was read before and is remembered.
    parse_options.__wrapped__(text, CONTROL_PROFILES, root="v1.0")


def batch(text: bytes) -> None:
    parse_batch(text)


def content(text: bytes) -> None:
    for item in parse_batch(text):
        item.content()


def target(text: bytes) -> None:
    target_of(text.decode(), root="v1.0", is_own=Origins().includes, max_bytes=len(text) * 6)


REPEATED = {
    "segments": (path, CONTROLS, b"/a", b""),
    "slashes": (path, CONTROLS, b"/", b"a"),
    "encoded octets": (path, CONTROLS + b"/", b"%41", b""),
    "quotes in a key": (path, CONTROLS + b"('", b"''", b"')"),
    "quotes that do not pair": (path, CONTROLS + b"('", b"'", b")"),
    "parentheses": (path, CONTROLS, b"()", b""),
    "pairs without a meaning": (query, b"$top=1", b"&a=b", b""),
    "ampersands": (query, b"", b"&", b""),
    "names selected": (query, b"$select=id", b",title", b""),
    "parts selected": (query, b"$select=complianceInformation(", b"name,", b"name)"),
    "nested selects": (query, b"$select=a", b"($select=a", b""),
    "keys of an order": (query, b"$orderby=title", b",rank desc", b""),
    "a path of an order": (query, b"$orderby=vendorInformation", b"/vendor", b""),
    "digits": (query, b"$top=", b"9", b""),
    "aliases": (query, b"$filter=rank eq @a", b"&@a=1", b""),
    "dependencies": (
        batch,
        _BATCH + _ITEM % 1 + b',{"id":"2","method":"GET","url":"/","dependsOn":[',
        b'"1",',
        b'"1"]}]}',
    ),
    "dependencies on nothing": (
        batch,
        _BATCH + b'{"id":"1","method":"GET","url":"/","dependsOn":[',
        b'"a",',
        b'"a"]}]}',
    ),
    "the same header": (
        batch,
        _BATCH + b'{"id":"1","method":"GET","url":"/","headers":{',
        b'"a":"b",',
        b'"c":""}}]}',
    ),
    "a header's value": (
        batch,
        _BATCH + b'{"id":"1","method":"GET","url":"/","headers":{"a":"',
        b"b ",
        b'"}}]}',
    ),
    "a body": (content, _BATCH + b'{"id":"1","method":"GET","url":"/","body":[', b"1,", b"1]}]}"),
    "a body in base64url": (
        content,
        _BATCH + b'{"id":"1","method":"GET","url":"/","body":"',
        b"AAAA",
        b'"}]}',
    ),
    "a body in no base64url": (
        content,
        _BATCH + b'{"id":"1","method":"GET","url":"/","body":"',
        b"=A",
        b'"}]}',
    ),
    "an id": (batch, _BATCH + b'{"method":"GET","url":"/","id":"', b"a", b'"}]}'),
    "members without a meaning": (
        batch,
        _BATCH + b'{"id":"1","method":"GET","url":"/","x":[',
        b"{},",
        b"{}]}]}",
    ),
    "what leads elsewhere": (target, b"https://", b"a.", b"/v1.0"),
    "what is encoded": (target, b"/security/", b"\xc3\xa4 ", b""),
    "slashes of a url": (target, b"/", b"/a", b""),
    "the length of a url": (batch, b'{"requests":[{"id":"1","method":"GET","url":"/', b"a/", b'"}]}'),
    "too many requests": (batch, b'{"requests":[', _ITEM % 1 + b",", _ITEM % 2 + b"]}"),
    "brackets": (batch, b'{"requests":', b"[", b""),
}


@pytest.mark.parametrize(("read", "before", "repeated", "after"), REPEATED.values(), ids=REPEATED)
def test_twice_as_much_takes_at_most_a_little_more_than_twice_the_steps(
    read: Callable[[bytes], None], before: bytes, repeated: bytes, after: bytes
) -> None:
    times = 3800 // len(repeated)

    def run(text: bytes) -> None:
        with suppress(StanchionError):
            read(text)

    once, twice = (steps(partial(run, before + repeated * (times * n) + after)) for n in (1, 2))
    assert twice <= 2.6 * once


def headers_of(names: Iterable[str]) -> bytes:
    item = {"id": "1", "method": "GET", "url": "/", "headers": dict.fromkeys(names, "b")}
    return dump_json({"requests": [item]})


def in_every_case(count: int) -> Iterable[str]:
    """Return as many spellings of one name, which differ in their case alone."""
    letters = islice(product(*("aA" for _ in range(12))), count)
    return map("".join, letters)


@pytest.mark.parametrize(
    "names",
    [in_every_case, lambda count: (f"x-{n}" for n in range(count))],
    ids=["one name in every case", "names"],
)
@pytest.mark.parametrize("count", [MAX_HEADERS // 2, MAX_HEADERS * 2])
def test_twice_as_many_headers_take_little_more_than_twice_the_steps(
    names: Callable[[int], Iterable[str]], count: int
) -> None:
    def run(text: bytes) -> None:
        with suppress(StanchionError):
            parse_batch(text)

    once, twice = (steps(partial(run, headers_of(names(count * n)))) for n in (1, 2))
    assert twice <= 2.6 * once


def test_headers_that_differ_by_case_are_read_whole() -> None:
    (item,) = parse_batch(headers_of(in_every_case(MAX_HEADERS)))
    assert item.headers == {"a" * 12: ", ".join("b" * MAX_HEADERS)}
