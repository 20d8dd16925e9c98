"""Permissions and roles: who may do what, and how operators name them."""

import pytest

from stanchion.access.caller import Caller
from stanchion.access.permission import PERMISSIONS, ROLES, Need, may, parse_permissions, parse_role, require
from stanchion.errors import BadRequest, Forbidden
from stanchion.ledger.changes import Actor

READ, WRITE = "SecurityEvents.Read.All", "SecurityEvents.ReadWrite.All"
IMPORT, FLEET_READ, FLEET_WRITE = "Ledger.Import", "Ledger.Fleet.Read", "Ledger.Fleet.ReadWrite"


def caller(*permissions: str, role: str | None = None, delegated: bool = False) -> Caller:
    return Caller(
        tenant_id="a",
        actor=Actor("iss", "a", "app"),
        app_id="app",
        permissions=frozenset(permissions),
        delegated=delegated,
        wids=frozenset() if role is None else frozenset({ROLES.get(role, role)}),
    )


@pytest.mark.parametrize(
    ("permission", "needs"),
    [
        (READ, {Need.READ}),
        (WRITE, {Need.READ, Need.WRITE}),
        (IMPORT, {Need.IMPORT}),
        (FLEET_READ, {Need.FLEET_READ}),
        (FLEET_WRITE, {Need.FLEET_READ, Need.FLEET_WRITE}),
        ("securityevents.read.all", set()),
        ("User.Read.All", set()),
    ],
)
def test_an_application_may_do_what_its_permission_allows(permission: str, needs: set[Need]) -> None:
    assert {need for need in Need if may(caller(permission), need)} == needs


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [
        ("Global Administrator", True, True),
        ("Security Administrator", True, True),
        ("Security Reader", True, False),
        ("Security Operator", True, False),
        ("Global Reader", True, False),
        ("fe930be7-5e62-47db-91af-98c3a49a38b1", False, False),
        (None, False, False),
    ],
)
def test_a_person_also_needs_a_role(role: str | None, *, reads: bool, writes: bool) -> None:
    person = caller(WRITE, role=role, delegated=True)
    assert may(person, Need.READ) is reads
    assert may(person, Need.WRITE) is writes


def test_a_role_without_the_permission_is_not_enough() -> None:
    assert not may(caller(READ, role="Global Administrator", delegated=True), Need.WRITE)


@pytest.mark.parametrize(
    ("who", "message"),
    [
        (caller(), "Either scp or roles claim need to be present in the token."),
        (caller(READ), f"This operation needs {WRITE}."),
        (caller(WRITE, delegated=True), "one of the roles Security Administrator, Global Administrator."),
        (caller(delegated=True), f"This operation needs {WRITE}."),
    ],
)
def test_a_refusal_names_what_is_missing(who: Caller, message: str) -> None:
    with pytest.raises(Forbidden) as caught:
        require(who, Need.WRITE)
    assert message in caught.value.message


def test_who_may_is_not_refused() -> None:
    assert may(caller(READ), Need.READ)
    require(caller(READ), Need.READ)


def test_permissions_are_named_in_any_case_and_kept_once() -> None:
    assert parse_permissions(["ledger.import", "Ledger.Import", READ]) == (IMPORT, READ)


@pytest.mark.parametrize("name", PERMISSIONS)
def test_every_permission_is_known(name: str) -> None:
    assert parse_permissions([name]) == (name,)


def test_an_unknown_permission_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadRequest, match=r"Did you mean 'SecurityEvents\.ReadWrite\.All'"):
        parse_permissions(["SecurityEvent.ReadWrite.All"])


@pytest.mark.parametrize("name", ["Security Administrator", "securityadministrator", "SecurityAdministrator"])
def test_a_role_is_named_in_any_case_with_or_without_blanks(name: str) -> None:
    assert parse_role(name) == ROLES["Security Administrator"]


def test_a_role_is_named_by_guid() -> None:
    assert parse_role("5F2222B1-57C3-48BA-8AD5-D4759F1FDE6F") == ROLES["Security Operator"]


def test_an_unknown_role_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadRequest, match="Did you mean 'Security Reader'"):
        parse_role("Security Readr")
