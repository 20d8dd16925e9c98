"""What an operator does about issuers: adding, listing, removing, and what stands in the chain of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from stanchion.access.issuer_administration import AddIssuer
from stanchion.access.issuer_document import IssuerFault
from stanchion.access.issuer_entry import IssuerEntry
from stanchion.access.issuers import IssuerWish, add_issuer, check_issuers, list_issuers, remove_issuer
from stanchion.access.operator import new_id
from stanchion.errors import BadRequest, Conflict, NotFound, OperatorError
from stanchion.store import STORE_CHAIN
from tests.access.outside import (
    AUDIENCE,
    DISCOVERY_URL,
    ENTRA_KEYS_URL,
    ISSUER,
    KEYS_URL,
    Documents,
    added,
    discovery,
    documents,
)
from tests.access.test_operator import operations
from tests.access.workbench import OPERATOR, OTHER_TENANT, TENANT, Bench


@pytest.fixture
def fetch() -> Documents:
    return documents()


def refusal(bench: Bench, fetch: Documents, **wish: object) -> str:
    """Return why an issuer is not added."""
    with pytest.raises((BadRequest, NotFound)) as caught:
        added(bench, fetch, **wish)
    assert list_issuers(bench.store) == []
    return caught.value.message


def test_an_issuer_by_its_address_has_its_keys_where_discovery_says(bench: Bench, fetch: Documents) -> None:
    entry = added(bench, fetch)
    assert (entry.issuer, entry.keys_url, entry.discovered) == (ISSUER, KEYS_URL, True)
    assert (entry.audiences, entry.tenant_ids, entry.fleet_home) == ((AUDIENCE,), (TENANT,), False)
    assert list_issuers(bench.store) == [entry]
    assert fetch.asked[0] == DISCOVERY_URL


def test_a_cloud_has_its_keys_where_it_always_has(bench: Bench, fetch: Documents) -> None:
    entry = added(bench, fetch, issuer="GLOBAL", tenants=(TENANT.upper(), TENANT, OTHER_TENANT))
    assert (entry.issuer, entry.keys_url, entry.discovered) == ("global", ENTRA_KEYS_URL, False)
    assert entry.tenant_ids == (TENANT, OTHER_TENANT)
    assert fetch.asked == [ENTRA_KEYS_URL]


def test_a_named_address_of_keys_needs_no_discovery(bench: Bench, fetch: Documents) -> None:
    fetch.served[DISCOVERY_URL] = IssuerFault("It is down.")
    assert added(bench, fetch, keys_url=KEYS_URL).keys_url == KEYS_URL


def test_adding_and_removing_are_in_the_stores_own_chain(bench: Bench, fetch: Documents) -> None:
    before = operations(bench, STORE_CHAIN)
    entry = added(bench, fetch)
    remove_issuer(bench.store, entry.entry_id, actor=OPERATOR)
    assert operations(bench, STORE_CHAIN) == [
        *before,
        ("issuer.add", "operator:tester"),
        ("issuer.remove", "operator:tester"),
    ]
    assert list_issuers(bench.store) == []


def test_keys_that_cannot_be_had_are_warned_of(bench: Bench, fetch: Documents) -> None:
    fetch.served[KEYS_URL] = IssuerFault("It is down.")
    wish = IssuerWish(ISSUER, (AUDIENCE,), (TENANT,))
    made = asyncio.run(add_issuer(bench.store, wish, actor=OPERATOR, fetch=fetch))
    assert made.warnings == ("It was added, but: It is down. It is asked again when a token comes.",)


@pytest.mark.parametrize(
    ("served", "says"),
    [
        (IssuerFault("It is down."), "It is down. .* --keys-url"),
        (discovery(issuer="https://other.example"), "speaks for 'https://other.example'"),
        (b"<html>", "not a JSON object"),
    ],
)
def test_an_issuer_whose_discovery_fails_is_not_added(
    bench: Bench, fetch: Documents, served: bytes | IssuerFault, says: str
) -> None:
    fetch.served[DISCOVERY_URL] = served
    with pytest.raises(OperatorError, match=says):
        added(bench, fetch)
    assert list_issuers(bench.store) == []


def test_an_issuer_whose_keys_are_elsewhere_is_added_only_when_the_host_is_listed(
    bench: Bench, fetch: Documents
) -> None:
    fetch.served[DISCOVERY_URL] = discovery(jwks_uri="https://keys.example/certs")
    assert "--keys-host" in refusal(bench, fetch)
    assert added(bench, fetch, keys_hosts=("keys.example",)).keys_url == "https://keys.example/certs"


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"tenants": ()}, "name one at least"),
        ({"tenants": ("contoso",)}, "not a tenant id"),
        ({"tenants": (STORE_CHAIN,)}, "reserved"),
        ({"tenants": ("9188040d-6c67-4c5b-b112-36a304b66dad",)}, "reserved"),
        ({"tenants": (TENANT, "abc")}, "no tenant abc; `stanchion tenant add`"),
        ({"audiences": ()}, "audience"),
        ({"audiences": ("https://graph.microsoft.com",)}, "Graph's own"),
        ({"issuer": "http://sso.example"}, "https"),
        ({"keys_url": "http://sso.example/certs"}, "https"),
    ],
)
def test_a_wish_that_may_not_be_is_refused(
    bench: Bench, fetch: Documents, wish: dict[str, object], says: str
) -> None:
    assert says in refusal(bench, fetch, **wish)


def test_an_issuer_speaks_for_a_tenant_by_one_entry(bench: Bench, fetch: Documents) -> None:
    entry = added(bench, fetch)
    with pytest.raises(Conflict, match=entry.entry_id):
        added(bench, fetch, tenants=(OTHER_TENANT, TENANT))
    other = added(bench, fetch, tenants=(OTHER_TENANT,), fleet_home=True)
    assert list_issuers(bench.store) == [entry, other]


def test_two_clouds_do_not_share_a_tenant(bench: Bench, fetch: Documents) -> None:
    added(bench, fetch, issuer="global")
    with pytest.raises(Conflict, match="The issuer global"):
        added(bench, fetch, issuer="usgov")
    added(bench, fetch, issuer="china")


def test_an_issuer_that_was_removed_can_be_added_anew(bench: Bench, fetch: Documents) -> None:
    first = added(bench, fetch)
    remove_issuer(bench.store, ISSUER, actor=OPERATOR)
    second = added(bench, fetch, audiences=("api://new",))
    assert second.entry_id != first.entry_id
    assert list_issuers(bench.store) == [second]


def test_an_issuer_is_removed_by_its_name_as_long_as_it_has_one_entry(bench: Bench, fetch: Documents) -> None:
    entries = [added(bench, fetch, issuer="global", tenants=(each,)) for each in (TENANT, OTHER_TENANT)]
    with pytest.raises(BadRequest, match=entries[1].entry_id):
        remove_issuer(bench.store, "global", actor=OPERATOR)
    remove_issuer(bench.store, entries[0].entry_id.upper(), actor=OPERATOR)
    assert remove_issuer(bench.store, "Global", actor=OPERATOR).entry_id == entries[1].entry_id
    with pytest.raises(NotFound, match="stanchion issuer list"):
        remove_issuer(bench.store, "global", actor=OPERATOR)


def test_an_entry_that_may_not_be_used_keeps_a_server_from_starting(bench: Bench, fetch: Documents) -> None:
    entry = added(bench, fetch)
    check_issuers(bench.store)
    _write(bench, replace(entry, entry_id="bad", issuer="china", audiences=("https://graph.microsoft.com",)))
    with pytest.raises(OperatorError, match="issuer remove bad"):
        check_issuers(bench.store)
    remove_issuer(bench.store, "bad", actor=OPERATOR)
    check_issuers(bench.store)


def test_an_entry_that_may_not_be_used_is_not_used_by_a_running_server(
    bench: Bench, fetch: Documents, caplog: pytest.LogCaptureFixture
) -> None:
    entries: Sequence[IssuerEntry] = (added(bench, fetch),)
    _write(bench, replace(entries[0], entry_id="bad", issuer="venus"))
    bench.directory.reread()
    assert bench.directory.issuers().entry_ids == {entries[0].entry_id}
    assert "The issuer venus is not used." in caplog.text


def _write(bench: Bench, entry: IssuerEntry) -> None:
    bench.store.run(AddIssuer(entry=entry, actor=OPERATOR, command_id=new_id()))
