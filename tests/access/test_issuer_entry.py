"""What may be an issuer, an audience and an address of keys, and what may not."""

from dataclasses import replace

import pytest

from stanchion.access.issuer_entry import (
    IssuerEntry,
    check_entry,
    parse_audiences,
    parse_issuer,
    parse_keys_url,
)
from stanchion.access.web_address import parse_web_address
from stanchion.errors import BadRequest, OperatorError
from tests.access.outside import AUDIENCE, ISSUER, KEYS_URL
from tests.access.workbench import TENANT

ENTRY = IssuerEntry(
    entry_id="7c1d",
    issuer=ISSUER,
    audiences=(AUDIENCE,),
    tenant_ids=(TENANT,),
    fleet_home=False,
    keys_url=KEYS_URL,
    discovered=True,
    created_ticks=0,
)


@pytest.mark.parametrize("text", ["global", "GLOBAL", "usgov", "china"])
def test_a_cloud_is_named_in_any_case(text: str) -> None:
    assert parse_issuer(text) == text.lower()


@pytest.mark.parametrize("text", [ISSUER, f"{ISSUER}/", "https://sso.example:8443", "https://[::1]/x"])
def test_an_issuer_is_taken_exactly_as_it_is(text: str) -> None:
    assert parse_issuer(text) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Known by name"),
        ("globel", "Did you mean 'global'"),
        ("sso.example/realms/quay", "https address"),
        ("http://sso.example", "must begin with https"),
        ("HTTPS://sso.example", "must begin with https"),
        ("https://", "cannot be used"),
        ("https://SSO.example", "in lower case"),
        ("https://user@sso.example", "cannot be used"),
        ("https://sso.example:0", "cannot be used"),
        ("https://sso.example:70000", "cannot be used"),
        ("https://sso.example:x", "cannot be used"),
        ("https://sso.example/#a", "cannot be used"),
        ("https://sso.example/\\@other.example", "cannot be used"),
        ("https://sso.example/a b", "cannot be used"),
        ("https://sso.exämple", "cannot be used"),
        ("https://[::1", "cannot be used"),
        ("https://[x]", "cannot be used"),
        (f"https://sso.example/{'a' * 2048}", "cannot be used"),
        ("https://sso.example/#", "cannot be used"),
        ("https://sso.example/?realm=quay", "no query"),
        ("https://sso.example/?", "no query"),
        ("https://sso.example?", "no query"),
        (f"https://login.microsoftonline.com/{TENANT}/v2.0", "by the name of its cloud"),
        (f"https://sts.windows.net/{TENANT}/", "by the name of its cloud"),
        (f"https://login.microsoftonline.com:443/{TENANT}/v2.0", "by the name of its cloud"),
        (f"https://login.chinacloudapi.cn/{TENANT}/v2.0", "by the name of its cloud"),
    ],
)
def test_what_cannot_be_an_issuer_is_refused(text: str, says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        parse_issuer(text)


def test_an_audience_counts_once_and_without_blanks() -> None:
    assert parse_audiences([" api://a ", "api://b", "api://a"]) == ("api://a", "api://b")


@pytest.mark.parametrize(
    ("audiences", "says"),
    [
        ([], "needs an audience"),
        ([" "], "printable"),
        (["a\nb"], "printable"),
        (["a" * 257], "printable"),
        (["api://a", "https://graph.microsoft.com/"], "Graph's own"),
    ],
)
def test_what_cannot_be_an_audience_is_refused(audiences: list[str], says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        parse_audiences(audiences)


@pytest.mark.parametrize(
    ("url", "issuer", "hosts"),
    [
        (KEYS_URL, ISSUER, ()),
        ("https://sso.example:443/keys", ISSUER, ()),
        ("https://sso.example:8443/keys?p=a", "https://sso.example:8443", ()),
        ("https://keys.example/a", ISSUER, ("other.example", "KEYS.example")),
        ("https://keys.example:8443/a", ISSUER, ("keys.example:8443",)),
        ("https://login.microsoftonline.com/x/discovery/v2.0/keys", "global", ()),
    ],
)
def test_keys_come_from_the_issuers_host_or_a_listed_one(
    url: str, issuer: str, hosts: tuple[str, ...]
) -> None:
    assert parse_keys_url(url, issuer=issuer, hosts=hosts) == url


@pytest.mark.parametrize(
    ("url", "issuer", "hosts"),
    [
        ("https://keys.example/a", ISSUER, ()),
        ("https://sso.example:8443/a", ISSUER, ()),
        ("https://sso.example.attacker.example/a", ISSUER, ()),
        ("https://keys.example:8443/a", ISSUER, ("keys.example",)),
        ("https://login.microsoftonline.us/a", "global", ()),
    ],
)
def test_keys_from_elsewhere_are_refused(url: str, issuer: str, hosts: tuple[str, ...]) -> None:
    with pytest.raises(BadRequest, match="--keys-host"):
        parse_keys_url(url, issuer=issuer, hosts=hosts)


@pytest.mark.parametrize(
    "host", ["", "https://keys.example", "keys.example/a", "user@keys.example", "a b", "keys.example:x", "*"]
)
def test_a_host_of_keys_that_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(BadRequest, match="is no host of keys") as caught:
        parse_keys_url(KEYS_URL, issuer=ISSUER, hosts=(host,))
    assert caught.value.target == "keys-host"


@pytest.mark.parametrize("url", ["http://sso.example/a", "file:///etc/passwd", "https://sso.example/#a"])
def test_keys_by_another_scheme_or_an_odd_address_are_refused(url: str) -> None:
    with pytest.raises(BadRequest):
        parse_keys_url(url, issuer=ISSUER, hosts=("sso.example",))


def test_a_message_shows_no_password_of_an_address() -> None:
    with pytest.raises(BadRequest, match=r"https://u:\*\*\*@sso\.example") as caught:
        parse_web_address("https://u:hunter2@sso.example/", of="issuer")
    assert "hunter2" not in caught.value.message


def test_a_message_shows_no_more_than_a_line_of_an_address() -> None:
    with pytest.raises(BadRequest) as caught:
        parse_web_address("ftp://" + "a" * 500 + "\n", of="issuer")
    assert len(caught.value.message) < 200
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "entry",
    [
        replace(ENTRY, audiences=("https://graph.microsoft.com",)),
        replace(ENTRY, issuer="mars"),
        replace(ENTRY, issuer=f"https://sts.windows.net/{TENANT}/"),
        replace(ENTRY, keys_url="http://sso.example/certs"),
    ],
)
def test_an_entry_that_no_command_would_have_made_is_not_used(entry: IssuerEntry) -> None:
    with pytest.raises(OperatorError, match="stanchion issuer remove 7c1d"):
        check_entry(entry)


def test_a_good_entry_is_used() -> None:
    check_entry(ENTRY)
