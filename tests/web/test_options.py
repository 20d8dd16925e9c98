"""Query options as they are served: without `$`, empty pages, nested names, sizes of pages that a client prefers."""

import pytest

from stanchion.model.edm import SECURE_SCORES
from tests.conftest import ORIGIN, TENANT, Api, control, score
from tests.web.refusals import assert_refused
from tests.web.rows import flat, walk

pytestmark = pytest.mark.anyio

SCORES = "/v1.0/security/secureScores"
CONTROLS = "/v1.0/security/secureScoreControlProfiles"
FIVE = [control(name, maxScore=float(rank), rank=rank) for rank, name in enumerate("abcde")]


@pytest.mark.parametrize("root", ["v1.0", "beta"])
async def test_options_may_come_without_their_dollar_sign(api: Api, root: str) -> None:
    api.add(*FIVE)
    query = "filter=maxScore ge 1&OrderBy=maxScore desc&top=2&Count=true&select=id&skip=1"
    reply = await api.send("GET", f"/{root}/security/secureScoreControlProfiles?{query}")
    assert reply.json()["value"] == [{"id": "d"}, {"id": "c"}]
    assert reply.json()["@odata.count"] == 4
    link = reply.json()["@odata.nextLink"]
    assert "$filter=" in link
    assert [row["id"] for row in (await api.send("GET", link)).json()["value"]] == ["b"]


@pytest.mark.parametrize(
    ("query", "status", "named"),
    [
        ("top=1&$top=1", 400, "'$top' is given twice"),
        ("$SELECT=id&select=id", 400, "'$select' is given twice"),
        ("search=x", 501, "$search"),
        ("$search=x", 501, "$search"),
        ("$schemaversion=1", 404, "version '1' of the schema"),
        ("schemaversion=1", 404, "version '1' of the schema"),
    ],
)
async def test_an_option_means_the_same_with_and_without_its_dollar_sign(
    api: Api, query: str, status: int, named: str
) -> None:
    for path in (SCORES, f"{SCORES}/$count"):
        await assert_refused(api, api.send("GET", f"{path}?{query}"), status, named)


@pytest.mark.parametrize("query", ["api-version=1", "foo=bar&foo=baz", "topmost=x", "$schemaversion=*"])
async def test_a_name_that_is_no_option_means_nothing(api: Api, query: str) -> None:
    api.add(*FIVE)
    plain = await api.send("GET", f"{CONTROLS}?$top=2")
    assert (await api.send("GET", f"{CONTROLS}?$top=2&{query}")).content == plain.content


@pytest.mark.parametrize(
    ("query", "count"),
    [("", 5), ("&$filter=maxScore ge 2", 3), ("&$orderby=maxScore desc", 5), ("&$skip=1", 5)],
)
async def test_a_page_of_no_rows_has_the_count_and_no_link(api: Api, query: str, count: int) -> None:
    api.add(*FIVE)
    reply = await api.send("GET", f"{CONTROLS}?$top=0&$count=true{query}")
    assert reply.json()["value"] == []
    assert reply.json()["@odata.count"] == count
    assert "@odata.nextLink" not in reply.json()


@pytest.mark.parametrize("option", ["$search=x", "search=x"])
async def test_a_count_filters_and_does_not_search(api: Api, option: str) -> None:
    api.add(*FIVE)
    reply = await api.send("GET", f"{CONTROLS}/$count?$filter=maxScore ge 2")
    assert (reply.text, reply.headers["content-type"]) == ("3", "text/plain;charset=utf-8")
    await assert_refused(api, api.send("GET", f"{CONTROLS}/$count?{option}"), 501, "$search")


NESTED = [
    ("vendorInformation/provider", "vendorInformation/provider"),
    ("vendorInformation($select=provider)", "vendorInformation/provider"),
    ("vendorInformation(select=provider)", "vendorInformation/provider"),
]


@pytest.mark.parametrize(("select", "told"), NESTED)
async def test_select_cuts_a_complex_property_to_what_is_named_within(
    api: Api, select: str, told: str
) -> None:
    api.add(score(), entity_set=SECURE_SCORES)
    page = await api.send("GET", f"{SCORES}?$select={select}")
    assert page.json()["value"] == [{"vendorInformation": {"provider": "SecureScore"}}]
    assert page.json()["@odata.context"] == f"{ORIGIN}/v1.0/$metadata#security/secureScores({told})"
    item = await api.send("GET", f"{SCORES}/{TENANT}_2026-01-31?$select={select}")
    assert item.json()["vendorInformation"] == {"provider": "SecureScore"}
    assert item.json()["@odata.context"] == f"{ORIGIN}/v1.0/$metadata#security/secureScores({told})/$entity"


async def test_select_within_a_collection_cuts_each_item_also_to_open_names(api: Api) -> None:
    scores = [{"controlName": "A", "score": 1.0, "count": "5"}, {"controlName": "B", "score": 2.0}]
    api.add(score(controlScores=scores), entity_set=SECURE_SCORES)
    reply = await api.send("GET", f"{SCORES}?$select=controlScores($select=score,count),currentScore")
    assert reply.json()["value"] == [
        {"controlScores": [{"score": 1.0, "count": "5"}, {"score": 2.0}], "currentScore": 12.5}
    ] or reply.json()["value"] == [
        {"currentScore": 12.5, "controlScores": [{"score": 1.0, "count": "5"}, {"score": 2.0}]}
    ]
    assert reply.json()["@odata.context"].endswith("(controlScores/score,controlScores/count,currentScore)")


async def test_a_next_link_carries_a_nested_select(api: Api) -> None:
    api.add(score("2026-01-30"), score(), entity_set=SECURE_SCORES)
    first = await api.send("GET", f"{SCORES}?$top=1&$select=vendorInformation($select=vendor)")
    second = await api.send("GET", first.json()["@odata.nextLink"])
    assert first.json()["value"] == second.json()["value"] == [{"vendorInformation": {"vendor": "Microsoft"}}]


@pytest.mark.parametrize(
    ("prefer", "query", "sizes", "applied"),
    [
        ("odata.maxpagesize=2", "", [2, 2, 1], "odata.maxpagesize=2"),
        ("maxpagesize=2", "", [2, 2, 1], "maxpagesize=2"),
        ("OData.MaxPageSize=2, return=minimal", "", [2, 2, 1], "odata.maxpagesize=2"),
        ("odata.maxpagesize=2", "?$top=4", [2, 2, 1], "odata.maxpagesize=2"),
        ("odata.maxpagesize=2", "?$filter=maxScore ge 2", [2, 1], "odata.maxpagesize=2"),
        ("odata.maxpagesize=4", "?$top=3", [3, 2], None),
        ("odata.maxpagesize=1000", "", [5], None),
        ("odata.maxpagesize=0", "", [5], None),
        ("odata.maxpagesize=x", "", [5], None),
        ("respond-async, handling=strict, return=minimal", "", [5], None),
    ],
)
async def test_a_page_is_no_larger_than_the_caller_prefers(
    api: Api, *, prefer: str, query: str, sizes: list[int], applied: str | None
) -> None:
    api.add(*FIVE)
    link: str | None = f"{CONTROLS}{query}"
    found: list[int] = []
    while link is not None:
        reply = await api.send("GET", link, headers={"Prefer": prefer})
        assert (reply.status_code, reply.headers.get("preference-applied")) == (200, applied)
        found.append(len(reply.json()["value"]))
        link = reply.json().get("@odata.nextLink")
    assert found == sizes


async def test_what_a_page_prefers_is_forgotten_by_the_next_one(api: Api) -> None:
    api.add(*FIVE)
    first = await api.send("GET", CONTROLS, headers={"Prefer": "maxpagesize=2"})
    assert flat(await walk(api, first.json()["@odata.nextLink"])) == ["c", "d", "e"]


async def test_several_keys_and_nested_paths_sort_with_null_lowest(api: Api) -> None:
    rows = [
        score("2026-01-01", id="1", maxScore=1.0, vendorInformation={"vendor": "V", "provider": "b"}),
        score("2026-01-02", id="2", maxScore=None, vendorInformation={"vendor": "V", "provider": "b"}),
        score("2026-01-03", id="3", maxScore=2.0, vendorInformation=None),
        score("2026-01-04", id="4", maxScore=2.0, vendorInformation={"vendor": "V", "provider": "a"}),
    ]
    api.add(*rows, entity_set=SECURE_SCORES)
    query = "$orderby=vendorInformation/provider,maxScore desc&$top=1"
    assert flat(await walk(api, f"{SCORES}?{query}")) == ["3", "4", "1", "2"]
    query = "$orderby=maxScore desc,vendorInformation/provider desc&$top=1"
    assert flat(await walk(api, f"{SCORES}?{query}")) == ["4", "3", "1", "2"]
