"""API1:2023, broken object level authorization: to reach an object by naming it.

Here the objects are scores, control profiles and user profiles, each of one tenant and one provider. Whoever names
one of another tenant, or an app limited to a provider one of another provider, gets what they would get if it did
not exist: byte for byte, but for the id that they sent and the ids and dates of the answer. Nor is it changed.
"""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, USER_PROFILES, EntitySet
from stanchion.model.json_text import JsonObject
from tests.conftest import MICROSOFT, OTHER_TENANT, TENANT, Api
from tests.security.sameness import told
from tests.web.batching import batched
from tests.web.rows import PATHS

pytestmark = pytest.mark.anyio

# Of one length, and with a letter that can be encoded and one that has another case.
THEIRS, NOBODYS = "theirs-a", "nobody-a"
PROWLER: JsonObject = {"vendor": "Prowler", "provider": "prowler"}
SETS = (SECURE_SCORES, CONTROL_PROFILES, USER_PROFILES)
Asked: TypeAlias = tuple[str, str, JsonObject | None]

BODIES: dict[str, JsonObject] = {
    SECURE_SCORES.name: {"currentScore": 1.5},
    CONTROL_PROFILES.name: {"comment": "mine now", "vendorInformation": MICROSOFT},
    USER_PROFILES.name: {"displayName": "mine now"},
}
TYPES = {
    SECURE_SCORES.name: "secureScore",
    CONTROL_PROFILES.name: "secureScoreControlProfile",
    USER_PROFILES.name: "userSecurityProfile",
}

# How an object is named, and how each is asked: {path} is the set, {id} the object.
NAMES = {
    "segment": "{path}/{id}",
    "parentheses": "{path}('{id}')",
    "named key": "{path}(id='{id}')",
    "alias": "{path}(@k)?@k='{id}'",
    "encoded letter": "{path}/{id:encoded}",
    "set in capital letters": "{path:upper}/{id}",
    "slashes": "{path}//{id}/",
    "cast": "{path}/{id}/microsoft.graph.{type}",
    "property": "{path}/{id}/vendorInformation",
    "nested property": "{path}/{id}/vendorInformation/provider",
    "by itself": "{path}/{id}/vendorInformation/provider/$value",
    "the key itself": "{path}/{id}/id",
    "undeclared property": "{path}/{id}/unheardOf",
    "select": "{path}/{id}?$select=id",
    "format": "{path}/{id}?$format=application/json;odata.metadata=full",
}


def url(name: str, entity_set: EntitySet, id: str) -> str:
    path = PATHS[entity_set.name]
    head, last = path.rsplit("/", 1)
    return (
        NAMES[name]
        .replace("{path:upper}", f"{head}/{last.upper()}")
        .replace("{path}", path)
        .replace("{id:encoded}", id.replace("e", "%65"))
        .replace("{id}", id)
        .replace("{type}", TYPES[entity_set.name])
    )


@pytest.fixture
def two(api: Api) -> Api:
    """An object of each kind in the other tenant, and one of another provider in the caller's own."""
    for entity_set in SETS:
        api.add({"id": THEIRS, "vendorInformation": MICROSOFT}, entity_set=entity_set, tenant=OTHER_TENANT)
        api.add({"id": "microsofts", "vendorInformation": MICROSOFT}, entity_set=entity_set)
        api.add({"id": "prowlers", "vendorInformation": PROWLER}, entity_set=entity_set)
    return api


CALLERS: dict[str, Callable[[Api], str]] = {
    "an app": lambda api: api.token(),
    "a person": lambda api: api.token(upn="ada@example.com", roles=("Security Administrator",)),
    "an app of one provider": lambda api: api.token(provider="prowler"),
    "a reading app": lambda api: api.token("SecurityEvents.Read.All"),
}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("entity_set", SETS, ids=lambda each: each.name)
async def test_what_is_another_tenants_is_told_as_what_is_not_there(
    two: Api, entity_set: EntitySet, caller: str
) -> None:
    token = CALLERS[caller](two)
    before = await two.sequence(tenant=OTHER_TENANT)
    for name in NAMES:
        for method in ("GET", "HEAD", "PATCH", "DELETE", "POST", "PUT"):
            body = BODIES[entity_set.name] if method in {"PATCH", "POST", "PUT"} else None
            theirs = await two.send(method, url(name, entity_set, THEIRS), token=token, json=body)
            nobodys = await two.send(method, url(name, entity_set, NOBODYS), token=token, json=body)
            assert theirs.status_code in {403, 404, 405, 501}, (name, method, theirs.text)
            assert theirs.headers.get("content-length") == nobodys.headers.get("content-length")
            ids = (THEIRS, NOBODYS)
            assert told(theirs, *ids) == told(nobodys, *ids), (name, method)
    assert await two.sequence(tenant=OTHER_TENANT) == before


@pytest.mark.parametrize("entity_set", SETS, ids=lambda each: each.name)
async def test_what_is_another_providers_is_told_as_what_is_not_there(
    two: Api, entity_set: EntitySet
) -> None:
    token, before = two.token(provider="prowler"), await two.sequence()
    for name in NAMES:
        for method in ("GET", "HEAD", "PATCH", "DELETE"):
            # A limited app may not write as Microsoft, whatever it names: that is 403 before anything is looked for.
            body = None
            if method == "PATCH":
                body = {**BODIES[entity_set.name], "vendorInformation": PROWLER}
            theirs = await two.send(method, url(name, entity_set, "microsofts"), token=token, json=body)
            nobodys = await two.send(method, url(name, entity_set, "nobodys--a"), token=token, json=body)
            ids = ("microsofts", "nobodys--a")
            assert theirs.status_code in {404, 405}, (name, method, theirs.text)
            assert told(theirs, *ids) == told(nobodys, *ids), (name, method)
    assert await two.sequence() == before


@pytest.mark.parametrize("caller", CALLERS)
async def test_a_batch_reaches_no_further_than_its_requests(two: Api, caller: str) -> None:
    token = CALLERS[caller](two)
    asked: list[Asked] = [
        (
            method,
            url(name, entity_set, id).partition("/v1.0")[2],
            BODIES[entity_set.name] if method == "PATCH" else None,
        )
        for entity_set in (SECURE_SCORES, CONTROL_PROFILES)
        for name in ("segment", "parentheses", "alias", "nested property")
        for method in ("GET", "PATCH")
        for id in (THEIRS, NOBODYS)
    ]
    replies: list[tuple[int, str]] = []
    for start in range(0, len(asked), 20):
        requests: list[JsonObject] = [
            {
                "id": str(number),
                "method": method,
                "url": path,
                **({"body": body, "headers": {"Content-Type": "application/json"}} if body else {}),
            }
            for number, (method, path, body) in enumerate(asked[start : start + 20])
        ]
        for each in await batched(two, *requests, token=token):
            error = each["body"]["error"]
            replies.append(
                (each["status"], error["message"].replace(THEIRS, "{id}").replace(NOBODYS, "{id}"))
            )
    assert replies[::2] == replies[1::2]
    assert {status for status, _ in replies} <= {403, 404, 405}


@pytest.mark.parametrize("entity_set", SETS, ids=lambda each: each.name)
async def test_lists_counts_and_filters_find_nothing_of_others(two: Api, entity_set: EntitySet) -> None:
    path = PATHS[entity_set.name]
    for query in (
        f"$filter=id eq '{THEIRS}'",
        f"$filter=contains(id,'theirs') or azureTenantId eq '{OTHER_TENANT}'",
        f"$filter=azureTenantId ne '{TENANT}'",
        "$filter=id eq 'theirs-a' or 1 eq 1 and startswith(id,'theirs')",
    ):
        listed = await two.send("GET", f"{path}?$count=true&{query}")
        assert (listed.status_code, listed.json()["value"], listed.json()["@odata.count"]) == (200, [], 0)
        assert (await two.send("GET", f"{path}/$count?{query}")).text == "0"
    for token, seen in (
        (two.token(), {"microsofts", "prowlers"}),
        (two.token(provider="prowler"), {"prowlers"}),
    ):
        for address in (
            path,
            f"{path}?$filter=not(id eq '{THEIRS}')",
            f"{path}/delta()",
            f"{path}?$orderby=id desc",
        ):
            page = (await two.send("GET", address, token=token)).json()
            assert {row["id"] for row in page["value"]} == seen, address


@pytest.mark.parametrize("entity_set", SETS, ids=lambda each: each.name)
async def test_links_of_others_lead_nowhere(two: Api, entity_set: EntitySet) -> None:
    path, other = PATHS[entity_set.name], two.token(tenant=OTHER_TENANT)
    two.add({"id": "theirs-b", "vendorInformation": MICROSOFT}, entity_set=entity_set, tenant=OTHER_TENANT)
    next_link = (await two.send("GET", f"{path}?$top=1", token=other)).json()["@odata.nextLink"]
    delta_link = (await two.send("GET", f"{path}/delta()", token=other)).json()["@odata.deltaLink"]
    limited = two.token(provider="prowler")
    for token in (two.token(), limited):
        assert (await two.send("GET", next_link, token=token)).status_code == 400
        assert (await two.send("GET", delta_link, token=token)).status_code == 410
    # Nor does a link of an app that sees all serve one that does not.
    own_delta = (await two.send("GET", f"{path}/delta()")).json()["@odata.deltaLink"]
    own_next = (await two.send("GET", f"{path}?$top=1")).json()["@odata.nextLink"]
    assert (await two.send("GET", own_delta, token=limited)).status_code == 410
    replies = await two.send("GET", own_next, token=limited)
    assert "microsofts" not in replies.text


@pytest.mark.parametrize("entity_set", SETS, ids=lambda each: each.name)
async def test_nothing_is_written_into_another_tenant(two: Api, entity_set: EntitySet) -> None:
    path, before = PATHS[entity_set.name], await two.sequence(tenant=OTHER_TENANT)
    for tenant in (OTHER_TENANT, OTHER_TENANT.upper()):
        new: JsonObject = {"id": "new", "azureTenantId": tenant, "vendorInformation": MICROSOFT}
        assert (await two.send("POST", path, json=new)).status_code == 400
    # The same id in one's own tenant is another object.
    made = await two.send("POST", path, json={"id": THEIRS, "vendorInformation": MICROSOFT})
    assert made.status_code == 201
    assert await two.sequence(tenant=OTHER_TENANT) == before
    assert (await two.send("DELETE", f"{path}/{THEIRS}")).status_code == 204
    kept = await two.stored(THEIRS, entity_set=entity_set, tenant=OTHER_TENANT)
    assert kept is not None
