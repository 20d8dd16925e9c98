"""Request smuggling (CWE-444): every answer belongs to its request, and no body is taken for a request."""

from collections.abc import Iterator

import pytest

from tests.security.wire.framings import FRAMINGS, Framing
from tests.security.wire.raw import (
    CONTROL,
    DECISION,
    LAST,
    SMUGGLED,
    ask_health,
    chunked,
    converse,
    decision,
    request,
)
from tests.security.wire.tenants import other_token
from tests.serving.place import OTHER_TENANT, TENANT, Place
from tests.serving.process import Certificates, Server, running

pytestmark = pytest.mark.sqlite("is about the socket, before anything is stored")


_GIVEN_UP = 408
WAITING = [framing for framing in FRAMINGS if framing.status == _GIVEN_UP]


@pytest.fixture(scope="module", params=["http", "https"])
def hurried(
    request: pytest.FixtureRequest,
    made_place: Place,
    certificates: Certificates,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """A server over http, and one over TLS, that waits a second for a body; only what ends so is asked of it."""
    place = made_place.copied_to(tmp_path_factory.mktemp("hurried"))
    tls = certificates if request.param == "https" else None
    with running(place, tls=tls, environment={"STANCHION_REQUEST_TIMEOUT_SECONDS": "1"}) as server:
        yield server


@pytest.mark.parametrize(
    "framing", [each for each in FRAMINGS if each not in WAITING], ids=lambda framing: framing.name
)
def test_an_odd_framing_is_understood_in_one_way_or_refused_and_the_connection_closed(
    attacked: Server, attacked_place: Place, framing: Framing
) -> None:
    sent = decision(attacked_place, *framing.headers, body=framing.body, version=framing.version) + LAST
    heard = converse(attacked, sent)

    assert heard.ended
    assert heard.answers[0].status == framing.status
    assert "smuggled" not in heard.owners
    if framing.goes_on:
        assert heard.owners == ["first", "last"]
    else:
        assert heard.statuses[1:] in ([], [400])
        assert "last" not in heard.owners


@pytest.mark.parametrize("framing", WAITING, ids=lambda framing: framing.name)
def test_a_body_that_is_said_to_be_longer_than_all_that_comes_is_given_up_and_the_connection_closed(
    hurried: Server, made_place: Place, framing: Framing
) -> None:
    heard = converse(hurried, decision(made_place, *framing.headers, body=framing.body) + LAST)

    assert heard.ended
    assert heard.statuses in ([_GIVEN_UP], [_GIVEN_UP, 400])
    assert {"smuggled", "last"}.isdisjoint(heard.owners)


@pytest.mark.parametrize("method", [b"GET", b"DELETE", b"OPTIONS", b"POST", b"FOO"])
@pytest.mark.parametrize("target", [b"/healthz", b"/v1.0/$metadata", CONTROL, b"/nothing"])
def test_a_body_that_nobody_reads_is_no_request(attacked: Server, method: bytes, target: bytes) -> None:
    length = request(b"Content-Length: %d" % len(SMUGGLED), method=method, target=target, body=SMUGGLED)
    chunks = request(b"Transfer-Encoding: chunked", method=method, target=target, body=chunked(SMUGGLED))
    heard = converse(attacked, length + chunks + LAST)

    assert heard.ended
    assert heard.owners == ["first", "first", "last"]


def test_a_body_that_breaks_off_is_malformed(plain_server: Server, attacked_place: Place) -> None:
    short = decision(attacked_place, b"Content-Length: 400", body=DECISION + SMUGGLED)
    heard = converse(plain_server, short, half_close=True)

    assert heard.ended
    assert heard.statuses in ([400], [])


def test_a_body_that_stops_is_given_up(hurried: Server, made_place: Place) -> None:
    heard = converse(hurried, decision(made_place, b"Content-Length: 400", body=DECISION + SMUGGLED))

    assert heard.ended
    assert heard.statuses == [_GIVEN_UP]


REFUSED_HEADS = {
    "a bare CR in a field": request(b"X: y\rZ: w"),
    "a bare CR behind the first line": request().replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r"),
    "a folded field": request(b"X: y\r\n z"),
    "a folded first field": request().replace(b"\r\nHost", b"\r\n Host"),
    "a blank before the colon": request(b"X : y"),
    "a tab before the colon": request(b"X\t: y"),
    "a NUL in a name": request(b"X\0: y"),
    "a NUL in a value": request(b"X: \0y"),
    "an escape in a value": request(b"X: \x1b[31m"),
    "a DEL in a value": request(b"X: \x7f"),
    "no colon": request(b"Xy"),
    "an empty name": request(b": y"),
    "a name beyond ASCII": request("é: y".encode()),
    "a blank before the method": b" " + request(),
    "tabs between the words": request().replace(b"GET ", b"GET\t").replace(b" HTTP", b"\tHTTP"),
    "two blanks between the words": request().replace(b" HTTP", b"  HTTP"),
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "HTTP/0.9 by name": request(version=b"HTTP/0.9"),
    "HTTP/1.2": request(version=b"HTTP/1.2"),
    "HTTP/1.10": request(version=b"HTTP/1.10"),
    "HTTP/2 without its preface": request(version=b"HTTP/2.0"),
    "HTTP/3": request(version=b"HTTP/3"),
    "http in lower case": request(version=b"http/1.1"),
    "a path without a slash": request(target=b"v1.0/$metadata"),
    "a path with backslashes": request(target=b"\\healthz"),
    "a NUL in the path": request(target=b"/healthz\0"),
    "a blank in the path": request(target=b"/healthz x"),
    "a byte beyond ASCII in the path": request(target=b"/healthz\xff"),
    "a method with a slash": request(method=b"GET/"),
    "a preface that breaks off": b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
}


@pytest.mark.parametrize("head", REFUSED_HEADS.values(), ids=REFUSED_HEADS)
def test_a_malformed_head_is_refused_and_the_connection_closed(attacked: Server, head: bytes) -> None:
    heard = converse(attacked, head + LAST)

    assert heard.ended
    assert heard.statuses == [400]
    assert heard.owners == [""]


TAKEN_HEADS = {
    "empty lines before": b"\r\n\r\n" + ask_health("first"),
    "line feeds alone": ask_health("first").replace(b"\r\n", b"\n"),
    "an absolute target": request(target=b"http://localhost/healthz"),
    "HTTP/1.0 kept alive": request(b"Connection: keep-alive", target=b"/healthz", version=b"HTTP/1.0"),
    "a value beyond ASCII": ask_health("first", "X: é".encode()),
    "an upgrade to HTTP/2": ask_health(
        "first", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"
    ),
    "an upgrade to a websocket": ask_health(
        "first", b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"
    ),
}


@pytest.mark.parametrize("head", TAKEN_HEADS.values(), ids=TAKEN_HEADS)
def test_an_unusual_head_is_read_as_one_request(attacked: Server, head: bytes) -> None:
    heard = converse(attacked, head + LAST)

    assert (heard.statuses, heard.owners) == ([200, 200], ["first", "last"])


@pytest.mark.parametrize("host", [b"Host: localhost", b"Host: evil.example"])
def test_a_host_that_comes_twice_is_malformed(attacked: Server, host: bytes) -> None:
    heard = converse(attacked, request(host, target=b"/v1.0/$metadata") + LAST)

    assert heard.statuses == [400, 200]
    assert "Host" in heard.answers[0].message


@pytest.mark.parametrize("target", [b"*", b"localhost:80", b"//localhost/healthz"])
@pytest.mark.parametrize("method", [b"OPTIONS", b"CONNECT", b"GET"])
def test_a_target_in_another_form_leads_nowhere(attacked: Server, method: bytes, target: bytes) -> None:
    heard = converse(attacked, request(method=method, target=target) + LAST)

    assert heard.answers[0].status in {400, 401, 404, 405}
    assert heard.owners[1:] in ([], ["last"])


def test_http_1_0_ends_with_its_answer(attacked: Server) -> None:
    heard = converse(attacked, request(target=b"/healthz", version=b"HTTP/1.0") + LAST)

    assert (heard.statuses, heard.owners) == ([200], ["first"])


def test_who_expects_to_be_told_to_go_on_is_told(attacked: Server, attacked_place: Place) -> None:
    headers = (b"Content-Length: %d" % len(DECISION), b"Expect: 100-continue")
    heard = converse(attacked, decision(attacked_place, *headers, body=DECISION) + LAST)

    assert (heard.statuses, heard.owners) == ([204, 200], ["first", "last"])


def test_pipelined_requests_of_two_tenants_each_get_their_own_answer(
    plain_server: Server, attacked_place: Place
) -> None:
    tokens = {TENANT: attacked_place.token, OTHER_TENANT: other_token(attacked_place)}
    target = b"/v1.0/security/secureScores?$select=id,azureTenantId"
    asked = [(TENANT, OTHER_TENANT)[number % 3 % 2] for number in range(60)]
    sent = b"".join(
        request(token=tokens[tenant], id=f"{number}", target=target) for number, tenant in enumerate(asked)
    )
    heard = converse(plain_server, sent + LAST)

    assert heard.owners == [*map(str, range(60)), "last"]
    for tenant, answer in zip(asked, heard.answers, strict=False):
        foreign = OTHER_TENANT if tenant == TENANT else TENANT
        assert tenant in answer.body.decode()
        assert foreign not in answer.body.decode()
