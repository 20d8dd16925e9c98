"""Where a request of a batch leads: below a root of this server, or nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanchion.errors import BadRequest, UriTooLong
from stanchion.odata.batch import target_of

OWN = frozenset({"https://posture.example.com", "http://127.0.0.1:8080"})


@pytest.mark.parametrize(
    ("url", "path", "query"),
    [
        ("/security/secureScores", b"/beta/security/secureScores", b""),
        ("security/secureScores", b"/beta/security/secureScores", b""),
        ("security/secureScores?$top=1&a?b", b"/beta/security/secureScores", b"$top=1&a?b"),
        ("/security/secureScores?%24top=1", b"/beta/security/secureScores", b"%24top=1"),
        ("/v1.0/security", b"/v1.0/security", b""),
        ("v1.0/security", b"/v1.0/security", b""),
        ("/BETA/security", b"/BETA/security", b""),
        ("/", b"/beta/", b""),
        ("?a=b", b"/beta/", b"a=b"),
        ("$metadata", b"/beta/$metadata", b""),
        ("/$batch", b"/beta/$batch", b""),
        ("https://posture.example.com/v1.0/security?x", b"/v1.0/security", b"x"),
        ("http://127.0.0.1:8080/beta", b"/beta", b""),
        ("/security?$filter=a eq 'ä\"'", b"/beta/security", b"$filter=a%20eq%20'%C3%A4\"'"),
        ("/a%2Fb%20c", b"/beta/a%2Fb%20c", b""),
        # Nothing here resolves dots: what has some names nothing, as it does in a request line.
        ("../healthz", b"/beta/../healthz", b""),
        ("/v1.0/../healthz", b"/v1.0/../healthz", b""),
        ("/%2e%2e/healthz", b"/beta/%2e%2e/healthz", b""),
        ("/healthz", b"/beta/healthz", b""),
        ("mailto:a@b", b"/beta/mailto:a@b", b""),
        ("https:evil.example.com", b"/beta/https:evil.example.com", b""),
    ],
)  # fmt: skip
def test_a_url_leads_below_a_root(url: str, path: bytes, query: bytes) -> None:
    assert target_of(url, root="beta", is_own=OWN.__contains__, max_bytes=8192) == (path, query)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/v1.0/security",
        "https://us@evil.example.com/v1.0",
        "https://posture.example.com@evil.example.com/v1.0",
        "https://posture.example.com:443@evil.example.com/v1.0",
        "https://posture.example.com.evil.example.com/v1.0",
        "http://posture.example.com/v1.0",
        "ftp://posture.example.com/v1.0",
        "file:///etc/passwd",
        "https:///v1.0",
        "//evil.example.com/v1.0",
        "//posture.example.com/v1.0",
        "///v1.0",
        "\\\\evil.example.com\\v1.0",
        "/\\evil.example.com/v1.0",
        "https://posture.example.com\\@evil.example.com/v1.0",
        "https://posture.example.com#@evil.example.com/v1.0",
        "https://posture.example.com",
        "https://posture.example.com/",
        "https://posture.example.com/healthz",
        "https://posture.example.com/tenant/oauth2/v2.0/token",
        "https://posture.example.com?/v1.0",
        "/security#fragment",
        "/security\r\nHost: evil",
        "/security\nX",
        "/security\x00",
        "/security\x7f",
        "\t/security",
    ],
)
def test_a_url_that_leads_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        target_of(url, root="v1.0", is_own=OWN.__contains__, max_bytes=8192)
    assert refusal.value.target == "url"
    assert refusal.value.message.isprintable()


@given(st.text(max_size=60))
def test_no_url_leads_out_of_the_roots(url: str) -> None:
    try:
        path, query = target_of(url, root="v1.0", is_own=OWN.__contains__, max_bytes=8192)
    except BadRequest:
        return
    assert path.lower().startswith((b"/v1.0", b"/beta", b"/%"))
    assert (path + query).isascii()
    assert not set(path + query) & {*range(0x21), 0x7F, *b"#\\"}


@pytest.mark.parametrize("url", ["/{}", "/security?{}", "https://posture.example.com/v1.0/{}"])
def test_a_url_that_is_too_long_is_refused_before_it_is_understood(url: str) -> None:
    with pytest.raises(UriTooLong):
        target_of(url.format("a/" * 2_000_000), root="v1.0", is_own=OWN.__contains__, max_bytes=8192)
