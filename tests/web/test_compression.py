"""Compression: what a caller accepts decides, and the bytes are the same once they are unpacked."""

import asyncio
import gzip
import json

import httpx
import pytest
import zstandard
from starlette.types import Message

from stanchion.logs import Trace
from stanchion.settings import Settings
from stanchion.web import compression
from stanchion.web.compression import MIN_BYTES, Choice, choice
from stanchion.web.exchange import Reply, Request
from tests.conftest import Api, Serve, control

pytestmark = pytest.mark.anyio

CONTROLS = "/v1.0/security/secureScoreControlProfiles"


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("", Choice(None)),
        ("gzip", Choice("gzip")),
        ("x-gzip", Choice("gzip")),
        ("GZIP", Choice("gzip")),
        ("gzip, deflate", Choice("gzip")),
        ("gzip, deflate, br, zstd", Choice("zstd")),
        ("zstd;q=0.5, gzip", Choice("gzip")),
        ("gzip;q=0", Choice(None)),
        ("gzip;q=0.000, zstd;q=0.001", Choice("zstd")),
        ("br", Choice(None)),
        ("deflate, br", Choice(None)),
        ("*", Choice("zstd")),
        ("*, zstd;q=0", Choice("gzip")),
        ("*;q=0", Choice(None, refuses_identity=True)),
        ("*;q=0, gzip", Choice("gzip", refuses_identity=True)),
        ("identity", Choice(None)),
        ("identity, gzip;q=0.5", Choice(None)),
        ("identity;q=0.5, gzip", Choice("gzip")),
        ("identity, gzip", Choice("gzip")),
        ("identity;q=0, gzip", Choice("gzip", refuses_identity=True)),
        ("identity;q=0", Choice(None, refuses_identity=True)),
        ("identity, *;q=0", Choice(None)),
        ("gzip;q=nan, zstd;q=x", Choice(None)),
        ("gzip;q=5", Choice(None)),
        ("gzip;q=-1, zstd;q=inf", Choice(None)),
        ("gzip;q=", Choice(None)),
        ("gzip;q=0, gzip", Choice(None)),
        ('gzip;q="0.5", "zstd"', Choice("gzip")),
        ("\x00\xff=;=;q", Choice(None)),
        ("gzip," * 5000, Choice("gzip")),
        (";;,,", Choice(None)),
    ],
)
def test_the_coding_is_the_one_that_the_header_would_rather_have(header: str, chosen: Choice) -> None:
    assert choice(header) == chosen


async def raw(api: Api, method: str, path: str, accept: str | None) -> tuple[httpx.Response, bytes]:
    """Send a request; the bytes of the answer come as they were sent."""
    headers = {"Authorization": f"Bearer {api.token()}", "Accept-Encoding": accept or ""}
    request = api.client.build_request(method, path, headers=headers)
    if accept is None:
        del request.headers["accept-encoding"]
    reply = await api.client.send(request, stream=True)
    try:
        return reply, b"".join([part async for part in reply.aiter_raw()])
    finally:
        await reply.aclose()


def unpacked(reply: httpx.Response, body: bytes) -> bytes:
    match reply.headers.get("content-encoding"):
        case "gzip":
            return gzip.decompress(body)
        case "zstd":
            return zstandard.ZstdDecompressor().decompress(body)
        case other:
            assert other is None
            return body


@pytest.mark.parametrize("remediation", [3000, 200_000])  # on the event loop, and beside it
@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        (None, None),
        ("identity", None),
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
    ],
)
async def test_a_list_comes_in_the_coding_accepted_with_the_same_content(
    api: Api, accept: str | None, coding: str | None, remediation: int
) -> None:
    api.add(control("a", remediation="é" * remediation), control("b", remediation="x" * remediation))
    reply, body = await raw(api, "GET", CONTROLS, accept)
    assert reply.headers.get("content-encoding") == coding
    assert reply.headers["vary"] == "Accept-Encoding"
    assert int(reply.headers["content-length"]) == len(body)
    assert [row["id"] for row in json.loads(unpacked(reply, body))["value"]] == ["a", "b"]
    _, plain = await raw(api, "GET", CONTROLS, None)
    assert unpacked(reply, body) == plain
    assert coding is None or len(body) < len(plain) / 10


async def test_a_head_says_what_a_get_would_send(api: Api) -> None:
    api.add(control("a", remediation="x" * 9000))
    got, _ = await raw(api, "GET", f"{CONTROLS}/a", "gzip")
    head, body = await raw(api, "HEAD", f"{CONTROLS}/a", "gzip")
    assert body == b""
    for name in ("content-encoding", "content-length", "vary", "etag"):
        assert head.headers[name] == got.headers[name]


async def test_a_short_body_stays_as_it_is_unless_that_is_refused(api: Api) -> None:
    api.add(control("a"))
    reply, _ = await raw(api, "GET", f"{CONTROLS}/a", "gzip, zstd;q=0.9")
    assert ("content-encoding" in reply.headers, "vary" in reply.headers) == (False, False)
    reply, body = await raw(api, "GET", f"{CONTROLS}/a", "gzip, identity;q=0")
    assert (reply.headers["content-encoding"], reply.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert json.loads(unpacked(reply, body))["id"] == "a"
    reply, body = await raw(api, "GET", f"{CONTROLS}/a", "br, identity;q=0")
    assert ("content-encoding" in reply.headers, json.loads(body)["id"]) == (False, "a")


@pytest.mark.parametrize("accept", ["gzip", "gzip, identity;q=0"])
async def test_an_answer_without_a_body_has_no_coding(api: Api, accept: str) -> None:
    api.add(control("a", remediation="x" * 9000))
    got, _ = await raw(api, "GET", f"{CONTROLS}/a", accept)
    headers = {"Accept-Encoding": accept, "If-None-Match": got.headers["etag"]}
    unchanged = await api.send("GET", f"{CONTROLS}/a", headers=headers)
    deleted = await api.send("DELETE", f"{CONTROLS}/a", headers={"Accept-Encoding": accept})
    assert (unchanged.status_code, deleted.status_code) == (304, 204)
    assert unchanged.headers["vary"] == got.headers["vary"] == "Accept-Encoding"
    for reply in (unchanged, deleted):
        assert "content-encoding" not in reply.headers
        assert reply.content == b""


async def test_the_tag_of_an_entity_is_the_same_in_every_coding(api: Api) -> None:
    api.add(control("a", remediation="x" * 9000))
    tags = [
        (await raw(api, "GET", f"{CONTROLS}/a", coding))[0].headers["etag"]
        for coding in ("gzip", "zstd", None)
    ]
    assert len(set(tags)) == 1
    assert tags[0].startswith("W/")


async def test_metadata_is_packed_too(api: Api) -> None:
    reply, body = await raw(api, "GET", "/v1.0/$metadata", "gzip")
    assert reply.headers["content-encoding"] == "gzip"
    assert b"<edmx:Edmx" in unpacked(reply, body)
    assert len(unpacked(reply, body)) >= MIN_BYTES


async def test_a_token_is_never_packed(api: Api) -> None:
    path = "/common/oauth2/v2.0/token"
    reply, _ = await raw(api, "POST", path, "gzip, identity;q=0")
    assert (reply.headers["cache-control"], "content-encoding" in reply.headers) == ("no-store", False)


async def test_of_more_long_bodies_than_fit_in_memory_the_last_one_goes_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compression, "_MAX_BESIDE_BYTES", 250_000)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    request = Request("GET", b"/", b"", {"accept-encoding": "gzip"}, (), "http", "", receive, Trace("id"))
    content = b"long " * 20_000
    replies = [Reply(200, content) for _ in range(3)]
    await asyncio.gather(*(compression.compress(request, reply) for reply in replies))
    last = Reply(200, content * 3)
    await compression.compress(request, last)
    assert [reply.headers.get("Content-Encoding") for reply in (*replies, last)] == [
        "gzip",
        "gzip",
        None,
        "gzip",
    ]
    assert all(reply.headers["Vary"] == "Accept-Encoding" for reply in replies)
    assert (gzip.decompress(replies[0].body), replies[2].body) == (content, content)


async def test_a_cache_is_told_of_every_header_that_counts(serve: Serve) -> None:
    async with serve(Settings(cors_origin=("https://page.example",))) as api:
        api.add(control("a", remediation="x" * 9000))
        reply, _ = await raw(api, "GET", CONTROLS, "gzip")
        assert reply.headers["vary"] == "Origin, Accept-Encoding"
