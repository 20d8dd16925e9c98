"""A document of an issuer, fetched as carefully as a stranger's: discovery, or a set of keys.

- https by whoever checked the address; no redirects, no compression, no cookies, 200 alone, at most 1 MiB, read
  as it comes, and 5 seconds for all of it.
- Proxies and private certificate authorities are those of the environment: HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE.
- httpx is imported where there are issuers: most stores have none but their own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from stanchion.model.wording import shown

if TYPE_CHECKING:
    import httpx

MAX_DOCUMENT_BYTES = 1024 * 1024
FETCH_SECONDS = 5.0

Fetch: TypeAlias = Callable[[str], Awaitable[bytes]]
"""Gives the document of an address; raises IssuerFault."""


def prepare_to_fetch() -> None:
    """Import what fetching needs, so that the first request that brings a token of an issuer need not."""
    import httpx  # noqa: F401 (it is kept by Python)


class IssuerFault(Exception):
    """What is wrong with an issuer, in one sentence naming the address; for operators and logs."""


class Fetcher:
    """Fetches documents; `transport` is for tests."""

    def __init__(self, *, transport: "httpx.AsyncBaseTransport | None" = None) -> None:
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._opening = Lock()

    async def __call__(self, url: str) -> bytes:
        """Return the document at an address; raises IssuerFault."""
        if self._client is None:
            # It takes some 200 ms to import the library and to read the certificates of the world.
            return await _fetch(url, await asyncio.to_thread(self._opened))
        return await _fetch(url, self._client)

    def _opened(self) -> "httpx.AsyncClient":
        with self._opening:
            if self._client is None:
                self._client = self._open()
            return self._client

    def _open(self) -> "httpx.AsyncClient":
        from http.cookiejar import CookieJar, DefaultCookiePolicy

        import httpx

        try:
            return httpx.AsyncClient(
                transport=self._transport,
                timeout=FETCH_SECONDS,
                follow_redirects=False,
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
                # A document an hour is not worth a connection that is kept.
                limits=httpx.Limits(max_keepalive_connections=0),
            )
        except (ImportError, OSError, ValueError) as error:
            raise IssuerFault(
                "The environment's settings for outgoing connections (HTTPS_PROXY, SSL_CERT_FILE, SSL_CERT_DIR) "
                f"cannot be used: {_on_one_line(error)}."
            ) from None


async def _fetch(url: str, client: "httpx.AsyncClient") -> bytes:
    import httpx

    try:
        async with asyncio.timeout(FETCH_SECONDS), client.stream("GET", url) as response:
            return await _read(response, url=url)
    except (TimeoutError, httpx.TimeoutException):
        raise IssuerFault(f"{url} did not answer whole within {FETCH_SECONDS:g} seconds.") from None
    # A host that begins with xn-- and encodes no name is a UnicodeError.
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, UnicodeError) as error:
        raise IssuerFault(f"{url} cannot be reached: {_on_one_line(error)}.{_hint(error)}") from None


async def _read(response: "httpx.Response", *, url: str) -> bytes:
    if response.has_redirect_location:
        target = shown(response.headers.get("location", ""))
        raise IssuerFault(f"{url} redirects to {target}, which is not followed; name the final address.")
    if response.status_code != HTTPStatus.OK:
        raise IssuerFault(f"{url} answers {response.status_code}, not 200.")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise IssuerFault(f"{url} answers compressed, which was not asked for.")
    document = bytearray()
    async for chunk in response.aiter_raw():
        document += chunk
        if len(document) > MAX_DOCUMENT_BYTES:
            raise IssuerFault(f"{url} answers more than {MAX_DOCUMENT_BYTES:,} bytes.")
    return bytes(document)


def _on_one_line(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return text if text.isprintable() else ascii(text)[1:-1]


def _hint(error: Exception) -> str:
    trusts = "CERTIFICATE_VERIFY_FAILED" in str(error)
    return " Name a private certificate authority in SSL_CERT_FILE." if trusts else ""
