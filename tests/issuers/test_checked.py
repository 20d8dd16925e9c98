"""`stanchion check` of issuers: a line for each, of what came of asking it."""

import pytest

from tests.cli.checking import Line, check
from tests.cli.invoking import invoke
from tests.issuers.conftest import Issuers
from tests.issuers.standin import StandIn, document, down
from tests.serving.place import OTHER_TENANT, TENANT, Place


@pytest.fixture
def trusting(place: Place, issuers: Issuers) -> Place:
    """A place whose store trusts `harbour` for both tenants and `yard` for one."""
    add(place, issuers.harbour, TENANT, OTHER_TENANT)
    add(place, issuers.yard, OTHER_TENANT)
    return place


def add(place: Place, standin: StandIn, *tenants: str) -> None:
    """Add an issuer from the command line."""
    named = [word for tenant in tenants for word in ("--tenant", tenant)]
    added = invoke("issuer", "add", standin.url, "--audience", "stanchion", *named, *place.options)
    assert added.exit_code == 0, added.output


def asked(place: Place) -> dict[str | None, Line]:
    """Return the lines on issuers, by issuer."""
    _, lines = check(place)
    found = [line for line in lines if line.check == "issuers"]
    by_issuer = {line.subject: line for line in found}
    assert len(by_issuer) == len(found)
    return by_issuer


def test_an_issuer_that_answers_is_told_of_with_its_keys_and_tenants(
    trusting: Place, issuers: Issuers
) -> None:
    told = {issuer: (line.status, line.finding) for issuer, line in asked(trusting).items()}

    assert told == {
        issuers.harbour.url: ("ok", "It answers, with 2 keys for 2 tenants."),
        issuers.yard.url: ("ok", "It answers, with 1 keys for 1 tenants."),
    }


def test_an_issuer_that_is_down_fails_beside_one_that_answers(trusting: Place, issuers: Issuers) -> None:
    with down(issuers.harbour):
        found = asked(trusting)

    assert found.keys() == {issuers.harbour.url, issuers.yard.url}
    assert found[issuers.harbour.url].status == "failed"
    assert "cannot be reached" in found[issuers.harbour.url].finding
    assert found[issuers.yard.url][1:] == ("ok", issuers.yard.url, "It answers, with 1 keys for 1 tenants.")


def test_an_issuer_without_a_key_that_can_be_used_fails(trusting: Place, issuers: Issuers) -> None:
    issuers.harbour.answers[issuers.harbour.keys_path] = document({"keys": []})

    found = asked(trusting)

    assert [found[each.url].status for each in (issuers.harbour, issuers.yard)] == ["failed", "ok"]


def test_an_issuer_that_was_removed_is_not_asked(trusting: Place, issuers: Issuers) -> None:
    assert invoke("issuer", "remove", issuers.harbour.url, *trusting.options).exit_code == 0
    issuers.harbour.asked.clear()

    assert asked(trusting).keys() == {issuers.yard.url}
    assert issuers.harbour.asked == []
