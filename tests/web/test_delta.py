"""`/delta()`: rounds of changes as clients follow them, and what they are told when they cannot go on."""

from typing import Any

import httpx
import pytest

from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, USER_PROFILES, EntitySet
from stanchion.model.json_text import JsonObject
from stanchion.settings import Settings
from tests.conftest import MICROSOFT, ORIGIN, OTHER_TENANT, TENANT, Api, Serve, control, score
from tests.web.rows import PATHS

pytestmark = pytest.mark.anyio

CONTROLS = PATHS[CONTROL_PROFILES.name]
SCUBA: JsonObject = {"provider": "ScubaGear", "vendor": "CISA"}


async def page(api: Api, link: str, *, token: str | None = None, **headers: str) -> dict[str, Any]:
    reply = await api.send("GET", link, token=token, headers=headers)
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    assert ("@odata.nextLink" in body) != ("@odata.deltaLink" in body)
    return body


async def rounds(api: Api, link: str, *, token: str | None = None) -> tuple[list[list[str]], list[str], str]:
    """Read to the end of a round: the ids of each page, those removed, and the link to the next round."""
    pages, removed = [], []
    while True:
        body = await page(api, link, token=token)
        pages.append([row["id"] for row in body["value"] if "@removed" not in row])
        removed += [row["id"] for row in body["value"] if row.get("@removed") == {"reason": "deleted"}]
        if "@odata.deltaLink" in body:
            return pages, removed, body["@odata.deltaLink"]
        link = body["@odata.nextLink"]


@pytest.mark.parametrize("spelling", ["delta", "delta()", "microsoft.graph.delta()", "Delta()"])
@pytest.mark.parametrize("entity_set", [SECURE_SCORES, CONTROL_PROFILES, USER_PROFILES], ids=list(PATHS))
async def test_each_set_tells_everything_and_then_what_changed(
    api: Api, entity_set: EntitySet, spelling: str
) -> None:
    api.add({"id": "a"}, {"id": "b"}, {"id": "c"}, entity_set=entity_set)
    path = PATHS[entity_set.name]
    pages, _, link = await rounds(api, f"{path}/{spelling}?$top=2")
    assert pages == [["a", "b"], ["c"]]
    assert (await rounds(api, link))[:2] == ([[]], [])
    api.add({"id": "d"}, {"id": "e"}, entity_set=entity_set)
    await api.send("DELETE", f"{path}/b")
    pages, removed, link = await rounds(api, link)
    assert (pages, removed) == ([["d", "e"], []], ["b"])
    assert (await rounds(api, link))[:2] == ([[]], [])


async def test_a_page_of_changes_has_its_context_and_says_what_was_removed(api: Api) -> None:
    api.add(control("a"), control("b"))
    _, _, link = await rounds(api, f"{CONTROLS}/delta?$select=title")
    api.add(control("b", title="Another"))
    await api.send("DELETE", f"{CONTROLS}/a")
    body = await page(api, link)
    link = body.pop("@odata.deltaLink")
    assert link.startswith(f"{ORIGIN}{CONTROLS}/delta?$select=title&$deltatoken=")
    assert body == {
        "@odata.context": f"{ORIGIN}/v1.0/$metadata#security/secureScoreControlProfiles(id,title)/$delta",
        "value": [
            {"id": "b", "title": "Another"},
            {"@removed": {"reason": "deleted"}, "id": "a"},
        ],
    }


async def test_a_patch_is_told_with_the_entity_as_it_is_now(api: Api) -> None:
    api.add(control("a"), control("b"))
    _, _, link = await rounds(api, f"{CONTROLS}/delta")
    for comment in ("first", "second"):
        decision = {"comment": comment, "vendorInformation": MICROSOFT}
        reply = await api.send("PATCH", f"{CONTROLS}/a", json=decision)
        assert reply.status_code == 204
    (row,) = (await page(api, link))["value"]
    assert (row["id"], row["controlStateUpdates"][0]["comment"]) == ("a", "second")


async def test_what_was_deleted_and_made_again_is_told_as_there(api: Api) -> None:
    api.add(control("a"), control("b"))
    _, _, link = await rounds(api, f"{CONTROLS}/delta")
    for id in "ab":
        await api.send("DELETE", f"{CONTROLS}/{id}")
    api.add(control("a", title="Again"))
    pages, removed, _ = await rounds(api, link)
    assert (pages, removed) == ([["a"]], ["b"])


async def test_what_is_written_during_the_first_round_is_told_in_the_next(api: Api) -> None:
    api.add(*(control(id) for id in "bcdef"))
    first = await page(api, f"{CONTROLS}/delta?$top=2")
    api.add(control("a"), control("b", title="Another"))
    await api.send("DELETE", f"{CONTROLS}/c")
    await api.send("DELETE", f"{CONTROLS}/f")
    pages, removed, link = await rounds(api, first["@odata.nextLink"])
    assert (pages, removed) == ([["d", "e"]], [])
    pages, removed, _ = await rounds(api, link)
    assert ([id for ids in pages for id in ids], removed) == (["a", "b"], ["c", "f"])


async def test_a_round_ends_however_fast_others_write(api: Api) -> None:
    api.add(*(control(f"c{number}") for number in range(4)))
    _, _, link = await rounds(api, f"{CONTROLS}/delta?$top=1")
    api.add(*(control(f"c{number}", title="Another") for number in range(4)))
    for number in range(4):
        body = await page(api, link)
        assert [row["id"] for row in body["value"]] == [f"c{number}"]
        link = body.get("@odata.nextLink") or body["@odata.deltaLink"]
        api.add(control(f"new{number}"))
    assert "$deltatoken" in link
    pages, _, _ = await rounds(api, link)
    assert [id for ids in pages for id in ids] == ["new0", "new1", "new2", "new3"]


async def test_the_many_of_one_import_are_told_page_by_page(api: Api) -> None:
    _, _, link = await rounds(api, f"{CONTROLS}/delta")
    api.add(*(control(f"c{number:03}") for number in range(450)))
    pages, _, _ = await rounds(api, link)
    assert [len(ids) for ids in pages] == [200, 200, 50]
    assert len({id for ids in pages for id in ids}) == 450


async def test_a_page_of_changes_ends_where_its_bytes_do(api: Api) -> None:
    _, _, link = await rounds(api, f"{CONTROLS}/delta")
    api.add(control("gone"))
    api.add(*(control(f"{number}", remediation="x" * 3_000_000) for number in range(8)))
    await api.send("DELETE", f"{CONTROLS}/gone")
    first = await api.send("GET", link)
    assert len(first.content) <= 16 * 1024 * 1024
    assert [row["id"] for row in first.json()["value"]] == ["0", "1", "2", "3", "4"]
    pages, removed, _ = await rounds(api, first.json()["@odata.nextLink"])
    assert (pages, removed) == ([["5", "6", "7"]], ["gone"])


async def test_a_change_larger_than_a_page_is_told_alone(serve: Serve) -> None:
    async with serve(Settings(max_page_bytes=1000)) as api:
        _, _, link = await rounds(api, f"{CONTROLS}/delta")
        api.add(*(control(f"{number}", remediation="x" * 5000) for number in range(3)))
        assert (await rounds(api, link))[0] == [["0"], ["1"], ["2"]]


@pytest.mark.parametrize("token", ["latest", "Latest"])
async def test_latest_gives_a_link_without_the_entities(api: Api, token: str) -> None:
    api.add(control("a"))
    pages, removed, link = await rounds(api, f"{CONTROLS}/delta?$deltatoken={token}")
    assert (pages, removed) == ([[]], [])
    api.add(control("b"))
    assert (await rounds(api, link))[0] == [["b"]]


async def test_who_may_see_one_provider_is_told_of_that_provider_only(api: Api) -> None:
    token = api.token(provider="scubagear")
    api.add(control("a"), control("b", vendorInformation=SCUBA), control("c", vendorInformation=SCUBA))
    pages, _, link = await rounds(api, f"{CONTROLS}/delta?$top=1", token=token)
    assert pages == [["b"], ["c"]]
    await api.send("DELETE", f"{CONTROLS}/a")
    await api.send("DELETE", f"{CONTROLS}/b")
    api.add(control("d"), control("e", vendorInformation=SCUBA))
    pages, removed, _ = await rounds(api, link, token=token)
    assert ([id for ids in pages for id in ids], removed) == (["e"], ["b"])


async def test_what_becomes_another_providers_is_gone_for_who_may_see_the_former_only(api: Api) -> None:
    token = api.token(provider="ScubaGear")
    scores = PATHS[SECURE_SCORES.name]
    api.add(score(vendorInformation=SCUBA), entity_set=SECURE_SCORES)
    (row,) = (await page(api, f"{scores}/delta", token=token))["value"]
    _, _, link = await rounds(api, f"{scores}/delta", token=token)
    for provider, told in (("SecureScore", True), ("scubagear", False)):
        vendor: JsonObject = {"provider": provider, "vendor": "CISA"}
        reply = await api.send("PATCH", f"{scores}/{row['id']}", json={"vendorInformation": vendor})
        assert reply.status_code == 200
        pages, removed, link = await rounds(api, link, token=token)
        assert (pages, removed) == (([[]], [row["id"]]) if told else ([[row["id"]]], []))


async def test_what_went_and_came_back_between_two_rounds_is_told_as_there(api: Api) -> None:
    token = api.token(provider="ScubaGear")
    scores = PATHS[SECURE_SCORES.name]
    api.add(score(vendorInformation=SCUBA), entity_set=SECURE_SCORES)
    pages, _, link = await rounds(api, f"{scores}/delta", token=token)
    for provider in ("SecureScore", "ScubaGear"):
        vendor: JsonObject = {"provider": provider, "vendor": "CISA"}
        await api.send("PATCH", f"{scores}/{pages[0][0]}", json={"vendorInformation": vendor})
    assert (await rounds(api, link, token=token))[:2] == (pages, [])


async def test_a_control_that_makes_way_for_microsofts_is_told_where_it_is_now(api: Api) -> None:
    token = api.token(provider="ScubaGear")
    api.add(control("mfa", vendorInformation=SCUBA))
    _, _, mine = await rounds(api, f"{CONTROLS}/delta", token=token)
    _, _, every = await rounds(api, f"{CONTROLS}/delta")
    api.add(control("mfa"))
    assert (await rounds(api, mine, token=token))[:2] == ([["mfa@ScubaGear"]], ["mfa"])
    assert (await rounds(api, every))[:2] == ([["mfa", "mfa@ScubaGear"]], [])


def is_order_to_start_over(reply: httpx.Response, location: str) -> bool:
    assert reply.status_code == 410, reply.text
    assert reply.json()["error"]["code"] == "syncStateNotFound"
    return reply.headers["location"] == location


@pytest.mark.parametrize("name", ["$deltatoken", "$skiptoken"])
@pytest.mark.parametrize("token", ["x", "AAAA", "latest%20", "%F0%9F%98%80", "A" * 200])
async def test_a_garbled_token_is_410_with_the_address_to_start_over(api: Api, name: str, token: str) -> None:
    api.add(control("a"))
    reply = await api.send("GET", f"{CONTROLS}/delta?$select=title&$top=5&{name}={token}")
    over = f"{ORIGIN}{CONTROLS}/delta?$select=title&$top=5&$deltatoken="
    assert is_order_to_start_over(reply, over)
    assert (await rounds(api, over))[0] == [["a"]]


async def test_a_token_is_good_for_its_tenant_set_root_and_query_only(api: Api) -> None:
    api.add(control("a"))
    _, _, link = await rounds(api, f"{CONTROLS}/delta?$select=title")
    token = link.partition("$deltatoken=")[2]
    beta = CONTROLS.replace("v1.0", "beta")
    other_app = api.token(provider="SecureScore")
    for path, bearer in (
        (f"{CONTROLS}/delta?$select=title&$deltatoken={token}", api.token(tenant=OTHER_TENANT)),
        (f"{CONTROLS}/delta?$select=title&$deltatoken={token}", other_app),
        (f"{CONTROLS}/delta?$select=title&$skiptoken={token}", None),
        (f"{CONTROLS}/delta?$select=id&$deltatoken={token}", None),
        (f"{CONTROLS}/delta?$deltatoken={token}", None),
        (f"{beta}/delta?$select=title&$deltatoken={token}", None),
        (f"{PATHS[SECURE_SCORES.name]}/delta?$select=title&$deltatoken={token}", None),
    ):
        reply = await api.send("GET", path, token=bearer)
        assert reply.status_code == 410, path
    assert (await api.send("GET", f"{link}&$top=3")).status_code == 200


async def test_a_token_of_a_store_that_was_put_back_is_410(api: Api) -> None:
    api.add(control("a"))
    _, _, link = await rounds(api, f"{CONTROLS}/delta")
    over = f"{ORIGIN}{CONTROLS}/delta?$deltatoken="
    api.store.epoch = "another"
    assert is_order_to_start_over(await api.send("GET", link), over)


async def test_a_token_of_changes_that_are_not_there_is_410(api: Api) -> None:
    api.add(control("a"))
    _, _, link = await rounds(api, f"{CONTROLS}/delta")
    # As after a former copy of the database was put in the place of this one.
    api.database.execute("UPDATE tenants SET sequence = 1 WHERE tenant_id = $1", TENANT)
    assert is_order_to_start_over(await api.send("GET", link), f"{ORIGIN}{CONTROLS}/delta?$deltatoken=")


@pytest.mark.parametrize(
    ("options", "target", "word"),
    [
        ("$filter=id eq 'a'", "$filter", "$deltatoken, $format, $select, $skiptoken, $top"),
        ("$orderby=id", "$orderby", "allowed"),
        ("$skip=1", "$skip", "allowed"),
        ("$count=true", "$count", "allowed"),
        ("$top=0", "$top", "at least 1"),
        ("$deltatoken=latest&$skiptoken=x", "$deltatoken", "combined"),
    ],
)
async def test_what_a_round_does_not_know_is_refused_by_name(
    api: Api, options: str, target: str, word: str
) -> None:
    reply = await api.send("GET", f"{CONTROLS}/delta?{options}")
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert (error["target"], word in error["message"]) == (target, True)


async def test_the_size_of_pages_may_be_preferred(api: Api) -> None:
    api.add(*(control(id) for id in "abcde"))
    reply = await api.send("GET", f"{CONTROLS}/delta", headers={"Prefer": "odata.maxpagesize=2"})
    assert [row["id"] for row in reply.json()["value"]] == ["a", "b"]
    assert reply.headers["preference-applied"] == "odata.maxpagesize=2"
    assert (await rounds(api, reply.json()["@odata.nextLink"]))[0] == [["c", "d", "e"]]


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "PUT"])
async def test_changes_can_only_be_read(api: Api, method: str) -> None:
    reply = await api.send(method, f"{CONTROLS}/delta()", json={})
    assert (reply.status_code, reply.headers["allow"]) == (405, "GET, HEAD")


async def test_an_entity_named_delta_is_reached_in_parentheses(api: Api) -> None:
    api.add(control("delta"))
    assert (await api.send("GET", f"{CONTROLS}('delta')")).json()["id"] == "delta"
