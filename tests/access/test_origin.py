"""Origins: which addresses this server speaks for, and who may say how a request came."""

from collections.abc import Callable

import pytest

from stanchion.access.origin import Arrival, Origins
from stanchion.errors import BadRequest, MisdirectedRequest, OperatorError
from stanchion.web.cors import Cors

PUBLIC = Origins(
    ["https://Score.example/", "https://score.example:8443"], trusted_proxies=["10.0.0.0/8", "::1"]
)
LOCAL = Origins()


@pytest.mark.parametrize(
    ("scheme", "host", "origin"),
    [
        ("http", "localhost:8080", "http://localhost:8080"),
        ("http", "LOCALHOST", "http://localhost"),
        ("http", "127.0.0.1:80", "http://127.0.0.1"),
        ("https", "[::1]:443", "https://[::1]"),
        ("https", "localhost:1", "https://localhost:1"),
    ],
)
def test_without_a_public_url_loopback_is_spoken_for(scheme: str, host: str, origin: str) -> None:
    assert LOCAL.origin(Arrival(scheme, host, "127.0.0.1")) == origin


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("score.example", "https://score.example"),
        ("SCORE.example:443", "https://score.example"),
        ("score.example:8443", "https://score.example:8443"),
    ],
)
def test_each_public_url_is_spoken_for(host: str, origin: str) -> None:
    assert PUBLIC.origin(Arrival("https", host, "192.0.2.1")) == origin


@pytest.mark.parametrize(
    ("origins", "scheme", "host", "setting"),
    [
        (LOCAL, "http", "score.example", "--public-url"),
        (LOCAL, "http", "localhost.score.example", "--public-url"),
        (LOCAL, "http", "127.0.0.2", "--public-url"),
        (PUBLIC, "https", "localhost:8080", "--public-url"),
        (PUBLIC, "https", "score.example:9000", "--public-url"),
        (PUBLIC, "http", "score.example", "--trusted-proxy"),
    ],
)
def test_any_other_is_misdirected_and_the_setting_named(
    origins: Origins, scheme: str, host: str, setting: str
) -> None:
    with pytest.raises(MisdirectedRequest, match=setting):
        origins.origin(Arrival(scheme, host, "192.0.2.1"))


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a b",
        "user@localhost",
        "localhost/x",
        "localhost:",
        "localhost:0",
        "localhost:65536",
        "[",
        "\u00e9.example",
    ],
)
def test_a_host_that_is_none_is_a_bad_request(host: str) -> None:
    with pytest.raises(BadRequest):
        LOCAL.origin(Arrival("http", host, "127.0.0.1"))


@pytest.mark.parametrize("peer", ["10.1.2.3", "::ffff:10.1.2.3", "::1"])
def test_a_trusted_proxy_says_how_a_request_came(peer: str) -> None:
    arrival = Arrival("http", "inside:80", peer, forwarded_proto="https", forwarded_host="score.example, x")
    assert PUBLIC.origin(arrival) == "https://score.example"


@pytest.mark.parametrize("peer", ["192.0.2.1", "", "unix"])
def test_nobody_else_says_how_a_request_came(peer: str) -> None:
    arrival = Arrival("http", "inside:80", peer, forwarded_proto="https", forwarded_host="score.example")
    with pytest.raises(MisdirectedRequest):
        PUBLIC.origin(arrival)


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", None, "10.0.0.1"),
    ],
)
def test_the_address_is_the_nearest_that_is_no_proxy(
    peer: str, forwarded_for: str | None, address: str
) -> None:
    assert PUBLIC.client_address(Arrival("http", "a", peer, forwarded_for=forwarded_for)) == address


def test_tokens_name_the_first_public_url_or_else_what_was_asked() -> None:
    assert PUBLIC.token_origin("https://score.example:8443") == "https://score.example"
    assert LOCAL.token_origin("http://localhost:8080") == "http://localhost:8080"


@pytest.mark.parametrize(
    "url",
    ["", "score.example", "ftp://score.example", "https://score.example/path", "https://u@h", "https://h:0"],
)
def test_a_public_url_that_is_no_origin_is_refused(url: str) -> None:
    with pytest.raises(OperatorError, match="public URL"):
        Origins([url])


@pytest.mark.parametrize(
    "make", [lambda url: Origins([url]), lambda url: Origins(trusted_proxies=[url]), lambda url: Cors([url])]
)
def test_a_refusal_tells_no_password(make: Callable[[str], object]) -> None:
    with pytest.raises(OperatorError, match=r"https://u:\*\*\*@h\.example") as raised:
        make("https://u:hunter2@h.example/")

    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("proxy", ["", "proxy.example", "10.0.0.1/8", "10.0.0.0/33"])
def test_a_proxy_that_is_no_address_is_refused(proxy: str) -> None:
    with pytest.raises(OperatorError, match="trusted proxy"):
        Origins(trusted_proxies=[proxy])
