"""Good tokens of each shape: what they may do, and whom the ledger names."""

import time
from collections.abc import Callable

import pytest

from stanchion.access.caller import Caller
from stanchion.access.directory import Directory
from stanchion.access.origin import Origins
from stanchion.access.token import TokenVerifier
from stanchion.ledger.changes import Actor
from tests.conftest import OTHER_TENANT, TENANT
from tests.issuers.minting import (
    APP,
    PERSON,
    READ_ALL,
    READ_WRITE_ALL,
    SECURITY_READER,
    UPN,
    changed,
    token,
)
from tests.issuers.scene import CONTROL, HARBOUR_EC_KEY, YARD_KEY, Scene, bearing, now

pytestmark = pytest.mark.anyio

SHAPES: dict[str, tuple[Callable[[Scene], str], str]] = {
    "Entra v1.0, an application": (lambda scene: scene.entra_v1(), APP),
    "Entra v1.0, a person": (lambda scene: scene.entra_v1("delegated"), UPN),
    "Entra v2.0, an application": (lambda scene: scene.entra_v2(), APP),
    "Entra v2.0, a person": (lambda scene: scene.entra_v2("delegated"), UPN),
    "Keycloak, an application": (lambda scene: scene.token(), "service-account-nightly-report"),
    "Keycloak, an application without a name": (
        lambda scene: scene.token(preferred_username=...),
        "nightly-report",
    ),
    "Keycloak, a person with roles": (lambda scene: scene.token(preferred_username="ada"), "ada"),
    "Keycloak, a person with scopes": (
        lambda scene: token(scene.claims("delegated"), HARBOUR_EC_KEY),
        "ada",
    ),
}


@pytest.mark.parametrize(("make", "shown"), SHAPES.values(), ids=SHAPES)
async def test_a_good_token_reads_and_writes_and_is_named(
    scene: Scene, make: Callable[[Scene], str], shown: str
) -> None:
    good = make(scene)
    assert (await scene.send(bearing(good))).status_code == 204
    read = await scene.send(bearing(good, method="GET"))
    assert read.json()["controlStateUpdates"][0]["updatedBy"] == shown


async def caller_of(scene: Scene, sent_token: str) -> Caller:
    """Return whom the server's verifier takes for the caller."""
    store = scene.api.store
    verifier = TokenVerifier(
        Directory(store, clock=time.monotonic), origins=Origins(), store_id=store.store_id
    )
    return await verifier.caller([f"Bearer {sent_token}"], now_seconds=time.time())


async def test_the_change_names_a_person_by_issuer_tenant_and_object_id(scene: Scene) -> None:
    caller = await caller_of(scene, scene.entra_v2("delegated"))
    issuer = f"https://login.microsoftonline.com/{TENANT}/v2.0"
    assert caller.actor == Actor(issuer=issuer, tenant_id=TENANT, name=UPN, oid=PERSON, appid=None)


async def test_the_change_names_a_person_of_keycloak_by_the_subject(scene: Scene) -> None:
    caller = await caller_of(scene, scene.token(preferred_username="ada"))
    expected = Actor(issuer=scene.harbour.url, tenant_id=TENANT, name="ada", oid=PERSON, appid=None)
    assert caller.actor == expected


async def test_the_change_names_an_application_by_its_id(scene: Scene) -> None:
    caller = await caller_of(scene, scene.entra_v1())
    issuer = f"https://sts.windows.net/{TENANT}/"
    assert caller.actor == Actor(issuer=issuer, tenant_id=TENANT, name=APP, oid=None, appid=APP)


@pytest.mark.parametrize(
    ("scope", "wids", "statuses"),
    [
        (READ_ALL, [SECURITY_READER], (200, 403)),
        (READ_WRITE_ALL, [SECURITY_READER], (200, 403)),
        (f"User.Read {READ_WRITE_ALL}", ["194AE4CB-B126-40B2-BD5B-6091B380977D"], (200, 204)),
        (READ_WRITE_ALL, ["62e90394-69f5-4237-9190-012177145e10"], (200, 204)),
        (READ_WRITE_ALL, [], (403, 403)),
        (READ_WRITE_ALL, ..., (403, 403)),
        ("User.Read", ["194ae4cb-b126-40b2-bd5b-6091b380977d"], (403, 403)),
    ],
)
async def test_a_person_of_entra_needs_a_scope_and_a_directory_role(
    scene: Scene, scope: str, wids: object, statuses: tuple[int, int]
) -> None:
    for make in (scene.entra_v1, scene.entra_v2):
        good = make("delegated", scp=scope, wids=wids)
        assert (await scene.status(good), await scene.status(good, method="PATCH")) == statuses


async def test_a_person_of_another_issuer_needs_a_scope_alone(scene: Scene) -> None:
    reading = token(scene.claims("delegated", scp=READ_ALL), HARBOUR_EC_KEY)
    assert await scene.status(reading) == 200
    assert await scene.status(reading, method="PATCH") == 403


async def test_an_application_of_entra_needs_no_directory_role(scene: Scene) -> None:
    assert await scene.status(scene.entra_v2(roles=[READ_ALL])) == 200


async def test_a_tenant_in_capital_letters_is_the_same_tenant(scene: Scene) -> None:
    assert await scene.status(scene.token(tid=TENANT.upper())) == 200
    assert await scene.status(scene.entra_v2(tid=TENANT.upper())) == 200


async def test_the_issuer_is_compared_letter_by_letter(scene: Scene) -> None:
    issuer = f"https://login.microsoftonline.com/{TENANT.upper()}/v2.0"
    assert await scene.status(scene.entra_v2(tid=TENANT.upper(), iss=issuer)) == 401


@pytest.mark.parametrize("audience", ["stanchion", ["stanchion"], ["account", "stanchion"]])
async def test_the_audience_may_be_one_of_several(scene: Scene, audience: object) -> None:
    assert await scene.status(scene.token(aud=audience)) == 200


async def test_a_token_of_a_day_is_good(scene: Scene) -> None:
    assert await scene.status(scene.entra_v2(exp=now() + 28 * 3600 - 300)) == 200


@pytest.mark.parametrize("skew", [{"exp": -30, "iat": -330}, {"iat": 30, "exp": 330}])
async def test_clocks_may_differ_by_a_minute(scene: Scene, skew: dict[str, int]) -> None:
    times = {name: now() + seconds for name, seconds in skew.items()}
    assert await scene.status(scene.token(**times)) == 200


async def test_two_issuers_with_a_key_of_the_same_name_are_kept_apart(scene: Scene) -> None:
    yard = token(scene.yard_claims(), YARD_KEY)
    assert await scene.status(scene.token()) == 200
    # The control is the other tenant's neighbour's, so this one does not see it.
    assert await scene.status(yard) == 404
    assert (await scene.send(bearing(yard, method="GET"))).json()["error"]["code"] == "ResourceNotFound"
    assert await scene.status(token(scene.yard_claims(tid=TENANT), YARD_KEY)) == 401
    assert await scene.status(scene.token(tid=OTHER_TENANT)) == 401


async def test_a_token_of_the_built_in_issuer_is_good_beside_the_others(scene: Scene) -> None:
    assert (await scene.api.send("GET", CONTROL)).status_code == 200


async def test_fleet_roles_mean_nothing_without_a_fleet_home(scene: Scene) -> None:
    caller = await caller_of(scene, scene.token(roles=[READ_ALL, "Ledger.Fleet.ReadWrite"]))
    assert caller.permissions == {READ_ALL}


async def test_claims_that_nobody_asked_for_are_left_alone(scene: Scene) -> None:
    claims = changed(scene.claims(), groups=["a"] * 200, amr=["pwd"], _claim_names={"groups": "src1"}, x=None)
    assert await scene.status(token(claims, HARBOUR_EC_KEY)) == 200
