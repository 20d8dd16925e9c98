"""Documents of issuers: what is fetched, how little of it, and what is told when it fails."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from stanchion.access import issuer_document
from stanchion.access.issuer_document import MAX_DOCUMENT_BYTES, Fetcher, IssuerFault

URL = "https://sso.example/certs"


def fetched(answer: Callable[[httpx.Request], httpx.Response]) -> bytes:
    """Fetch from an answer that stands for the network."""
    return asyncio.run(Fetcher(transport=httpx.MockTransport(answer))(URL))


def fault(answer: Callable[[httpx.Request], httpx.Response]) -> str:
    """Return what is told of a fetch that fails."""
    with pytest.raises(IssuerFault) as caught:
        fetched(answer)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_document_is_asked_for_without_a_word_on_who_asks() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, stream=httpx.ByteStream(b"{}"))

    assert fetched(answer) == b"{}"
    (request,) = asked
    assert (request.method, str(request.url)) == ("GET", URL)
    assert request.headers["accept-encoding"] == "identity"
    assert not {"authorization", "cookie"} & set(request.headers)


def test_a_fetcher_fetches_again() -> None:
    fetcher = Fetcher(
        transport=httpx.MockTransport(lambda _: httpx.Response(200, stream=httpx.ByteStream(b"{}")))
    )

    async def twice() -> list[bytes]:
        return [await fetcher(URL), await fetcher(URL)]

    assert asyncio.run(twice()) == [b"{}", b"{}"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(status, headers={"Location": "https://other.example/"})

    assert "redirects to 'https://other.example/'" in fault(answer)
    assert asked == [URL]


@pytest.mark.parametrize("status", [204, 206, 304, 400, 404, 500, 503])
def test_any_answer_but_200_is_a_fault(status: int) -> None:
    assert f"{URL} answers {status}, not 200." in fault(
        lambda _: httpx.Response(status, stream=httpx.ByteStream(b"{}"))
    )


def test_a_compressed_answer_is_a_fault() -> None:
    headers = {"Content-Encoding": "gzip"}
    # A stream, because a response with content would be decompressed before it is sent.
    answer = httpx.Response(200, headers=headers, stream=httpx.ByteStream(b"\x1f\x8b"))
    assert "compressed" in fault(lambda _: answer)


def test_no_more_than_a_mebibyte_is_read() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65536
            yield b" " * 65536

    assert "1,048,576 bytes" in fault(lambda _: httpx.Response(200, content=endless()))
    assert sent <= MAX_DOCUMENT_BYTES + 65536


def test_a_mebibyte_is_read() -> None:
    assert (
        len(fetched(lambda _: httpx.Response(200, stream=httpx.ByteStream(b" " * MAX_DOCUMENT_BYTES))))
        == MAX_DOCUMENT_BYTES
    )


def test_an_answer_that_dawdles_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuer_document, "FETCH_SECONDS", 0.05)

    async def trickle() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.01)
            yield b" "

    # It has no end: that the fetch has one shows that it was left.
    assert "within 0.05 seconds" in fault(lambda _: httpx.Response(200, content=trickle()))


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (httpx.ConnectError("[Errno -2] Name or service not known"), "cannot be reached: [Errno -2] Name or"),
        (httpx.ConnectError("CERTIFICATE_VERIFY_FAILED"), "SSL_CERT_FILE"),
        (httpx.ReadTimeout(""), "did not answer whole"),
        (httpx.RemoteProtocolError("peer closed connection"), "peer closed connection"),
        (httpx.ReadError(""), "ReadError"),
        (httpx.ProxyError("403 Forbidden"), "403 Forbidden"),
    ],
)
def test_what_the_network_does_is_told_in_a_line(error: Exception, says: str) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    assert says in fault(answer)


@pytest.mark.parametrize("host", ["xn--a.example", "xn--zzzzzz999.example", "256.256.256.256", "[v1.x]"])
def test_a_host_that_no_name_can_have_is_a_fault(host: str) -> None:
    with pytest.raises(IssuerFault, match=r"certs cannot be reached: ") as caught:
        asyncio.run(Fetcher()(f"https://{host}/certs"))
    assert str(caught.value).isprintable()


def test_what_an_answer_would_have_kept_is_not_sent_back() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, headers={"Set-Cookie": "seen=1"}, stream=httpx.ByteStream(b"{}"))

    fetcher = Fetcher(transport=httpx.MockTransport(answer))

    async def twice() -> None:
        await fetcher(URL)
        await fetcher(URL)

    asyncio.run(twice())
    assert [request.headers.get("cookie") for request in asked] == [None, None]


def test_those_who_fetch_at_once_read_the_certificates_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = 0
    client = httpx.AsyncClient

    def open_client(**options: object) -> httpx.AsyncClient:
        nonlocal opened
        opened += 1
        return client(**options)  # type: ignore[arg-type] # They are passed on as they came.

    monkeypatch.setattr(httpx, "AsyncClient", open_client)
    fetcher = Fetcher(
        transport=httpx.MockTransport(lambda _: httpx.Response(200, stream=httpx.ByteStream(b"{}")))
    )

    async def many() -> None:
        await asyncio.gather(*(fetcher(URL) for _ in range(20)))

    asyncio.run(many())
    assert opened == 1


def test_certificates_that_cannot_be_read_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("none")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(IssuerFault, match="SSL_CERT_FILE"):
        asyncio.run(Fetcher()(URL))
