"""Programs that cannot run here find in our answers all that they read.

Graph PowerShell, CIPP, ZeroTrustAssessment, M365-Assess, Power Query and a few scripts: their requests stand in
`recorded`.
"""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from typing import cast
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest

from stanchion.model.edm import SECURE_SCORES
from stanchion.model.json_text import JsonObject, JsonValue
from tests.conftest import MICROSOFT as FULL_VENDOR
from tests.conftest import ORIGIN, TENANT, Api, Serve
from tests.web.recorded import CIPP, MICROSOFT, POWER_QUERY, RECORDED, Recorded, powershell
from tests.web.recorded_tenant import CONTROLS, compared_score, fill, rich_control

pytestmark = pytest.mark.anyio


@pytest.fixture
async def api(serve: Serve) -> AsyncIterator[Api]:
    """A tenant with what Graph sends in earnest: comparisons, percentages, undeclared names, odd ids."""
    async with serve() as served:
        fill(served)
        yield served


def found(value: JsonValue, path: list[str]) -> Iterator[JsonValue]:
    """Yield what stands at a place; fails where a name on the way is absent."""
    if not path:
        yield value
        return
    name, rest = path[0], path[1:]
    if name == "*":
        assert isinstance(value, list)
        assert value
        for member in value:
            yield from found(member, rest)
    elif isinstance(value, list):
        yield from found(value[int(name)], rest)
    else:
        assert isinstance(value, dict)
        assert name in value
        yield from found(value[name], rest)


async def sent(api: Api, target: str, recorded: Recorded) -> httpx.Response:
    return await api.send(recorded.method, target, headers=dict(recorded.headers), json=recorded.body)


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded.name)
async def test_what_a_client_reads_is_there(api: Api, recorded: Recorded) -> None:
    response = await sent(api, recorded.target, recorded)

    assert response.status_code in recorded.statuses, response.text
    # Power Query gives up where one of them comes twice.
    assert response.headers.get_list("OData-Version") == ["4.0"]
    assert response.headers["request-id"]
    if response.status_code == 204:
        assert response.content == b""
        return
    assert response.headers["content-type"].startswith("application/json")
    for place, kind in recorded.reads.items():
        values = list(found(response.json(), place.split("/")))
        assert all(isinstance(value, kind) for value in values), f"{place}: {values}"


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded.name)
async def test_links_and_contexts_lead_back_to_where_the_client_asked(api: Api, recorded: Recorded) -> None:
    response = await sent(api, recorded.target, recorded)
    if response.status_code == 204:
        return
    root = recorded.target.split("/")[1]
    for name in ("@odata.context", "@odata.nextLink"):
        assert response.json().get(name, f"{ORIGIN}/{root}/").startswith(f"{ORIGIN}/{root}/")


def powershell_link(link: str, top: int) -> str:
    """Return the link as Graph PowerShell rewrites it for the last page that it wants: all encoded anew."""
    assert "$top" in link
    parts = urlsplit(link)
    query = [(name, str(top) if name == "$top" else value) for name, value in parse_qsl(parts.query)]
    return f"{parts.path}?{urlencode(query)}"


async def test_powershell_takes_the_last_page_shorter_by_rewriting_the_link(api: Api) -> None:
    headers = dict(powershell("Get-MgSecuritySecureScore_List"))
    first = (await api.send("GET", "/v1.0/security/secureScores?$top=2", headers=headers)).json()
    api.add(compared_score("2026-01-04"), entity_set=SECURE_SCORES)
    rest = (await api.send("GET", powershell_link(first["@odata.nextLink"], 1), headers=headers)).json()

    seen = [each["createdDateTime"][:10] for each in (*first["value"], *rest["value"])]
    assert seen == ["2026-01-03", "2026-01-02", "2026-01-01"]


async def test_m365_assess_takes_the_last_page_of_an_order_shorter_by_rewriting_the_link(api: Api) -> None:
    days = [f"{date(2026, 2, 1) + timedelta(days=number)}" for number in range(200)]
    api.add(*map(compared_score, days), entity_set=SECURE_SCORES)
    headers = dict(powershell("Get-MgSecuritySecureScore_List"))
    # `-Top 180 -Sort 'createdDateTime desc'`: a page of 100, then what is left by another $top in its link.
    target = "/v1.0/security/secureScores?$top=100&$orderby=createdDateTime desc"
    first = (await api.send("GET", target, headers=headers)).json()
    rewritten = powershell_link(first["@odata.nextLink"], 80)
    rest = (await api.send("GET", rewritten, headers=headers)).json()

    assert parse_qs(urlsplit(rewritten).query)["$orderby"] == ["createdDateTime desc"]
    assert [len(page["value"]) for page in (first, rest)] == [100, 80]
    scores = [*first["value"], *rest["value"]]
    assert [each["createdDateTime"][:10] for each in scores] == days[:-181:-1]
    assert all("scoreInPercentage" in earned for each in scores for earned in each["controlScores"])


async def test_scripts_that_ask_for_ninety_scores_get_ninety(api: Api) -> None:
    days = [f"{date(2026, 2, 1) + timedelta(days=number)}" for number in range(100)]
    api.add(*map(compared_score, days), entity_set=SECURE_SCORES)
    page = (await api.send("GET", "/v1.0/security/secureScores?$top=90")).json()

    assert [each["createdDateTime"][:10] for each in page["value"]] == days[:-91:-1]


async def test_m365_assess_reads_every_control_by_following_the_links(api: Api) -> None:
    api.add(*(rich_control(f"more-{number:03}") for number in range(290)))
    target, ids = "/v1.0/security/secureScoreControlProfiles?$top=250", []
    while target:
        page = (await api.send("GET", target)).json()
        ids += [each["id"] for each in page["value"]]
        target = page.get("@odata.nextLink", "").removeprefix(ORIGIN)

    assert len(ids) == len(set(ids)) == 290 + len(CONTROLS)


async def test_cipp_takes_the_first_score_for_the_newest_and_finds_its_controls(api: Api) -> None:
    scores = (
        await api.send("GET", "/beta/security/secureScores?$count=true&$top=7", headers=dict(CIPP))
    ).json()
    controls = (await api.send("GET", "/beta/security/secureScoreControlProfiles?$top=999")).json()
    newest = scores["value"][0]

    assert newest["createdDateTime"].startswith("2026-01-03")
    assert [each["basis"] for each in newest["averageComparativeScores"]] == ["AllTenants", "TotalSeats"]
    names = {each["controlName"] for each in newest["controlScores"]}
    assert names <= {each["id"] for each in controls["value"]}


async def test_cipp_pairs_the_answers_of_a_batch_with_its_requests_by_place(api: Api) -> None:
    requests = [
        {
            "id": number,
            "method": "PATCH",
            "url": f"security/secureScoreControlProfiles/{id}",
            "headers": {"Content-Type": "application/json"},
            "body": {"comment": "by a standard", "state": "thirdParty", "vendorInformation": MICROSOFT},
        }
        for number, id in enumerate([*CONTROLS, "no-such"] * 4, start=1)
    ]
    response = await api.send("POST", "/beta/$batch", headers=dict(CIPP), json={"requests": requests})

    assert response.status_code == 200
    answers = response.json()["responses"]
    assert [str(each["id"]) for each in answers] == [str(number) for number in range(1, 21)]
    taken = [each["status"] in {200, 204} for each in answers]
    assert taken == [True, True, True, True, False] * 4


async def test_cipp_strips_the_root_off_a_link_to_ask_for_it_in_a_batch(api: Api) -> None:
    page = (await api.send("GET", "/beta/security/secureScores?$top=2", headers=dict(CIPP))).json()
    relative = re.sub(rf"^{re.escape(ORIGIN)}/(v1\.0|beta)", "", page["@odata.nextLink"])
    requests = [{"id": 1, "method": "GET", "url": relative}]
    response = await api.send("POST", "/beta/$batch", headers=dict(CIPP), json={"requests": requests})

    (answer,) = response.json()["responses"]
    assert answer["status"] == 200
    assert [each["createdDateTime"][:10] for each in answer["body"]["value"]] == ["2026-01-01"]


async def test_zero_trust_assessment_takes_the_newest_update_for_the_state(api: Api) -> None:
    target = "/beta/security/secureScoreControlProfiles/AdminMFAV2"
    for state in ("ignored", "thirdParty"):
        decision: JsonObject = {"comment": "x", "state": state, "vendorInformation": MICROSOFT}
        await api.send("PATCH", target, json=decision)
    updates = (await api.send("GET", target)).json()["controlStateUpdates"]

    assert max(updates, key=lambda each: cast("str", each["updatedDateTime"]))["state"] == "ThirdParty"
    assert updates[0]["state"] == "ThirdParty"


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        ("of a reader", 404, "ResourceNotFound"),
        ("that is none", 401, "InvalidAuthenticationToken"),
        ("without the permission", 403, "Forbidden"),
    ],
)
async def test_zero_trust_assessment_tells_what_is_not_there_from_what_it_may_not_see(
    api: Api, token: str, status: int, code: str
) -> None:
    # 404 is "not applicable" to it, 401 and 403 "investigate".
    tokens = {
        "of a reader": api.token("SecurityEvents.Read.All"),
        "that is none": "not-a-token",
        "without the permission": api.token("Ledger.Import"),
    }
    response = await api.send(
        "GET",
        "/beta/security/secureScoreControlProfiles/scid_9999",
        token=tokens[token],
        headers=dict(powershell("Invoke-MgGraphRequest")),
    )

    assert response.status_code == status
    assert response.json()["error"]["code"] == code


async def test_power_query_follows_a_feed_to_its_end(api: Api) -> None:
    api.add(*(rich_control(f"more-{number:03}") for number in range(490)))
    target, sizes, ids = "/v1.0/security/secureScoreControlProfiles", [], []
    while target:
        response = await api.send("GET", target, headers=dict(POWER_QUERY))
        assert response.status_code == 200
        assert response.headers.get_list("OData-Version") == ["4.0"]
        page = response.json()
        sizes.append(len(page["value"]))
        ids += [each["id"] for each in page["value"]]
        link = page.get("@odata.nextLink", "")
        assert not link or link.startswith(f"{ORIGIN}/v1.0/security/secureScoreControlProfiles?")
        target = link.removeprefix(ORIGIN)

    assert sizes == [200, 200, 94]
    assert ids == sorted([*CONTROLS, *(f"more-{number:03}" for number in range(490))])


# It sends one Accept for everything, in which JSON weighs more than XML, and reads metadata as XML only.
@pytest.mark.parametrize("accept", [POWER_QUERY["Accept"], "application/xml"])
@pytest.mark.parametrize("root", ["v1.0", "beta"])
async def test_power_query_is_given_metadata_of_its_kind(api: Api, root: str, accept: str) -> None:
    response = await api.client.get(f"/{root}/$metadata", headers={**POWER_QUERY, "Accept": accept})

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/xml")
    assert "<edmx:Edmx" in response.text


async def test_the_wrapped_body_of_an_old_page_is_refused_with_the_reason(api: Api) -> None:
    body: JsonObject = {"secureScoreControlProfile": {"comment": "x", "vendorInformation": FULL_VENDOR}}
    response = await api.send("PATCH", "/v1.0/security/secureScoreControlProfiles/AdminMFAV2", json=body)

    assert response.status_code == 400
    assert response.json()["error"]["message"]


async def test_a_score_belongs_to_its_tenant_and_day_by_its_id(api: Api) -> None:
    page = (await api.send("GET", "/v1.0/security/secureScores")).json()

    assert [each["id"] for each in page["value"]] == [f"{TENANT}_2026-01-{day:02}" for day in (3, 2, 1)]
