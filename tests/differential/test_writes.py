"""Writes one after the other, and all that can be asked about them: the same bytes from both databases."""

import pytest

from stanchion.model.edm import CONTROL_PROFILES
from stanchion.model.json_text import JsonObject
from tests.conftest import MICROSOFT, ORIGIN, OTHER_TENANT, TENANT, control
from tests.differential.hard import BETA, CONTROLS, controls
from tests.differential.twins import Twins

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

DECISION: JsonObject = {"comment": "é \U0001f600 it's", "vendorInformation": MICROSOFT}


async def test_a_control_decided_about_merged_and_deleted(twins: Twins) -> None:
    made = await twins.ask("POST", BETA, json=control("a", open={"é": [1, 1.0, 1e-7, None]}))
    assert made.status_code == 201
    first = made.headers["etag"]
    assert (await twins.ask("POST", BETA, json=control("a"))).status_code == 409
    for body in (DECISION, {**DECISION, "state": "Ignored"}, DECISION, {}, {"state": "nothing"}, {"rank": 3}):
        for prefer in ("return=minimal", "return=representation"):
            await twins.ask("PATCH", f"{CONTROLS}/a", json=body, headers={"Prefer": prefer})
    assert (
        await twins.ask("PATCH", f"{BETA}/a", json=DECISION, headers={"If-Match": first})
    ).status_code == 412
    current = (await twins.ask("GET", f"{BETA}/a")).headers["etag"]
    assert (await twins.ask("GET", f"{BETA}/a", headers={"If-None-Match": current})).status_code == 304
    await twins.ask("PATCH", f"{BETA}/a", json={"comment": "x"}, headers={"If-Match": current})
    await twins.ask("GET", f"{BETA}/a/controlStateUpdates")
    await twins.ask("GET", f"{BETA}?$filter=controlStateUpdates/any(u:u/comment%20eq%20'x')")
    await twins.ask("DELETE", f"{BETA}/a", headers={"If-Match": first})
    await twins.ask("DELETE", f"{BETA}/a")
    await twins.ask("GET", f"{BETA}/a")
    await twins.ask("POST", BETA, json=control("a"))
    await twins.ask("GET", f"{BETA}/a")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"id":"a","id":"b"}',
        b'{"id":"nul\\u0000"}',
        b'{"id":"\\ud800"}',
        b'{"id":"\xff"}',
        b'{"id":"a","open":"\\ud83d\\ude00"}',
        b'{"id":"b","open":{"nul\\u0000":1}}',
        b'{"id":"c","maxScore":1e400}',
        b'{"id":"d","maxScore":1E+2,"rank":-0}',
        b'{"id":"e","open":[' + b"[" * 200 + b"]" * 200 + b"]}",
        b'{"id":"","title":"empty"}',
        b'{"id":"' + b"x" * 3000 + b'"}',
        b'{"id":"f","open":0.1000000000000000055511151231257827}',
        b'{"id":"g","lastModifiedDateTime":"2026-02-30T00:00:00Z"}',
        b'{"id":"h","lastModifiedDateTime":"9999-12-31T23:59:59.99999999Z"}',
        b'{"id":"i","title":"' + b"\\u00e9" * 20_000 + b'"}',
    ],
)
async def test_a_body_is_taken_or_refused_alike(twins: Twins, content: bytes) -> None:
    await twins.ask("POST", BETA, content=content, headers={"Content-Type": "application/json"})
    await twins.ask("GET", f"{BETA}?$count=true&$orderby=title")
    await twins.ask("PATCH", f"{BETA}/a", content=content, headers={"Content-Type": "application/json"})


async def test_rounds_of_changes_with_deletions_between_them(twins: Twins) -> None:
    twins.add(*(control(f"c{number}") for number in range(7)))
    page = (await twins.ask("GET", f"{CONTROLS}/delta?$top=3")).json()
    await twins.ask("DELETE", f"{BETA}/c1")
    await twins.ask("DELETE", f"{BETA}/c6")
    await twins.ask("POST", BETA, json=control("a0"))
    rounds = 0
    while rounds < 12:
        rounds += 1
        link = page.get("@odata.nextLink") or page["@odata.deltaLink"]
        if rounds == 8:
            await twins.ask("PATCH", f"{CONTROLS}/c2", json=DECISION)
            await twins.ask("DELETE", f"{BETA}/a0")
        page = (await twins.ask("GET", link.removeprefix(ORIGIN))).json()
    await twins.ask("GET", f"{CONTROLS}/delta?$deltatoken=latest")
    await twins.ask("GET", f"{CONTROLS}/delta?$select=id,title&$top=2")


async def test_pages_of_hard_values_lead_through_all_of_them_in_every_order(twins: Twins) -> None:
    for made in controls():
        await twins.ask("POST", BETA, json=made)
    orders = (
        "title",
        "title desc",
        "remediation",
        "maxScore desc,title",
        "deprecated,rank desc",
        "lastModifiedDateTime",
    )
    count = int((await twins.ask("GET", f"{CONTROLS}/$count")).text)
    for order in orders:
        path = f"{CONTROLS}?$top=7&$orderby={order.replace(' ', '%20')}"
        found = [str(each["id"]) for each in await twins.follow(path)]
        assert len(found) == len(set(found)) == count, order


async def test_a_batch_of_reads_and_writes(twins: Twins) -> None:
    twins.add(control("a"), control("b"))
    vendor: JsonObject = {"provider": "SecureScore", "vendor": "Microsoft"}
    json: JsonObject = {"Content-Type": "application/json"}
    path = "/security/secureScoreControlProfiles"
    requests: list[JsonObject] = [
        {"id": "1", "method": "GET", "url": f"{path}?$orderby=id&$count=true"},
        {"id": "2", "method": "PATCH", "url": f"{path}/a", "headers": json, "body": {"comment": "1", "vendorInformation": vendor}},
        {"id": "3", "method": "GET", "url": f"{path}/a", "dependsOn": ["2"]},
        {"id": "4", "method": "GET", "url": f"{path}/nothing"},
        {"id": "5", "method": "GET", "url": f"{path}/b", "dependsOn": ["4"]},
        {"id": "6", "method": "GET", "url": f"{path}?$filter=title eq null or nope"},
        {"id": "7", "method": "DELETE", "url": f"{path}/b", "dependsOn": ["5"]},
    ]  # fmt: skip
    for root in ("v1.0", "beta"):
        answer = await twins.ask("POST", f"/{root}/$batch", json={"requests": requests})
        assert answer.status_code == 200


async def test_another_tenant_and_one_who_may_only_read(twins: Twins) -> None:
    twins.add(control("a"))
    theirs = twins.sqlite.token(tenant=OTHER_TENANT)
    reads = twins.sqlite.token("SecurityEvents.Read.All")
    for token in (theirs, reads, "nothing", "a.b.c"):
        await twins.ask("GET", CONTROLS, token=token)
        await twins.ask("GET", f"{CONTROLS}/a", token=token)
        await twins.ask("PATCH", f"{CONTROLS}/a", token=token, json=DECISION)
        await twins.ask("GET", f"{CONTROLS}/delta", token=token)
    await twins.ask("POST", BETA, token=theirs, json=control("a", azureTenantId=TENANT))
    stored = [await api.stored("a", entity_set=CONTROL_PROFILES) for api in (twins.sqlite, twins.postgresql)]
    assert stored[0] == stored[1]
