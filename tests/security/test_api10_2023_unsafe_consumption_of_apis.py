"""API10:2023, unsafe consumption of APIs: to believe what other systems say.

Two things come from other systems: the documents of issuers, and files that were exported from Graph or elsewhere.
Each is read with bounds, judged as a caller's body is, and refused as a whole where it is not what it should be.
"""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from stanchion.access.discovery import discover
from stanchion.access.issuer_document import MAX_DOCUMENT_BYTES, Fetcher, IssuerFault
from stanchion.access.key_set import MAX_KEYS, read_key_set
from tests.cli.invoking import invoke
from tests.conftest import OTHER_TENANT, TENANT
from tests.serving.place import Place

ISSUER = "https://sso.example.com"
KEYS = f"{ISSUER}/keys"


def from_network(*chunks: bytes, **headers: str) -> bytes:
    """Fetch an answer that comes in chunks."""

    async def stream() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=stream(), headers=headers)

    return asyncio.run(Fetcher(transport=httpx.MockTransport(answer))(KEYS))


def keys_of(document: object) -> int:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return len(read_key_set(data, of=KEYS))


DEEP = b'{"keys":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
BAD_SETS: dict[str, object] = {
    "empty": b"",
    "no JSON": b"<html>",
    "a number": 5,
    "null": None,
    "keys as text": {"keys": "x"},
    "keys as an object": {"keys": {"a": {}}},
    "keys of other things": {"keys": [None, 1, "x", [], {}]},
    "deep": DEEP,
    "twice": b'{"keys":[],"keys":[]}',
    "many": {"keys": [{"kid": str(n)} for n in range(MAX_KEYS + 1)]},
    "of many values": {"keys": [], "x": list(range(1_000_000))},
    "UTF-16": '{"keys":[]}'.encode("utf-16"),
    "a lone surrogate": b'{"keys":[{"kid":"\\ud800"}]}',
    "a modulus of megabytes": {"keys": [{"kid": "a", "kty": "RSA", "e": "AQAB", "n": "A" * 900_000}]},
    "an infinite number": b'{"keys":[],"x":1e999}',
}


@pytest.mark.parametrize("name", BAD_SETS)
def test_a_set_of_keys_that_is_none_is_a_fault_in_one_line(name: str) -> None:
    with pytest.raises(IssuerFault) as caught:
        keys_of(BAD_SETS[name])
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


def test_no_more_is_read_than_a_mebibyte_however_it_comes() -> None:
    with pytest.raises(IssuerFault, match="more than"):
        from_network(*[b"x" * 65_536] * 64)
    assert len(from_network(*[b"x"] * 1_000)) == 1_000
    for headers in ({"Content-Encoding": "gzip"}, {"Content-Encoding": "br"}, {"Content-Encoding": "x"}):
        with pytest.raises(IssuerFault):
            from_network(gzip.compress(b"x" * MAX_DOCUMENT_BYTES), **headers)


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": ISSUER, "jwks_uri": "https://elsewhere.example.com/keys"},
        {"issuer": "https://elsewhere.example.com", "jwks_uri": KEYS},
        {"issuer": ISSUER, "jwks_uri": "http://sso.example.com/keys"},
        {"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"},
        {"issuer": ISSUER, "jwks_uri": KEYS + "\r\nX: y"},
        {"issuer": ISSUER, "jwks_uri": {"$ref": KEYS}},
        {"issuer": ISSUER},
        [],
    ],
    ids=str,
)
def test_a_discovery_document_is_believed_about_its_own_host_alone(document: object) -> None:
    async def fetch(_: str) -> bytes:
        return json.dumps(document).encode()

    from stanchion.access.issuer_entry import parse_keys_url
    from stanchion.errors import BadRequest

    with pytest.raises((IssuerFault, BadRequest)):
        parse_keys_url(asyncio.run(discover(ISSUER, fetch=fetch)), issuer=ISSUER, hosts=())


def controls(**more: object) -> dict[str, object]:
    vendor = {"vendor": "Microsoft", "provider": "SecureScore"}
    return {"id": "a", "azureTenantId": TENANT, "vendorInformation": vendor, **more}


FILES: dict[str, Callable[[], bytes]] = {
    "another tenant's": lambda: json.dumps([controls(azureTenantId=OTHER_TENANT)]).encode(),
    "an id with a control": lambda: json.dumps([controls(id="a\nb")]).encode(),
    "an id of 300 characters": lambda: json.dumps([controls(id="a" * 300)]).encode(),
    "a NUL": lambda: json.dumps([controls(title="a\x00b")]).encode(),
    "a lone surrogate": lambda: b'[{"id":"a","azureTenantId":"%s","title":"\\ud800"}]' % TENANT.encode(),
    "an infinite number": lambda: b'[{"id":"a","azureTenantId":"%s","maxScore":1e999}]' % TENANT.encode(),
    "a name said twice": lambda: b'[{"id":"a","id":"b","azureTenantId":"%s"}]' % TENANT.encode(),
    "deep": lambda: json.dumps([controls()]).encode()[:-2] + b',"x":' + b"[" * 5_000 + b"]" * 5_000 + b"}]",
    "wrong types": lambda: json.dumps([controls(maxScore="ten", controlStateUpdates="none")]).encode(),
    "no JSON": lambda: b"<html></html>",
    "cut off": lambda: json.dumps([controls()]).encode()[:-20],
    "formulas": lambda: b"=cmd|' /C calc'!A0",
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_right_comes_in_neither_whole_nor_in_part(
    place: Place, tmp_path: Path, name: str
) -> None:
    good = {**controls(id="good"), "title": "good"}
    bad, whole = FILES[name](), tmp_path / "file.json"
    both = bad.replace(b"[{", b"[" + json.dumps(good).encode() + b",{", 1)
    for content in (bad, both):
        whole.write_bytes(content)
        ran = invoke("import", "--database", place.url, whole, "--tenant", TENANT)
        assert ran.exit_code == 1, ran.stdout
        assert "Traceback" not in ran.stderr + ran.stdout
        assert (ran.stdout + ran.stderr).replace("\n", "").isprintable()
        exported = tmp_path / "out"
        invoke("export", "--database", place.url, "--tenant", TENANT, "--to", exported)
        assert not any("good" in file.read_text() for file in exported.rglob("*good*.json"))
