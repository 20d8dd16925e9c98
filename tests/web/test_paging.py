"""Lists: every page once round gives each entity once and in its order, whatever the order asked for."""

import re
from urllib.parse import parse_qsl, quote_plus, urlsplit

import httpx
import pytest

from stanchion.model.edm import (
    CONTROL_PROFILES,
    SECURE_SCORES,
    USER_PROFILES,
    EntitySet,
    Primitive,
    StructuredType,
)
from stanchion.model.json_text import JsonObject
from tests.conftest import ORIGIN, Api, control, score
from tests.web.rows import PATHS, ROWS, SCORES, expected, flat, rows_of, sorts, walk

pytestmark = pytest.mark.anyio

SETS = pytest.mark.parametrize(
    "entity_set", [SECURE_SCORES, CONTROL_PROFILES, USER_PROFILES], ids=list(PATHS)
)


def plain_paths(kind: StructuredType, prefix: str = "") -> list[str]:
    found: list[str] = []
    for prop in kind.properties:
        if isinstance(prop.type, Primitive):
            found.append(prefix + prop.name)
        elif isinstance(prop.type, StructuredType):
            found += plain_paths(prop.type, f"{prefix}{prop.name}/")
    return found


@SETS
async def test_each_set_has_its_own_order(api: Api, entity_set: EntitySet) -> None:
    rows = rows_of(entity_set)
    api.add(*rows, entity_set=entity_set)
    pages = await walk(api, f"{PATHS[entity_set.name]}?$top=4")
    assert [len(page) for page in pages] == [4, 4, 4, 4, 4, 3]
    assert flat(pages) == expected(rows, entity_set, None, descending=False)


@pytest.mark.parametrize(
    ("entity_set", "by"),
    [
        pytest.param(entity_set, path, id=f"{entity_set.name}-{path}")
        for entity_set in (SECURE_SCORES, CONTROL_PROFILES, USER_PROFILES)
        for path in plain_paths(entity_set.type)
    ],
)
async def test_orderby_on_every_plain_property_visits_each_row_once_in_both_directions(
    api: Api, entity_set: EntitySet, by: str
) -> None:
    rows = rows_of(entity_set)
    api.add(*rows, entity_set=entity_set)
    path = PATHS[entity_set.name]
    for direction, descending in (("", False), (" asc", False), (" desc", True)):
        pages = await walk(api, f"{path}?$orderby={by}{direction}&$top=6")
        assert flat(pages) == expected(rows, entity_set, by, descending=descending)


async def test_several_keys_sort_one_after_the_other(api: Api) -> None:
    rows = rows_of(CONTROL_PROFILES)
    api.add(*rows)
    pages = await walk(
        api, f"{PATHS[CONTROL_PROFILES.name]}?$top=5&$orderby=deprecated desc, rank , maxScore DESC"
    )
    ordered = sorted(rows, key=sorts("id"))
    ordered.sort(key=sorts("maxScore"), reverse=True)
    ordered.sort(key=sorts("rank"))
    ordered.sort(key=sorts("deprecated"), reverse=True)
    assert flat(pages) == [row["id"] for row in ordered]


async def test_a_page_of_one_row_each_visits_each_row_once(api: Api) -> None:
    rows = rows_of(SECURE_SCORES)
    api.add(*rows, entity_set=SECURE_SCORES)
    pages = await walk(api, f"{SCORES}?$top=1")
    assert [len(page) for page in pages] == [1] * ROWS
    assert flat(pages) == expected(rows, SECURE_SCORES, None, descending=False)


@pytest.mark.parametrize(("top", "pages"), [(ROWS, 1), (ROWS + 1, 1), (ROWS - 1, 2), (5000, 1)])
async def test_a_link_is_there_only_while_there_is_more(api: Api, top: int, pages: int) -> None:
    api.add(*rows_of(SECURE_SCORES), entity_set=SECURE_SCORES)
    assert len(await walk(api, f"{SCORES}?$top={top}")) == pages


async def test_top_0_is_an_empty_page_without_a_link(api: Api) -> None:
    api.add(score(), entity_set=SECURE_SCORES)
    reply = await api.send("GET", f"{SCORES}?$top=0&$count=true")
    assert reply.json() == {
        "@odata.context": f"{ORIGIN}/v1.0/$metadata#security/secureScores",
        "@odata.count": 1,
        "value": [],
    }


async def test_an_empty_set_is_an_empty_page(api: Api) -> None:
    reply = await api.send("GET", SCORES)
    assert reply.json()["value"] == []
    assert "@odata.nextLink" not in reply.json()


@pytest.mark.parametrize(
    ("entity_set", "size"), [(SECURE_SCORES, 100), (CONTROL_PROFILES, 200), (USER_PROFILES, 100)]
)
async def test_a_page_without_top_has_the_size_of_its_set(api: Api, entity_set: EntitySet, size: int) -> None:
    rows: list[JsonObject] = [{"id": f"{number:04}"} for number in range(size + 1)]
    api.add(*rows, entity_set=entity_set)
    pages = []
    reply = await api.send("GET", PATHS[entity_set.name])
    pages.append(len(reply.json()["value"]))
    assert "$top" not in reply.json()["@odata.nextLink"]
    reply = await api.send("GET", reply.json()["@odata.nextLink"])
    pages.append(len(reply.json()["value"]))
    assert pages == [size, 1]


async def test_top_over_999_is_clamped(api: Api) -> None:
    api.add(*(control(f"{number:04}") for number in range(1001)))
    reply = await api.send("GET", f"{PATHS[CONTROL_PROFILES.name]}?$top=100000&$select=id")
    assert len(reply.json()["value"]) == 999


async def test_a_page_ends_where_its_bytes_do(api: Api) -> None:
    api.add(*(control(f"{number}", remediation="x" * 3_000_000) for number in range(8)))
    reply = await api.send("GET", PATHS[CONTROL_PROFILES.name])
    assert len(reply.content) <= 16 * 1024 * 1024
    assert [row["id"] for row in reply.json()["value"]] == ["0", "1", "2", "3", "4"]
    rest = await api.send("GET", reply.json()["@odata.nextLink"])
    assert [row["id"] for row in rest.json()["value"]] == ["5", "6", "7"]


@pytest.mark.parametrize("skip", [0, 1, 7, ROWS - 1, ROWS, ROWS + 5, 10**30])
async def test_skip_leaves_out_the_first_rows_once(api: Api, skip: int) -> None:
    rows = rows_of(SECURE_SCORES)
    api.add(*rows, entity_set=SECURE_SCORES)
    pages = await walk(api, f"{SCORES}?$skip={skip}&$top=6")
    assert flat(pages) == expected(rows, SECURE_SCORES, None, descending=False)[skip:]


async def test_count_is_of_the_whole_set_on_every_page(api: Api) -> None:
    api.add(*rows_of(SECURE_SCORES), entity_set=SECURE_SCORES)
    reply = await api.send("GET", f"{SCORES}?$count=true&$top=10&$skip=2")
    assert reply.json()["@odata.count"] == ROWS
    reply = await api.send("GET", reply.json()["@odata.nextLink"])
    assert reply.json()["@odata.count"] == ROWS
    assert "@odata.count" not in (await api.send("GET", f"{SCORES}?$count=false")).json()


@pytest.mark.parametrize("option", ["", "?$top=1", "?$skip=5&$top=0", "?$orderby=id&$count=true"])
async def test_count_as_a_path_is_plain_text_of_the_whole_set(api: Api, option: str) -> None:
    api.add(*rows_of(SECURE_SCORES), entity_set=SECURE_SCORES)
    reply = await api.send("GET", f"{SCORES}/$count{option}", headers={"Accept": "text/plain;q=0.9"})
    assert (reply.status_code, reply.text) == (200, str(ROWS))
    assert reply.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("length", [255, 256, 257, 100_000])
async def test_a_link_stays_short_however_long_the_text_that_is_ordered_by(api: Api, length: int) -> None:
    texts = ["é" * length, "\n" * length, "a" * length, None, "b", "a" * length + "b"]
    api.add(*(control(f"{number}", remediation=text) for number, text in enumerate(texts)))
    path = PATHS[CONTROL_PROFILES.name]
    # Beyond 256 characters the id decides.
    downwards = "045213" if length < 256 else "042513"
    for order, ids in (("remediation", "312540"), ("remediation desc", downwards)):
        link = f"{path}?$orderby={order},remediationImpact&$select=id&$top=1"
        assert flat(await walk(api, link)) == list(ids)
        assert len(await link_of(api, link)) < 4096


async def test_a_link_of_many_long_texts_can_be_followed(api: Api) -> None:
    names = ("title", "service", "tier", "remediation", "remediationImpact", "userImpact", "actionUrl")
    for id in "abc":
        api.add(control(id, **dict.fromkeys(names, "\U0001f600" * 300)))
    url = f"{PATHS[CONTROL_PROFILES.name]}?$orderby={','.join(names)}&$select=id&$top=1"
    assert len(await link_of(api, url)) < 4096
    assert flat(await walk(api, url)) == ["a", "b", "c"]


async def link_of(api: Api, url: str) -> str:
    link: str = (await api.send("GET", url)).json()["@odata.nextLink"]
    return link


async def test_the_link_is_absolute_and_repeats_the_options_with_a_literal_dollar(api: Api) -> None:
    api.add(*rows_of(SECURE_SCORES), entity_set=SECURE_SCORES)
    link = await link_of(
        api,
        "/V1.0/SECURITY/securescores?%24top=2&%24SELECT=id,currentScore&custom=1&%24orderby=maxScore+desc",
    )
    assert re.fullmatch(
        re.escape(f"{ORIGIN}/v1.0/security/secureScores?$select=id%2CcurrentScore&$orderby=maxScore%20desc")
        + re.escape("&$top=2&$skiptoken=")
        + r"[A-Za-z0-9_-]+",
        link,
    )


@pytest.mark.parametrize("top", [1, 3, 50])
async def test_a_changed_top_on_a_link_is_taken(api: Api, top: int) -> None:
    rows = rows_of(SECURE_SCORES)
    api.add(*rows, entity_set=SECURE_SCORES)
    link = (await link_of(api, f"{SCORES}?$top=5")).replace("$top=5", f"$top={top}")
    reply = await api.send("GET", link)
    found = [row["id"] for row in reply.json()["value"]]
    assert found == expected(rows, SECURE_SCORES, None, descending=False)[5:][:top]


async def test_a_top_added_to_a_link_without_one_is_taken(api: Api) -> None:
    api.add(
        *(score(f"2026-{1 + day // 28:02}-{1 + day % 28:02}") for day in range(120)), entity_set=SECURE_SCORES
    )
    reply = await api.send("GET", await link_of(api, SCORES) + "&$top=7")
    assert len(reply.json()["value"]) == 7


async def test_a_link_encoded_anew_as_powershell_does_is_followed(api: Api) -> None:
    rows = rows_of(SECURE_SCORES)
    api.add(*rows, entity_set=SECURE_SCORES)
    link = await link_of(api, f"{SCORES}?$orderby=currentScore desc&$select=id,maxScore&$top=10")
    parts = urlsplit(link)
    options = [(name, "4" if name == "$top" else text) for name, text in parse_qsl(parts.query)]
    again = "&".join(f"{quote_plus(name)}={quote_plus(text)}" for name, text in reversed(options))
    reply = await api.send("GET", f"{parts.path}?{again}")
    found = [row["id"] for row in reply.json()["value"]]
    assert found == expected(rows, SECURE_SCORES, "currentScore", descending=True)[10:14]


async def test_rows_written_meanwhile_move_nothing(api: Api) -> None:
    api.add(*(control(f"m{number}") for number in range(6)))
    path = PATHS[CONTROL_PROFILES.name]
    first = await api.send("GET", f"{path}?$top=3")
    api.add(control("a-before"), control("z-after"))
    await api.send("DELETE", f"{path}/m2")
    rest = await walk(api, first.json()["@odata.nextLink"])
    assert flat(rest) == ["m3", "m4", "m5", "z-after"]


@pytest.mark.parametrize("headers", [{}, {"Accept": "*/*"}, {"Prefer": "return=representation"}])
async def test_a_link_is_followed_whatever_the_client_sends_with_it(
    api: Api, headers: dict[str, str]
) -> None:
    api.add(*rows_of(SECURE_SCORES), entity_set=SECURE_SCORES)
    reply: httpx.Response = await api.send("GET", await link_of(api, f"{SCORES}?$top=20"), headers=headers)
    assert len(reply.json()["value"]) == 3
