"""Discovery and probes: where an issuer says that its keys are, and whether it answers now."""

import asyncio
from dataclasses import replace

import pytest

from stanchion.access.discovery import discover, discovery_url
from stanchion.access.issuer_document import IssuerFault
from stanchion.access.issuer_probe import ProbeResult, probe
from tests.access.outside import (
    DISCOVERY_URL,
    ISSUER,
    KEYS_URL,
    discovery,
    documents,
    key_set,
    published,
    rsa,
)
from tests.access.test_issuer_entry import ENTRY


@pytest.mark.parametrize("issuer", [ISSUER, f"{ISSUER}/"])
def test_the_document_is_below_the_issuer(issuer: str) -> None:
    assert discovery_url(issuer) == DISCOVERY_URL


def test_discovery_says_where_the_keys_are() -> None:
    assert asyncio.run(discover(ISSUER, fetch=documents())) == KEYS_URL


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (b"<html>", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (discovery(issuer=f"{ISSUER}/"), f"speaks for '{ISSUER}/'"),
        (discovery(issuer=ISSUER.upper()), "must be equal"),
        (discovery(issuer=None), "speaks for nobody"),
        (discovery(issuer=[ISSUER]), "speaks for nobody"),
        (discovery(jwks_uri=None), "jwks_uri"),
        (discovery(jwks_uri=[KEYS_URL]), "jwks_uri"),
    ],
)
def test_a_document_that_is_not_the_issuers_is_a_fault(document: bytes, says: str) -> None:
    serving = documents()
    serving.served[DISCOVERY_URL] = document
    with pytest.raises(IssuerFault, match=says):
        asyncio.run(discover(ISSUER, fetch=serving))


def test_a_probe_counts_the_keys_that_can_be_used() -> None:
    result = asyncio.run(probe(ENTRY, fetch=documents()))
    assert (result, result.ok) == (ProbeResult(2), True)


def test_a_probe_tells_what_is_wrong_with_the_keys() -> None:
    serving = documents()
    serving.served[KEYS_URL] = key_set()
    result = asyncio.run(probe(ENTRY, fetch=serving))
    assert not result.ok
    assert result.keys == 0
    assert "no key that can be used" in (result.fault or "")


def test_a_probe_tells_of_a_discovery_that_fails_or_names_other_keys() -> None:
    serving = documents()
    serving.served[DISCOVERY_URL] = discovery(jwks_uri="https://sso.example/new")
    result = asyncio.run(probe(ENTRY, fetch=serving))
    assert result.keys == 2
    assert "'https://sso.example/new'" in (result.fault or "")
    serving.served[DISCOVERY_URL] = IssuerFault("It is down.")
    assert asyncio.run(probe(ENTRY, fetch=serving)) == ProbeResult(2, "It is down.")


def test_a_probe_repeats_what_an_issuer_names_on_one_short_line() -> None:
    serving = documents()
    serving.served[DISCOVERY_URL] = discovery(jwks_uri="https://a\n\x1b[2J" + "b" * 5000)
    fault = asyncio.run(probe(ENTRY, fetch=serving)).fault or ""
    assert fault.isprintable()
    assert len(fault) < 400


def test_a_probe_asks_for_discovery_only_where_that_named_the_keys() -> None:
    serving = documents()
    assert asyncio.run(probe(replace(ENTRY, discovered=False), fetch=serving)).ok
    assert serving.asked == [KEYS_URL]


def test_a_probe_of_a_weak_issuer_counts_its_strong_keys() -> None:
    serving = documents()
    serving.served[KEYS_URL] = key_set(published(rsa("weak", bits=1024)), published(rsa("one")))
    assert asyncio.run(probe(ENTRY, fetch=serving)) == ProbeResult(1)
