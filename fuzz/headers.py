"""What header fields say: formats, codings, preferences, entity tags, traces, origins; and a head by itself."""

import asyncio
import socket
from contextlib import suppress
from email.message import Message

from fuzz.target import Reads, event_loop, texts
from stanchion.access.origin import Arrival, Origins
from stanchion.errors import StanchionError
from stanchion.odata.etags import etag, matches, named_versions
from stanchion.odata.header_fields import elements
from stanchion.odata.negotiation import (
    JSON,
    METADATA,
    TEXT,
    check_body_version,
    check_content_type,
    check_encoding,
    check_version,
    chosen,
)
from stanchion.odata.preferences import parse_preferences
from stanchion.web.compression import choice
from stanchion.web.cors import Cors
from stanchion.web.exchange import Reply
from stanchion.web.operations_listener import OperationsAddress, OperationsListener
from stanchion.web.trace_context import caller_span

_EPOCH = "epoch"
_VERSIONS = (0, 1, 7, 2**63)
_HOSTS = 4
_TRACEPARENT_CHARACTERS = 55
_FIRST_FAULT = 500


def fuzz_fields(data: bytes) -> None:
    """Read one text as each field that is a list: what it is read as is offered, within bounds, and read so again."""
    field = data.decode("latin-1")
    for offered in (JSON, TEXT, METADATA):
        for given in ((field, None), (None, field)):
            with suppress(StanchionError):
                assert chosen.__wrapped__(*given, offered).media_type in offered
    preferences = parse_preferences(field)
    assert preferences.max_page_size is None or preferences.max_page_size > 0
    assert preferences.page_size_name.isprintable()
    assert choice.__wrapped__(field).coding in (None, "zstd", "gzip")
    for check in (check_version, check_body_version, check_encoding):
        with suppress(StanchionError):
            check(field)


def fuzz_media(data: bytes) -> None:
    """Read a Content-Type: what we take for JSON, the reader of e-mail takes for it too."""
    field = data.decode("latin-1")
    try:
        check_content_type(field)
    except StanchionError:
        return
    first = next(elements(field), None)
    # The reader of e-mail has no lists, folds lines, and knows comments and parts of parameters.
    if first is None or any(mark in field for mark in ',\r\n\v\f\x1c\x1d\x1e\x85(*"\\'):
        return
    message = Message()
    message["Content-Type"] = field
    assert message.get_content_type() == "application/json", message.get_content_type()
    assert (message.get_content_charset() or "utf-8") in {"utf-8", "utf8"}, message.get_content_charset()


def fuzz_etags(data: bytes) -> None:
    """Read If-Match both ways: what a write takes for the version, a read takes for the tag, and no other."""
    field = data.decode("latin-1")
    for version in _VERSIONS:
        tag = etag(_EPOCH, version)
        assert named_versions(tag, _EPOCH) == frozenset({version})
        try:
            named = named_versions(field, _EPOCH)
        except StanchionError:
            named = None
        try:
            fits = matches(field, tag)
        except StanchionError:
            assert named is None
        else:
            assert named is not None
            assert fits == (named == "any" or version in named)


def fuzz_traces(data: bytes) -> None:
    """Read a traceparent: what comes of it is hexadecimal alone, and is read so again when it is sent on."""
    span = caller_span(data.decode("latin-1"))
    if span is None:
        return
    written = f"00-{span.trace_id}-{span.span_id}-{span.trace_flags}"
    assert len(written) == _TRACEPARENT_CHARACTERS
    assert set(written) <= set("0123456789abcdef-")
    assert int(span.trace_id, 16)
    assert int(span.span_id, 16)
    assert caller_span(written) == span


def fuzz_hosts(data: bytes) -> None:
    """Read Host, X-Forwarded-* and settings of origins: the origin is one for which the server speaks."""
    host, proto, forwarded_host, forwarded_for = texts(data, _HOSTS)
    for public in ((), ("https://posture.example.com",)):
        origins = Origins(public, trusted_proxies=("10.0.0.0/8",))
        arrival = Arrival("http", host, "10.0.0.1", proto, forwarded_host, forwarded_for)
        with suppress(StanchionError):
            asked = origins.origin(arrival)
            assert origins.includes(asked)
            assert (
                asked == public[0]
                if public
                else asked.partition("://")[2].startswith(("localhost", "127.0.0.1", "[::1]"))
            )
        assert origins.client_address(arrival)
        origins.includes(host)
        origins.accepts_audience(host)
    for make in (
        lambda: Origins((host,)),
        lambda: Origins((), trusted_proxies=(host,)),
        lambda: Cors((host,)),
    ):
        with suppress(StanchionError):
            make()


def operations_reader() -> Reads:
    """Return what reads the head of a request to the port of operators, and the setting that names it."""

    async def answer(method: str, path: bytes) -> Reply:
        return Reply(200, b"%s %s" % (method.encode(), path))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listener = OperationsListener(listening, answer)

    async def replied(data: bytes) -> Reply:
        reader = asyncio.StreamReader()
        reader.feed_data(data + b"\r\n\r\n")
        reader.feed_eof()
        _, reply = await listener._reply(reader)  # noqa: SLF001 (what is read, without a connection)
        return reply

    def fuzz_operations(data: bytes) -> None:
        reply = event_loop().run_until_complete(replied(data))
        assert reply.status == 200 or 400 <= reply.status < _FIRST_FAULT, reply  # noqa: PLR2004 (OK, and refusals)
        with suppress(StanchionError):
            OperationsAddress.of(data.decode("latin-1"))

    return fuzz_operations
