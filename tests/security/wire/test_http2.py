"""Attacks on HTTP/2: malformed requests are refused, floods end their connection and cost nobody else anything."""

from collections.abc import Callable, Iterator

import pytest
from hyperframe.frame import (
    DataFrame,
    Frame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from tests.security.wire.behaved import STANDSTILL_SECONDS, behaving
from tests.security.wire.http2 import PREFACE, Connection, Headers, continuation, get, headers_frame
from tests.security.wire.raw import CONTROL, DECISION, cpu_seconds, resident_kibibytes
from tests.security.wire.tenants import other_token
from tests.serving.place import OTHER_TENANT, TENANT, Place
from tests.serving.process import Server

pytestmark = pytest.mark.sqlite("is about the socket, before anything is stored")

_INITIAL_WINDOW_SIZE = 4
_MOST_KIBIBYTES = 64 * 1024
# How often each flood comes at least, and what it may cost.
_FLOODS, _MOST_CPU_SECONDS_EACH = 3, 3.3
_GOOD = get()


def without(name: str) -> Headers:
    return [header for header in _GOOD if header[0] != name]


MALFORMED: dict[str, Headers] = {
    "connection": get("/healthz", ("connection", "close")),
    "keep-alive": get("/healthz", ("keep-alive", "timeout=5")),
    "proxy-connection": get("/healthz", ("proxy-connection", "close")),
    "transfer-encoding": get("/healthz", ("transfer-encoding", "chunked")),
    "upgrade": get("/healthz", ("upgrade", "h2c")),
    "te beyond trailers": get("/healthz", ("te", "gzip")),
    "a name in capitals": get("/healthz", ("Upper", "x")),
    "a blank in a name": get("/healthz", ("x y", "z")),
    "a colon in a name": get("/healthz", ("x:y", "z")),
    "an empty name": get("/healthz", ("", "z")),
    "a line feed in a name": get("/healthz", ("x\r\nz", "q")),
    "a line feed in a value": get("/healthz", ("x", "a\r\nb: c")),
    "a NUL in a value": get("/healthz", ("x", "a\0b")),
    "a length of a body that is not there": get("/healthz", ("content-length", "5")),
    "a length that is no number": get("/healthz", ("content-length", "abc")),
    "two different lengths": get("/healthz", ("content-length", "0"), ("content-length", "5")),
    "an unknown pseudo-header": get("/healthz", (":foo", "x")),
    "a pseudo-header of answers": get("/healthz", (":status", "200")),
    "a path twice": get("/healthz", (":path", "/other")),
    "a pseudo-header behind others": [("host", "localhost"), *_GOOD],
    "no path": without(":path"),
    "no method": without(":method"),
    "no scheme": without(":scheme"),
    "an empty path": get(""),
    "a path without a slash": get("healthz"),
    "an absolute path": get("http://evil.example/healthz"),
    "a blank in the path": get("/healthz x"),
    "a request in the path": get("/healthz HTTP/1.1\r\nX: y"),
    "a request in the method": [(":method", "GET / HTTP/1.1\r\nx:"), *without(":method")],
    "a line feed in the authority": get(authority="localhost\r\nx: y"),
    "two authorities": get(authority="localhost, evil.example"),
    "a websocket": [(":method", "CONNECT"), (":protocol", "websocket"), *without(":method")],
}


@pytest.mark.parametrize("headers", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_request_is_reset_and_never_answered(attacked: Server, headers: Headers) -> None:
    with Connection(attacked) as connection:
        connection.ask(1, headers)
        heard = connection.listen(until=[1])

    assert heard.statuses == {}
    assert heard.resets or heard.went_away
    assert attacked.ready()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (get("/v1.0/$metadata", authority="evil.example"), 421),
        (get("/v1.0/$metadata", ("host", "evil.example")), 421),
        (get("/v1.0/$metadata", authority="user@localhost"), 400),
        ([header for header in get("/v1.0/$metadata") if header[0] != ":authority"], 400),
    ],
)
def test_who_asks_another_host_is_misdirected(attacked: Server, headers: Headers, status: int) -> None:
    with Connection(attacked) as connection:
        connection.ask(1, headers)

        assert connection.listen(until=[1]).statuses == {1: status}


@pytest.mark.parametrize("sent", [len(DECISION) - 1, len(DECISION) + 1])
def test_a_body_of_another_length_than_said_is_not_carried_out(
    attacked: Server, attacked_place: Place, sent: int
) -> None:
    headers = [
        (":method", "PATCH"),
        (":scheme", "https"),
        (":authority", "localhost"),
        (":path", CONTROL.decode()),
        ("authorization", f"Bearer {attacked_place.token}"),
        ("content-type", "application/json"),
        ("content-length", str(len(DECISION))),
    ]
    with Connection(attacked) as connection:
        connection.ask(1, headers, end=False)
        connection.send(DataFrame(1, data=(DECISION + b" ")[:sent], flags=["END_STREAM"]))
        heard = connection.listen(until=[1])

    assert heard.statuses.get(1, 400) == 400
    assert heard.statuses or heard.resets


def test_streams_of_two_tenants_on_one_connection_each_get_their_own_answer(
    plain_server: Server, attacked_place: Place
) -> None:
    tokens = {TENANT: attacked_place.token, OTHER_TENANT: other_token(attacked_place)}
    asked = {stream: (TENANT, OTHER_TENANT)[stream % 3 % 2] for stream in range(1, 120, 2)}
    with Connection(plain_server) as connection:
        for stream, tenant in asked.items():
            bearer = ("authorization", f"Bearer {tokens[tenant]}")
            connection.ask(stream, get("/v1.0/security/secureScores?$select=id,azureTenantId&$top=1", bearer))
        heard = connection.listen(until=asked)

    assert set(heard.statuses.values()) == {200}
    for stream, tenant in asked.items():
        foreign = OTHER_TENANT if tenant == TENANT else TENANT
        assert tenant in heard.bodies[stream].decode()
        assert foreign not in heard.bodies[stream].decode()


def continuations(connection: Connection) -> Iterator[list[Frame]]:
    """CVE-2024-27983 and its kin: headers that never end."""
    block = connection.encoder.encode(get())
    yield [headers_frame(1, block, whole=False)]
    for number in range(2000):
        field = connection.encoder.encode([(f"x-{number}", "y" * 1000)])
        yield [continuation(1, field) for _ in range(10)]


def empty_continuations(connection: Connection) -> Iterator[list[Frame]]:
    yield [headers_frame(1, connection.encoder.encode(get()), whole=False)]
    for _ in range(200):
        yield [continuation(1, b"")] * 1000


def resets(connection: Connection) -> Iterator[list[Frame]]:
    """CVE-2023-44487: streams that are opened and taken back at once."""
    for number in range(0, 20_000, 100):
        frames: list[Frame] = []
        for stream in range(2 * number + 1, 2 * number + 201, 2):
            frames += [
                headers_frame(stream, connection.encoder.encode(get())),
                RstStreamFrame(stream, error_code=8),
            ]
        yield frames


def provoked_resets(connection: Connection) -> Iterator[list[Frame]]:
    """CVE-2025-8671: streams that the server itself resets, for their windows overflow."""
    for number in range(0, 20_000, 100):
        frames: list[Frame] = []
        for stream in range(2 * number + 1, 2 * number + 201, 2):
            window = WindowUpdateFrame(stream, window_increment=2**31 - 1)
            frames += [headers_frame(stream, connection.encoder.encode(get()), end=False), window, window]
        yield frames


def header_bomb(connection: Connection) -> Iterator[list[Frame]]:
    """A field of 4,000 bytes is sent once and then named again by a single byte, thousands of times."""
    once = connection.encoder.encode([*get(), ("x-bomb", "y" * 3900)])
    again = connection.encoder.encode([("x-bomb", "y" * 3900)])
    for stream in range(1, 199, 2):
        yield [headers_frame(stream, once + again * 10_000)]


def broken_compression(connection: Connection) -> Iterator[list[Frame]]:
    del connection
    yield [headers_frame(1, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")]


def unknown_index(connection: Connection) -> Iterator[list[Frame]]:
    del connection
    yield [headers_frame(1, b"\xfe")]


def large_table(connection: Connection) -> Iterator[list[Frame]]:
    yield [headers_frame(1, b"\x3f\xe1\xff\x03" + connection.encoder.encode(get()))]


def settings_flood(connection: Connection) -> Iterator[list[Frame]]:
    """CVE-2019-9515: each of them wants an acknowledgement."""
    del connection
    for _ in range(40):
        yield [SettingsFrame(settings={_INITIAL_WINDOW_SIZE: 65_535})] * 500


def ping_flood(connection: Connection) -> Iterator[list[Frame]]:
    """CVE-2019-9512: each of them wants an answer."""
    del connection
    for _ in range(40):
        yield [PingFrame(opaque_data=b"12345678")] * 500


def empty_data(connection: Connection) -> Iterator[list[Frame]]:
    """CVE-2019-9518: a body of empty pieces."""
    yield [headers_frame(1, connection.encoder.encode([(":method", "POST"), *get()[1:]]), end=False)]
    for _ in range(200):
        yield [DataFrame(1, data=b"")] * 500


def priorities(connection: Connection) -> Iterator[list[Frame]]:
    """CVE-2019-9513: streams are put behind each other again and again."""
    del connection
    for number in range(40):
        yield [
            PriorityFrame(stream, depends_on=(stream + number) % 1001, stream_weight=1, exclusive=True)
            for stream in range(1, 1000, 2)
            if (stream + number) % 1001 != stream
        ]


def beyond_the_window(connection: Connection) -> Iterator[list[Frame]]:
    yield [
        headers_frame(
            1, connection.encoder.encode([(":method", "POST"), *get("/v1.0/$batch")[1:]]), end=False
        )
    ]
    for _ in range(200):
        yield [DataFrame(1, data=b" " * 16_384)] * 5


def frames_too_large(connection: Connection) -> Iterator[list[Frame]]:
    yield [headers_frame(1, connection.encoder.encode(get()), end=False), DataFrame(1, data=b" " * 100_000)]


def streams_backwards(connection: Connection) -> Iterator[list[Frame]]:
    block = connection.encoder.encode(get())
    yield [headers_frame(99, block), headers_frame(97, block), headers_frame(2, block)]


Attack = Callable[[Connection], Iterator[list[Frame]]]
FLOODS: list[Attack] = [
    continuations,
    empty_continuations,
    resets,
    provoked_resets,
    header_bomb,
    settings_flood,
    ping_flood,
    empty_data,
    priorities,
    beyond_the_window,
]
BROKEN: list[Attack] = [broken_compression, unknown_index, large_table, frames_too_large, streams_backwards]


@pytest.mark.slow
@pytest.mark.parametrize("attack", FLOODS, ids=lambda attack: attack.__name__)
def test_a_flood_takes_neither_memory_nor_time_from_others(plain_server: Server, attack: Attack) -> None:
    resident, used = resident_kibibytes(plain_server), cpu_seconds(plain_server)
    floods = 0
    with behaving(plain_server) as behaved:
        # Some are over before a single question is answered.
        while floods < _FLOODS or not behaved.has_enough:
            floods += 1
            with Connection(plain_server, timeout_seconds=0.5) as connection:
                for frames in attack(connection):
                    if not connection.send(*frames):
                        break
                connection.listen()

    assert behaved.failures == []
    assert behaved.p99_seconds < 1
    assert behaved.longest_seconds < STANDSTILL_SECONDS
    assert resident_kibibytes(plain_server) - resident < _MOST_KIBIBYTES
    assert cpu_seconds(plain_server) - used < _MOST_CPU_SECONDS_EACH * floods


@pytest.mark.parametrize("attack", BROKEN, ids=lambda attack: attack.__name__)
def test_a_connection_that_breaks_the_rules_is_ended(attacked: Server, attack: Attack) -> None:
    with Connection(attacked) as connection:
        for frames in attack(connection):
            connection.send(*frames)
        heard = connection.listen()

    assert heard.ended
    assert heard.went_away
    assert attacked.ready()


@pytest.mark.parametrize("start", [PREFACE[:20], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 64])
def test_a_broken_preface_ends_the_connection(attacked: Server, start: bytes) -> None:
    with Connection(attacked) as connection:
        connection.send_bytes(start)

        assert connection.listen().ended
